//! Sections: replaced only by greater ones, refused one by one, merged into what a device is believed to be.

use std::collections::BTreeMap;

use tandem_contracts::inventory::v1::{
    GetDeviceRequest, LookupDeviceRequest, RefusedSection, ReportDevicesRequest, WatchDevicesRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{ConsoleDevice, DeviceKey, Discovery, KeyKind, ManagementState, Section};
use tandem_server::{Clock, MAX_MESSAGE_BYTES};
use tonic::Code;

use crate::sandbox::*;

fn named(key: &str, at: &str, name: &str) -> Section {
    section(key, at, Body::Discovery(Discovery { name: Some(name.into()), ..Discovery::default() }))
}

pub(crate) async fn reported_device_is_found_by_every_key_in_any_spelling() {
    let mut sandbox = Sandbox::start().await;
    let sections = vec![discovery("PS1/1", "OSL-1", &sms(1)), co_management("PS1/1", &guid(1))];
    let answer = sandbox.report("configmgr/PS1", sections).await;
    assert_eq!((answer.applied, answer.superseded, answer.refused), (2, 0, vec![]));
    let device = sandbox.all().await.remove(0);
    assert_eq!(device.state, i32::from(ManagementState::CoManaged));
    assert_eq!(device.facts.as_ref().unwrap().display_name.as_deref(), Some("OSL-1"));
    let spellings = [
        (KeyKind::EntraDeviceId, format!("{{{}}}", guid(1).to_uppercase())),
        (KeyKind::SmsClientId, sms(1).to_lowercase()),
    ];
    for (kind, value) in spellings {
        let key = Some(DeviceKey { kind: kind.into(), value });
        let request = LookupDeviceRequest { parent: "tenants/contoso".into(), key, ..Default::default() };
        let found = sandbox.devices.lookup_device(request).await.unwrap().into_inner().device;
        assert_eq!(found.as_ref(), Some(&device));
    }
}

pub(crate) async fn older_section_and_replay_are_superseded() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![named("PS1/1", "2026-11-20T11:00:00Z", "new")]).await;
    let before = sandbox.all().await;
    for replay in
        [named("PS1/1", "2026-11-20T11:00:00Z", "new"), named("PS1/1", "2026-11-20T10:00:00Z", "old")]
    {
        let answer = sandbox.report("configmgr/PS1", vec![replay]).await;
        assert_eq!((answer.applied, answer.superseded), (0, 1));
    }
    assert_eq!(sandbox.all().await, before);
}

pub(crate) async fn report_that_only_refreshes_a_last_seen_time_takes_no_revision() {
    let mut sandbox = Sandbox::start().await;
    let seen = |observed_at: &str, last_active: &str| {
        let last_active = Some(tandem_contracts::convert::time::to_proto(last_active.parse().unwrap()));
        let name = Some("same".into());
        section("PS1/1", observed_at, Body::Device(ConsoleDevice { name, last_active, ..Default::default() }))
    };
    let first =
        sandbox.report("configmgr/PS1", vec![seen("2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z")]).await;
    let mut expected = sandbox.all().await;
    let again =
        sandbox.report("configmgr/PS1", vec![seen("2026-11-20T11:00:00Z", "2026-11-20T10:30:00Z")]).await;
    assert_eq!((again.applied, again.superseded), (1, 0));
    assert_eq!(again.consistency_token, first.consistency_token, "the tenant's revision is the same");
    // The times themselves are the new ones.
    let facts = expected[0].facts.as_mut().unwrap();
    facts.sections[0].observed_at.as_mut().unwrap().seconds += 3600;
    facts.last_site_contact.as_mut().unwrap().seconds += 5400;
    assert_eq!(sandbox.all().await, expected);
    let renamed =
        sandbox.report("configmgr/PS1", vec![named("PS1/1", "2026-11-20T11:30:00Z", "other")]).await;
    assert_ne!(renamed.consistency_token, again.consistency_token);
}

pub(crate) async fn oversized_batch_is_refused_with_its_limit() {
    let mut sandbox = Sandbox::start().await;
    let huge = vec![named("PS1/1", NOW, &"x".repeat(MAX_MESSAGE_BYTES))];
    let error = sandbox.try_report("configmgr/PS1", huge).await.unwrap_err();
    assert_eq!(reason(&error), (Code::ResourceExhausted, "LIMIT_EXCEEDED".into()));
    assert_eq!(
        error.message(),
        format!("the message is larger than {MAX_MESSAGE_BYTES} bytes: send less in one message")
    );
}

