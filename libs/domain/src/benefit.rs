//! What co-management unlocks on a device: what it has, what is one step away, and what stands in between.
//!
//! Which benefits there are: the overview article. What each needs: the fact pack's workloads.toml (`dependency`), remote_actions.md 2
//! ("device enrolled in Intune; active Intune licence in the tenant"), prerequisites.toml (`autopatch.…`, `cm.azure_cloud_limits`); the
//! composition is \[derived\].
//!
//! Not for: what stops co-management itself, which is [`crate::prerequisites`].

use jiff::Timestamp;

use crate::facts::{DeviceFacts, MdmProvider, copied};
use crate::policy::Surroundings;
use crate::prerequisites::{
    DeviceCheck, DeviceRule, Judged, Outcome, OutcomeKind, SiteCheck, SiteRule, TenantCheck, TenantRule,
};
use crate::state::mdm_provider;
use crate::tenant::Cloud;
use crate::workload::{ManagementAuthority, Workload};

/// Something that co-management makes possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Benefit {
    /// Access that depends on the compliance that Intune states.
    ConditionalAccess,
    /// Restart, remote control, factory reset and their kin, from Intune.
    RemoteActions,
    /// Intune shows whether the client is healthy.
    ClientHealth,
    /// Users, devices and apps are linked with Entra ID.
    EntraLink,
    /// The device is set up anew by Autopilot.
    Autopilot,
    /// Endpoint analytics.
    EndpointAnalytics,
    /// Windows Autopatch may take the device.
    Autopatch,
}

impl Benefit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ConditionalAccess,
        Self::RemoteActions,
        Self::ClientHealth,
        Self::EntraLink,
        Self::Autopilot,
        Self::EndpointAnalytics,
        Self::Autopatch,
    ];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ConditionalAccess => "conditional_access",
            Self::RemoteActions => "remote_actions",
            Self::ClientHealth => "client_health",
            Self::EntraLink => "entra_link",
            Self::Autopilot => "autopilot",
            Self::EndpointAnalytics => "endpoint_analytics",
            Self::Autopatch => "autopatch",
        }
    }
}

/// How far a benefit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Everything that it needs is there.
    Unlocked,
    /// One thing is missing, and nothing is unknown.
    OneStepAway,
    /// Several things are missing, or one and something is unknown, or one that nobody can bring.
    Locked,
    /// Nothing is known to be missing, and something is unknown.
    Unknown,
}

impl Reach {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Unlocked, Self::OneStepAway, Self::Locked, Self::Unknown];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::OneStepAway => "one_step_away",
            Self::Locked => "locked",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that a benefit needs; whether it is there is told as an `O`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need<O = Outcome> {
    /// What, for a reader.
    pub what: &'static str,
    /// Whether it is there. Never [`Outcome::NotApplicable`].
    pub outcome: O,
    /// Nothing that anybody does brings it: no step away.
    for_good: bool,
}

/// A benefit and what became of each thing that it needs, told as an `O`.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenefitReport<O = Outcome> {
    /// Which.
    pub benefit: Benefit,
    /// Everything that it needs.
    pub needs: Vec<Need<O>>,
}

impl<O: Judged> BenefitReport<O> {
    /// How far it is.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let count = |kind| self.needs.iter().filter(|need| need.outcome.kind() == kind).count();
        let lacks = |need: &Need<O>| need.outcome.kind() == OutcomeKind::Unsatisfied;
        if self.needs.iter().any(|need| need.for_good && lacks(need)) {
            return Reach::Locked;
        }
        match (count(OutcomeKind::Unsatisfied), count(OutcomeKind::Unknown)) {
            (0, 0) => Reach::Unlocked,
            (0, _) => Reach::Unknown,
            (1, 0) => Reach::OneStepAway,
            _ => Reach::Locked,
        }
    }
}

/// Every benefit on one device, in the order of [`Benefit::ALL`]. `surroundings` are those of the device's own hierarchy and site.
pub fn benefits(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    as_of: Timestamp,
) -> [BenefitReport; 7] {
    Judge::new(facts, surroundings, as_of).reports()
}

/// How far every benefit is on one device, as [`benefits`] says it.
#[must_use]
pub fn reaches(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    as_of: Timestamp,
) -> [(Benefit, Reach); 7] {
    let reports = Judge::new(facts, surroundings, as_of).reports::<OutcomeKind>();
    reports.map(|report| (report.benefit, report.reach()))
}

struct Judge<'a> {
    facts: &'a DeviceFacts,
    surroundings: &'a Surroundings<'a>,
    device: DeviceCheck<'a>,
    tenant: TenantCheck<'a>,
    as_of: Timestamp,
}

const ENROLLED: &str = "the device is enrolled in Intune";
const SUBSCRIBED: &str = "the tenant's Intune subscription is active";

impl<'a> Judge<'a> {
    const fn new(facts: &'a DeviceFacts, surroundings: &'a Surroundings<'a>, as_of: Timestamp) -> Self {
        Self {
            facts,
            surroundings,
            device: DeviceCheck::new(facts, surroundings, as_of),
            tenant: TenantCheck::new(surroundings.tenant, as_of),
            as_of,
        }
    }

    fn reports<O: Judged>(&self) -> [BenefitReport<O>; 7] {
        Benefit::ALL.map(|benefit| BenefitReport { benefit, needs: self.needs(benefit) })
    }

