//! Facts about a tenant, from its operator. Every field: `None` is "nobody said".
//!
//! Fact ids and their sources: `data/prerequisites.toml`, `tenant.…`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::facts::MdmProvider;

/// The Entra ID plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntraPlan {
    /// No premium plan.
    Free,
    /// Premium P1 (also part of EMS).
    P1,
    /// Premium P2.
    P2,
}

/// The tenant-wide MDM authority; not the management authority of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MdmAuthority {
    /// Intune, as it must be.
    Intune,
    /// An old hybrid-MDM tenant.
    Sccm,
    /// Microsoft 365 Basic Mobility and Security.
    Office365,
}

/// State of the Intune subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SubscriptionState {
    /// Being set up.
    Pending,
    /// In use.
    Active,
    /// About to lapse.
    Warning,
    /// Off.
    Disabled,
    /// Gone.
    Deleted,
    /// Blocked.
    Blocked,
    /// Locked out.
    LockedOut,
}

/// Which users a scope covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserScope {
    /// Nobody.
    None,
    /// Some groups.
    Some,
    /// Everybody.
    All,
}

/// The cloud that the tenant lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// The public cloud.
    Public,
    /// US Government.
    UsGovernment,
    /// China.
    China,
}

/// How people of a hybrid directory sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HybridIdentityMethod {
    /// Not set up.
    None,
    /// Password hash synchronisation with seamless sign-on.
    PhsSso,
    /// Pass-through authentication with seamless sign-on.
    PtaSso,
    /// Federated.
    Federated,
}

/// An operator's word for a rule that no data can decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The rule's condition holds.
    pub attested: bool,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// From then on it no longer counts. Unset: it does not expire.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// The word for "nobody knows", which an operator may write for any word: `data/prerequisites.toml` has it among a tenant's.
const UNKNOWN: &str = "unknown";

/// Reads one of several words; `unknown` is none of them, and not said.
///
/// # Errors
/// Another word, or no text.
pub fn unless_unknown<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let said = Option::<String>::deserialize(deserializer)?.filter(|text| text != UNKNOWN);
    said.map(|text| T::deserialize(StringDeserializer::new(text))).transpose()
}

/// Reads numbers with dots between them; `unknown` is not said.
fn dotted_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let said = Option::<String>::deserialize(deserializer)?.filter(|text| text != UNKNOWN);
    match said {
        Some(text) if text.trim().split('.').any(|part| part.parse::<u64>().is_err()) => {
            Err(D::Error::custom(format!("expected a version such as 2.4.18.0; found {text:?}")))
        }
        said => Ok(said),
    }
}

/// What is known of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table or object of tenant facts")]
pub struct TenantFacts {
    /// `tenant.entra_plan`.
    #[serde(deserialize_with = "unless_unknown")]
    pub entra_plan: Option<EntraPlan>,
    /// `tenant.intune_license_count`.
    pub intune_license_count: Option<u32>,
    /// `tenant.unlicensed_admin_access`.
    pub unlicensed_admin_access: Option<bool>,
    /// `tenant.mdm_authority`.
    #[serde(deserialize_with = "unless_unknown")]
    pub mdm_authority: Option<MdmAuthority>,
    /// `tenant.intune_subscription_state`.
    #[serde(deserialize_with = "unless_unknown")]
    pub intune_subscription_state: Option<SubscriptionState>,
    /// `tenant.mdm_user_scope`.
    #[serde(deserialize_with = "unless_unknown")]
    pub mdm_user_scope: Option<UserScope>,
    /// `tenant.wip_user_scope`.
    #[serde(deserialize_with = "unless_unknown")]
    pub wip_user_scope: Option<UserScope>,
    /// `tenant.mdm_urls_default`.
    pub mdm_urls_default: Option<bool>,
    /// `tenant.default_enrollment_restriction_allows_windows`.
    pub default_enrollment_restriction_allows_windows: Option<bool>,
    /// `tenant.cloud`.
    #[serde(deserialize_with = "unless_unknown")]
    pub cloud: Option<Cloud>,
    /// `tenant.azure_subscription`.
    pub azure_subscription: Option<bool>,
    /// `tenant.hybrid_identity_method`.
    #[serde(deserialize_with = "unless_unknown")]
    pub hybrid_identity_method: Option<HybridIdentityMethod>,
    /// `tenant.entra_connect_version`, such as `2.4.18.0`.
    #[serde(deserialize_with = "dotted_numbers")]
    pub entra_connect_version: Option<String>,
    /// What the sites' raw `Authority` texts mean here; a text that is not listed is unknown.
    pub authority_texts: BTreeMap<String, MdmProvider>,
    /// `attestation`, by rule id, for the whole tenant.
    pub attestations: BTreeMap<String, Attestation>,
}
