//! AdminService `v1.0/Device`: the console's device list, in the combined-device names (fact pack, admin_service.md 6.3).

use jiff::Timestamp;
use serde::Serialize;
use tandem_domain::facts::Owner;

use super::discovery::{domain, is_virtual, operating_system};
use super::managed_device::sms_id;
use crate::device::{SimulatedDevice, SiteRecord};
use crate::fleet::Fleet;
use crate::hierarchy::Hierarchy;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsoleDevice<'a> {
    machine_id: u32,
    name: &'a str,
    #[serde(rename = "SMSID")]
    sms_id: Option<String>,
    site_code: Option<&'a str>,
    domain: &'static str,
    client_version: Option<&'a str>,
    client_type: Option<u32>,
    is_client: bool,
    is_active: bool,
    is_obsolete: bool,
    is_blocked: bool,
    is_approved: Option<u32>,
    is_virtual_machine: bool,
    #[serde(rename = "DeviceOS")]
    device_os: &'static str,
    #[serde(rename = "DeviceOSBuild")]
    device_os_build: Option<&'static str>,
    device_owner: Option<u32>,
    device_category: Option<&'static str>,
    serial_number: Option<&'a str>,
    primary_user: Option<String>,
    last_active_time: Option<Timestamp>,
    last_policy_request: Option<Timestamp>,
    #[serde(rename = "LastDDR")]
    last_ddr: Option<Timestamp>,
    #[serde(rename = "CNIsOnline")]
    is_online: bool,
    client_active_status: Option<u32>,
    client_check_pass: Option<u32>,
    client_cert_type: Option<u32>,
}

/// A client counts as online when it was heard of within its policy poll (scale: 60 minutes).
const ONLINE_SECONDS: i64 = 60 * 60;

impl<'a> ConsoleDevice<'a> {
    pub(crate) fn of(
        fleet: &Fleet,
        hierarchy: &'a Hierarchy,
        device: &'a SimulatedDevice,
        record: &'a SiteRecord,
    ) -> Self {
        let client = record.client_version.is_some();
        let silent_for = record.last_contact.map(|at| fleet.exported_at.duration_since(at).as_secs());
        let owner = match device.owner {
            Owner::Company => 1,
            Owner::Personal => 2,
        };
        Self {
            machine_id: record.resource_id,
            name: &device.name,
            sms_id: device.sms_id.filter(|_| client).map(sms_id),
            site_code: client.then(|| hierarchy.code().as_str()),
            domain: domain(device),
            client_version: record.client_version.as_deref(),
            client_type: client.then_some(1),
            is_client: client,
            is_active: record.active,
            is_obsolete: false,
            is_blocked: false,
            is_approved: client.then_some(1),
            is_virtual_machine: is_virtual(device),
            device_os: operating_system(device),
            // Inventory of the client; discovery alone knows no build.
            device_os_build: client.then_some(device.windows.version),
            device_owner: client.then_some(owner),
            device_category: None,
            serial_number: client.then(|| device.serial.text()),
            primary_user: device.user.as_ref().map(|user| format!("example\\{user}")),
            last_active_time: record.last_contact,
            last_policy_request: record.last_contact,
            last_ddr: record.last_contact,
            is_online: silent_for.is_some_and(|seconds| seconds <= ONLINE_SECONDS),
            client_active_status: client.then_some(u32::from(record.active)),
            client_check_pass: client.then_some(1),
            client_cert_type: client.then_some(1),
        }
    }
}
