//! The sample fleet in the living system, embedded and as four processes: figures and their lists, streams and single answers,
//! repeated imports.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use tandem::import::import;
use tandem_client::Connection;
use tandem_connectors::Exports;
use tandem_contracts::authority::v1::{
    EffectiveAuthority, GetEffectiveAuthorityRequest, StreamEffectiveAuthorityRequest,
};
use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, Device, GetTenantRequest, ListDevicesRequest,
    UpdateCollectionRequest, UpdateTenantRequest,
};
use tandem_contracts::monitoring::v1::{Figure, GetDashboardRequest, ListFigureDevicesRequest, Tile};
use tandem_contracts::prerequisites::v1::{
    EvaluationCause, FleetPart, GetFleetEvaluationRequest, ListFleetSummariesRequest,
    ListSummaryDevicesRequest, Path as Way, SummarizeFleetRequest, SummarizeFleetResponse, View,
};
use tandem_contracts::r#type::v1::{
    DeviceFilter, JoinType, ManagementAuthority, ManagementState, OsKind, Workload,
};
use tandem_domain::id::TenantId;
use tandem_server::Clock;
use tandem_testkit::suite::Suite;
use tandem_tests::system::System;

/// The last second of the day of the sample's exports.
const AS_OF: &str = "2026-11-20T23:59:59Z";

const TENANT: &str = "tenants/default";

struct World {
    system: System,
    token: String,
}

impl World {
    async fn with_the_sample(system: System) -> Self {
        let mut world = Self { system, token: String::new() };
        world.import().await;
        world
    }

    async fn import(&mut self) {
        let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/fleet");
        let exports = Exports::open(&fleet).unwrap();
        let tenant = TenantId::parse("default").unwrap();
        let as_of = AS_OF.parse().unwrap();
        let imported = import(self.connection(), &tenant, exports, as_of, &|_| {}).await.unwrap();
        assert_eq!(imported.summary.refused.lines(), []);
        self.token = imported.consistency_token;
    }

    fn connection(&self) -> &Connection {
        self.system.connection()
    }

    async fn figures(&self, filter: &DeviceFilter) -> Vec<Figure> {
        let request = GetDashboardRequest {
            parent: TENANT.into(),
            filter: Some(filter.clone()),
            consistency_token: self.token.clone(),
        };
        self.connection().monitoring().get_dashboard(request).await.unwrap().into_inner().figures
    }

    /// Every device behind a figure, a page at a time.
    async fn behind(&self, figure: &Figure, filter: &DeviceFilter) -> (u64, BTreeSet<String>) {
        let mut devices = BTreeSet::new();
        let mut page_token = String::new();
        loop {
            let request = ListFigureDevicesRequest {
                parent: TENANT.into(),
                tile: figure.tile,
                key: figure.key.clone(),
                filter: Some(filter.clone()),
                page_size: 37,
                page_token,
                cursor: String::new(),
                ..Default::default()
            };
            let page =
                self.connection().monitoring().list_figure_devices(request).await.unwrap().into_inner();
            for device in page.devices {
                assert!(devices.insert(device.device.clone()), "{} is listed twice", device.device);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return (page.total, devices);
            }
        }
    }

    async fn devices(&self) -> BTreeMap<String, Device> {
        self.devices_of(&DeviceFilter::default()).await
    }

    async fn devices_of(&self, filter: &DeviceFilter) -> BTreeMap<String, Device> {
        let request = ListDevicesRequest {
            parent: TENANT.into(),
            filter: Some(filter.clone()),
            page_size: 1000,
            consistency_token: self.token.clone(),
            ..ListDevicesRequest::default()
        };
        let page = self.connection().devices().list_devices(request).await.unwrap().into_inner();
        assert_eq!(page.next_page_token, "", "the sample fits on a page");
        page.devices.into_iter().map(|device| (device.name.clone(), device)).collect()
    }

    /// The names of the devices that the dashboard counts, at least in the world of that token.
    async fn names_in(&self, filter: &DeviceFilter, consistency_token: String) -> BTreeSet<String> {
        let request = ListFigureDevicesRequest {
            parent: TENANT.into(),
            tile: Tile::Devices.into(),
            key: "all".into(),
            filter: Some(filter.clone()),
            page_size: 1000,
            consistency_token,
            ..Default::default()
        };
        let page = self.connection().monitoring().list_figure_devices(request).await.unwrap().into_inner();
        page.devices.into_iter().map(|device| device.display_name).collect()
    }

    async fn names_containing(&self, part: &str) -> BTreeSet<String> {
        let names = self.devices().await.into_values().filter_map(|device| device.facts?.display_name);
        names.filter(|name| name.contains(part)).collect()
    }

