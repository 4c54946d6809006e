//! `v1.0/Device` and `SMS_CombinedDeviceResources`: the console's device list (fact pack, admin_service.md 6.2 and 6.3).
//!
//! The vendor prints no member list of `v1.0/Device`. Public readings show the names of the combined class and names of
//! discovery; both are taken, the console's first.

use serde::Deserialize;
use tandem_domain::section::{ConsoleDevice, SectionBody, SectionKind};

use super::SiteRow;
use crate::ledger::Standing;
use crate::record::{self, Fault, name};
use crate::value::{Flag, Moment, Number, Text};

/// A row of the console's device list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct ConsoleRecord {
    #[serde(rename = "ResourceID")]
    resource_id: Number,
    machine_id: Number,
    #[serde(rename = "MachineID")]
    machine_id_capital: Number,
    name: Text,
    #[serde(rename = "SMSID")]
    sms_id: Text,
    site_code: Text,
    domain: Text,
    client_version: Text,
    is_client: Flag,
    is_active: Flag,
    client_active_status: Flag,
    is_obsolete: Flag,
    obsolete: Flag,
    is_decommissioned: Flag,
    decommissioned: Flag,
    unknown: Flag,
    #[serde(rename = "DeviceOS")]
    device_os: Text,
    #[serde(rename = "OperatingSystemNameandVersion")]
    operating_system: Text,
    #[serde(rename = "DeviceOSBuild")]
    device_os_build: Text,
    device_owner: Number,
    serial_number: Text,
    #[serde(rename = "SMBIOSGUID")]
    smbios_guid: Text,
    #[serde(rename = "AADDeviceID")]
    entra_device_id: Text,
    primary_user: Text,
    last_active_time: Moment,
    last_policy_request: Moment,
    #[serde(rename = "LastDDR")]
    last_ddr: Moment,
}

impl SiteRow for ConsoleRecord {
    fn resource_id(&self) -> Option<u32> {
        self.resource_id.0.or(self.machine_id.0).or(self.machine_id_capital.0)
    }

    fn standing(&self) -> Standing<'_> {
        Standing {
            obsolete: self.is_obsolete.0.or(self.obsolete.0),
            decommissioned: self.is_decommissioned.0.or(self.decommissioned.0),
            unknown: self.unknown.0,
            client: self.is_client.0,
            sms_id: self.sms_id.0.as_deref(),
            name: self.name.0.as_deref(),
        }
    }

    fn body(self, kind: SectionKind, notes: &mut Vec<Fault>) -> SectionBody {
        record::version(self.client_version.0.as_deref(), "5.00.9141.1011", "ClientVersion", notes);
        record::version(self.device_os_build.0.as_deref(), "10.0.26100.7019", "DeviceOSBuild", notes);
        let device = ConsoleDevice {
            name: self.name.0,
            sms_id: self.sms_id.0,
            site_code: name(self.site_code.0.as_deref(), "SiteCode", notes),
            domain: self.domain.0,
            client_version: self.client_version.0,
            is_client: self.is_client.0,
            is_active: self.is_active.0.or(self.client_active_status.0),
            device_os: self.device_os.0.or(self.operating_system.0),
            device_os_build: self.device_os_build.0,
            device_owner: self.device_owner.0,
            serial_number: self.serial_number.0,
            smbios_guid: self.smbios_guid.0,
            entra_device_id: self.entra_device_id.0,
            primary_user: self.primary_user.0,
            last_active: self.last_active_time.0,
            last_policy_request: self.last_policy_request.0,
            last_ddr: self.last_ddr.0,
        };
        if kind == SectionKind::CombinedDevice {
            SectionBody::CombinedDevice(device)
        } else {
            SectionBody::Device(device)
        }
    }
}
