//! Whether a site's cmdlets may be trusted with many membership rules.

use crate::configmgr::era;
use crate::site::SiteFacts;

/// The site version from which adding many rules in one call neither fails nor deletes existing ones: before
/// 1806 existing rules could go, before 1906 hundreds and before 2107 thousands in one call failed
/// (handover.md 3.1).
const MEMBERSHIP_RULES_SINCE: u32 = 2107;

/// What the site's version says about membership cmdlets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CmdletSupport {
    /// The known defects are mended.
    Supported,
    /// Nobody said the version, or it is not readable: scripts are made, with a warning.
    Unknown,
    /// The version has known defects: no script is made.
    TooOld {
        /// The version as given.
        found: String,
    },
}

/// No script is made for a site whose cmdlets have known defects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "membership cmdlets lose or refuse rules before site version 2107: expected 2107 or later, found \
 {found}"
)]
pub struct CmdletsUnsafe {
    /// The version as given.
    pub found: String,
}

impl CmdletSupport {
    /// What the version of that site says.
    #[must_use]
    pub fn of(site: Option<&SiteFacts>) -> Self {
        let version = site.and_then(|site| site.version.as_deref());
        match version.and_then(|version| Some((version, era(version)?))) {
            Some((found, era)) if era < MEMBERSHIP_RULES_SINCE => Self::TooOld { found: found.to_owned() },
            Some(_) => Self::Supported,
            None => Self::Unknown,
        }
    }

    /// # Errors
    /// [`CmdletsUnsafe`] when the version is known to have the defects.
    pub(super) fn require(&self) -> Result<(), CmdletsUnsafe> {
        match self {
            Self::TooOld { found } => Err(CmdletsUnsafe { found: found.clone() }),
            Self::Supported | Self::Unknown => Ok(()),
        }
    }
}
