//! Rules that no exported data decides: an operator's word does.

use jiff::Timestamp;

use super::catalogue::{Rule, catalogue};
use super::judged::Judged;
use super::report::Answer;
use crate::tenant::{Attestation, TenantFacts};

/// Rules that data decides in part, and an operator's word in the rest.
const ACCEPTED: [&str; 2] = ["cm.azure_cloud_limits", "cm.crl_reachable"];

/// The rules that an operator's word decides or helps to decide, in catalogue order.
pub fn attestable_rules() -> impl Iterator<Item = &'static Rule> {
    catalogue().iter().filter(|rule| rule.attestation || ACCEPTED.contains(&rule.id))
}

/// The operator's word on a rule that still counts at that moment.
pub(crate) fn standing<'a>(
    tenant: &'a TenantFacts,
    rule_id: &str,
    as_of: Timestamp,
) -> Option<&'a Attestation> {
    let attestation = tenant.attestations.get(rule_id)?;
    attestation.expires.is_none_or(|expires| as_of < expires).then_some(attestation)
}

/// Judges a rule by the operator's word alone.
pub(crate) fn attested<O: Judged>(tenant: &TenantFacts, rule: &'static Rule, as_of: Timestamp) -> Answer<O> {
    match standing(tenant, rule.id, as_of) {
        None => O::unknown(&["attestation"]).into(),
        Some(word) if word.attested => Answer::until(O::satisfied(), word.expires),
        Some(word) => {
            let denied = || (rule.condition.into(), format!("denied by {} at {}", word.by, word.at).into());
            Answer::until(O::unsatisfied_by(denied), word.expires)
        }
    }
}
