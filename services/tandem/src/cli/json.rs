//! Answers as the protobuf JSON mapping: what the contracts' readers in every language expect.
//!
//! Fields without presence are written also when they hold their default, so that scripts find them.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions, Value};
use serde::Serialize;
use tandem_contracts::json::POOL;
use tandem_contracts::{authority, inventory, monitoring, prerequisites, r#type};

use super::failure::CliError;

/// A message of the contracts with its full name, which generated code does not carry.
pub(crate) trait Named: Message + Default {
    /// Such as `tandem.inventory.v1.Device`.
    const NAME: &'static str;
}

macro_rules! named {
    ($($message:ty = $name:literal),* $(,)?) => {
        $(impl Named for $message {
            const NAME: &'static str = $name;
        })*

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    }
}

named!(
    r#type::v1::CoManagementPolicy = "tandem.type.v1.CoManagementPolicy",
    r#type::v1::SiteFacts = "tandem.type.v1.SiteFacts",
    r#type::v1::TenantFacts = "tandem.type.v1.TenantFacts",
    r#type::v1::DeviceFacts = "tandem.type.v1.DeviceFacts",
    inventory::v1::Device = "tandem.inventory.v1.Device",
    inventory::v1::ListDevicesResponse = "tandem.inventory.v1.ListDevicesResponse",
    inventory::v1::WatchDevicesResponse = "tandem.inventory.v1.WatchDevicesResponse",
    inventory::v1::ListIdentityConflictsResponse = "tandem.inventory.v1.ListIdentityConflictsResponse",
    inventory::v1::Tenant = "tandem.inventory.v1.Tenant",
    inventory::v1::ListTenantsResponse = "tandem.inventory.v1.ListTenantsResponse",
    inventory::v1::Hierarchy = "tandem.inventory.v1.Hierarchy",
    inventory::v1::ListHierarchiesResponse = "tandem.inventory.v1.ListHierarchiesResponse",
    inventory::v1::Site = "tandem.inventory.v1.Site",
    inventory::v1::ListSitesResponse = "tandem.inventory.v1.ListSitesResponse",
    inventory::v1::Collection = "tandem.inventory.v1.Collection",
    inventory::v1::ListCollectionsResponse = "tandem.inventory.v1.ListCollectionsResponse",
    inventory::v1::ListCollectionMembersResponse = "tandem.inventory.v1.ListCollectionMembersResponse",
    inventory::v1::DeleteCollectionResponse = "tandem.inventory.v1.DeleteCollectionResponse",
    prerequisites::v1::ListRulesResponse = "tandem.prerequisites.v1.ListRulesResponse",
    prerequisites::v1::DeviceCheck = "tandem.prerequisites.v1.DeviceCheck",
    prerequisites::v1::CheckSiteResponse = "tandem.prerequisites.v1.CheckSiteResponse",
    prerequisites::v1::CheckHierarchyResponse = "tandem.prerequisites.v1.CheckHierarchyResponse",
    prerequisites::v1::CheckTenantResponse = "tandem.prerequisites.v1.CheckTenantResponse",
    prerequisites::v1::SummarizeFleetResponse = "tandem.prerequisites.v1.SummarizeFleetResponse",
    prerequisites::v1::GetFleetEvaluationResponse = "tandem.prerequisites.v1.GetFleetEvaluationResponse",
    prerequisites::v1::CheckCustomRuleResponse = "tandem.prerequisites.v1.CheckCustomRuleResponse",
    prerequisites::v1::EvaluationSettings = "tandem.prerequisites.v1.EvaluationSettings",
    prerequisites::v1::CustomRule = "tandem.prerequisites.v1.CustomRule",
    prerequisites::v1::ListCustomRulesResponse = "tandem.prerequisites.v1.ListCustomRulesResponse",
    prerequisites::v1::DeleteCustomRuleResponse = "tandem.prerequisites.v1.DeleteCustomRuleResponse",
    prerequisites::v1::ListRuleFactsResponse = "tandem.prerequisites.v1.ListRuleFactsResponse",
    prerequisites::v1::ListFleetSummariesResponse = "tandem.prerequisites.v1.ListFleetSummariesResponse",
    prerequisites::v1::ListSummaryDevicesResponse = "tandem.prerequisites.v1.ListSummaryDevicesResponse",
    prerequisites::v1::ForecastFleetResponse = "tandem.prerequisites.v1.ForecastFleetResponse",
    prerequisites::v1::CheckPersonResponse = "tandem.prerequisites.v1.CheckPersonResponse",
    prerequisites::v1::ExplainEnrollmentErrorResponse =
        "tandem.prerequisites.v1.ExplainEnrollmentErrorResponse",
    authority::v1::CheckAuthorityResponse = "tandem.authority.v1.CheckAuthorityResponse",
    authority::v1::EffectiveAuthority = "tandem.authority.v1.EffectiveAuthority",
    authority::v1::ListCoManagementPoliciesResponse = "tandem.authority.v1.ListCoManagementPoliciesResponse",
    authority::v1::ListCoManagementPolicyRevisionsResponse =
        "tandem.authority.v1.ListCoManagementPolicyRevisionsResponse",
    authority::v1::ListAuditRecordsResponse = "tandem.authority.v1.ListAuditRecordsResponse",
    authority::v1::ListSettingKindsResponse = "tandem.authority.v1.ListSettingKindsResponse",
    authority::v1::ResolveSettingResponse = "tandem.authority.v1.ResolveSettingResponse",
    authority::v1::SignedHead = "tandem.authority.v1.SignedHead",
    authority::v1::VerifyAuditResponse = "tandem.authority.v1.VerifyAuditResponse",
    authority::v1::ListDriftResponse = "tandem.authority.v1.ListDriftResponse",
    authority::v1::AuthorityPeriod = "tandem.authority.v1.AuthorityPeriod",
    authority::v1::ListAuthorityPeriodsResponse = "tandem.authority.v1.ListAuthorityPeriodsResponse",
    authority::v1::Plan = "tandem.authority.v1.Plan",
    authority::v1::ListPlansResponse = "tandem.authority.v1.ListPlansResponse",
    authority::v1::ApprovalRules = "tandem.authority.v1.ApprovalRules",
    authority::v1::ApprovalRequest = "tandem.authority.v1.ApprovalRequest",
    authority::v1::ListApprovalRequestsResponse = "tandem.authority.v1.ListApprovalRequestsResponse",
    authority::v1::ApprovePlanResponse = "tandem.authority.v1.ApprovePlanResponse",
    authority::v1::DesiredPolicy = "tandem.authority.v1.DesiredPolicy",
    authority::v1::Decommission = "tandem.authority.v1.Decommission",
    authority::v1::Freeze = "tandem.authority.v1.Freeze",
    authority::v1::ListRolloutActionsResponse = "tandem.authority.v1.ListRolloutActionsResponse",
    authority::v1::ListRolloutDevicesResponse = "tandem.authority.v1.ListRolloutDevicesResponse",
    authority::v1::ListRolloutsResponse = "tandem.authority.v1.ListRolloutsResponse",
    authority::v1::Rollout = "tandem.authority.v1.Rollout",
    authority::v1::RolloutSpec = "tandem.authority.v1.RolloutSpec",
    authority::v1::GetHandoverResponse = "tandem.authority.v1.GetHandoverResponse",
    authority::v1::DecodeCapabilityValueResponse = "tandem.authority.v1.DecodeCapabilityValueResponse",
    monitoring::v1::GetDashboardResponse = "tandem.monitoring.v1.GetDashboardResponse",
    monitoring::v1::WatchDashboardResponse = "tandem.monitoring.v1.WatchDashboardResponse",
    monitoring::v1::ListFigureDevicesResponse = "tandem.monitoring.v1.ListFigureDevicesResponse",
);

/// The description of a message.
pub(crate) fn descriptor<M: Named>() -> MessageDescriptor {
    POOL.get_message_by_name(M::NAME).expect("the names above are in the contracts")
}

/// The message with its description.
pub(crate) fn dynamic<M: Named>(message: &M) -> Result<DynamicMessage, CliError> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    let transcoded = dynamic.transcode_from(message);
    transcoded.map_err(|error| CliError::Failed(format!("{} is not as described: {error}", M::NAME)))?;
    Ok(dynamic)
}

