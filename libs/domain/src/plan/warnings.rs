//! The warnings of a plan: what the fact pack says that a change of sliders does not do, leaves behind, or takes from others.
//!
//! Judged are the two policies, the versions and settings of the hierarchy's sites, and what its operator said of the tenant
//! ([`PlanFacts`]). A warning is given for what the plan *changes*: what stands as it stood is not warned of again, except where
//! the adopted policy may claim a position that the hierarchy does not offer.
//!
//! What is not known is no reason for silence: such a warning says what it depends on, and is dropped only when that is known
//! not to be so. From a position that nobody said nothing is known to go back; one warning says that.
//!
//! Invariants, each with a property test: a plan that changes nothing warns of no move; knowing more of the tenant or of client
//! settings never adds a warning that was not given, conditionally, before; warnings come in the order of [`WarningKind`].
//!
//! Not for: how many devices a plan moves, and which of its positions no hierarchy can hold.

mod change;
mod kind;
mod tenant;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use kind::WarningKind;
pub use tenant::PlanFacts;

use self::change::{Changes, Reach};
use self::tenant::Consumer;
use crate::citation::Citation;
use crate::configmgr::era;
use crate::id::CollectionId;
use crate::policy::{AutoEnrollment, CoManagementPolicy, ResourceAccessSlider};
use crate::site::SiteFacts;
use crate::workload::Workload::{
    ClientApps, CompliancePolicies, DeviceConfiguration, EndpointProtection, OfficeClickToRunApps,
    ResourceAccessPolicies, WindowsUpdatePolicies,
};
use crate::workload::{SliderPosition, Workload};

/// The site version from which resource access is deprecated
/// (`workloads.toml resource_access_policies.deprecated_since_site_version`).
const RESOURCE_ACCESS_DEPRECATED_SINCE: u32 = 2203;

/// Something that a plan does not do, leaves behind, or takes from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanWarning {
    /// What is warned of.
    pub kind: WarningKind,
    /// The workloads that it is about, in the order of [`Workload::ALL`]. Empty: the policy as a whole.
    pub workloads: Vec<Workload>,
    /// The collections that it is about; mostly none.
    pub collections: BTreeSet<CollectionId>,
    /// What nobody said and the warning hangs on. `None`: it holds.
    pub depends_on: Option<&'static str>,
}

impl PlanWarning {
    /// Its stable name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.kind.id()
    }

    /// Where the fact pack says so.
    #[must_use]
    pub const fn source(&self) -> Citation {
        self.kind.source()
    }
}

impl fmt::Display for PlanWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        let workloads = self.workloads.iter().map(|workload| workload.id());
        let names: Vec<&str> = workloads.chain(self.collections.iter().map(CollectionId::as_str)).collect();
        if !names.is_empty() {
            write!(f, ": {}", names.join(", "))?;
        }
        match self.depends_on {
            Some(on) => write!(f, "; depends on {on}"),
            None => Ok(()),
        }
    }
}

/// Everything that the fact pack warns of between `base` and `proposed`.
///
/// `base` is what the hierarchy's sliders stand at now; `None`: nobody said. `sites` are all sites of the hierarchy: their
/// versions and client settings count.
#[must_use]
pub fn warnings<'a>(
    base: Option<&CoManagementPolicy>,
    proposed: &CoManagementPolicy,
    sites: impl IntoIterator<Item = &'a SiteFacts>,
    facts: &PlanFacts,
) -> Vec<PlanWarning> {
    let sites: Vec<&SiteFacts> = sites.into_iter().collect();
    let resource_access = ResourceAccessSlider::of(sites.iter().copied());
    let changes = Changes::between(base, proposed, &resource_access);
    let plan = Plan { base, proposed, sites, resource_access, changes, facts };
    let mut warnings = Vec::new();
    plan.about_the_policy(&mut warnings);
    plan.about_resource_access(&mut warnings);
    plan.about_targets(&mut warnings);
    plan.towards_intune(&mut warnings);
    plan.about_the_bundle(&mut warnings);
    plan.about_pilots(&mut warnings);
    plan.towards_configuration_manager(&mut warnings);
    plan.about_consumers(&mut warnings);
    plan.about_delays(&mut warnings);
    warnings
}

