//! Which devices differ from what they reported, page by page.

use tandem_contracts::authority::v1::{DeviceDrift, Drift, DriftCause, ListDriftRequest, ListDriftResponse};
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::{ErrorReason, SliderPosition, Workload, WorkloadSetting};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tonic::Status;

use crate::effective::compliance_drift;
use crate::fleet::{self, DRIFTING, INTUNE_SAID, SITE_SAID};
use crate::{Sandbox, TENANT, now, reason, sandbox_with_policy};

fn drift_of(device: &str) -> DeviceDrift {
    let drift = vec![compliance_drift("configmgr/PS1", SITE_SAID), compliance_drift("intune", INTUNE_SAID)];
    DeviceDrift { device: device.into(), drift }
}

async fn list(
    sandbox: &mut Sandbox,
    workload: Workload,
    page_size: i32,
    page_token: &str,
) -> Result<ListDriftResponse, Status> {
    let (parent, page_token) = (TENANT.to_owned(), page_token.to_owned());
    let request =
        ListDriftRequest { parent, workload: workload.into(), page_size, page_token, ..Default::default() };
    Ok(sandbox.client.list_drift(request).await?.into_inner())
}

/// Beside `d2`, six more devices that drift: `e1` to `e6`.
fn add_drifting_devices(sandbox: &Sandbox) {
    let mut world = sandbox.inventory.world();
    let drifting = world.devices[1].clone();
    for place in 1..=6 {
        let name = format!("{TENANT}/devices/e{place}");
        world.devices.push(Device { name, ..drifting.clone() });
    }
}

pub(crate) async fn devices_with_drift_are_listed_alone() {
    let mut sandbox = sandbox_with_policy().await;
    let answer = list(&mut sandbox, Workload::Unspecified, 0, "").await.unwrap();
    assert_eq!((answer.devices, answer.next_page_token.as_str()), (vec![drift_of(DRIFTING)], ""));
    let token = ConsistencyToken::parse(&answer.consistency_token).unwrap();
    assert!(token.get(Service::Inventory).is_some() && token.get(Service::Authority).is_some());
}

pub(crate) async fn drift_of_one_workload_leaves_the_others_out() {
    let mut sandbox = sandbox_with_policy().await;
    let compliance = list(&mut sandbox, Workload::CompliancePolicies, 0, "").await.unwrap();
    assert_eq!(compliance.devices, [drift_of(DRIFTING)]);
    let apps = list(&mut sandbox, Workload::ClientApps, 0, "").await.unwrap();
    assert_eq!((apps.devices, apps.next_page_token.as_str()), (vec![], ""));
}

pub(crate) async fn pages_of_every_size_together_list_each_device_once() {
    let mut sandbox = sandbox_with_policy().await;
    add_drifting_devices(&sandbox);
    let names = ["d2", "e1", "e2", "e3", "e4", "e5", "e6"];
    let expected: Vec<_> = names.map(|id| drift_of(&format!("{TENANT}/devices/{id}"))).into();
    for size in 1..=8 {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&mut sandbox, Workload::Unspecified, size, &token).await.unwrap();
            assert!(page.devices.len() <= size as usize);
            found.extend(page.devices);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {size}");
    }
}

pub(crate) async fn page_that_is_full_reads_no_further() {
    let mut sandbox = sandbox_with_policy().await;
    add_drifting_devices(&sandbox);
    let page = list(&mut sandbox, Workload::Unspecified, 1, "").await.unwrap();
    assert_eq!(page.devices, [drift_of(DRIFTING)]);
    assert_eq!(sandbox.inventory.world().pages_read, 1);
}

pub(crate) async fn device_that_goes_between_two_pages_is_not_missed_by_the_rest() {
    let mut sandbox = sandbox_with_policy().await;
    add_drifting_devices(&sandbox);
    let first = list(&mut sandbox, Workload::Unspecified, 2, "").await.unwrap();
    sandbox.inventory.world().devices.retain(|device| !device.name.ends_with("e1"));
    let second = list(&mut sandbox, Workload::Unspecified, 1, &first.next_page_token).await.unwrap();
    assert_eq!(second.devices, [drift_of("tenants/contoso/devices/e2")]);
}

pub(crate) async fn call_that_finds_too_little_says_where_to_go_on() {
    let mut sandbox = sandbox_with_policy().await;
    {
        // The inventory of these tests has pages of two devices; one call goes through fifty of them.
        let mut world = sandbox.inventory.world();
        let (drifting, in_line) = (world.devices[1].clone(), world.devices[0].clone());
        let numbered = |device: &Device, place: usize| Device {
            name: format!("{TENANT}/devices/f{place:03}"),
            ..device.clone()
        };
        world.devices = (0..110).map(|place| numbered(&in_line, place)).collect();
        world.devices.push(numbered(&drifting, 110));
    }
    let first = list(&mut sandbox, Workload::Unspecified, 1, "").await.unwrap();
    assert_eq!(first.devices, []);
    let second = list(&mut sandbox, Workload::Unspecified, 1, &first.next_page_token).await.unwrap();
    let last = format!("{TENANT}/devices/f110");
    assert_eq!((second.devices, second.next_page_token.as_str()), (vec![drift_of(&last)], ""));
}

pub(crate) async fn page_token_of_another_workload_is_refused() {
    let mut sandbox = sandbox_with_policy().await;
    add_drifting_devices(&sandbox);
    let first = list(&mut sandbox, Workload::Unspecified, 1, "").await.unwrap();
    let other = list(&mut sandbox, Workload::ClientApps, 1, &first.next_page_token).await.unwrap_err();
    assert_eq!(reason(other), ErrorReason::InvalidPageToken);
}

pub(crate) async fn hierarchy_without_policy_never_drifts() {
    let mut sandbox = crate::sandbox().await;
    let answer = list(&mut sandbox, Workload::Unspecified, 0, "").await.unwrap();
    assert_eq!((answer.devices, answer.next_page_token.as_str()), (vec![], ""));
}

/// The slider was read at another place than before, two hours after the site's report and half an hour after Intune's.
pub(crate) async fn drift_says_since_when_and_why() {
    let mut sandbox = sandbox_with_policy().await;
    let mut moved = fleet::policy();
    moved.workloads[0] = WorkloadSetting {
        workload: Workload::CompliancePolicies.into(),
        slider: SliderPosition::ConfigurationManager.into(),
        pilot_collection: String::new(),
    };
    sandbox.record(moved).await.unwrap();
    let answer = list(&mut sandbox, Workload::CompliancePolicies, 0, "").await.unwrap();
    let drifting = answer.devices.iter().find(|device| device.device == DRIFTING).unwrap();
    let expected = |source: &str, at: &str| Drift {
        since: Some(time::to_proto(now())),
        cause: DriftCause::NotCheckedInSince.into(),
        explanation: "the device has not checked in since the change: its report is from before".into(),
        ..compliance_drift(source, at)
    };
    assert_eq!(drifting.drift, [expected("configmgr/PS1", SITE_SAID), expected("intune", INTUNE_SAID)]);

    // Recorded again without a change of it: it stays the time of the change.
    let mut other = fleet::policy();
    other.workloads[0].slider = SliderPosition::ConfigurationManager.into();
    other.workloads[0].pilot_collection.clear();
    sandbox.record(other).await.unwrap();
    let again = list(&mut sandbox, Workload::CompliancePolicies, 0, "").await.unwrap();
    assert_eq!(again.devices, answer.devices);
}
