//! Which document a file holds, told by its content.
//!
//! The table of kinds is the front door's contract (`services/tandem/docs/assessment.md`). Where a page carries no
//! `@odata.context`, the members of its first record tell: which members belong to which class is in the fact pack,
//! admin_service.md 6 and graph_managed_device.md 2, 3 and 5; the choice of the telling ones is ours \[derived\].

use std::fmt;

use crate::head::{Head, Members, Value};
use crate::page::Shape;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Graph v1.0 `managedDevices`.
    ManagedDevicesV1,
    /// Graph beta `managedDevices`.
    ManagedDevicesBeta,
    /// Directory `devices`.
    DirectoryDevices,
    /// `SMS_R_System`.
    Discovery,
    /// `v1.0/Device`.
    Device,
    /// `SMS_CombinedDeviceResources`.
    CombinedDevice,
    /// `SMS_Client_ComanagementState`.
    CoManagementState,
    /// `SMS_Collection`.
    Collections,
    /// `SMS_FullCollectionMembership`.
    CollectionMembers,
    /// `SMS_Site`.
    Sites,
    /// A co-management policy.
    CoManagementPolicy,
    /// Tenant facts.
    TenantFacts,
    /// Not used: the cloud's counts of co-managed devices.
    CoManagedSummary,
    /// Not used: the cloud's counts of eligible devices.
    EligibleSummary,
    /// Not used: the cloud's list of eligible devices.
    EligibleDevices,
    /// Not used: settings policies of Autopilot into co-management.
    SettingsPolicies,
    /// Not used: the collections of one device, which the answer does not name.
    DeviceCollections,
    /// Not used: the body of a refused call.
    ErrorBody,
}