/// What is known when warnings are sought.
struct Plan<'a> {
    base: Option<&'a CoManagementPolicy>,
    proposed: &'a CoManagementPolicy,
    sites: Vec<&'a SiteFacts>,
    resource_access: ResourceAccessSlider,
    changes: Changes,
    facts: &'a PlanFacts,
}

/// Adds a warning about those workloads, unless there are none.
fn warn(warnings: &mut Vec<PlanWarning>, kind: WarningKind, workloads: Vec<Workload>) {
    warn_if(warnings, kind, workloads, None);
}

/// The same, where it hangs on something that nobody said.
fn warn_if(
    warnings: &mut Vec<PlanWarning>,
    kind: WarningKind,
    workloads: Vec<Workload>,
    depends_on: Option<&'static str>,
) {
    if !workloads.is_empty() {
        warnings.push(PlanWarning { kind, workloads, collections: BTreeSet::new(), depends_on });
    }
}

impl Plan<'_> {
    fn about_the_policy(&self, warnings: &mut Vec<PlanWarning>) {
        let whole = |kind| PlanWarning {
            kind,
            workloads: Vec::new(),
            collections: BTreeSet::new(),
            depends_on: None,
        };
        let was_off = self.base.is_some_and(|base| base.enabled == Some(false));
        if self.proposed.enabled == Some(false) && !was_off {
            warnings.push(whole(WarningKind::TurningOffNotDocumented));
        }
        let unknown = self.changes.those(|change| change.from.is_none() && change.to != Reach::Intune);
        warn(warnings, WarningKind::BasePolicyUnknown, unknown);
    }

    fn about_resource_access(&self, warnings: &mut Vec<PlanWarning>) {
        let change = self.changes.of(ResourceAccessPolicies);
        let about = || vec![ResourceAccessPolicies];
        let on = Some("the versions of the hierarchy's sites");
        let is_off = self.proposed.enabled == Some(false);
        if self.resource_access == ResourceAccessSlider::Unknown && change.to != Reach::Intune && !is_off {
            warn_if(warnings, WarningKind::ResourceAccessMayBeFixed, about(), on);
        }
        if change.is_a_move() && !self.resource_access.is_fixed() {
            warn(warnings, WarningKind::ResourceAccessBlocksUpgrade, about());
        }
        let eras: Vec<_> = self.sites.iter().map(|site| era(site.version.as_deref()?)).collect();
        let is_deprecated = |era: &Option<u32>| *era >= Some(RESOURCE_ACCESS_DEPRECATED_SINCE);
        let returning = if change.returns() { about() } else { Vec::new() };
        if eras.iter().any(is_deprecated) {
            warn(warnings, WarningKind::ResourceAccessDeprecated, returning);
        } else if eras.is_empty() || eras.contains(&None) {
            warn_if(warnings, WarningKind::ResourceAccessDeprecated, returning, on);
        }
    }

    /// Nobody confirmed that the manager that takes over has its policies there.
    fn about_targets(&self, warnings: &mut Vec<PlanWarning>) {
        let intune = (WarningKind::IntunePolicyNotConfirmed, &self.facts.deployed_at_intune);
        let site = (
            WarningKind::ConfigurationManagerPolicyNotConfirmed,
            &self.facts.deployed_at_configuration_manager,
        );
        let to_intune = self.changes.those(change::Change::gains);
        let to_site = self.changes.those(change::Change::returns);
        for ((kind, deployed), moving) in [(intune, to_intune), (site, to_site)] {
            let said = |answer| moving.iter().copied().filter(|w| deployed[*w] == answer).collect();
            warn(warnings, kind, said(Some(false)));
            warn_if(warnings, kind, said(None), Some("whether they are deployed"));
        }
    }

    fn towards_intune(&self, warnings: &mut Vec<PlanWarning>) {
        let gains = |workload| self.changes.of(workload).gains();
        let about = |workload| if gains(workload) { vec![workload] } else { Vec::new() };
        if self.changes.of(CompliancePolicies).to == Reach::ConfigurationManager {
            let others = self.changes.those(change::Change::gains);
            warn(warnings, WarningKind::ComplianceFirst, others);
        }
        warn(warnings, WarningKind::SiteStopsReportingCompliance, about(CompliancePolicies));
        self.software_updates(warnings, WarningKind::SoftwareUpdateSettingStays, true, gains);
        warn(warnings, WarningKind::OfficeUpdatesTakeADay, about(OfficeClickToRunApps));
        warn(warnings, WarningKind::SiteSkipsOfficeDeployments, about(OfficeClickToRunApps));
        warn(warnings, WarningKind::ClientAppsNotExclusive, about(ClientApps));
        warn(warnings, WarningKind::BaselinesNeedMark, about(DeviceConfiguration));
        warn(warnings, WarningKind::EndpointPoliciesStayUntilOverwritten, about(EndpointProtection));
        warn(warnings, WarningKind::AntivirusInDeviceRestrictions, about(EndpointProtection));
    }

    /// The client setting does not follow the slider: `wrong` is what it must not be after the move.
    fn software_updates(
        &self,
        warnings: &mut Vec<PlanWarning>,
        kind: WarningKind,
        wrong: bool,
        moves: impl Fn(Workload) -> bool,
    ) {
        let settings = || self.sites.iter().map(|site| site.client_setting_software_updates);
        let about = if moves(WindowsUpdatePolicies) { vec![WindowsUpdatePolicies] } else { Vec::new() };
        if settings().any(|setting| setting == Some(wrong)) {
            warn(warnings, kind, about);
        } else if self.sites.is_empty() || settings().any(|setting| setting.is_none()) {
            warn_if(warnings, kind, about, Some("the client setting for software updates"));
        }
    }

    fn about_the_bundle(&self, warnings: &mut Vec<PlanWarning>) {
        let of = |workload| self.changes.of(workload);
        let (endpoint, device) = (of(EndpointProtection), of(DeviceConfiguration));
        let is_carried = |workload: &Workload| {
            let own = Reach::of(self.proposed.workloads[*workload].slider);
            let moved = device.is_a_move() || self.changes.slider_moved(*workload);
            workload.included_in() == Some(DeviceConfiguration) && own < device.to && moved
        };
        let fixed = self.resource_access.is_fixed();
        let movable = |workload: &Workload| !(fixed && *workload == ResourceAccessPolicies);
        let carried = Workload::ALL.into_iter().filter(movable).filter(is_carried);
        warn(warnings, WarningKind::CarriedAlong, carried.collect());
        if endpoint.to > device.to && (endpoint.is_a_move() || device.is_a_move()) {
            let both = || vec![EndpointProtection, DeviceConfiguration];
            warn(warnings, WarningKind::InformationProtectionFromBoth, both());
            warn(warnings, WarningKind::SettingsCatalogFollowsDeviceConfiguration, both());
            if endpoint.to == Reach::Intune {
                warn(warnings, WarningKind::RemovalNeedsDeviceConfiguration, both());
            }
        }
    }

    fn about_pilots(&self, warnings: &mut Vec<PlanWarning>) {
        let to_pilot = self.changes.those(|change| change.is_a_move() && change.to == Reach::Pilot);
        let removing = |workload: &Workload| matches!(workload, EndpointProtection | DeviceConfiguration);
        let applied = to_pilot.iter().copied().filter(removing).collect();
        warn(warnings, WarningKind::PilotDoesNotRemove, applied);
        if self.facts.autopilot != Some(false) {
            let on = self.facts.autopilot.is_none().then_some("whether Autopilot into co-management is used");
            warn_if(warnings, WarningKind::AutopilotKnowsNoPilot, to_pilot.clone(), on);
        }
        self.staging(warnings, &to_pilot);
    }

    /// Pilots whose collection the Intune Auto Enrollment collection should contain.
    fn staging(&self, warnings: &mut Vec<PlanWarning>, to_pilot: &[Workload]) {
        let said = |of: fn(&CoManagementPolicy) -> Option<AutoEnrollment>| {
            of(self.proposed).or_else(|| self.base.and_then(of))
        };
        if matches!(said(|p| p.auto_enrollment), Some(AutoEnrollment::None | AutoEnrollment::All)) {
            return;
        }
        let kept = self.base.and_then(|base| base.auto_enrollment_collection.as_ref());
        let outer = self.proposed.auto_enrollment_collection.as_ref().or(kept);
        let own = |workload: &Workload| {
            let setting = &self.proposed.workloads[*workload];
            let is_pilot = setting.slider == SliderPosition::PilotIntune;
            setting.pilot_collection.as_ref().filter(|inner| is_pilot && Some(*inner) != outer)
        };
        let workloads: Vec<_> = to_pilot.iter().copied().filter(|workload| own(workload).is_some()).collect();
        let collections = workloads.iter().filter_map(own).cloned().collect();
        if !workloads.is_empty() {
            warnings.push(PlanWarning {
                kind: WarningKind::PilotsInAutoEnrollment,
                workloads,
                collections,
                depends_on: Some("the members of those collections and of Intune Auto Enrollment"),
            });
        }
    }

    fn towards_configuration_manager(&self, warnings: &mut Vec<PlanWarning>) {
        let returns = |workload| self.changes.of(workload).returns();
        let among =
            |workloads: &[Workload]| workloads.iter().copied().filter(|w| returns(*w)).collect::<Vec<_>>();
        let all = among(&Workload::ALL);
        if self.facts.autopilot_override != Some(false) {
            let unknown = self.facts.autopilot_override.is_none();
            let on = unknown.then_some("whether a settings policy of Autopilot has the override");
            warn_if(warnings, WarningKind::OverrideHoldsDevices, all, on);
        }
        let installed = among(&[WindowsUpdatePolicies, OfficeClickToRunApps]);
        warn(warnings, WarningKind::InstalledStays, installed);
        let settings = among(&[EndpointProtection, DeviceConfiguration]);
        warn(warnings, WarningKind::SettingsLeftBehind, settings);
        self.software_updates(warnings, WarningKind::SoftwareUpdateSettingOff, false, returns);
        warn(warnings, WarningKind::IntuneScriptsRunAnyway, among(&[ClientApps]));
        warn(warnings, WarningKind::ComplianceStopsDrivingAccess, among(&[CompliancePolicies]));
        warn(warnings, WarningKind::CheckInShownAs1900, among(&[CompliancePolicies]));
    }

    /// Who needs workloads at Intune that are not there afterwards.
    fn about_consumers(&self, warnings: &mut Vec<PlanWarning>) {
        for consumer in Consumer::ALL {
            let needs = consumer.needs();
            let concerned = needs.iter().any(|workload| self.changes.of(*workload).is_a_move());
            let used = self.facts.used(consumer);
            if concerned && used != Some(false) {
                let short = |workload: &Workload| self.changes.of(*workload).to != Reach::Intune;
                let short = needs.iter().copied().filter(short).collect();
                let on = used.is_none().then_some(consumer.question());
                warn_if(warnings, consumer.warning(), short, on);
            }
        }
    }

    fn about_delays(&self, warnings: &mut Vec<PlanWarning>) {
        let moves = self.changes.those(change::Change::is_a_move);
        let by_pilot = self.changes.those(|change| {
            change.is_a_move() && (change.to == Reach::Pilot || change.from == Some(Reach::Pilot))
        });
        warn(warnings, WarningKind::PilotIsEvaluatedFirst, by_pilot);
        warn(warnings, WarningKind::ClientsPoll, moves);
    }
}
