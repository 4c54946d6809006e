//! How the device is known to the directory, who owns it, and which MDM it has.

use super::super::report::Outcome;
use crate::facts::{DeviceFacts, JoinType, MdmProvider, Owner, copied};
use crate::state::mdm_provider;
use crate::tenant::TenantFacts;

pub(super) fn joined(facts: &DeviceFacts) -> Outcome {
    match copied(&facts.join_type) {
        None => Outcome::unknown(&["device.join_type"]),
        Some(JoinType::EntraJoined | JoinType::HybridJoined) => Outcome::Satisfied,
        Some(other) => Outcome::unsatisfied("azureADJoined or hybridAzureADJoined", other.id()),
    }
}

pub(super) fn not_registered_only(facts: &DeviceFacts) -> Outcome {
    match copied(&facts.join_type) {
        None => Outcome::unknown(&["device.join_type"]),
        Some(JoinType::EntraRegistered) => {
            Outcome::unsatisfied("not azureADRegistered", JoinType::EntraRegistered.id())
        }
        Some(JoinType::None | JoinType::EntraJoined | JoinType::HybridJoined) => Outcome::Satisfied,
    }
}

/// Speaks of domain-joined devices. Where nobody says whether a device is one, only a hybrid join decides: it is a join to
/// Active Directory by its meaning, and what the rule asks for. Of an Entra joined device the domain might know otherwise.
pub(super) fn hybrid_for_domain_joined(facts: &DeviceFacts) -> Outcome {
    const NOT_DOMAIN_JOINED: &str = "the device is not joined to Active Directory";
    match (copied(&facts.ad_joined), copied(&facts.join_type)) {
        (Some(false), _) => Outcome::not_applicable(NOT_DOMAIN_JOINED),
        (_, Some(JoinType::HybridJoined)) => Outcome::Satisfied,
        (Some(true), Some(other)) => Outcome::unsatisfied("hybridAzureADJoined", other.id()),
        (ad_joined, join_type) => Outcome::unknown_of([
            ("device.ad_joined", ad_joined.is_none()),
            ("device.join_type", join_type.is_none()),
        ]),
    }
}

pub(super) fn company_owned(facts: &DeviceFacts) -> Outcome {
    match copied(&facts.owner) {
        None => Outcome::unknown(&["device.owner"]),
        Some(Owner::Company) => Outcome::Satisfied,
        Some(Owner::Personal) => Outcome::unsatisfied("not personal", "personal"),
    }
}

pub(super) fn third_party_detected(facts: &DeviceFacts, tenant: &TenantFacts) -> Outcome {
    match mdm_provider(facts, tenant) {
        None => Outcome::unknown(&["device.mdm_provider"]),
        Some(MdmProvider::ThirdParty) => Outcome::Satisfied,
        Some(MdmProvider::Intune) => Outcome::unsatisfied("third_party", "intune"),
        Some(MdmProvider::None) => Outcome::unsatisfied("third_party", "none"),
    }
}
