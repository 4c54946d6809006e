//! The effective authority: the steps of states.md 8, first match wins.

use serde::{Deserialize, Serialize};

use crate::authority::Reason;
use crate::configmgr::era;
use crate::facts::{DeviceFacts, MdmProvider, copied};
use crate::id::CollectionId;
use crate::policy::{CoManagementPolicy, Membership, Surroundings};
use crate::site::SiteFacts;
use crate::state::{co_managed, in_coexistence, is_leaving, mdm_provider};
use crate::tenant::TenantFacts;
use crate::workload::{ManagementAuthority, PerWorkload, SliderPosition, Workload};

/// The site version from which resource access policies are fixed at Intune (`data/workloads.toml`).
const RESOURCE_ACCESS_FIXED_SINCE: u32 = 2403;

/// Who decides one workload on one device, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Who decides.
    pub authority: ManagementAuthority,
    /// By which rule; [`Reason::authority`] is the authority.
    pub reason: Reason,
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Self { authority: reason.authority(), reason }
    }
}

/// The effective authority of every workload on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveAuthority {
    /// Exactly one decision per workload.
    pub workloads: PerWorkload<Decision>,
    /// The sliders decided without anybody having said whether an Autopilot settings policy overrides them: unknown counts
    /// as "no override" \[derived\], and answers name it.
    pub autopilot_override_unknown: bool,
    /// The device is being retired, wiped or deleted; it is judged like any other until it is gone \[derived\].
    pub leaving: bool,
}

/// What a policy has no say in: everything of a device and its surroundings that its decisions depend on, beside the policy and who is
/// in which collection. Devices of one standing are decided alike by any policy that has the same members among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// What decides every workload, whatever the sliders say. `None`: the sliders decide.
    pub whole_device: Option<Reason>,
    /// The site's version fixes resource access at Intune; `None`: nobody said the version.
    pub resource_access_fixed: Option<bool>,
}

impl Standing {
    /// How a device stands.
    #[must_use]
    pub fn of(facts: &DeviceFacts, tenant: &TenantFacts, site: Option<&SiteFacts>) -> Self {
        Self { whole_device: whole_device(facts, tenant), resource_access_fixed: resource_access_fixed(site) }
    }

    /// Decides every workload under a policy; `None`: nobody said what it is.
    #[must_use]
    pub fn decide(
        self,
        policy: Option<&CoManagementPolicy>,
        membership: impl Fn(&CollectionId) -> Membership,
    ) -> PerWorkload<Reason> {
        match self.whole_device {
            Some(reason) => PerWorkload::from_fn(|_| reason),
            None => PerWorkload::from_fn(|workload| self.by_workload(policy, &membership, workload)),
        }
    }

    /// Decides one workload of a device that is co-managed or, if it is not, as if it were.
    #[must_use]
    pub fn by_sliders(
        self,
        policy: Option<&CoManagementPolicy>,
        membership: impl Fn(&CollectionId) -> Membership,
        workload: Workload,
    ) -> Reason {
        self.by_workload(policy, &membership, workload)
    }
}

