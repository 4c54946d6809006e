//! `SMS_R_System` (fact pack, admin_service.md 6.1).

use serde::Deserialize;
use tandem_domain::section::{Discovery, SectionBody, SectionKind};

use super::SiteRow;
use crate::ledger::Standing;
use crate::record::{self, Fault, name};
use crate::value::{Flag, Moment, Number, Text, TextOrEmpty};

/// A discovery record.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct DiscoveryRecord {
    #[serde(rename = "ResourceID")]
    resource_id: Number,
    machine_id: Number,
    #[serde(rename = "MachineID")]
    machine_id_capital: Number,
    name: Text,
    netbios_name: Text,
    #[serde(rename = "SMSUniqueIdentifier")]
    sms_unique_identifier: Text,
    #[serde(rename = "SMBIOSGUID")]
    smbios_guid: Text,
    client: Flag,
    active: Flag,
    obsolete: Flag,
    decommissioned: Flag,
    unknown: Flag,
    client_version: Text,
    #[serde(rename = "OperatingSystemNameandVersion")]
    operating_system: Text,
    distinguished_name: TextOrEmpty,
    #[serde(rename = "ResourceDomainORWorkgroup")]
    domain_or_workgroup: Text,
    #[serde(rename = "SMSAssignedSites")]
    assigned_sites: Option<Vec<Text>>,
    last_logon_user_name: Text,
    last_logon_user_domain: Text,
    agent_time: Option<Vec<Moment>>,
}

impl SiteRow for DiscoveryRecord {
    fn resource_id(&self) -> Option<u32> {
        self.resource_id.0.or(self.machine_id.0).or(self.machine_id_capital.0)
    }

    fn standing(&self) -> Standing<'_> {
        Standing {
            obsolete: self.obsolete.0,
            decommissioned: self.decommissioned.0,
            unknown: self.unknown.0,
            client: self.client.0,
            sms_id: self.sms_unique_identifier.0.as_deref(),
            name: self.name.0.as_deref().or(self.netbios_name.0.as_deref()),
        }
    }

    fn body(self, _: SectionKind, notes: &mut Vec<Fault>) -> SectionBody {
        record::version(self.client_version.0.as_deref(), "5.00.9141.1011", "ClientVersion", notes);
        let assigned = self.assigned_sites.unwrap_or_default().into_iter().find_map(|site| site.0);
        SectionBody::Discovery(Discovery {
            name: self.name.0.or(self.netbios_name.0),
            sms_unique_identifier: self.sms_unique_identifier.0,
            smbios_guid: self.smbios_guid.0,
            client: self.client.0,
            active: self.active.0,
            client_version: self.client_version.0,
            operating_system: self.operating_system.0,
            distinguished_name: self.distinguished_name.0,
            domain_or_workgroup: self.domain_or_workgroup.0,
            assigned_site: name(assigned.as_deref(), "SMSAssignedSites", notes),
            last_logon_user: account(self.last_logon_user_domain.0, self.last_logon_user_name.0),
            last_discovered: self.agent_time.unwrap_or_default().into_iter().filter_map(|time| time.0).max(),
        })
    }
}

/// `DOMAIN\user`; a domain without a user names nobody.
fn account(domain: Option<String>, user: Option<String>) -> Option<String> {
    match (domain, user?) {
        (Some(domain), user) => Some(format!("{domain}\\{user}")),
        (None, user) => Some(user),
    }
}