    async fn stream(&self) -> Vec<EffectiveAuthority> {
        let request =
            StreamEffectiveAuthorityRequest { parent: TENANT.into(), filter: None, ..Default::default() };
        let mut client = self.connection().authority();
        let mut stream = client.stream_effective_authority(request).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(batch) = stream.message().await.unwrap() {
            all.extend(batch.effective_authorities);
        }
        all
    }
}

/// Filters with each condition, and how many of the sample's devices at least each takes.
fn filters() -> [(DeviceFilter, usize); 11] {
    let all = DeviceFilter::default;
    let of_hierarchy = |id: &str| DeviceFilter { hierarchies: vec![id.into()], ..all() };
    let of_collection = |id: &str| {
        let collections = vec![format!("{TENANT}/hierarchies/{id}")];
        DeviceFilter { collections, ..all() }
    };
    [
        (all(), 400),
        (of_hierarchy("PS1"), 100),
        (of_hierarchy("EU1"), 10),
        (DeviceFilter { states: vec![ManagementState::CoManaged.into()], ..all() }, 10),
        (DeviceFilter { sites: vec!["EU1".into()], ..all() }, 10),
        (of_collection("PS1/collections/PS100042"), 10),
        (of_collection("EU1/collections/EU100010"), 10),
        (DeviceFilter { sources: vec!["configmgr/NO1".into(), "intune".into()], ..all() }, 10),
        (DeviceFilter { display_name_contains: "osl-".into(), ..all() }, 10),
        (
            DeviceFilter {
                join_types: vec![JoinType::HybridJoined.into()],
                os_kinds: vec![OsKind::Client.into()],
                ..all()
            },
            10,
        ),
        (DeviceFilter { client_installed: Some(false), ..all() }, 1),
    ]
}

async fn every_figure_equals_the_length_of_its_list(world: World) {
    for (filter, _) in filters() {
        for figure in world.figures(&filter).await {
            let (total, devices) = world.behind(&figure, &filter).await;
            assert_eq!(
                (total, devices.len() as u64),
                (figure.devices, figure.devices),
                "{figure:?} {filter:?}"
            );
        }
    }
}

async fn dashboard_of_a_filter_counts_the_devices_that_the_inventory_lists(world: World) {
    for (filter, at_least) in filters() {
        let figures = world.figures(&filter).await;
        let all = figures.iter().find(|figure| figure.tile() == Tile::Devices);
        let (_, counted) = world.behind(all.expect("the filter takes a device"), &filter).await;
        let listed: BTreeSet<String> = world.devices_of(&filter).await.into_keys().collect();
        assert_eq!(counted, listed, "{filter:?}");
        assert!(listed.len() >= at_least, "{} devices of {filter:?}", listed.len());
    }
}

/// Tandem's own collection: nothing of its members' facts says that they are in it.
async fn dashboard_follows_the_members_of_an_own_collection(world: World) {
    let name = format!("{TENANT}/collections/look");
    let of_name = |part: &str| Collection {
        name: name.clone(),
        rule: Some(DeviceFilter { display_name_contains: part.into(), ..DeviceFilter::default() }),
        ..Collection::default()
    };
    let filter = DeviceFilter { collections: vec![name.clone()], ..DeviceFilter::default() };
    assert_eq!(world.figures(&filter).await, [], "nobody has made it");
    let mut client = world.connection().collections();
    let request = CreateCollectionRequest { collection: Some(of_name("OSL-LT-A-0")), ..Default::default() };
    let made = client.create_collection(request).await.unwrap().into_inner();
    let first = world.names_in(&filter, made.consistency_token).await;
    assert_eq!(first, world.names_containing("OSL-LT-A-0").await);
    let etag = made.collection.unwrap().etag;
    let changed = Collection { etag, ..of_name("BGO-LT-A-0") };
    let request = UpdateCollectionRequest { collection: Some(changed), ..Default::default() };
    let changed = client.update_collection(request).await.unwrap().into_inner();
    let second = world.names_in(&filter, changed.consistency_token).await;
    assert_eq!(second, world.names_containing("BGO-LT-A-0").await);
    assert!(!first.is_empty() && !second.is_empty() && first != second);
}

