//! A fleet that is reported batch by batch, through whatever happens; and a look at what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tandem_client::Connection;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, Device, Hierarchy, ListDevicesRequest, ReportDevicesRequest, Tenant,
    UpdateHierarchyRequest, WatchDevicesRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{CoManagementState, Discovery, Section};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_testkit::wait::until;
use tokio::sync::watch;

/// The tenant of every report.
pub const TENANT: &str = "tenants/contoso";

/// The hierarchy of every report.
pub const HIERARCHY: &str = "tenants/contoso/hierarchies/PS1";

/// When everything was observed.
const OBSERVED_AT: &str = "2026-11-20T12:00:00Z";

/// Devices of one batch.
const BATCH: usize = 50;

/// Makes the tenant and its hierarchy. Answers where the feed of its devices begins.
///
/// # Panics
/// They cannot be made.
pub async fn make_tenant(connection: &Connection) -> FeedStart {
    let tenant = Tenant { name: TENANT.into(), ..Tenant::default() };
    let request = CreateTenantRequest { tenant: Some(tenant), request_id: String::new() };
    connection.tenants().create_tenant(request).await.expect("the tenant is made");
    let hierarchy = Hierarchy { name: HIERARCHY.into(), ..Hierarchy::default() };
    let request =
        UpdateHierarchyRequest { hierarchy: Some(hierarchy), allow_missing: true, request_id: String::new() };
    connection.hierarchies().update_hierarchy(request).await.expect("the hierarchy is made");
    let (nothing, resume_token) = feed(connection, String::new()).await;
    assert_eq!(nothing, []);
    FeedStart { resume_token }
}

/// Where the feed begins that tells of every device: a watcher that was there before them all.
#[derive(Debug, Clone)]
pub struct FeedStart {
    resume_token: String,
}

/// What a site says of the device of that number: two sections, which bring two keys.
#[must_use]
pub fn sections(number: u32) -> [Section; 2] {
    let observed_at = OBSERVED_AT.parse().map(tandem_contracts::convert::time::to_proto).ok();
    let section = |body| Section { key: format!("PS1/{number}"), observed_at, sequence: 0, body: Some(body) };
    let discovery = Discovery {
        name: Some(name(number)),
        sms_unique_identifier: Some(format!("GUID:00000000-0000-4000-8000-{number:012}")),
        client: Some(true),
        operating_system: Some("Microsoft Windows NT Workstation 10.0".into()),
        ..Discovery::default()
    };
    let state = CoManagementState {
        entra_device_id: Some(format!("0d7b6c51-4a3f-4b18-8f2d-{number:012}")),
        mdm_enrolled: Some(true),
        mdm_provisioned: Some(true),
        policy_present: Some(true),
        ..CoManagementState::default()
    };
    [section(Body::Discovery(discovery)), section(Body::CoManagementState(state))]
}

fn name(number: u32) -> String {
    format!("OSL-{number:06}")
}

/// Reports the devices of those numbers in batches, over one stream after the other until each was acknowledged. `progress` counts the
/// devices that were.
///
/// # Panics
/// A batch is refused, or acknowledgements contradict what was promised; or nothing gets on for a minute.
pub async fn report(connection: &Connection, numbers: Range<u32>, progress: &watch::Sender<u32>) -> Mark {
    let numbers: Vec<u32> = numbers.collect();
    let batches: Vec<&[u32]> = numbers.chunks(BATCH).collect();
    let mut acknowledged = 0;
    let mut seen = Mark { incarnation: 0, revision: 0 };
    while acknowledged < batches.len() {
        let before = acknowledged;
        until("a batch is acknowledged", async || {
            let rest = batches[acknowledged..].iter().zip(acknowledged as u64 + 1..);
            let requests: Vec<ReportDevicesRequest> = rest
                .map(|(numbers, sequence)| ReportDevicesRequest {
                    parent: TENANT.into(),
                    source: "configmgr/PS1".into(),
                    sequence,
                    sections: numbers.iter().flat_map(|number| sections(*number)).collect(),
                })
                .collect();
            let mut devices = connection.devices();
            let mut answers = devices.report_devices(tokio_stream::iter(requests)).await.ok()?.into_inner();
            // The stream ends with its last batch, or breaks.
            while let Ok(Some(answer)) = answers.message().await {
                assert_eq!(answer.sequence, acknowledged as u64 + 1);
                assert_eq!(answer.refused, []);
                let sections = 2 * batches[acknowledged].len();
                assert_eq!((answer.applied + answer.superseded) as usize, sections);
                let mark = mark(&answer.consistency_token);
                assert!(
                    seen.incarnation == 0
                        || (seen.incarnation == mark.incarnation && seen.revision <= mark.revision),
                    "the world went back from {seen:?} to {mark:?}"
                );
                seen = mark;
                progress
                    .send_modify(|count| *count += u32::try_from(batches[acknowledged].len()).unwrap_or(0));
                acknowledged += 1;
            }
            (acknowledged > before).then_some(())
        })
        .await;
    }
    seen
}

