//! The contract of monitoring over real gRPC, with an invented estate behind it. Expectations are worked out by hand from the
//! tiles' comments and the fact pack's states (`libs/domain/data/states.md`).

#[cfg(test)]
mod estate;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use estate::{Sample, Sandbox, Services, TENANT};
use tandem_contracts::inventory::v1::HierarchySurroundings;
use tandem_contracts::monitoring::v1::{Tile, WatchDashboardResponse};
use tandem_contracts::prerequisites::v1::Verdict;
use tandem_contracts::r#type::v1::{DeviceFilter, JoinType, ManagementState, OsKind};
use tandem_domain::authority::Reason;
use tandem_domain::workload::Workload;
use tandem_monitoring::FollowMode;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tandem_testkit::wait::until;
use tonic::Code;
use tonic_types::StatusExt;

/// `a` is co-managed, `b` in coexistence, `c` failed to enrol, `d` is known to Intune alone, `e` is an odd server.
fn fleet() -> (Services, String) {
    let services = Services::new();
    services.put(Sample::co_managed("a"));
    services.put(Sample::in_coexistence("b"));
    services.put(Sample::failed("c"));
    services.put(Sample::mdm_only("d"));
    let token = services.put(Sample::odd_server("e"));
    (services, token)
}

fn everybody() -> DeviceFilter {
    DeviceFilter::default()
}

fn managed_by(hierarchy: &str) -> DeviceFilter {
    DeviceFilter { hierarchies: vec![hierarchy.into()], ..everybody() }
}

type Figures = Vec<(Tile, String, Vec<String>)>;

/// What the dashboard shall say of [`fleet`]: devices by tile and key.
fn expected() -> BTreeMap<(Tile, String), &'static str> {
    let mut figures = BTreeMap::from(
        [
            (Tile::Devices, "all", "abcde"),
            (Tile::State, "co_managed", "a"),
            (Tile::State, "coexistence", "b"),
            (Tile::State, "failed", "c"),
            (Tile::State, "mdm_only", "d"),
            (Tile::State, "client_only", "e"),
            // A device in coexistence is never co-managed, whatever its flags say.
            (Tile::CoManaged, "query", "a"),
            (Tile::CoManaged, "prose", "a"),
            (Tile::CoManaged, "cloud", "a"),
            (Tile::Eligibility, "comanaged", "a"),
            (Tile::Eligibility, "ineligible", "bcd"),
            (Tile::Eligibility, "eligible", "e"),
            (Tile::Eligibility, "eligible_unverified", "e"),
            // Neither the server nor the device without the client.
            (Tile::OsGroup, "windows_10_1709_and_later", "abc"),
            (Tile::OsVersion, "Windows 11 24H2", "ab"),
            (Tile::OsVersion, "build 10.0.27999", "c"),
            (Tile::FunnelExclusive, "enrolled", "a"),
            (Tile::FunnelExclusive, "enrollment_initiated", "c"),
            (Tile::FunnelExclusive, "eligible", "e"),
            (Tile::FunnelCumulative, "enrolled", "a"),
            (Tile::FunnelCumulative, "enrollment_initiated", "ac"),
            (Tile::FunnelCumulative, "scheduled", "ac"),
            (Tile::FunnelCumulative, "eligible", "ace"),
            (Tile::EnrollmentStatus, "success_hybrid_joined", "a"),
            (Tile::EnrollmentStatus, "failure_hybrid_joined", "c"),
            (Tile::EnrollmentError, "0x80180018", "c"),
            // Neither `b` nor `d`, although their workloads are reported or decided there.
            (Tile::WorkloadTransition, "compliance_policies", "a"),
            (Tile::WorkloadReported, "client_apps", "a"),
            (Tile::Drift, "client_apps", "a"),
            (Tile::Blocker, "win.edition", "c"),
            (Tile::Blocker, "win.push_service_present", "c"),
            (Tile::Verdict, "ready", "a"),
            (Tile::Verdict, "not_applicable", "b"),
            (Tile::Verdict, "blocked", "cd"),
            (Tile::Verdict, "unknown", "e"),
            (Tile::Attention, "leaving", "e"),
            (Tile::Attention, "enrollment_conflict", "e"),
            (Tile::Attention, "several_hierarchies", "e"),
            (Tile::Attention, "unknown_bits", "e"),
        ]
        .map(|(tile, key, devices)| ((tile, key.to_owned()), devices)),
    );
    for workload in Workload::ALL {
        // The pilot of compliance policies is what `a` is in.
        let (site, cloud, of_a) = match workload {
            Workload::CompliancePolicies => ("ce", "ad", "pilot_member"),
            _ => ("ace", "d", "slider_configuration_manager"),
        };
        for (word, devices) in [("configuration_manager", site), ("intune", cloud), ("third_party_mdm", "b")]
        {
            figures.insert((Tile::Authority, format!("{workload}/{word}")), devices);
        }
        for (word, devices) in [(of_a, "a"), ("coexistence", "b"), ("not_enrolled", "ce"), ("mdm_only", "d")]
        {
            figures.insert((Tile::AuthorityReason, format!("{workload}/{word}")), devices);
        }
    }
    figures
}