async fn figures_of_hierarchies_add_up_to_the_fleet_without_the_cloud_only(world: World) {
    let all = |figures: Vec<Figure>| {
        figures.iter().find(|figure| figure.tile() == Tile::Devices).map_or(0, |figure| figure.devices)
    };
    let mut managed = BTreeMap::new();
    for device in world.devices().await.into_values() {
        *managed.entry(device.facts.unwrap_or_default().hierarchy).or_insert(0_u64) += 1;
    }
    assert_eq!(all(world.figures(&DeviceFilter::default()).await), managed.values().sum::<u64>());
    for (hierarchy, devices) in managed.into_iter().filter(|(hierarchy, _)| !hierarchy.is_empty()) {
        let filter = DeviceFilter { hierarchies: vec![hierarchy], ..DeviceFilter::default() };
        assert_eq!(all(world.figures(&filter).await), devices, "{filter:?}");
    }
}

async fn streamed_authority_is_the_single_answer_and_holds_the_invariants(world: World) {
    let devices = world.devices().await;
    let stream = world.stream().await;
    let named: BTreeSet<&str> = stream.iter().map(|found| found.device.as_str()).collect();
    assert_eq!(named, devices.keys().map(String::as_str).collect());
    assert_eq!(stream.len(), devices.len());
    let mut client = world.connection().authority();
    for found in &stream {
        let by: BTreeMap<Workload, ManagementAuthority> =
            found.workloads.iter().map(|decided| (decided.workload(), decided.authority())).collect();
        assert_eq!(by.len(), 7, "{}", found.device);
        if by[&Workload::DeviceConfiguration] == ManagementAuthority::Intune {
            for carried in [Workload::EndpointProtection, Workload::ResourceAccessPolicies] {
                assert_ne!(by[&carried], ManagementAuthority::ConfigurationManager, "{}", found.device);
            }
        }
        assert_eq!(found.device_revision, devices[&found.device].revision);
        let request =
            GetEffectiveAuthorityRequest { name: found.device.clone(), consistency_token: String::new() };
        let single = client.get_effective_authority(request).await.unwrap().into_inner().effective_authority;
        assert_eq!(single.as_ref(), Some(found));
    }
}

async fn fleet_summary_says_what_the_dashboard_says_of_path_1(world: World) {
    let request = SummarizeFleetRequest {
        parent: TENANT.into(),
        path: Way::Path1.into(),
        consistency_token: world.token.clone(),
        ..SummarizeFleetRequest::default()
    };
    let summary = world.connection().prerequisites().summarize_fleet(request).await.unwrap().into_inner();
    let summed: BTreeMap<String, u64> =
        summary.rules.into_iter().filter(|r| r.unsatisfied > 0).map(|r| (r.rule, r.unsatisfied)).collect();
    let counted: BTreeMap<String, u64> = world
        .figures(&DeviceFilter::default())
        .await
        .into_iter()
        .filter(|figure| figure.tile() == Tile::Blocker)
        .map(|figure| (figure.key, figure.devices))
        .collect();
    assert_eq!(summed, counted);
}

const WAYS: [Way; 5] = [Way::Path1, Way::Path2, Way::Autopilot, Way::Coexistence, Way::Autopatch];

impl World {
    /// What is kept of the fleet on a path, and what judging every device for the answer says.
    async fn kept_and_judged(&self, way: Way) -> (SummarizeFleetResponse, SummarizeFleetResponse) {
        // Kept from now on, and asked about once it is judged.
        let (parent, consistency_token) = (TENANT.to_owned(), self.token.clone());
        let fleet = GetFleetEvaluationRequest { parent, consistency_token };
        self.connection().fleet_evaluation().get_fleet_evaluation(fleet).await.unwrap();
        let kept = SummarizeFleetRequest {
            parent: TENANT.into(),
            path: way.into(),
            view: View::Whole.into(),
            consistency_token: self.token.clone(),
            ..SummarizeFleetRequest::default()
        };
        let mut client = self.connection().prerequisites();
        let kept_answer = client.summarize_fleet(kept.clone()).await.unwrap().into_inner();
        let evaluated_at = kept_answer.evaluated_at;
        assert!(evaluated_at.is_some(), "the fleet is not kept");
        let judged = SummarizeFleetRequest { as_of: evaluated_at, ..kept };
        let judged = client.summarize_fleet(judged).await.unwrap().into_inner();
        assert_eq!(judged.evaluated_at, None);
        let consistency_token = kept_answer.consistency_token.clone();
        (kept_answer, SummarizeFleetResponse { evaluated_at, consistency_token, ..judged })
    }
}

