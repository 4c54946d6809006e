//! Facts about a tenant.

use std::collections::{BTreeMap, HashMap};

use tandem_domain::facts::MdmProvider;
use tandem_domain::tenant::{Attestation, TenantFacts};

use super::field::Field;
use super::{Violation, Violations, enum_optional, number, time};
use crate::r#type::v1;

/// Most entries of each map.
const MOST_ENTRIES: usize = 1000;
/// Longest name of who attests, in characters.
const LONGEST_NAME: usize = 256;

/// The facts as a message.
#[must_use]
pub fn to_proto(facts: &TenantFacts) -> v1::TenantFacts {
    let texts = facts.authority_texts.iter();
    let attestations = facts.attestations.iter();
    v1::TenantFacts {
        entra_plan: Field::write(facts.entra_plan.as_ref()),
        intune_license_count: facts.intune_license_count,
        unlicensed_admin_access: facts.unlicensed_admin_access,
        mdm_authority: Field::write(facts.mdm_authority.as_ref()),
        intune_subscription_state: Field::write(facts.intune_subscription_state.as_ref()),
        mdm_user_scope: Field::write(facts.mdm_user_scope.as_ref()),
        wip_user_scope: Field::write(facts.wip_user_scope.as_ref()),
        mdm_urls_default: facts.mdm_urls_default,
        default_enrollment_restriction_allows_windows: facts.default_enrollment_restriction_allows_windows,
        cloud: Field::write(facts.cloud.as_ref()),
        azure_subscription: facts.azure_subscription,
        hybrid_identity_method: Field::write(facts.hybrid_identity_method.as_ref()),
        entra_connect_version: facts.entra_connect_version.clone(),
        authority_texts: texts.map(|(text, provider)| (text.clone(), number(*provider))).collect(),
        attestations: attestations.map(|(rule, a)| (rule.clone(), attestation_to_proto(a))).collect(),
    }
}

/// The facts of a message.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn from_proto(message: v1::TenantFacts) -> Result<TenantFacts, Vec<Violation>> {
    let mut violations = Violations::new();
    let facts = TenantFacts {
        entra_plan: violations.field("entra_plan", message.entra_plan),
        intune_license_count: message.intune_license_count,
        unlicensed_admin_access: message.unlicensed_admin_access,
        mdm_authority: violations.field("mdm_authority", message.mdm_authority),
        intune_subscription_state: violations
            .field("intune_subscription_state", message.intune_subscription_state),
        mdm_user_scope: violations.field("mdm_user_scope", message.mdm_user_scope),
        wip_user_scope: violations.field("wip_user_scope", message.wip_user_scope),
        mdm_urls_default: message.mdm_urls_default,
        default_enrollment_restriction_allows_windows: message.default_enrollment_restriction_allows_windows,
        cloud: violations.field("cloud", message.cloud),
        azure_subscription: message.azure_subscription,
        hybrid_identity_method: violations.field("hybrid_identity_method", message.hybrid_identity_method),
        entra_connect_version: violations.field("entra_connect_version", message.entra_connect_version),
        authority_texts: authority_texts(message.authority_texts, &mut violations),
        attestations: attestations(message.attestations, &mut violations),
    };
    violations.finish(Some(facts))
}

/// An attestation as a message.
#[must_use]
pub fn attestation_to_proto(attestation: &Attestation) -> v1::Attestation {
    v1::Attestation {
        attested: attestation.attested,
        by: attestation.by.clone(),
        at: Some(time::to_proto(attestation.at)),
        expires: attestation.expires.map(time::to_proto),
    }
}

/// The attestation of a message.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn attestation_from_proto(message: v1::Attestation) -> Result<Attestation, Vec<Violation>> {
    let mut violations = Violations::new();
    violations.at_most("by", &message.by, LONGEST_NAME);
    let expires = violations.field("expires", message.expires);
    let at = violations.keep(time::required("at", message.at));
    violations.finish(at.map(|at| Attestation { attested: message.attested, by: message.by, at, expires }))
}

/// A text that is listed as "unknown" is as unknown as one that is not listed.
fn authority_texts(
    texts: HashMap<String, i32>,
    violations: &mut Violations,
) -> BTreeMap<String, MdmProvider> {
    bounded("authority_texts", texts.len(), violations);
    let sorted: BTreeMap<_, _> = texts.into_iter().collect();
    let known = sorted.into_iter().filter_map(|(text, provider)| {
        let provider = enum_optional(&entry("authority_texts", &text), provider);
        Some((text, violations.keep(provider)??))
    });
    known.collect()
}

fn attestations(
    attestations: HashMap<String, v1::Attestation>,
    violations: &mut Violations,
) -> BTreeMap<String, Attestation> {
    bounded("attestations", attestations.len(), violations);
    let sorted: BTreeMap<_, _> = attestations.into_iter().collect();
    let read = sorted.into_iter().filter_map(|(rule, attestation)| {
        let attestation =
            violations.keep_under(&entry("attestations", &rule), attestation_from_proto(attestation))?;
        Some((rule, attestation))
    });
    read.collect()
}

fn bounded(field: &str, entries: usize, violations: &mut Violations) {
    if entries > MOST_ENTRIES {
        violations.add(field, format!("must have at most {MOST_ENTRIES} entries; found {entries}"));
    }
}

fn entry(field: &str, key: &str) -> String {
    let key: String = key.chars().take(80).collect();
    format!("{field}[{key:?}]")
}
