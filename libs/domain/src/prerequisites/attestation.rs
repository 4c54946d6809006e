//! Rules that no exported data decides: an operator's word does.

use jiff::Timestamp;

use super::catalogue::Rule;
use super::report::{Answer, Outcome};
use crate::tenant::{Attestation, TenantFacts};

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
pub(crate) fn attested(tenant: &TenantFacts, rule: &'static Rule, as_of: Timestamp) -> Answer {
    match standing(tenant, rule.id, as_of) {
        None => Outcome::unknown("attestation").into(),
        Some(word) if word.attested => Answer::until(Outcome::Satisfied, word.expires),
        Some(word) => Answer::until(
            Outcome::unsatisfied(rule.condition, format!("denied by {} at {}", word.by, word.at)),
            word.expires,
        ),
    }
}
