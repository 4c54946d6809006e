//! What stops co-management on each path, and what mends it.
//!
//! The rules are data (`data/prerequisites.toml`, read by [`catalogue()`]); what decides a rule is a typed function per rule,
//! grouped by scope: [`TenantCheck`], [`SiteCheck`], [`DeviceCheck`], [`UserCheck`], [`ActionCheck`]. A rule whose facts are missing is
//! [`Outcome::Unknown`]: never passed, and failed only where the facts at hand already decide it.
//!
//! Rules of scope *user* and *action* are judged by what the asker says of the person ([`UserCheck`], [`ActionCheck`]): no source
//! tells about single people, so they are in no report of a device, and stop nobody in a fleet's counts.
//!
//! Not for: deciding who has authority ([`crate::authority`]) or which state a device is in ([`crate::state`]).

mod action;
mod action_rules;
mod attestation;
mod catalogue;
mod device_rules;
mod evidence;
mod forecast;
mod hierarchy;
mod judged;
mod moment;
mod report;
mod site_rules;
mod stale;
mod tenant_rules;
mod text;
mod typed;
mod user_rules;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use self::tests::cases as test_worlds;

use jiff::Timestamp;

pub use self::action::{
    Action, Actor, HeldRole, InvalidRole, RoleName, Standing, action, actions, guarded_by,
};
pub use self::action_rules::{ActionCheck, ActionRule};
pub use self::attestation::attestable_rules;
pub use self::catalogue::{
    Area, FactDefinition, NonRequirement, Path, Rule, Scope, Severity, catalogue, fact_definitions,
    non_requirements, rule,
};
pub use self::device_rules::{DeviceCheck, DeviceRule};
pub use self::evidence::{Evidence, Witness, device_evidence, surroundings_evidence};
pub use self::forecast::{SupportEnd, forecast, site_support_end, windows_support_end};
pub use self::hierarchy::{HierarchyReport, WorstFinding, evaluate_hierarchy};
pub use self::judged::Judged;
pub use self::report::{Finding, Outcome, OutcomeKind, Report, Verdict};
pub use self::site_rules::{SiteCheck, SiteRule};
pub use self::stale::{Freshness, MaximumAges};
pub use self::tenant_rules::{TenantCheck, TenantRule};
pub use self::text::Text;
pub use self::user_rules::{License, PerUserMfa, UserCheck, UserFacts, UserRule};

use crate::facts::DeviceFacts;
use crate::policy::{CoManagementPolicy, Surroundings};
use crate::site::SiteFacts;
use crate::tenant::TenantFacts;

/// Judges the tenant rules of a path. Days are counted in UTC.
pub fn evaluate_tenant(tenant: &TenantFacts, path: Path, as_of: Timestamp) -> Report {
    TenantCheck::new(tenant, as_of).report(path)
}

/// Judges the site rules of a path. `policy` is the configured policy of the site's hierarchy; the tenant gives the cloud
/// and the attestations. Days are counted in UTC.
pub fn evaluate_site(
    site: &SiteFacts,
    policy: Option<&CoManagementPolicy>,
    tenant: &TenantFacts,
    path: Path,
    as_of: Timestamp,
) -> Report {
    SiteCheck::new(site, policy, tenant, as_of).report(path)
}

/// Judges the device rules of a path; rules of scope user and action are in no report. For several paths of one device make one
/// [`DeviceCheck`] and ask it for each report: it computes what the paths share once. Days are counted in UTC.
pub fn evaluate_device(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    path: Path,
    as_of: Timestamp,
) -> Report {
    DeviceCheck::new(facts, surroundings, as_of).report(path)
}