    fn needs<O: Judged>(&self, benefit: Benefit) -> Vec<Need<O>> {
        let enrolled = || need(ENROLLED, self.enrolled());
        match benefit {
            Benefit::ConditionalAccess => vec![
                enrolled(),
                need(
                    "compliance policies are with Intune on this device",
                    self.with_intune(Workload::CompliancePolicies),
                ),
                need(
                    "the tenant has Entra ID P1 or P2",
                    O::of(self.tenant.outcome(TenantRule::EntraPremium)),
                ),
            ],
            Benefit::RemoteActions => {
                vec![enrolled(), need(SUBSCRIBED, O::of(self.tenant.outcome(TenantRule::IntuneSetUp)))]
            }
            Benefit::ClientHealth => vec![
                enrolled(),
                need(
                    "the Configuration Manager client is installed",
                    self.device.judged(DeviceRule::ClientInstalled),
                ),
            ],
            Benefit::EntraLink => vec![
                enrolled(),
                need(
                    "the device is joined to Entra ID, alone or hybrid",
                    self.device.judged(DeviceRule::Joined),
                ),
            ],
            Benefit::Autopilot => vec![
                need(
                    "the device is registered with Autopilot",
                    self.device.judged(DeviceRule::AutopilotRegistered),
                ),
                need(
                    "Windows devices of the tenant are enrolled automatically",
                    O::of(self.tenant.outcome(TenantRule::AutomaticEnrollmentPath2)),
                ),
                need(
                    "the tenant has Entra ID P1 or P2",
                    O::of(self.tenant.outcome(TenantRule::EntraPremium)),
                ),
            ],
            Benefit::EndpointAnalytics => vec![
                enrolled(),
                Need {
                    for_good: true,
                    ..need(
                        "the tenant lives in a cloud that has endpoint analytics",
                        self.cloud_has_analytics(),
                    )
                },
            ],
            Benefit::Autopatch => vec![
                enrolled(),
                need(
                    "the three workloads of Autopatch are with Intune on this device",
                    self.device.judged(DeviceRule::AutopatchWorkloads),
                ),
                need(
                    "the record at Intune is complete and fresh",
                    self.device.judged(DeviceRule::AutopatchDeviceFacts),
                ),
                need(
                    "the software updates client setting is off",
                    self.device.judged(DeviceRule::UpdateClientSettingOff),
                ),
                need("the site's version is in support", self.site_supported()),
                need(SUBSCRIBED, O::of(self.tenant.outcome(TenantRule::IntuneSetUp))),
            ],
        }
    }

    /// Enrolled, and the MDM is Intune.
    fn enrolled<O: Judged>(&self) -> O {
        const EXPECTED: &str = "enrolled in Intune";
        match (mdm_provider(self.facts, self.surroundings.tenant), copied(&self.facts.mdm_enrolled)) {
            (Some(MdmProvider::ThirdParty), _) => O::unsatisfied(EXPECTED, "enrolled with a third party"),
            (Some(MdmProvider::None), _) | (_, Some(false)) => O::unsatisfied(EXPECTED, "not enrolled"),
            (Some(MdmProvider::Intune), Some(true)) => O::satisfied(),
            (provider, enrolled) => O::unknown_of([
                ("device.mdm_provider", provider.is_none()),
                ("device.mdm_enrolled", enrolled.is_none()),
            ]),
        }
    }

    fn with_intune<O: Judged>(&self, workload: Workload) -> O {
        match self.device.authority(workload) {
            ManagementAuthority::Intune => O::satisfied(),
            ManagementAuthority::Unknown => O::unknown(&["device.effective_authority"]),
            elsewhere => O::unsatisfied_by(|| {
                (format!("{workload} at intune").into(), format!("at {elsewhere}").into())
            }),
        }
    }

    /// `cm.azure_cloud_limits`: "plan without tenant attach and endpoint analytics there".
    fn cloud_has_analytics<O: Judged>(&self) -> O {
        match self.surroundings.tenant.cloud {
            None => O::unknown(&["tenant.cloud"]),
            Some(Cloud::Public) => O::satisfied(),
            Some(Cloud::UsGovernment) => O::unsatisfied("public cloud", "us_government"),
            Some(Cloud::China) => O::unsatisfied("public cloud", "china"),
        }
    }

    fn site_supported<O: Judged>(&self) -> O {
        if copied(&self.facts.client_installed) == Some(false) && !self.facts.known_to_site() {
            // No site has a part in it.
            return O::satisfied();
        }
        let Some(site) = self.surroundings.site else { return O::unknown(&["site.version"]) };
        let check = SiteCheck::new(site, self.surroundings.policy, self.surroundings.tenant, self.as_of);
        O::of(check.outcome(SiteRule::SupportedVersion))
    }
}

/// When time alone changes a benefit of a device, beside when it changes what the device's own rules say on any path: its site's version
/// leaves support.
#[must_use]
pub fn changes_at(surroundings: &Surroundings<'_>, as_of: Timestamp) -> Option<Timestamp> {
    let check = SiteCheck::new(surroundings.site?, surroundings.policy, surroundings.tenant, as_of);
    check.changes_at(SiteRule::SupportedVersion)
}

/// A rule that does not apply stands in nobody's way.
fn need<O: Judged>(what: &'static str, outcome: O) -> Need<O> {
    let outcome = match outcome.kind() {
        OutcomeKind::NotApplicable => O::satisfied(),
        _ => outcome,
    };
    Need { what, outcome, for_good: false }
}

#[cfg(test)]
mod tests;
