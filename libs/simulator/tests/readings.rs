//! The rules of the field read a generated device as what it was meant to be: state and drift.
//!
//! Sections are made from the device directly, without files; the export's spelling is the connectors' business.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tandem_domain::authority::{drift, effective_authority};
use tandem_domain::facts::{DeviceFacts, JoinType, MdmProvider};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::merge::{RecordMemberships, merge};
use tandem_domain::policy::Surroundings;
use tandem_domain::section::{
    ClientFeatures, CoManagementState, ConsoleDevice, Discovery, ManagedDevice, Memberships, Section,
    SectionBody, Source,
};
use tandem_domain::site::SiteFacts;
use tandem_domain::state::{ManagementState, management_state};
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{PerWorkload, Workload};
use tandem_simulator::{Fleet, FleetSpec, SimulatedDevice, SiteRecord, Situation};

const READ_AT: Timestamp = Timestamp::UNIX_EPOCH;

fn name_of(fleet: &Fleet, record: &SiteRecord) -> (HierarchyId, String) {
    let code = fleet.hierarchies()[record.hierarchy].code();
    (HierarchyId::parse(code.as_str()).unwrap(), format!("{code}/{}", record.resource_id))
}

fn site_sections(fleet: &Fleet, device: &SimulatedDevice, record: &SiteRecord) -> Vec<Section> {
    let (hierarchy, key) = name_of(fleet, record);
    let code = fleet.hierarchies()[record.hierarchy].code();
    let mut bodies = vec![
        SectionBody::Discovery(Discovery {
            client: Some(record.client_version.is_some()),
            active: Some(record.active),
            ..Discovery::default()
        }),
        SectionBody::Device(ConsoleDevice {
            site_code: Some(code.clone()),
            last_active: record.last_contact,
            ..ConsoleDevice::default()
        }),
    ];
    bodies.extend(record.co_management.map(|row| {
        SectionBody::CoManagementState(CoManagementState {
            mdm_enrolled: Some(row.mdm_enrolled),
            mdm_provisioned: Some(row.mdm_provisioned),
            policy_present: Some(row.policy_present),
            authority: row.authority.map(str::to_owned),
            mdm_workloads: row.capability.map(|value| value.to_string()),
            hybrid_joined: Some(device.join == JoinType::HybridJoined),
            entra_joined: Some(device.join == JoinType::EntraJoined),
            enrollment_scheduled: Some(row.scheduled),
            enrollment_failed: Some(row.failed),
            pending_logon: Some(row.pending_logon),
            enrollment_status_code: Some(row.status_code),
            ..CoManagementState::default()
        })
    }));
    let source = Source::ConfigMgr(hierarchy);
    let section = |body| Section { source: source.clone(), key: key.clone(), observed_at: READ_AT, body };
    bodies.into_iter().map(section).collect()
}

fn features(moved: PerWorkload<bool>) -> ClientFeatures {
    ClientFeatures {
        inventory: Some(false),
        compliance_policy: Some(moved[Workload::CompliancePolicies]),
        device_configuration: Some(moved[Workload::DeviceConfiguration]),
        modern_apps: Some(moved[Workload::ClientApps]),
        resource_access: Some(moved[Workload::ResourceAccessPolicies]),
        windows_update_for_business: Some(moved[Workload::WindowsUpdatePolicies]),
        endpoint_protection: Some(moved[Workload::EndpointProtection]),
        office_apps: Some(moved[Workload::OfficeClickToRunApps]),
    }
}

fn facts(fleet: &Fleet, device: &SimulatedDevice) -> DeviceFacts {
    let mut sections: Vec<Section> =
        device.site_records().flat_map(|record| site_sections(fleet, device, record)).collect();
    sections.extend(device.intune.as_ref().map(|record| Section {
        source: Source::Intune,
        key: record.id.to_string(),
        observed_at: READ_AT,
        body: SectionBody::ManagedDeviceBeta(ManagedDevice {
            management_agent: Some(record.agent.to_owned()),
            management_state: Some(record.management_state.to_owned()),
            join_type: Some(device.join.id().to_owned()),
            client_features: record.features.map(features),
            ..ManagedDevice::default()
        }),
    }));
    let collections: Vec<(HierarchyId, String, Memberships)> = device
        .site_records()
        .map(|record| {
            let (hierarchy, key) = name_of(fleet, record);
            let known = fleet.hierarchies()[record.hierarchy].collections();
            let ids = record.collections.iter().map(|p| known[*p as usize].id.clone()).collect();
            (hierarchy, key, Memberships(ids))
        })
        .collect();
    let memberships: Vec<RecordMemberships<'_>> = collections
        .iter()
        .map(|(hierarchy, key, collections)| RecordMemberships { hierarchy, key, collections })
        .collect();
    merge(&sections, &memberships)
}

