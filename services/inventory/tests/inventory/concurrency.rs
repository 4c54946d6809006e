//! Many writers at once, in one process and in several: nothing lost, nothing twice, revisions in the order of commits.

use std::collections::BTreeSet;

use futures::future::join_all;
use tandem_contracts::inventory::v1::{Device, ReportDevicesRequest, ReportDevicesResponse};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;

use crate::sandbox::*;

/// Devices that are reported, one in a stream of its own.
const DEVICES: u32 = 100;

/// Reports the discovery of a device, and waits for the acknowledgement.
async fn report(sandbox: &Sandbox, number: u32) -> ReportDevicesResponse {
    let key = format!("PS1/{number}");
    let request = ReportDevicesRequest {
        parent: "tenants/contoso".into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: vec![
            discovery(&key, &format!("OSL-{number}"), &sms(number)),
            co_management(&key, &guid(number)),
        ],
    };
    let mut devices = sandbox.devices.clone();
    let mut answers = devices.report_devices(futures::stream::iter([request])).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap()
}

fn revision(answer: &ReportDevicesResponse) -> u64 {
    let token = ConsistencyToken::parse(&answer.consistency_token).unwrap();
    token.get(Service::Inventory).unwrap().revision
}

/// Each device once, with both of its keys, and none that nobody reported.
fn check_devices(devices: &[Device]) {
    let mut found: Vec<(Option<&str>, usize)> = devices
        .iter()
        .map(|device| (device.facts.as_ref().unwrap().display_name.as_deref(), device.keys.len()))
        .collect();
    found.sort_unstable();
    let names: BTreeSet<String> = (1..=DEVICES).map(|number| format!("OSL-{number}")).collect();
    let expected: Vec<(Option<&str>, usize)> = names.iter().map(|name| (Some(name.as_str()), 2)).collect();
    assert_eq!(found, expected);
}

pub(crate) async fn reports_that_arrive_at_once_are_all_there_when_they_are_acknowledged() {
    let mut sandbox = Sandbox::start().await;
    let answers = join_all((1..=DEVICES).map(|number| report(&sandbox, number))).await;
    for answer in &answers {
        assert_eq!((answer.applied, answer.superseded), (2, 0));
    }
    let devices = sandbox.all().await;
    check_devices(&devices);
    // What shares a transaction shares its revision: those that were acknowledged are those that devices have.
    let acknowledged: BTreeSet<u64> = answers.iter().map(revision).collect();
    let stored: BTreeSet<u64> = devices.iter().map(|device| device.revision).collect();
    assert_eq!(acknowledged, stored);
}

pub(crate) async fn replicas_that_race_on_the_same_devices_make_each_once() {
    let mut one = Sandbox::start().await;
    let two = one.replica().await;
    let both = [&one, &two];
    let reports =
        both.into_iter().flat_map(|replica| (1..=DEVICES).map(move |number| report(replica, number)));
    let answers = join_all(reports).await;
    // Of each report one copy was first, and the other told nothing new.
    let applied: u32 = answers.iter().map(|answer| answer.applied).sum();
    let superseded: u32 = answers.iter().map(|answer| answer.superseded).sum();
    assert_eq!((applied, superseded), (2 * DEVICES, 2 * DEVICES));
    check_devices(&one.all().await);
}