/// Decides every workload on a device.
#[must_use]
pub fn effective_authority(facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> EffectiveAuthority {
    let standing = Standing::of(facts, surroundings.tenant, surroundings.site);
    let reasons =
        standing.decide(surroundings.policy, |collection| surroundings.membership(facts, collection));
    let by_sliders = standing.whole_device.is_none();
    EffectiveAuthority {
        workloads: PerWorkload::from_fn(|workload| reasons[workload].into()),
        autopilot_override_unknown: by_sliders && facts.autopilot_override.is_none(),
        leaving: is_leaving(facts),
    }
}

/// Who decides one workload on a device: what [`effective_authority`] says of it, for whoever asks of few.
pub(crate) fn authority_of(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    workload: Workload,
) -> ManagementAuthority {
    let whole_device = whole_device(facts, surroundings.tenant);
    let reason = whole_device.unwrap_or_else(|| {
        let resource_access_fixed = match workload {
            Workload::ResourceAccessPolicies => resource_access_fixed(surroundings.site),
            _ => None,
        };
        let membership = |collection: &CollectionId| surroundings.membership(facts, collection);
        Standing { whole_device, resource_access_fixed }.by_workload(
            surroundings.policy,
            &membership,
            workload,
        )
    });
    reason.authority()
}

/// Whether the site's version fixes resource access at Intune; `None` when the version is not known or not readable.
pub(crate) fn resource_access_fixed(site: Option<&SiteFacts>) -> Option<bool> {
    let version = site.and_then(|site| site.version.as_deref())?;
    Some(era(version)? >= RESOURCE_ACCESS_FIXED_SINCE)
}

/// Steps 0 to 4: what decides all workloads alike. `None`: co-managed, and the sliders decide.
fn whole_device(facts: &DeviceFacts, tenant: &TenantFacts) -> Option<Reason> {
    let third_party = mdm_provider(facts, tenant) == Some(MdmProvider::ThirdParty);
    let co_managed = co_managed(facts);
    let client = match copied(&facts.client_installed) {
        Some(client) => client,
        // The query rule does not ask for the client: a device is co-managed by what its row of the site says.
        None if co_managed.query && !third_party => true,
        // Enrolled or not: with the client the site decides or the sliders do, without it Intune or nobody [derived].
        None => return Some(Reason::ClientUnknown),
    };
    if in_coexistence(facts, tenant) {
        return Some(Reason::Coexistence);
    }
    match (client, facts.enrolled()) {
        (false, false) => Some(Reason::Unmanaged),
        // Step 2 asks for an enrolment in Intune. A third-party MDM without the client is no coexistence either, and
        // neither of the two services manages the device [derived].
        (false, true) if third_party => Some(Reason::Unmanaged),
        (false, true) => Some(Reason::MdmOnly),
        (true, false) => Some(Reason::NotEnrolled),
        (true, true) if !facts.known_to_site() => Some(Reason::NoSiteRecord),
        (true, true) if !co_managed.prose => Some(Reason::PolicyAbsent),
        (true, true) if !co_managed.query => Some(Reason::NotProvisioned),
        (true, true) if copied(&facts.autopilot_override) == Some(true) => Some(Reason::AutopilotOverride),
        (true, true) => None,
    }
}

impl Standing {
    /// Steps 5 to 9, for one workload of a co-managed device.
    fn by_workload(
        self,
        policy: Option<&CoManagementPolicy>,
        membership: &impl Fn(&CollectionId) -> Membership,
        workload: Workload,
    ) -> Reason {
        let fixed = match workload {
            Workload::ResourceAccessPolicies => self.resource_access_fixed,
            _ => Some(false),
        };
        if fixed == Some(true) {
            return Reason::ResourceAccessFixed;
        }
        let own = by_slider(policy, membership, workload);
        let Some(carrier) = workload.included_in() else {
            return own;
        };
        let carried = by_slider(policy, membership, carrier);
        if carried.authority() == ManagementAuthority::Intune {
            Reason::BundledWithDeviceConfiguration
        } else if own.authority() == ManagementAuthority::Intune || own == Reason::PolicyUnknown {
            own
        } else if fixed.is_none() {
            Reason::SiteVersionUnknown
        } else if carried.authority() == ManagementAuthority::Unknown {
            // "No sub-workload is at Configuration Manager while device configuration is at Intune": as long as the carrier
            // may be at Intune, its sub-workloads may be too [derived].
            carried
        } else {
            own
        }
    }
}

/// What the workload's own slider and pilot collection say.
///
/// While co-management is not set up in the hierarchy there are no sliders, and every workload stays at Configuration
/// Manager, whatever positions the policy keeps \[derived\]. Whether it is set up and nobody said decides nothing where the
/// slider stands at Configuration Manager, and leaves every other position unknown. A pilot without a collection, which the console refuses, says
/// nothing about its members.
fn by_slider(
    policy: Option<&CoManagementPolicy>,
    membership: &impl Fn(&CollectionId) -> Membership,
    workload: Workload,
) -> Reason {
    let Some(policy) = policy else {
        return Reason::PolicyUnknown;
    };
    let setting = &policy.workloads[workload];
    match setting.slider {
        _ if policy.enabled == Some(false) => Reason::SliderConfigurationManager,
        SliderPosition::ConfigurationManager => Reason::SliderConfigurationManager,
        _ if policy.enabled.is_none() => Reason::PolicyUnknown,
        SliderPosition::Intune => Reason::SliderIntune,
        SliderPosition::PilotIntune => {
            match setting.pilot_collection.as_ref().map_or(Membership::Unknown, membership) {
                Membership::Member => Reason::PilotMember,
                Membership::NotMember => Reason::PilotNotMember,
                Membership::Unknown => Reason::MembershipUnknown,
            }
        }
    }
}
