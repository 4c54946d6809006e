//! Callers whose permission is limited to a part of a tenant: they see that part as if there were nothing else.

use std::path::Path;

use tandem_client::Connection;
use tandem_contracts::authority::v1::{
    ListCoManagementPoliciesRequest, ListDriftRequest, StreamEffectiveAuthorityRequest,
};
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::{
    GetDeviceRequest, GetHierarchyRequest, GetSurroundingsRequest, ListCollectionMembersRequest,
    ListCollectionsRequest, ListDevicesRequest, ListHierarchiesRequest, LookupDeviceRequest,
    ReportDevicesRequest, WatchDevicesRequest, WatchDevicesResponse,
};
use tandem_contracts::monitoring::v1::{Figure, GetDashboardRequest, ListFigureDevicesRequest};
use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, FleetPart, FleetSummary, ForecastFleetRequest, ForecastFleetResponse,
    GetFleetEvaluationRequest, ListFleetSummariesRequest, ListSummaryDevicesRequest, SummarizeFleetRequest,
    SummarizeFleetResponse, View,
};
use tandem_contracts::r#type::v1::{DeviceFilter, DeviceKey, KeyKind};
use tandem_testkit::wait::until;
use tandem_tests::system::Processes;
use tonic::Code;

use crate::estate::{CONTOSO, Estate, key, leave, mark, rename, report};

const TENANT: &str = "tenants/contoso";

/// Who is limited to what.
const ASSIGNMENTS: &str = r#"
    [[assignment]]
    who = ["sub:of-a-hierarchy"]
    role = "full_administrator"
    tenants = ["contoso"]
    hierarchies = ["PS1"]

    [[assignment]]
    who = ["sub:of-a-collection"]
    role = "full_administrator"
    tenants = ["contoso"]
    collections = ["hierarchies/PS2/collections/PS200014"]

    [[assignment]]
    who = ["sub:of-both"]
    role = "reader"
    tenants = ["contoso"]
    hierarchies = ["PS1"]

    [[assignment]]
    who = ["sub:of-both"]
    role = "reader"
    tenants = ["contoso"]
    collections = ["hierarchies/PS2/collections/PS200014"]
"#;

/// A limited caller, and the numbers of the devices that they see.
const CALLERS: [(&str, &[u32]); 3] =
    [("of-a-hierarchy", &[0, 1, 2]), ("of-a-collection", &[10]), ("of-both", &[0, 1, 2, 10])];

async fn estate() -> (Estate, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("assignments.toml");
    std::fs::write(&file, ASSIGNMENTS).unwrap();
    let mut processes = Processes::new().await;
    processes.configure("TANDEM_TOKENS__ASSIGNMENTS", path(&file));
    (Estate::of(processes).await, folder)
}

fn path(file: &Path) -> &str {
    file.to_str().unwrap()
}

/// Somebody of whom the token says nothing but their name.
fn limited(estate: &Estate, who: &str) -> Connection {
    let claims = serde_json::json!({ "sub": who, "roles": [], "tandem_tenants": [] });
    let token = estate.processes.credentials.signed(&estate.claims("", &[], &claims));
    estate.processes.connection_with(&token)
}

/// Everything that a caller sees of a fleet, or of the part of it that a filter takes.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    listed: Vec<String>,
    watched: Vec<String>,
    judged: Vec<String>,
    figures: Vec<(i32, String, u64, Vec<String>)>,
    summary: SummarizeFleetResponse,
    /// Devices behind the number of all, and the parts of the fleet.
    kept: (Vec<String>, Vec<FleetSummary>),
    forecast: ForecastFleetResponse,
}

