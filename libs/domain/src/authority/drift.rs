//! The reported authority, and where it contradicts the effective one.

use jiff::Timestamp;

use crate::authority::decide::resource_access_fixed;
use crate::authority::{EffectiveAuthority, Reason};
use crate::capability::{Capabilities, CapabilityValue, reported_by_features};
use crate::facts::{DeviceFacts, Fact, SectionStamp};
use crate::policy::Surroundings;
use crate::section::Source;
use crate::state::is_co_managed;
use crate::workload::{ManagementAuthority, PerWorkload, Workload};

/// The capability value that the site last read from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteReport {
    /// What its bits say, or the text itself where that is no capability value.
    pub value: Result<Capabilities, String>,
    /// The section that said it: an index into [`DeviceFacts::sections`].
    pub section: u8,
}

/// What the client last reported, on each of the two ways. `None`: that way carried nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Through the site.
    pub site: Option<SiteReport>,
    /// Through Intune: true is "Intune decides"; a flag that the API version does not carry is `None`, never false.
    pub cloud: Option<PerWorkload<Option<bool>>>,
}

/// Reads both reports; they are shown for every device, comparable or not.
#[must_use]
pub fn reported(facts: &DeviceFacts) -> Reported {
    Reported {
        site: facts.capability_text.as_ref().map(|fact| SiteReport {
            value: CapabilityValue::parse(&fact.value)
                .map(CapabilityValue::decode)
                .map_err(|_| fact.value.clone()),
            section: fact.section,
        }),
        cloud: facts.client_features.as_ref().map(|fact| reported_by_features(&fact.value)),
    }
}

/// Who decided each workload by the newest report that says anything of it; of two of the same moment the site's. `None`: no
/// report does.
#[must_use]
pub fn latest_reports(facts: &DeviceFacts) -> PerWorkload<Option<ManagementAuthority>> {
    let newest = newest_reports(facts);
    PerWorkload::from_fn(|workload| newest[workload].map(|(authority, _)| authority))
}

/// The same with the moment of each. What was said at no known moment is left out.
#[must_use]
pub fn dated_reports(facts: &DeviceFacts) -> PerWorkload<Option<(ManagementAuthority, Timestamp)>> {
    let newest = newest_reports(facts);
    PerWorkload::from_fn(|workload| {
        let (authority, at) = newest[workload]?;
        Some((authority, at?))
    })
}

fn newest_reports(facts: &DeviceFacts) -> PerWorkload<Option<(ManagementAuthority, Option<Timestamp>)>> {
    let reported = reported(facts);
    let site = reported.site.and_then(|site| site.value.ok()).map(|value| value.reported());
    let at = |stamp: Option<&SectionStamp>| stamp.map(|stamp| stamp.observed_at);
    let site_at = at(facts.capability_text.as_ref().and_then(|fact| facts.origin(fact)));
    let cloud_at = at(facts.client_features.as_ref().and_then(|fact| facts.origin(fact)));
    PerWorkload::from_fn(|workload| {
        let by_site = site.as_ref().and_then(|flags| said_of(flags, workload)).map(|said| (said, site_at));
        let by_cloud = reported.cloud.as_ref().and_then(|flags| said_of(flags, workload));
        let by_cloud = by_cloud.map(|said| (said, cloud_at));
        if cloud_at > site_at { by_cloud.or(by_site) } else { by_site.or(by_cloud) }
    })
}

/// A report that says otherwise than the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Which workload.
    pub workload: Workload,
    /// Who should decide it.
    pub effective: ManagementAuthority,
    /// Who decided it when the device last reported.
    pub reported: ManagementAuthority,
    /// Who passed the report on.
    pub source: Source,
    /// When.
    pub observed_at: Timestamp,
}

/// Compares both reports with the effective authority: first the site's, then Intune's, each in the order of
/// [`Workload::ALL`].
///
/// Only devices that are co-managed by the query rule and not in coexistence are judged, and only what a report can say
/// \[derived, states.md 8\].
#[must_use]
pub fn drift(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    effective: &EffectiveAuthority,
) -> Vec<Drift> {
    if !is_co_managed(facts, surroundings.tenant) {
        return Vec::new();
    }
    let has_resource_access_slider = resource_access_fixed(surroundings.site) == Some(false);
    let reported = reported(facts);
    let site = reported.site.and_then(|site| site.value.ok()).map(|value| value.reported());
    let by_site = contradictions(facts, effective, &facts.capability_text, site.as_ref());
    let by_cloud = contradictions(facts, effective, &facts.client_features, reported.cloud.as_ref());
    by_site
        .into_iter()
        .chain(by_cloud)
        .filter(|drift| has_resource_access_slider || drift.workload != Workload::ResourceAccessPolicies)
        .collect()
}

/// One report against the effective authority.
fn contradictions<T>(
    facts: &DeviceFacts,
    effective: &EffectiveAuthority,
    report: &Option<Fact<T>>,
    flags: Option<&PerWorkload<Option<bool>>>,
) -> Vec<Drift> {
    let stamp = report.as_ref().and_then(|fact| facts.origin(fact));
    let Some((stamp, flags)) = stamp.zip(flags) else {
        return Vec::new();
    };
    let contradiction = |workload: Workload| {
        let decision = effective.workloads[workload];
        let decided = matches!(
            decision.authority,
            ManagementAuthority::Intune | ManagementAuthority::ConfigurationManager
        );
        let reported = said_of(flags, workload)?;
        let compared = decided && decision.reason != Reason::BundledWithDeviceConfiguration;
        (compared && reported != decision.authority).then(|| Drift {
            workload,
            effective: decision.authority,
            reported,
            source: stamp.source.clone(),
            observed_at: stamp.observed_at,
        })
    };
    Workload::ALL.into_iter().filter_map(contradiction).collect()
}

/// What a report says of one workload.
///
/// A clear flag of a sub-workload says nothing beside a set one of device configuration: no source says whether the clients
/// also set the flags of what moves along (dispute `device_configuration_bundle_bits`).
pub(super) fn said_of(flags: &PerWorkload<Option<bool>>, workload: Workload) -> Option<ManagementAuthority> {
    if flags[workload]? {
        return Some(ManagementAuthority::Intune);
    }
    let bundled = workload.included_in().is_some_and(|carrier| flags[carrier] == Some(true));
    (!bundled).then_some(ManagementAuthority::ConfigurationManager)
}
