//! One test per rule of preference.

use super::*;
use crate::facts::{EnrollmentConflict, Fact, JoinType, OsKind, OsVersion, Owner, copied};
use crate::merge::merge;
use crate::section::ClientFeatures;

const ZEROS: &str = "00000000-0000-0000-0000-000000000000";
const REAL_ID: &str = "0d7b6c51-4a3f-4b18-8f2d-6f5e4d3c2b10";

fn agent(member: &str) -> ManagedDevice {
    ManagedDevice { management_agent: text(member), ..ManagedDevice::default() }
}

fn join_type(sections: &[Section]) -> Option<JoinType> {
    copied(&merge(sections, &[]).join_type)
}

fn client_installed(sections: &[Section]) -> Option<bool> {
    copied(&merge(sections, &[]).client_installed)
}

#[test]
fn client_installed_asks_discovery_then_console_then_graph() {
    let found = |client| discovery(Discovery { client, ..Discovery::default() });
    let listed = |is_client| ConsoleDevice { is_client, ..ConsoleDevice::default() };
    let graph = || beta(agent("configurationManagerClient"));
    assert_eq!(client_installed(&[found(Some(false)), console(listed(Some(true))), graph()]), Some(false));
    assert_eq!(client_installed(&[found(None), console(listed(Some(false))), graph()]), Some(false));
    assert_eq!(client_installed(&[found(None), combined(listed(Some(false))), graph()]), Some(false));
    assert_eq!(client_installed(&[found(None), graph()]), Some(true));
    assert_eq!(client_installed(&[beta(agent("mdm"))]), Some(false));
    assert_eq!(client_installed(&[beta(agent("unknownFutureValue"))]), None);
}

#[test]
fn enrollment_of_two_sources_that_differ_keeps_both() {
    let site_says = |mdm_enrolled| state(CoManagementState { mdm_enrolled, ..CoManagementState::default() });
    let facts = merge(&[site_says(Some(false)), beta(agent("mdm"))], &[]);
    let conflict = EnrollmentConflict { site: Fact::new(false, 1), cloud: Fact::new(true, 0) };
    assert_eq!((facts.mdm_enrolled, facts.enrollment_conflict), (Some(Fact::new(false, 1)), Some(conflict)));
    assert_eq!(
        (copied(&facts.intune_mdm_record), copied(&facts.cloud_co_managed)),
        (Some(true), Some(false))
    );

    let facts = merge(&[site_says(None), beta(agent("configurationManagerClientMdmEas"))], &[]);
    assert_eq!((facts.mdm_enrolled, facts.enrollment_conflict), (Some(Fact::new(true, 0)), None));

    let facts = merge(&[site_says(Some(true)), beta(agent("unknown"))], &[]);
    assert_eq!((facts.mdm_enrolled, facts.enrollment_conflict), (Some(Fact::new(true, 1)), None));
    assert_eq!((facts.intune_mdm_record, facts.cloud_co_managed), (None, None));

    let facts = merge(&[beta(agent("configurationManagerClient"))], &[]);
    assert_eq!((copied(&facts.mdm_enrolled), copied(&facts.intune_mdm_record)), (Some(false), Some(false)));
}

#[test]
fn join_type_is_the_first_source_that_says_more_than_unknown() {
    let graph = |member: &str| beta(ManagedDevice { join_type: text(member), ..ManagedDevice::default() });
    let trust =
        |word: &str| directory(DirectoryDevice { trust_type: text(word), ..DirectoryDevice::default() });
    let flags = |hybrid, joined| {
        state(CoManagementState {
            hybrid_joined: hybrid,
            entra_joined: joined,
            ..CoManagementState::default()
        })
    };
    let hybrid_site = || flags(Some(true), Some(true));
    assert_eq!(
        join_type(&[graph("azureADRegistered"), trust("AzureAd"), hybrid_site()]),
        Some(JoinType::EntraRegistered)
    );
    assert_eq!(join_type(&[graph("unknown"), trust("AzureAd"), hybrid_site()]), Some(JoinType::EntraJoined));
    assert_eq!(join_type(&[graph("newMember"), trust("ServerAd")]), Some(JoinType::HybridJoined));
    assert_eq!(join_type(&[trust("Workplace"), hybrid_site()]), Some(JoinType::EntraRegistered));
    assert_eq!(join_type(&[trust("NewWord"), hybrid_site()]), Some(JoinType::HybridJoined));
    assert_eq!(join_type(&[flags(Some(false), Some(true))]), Some(JoinType::EntraJoined));
    assert_eq!(join_type(&[graph("unknown"), flags(Some(false), Some(false))]), Some(JoinType::None));
    assert_eq!(join_type(&[graph("unknown"), flags(Some(false), None)]), None);
    assert_eq!(join_type(&[]), None);
}