impl Seen {
    async fn by(caller: &Connection, filter: Option<DeviceFilter>, token: &str) -> Self {
        let (parent, consistency_token) = (TENANT.to_owned(), token.to_owned());
        let request = ListDevicesRequest {
            parent: parent.clone(),
            filter: filter.clone(),
            consistency_token: consistency_token.clone(),
            ..Default::default()
        };
        let page = caller.devices().list_devices(request).await.unwrap().into_inner();
        let (listed, listed_at) = (page.devices, page.consistency_token);
        let request = WatchDevicesRequest {
            parent: parent.clone(),
            filter: filter.clone(),
            snapshot_only: true,
            ..Default::default()
        };
        let watched = caller.devices().watch_devices(request).await.unwrap().into_inner().message().await;
        let watched = watched.unwrap().unwrap().changed;
        let request = StreamEffectiveAuthorityRequest {
            parent: parent.clone(),
            filter: filter.clone(),
            ..Default::default()
        };
        let judged = caller.authority().stream_effective_authority(request).await.unwrap().into_inner();
        let judged = judged.into_inner_all().await;
        let request = SummarizeFleetRequest {
            parent: parent.clone(),
            filter: filter.clone(),
            view: View::Whole.into(),
            consistency_token: listed_at.clone(),
            ..Default::default()
        };
        let summary = caller.prerequisites().summarize_fleet(request).await.unwrap().into_inner();
        let day = |text: &str| Some(time::to_proto(text.parse().unwrap()));
        let request = ForecastFleetRequest {
            parent: parent.clone(),
            filter: filter.clone(),
            from: day("2020-01-01T00:00:00Z"),
            until: day("2029-12-01T00:00:00Z"),
            step_days: 366,
            ..Default::default()
        };
        let forecast = caller.prerequisites().forecast_fleet(request).await.unwrap().into_inner();
        let kept = kept(caller, filter.clone(), &listed_at).await;
        let request = GetDashboardRequest { parent, filter: filter.clone(), consistency_token };
        let dashboard = caller.monitoring().get_dashboard(request).await.unwrap().into_inner();
        let mut figures = Vec::new();
        for figure in dashboard.figures {
            figures.push(behind(caller, figure, filter.clone()).await);
        }
        Self {
            listed: listed.into_iter().map(|device| device.name).collect(),
            watched: watched.into_iter().map(|device| device.name).collect(),
            judged,
            figures,
            // A fleet may be kept by then or not.
            summary: SummarizeFleetResponse {
                consistency_token: String::new(),
                evaluated_at: None,
                ..summary
            },
            kept,
            forecast: ForecastFleetResponse { consistency_token: String::new(), ..forecast },
        }
    }
}

/// What is kept of the prerequisites of a fleet, at least of the world of that token.
async fn kept(
    caller: &Connection,
    filter: Option<DeviceFilter>,
    token: &str,
) -> (Vec<String>, Vec<FleetSummary>) {
    let request = ListSummaryDevicesRequest {
        parent: TENANT.into(),
        filter: filter.clone(),
        consistency_token: token.into(),
        ..Default::default()
    };
    let page = caller.fleet_evaluation().list_summary_devices(request).await.unwrap().into_inner();
    let mut parts = Vec::new();
    for part in [FleetPart::Hierarchy, FleetPart::Site, FleetPart::Collection, FleetPart::Path] {
        let request = ListFleetSummariesRequest {
            parent: TENANT.into(),
            part: part.into(),
            filter: filter.clone(),
            consistency_token: token.into(),
            ..Default::default()
        };
        let page = caller.fleet_evaluation().list_fleet_summaries(request).await.unwrap().into_inner();
        parts.extend(page.summaries);
    }
    (page.devices.into_iter().map(|device| device.device).collect(), parts)
}

trait Everything {
    async fn into_inner_all(self) -> Vec<String>;
}

impl Everything for tonic::Streaming<tandem_contracts::authority::v1::StreamEffectiveAuthorityResponse> {
    async fn into_inner_all(mut self) -> Vec<String> {
        let mut devices = Vec::new();
        while let Some(answer) = self.message().await.unwrap() {
            devices.extend(answer.effective_authorities.into_iter().map(|judged| judged.device));
        }
        devices
    }
}

/// A figure with the devices behind it.
async fn behind(
    caller: &Connection,
    figure: Figure,
    filter: Option<DeviceFilter>,
) -> (i32, String, u64, Vec<String>) {
    let request = ListFigureDevicesRequest {
        parent: TENANT.into(),
        tile: figure.tile,
        key: figure.key.clone(),
        filter,
        ..Default::default()
    };
    let page = caller.monitoring().list_figure_devices(request).await.unwrap().into_inner();
    assert_eq!((page.total, page.next_page_token.as_str()), (figure.devices, ""));
    let devices = page.devices.into_iter().map(|device| device.device).collect();
    (figure.tile, figure.key, figure.devices, devices)
}

/// What the administrator sees when asking for no more than what a caller may see.
fn filter(who: &str) -> Option<DeviceFilter> {
    match who {
        "of-a-hierarchy" => Some(DeviceFilter { hierarchies: vec!["PS1".into()], ..Default::default() }),
        "of-a-collection" => Some(DeviceFilter {
            collections: vec![format!("{TENANT}/hierarchies/PS2/collections/PS200014")],
            ..Default::default()
        }),
        // No one filter takes both parts.
        _ => None,
    }
}

