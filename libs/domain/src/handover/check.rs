//! What to verify afterwards: `data/handover_checks.csv`, which is the table of handover.md 5.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Creation, Handover};
use crate::table;

static CHECKS: LazyLock<Vec<Check>> =
    LazyLock::new(|| table::rows(include_str!("../../data/handover_checks.csv")));

/// After which work a claim is to be verified \[derived\].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckAfter {
    /// After steps in the console, and after a first policy.
    Policy,
    /// After changes of members.
    Membership,
    /// After either.
    Either,
}

/// Something that has to hold when the work is done, and where to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Check {
    /// Its stable name.
    pub id: &'static str,
    /// What has to hold.
    pub claim: &'static str,
    /// After which work.
    pub after: CheckAfter,
    /// Where the site shows it.
    pub at_site: &'static str,
    /// Where the client or the cloud shows it; `None`: nowhere.
    pub at_client_or_cloud: Option<&'static str>,
}

/// Every check, in the order of the table.
#[must_use]
pub fn checks() -> &'static [Check] {
    &CHECKS
}

/// What to verify after that work.
pub(super) fn after(handover: &Handover) -> Vec<&'static Check> {
    let policy = !handover.console.is_empty() || handover.creation != Creation::NotNeeded;
    let membership = !handover.memberships.is_empty();
    let concerns = |check: &&Check| match check.after {
        CheckAfter::Policy => policy,
        CheckAfter::Membership => membership,
        CheckAfter::Either => policy || membership,
    };
    CHECKS.iter().filter(concerns).collect()
}
