//! The sample fleet: four devices in two hierarchies, of which one has a policy.
//!
//! `PS1` is of site version 2309, where the resource access slider still exists, and the members of its collection `PS100014`
//! are known; those of `PS100020` are not. `EU1` has one site, of version 2509, and nobody said its policy.

use tandem_contracts::convert;
use tandem_contracts::inventory::v1::{Device, HierarchySurroundings};
use tandem_contracts::r#type::v1::{self, CoManagementPolicy, SliderPosition, Workload, WorkloadSetting};
use tandem_domain::facts::{DeviceFacts, Fact, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::section::{ClientFeatures, SectionKind, Source};

pub(crate) const PILOT_MEMBER: &str = "tenants/contoso/devices/d1";
pub(crate) const DRIFTING: &str = "tenants/contoso/devices/d2";
pub(crate) const POLICY_UNKNOWN: &str = "tenants/contoso/devices/d3";
pub(crate) const MDM_ONLY: &str = "tenants/contoso/devices/d4";

pub(crate) const SITE_SAID: &str = "2026-11-20T06:00:00Z";
pub(crate) const INTUNE_SAID: &str = "2026-11-20T07:30:00Z";

pub(crate) const POLICY: &str = "tenants/contoso/hierarchies/PS1/coManagementPolicy";

/// Compliance at a pilot whose members are known, Windows Update at one whose members are not, device configuration at Intune.
pub(crate) fn policy() -> CoManagementPolicy {
    let setting = |workload: Workload, slider: SliderPosition, collection: &str| WorkloadSetting {
        workload: workload.into(),
        slider: slider.into(),
        pilot_collection: collection.into(),
    };
    CoManagementPolicy {
        name: POLICY.into(),
        enabled: Some(true),
        workloads: vec![
            setting(Workload::CompliancePolicies, SliderPosition::PilotIntune, "PS100014"),
            setting(Workload::WindowsUpdatePolicies, SliderPosition::PilotIntune, "PS100020"),
            setting(Workload::DeviceConfiguration, SliderPosition::Intune, ""),
        ],
        ..CoManagementPolicy::default()
    }
}

pub(crate) fn hierarchies() -> Vec<HierarchySurroundings> {
    let sites = |code: &str, version: &str| {
        let facts = v1::SiteFacts { version: Some(version.into()), ..v1::SiteFacts::default() };
        [(code.to_owned(), facts)].into()
    };
    vec![
        HierarchySurroundings {
            hierarchy: "EU1".into(),
            sites: sites("EU1", "2509"),
            complete_collections: Vec::new(),
        },
        HierarchySurroundings {
            hierarchy: "PS1".into(),
            sites: sites("PS1", "2309"),
            complete_collections: vec!["PS100014".into()],
        },
    ]
}

pub(crate) fn devices() -> Vec<Device> {
    let collection = CollectionId::parse("PS100014").unwrap();
    // Policy present (1), compliance (2), resource access (4), device configuration (8), endpoint protection (32 and 4096), and
    // the newer layout's marker (8192).
    let in_line = DeviceFacts {
        collections: vec![collection],
        site: said(SiteCode::parse("PS1").unwrap()),
        capability_text: said("12335".to_owned()),
        ..co_managed("PS1")
    };
    // Policy present, compliance, device configuration: compliance should be at Configuration Manager.
    let drifting = DeviceFacts {
        site: said(SiteCode::parse("PS1").unwrap()),
        capability_text: said("8203".to_owned()),
        client_features: Some(Fact::new(
            ClientFeatures {
                inventory: Some(false),
                compliance_policy: Some(true),
                device_configuration: Some(true),
                resource_access: Some(false),
                ..ClientFeatures::default()
            },
            1,
        )),
        ..co_managed("PS1")
    };
    let mdm_only = DeviceFacts {
        sections: vec![stamp(Source::Intune, SectionKind::ManagedDeviceV1, INTUNE_SAID)],
        client_installed: said(false),
        mdm_enrolled: said(true),
        intune_mdm_record: said(true),
        intune_management_state: said("retirePending".to_owned()),
        ..DeviceFacts::default()
    };
    vec![
        device(PILOT_MEMBER, 11, &in_line),
        device(DRIFTING, 12, &drifting),
        device(POLICY_UNKNOWN, 13, &co_managed("EU1")),
        device(MDM_ONLY, 14, &mdm_only),
    ]
}

/// Client, enrolment, policy, provisioned; known to that hierarchy, which speaks first, and to Intune.
pub(crate) fn co_managed(hierarchy: &str) -> DeviceFacts {
    let hierarchy = HierarchyId::parse(hierarchy).unwrap();
    DeviceFacts {
        sections: vec![
            stamp(Source::ConfigMgr(hierarchy.clone()), SectionKind::CoManagementState, SITE_SAID),
            stamp(Source::Intune, SectionKind::ManagedDeviceV1, INTUNE_SAID),
        ],
        hierarchy: Some(hierarchy),
        client_installed: said(true),
        mdm_enrolled: said(true),
        mdm_provisioned: said(true),
        policy_present: said(true),
        cloud_co_managed: Some(Fact::new(true, 1)),
        ..DeviceFacts::default()
    }
}

pub(crate) fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

fn stamp(source: Source, kind: SectionKind, observed_at: &str) -> SectionStamp {
    SectionStamp { source, kind, key: "1".into(), observed_at: observed_at.parse().unwrap() }
}

pub(crate) fn device(name: &str, revision: u64, facts: &DeviceFacts) -> Device {
    let facts = Some(convert::facts::to_proto(facts, |_| false));
    Device { name: name.into(), revision, facts, ..Device::default() }
}
