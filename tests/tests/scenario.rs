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
use tandem_contracts::inventory::v1::{Device, ListDevicesRequest};
use tandem_contracts::monitoring::v1::{Figure, GetDashboardRequest, ListFigureDevicesRequest, Tile};
use tandem_contracts::prerequisites::v1::{Path as Way, SummarizeFleetRequest};
use tandem_contracts::r#type::v1::{ManagementAuthority, Workload};
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

    async fn figures(&self, hierarchy: &str) -> Vec<Figure> {
        let request = GetDashboardRequest {
            parent: TENANT.into(),
            hierarchy: hierarchy.into(),
            consistency_token: self.token.clone(),
        };
        self.connection().monitoring().get_dashboard(request).await.unwrap().into_inner().figures
    }

    /// Every device behind a figure, a page at a time.
    async fn behind(&self, figure: &Figure, hierarchy: &str) -> (u64, BTreeSet<String>) {
        let mut devices = BTreeSet::new();
        let mut page_token = String::new();
        loop {
            let request = ListFigureDevicesRequest {
                parent: TENANT.into(),
                tile: figure.tile,
                key: figure.key.clone(),
                hierarchy: hierarchy.into(),
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
        let request = ListDevicesRequest {
            parent: TENANT.into(),
            page_size: 1000,
            consistency_token: self.token.clone(),
            ..ListDevicesRequest::default()
        };
        let page = self.connection().devices().list_devices(request).await.unwrap().into_inner();
        assert_eq!(page.next_page_token, "", "the sample fits on a page");
        page.devices.into_iter().map(|device| (device.name.clone(), device)).collect()
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

async fn every_figure_equals_the_length_of_its_list(world: World) {
    for hierarchy in ["", "PS1", "EU1"] {
        let figures = world.figures(hierarchy).await;
        assert!(figures.len() > 50, "{} figures in {hierarchy:?}", figures.len());
        for figure in figures {
            let (total, devices) = world.behind(&figure, hierarchy).await;
            assert_eq!(
                (total, devices.len() as u64),
                (figure.devices, figure.devices),
                "{figure:?} {hierarchy:?}"
            );
        }
    }
}

async fn figures_of_hierarchies_add_up_to_the_fleet_without_the_cloud_only(world: World) {
    let all = |figures: Vec<Figure>| {
        figures.iter().find(|figure| figure.tile() == Tile::Devices).map_or(0, |figure| figure.devices)
    };
    let mut managed = BTreeMap::new();
    for device in world.devices().await.into_values() {
        *managed.entry(device.facts.unwrap_or_default().hierarchy).or_insert(0_u64) += 1;
    }
    assert_eq!(all(world.figures("").await), managed.values().sum::<u64>());
    for (hierarchy, devices) in managed.into_iter().filter(|(hierarchy, _)| !hierarchy.is_empty()) {
        assert_eq!(all(world.figures(&hierarchy).await), devices, "{hierarchy}");
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
        .figures("")
        .await
        .into_iter()
        .filter(|figure| figure.tile() == Tile::Blocker)
        .map(|figure| (figure.key, figure.devices))
        .collect();
    assert_eq!(summed, counted);
}

async fn importing_again_changes_no_device(mut world: World) {
    let before = world.devices().await;
    let figures = world.figures("").await;
    world.import().await;
    assert_eq!(world.devices().await, before);
    assert_eq!(world.figures("").await, figures);
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
        figures_of_hierarchies_add_up_to_the_fleet_without_the_cloud_only,
        streamed_authority_is_the_single_answer_and_holds_the_invariants,
        fleet_summary_says_what_the_dashboard_says_of_path_1,
        importing_again_changes_no_device,
    )
}
