//! AdminService `wmi/SMS_R_System` (fact pack, admin_service.md 6.1).

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::managed_device::sms_id;
use crate::device::{SimulatedDevice, SiteRecord};
use crate::fleet::Fleet;
use crate::hierarchy::Hierarchy;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Discovery<'a> {
    #[serde(rename = "@odata.etag")]
    etag: String,
    #[serde(rename = "__LAZYPROPERTIES")]
    lazy_properties: [&'static str; 0],
    #[serde(rename = "__CLASS")]
    class: &'static str,
    #[serde(rename = "ResourceID")]
    resource_id: u32,
    active: u32,
    #[serde(rename = "ADSiteName")]
    ad_site_name: Option<&'static str>,
    agent_name: Vec<&'static str>,
    agent_time: Vec<Timestamp>,
    client: u32,
    client_type: u32,
    client_version: &'a str,
    creation_date: Timestamp,
    decommissioned: u32,
    distinguished_name: String,
    #[serde(rename = "IPAddresses")]
    ip_addresses: [String; 1],
    is_virtual_machine: bool,
    last_logon_user_domain: Option<&'static str>,
    last_logon_user_name: Option<&'a str>,
    name: &'a str,
    netbios_name: &'a str,
    obsolete: u32,
    #[serde(rename = "OperatingSystemNameandVersion")]
    operating_system: &'static str,
    #[serde(rename = "ResourceDomainORWorkgroup")]
    domain_or_workgroup: &'static str,
    resource_type: u32,
    #[serde(rename = "SMBIOSGUID")]
    smbios_guid: String,
    #[serde(rename = "SMSAssignedSites")]
    assigned_sites: Vec<&'a str>,
    #[serde(rename = "SMSUniqueIdentifier")]
    sms_unique_identifier: Option<String>,
}

/// Active Directory discovery runs once a day.
const DISCOVERED_BEFORE_EXPORT: SignedDuration = SignedDuration::from_hours(18);

impl<'a> Discovery<'a> {
    pub(crate) fn of(
        fleet: &Fleet,
        hierarchy: &'a Hierarchy,
        device: &'a SimulatedDevice,
        record: &'a SiteRecord,
    ) -> Self {
        let client = record.client_version.is_some();
        let user = device.user.as_deref();
        let (agent_name, agent_time) = agents(fleet, device, record);
        let distinguished_name = if device.ad_joined {
            format!("CN={},OU=Clients,DC=example,DC=com", device.name)
        } else {
            String::new()
        };
        Self {
            etag: record.resource_id.to_string(),
            lazy_properties: [],
            class: "SMS_R_System",
            resource_id: record.resource_id,
            active: u32::from(record.active),
            ad_site_name: device.ad_joined.then_some("Default-First-Site-Name"),
            agent_name,
            agent_time,
            client: u32::from(client),
            client_type: u32::from(client),
            client_version: record.client_version.as_deref().unwrap_or_default(),
            creation_date: record.created,
            decommissioned: 0,
            distinguished_name,
            ip_addresses: [address(device.index)],
            is_virtual_machine: is_virtual(device),
            last_logon_user_domain: user.map(|_| "EXAMPLE"),
            last_logon_user_name: user,
            name: &device.name,
            netbios_name: &device.name,
            obsolete: 0,
            operating_system: operating_system(device),
            domain_or_workgroup: domain(device),
            resource_type: 5,
            smbios_guid: format!("{:X}", device.smbios_guid.hyphenated()),
            assigned_sites: if client { vec![hierarchy.code().as_str()] } else { Vec::new() },
            sms_unique_identifier: device.sms_id.filter(|_| client).map(sms_id),
        }
    }
}

/// Who found it, and when last: Active Directory discovery the members of the domain, the heartbeat the clients.
fn agents(
    fleet: &Fleet,
    device: &SimulatedDevice,
    record: &SiteRecord,
) -> (Vec<&'static str>, Vec<Timestamp>) {
    let mut names = Vec::new();
    let mut times = Vec::new();
    if device.ad_joined && !device.stale {
        names.push("SMS_AD_SYSTEM_DISCOVERY_AGENT");
        times.push(fleet.exported_at.checked_sub(DISCOVERED_BEFORE_EXPORT).unwrap_or(fleet.exported_at));
    }
    if let Some(contact) = record.last_contact {
        names.extend(["MP_ClientRegistration", "Heartbeat Discovery"]);
        times.extend([record.created, contact]);
    }
    (names, times)
}

/// Windows 10 and 11 have the same text; only the build tells them apart (admin_service.md 6.1).
pub(super) fn operating_system(device: &SimulatedDevice) -> &'static str {
    match device.windows.version {
        _ if device.is_server() => "Microsoft Windows NT Advanced Server 10.0",
        version if version.starts_with("6.1.") => "Microsoft Windows NT Workstation 6.1",
        version if version.starts_with("6.3.") => "Microsoft Windows NT Workstation 6.3",
        _ => "Microsoft Windows NT Workstation 10.0",
    }
}

pub(super) fn domain(device: &SimulatedDevice) -> &'static str {
    if device.ad_joined { "EXAMPLE" } else { "WORKGROUP" }
}

pub(super) fn is_virtual(device: &SimulatedDevice) -> bool {
    device.hardware.0.starts_with("VMware")
}

/// Of the private network 10/8, which has room for every fleet.
fn address(index: u64) -> String {
    format!("10.{}.{}.{}", (index >> 16) & 255, (index >> 8) & 255, index & 255)
}