pub(crate) async fn part_is_all_there_is() {
    let (estate, _folder) = estate().await;
    let names = names(&estate.administrator).await;
    for (who, numbers) in CALLERS {
        let caller = limited(&estate, who);
        let seen = Seen::by(&caller, None, "").await;
        let mut expected: Vec<String> =
            numbers.iter().map(|number| names[&format!("{}-{number}", mark(CONTOSO))].clone()).collect();
        expected.sort();
        assert_eq!((&seen.listed, &seen.watched, &seen.judged), (&expected, &expected, &expected), "{who}");
        assert_eq!(seen.kept.0, expected, "{who}");
        if let Some(filter) = filter(who) {
            let mut whole = Seen::by(&estate.administrator, Some(filter), "").await;
            // Of the collections that their device is in, they may see one.
            if who == "of-a-collection" {
                let before = whole.kept.1.len();
                whole.kept.1.retain(|part| !part.part.ends_with("/collections/PS200015"));
                assert_eq!(whole.kept.1.len(), before - 1);
            }
            assert_eq!(seen, whole, "{who}");
        }
        for device in names.values() {
            let is_seen = expected.contains(device);
            let code = if is_seen { Code::Ok } else { Code::NotFound };
            assert_eq!(asked_for(&caller, device).await, [code; 2], "{who}: {device}");
        }
    }
    rest_of_the_tenant_is_refused(&estate).await;
}

/// The name of each device, by what people call it.
async fn names(administrator: &Connection) -> std::collections::BTreeMap<String, String> {
    let request = ListDevicesRequest { parent: TENANT.into(), ..Default::default() };
    let devices = administrator.devices().list_devices(request).await.unwrap().into_inner().devices;
    let named = devices.into_iter().map(|device| (device.facts.unwrap().display_name.unwrap(), device.name));
    named.collect()
}

/// How inventory and prerequisites answer for a device by name.
async fn asked_for(caller: &Connection, device: &str) -> [Code; 2] {
    let code = |failed: Option<tonic::Status>| failed.map_or(Code::Ok, |status| status.code());
    let get = GetDeviceRequest { name: device.to_owned(), ..Default::default() };
    let check = CheckDeviceRequest { name: device.to_owned(), ..Default::default() };
    [
        code(caller.devices().get_device(get).await.err()),
        code(caller.prerequisites().check_device(check).await.err()),
    ]
}