#[test]
fn join_type_of_an_all_zero_directory_id_is_none_unless_another_source_knows_better() {
    let graph_id = |id: &str| ManagedDevice { entra_device_id: text(id), ..ManagedDevice::default() };
    let row = |id: &str, hybrid| {
        state(CoManagementState {
            entra_device_id: text(id),
            hybrid_joined: hybrid,
            ..CoManagementState::default()
        })
    };
    assert_eq!(join_type(&[beta(graph_id(ZEROS))]), Some(JoinType::None));
    // OLD-AGENT-11 of the samples: zeros and both flags null.
    assert_eq!(join_type(&[row(ZEROS, None)]), Some(JoinType::None));
    assert_eq!(join_type(&[beta(graph_id(ZEROS)), row(ZEROS, Some(true))]), Some(JoinType::HybridJoined));
    assert_eq!(join_type(&[beta(graph_id(ZEROS)), row(REAL_ID, None)]), None);
    assert_eq!(join_type(&[beta(graph_id(REAL_ID))]), None);
}

#[test]
fn ad_joined_needs_a_discovery_record_that_has_the_name() {
    let named = |name: Option<&str>| {
        discovery(Discovery { distinguished_name: name.map(str::to_owned), ..Discovery::default() })
    };
    let ad_joined = |sections: &[Section]| copied(&merge(sections, &[]).ad_joined);
    assert_eq!(ad_joined(&[named(Some("CN=LAB-VM-07,DC=example,DC=com"))]), Some(true));
    assert_eq!(ad_joined(&[named(Some(" "))]), Some(false));
    assert_eq!(ad_joined(&[named(Some(""))]), Some(false));
    assert_eq!(ad_joined(&[named(None)]), None);
    assert_eq!(ad_joined(&[console(ConsoleDevice::default())]), None);
}

#[test]
fn texts_of_the_hardware_are_told_empty_or_not_told() {
    let hardware = |sections: &[Section]| {
        let facts = merge(sections, &[]);
        let value = |fact: Option<Fact<String>>| fact.map(|fact| fact.value);
        (value(facts.serial_number), value(facts.manufacturer), value(facts.model))
    };
    let graph = |serial: Option<&str>, model: Option<&str>| ManagedDevice {
        serial_number: serial.map(str::to_owned),
        model: model.map(str::to_owned),
        ..ManagedDevice::default()
    };
    let empty = beta(graph(Some(""), Some("")));
    let some = |word: &str| Some(word.to_owned());
    assert_eq!(hardware(std::slice::from_ref(&empty)), (some(""), None, some("")));
    assert_eq!(
        hardware(&[empty.clone(), v1(graph(Some("7QX4M13"), None))]),
        (some("7QX4M13"), None, some(""))
    );
    let serial = ConsoleDevice { serial_number: text("7QX4M14"), ..ConsoleDevice::default() };
    assert_eq!(hardware(&[empty, console(serial)]), (some("7QX4M14"), None, some("")));
    assert_eq!(hardware(&[beta(graph(None, None))]), (None, None, None));
}

#[test]
fn os_version_prefers_graph_then_site_build_then_text_without_build() {
    let graph = |version: &str| ManagedDevice { os_version: text(version), ..ManagedDevice::default() };
    let built = |build: &str| ConsoleDevice { device_os_build: text(build), ..ConsoleDevice::default() };
    let found = || {
        discovery(Discovery {
            operating_system: text("Microsoft Windows NT Workstation 10.0"),
            ..Discovery::default()
        })
    };
    let version = |sections: &[Section]| merge(sections, &[]).os_version.map(|fact| fact.value.to_string());
    let (beta_has, v1_has) = (beta(graph("10.0.26100.7019")), v1(graph("10.0.22631.6199")));
    let (unread, site_has) = (beta(graph("0.0.0.0")), console(built("10.0.19045.6456")));
    assert_eq!(version(&[beta_has, v1_has.clone(), site_has.clone()]).unwrap(), "10.0.26100.7019");
    assert_eq!(version(&[unread.clone(), v1_has]).unwrap(), "10.0.22631.6199");
    assert_eq!(
        version(&[unread.clone(), site_has, combined(built("10.0.17763.1"))]).unwrap(),
        "10.0.19045.6456"
    );
    assert_eq!(version(&[unread, combined(built("10.0.17763.1")), found()]).unwrap(), "10.0.17763.1");
    let text_only = merge(&[found()], &[]).os_version;
    assert_eq!(text_only, Some(Fact::new(OsVersion { major: 10, minor: 0, build: None, revision: None }, 0)));
}

#[test]
fn os_kind_of_graph_counts_only_where_no_site_knows_the_device() {
    let graph = |name: &str| beta(ManagedDevice { operating_system: text(name), ..ManagedDevice::default() });
    let listed = |name: &str| console(ConsoleDevice { device_os: text(name), ..ConsoleDevice::default() });
    let kind = |sections: &[Section]| copied(&merge(sections, &[]).os_kind);
    assert_eq!(kind(&[graph("Windows")]), Some(OsKind::Client));
    assert_eq!(kind(&[graph("iOS")]), Some(OsKind::Other));
    assert_eq!(kind(&[graph("Windows"), listed("Microsoft Windows NT Server 10.0")]), Some(OsKind::Server));
    assert_eq!(kind(&[graph("Windows"), console(ConsoleDevice::default())]), None);
    assert_eq!(kind(&[]), None);
}