fn tenant() -> TenantFacts {
    let texts = [
        ("Microsoft Intune", MdmProvider::Intune),
        ("VMware AirWatch", MdmProvider::ThirdParty),
        ("None", MdmProvider::None),
    ];
    TenantFacts {
        authority_texts: texts.map(|(text, provider)| (text.to_owned(), provider)).into(),
        ..TenantFacts::default()
    }
}

const fn expected_state(situation: Situation) -> ManagementState {
    match situation {
        Situation::CoManaged => ManagementState::CoManaged,
        Situation::Scheduled => ManagementState::Scheduled,
        Situation::Enrolling => ManagementState::Enrolling,
        Situation::Failed => ManagementState::Failed,
        Situation::PendingSignIn => ManagementState::PendingSignIn,
        Situation::EnrolledNotProvisioned => ManagementState::EnrolledNotProvisioned,
        Situation::MdmPlusClient => ManagementState::MdmPlusClient,
        Situation::Coexistence => ManagementState::Coexistence,
        Situation::JoinedClient => ManagementState::JoinedClient,
        Situation::ClientOnly | Situation::Server => ManagementState::ClientOnly,
        Situation::MdmOnly => ManagementState::MdmOnly,
        Situation::Unmanaged => ManagementState::Unmanaged,
    }
}

#[test]
fn state_of_every_device_is_its_situation() {
    let fleet = Fleet::new(FleetSpec { devices: 5_000, ..FleetSpec::default() }).unwrap();
    let tenant = tenant();
    let mut wrong: BTreeMap<(Situation, ManagementState), u64> = BTreeMap::new();
    for index in 0..5_000 {
        let device = fleet.device(index);
        let state = management_state(&facts(&fleet, &device), &tenant);
        if state != expected_state(device.situation) {
            wrong.entry((device.situation, state)).or_insert(index);
        }
    }
    assert_eq!(wrong, BTreeMap::new(), "situation, state found, first index");
}

#[test]
fn managing_hierarchy_of_a_moved_device_is_the_present_one() {
    let fleet = Fleet::new(FleetSpec { devices: 3_000, ..FleetSpec::default() }).unwrap();
    let mut moved = 0;
    for device in (0..3_000).map(|index| fleet.device(index)).filter(|d| d.former_site.is_some()) {
        let (present, _) = name_of(&fleet, device.site.as_ref().unwrap());
        let (former, _) = name_of(&fleet, device.former_site.as_ref().unwrap());
        let facts = facts(&fleet, &device);
        assert_eq!((facts.hierarchy, facts.other_hierarchies), (Some(present), vec![former]));
        moved += 1;
    }
    assert!(moved > 100, "{moved}");
}

#[test]
fn reports_drift_in_the_chosen_workload_at_both_sources_and_nowhere_else() {
    let fleet = Fleet::new(FleetSpec { devices: 10_000, ..FleetSpec::default() }).unwrap();
    let tenant = tenant();
    let mut drifting = 0;
    for device in (0..10_000).map(|index| fleet.device(index)) {
        let Some(record) = &device.site else { continue };
        let hierarchy = &fleet.hierarchies()[record.hierarchy];
        let site: SiteFacts = toml::from_str(&format!(
            "site = \"{}\"\nversion = \"{}\"",
            hierarchy.code(),
            hierarchy.version()
        ))
        .unwrap();
        let complete: BTreeSet<CollectionId> = hierarchy.collections().iter().map(|c| c.id.clone()).collect();
        let surroundings = Surroundings {
            tenant: &tenant,
            site: Some(&site),
            policy: Some(hierarchy.policy()),
            complete_collections: &complete,
        };
        let facts = facts(&fleet, &device);
        let found: Vec<Workload> = drift(&facts, &surroundings, &effective_authority(&facts, &surroundings))
            .into_iter()
            .map(|drift| drift.workload)
            .collect();
        let expected: Vec<Workload> = device.drift.into_iter().flat_map(|workload| [workload; 2]).collect();
        assert_eq!(found, expected, "{device:?}");
        drifting += usize::from(device.drift.is_some());
    }
    assert!(drifting > 100, "{drifting}");
}