/// The message on one line.
pub(crate) fn line<M: Named>(message: &M) -> Result<String, CliError> {
    text(&dynamic(message)?)
}

/// The message for people to read too.
pub(crate) fn pretty<M: Named>(message: &M) -> Result<String, CliError> {
    let mut out = Vec::new();
    write(&dynamic(message)?, &mut serde_json::Serializer::pretty(&mut out))?;
    String::from_utf8(out).map_err(|error| unwritable(&error))
}

/// A list page taken apart.
#[derive(Debug)]
pub(crate) struct PageParts {
    /// What JSON calls the items.
    pub(crate) name: String,
    /// The items, each on one line.
    pub(crate) items: Vec<String>,
    /// The other fields.
    pub(crate) rest: serde_json::Map<String, serde_json::Value>,
}

/// Takes a list page apart. `items`: their field, as the contract names it.
pub(crate) fn page<M: Named>(page: &M, items: &str) -> Result<PageParts, CliError> {
    let mut dynamic = dynamic(page)?;
    let name = descriptor::<M>().get_field_by_name(items).map(|field| field.json_name().to_owned());
    let name = name.unwrap_or_else(|| items.to_owned());
    let values = match dynamic.take_field_by_name(items) {
        Some(Value::List(values)) => values,
        _ => Vec::new(),
    };
    let lines = values.iter().map(|value| match value {
        Value::Message(message) => text(message),
        // Lists of names are the only lists of anything else.
        other => {
            serde_json::to_string(other.as_str().unwrap_or_default()).map_err(|error| unwritable(&error))
        }
    });
    let items = lines.collect::<Result<_, _>>()?;
    let mut rest = match serde_json::from_str(&text(&dynamic)?) {
        Ok(serde_json::Value::Object(rest)) => rest,
        Ok(_) => serde_json::Map::new(),
        Err(error) => return Err(unwritable(&error)),
    };
    rest.remove(&name);
    Ok(PageParts { name, items, rest })
}