/// The figures of those devices, in the contract's order: by tile, most devices first, by key.
fn of_devices(expected: BTreeMap<(Tile, String), &str>, within: &str) -> Figures {
    let each = expected.into_iter().map(|((tile, key), devices)| {
        let devices = devices.chars().filter(|device| within.contains(*device));
        (tile, key, devices.map(String::from).collect::<Vec<_>>())
    });
    let mut figures: Figures = each.filter(|(_, _, devices)| !devices.is_empty()).collect();
    figures.sort_by_key(|(tile, key, devices)| (i32::from(*tile), Reverse(devices.len()), key.clone()));
    figures
}

#[tokio::test]
async fn snapshot_is_counted_and_every_figure_lists_its_devices() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    assert_eq!(sandbox.figures(&everybody(), &token).await, of_devices(expected(), "abcde"));
    assert_eq!(sandbox.figures(&managed_by("PS1"), &token).await, of_devices(expected(), "ace"));
    assert_eq!(sandbox.figures(&managed_by("EU1"), &token).await, of_devices(expected(), "b"));
    assert_eq!(sandbox.figures(&managed_by("AP1"), &token).await, []);
    sandbox.stop().await;
}

#[tokio::test]
async fn every_condition_of_a_filter_is_honoured() {
    let (services, _) = fleet();
    services.collect("tenants/contoso/collections/mine", &["d", "e", "a"]);
    let token = services.collect("tenants/contoso/hierarchies/PS1/collections/PS100042", &["b"]);
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let all = everybody;
    let collection = |id: &str| format!("tenants/contoso/{id}");
    for (filter, devices) in [
        (
            DeviceFilter {
                states: vec![ManagementState::CoManaged.into(), ManagementState::Failed.into()],
                ..all()
            },
            "ac",
        ),
        (DeviceFilter { states: vec![ManagementState::Failed.into(), 0], ..all() }, "abcde"),
        (DeviceFilter { hierarchies: vec!["EU1".into(), "AP1".into()], ..all() }, "b"),
        (DeviceFilter { sites: vec!["PS1".into()], ..all() }, "a"),
        (DeviceFilter { sources: vec!["configmgr/PS1".into()], ..all() }, "a"),
        (DeviceFilter { sources: vec!["configmgr/PS1".into(), "intune".into()], ..all() }, "abcde"),
        (DeviceFilter { display_name_contains: "pC-C".into(), ..all() }, "c"),
        (DeviceFilter { join_types: vec![JoinType::HybridJoined.into()], ..all() }, "abc"),
        (DeviceFilter { join_types: vec![JoinType::Unspecified.into()], ..all() }, "de"),
        (DeviceFilter { os_kinds: vec![OsKind::Server.into()], ..all() }, "e"),
        (DeviceFilter { client_installed: Some(false), ..all() }, "d"),
        (DeviceFilter { collections: vec![collection("collections/mine")], ..all() }, "ade"),
        (
            DeviceFilter {
                collections: vec![
                    collection("collections/mine"),
                    collection("collections/nobody-made-it"),
                    collection("hierarchies/PS1/collections/PS100042"),
                ],
                ..all()
            },
            "abde",
        ),
        (DeviceFilter { collections: vec![collection("collections/nobody-made-it")], ..all() }, ""),
        (
            DeviceFilter {
                collections: vec![collection("collections/mine")],
                display_name_contains: "pc".into(),
                ..managed_by("PS1")
            },
            "ae",
        ),
    ] {
        assert_eq!(sandbox.figures(&filter, &token).await, of_devices(expected(), devices), "{filter:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn members_are_those_of_the_world_of_the_token_and_asked_for_once_in_it() {
    let (services, _) = fleet();
    let mine = DeviceFilter { collections: vec!["tenants/contoso/collections/mine".into()], ..everybody() };
    let before = services.collect("tenants/contoso/collections/mine", &["a", "b", "c"]);
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    assert_eq!(sandbox.figures(&mine, &before).await, of_devices(expected(), "abc"));
    // Two pages of two, for a dashboard and all of its lists.
    assert_eq!(sandbox.services.member_pages(), 2);
    let after = sandbox.services.collect("tenants/contoso/collections/mine", &["c", "d"]);
    let dashboard = sandbox.dashboard(&mine, &after).await.unwrap();
    assert_eq!(
        dashboard.consistency_token,
        sandbox.dashboard(&everybody(), &after).await.unwrap().consistency_token
    );
    assert_eq!(sandbox.figures(&mine, &after).await, of_devices(expected(), "cd"));
    assert_eq!(sandbox.services.member_pages(), 3);
    sandbox.stop().await;
}

/// More tenants than one connection to the inventory carries watches.
#[tokio::test]
async fn every_tenant_is_followed_however_many_there_are() {
    let (services, _) = fleet();
    services.commit(|estate, _| estate.others = (0..1100).map(|n| format!("tenants/t{n}")).collect());
    let sandbox = Sandbox::start(services, FollowMode::AllTenants);
    until("the devices of every tenant are watched", async || {
        let health = sandbox.monitoring.health();
        let failing = health.iter().filter_map(|follower| follower.last_error.as_deref());
        assert_eq!(failing.collect::<Vec<_>>(), Vec::<&str>::new());
        (sandbox.services.watched() == 1101).then_some(())
    })
    .await;
    sandbox.stop().await;
}

#[tokio::test]
async fn filter_that_breaks_its_shape_is_refused() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    for (filter, expected) in [
        (
            managed_by("-"),
            "filter.hierarchies[0]: must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found \"-\"",
        ),
        (
            DeviceFilter { collections: vec!["tenants/fabrikam/collections/pilot".into()], ..everybody() },
            "filter.collections[0]: expected a collection of tenants/contoso",
        ),
    ] {
        let error = sandbox.dashboard(&filter, &token).await.unwrap_err();
        let reason = error.get_details_error_info().unwrap().reason;
        assert_eq!((error.message(), reason.as_str()), (expected, "INVALID_FIELD"));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn figures_of_open_vocabularies_are_described() {
    let (services, token) = fleet();
    services.put({
        let mut sample = Sample::failed("f");
        sample.facts.enrollment_status_code.as_mut().unwrap().value = 0xDEAD_BEEF;
        sample
    });
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let figures = sandbox.dashboard(&everybody(), &token).await.unwrap().figures;
    let described = |tile: Tile| {
        let of_tile = figures.iter().filter(move |figure| figure.tile() == tile);
        of_tile
            .map(|f| (f.key.as_str(), f.label.as_str(), f.severity.as_str(), f.meaning.is_empty()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        described(Tile::EnrollmentError),
        [("0x80180018", "MENROLL_E_USERLICENSE", "license", false), ("0xDEADBEEF", "", "", true)]
    );
    assert_eq!(
        described(Tile::Blocker),
        [("win.edition", "", "blocking", false), ("win.push_service_present", "", "warning", false)]
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn changed_and_left_devices_are_counted_in_the_world_of_the_token() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let before = sandbox.dashboard(&everybody(), &token).await.unwrap();
    sandbox.services.put(Sample::mdm_only("c"));
    sandbox.services.remove("b");
    let token = sandbox.services.remove("e");
    let mut changed = expected();
    changed.retain(|_, devices| *devices == "a");
    let mut count = |tile, key: &str, devices| {
        changed.insert((tile, key.into()), devices);
    };
    count(Tile::Devices, "all", "acd");
    count(Tile::State, "mdm_only", "cd");
    count(Tile::Eligibility, "ineligible", "cd");
    count(Tile::OsGroup, "windows_10_1709_and_later", "a");
    count(Tile::OsVersion, "Windows 11 24H2", "a");
    for stage in ["eligible", "scheduled", "enrollment_initiated"] {
        count(Tile::FunnelCumulative, stage, "a");
    }
    count(Tile::Verdict, "blocked", "cd");
    for workload in Workload::ALL {
        let compliance = workload == Workload::CompliancePolicies;
        count(Tile::Authority, &format!("{workload}/intune"), if compliance { "acd" } else { "cd" });
        count(Tile::AuthorityReason, &format!("{workload}/mdm_only"), "cd");
        if !compliance {
            count(Tile::Authority, &format!("{workload}/configuration_manager"), "a");
        }
    }
    assert_eq!(sandbox.figures(&everybody(), &token).await, of_devices(changed, "acd"));
    let after = sandbox.dashboard(&everybody(), &token).await.unwrap();
    assert_ne!(before.cursor, after.cursor);
    sandbox.stop().await;
}

/// Numbers by tile and key.
fn told(answer: WatchDashboardResponse) -> BTreeMap<(Tile, String), u64> {
    answer.changed.into_iter().map(|of| ((of.tile(), of.key), of.devices)).collect()
}

#[tokio::test]
async fn watch_tells_the_dashboard_and_then_the_figures_that_changed() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let mut watch = sandbox.watch(&everybody(), &token).await;
    let first = watch.message().await.unwrap().unwrap();
    let dashboard = sandbox.dashboard(&everybody(), &token).await.unwrap();
    assert_eq!(first.changed, dashboard.figures);
    assert_eq!((first.cursor, first.counted_at), (dashboard.cursor, dashboard.counted_at));
    assert_eq!(first.consistency_token, dashboard.consistency_token);

    // `f` fails as `c` does; then `e` goes, which alone was a server whose readiness is not known.
    sandbox.services.put(Sample::failed("f"));
    let token = sandbox.services.remove("e");
    let mut numbers: BTreeMap<_, _> =
        expected().into_iter().map(|(figure, devices)| (figure, devices.len() as u64)).collect();
    let revision = |token: &str| {
        let token = ConsistencyToken::parse(token).unwrap();
        token.get(Service::Inventory).map(|mark| mark.revision)
    };
    loop {
        let answer = watch.message().await.unwrap().unwrap();
        let seen = revision(&answer.consistency_token);
        for (figure, devices) in told(answer) {
            assert_ne!(numbers.insert(figure.clone(), devices), Some(devices), "{figure:?} did not change");
        }
        if seen >= revision(&token) {
            break;
        }
    }
    let gone: Vec<_> =
        numbers.iter().filter(|(_, devices)| **devices == 0).map(|(of, _)| of.clone()).collect();
    for key in [
        (Tile::State, "client_only"),
        (Tile::Verdict, "unknown"),
        (Tile::Eligibility, "eligible"),
        (Tile::Attention, "leaving"),
    ] {
        assert!(gone.contains(&(key.0, key.1.to_owned())), "{key:?} of {gone:?}");
    }
    numbers.retain(|_, devices| *devices > 0);
    let dashboard = sandbox.dashboard(&everybody(), &token).await.unwrap();
    let figures = dashboard.figures.into_iter().map(|of| ((of.tile(), of.key), of.devices));
    assert_eq!(numbers, figures.collect());
    drop(watch);
    sandbox.stop().await;
}

#[tokio::test]
async fn watch_of_a_filter_tells_of_its_devices_alone() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let mut watch = sandbox.watch(&managed_by("EU1"), &token).await;
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.changed, sandbox.dashboard(&managed_by("EU1"), &token).await.unwrap().figures);
    // `c` is PS1's.
    sandbox.services.put(Sample::mdm_only("c"));
    sandbox.services.remove("b");
    let answer = watch.message().await.unwrap().unwrap();
    let all: BTreeMap<_, _> = first.changed.into_iter().map(|of| ((of.tile(), of.key), 0)).collect();
    assert_eq!(told(answer), all);
    drop(watch);
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn watch_of_a_fleet_in_which_nothing_changes_says_so_every_ten_seconds() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let mut watch = sandbox.watch(&everybody(), &token).await;
    let first = watch.message().await.unwrap().unwrap();
    let began = tokio::time::Instant::now();
    let quiet = watch.message().await.unwrap().unwrap();
    assert_eq!((quiet.changed, quiet.cursor), (Vec::new(), first.cursor));
    assert_eq!(began.elapsed().as_secs(), 10);
    drop(watch);
    sandbox.stop().await;
}

#[tokio::test]
async fn change_of_a_policy_recounts_its_devices_without_a_change_of_them() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    let token = sandbox.services.configure("PS1", |estate| {
        estate.sample("a").decide(Workload::CompliancePolicies, Reason::SliderConfigurationManager);
    });
    let mut changed = expected();
    changed.remove(&(Tile::WorkloadTransition, "compliance_policies".into()));
    changed.remove(&(Tile::AuthorityReason, "compliance_policies/pilot_member".into()));
    changed.insert((Tile::AuthorityReason, "compliance_policies/slider_configuration_manager".into()), "a");
    changed.insert((Tile::Authority, "compliance_policies/intune".into()), "d");
    changed.insert((Tile::Authority, "compliance_policies/configuration_manager".into()), "ace");
    assert_eq!(sandbox.figures(&everybody(), &token).await, of_devices(changed, "abcde"));
    sandbox.stop().await;
}

#[tokio::test]
async fn change_of_the_tenants_facts_recounts_every_device() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    // Nobody says any more what `AirWatch` is: `b` is judged by its flags, and they say co-managed.
    let token = sandbox.services.commit(|estate, revision| {
        estate.tenant.authority_texts.clear();
        estate.surroundings_revision = revision;
        let judged = Sample::co_managed("b");
        estate.sample("b").authority = judged.authority;
    });
    let figures = sandbox.figures(&managed_by("EU1"), &token).await;
    let of_tile = |tile: Tile| {
        let keys = figures.iter().filter(move |(t, ..)| *t == tile).map(|(_, key, _)| key.as_str());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(of_tile(Tile::State), ["co_managed"]);
    assert_eq!(of_tile(Tile::FunnelExclusive), ["enrolled"]);
    assert_eq!(of_tile(Tile::WorkloadTransition), ["compliance_policies"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn change_of_the_evaluation_settings_recounts_every_device() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    // What `a` said is too old for them. Nothing of the inventory or the authority changes.
    sandbox.services.set("2", |estate| {
        let check = &mut estate.sample("a").check;
        check.paths[0].verdict = Verdict::Unknown.into();
    });
    let ready = until("no device is ready", async || {
        let dashboard = sandbox.dashboard(&everybody(), &token).await.unwrap();
        let ready = dashboard.figures.iter().filter(|of| of.tile() == Tile::Verdict && of.key == "ready");
        let ready: u64 = ready.map(|of| of.devices).sum();
        (ready == 0).then_some(ready)
    });
    assert_eq!(ready.await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn change_of_one_hierarchys_surroundings_recounts_its_devices() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    let token = sandbox.services.commit(|estate, revision| {
        estate.hierarchies.push(HierarchySurroundings { hierarchy: "PS1".into(), ..Default::default() });
        estate.surroundings_revision = revision;
        estate.sample("c").check.paths[0].findings.remove(0);
    });
    let mut changed = expected();
    changed.remove(&(Tile::Blocker, "win.edition".into()));
    assert_eq!(sandbox.figures(&everybody(), &token).await, of_devices(changed, "abcde"));
    sandbox.stop().await;
}

#[tokio::test]
async fn restored_inventory_is_counted_anew() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    // An older backup: `c` to `e` were never there, and revisions start lower.
    let token = sandbox.services.commit(|estate, _| {
        estate.incarnation = 8;
        estate.revision = 3;
        estate.devices.retain(|id, _| id.as_str() < "c");
    });
    assert_eq!(sandbox.figures(&everybody(), &token).await, of_devices(expected(), "ab"));
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn world_that_does_not_come_is_not_yet_consistent() {
    let (services, _) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let never = ConsistencyToken::default().with(Service::Inventory, 7, 1000).to_string();
    let error = sandbox.dashboard(&everybody(), &never).await.unwrap_err();
    let reason = error.get_details_error_info().unwrap().reason;
    assert_eq!((error.code(), reason.as_str()), (Code::Unavailable, "NOT_YET_CONSISTENT"));
    sandbox.stop().await;
}

#[tokio::test]
async fn figure_that_counts_nobody_is_empty_and_one_that_does_not_exist_is_not_found() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    let cursor = sandbox.dashboard(&everybody(), &token).await.unwrap().cursor;
    for (tile, key) in
        [(Tile::State, "scheduled"), (Tile::Authority, "client_apps/none"), (Tile::Verdict, "ready")]
    {
        let empty = sandbox.list(tile, key, &managed_by("EU1"), "").await.unwrap();
        assert_eq!((empty.devices.len(), empty.total, empty.cursor), (0, 0, cursor.clone()), "{key}");
    }
    for (tile, key) in [
        (Tile::Unspecified, "all"),
        (Tile::State, "sleeping"),
        (Tile::OsVersion, "Windows 10 22H2"),
        (Tile::EnrollmentError, "0x80180026"),
        (Tile::Blocker, "win.serviced_version"),
    ] {
        let error = sandbox.list(tile, key, &everybody(), "").await.unwrap_err();
        let named = error.get_details_resource_info().unwrap().resource_name;
        assert_eq!((error.code(), named), (Code::NotFound, format!("{}/{key}", tile.as_str_name())));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn page_token_of_another_figure_or_filter_is_refused() {
    let (services, token) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::OnDemand);
    sandbox.dashboard(&everybody(), &token).await.unwrap();
    let page = sandbox.list(Tile::Devices, "all", &everybody(), "").await.unwrap();
    for (tile, key, filter) in
        [(Tile::Eligibility, "ineligible", everybody()), (Tile::Devices, "all", managed_by("PS1"))]
    {
        let error = sandbox.list(tile, key, &filter, &page.next_page_token).await.unwrap_err();
        let reason = error.get_details_error_info().unwrap().reason;
        assert_eq!((error.code(), reason.as_str()), (Code::InvalidArgument, "INVALID_PAGE_TOKEN"), "{key}");
    }
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn every_tenant_is_followed_without_a_request() {
    let (services, _) = fleet();
    let sandbox = Sandbox::start(services, FollowMode::AllTenants);
    let followed = async {
        while sandbox.monitoring.health().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), followed).await.unwrap();
    let health: Vec<_> = sandbox.monitoring.health().into_iter().map(|follower| follower.tenant).collect();
    assert_eq!(health, [TENANT]);
    sandbox.stop().await;
}