async fn kept_fleet_is_what_judging_every_device_says(mut world: World) {
    for way in WAYS {
        let (kept, judged) = world.kept_and_judged(way).await;
        assert_eq!(kept, judged, "{way:?}");
    }
    let (before, _) = world.kept_and_judged(Way::Coexistence).await;
    // What texts mean is the tenant's to say: who is a third party changes on every device.
    let tenants = || world.connection().tenants();
    let name = TENANT.to_owned();
    let get = GetTenantRequest { name, ..GetTenantRequest::default() };
    let mut tenant = tenants().get_tenant(get).await.unwrap().into_inner().tenant.unwrap();
    tenant.facts.get_or_insert_default().authority_texts.clear();
    let update = UpdateTenantRequest { tenant: Some(tenant), request_id: String::new() };
    world.token = tenants().update_tenant(update).await.unwrap().into_inner().consistency_token;
    for way in WAYS {
        let (kept, judged) = world.kept_and_judged(way).await;
        assert_eq!(kept, judged, "{way:?} after the tenant changed");
    }
    let (after, _) = world.kept_and_judged(Way::Coexistence).await;
    assert_ne!(before.verdicts, after.verdicts);
    let fleet = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let found = world.connection().fleet_evaluation().get_fleet_evaluation(fleet).await.unwrap().into_inner();
    let found = found.evaluation.unwrap();
    let run = found.run.unwrap();
    assert_eq!(
        (run.cause(), run.judged, run.total),
        (EvaluationCause::Tenant, before.devices, Some(before.devices))
    );
    assert_eq!((found.devices, found.pending), (before.devices, 0));
}

async fn collections_are_summarized_by_their_members(world: World) {
    let mut of_collections = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListFleetSummariesRequest {
            parent: TENANT.into(),
            part: FleetPart::Collection.into(),
            page_size: 4,
            page_token,
            consistency_token: world.token.clone(),
            ..ListFleetSummariesRequest::default()
        };
        let page =
            world.connection().fleet_evaluation().list_fleet_summaries(request).await.unwrap().into_inner();
        of_collections.extend(page.summaries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(of_collections.len(), 6, "as the sample has");
    for found in of_collections {
        let hierarchy = found.part.split('/').nth(3).unwrap().to_owned();
        // A device's facts name the collections of its managing hierarchy alone.
        let filter = DeviceFilter {
            collections: vec![found.part.clone()],
            hierarchies: vec![hierarchy],
            ..DeviceFilter::default()
        };
        let listed = world.devices_of(&filter).await;
        assert_eq!(found.devices, listed.len() as u64, "{}", found.part);
        let request = SummarizeFleetRequest {
            parent: TENANT.into(),
            filter: Some(filter.clone()),
            consistency_token: world.token.clone(),
            ..SummarizeFleetRequest::default()
        };
        let summary = world.connection().prerequisites().summarize_fleet(request).await.unwrap().into_inner();
        assert_eq!(
            (found.verdicts, found.eligibility),
            (summary.verdicts, summary.eligibility),
            "{}",
            found.part
        );
        let request = ListSummaryDevicesRequest {
            parent: TENANT.into(),
            filter: Some(filter),
            page_size: 1000,
            consistency_token: world.token.clone(),
            ..ListSummaryDevicesRequest::default()
        };
        let page =
            world.connection().fleet_evaluation().list_summary_devices(request).await.unwrap().into_inner();
        let names: BTreeSet<String> = page.devices.into_iter().map(|device| device.device).collect();
        assert_eq!(names, listed.into_keys().collect());
    }
}

async fn importing_again_changes_no_device(mut world: World) {
    let before = world.devices().await;
    let figures = world.figures(&DeviceFilter::default()).await;
    world.import().await;
    assert_eq!(world.devices().await, before);
    assert_eq!(world.figures(&DeviceFilter::default()).await, figures);
}

macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        Suite::new()
            $(.test(concat!(stringify!($scenario), "::embedded"), async || {
                let system = System::embedded(Clock::fixed(AS_OF.parse().unwrap())).await;
                $scenario(World::with_the_sample(system).await).await;
            }))+
            $(.with_containers(concat!(stringify!($scenario), "::processes"), async || {
                $scenario(World::with_the_sample(System::processes().await).await).await;
            }))+
            .run()
    };
}

fn main() -> ExitCode {
    scenarios!(
        every_figure_equals_the_length_of_its_list,
        dashboard_of_a_filter_counts_the_devices_that_the_inventory_lists,
        dashboard_follows_the_members_of_an_own_collection,
        figures_of_hierarchies_add_up_to_the_fleet_without_the_cloud_only,
        streamed_authority_is_the_single_answer_and_holds_the_invariants,
        fleet_summary_says_what_the_dashboard_says_of_path_1,
        kept_fleet_is_what_judging_every_device_says,
        collections_are_summarized_by_their_members,
        importing_again_changes_no_device,
    )
}