/// A value of the command line's own, which no contract describes.
pub(crate) fn own(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(value).map_err(|error| unwritable(&error))
}

/// A described message on one line.
pub(crate) fn text(message: &DynamicMessage) -> Result<String, CliError> {
    let mut out = Vec::new();
    write(message, &mut serde_json::Serializer::new(&mut out))?;
    String::from_utf8(out).map_err(|error| unwritable(&error))
}

fn write<S>(message: &DynamicMessage, serializer: S) -> Result<(), CliError>
where
    S: serde::Serializer<Ok = (), Error = serde_json::Error>,
{
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(serializer, &options).map_err(|error| unwritable(&error))
}

fn unwritable(error: &dyn std::error::Error) -> CliError {
    CliError::Failed(format!("the answer cannot be written as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_the_contracts() {
        for name in NAMES {
            assert!(POOL.get_message_by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn message_is_written_in_the_protobuf_mapping_with_its_defaults() {
        let decoded = authority::v1::DecodeCapabilityValueResponse {
            value: 3,
            policy_present: true,
            moved: vec![1],
            ..Default::default()
        };
        let expected = r#"{"value":3,"policyPresent":true,"moved":["WORKLOAD_COMPLIANCE_POLICIES"],"encryption":"ENCRYPTION_UNSPECIFIED","unknownBits":0,"layout":"CAPABILITY_LAYOUT_UNSPECIFIED"}"#;
        assert_eq!(line(&decoded).unwrap(), expected);
    }

    #[test]
    fn facts_that_nobody_said_are_left_out() {
        let facts = r#type::v1::DeviceFacts { client_installed: Some(false), ..Default::default() };
        let written: serde_json::Value = serde_json::from_str(&line(&facts).unwrap()).unwrap();
        assert_eq!(written.get("clientInstalled"), Some(&serde_json::Value::Bool(false)));
        assert_eq!(written.get("mdmEnrolled"), None);
        assert_eq!(written.get("lastSiteContact"), None);
    }
}