fn mark(token: &str) -> Mark {
    let token = ConsistencyToken::parse(token).expect("a token is answered");
    token.get(Service::Inventory).expect("it names the inventory's world")
}

/// Reports the device of that number under another name, for the `time`th time. Answers the token of the world that has it.
///
/// # Panics
/// The report is not taken.
pub async fn rename(connection: &Connection, number: u32, time: u32) -> String {
    let [mut discovery, _] = sections(number);
    discovery.sequence = u64::from(time);
    if let Some(Body::Discovery(said)) = &mut discovery.body {
        said.name = Some(format!("{}-{time}", name(number)));
    }
    let request = ReportDevicesRequest {
        parent: TENANT.into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: vec![discovery],
    };
    let mut devices = connection.devices();
    let answers = devices.report_devices(tokio_stream::iter([request])).await.expect("a stream is opened");
    let answer =
        answers.into_inner().message().await.expect("the report is taken").expect("it is acknowledged");
    assert_eq!((answer.applied, answer.superseded), (1, 0));
    answer.consistency_token
}

/// Every device of the tenant, page by page.
///
/// # Panics
/// The inventory does not answer.
pub async fn devices(connection: &Connection) -> Vec<Device> {
    let mut devices = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDevicesRequest {
            parent: TENANT.into(),
            page_size: 1000,
            page_token,
            ..ListDevicesRequest::default()
        };
        let page = connection.devices().list_devices(request).await.expect("devices are listed").into_inner();
        devices.extend(page.devices);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return devices;
        }
    }
}

/// Reads everything back and checks what was promised: exactly the devices of those numbers, each with its two keys, no key on two devices,
/// and the same devices in the feed, in the order of revisions, none later than `seen`.
///
/// # Panics
/// A promise was broken.
pub async fn check(connection: &Connection, start: &FeedStart, numbers: Range<u32>, seen: Mark) {
    let listed = devices(connection).await;
    let mut names: Vec<String> = listed.iter().map(display_name).collect();
    names.sort_unstable();
    let expected: Vec<String> = numbers.map(name).collect();
    assert_eq!(names.len(), expected.len(), "as many devices as were reported");
    assert_eq!(names, expected);
    let mut holders = BTreeMap::new();
    for device in &listed {
        assert_eq!(device.keys.len(), 2, "{} has the keys that were reported", device.name);
        for key in &device.keys {
            let other = holders.insert((key.kind, key.value.clone()), device.name.clone());
            assert_eq!(other, None, "{key:?} is on {} too", device.name);
        }
    }
    let (fed, _) = feed(connection, start.resume_token.clone()).await;
    let revisions: Vec<u64> = fed.iter().map(|device| device.revision).collect();
    assert!(revisions.is_sorted(), "the feed is in the order of revisions");
    assert!(revisions.last().is_none_or(|last| *last <= seen.revision), "{:?} {seen:?}", revisions.last());
    let by_name = |devices: Vec<Device>| -> BTreeMap<String, Device> {
        devices.into_iter().map(|device| (device.name.clone(), device)).collect()
    };
    assert_eq!(by_name(fed), by_name(listed), "the feed tells what the list does");
}

fn display_name(device: &Device) -> String {
    device.facts.as_ref().and_then(|facts| facts.display_name.clone()).unwrap_or_default()
}

/// Everything that a watcher is told up to now, and where it goes on.
async fn feed(connection: &Connection, resume_token: String) -> (Vec<Device>, String) {
    let request = WatchDevicesRequest {
        parent: TENANT.into(),
        snapshot_only: true,
        resume_token,
        ..WatchDevicesRequest::default()
    };
    let mut devices = connection.devices();
    let mut watch = devices.watch_devices(request).await.expect("devices are watched").into_inner();
    let mut fed = Vec::new();
    let mut left = BTreeSet::new();
    let mut resume_token = String::new();
    while let Some(message) = watch.message().await.expect("the watch goes on") {
        fed.extend(message.changed);
        left.extend(message.left.into_iter().map(|left| left.name));
        resume_token = message.bookmark.map_or(resume_token, |bookmark| bookmark.resume_token);
    }
    assert_eq!(left, BTreeSet::new(), "nothing was removed");
    (fed, resume_token)
}