pub(crate) async fn time_far_ahead_is_set_to_receipt_and_flagged() {
    let mut sandbox = Sandbox::start().await;
    let near = named("PS1/1", "2026-11-20T12:04:59Z", "near");
    let far = named("PS1/2", "2026-11-20T12:05:01Z", "far");
    sandbox.report("configmgr/PS1", vec![near, far]).await;
    let stamps: Vec<_> = sandbox
        .all()
        .await
        .iter()
        .map(|device| device.facts.clone().unwrap().sections.remove(0))
        .map(|stamp| (stamp.key, stamp.observed_at.unwrap().seconds, stamp.clamped))
        .collect();
    // 2026-11-20T12:00:00Z is 1795176000 seconds after 1970.
    assert_eq!(stamps, [("PS1/1".into(), 1_795_176_299, false), ("PS1/2".into(), 1_795_176_000, true)]);
}

pub(crate) async fn what_was_said_from_the_future_is_not_newer_when_it_is_said_again() {
    let mut sandbox = Sandbox::start_at(Clock::system()).await;
    let ahead = named("PS1/1", "2999-01-01T00:00:00Z", "from the future");
    sandbox.report("configmgr/PS1", vec![ahead.clone()]).await;
    let now = jiff::Timestamp::now().to_string();
    sandbox.report("configmgr/PS1", vec![named("PS1/1", &now, "now")]).await;
    let replay = sandbox.report("configmgr/PS1", vec![ahead]).await;
    assert_eq!((replay.applied, replay.superseded), (0, 1));
    let name = sandbox.all().await.remove(0).facts.unwrap().display_name;
    assert_eq!(name.as_deref(), Some("now"));
}

pub(crate) async fn bad_section_is_refused_and_the_others_are_stored() {
    let mut sandbox = Sandbox::start().await;
    let nothing = Section { body: None, ..named("PS1/2", NOW, "x") };
    let answer = sandbox.report("configmgr/PS1", vec![nothing, named("PS1/1", NOW, "good")]).await;
    assert_eq!(answer.applied, 1);
    assert_eq!(
        answer.refused,
        [RefusedSection {
            index: 0,
            field: "body".into(),
            reason: "must be set; found nothing, or a body that this release does not know".into()
        }]
    );
    assert_eq!(sandbox.groups().await, [["configmgr/PS1 PS1/1"]]);
}

pub(crate) async fn report_of_an_unknown_hierarchy_or_source_is_refused() {
    let mut sandbox = Sandbox::start().await;
    let unknown = sandbox.try_report("configmgr/XX1", vec![]).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    let nonsense = sandbox.try_report("sccm", vec![]).await.unwrap_err();
    assert_eq!(reason(&nonsense), (Code::InvalidArgument, "INVALID_FIELD".into()));
}

pub(crate) async fn acknowledged_token_reads_its_own_write() {
    let mut sandbox = Sandbox::start().await;
    let answer = sandbox.report("intune", vec![managed(&guid(1), &guid(2), "S1")]).await;
    let name = sandbox.all().await.remove(0).name;
    let request = GetDeviceRequest { name, consistency_token: answer.consistency_token };
    assert!(sandbox.devices.get_device(request.clone()).await.is_ok());
    let damaged = GetDeviceRequest { consistency_token: "nonsense".into(), ..request };
    let error = sandbox.devices.get_device(damaged).await.unwrap_err();
    assert_eq!(reason(&error), (Code::InvalidArgument, "INVALID_CONSISTENCY_TOKEN".into()));
}

pub(crate) async fn large_batches_of_a_stream_are_stored_in_order_up_to_the_first_that_fails() {
    let mut sandbox = Sandbox::start().await;
    // Read ahead: each batch has the records of the one before, under later names, and as many new ones.
    let batch = |sequence: u64, source: &str| ReportDevicesRequest {
        parent: "tenants/contoso".into(),
        source: source.into(),
        sequence,
        sections: ((sequence - 1) * 400..(sequence + 1) * 400)
            .map(|number| {
                let at = format!("2026-11-20T1{sequence}:00:00Z");
                named(&format!("PS1/{number}"), &at, &format!("batch {sequence}"))
            })
            .collect(),
    };
    let batches = [
        batch(1, "configmgr/PS1"),
        batch(2, "configmgr/PS1"),
        batch(3, "configmgr/XX1"),
        batch(4, "configmgr/PS1"),
    ];
    let mut answers = sandbox.devices.report_devices(tokio_stream::iter(batches)).await.unwrap().into_inner();
    for sequence in 1..=2 {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!((answer.sequence, answer.applied, answer.superseded), (sequence, 800, 0));
    }
    assert_eq!(answers.message().await.unwrap_err().code(), Code::NotFound);

    let request = WatchDevicesRequest {
        parent: "tenants/contoso".into(),
        snapshot_only: true,
        ..WatchDevicesRequest::default()
    };
    let mut snapshot = sandbox.devices.watch_devices(request).await.unwrap().into_inner();
    let mut names = BTreeMap::<String, usize>::new();
    while let Some(part) = snapshot.message().await.unwrap() {
        for device in part.changed {
            *names.entry(device.facts.unwrap().display_name.unwrap()).or_default() += 1;
        }
    }
    assert_eq!(names, BTreeMap::from([("batch 1".to_owned(), 400), ("batch 2".to_owned(), 800)]));
}