async fn rest_of_the_tenant_is_refused(estate: &Estate) {
    let of_hierarchy = limited(estate, "of-a-hierarchy");
    let parent = || TENANT.to_owned();
    let request = ListHierarchiesRequest { parent: parent(), ..Default::default() };
    let hierarchies = of_hierarchy.hierarchies().list_hierarchies(request).await.unwrap().into_inner();
    let found: Vec<_> = hierarchies.hierarchies.iter().map(|hierarchy| hierarchy.name.as_str()).collect();
    assert_eq!(found, ["tenants/contoso/hierarchies/PS1"]);
    let request = ListCoManagementPoliciesRequest { parent: parent(), ..Default::default() };
    let policies = of_hierarchy.authority().list_co_management_policies(request).await.unwrap().into_inner();
    let found: Vec<_> = policies.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(found, ["tenants/contoso/hierarchies/PS1/coManagementPolicy"]);
    let request = GetFleetEvaluationRequest { parent: parent(), ..Default::default() };
    let refused = of_hierarchy.fleet_evaluation().get_fleet_evaluation(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let request = GetHierarchyRequest { name: format!("{TENANT}/hierarchies/PS2"), ..Default::default() };
    let refused = of_hierarchy.hierarchies().get_hierarchy(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for source in ["configmgr/PS1", "intune"] {
        let request = ReportDevicesRequest {
            parent: parent(),
            source: source.into(),
            sequence: 1,
            sections: Vec::new(),
        };
        let answers = of_hierarchy.devices().report_devices(tokio_stream::once(request)).await.unwrap();
        let answer = answers.into_inner().message().await;
        assert_eq!(answer.err().map(|status| status.code()), Some(Code::PermissionDenied), "{source}");
    }
    let outside = DeviceFilter {
        collections: vec![format!("{TENANT}/hierarchies/PS2/collections/PS200014")],
        ..Default::default()
    };
    let request = ListDriftRequest { parent: parent(), filter: Some(outside), ..Default::default() };
    let refused = of_hierarchy.authority().list_drift(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for (number, code) in [(0, Code::Ok), (10, Code::NotFound)] {
        let key = DeviceKey { kind: KeyKind::SmsClientId.into(), value: key(CONTOSO, number) };
        let request = LookupDeviceRequest { parent: parent(), key: Some(key), ..Default::default() };
        let found = of_hierarchy.devices().lookup_device(request).await;
        assert_eq!(found.err().map_or(Code::Ok, |status| status.code()), code, "{number}");
    }
    let of_both = limited(estate, "of-both");
    let request = GetSurroundingsRequest { parent: parent(), ..Default::default() };
    let surroundings = of_both.tenants().get_surroundings(request).await.unwrap().into_inner();
    let found: Vec<_> = surroundings
        .hierarchies
        .iter()
        .map(|around| (around.hierarchy.as_str(), around.complete_collections.join(" ")))
        .collect();
    assert_eq!(found, [("PS1", "PS100014 PS100015".to_owned()), ("PS2", "PS200014".to_owned())]);
    let of_collection = limited(estate, "of-a-collection");
    let request =
        ListCollectionsRequest { parent: format!("{TENANT}/hierarchies/PS2"), ..Default::default() };
    let collections =
        of_collection.collections().list_collections(request).await.unwrap().into_inner().collections;
    let found: Vec<_> = collections
        .iter()
        .map(|collection| (collection.name.as_str(), collection.site_member_count))
        .collect();
    assert_eq!(found, [("tenants/contoso/hierarchies/PS2/collections/PS200014", None)]);
    let request =
        ListCollectionMembersRequest { parent: format!("{TENANT}/collections/pilot"), ..Default::default() };
    let refused = of_collection.collections().list_collection_members(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let request =
        ListCollectionMembersRequest { parent: format!("{TENANT}/collections/pilot"), ..Default::default() };
    let members = of_hierarchy.collections().list_collection_members(request).await.unwrap().into_inner();
    assert_eq!(members.devices.len(), 1);
}

pub(crate) async fn hidden_change_is_unseen() {
    let (estate, _folder) = estate().await;
    let caller = limited(&estate, "of-a-collection");
    let before = Seen::by(&caller, None, "").await;
    let request = WatchDevicesRequest { parent: TENANT.into(), ..Default::default() };
    let mut watch = caller.devices().watch_devices(request).await.unwrap().into_inner();
    let snapshot = watch.message().await.unwrap().unwrap();
    assert_eq!(snapshot.changed.len(), 1);
    // A new device of each hierarchy.
    report(&estate.administrator, CONTOSO, "PS1", 3..4).await;
    let token = report(&estate.administrator, CONTOSO, "PS2", 13..14).await;
    assert_eq!(Seen::by(&caller, None, &token).await, before);
    let resumed = WatchDevicesRequest {
        parent: TENANT.into(),
        resume_token: snapshot.bookmark.unwrap().resume_token,
        ..Default::default()
    };
    let refused = caller.devices().watch_devices(resumed).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    // The watch tells of neither; its bookmark says that it went past them.
    let passed = until("the watch has seen both changes", async || {
        let message = watch.message().await.unwrap().unwrap();
        assert_eq!((&message.changed, &message.left), (&Vec::new(), &Vec::new()));
        message.bookmark.filter(|bookmark| bookmark.consistency_token == token)
    });
    passed.await;
    // Of its own part it tells: the device changes, and leaves.
    let device = before.listed[0].clone();
    rename(&estate.administrator, CONTOSO, "PS2", 10).await;
    assert_eq!(told(&mut watch).await, (vec![device.clone()], vec![]));
    leave(&estate.administrator, CONTOSO, "PS2").await;
    assert_eq!(told(&mut watch).await, (vec![], vec![device]));
}

/// The names of the devices of the next message that has any: changed and left.
async fn told(watch: &mut tonic::Streaming<WatchDevicesResponse>) -> (Vec<String>, Vec<String>) {
    let named = until("the watch tells of a device", async || {
        let message = watch.message().await.unwrap().unwrap();
        let changed: Vec<_> = message.changed.into_iter().map(|device| device.name).collect();
        let left: Vec<_> = message.left.into_iter().map(|device| device.name).collect();
        (!changed.is_empty() || !left.is_empty()).then_some((changed, left))
    });
    named.await
}
