//! The tenant-wide stop: while it holds, no rollout of the tenant hands anything over, takes anything back or is judged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::PrincipalId;

/// Everything in the tenant stands still, because a person said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Who.
    pub by: PrincipalId,
    /// Why, in their words.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a tenant is not frozen, or not thawed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeRefused {
    /// It is frozen already; who did it stays on record.
    #[error("expected a tenant that is not frozen; found it frozen by {} since {}", .0.by, .0.since)]
    AlreadyFrozen(Freeze),
    /// It is not frozen.
    #[error("expected a frozen tenant; found one that is not")]
    NotFrozen,
    /// A reason is asked for.
    #[error("freeze: expected a reason; found none")]
    ReasonMissing,
}

impl FreezeRefused {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyFrozen(_) => "TENANT_FROZEN",
            Self::NotFrozen => "TENANT_NOT_FROZEN",
            Self::ReasonMissing => "FREEZE_REASON_MISSING",
        }
    }
}

impl Freeze {
    /// Freezes everything in a tenant. `current`: its freeze, if it has one.
    ///
    /// # Errors
    /// It is frozen already, or no reason is given.
    pub fn begin(
        current: Option<&Self>,
        by: PrincipalId,
        why: &str,
        at: Timestamp,
    ) -> Result<Self, FreezeRefused> {
        match (current, why.trim()) {
            (Some(freeze), _) => Err(FreezeRefused::AlreadyFrozen(freeze.clone())),
            (None, "") => Err(FreezeRefused::ReasonMissing),
            (None, why) => Ok(Self { by, why: why.to_owned(), since: at }),
        }
    }

    /// Thaws a tenant, and says what held it.
    ///
    /// # Errors
    /// It is not frozen.
    pub fn end(current: Option<Self>) -> Result<Self, FreezeRefused> {
        current.ok_or(FreezeRefused::NotFrozen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> PrincipalId {
        PrincipalId::parse("ada").unwrap()
    }

    #[test]
    fn tenant_is_frozen_once_with_a_reason_and_thawed_once() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(Freeze::begin(None, ada(), "  ", at), Err(FreezeRefused::ReasonMissing));
        let freeze = Freeze::begin(None, ada(), " outage ", at).unwrap();
        assert_eq!(freeze, Freeze { by: ada(), why: "outage".into(), since: at });
        let again = Freeze::begin(Some(&freeze), ada(), "again", at);
        assert_eq!(again, Err(FreezeRefused::AlreadyFrozen(freeze.clone())));
        assert_eq!(Freeze::end(Some(freeze.clone())), Ok(freeze));
        assert_eq!(Freeze::end(None), Err(FreezeRefused::NotFrozen));
    }
}