#[test]
fn os_edition_is_the_probes_then_sku_family_then_the_hardware_text() {
    let graph = |sku: &str, edition: &str| {
        beta(ManagedDevice {
            sku_family: text(sku),
            operating_system_edition: text(edition),
            ..ManagedDevice::default()
        })
    };
    let own = || probe(Probe { os_edition: text("IoT Enterprise"), ..Probe::default() });
    let edition = |sections: &[Section]| merge(sections, &[]).os_edition.map(|fact| fact.value);
    assert_eq!(edition(&[graph("Pro", "Professional"), own()]), text("IoT Enterprise"));
    assert_eq!(edition(&[graph("Pro", "Professional")]), text("Pro"));
    assert_eq!(edition(&[graph("", "Professional")]), text("Professional"));
    assert_eq!(edition(&[graph("", "")]), None);
}

#[test]
fn client_health_is_the_devices_own_word_before_graphs() {
    let graph = |member: &str| {
        beta(ManagedDevice {
            client_health_state: text(member),
            client_health_sync: Some(at("2026-11-18T22:10:00Z")),
            ..ManagedDevice::default()
        })
    };
    let own = || {
        probe(Probe {
            client_health_flags: Some(23),
            client_health_sync: Some(at("2026-11-20T08:00:00Z")),
            ..Probe::default()
        })
    };
    let health = |sections: &[Section]| {
        let facts = merge(sections, &[]);
        (copied(&facts.client_health_flags), copied(&facts.client_health_sync))
    };
    let graph_sync = Some(at("2026-11-18T22:10:00Z"));
    assert_eq!(health(&[graph("updateFailed"), own()]), (Some(23), Some(at("2026-11-20T08:00:00Z"))));
    assert_eq!(health(&[graph("updateFailed")]), (Some(11), graph_sync));
    assert_eq!(health(&[graph("unknown")]), (Some(0), graph_sync));
    assert_eq!(health(&[graph("someNewState")]), (None, graph_sync));
}

#[test]
fn owner_is_graphs_then_the_sites_then_the_directorys() {
    let graph = |member: &str| beta(ManagedDevice { owner_type: text(member), ..ManagedDevice::default() });
    let listed = |owner| console(ConsoleDevice { device_owner: Some(owner), ..ConsoleDevice::default() });
    let known =
        || directory(DirectoryDevice { device_ownership: text("Personal"), ..DirectoryDevice::default() });
    let owner = |sections: &[Section]| copied(&merge(sections, &[]).owner);
    assert_eq!(owner(&[graph("company"), listed(2), known()]), Some(Owner::Company));
    assert_eq!(owner(&[graph("unknownFutureValue"), listed(2)]), Some(Owner::Personal));
    assert_eq!(owner(&[graph("unknown"), listed(0), known()]), Some(Owner::Personal));
    assert_eq!(owner(&[graph("unknown"), listed(0)]), None);
}

#[test]
fn client_features_of_beta_are_taken_whole_and_of_an_absent_client_not_at_all() {
    let six =
        ClientFeatures { compliance_policy: Some(true), inventory: Some(false), ..ClientFeatures::default() };
    let two = ClientFeatures { office_apps: Some(true), ..ClientFeatures::default() };
    let with = |set, member: &str| ManagedDevice { client_features: set, ..agent(member) };
    let features = |sections: &[Section]| merge(sections, &[]).client_features;
    let co_managed = "configurationManagerClientMdm";
    assert_eq!(
        features(&[v1(with(Some(six), co_managed)), beta(with(Some(two), co_managed))]),
        Some(Fact::new(two, 1))
    );
    assert_eq!(
        features(&[v1(with(Some(six), co_managed)), beta(with(None, co_managed))]),
        Some(Fact::new(six, 0))
    );
    assert_eq!(features(&[beta(with(Some(two), "mdm"))]), None);
    assert_eq!(features(&[beta(with(Some(two), "unknownFutureValue"))]), Some(Fact::new(two, 0)));
}

#[test]
fn autopilot_registration_is_the_probes_before_graphs() {
    let graph = || beta(ManagedDevice { autopilot_enrolled: Some(true), ..ManagedDevice::default() });
    let own = || probe(Probe { autopilot_registered: Some(false), ..Probe::default() });
    assert_eq!(merge(&[graph(), own()], &[]).autopilot_registered, Some(Fact::new(false, 1)));
    assert_eq!(merge(&[graph()], &[]).autopilot_registered, Some(Fact::new(true, 0)));
}
