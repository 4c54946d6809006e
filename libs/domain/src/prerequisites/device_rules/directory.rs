//! How the device is known to the directory, who owns it, and which MDM it has.

use super::super::judged::Judged;
use crate::facts::{DeviceFacts, JoinType, MdmProvider, Owner, copied};
use crate::state::mdm_provider;
use crate::tenant::TenantFacts;

pub(super) fn joined<O: Judged>(facts: &DeviceFacts) -> O {
    match copied(&facts.join_type) {
        None => O::unknown(&["device.join_type"]),
        Some(JoinType::EntraJoined | JoinType::HybridJoined) => O::satisfied(),
        Some(other) => O::unsatisfied("azureADJoined or hybridAzureADJoined", other.id()),
    }
}

pub(super) fn not_registered_only<O: Judged>(facts: &DeviceFacts) -> O {
    match copied(&facts.join_type) {
        None => O::unknown(&["device.join_type"]),
        Some(JoinType::EntraRegistered) => {
            O::unsatisfied("not azureADRegistered", JoinType::EntraRegistered.id())
        }
        Some(JoinType::None | JoinType::EntraJoined | JoinType::HybridJoined) => O::satisfied(),
    }
}

/// Speaks of domain-joined devices. Where nobody says whether a device is one, only a hybrid join decides: it is a join to
/// Active Directory by its meaning, and what the rule asks for. Of an Entra joined device the domain might know otherwise.
pub(super) fn hybrid_for_domain_joined<O: Judged>(facts: &DeviceFacts) -> O {
    const NOT_DOMAIN_JOINED: &str = "the device is not joined to Active Directory";
    match (copied(&facts.ad_joined), copied(&facts.join_type)) {
        (Some(false), _) => O::not_applicable(NOT_DOMAIN_JOINED),
        (_, Some(JoinType::HybridJoined)) => O::satisfied(),
        (Some(true), Some(other)) => O::unsatisfied("hybridAzureADJoined", other.id()),
        (ad_joined, join_type) => O::unknown_of([
            ("device.ad_joined", ad_joined.is_none()),
            ("device.join_type", join_type.is_none()),
        ]),
    }
}

pub(super) fn company_owned<O: Judged>(facts: &DeviceFacts) -> O {
    match copied(&facts.owner) {
        None => O::unknown(&["device.owner"]),
        Some(Owner::Company) => O::satisfied(),
        Some(Owner::Personal) => O::unsatisfied("not personal", "personal"),
    }
}

pub(super) fn third_party_detected<O: Judged>(facts: &DeviceFacts, tenant: &TenantFacts) -> O {
    match mdm_provider(facts, tenant) {
        None => O::unknown(&["device.mdm_provider"]),
        Some(MdmProvider::ThirdParty) => O::satisfied(),
        Some(MdmProvider::Intune) => O::unsatisfied("third_party", "intune"),
        Some(MdmProvider::None) => O::unsatisfied("third_party", "none"),
    }
}
