//! What is kept of a fleet's prerequisites follows its devices and the time, without being asked.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use tandem_client::Connection;
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::ReportDevicesRequest;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::{
    GetFleetEvaluationRequest, ListSummaryDevicesRequest, Outcome, RuleNumber,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{ConsoleDevice, Section};
use tandem_server::Clock;
use tandem_testkit::wait::until;
use tandem_tests::reports::{TENANT, make_tenant, rename, report};
use tandem_tests::system::System;
use tokio::sync::watch;

const DEVICES: u32 = 300;

/// The names of the devices of that number, at least of that world.
async fn names(connection: &Connection, number: Option<Number>, consistency_token: String) -> Vec<String> {
    let request = ListSummaryDevicesRequest {
        parent: TENANT.into(),
        number,
        page_size: 1000,
        consistency_token,
        ..ListSummaryDevicesRequest::default()
    };
    let page = connection.fleet_evaluation().list_summary_devices(request).await.unwrap().into_inner();
    page.devices.into_iter().map(|device| device.display_name).collect()
}

#[tokio::test]
async fn changed_device_is_kept_as_it_is_in_the_world_of_the_token() {
    let system = System::embedded(Clock::system()).await;
    let connection = system.connection();
    make_tenant(connection).await;
    let (progress, _) = watch::channel(0);
    report(connection, 0..DEVICES, &progress).await;
    for time in 1..=20 {
        let token = rename(connection, 7, time).await;
        let names = names(connection, None, token).await;
        assert_eq!(names.len(), DEVICES as usize);
        assert_eq!(names.iter().filter(|name| **name == format!("OSL-000007-{time}")).count(), 1);
    }
}

/// A device of the console's list on a Windows 11 23H2, whose last edition leaves support on 2026-11-10.
async fn report_one_of_23h2(connection: &Connection) -> String {
    let console = ConsoleDevice {
        name: Some("OSL-23H2".into()),
        sms_id: Some("GUID:00000000-0000-4000-8000-000000000001".into()),
        device_os: Some("Microsoft Windows NT Workstation 10.0".into()),
        device_os_build: Some("10.0.22631.4317".into()),
        ..ConsoleDevice::default()
    };
    let section = Section {
        key: "PS1/1".into(),
        observed_at: Some(time::to_proto(BEFORE.parse().unwrap())),
        sequence: 0,
        body: Some(Body::CombinedDevice(console)),
    };
    let request = ReportDevicesRequest {
        parent: TENANT.into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: vec![section],
    };
    let answers = connection.devices().report_devices(tokio_stream::iter([request])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    assert_eq!((answer.applied, answer.refused), (1, Vec::new()));
    answer.consistency_token
}

const BEFORE: &str = "2026-11-10T12:00:00Z";
const AFTER: &str = "2026-11-12T12:00:00Z";

#[tokio::test]
async fn device_whose_windows_leaves_support_is_judged_again_when_the_day_comes() {
    let (clock, hand) = Clock::movable(BEFORE.parse().unwrap());
    let system = System::embedded(clock).await;
    let connection = system.connection();
    make_tenant(connection).await;
    let token = report_one_of_23h2(connection).await;
    let unserviced = || {
        let (rule, outcome) = ("win.serviced_version".to_owned(), Outcome::Unsatisfied.into());
        Some(Number::Rule(RuleNumber { rule, outcome, alone: false }))
    };
    assert_eq!(names(connection, None, token.clone()).await, ["OSL-23H2"]);
    assert_eq!(names(connection, unserviced(), token.clone()).await, [""; 0]);
    hand.set(AFTER.parse().unwrap());
    let found = until("the device is judged again", async || {
        Some(names(connection, unserviced(), token.clone()).await).filter(|names| !names.is_empty())
    });
    assert_eq!(found.await, ["OSL-23H2"]);
    let fleet = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let found = connection.fleet_evaluation().get_fleet_evaluation(fleet).await.unwrap().into_inner();
    assert_eq!(found.evaluation.unwrap().pending, 0);
}