impl Kind {
    /// The name that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ManagedDevicesV1 | Self::ManagedDevicesBeta => "graph.managed_devices",
            Self::DirectoryDevices => "graph.directory_devices",
            Self::Discovery => "adminservice.discovery",
            Self::Device | Self::CombinedDevice => "adminservice.devices",
            Self::CoManagementState => "adminservice.co_management_state",
            Self::Collections => "adminservice.collections",
            Self::CollectionMembers => "adminservice.collection_members",
            Self::Sites => "adminservice.sites",
            Self::CoManagementPolicy => "tandem.co_management_policy",
            Self::TenantFacts => "tandem.tenant_facts",
            Self::CoManagedSummary => "graph.comanaged_devices_summary",
            Self::EligibleSummary => "graph.comanagement_eligible_devices_summary",
            Self::EligibleDevices => "graph.comanagement_eligible_devices",
            Self::SettingsPolicies => "graph.comanagement_settings_policies",
            Self::DeviceCollections => "adminservice.device_collections",
            Self::ErrorBody => "error",
        }
    }

    /// Known, but of no use here.
    #[must_use]
    pub const fn is_unused(self) -> bool {
        matches!(
            self,
            Self::CoManagedSummary
                | Self::EligibleSummary
                | Self::EligibleDevices
                | Self::SettingsPolicies
                | Self::DeviceCollections
        )
    }

    /// Belongs to a hierarchy, which its provider tells.
    #[must_use]
    pub(crate) const fn is_admin_service(self) -> bool {
        matches!(
            self,
            Self::Discovery
                | Self::Device
                | Self::CombinedDevice
                | Self::CoManagementState
                | Self::Collections
                | Self::CollectionMembers
                | Self::Sites
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What the head of a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Host of the provider, lower case; `None` where no context names one.
    pub(crate) host: Option<String>,
}

/// Tells the kind of a JSON file.
///
/// # Errors
/// Why it cannot be told.
pub(crate) fn tell(head: &Head) -> Result<Told, String> {
    let (shape, record) = match &head.value {
        Value::Records(first) => (if head.is_array { Shape::Array } else { Shape::Page }, first.as_ref()),
        Value::Absent => (Shape::Single, Some(&head.members)),
        Value::Other(members) => (Shape::Page, Some(members)),
    };
    if head.context.is_some() && head.value == Value::Absent && head.members.are_of_the_envelope() {
        return Err(
            "expected records under `value`; found no `value`, and no record instead of it".to_owned()
        );
    }
    let by_record = || record.and_then(by_record);
    let kind = match &head.context {
        Some(context) => by_context(context, record).or_else(|| {
            // A managed device page of another route, such as a user's: the records look so.
            let managed = |k: &Kind| matches!(k, Kind::ManagedDevicesV1 | Kind::ManagedDevicesBeta);
            by_record()
                .filter(|kind| host(context).is_none_or(|_| !is_admin_service(context)) && managed(kind))
        }),
        None if head.members.has("error") => Some(Kind::ErrorBody),
        None if shape == Shape::Single => document(&head.members).or_else(by_record),
        None => by_record(),
    };
    let Some(kind) = kind else { return Err(unknown(head, record)) };
    let host = head.context.as_deref().filter(|_| kind.is_admin_service()).and_then(host);
    Ok(Told { kind, shape, host })
}

fn unknown(head: &Head, record: Option<&Members>) -> String {
    const EXPECTED: &str = "expected a page of Graph or AdminService, a co-management policy or tenant facts";
    match (&head.context, record) {
        (Some(context), _) => {
            format!("{EXPECTED}; found `@odata.context` {:?}", crate::value::shown(context))
        }
        (None, None) => format!("{EXPECTED}; found neither `@odata.context` nor a record"),
        (None, Some(members)) => match members.some_names() {
            names if names.is_empty() => format!("{EXPECTED}; found no member"),
            names => format!("{EXPECTED}; found members {names}"),
        },
    }
}

/// The document that an operator writes, by its members at the top.
pub(crate) fn document(members: &Members) -> Option<Kind> {
    const TENANT: [&str; 5] = ["tenant", "sites", "authority_texts", "attestations", "as_of"];
    const POLICY: [&str; 4] = ["workloads", "autoEnrollment", "auto_enrollment", "enabled"];
    if TENANT.iter().any(|m| members.has(m)) {
        Some(Kind::TenantFacts)
    } else if POLICY.iter().any(|m| members.has(m)) {
        Some(Kind::CoManagementPolicy)
    } else {
        None
    }
}

/// By the last part of the context's fragment, such as `SMS_Site` of `…/AdminService/wmi/$metadata#SMS_Site`.
fn by_context(context: &str, record: Option<&Members>) -> Option<Kind> {
    let (service, fragment) = context.split_once('#')?;
    let entity = fragment.strip_suffix("/$entity").unwrap_or(fragment);
    let entity = without_selection(entity).rsplit('/').next()?;
    let kind = class(entity).or_else(|| match entity.to_ascii_lowercase().as_str() {
        "manageddevices" => Some(managed_devices(service, record)),
        "devices" => Some(Kind::DirectoryDevices),
        "comanagementeligibledevices" => Some(Kind::EligibleDevices),
        "deviceenrollmentconfigurations" => Some(Kind::SettingsPolicies),
        name if name.ends_with("comanageddevicessummary") => Some(Kind::CoManagedSummary),
        name if name.ends_with("comanagementeligibledevicessummary") => Some(Kind::EligibleSummary),
        _ => None,
    });
    // Both services have a `v1.0` of their own.
    kind.filter(|kind| {
        kind.is_admin_service() || *kind == Kind::DeviceCollections || !is_admin_service(context)
    })
}

/// A class or entity of the AdminService. The wmi route ignores case since 2006 (disputed, so we ignore it too).
fn class(name: &str) -> Option<Kind> {
    const CLASSES: [(&str, Kind); 8] = [
        ("SMS_R_System", Kind::Discovery),
        ("Device", Kind::Device),
        ("SMS_CombinedDeviceResources", Kind::CombinedDevice),
        ("SMS_Client_ComanagementState", Kind::CoManagementState),
        ("SMS_Collection", Kind::Collections),
        ("SMS_FullCollectionMembership", Kind::CollectionMembers),
        ("SMS_Site", Kind::Sites),
        ("ResourceCollectionMembership", Kind::DeviceCollections),
    ];
    CLASSES.into_iter().find(|(class, _)| class.eq_ignore_ascii_case(name)).map(|(_, kind)| kind)
}

fn managed_devices(service: &str, record: Option<&Members>) -> Kind {
    if service.contains("/beta/") {
        Kind::ManagedDevicesBeta
    } else if service.contains("/v1.0/") {
        Kind::ManagedDevicesV1
    } else {
        record.map_or(Kind::ManagedDevicesV1, managed_devices_by_record)
    }
}

fn managed_devices_by_record(record: &Members) -> Kind {
    const BETA: [&str; 14] = [
        "joinType",
        "ownerType",
        "autopilotEnrolled",
        "configurationManagerClientHealthState",
        "configurationManagerClientInformation",
        "skuFamily",
        "skuNumber",
        "processorArchitecture",
        "chassisType",
        "roleScopeTagIds",
        "hardwareInformation",
        "usersLoggedOn",
        "azureActiveDirectoryDeviceId",
        "aadRegistered",
    ];
    if BETA.iter().any(|m| record.has(m)) { Kind::ManagedDevicesBeta } else { Kind::ManagedDevicesV1 }
}

fn by_record(record: &Members) -> Option<Kind> {
    if let Some(name) = &record.class {
        return class(name);
    }
    let any = |names: &[&str]| names.iter().any(|m| record.has(m));
    let resource = any(&["ResourceID", "MachineId", "MachineID"]);
    let kind = if record.has("CollectionID") && resource {
        Kind::CollectionMembers
    } else if record.has("CollectionID") && any(&["CollectionType", "MemberCount", "LimitToCollectionID"]) {
        Kind::Collections
    } else if resource && any(&["MDMEnrolled", "ComgmtPolicyPresent", "MDMProvisioned", "MDMWorkloads"]) {
        Kind::CoManagementState
    } else if resource && any(&["IsClient", "SMSID", "DeviceOS", "IsObsolete"]) {
        if record.has("MachineId") { Kind::Device } else { Kind::CombinedDevice }
    } else if resource
        && any(&["SMSUniqueIdentifier", "NetbiosName", "OperatingSystemNameandVersion", "Obsolete", "Client"])
    {
        Kind::Discovery
    } else if record.has("SiteCode") && any(&["ReportingSiteCode", "SiteName", "BuildNumber", "Version"]) {
        Kind::Sites
    } else if record.has("Collection") && !record.has("id") {
        Kind::DeviceCollections
    } else {
        return graph_record(record);
    };
    Some(kind)
}

fn graph_record(record: &Members) -> Option<Kind> {
    let any = |names: &[&str]| names.iter().any(|m| record.has(m));
    if any(&["clientRegistrationStatus", "managementAgents", "mdmStatus"]) {
        Some(Kind::EligibleDevices)
    } else if any(&["managedDeviceAuthority", "installConfigurationManagerAgent"]) {
        Some(Kind::SettingsPolicies)
    } else if any(&["managementAgent", "managedDeviceOwnerType", "deviceEnrollmentType", "azureADDeviceId"]) {
        Some(managed_devices_by_record(record))
    } else if any(&["trustType", "deviceOwnership"]) || record.has("deviceId") && record.has("displayName") {
        Some(Kind::DirectoryDevices)
    } else if any(&["totalComanagedCount", "configurationSettingsCount"]) {
        Some(Kind::CoManagedSummary)
    } else if any(&["eligibleButNotAzureAdJoinedCount", "scheduledForEnrollmentCount"]) {
        Some(Kind::EligibleSummary)
    } else {
        None
    }
}

/// `devices(id,deviceId)` selects members, and `Device(Collection,Collection())` expands some: neither is part of the name.
fn without_selection(fragment: &str) -> &str {
    if !fragment.ends_with(')') {
        return fragment;
    }
    let mut depth = 0_u32;
    for (at, c) in fragment.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &fragment[..at];
        }
    }
    fragment
}

fn is_admin_service(context: &str) -> bool {
    let lower = context.to_ascii_lowercase();
    lower.split_once('#').map_or(lower.as_str(), |(service, _)| service).contains("/adminservice")
}

/// The host of an address, lower case, without its port.
fn host(context: &str) -> Option<String> {
    let (_, rest) = context.split_once("://")?;
    let authority = rest.split(['/', '#', '?']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
