//! Devices and surroundings for tests: one ordinary co-managed device, and arbitrary ones that reach every rule.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::facts::{DeviceFacts, Fact, JoinType, MdmProvider, OsKind, OsVersion, SectionStamp};
use crate::id::{CollectionId, HierarchyId, SiteCode};
use crate::policy::{CoManagementPolicy, Surroundings, WorkloadSetting};
use crate::section::{ClientFeatures, SectionKind, Source};
use crate::site::SiteFacts;
use crate::tenant::TenantFacts;
use crate::workload::{PerWorkload, SliderPosition, Workload};

/// What owns the parts of [`Surroundings`].
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) tenant: TenantFacts,
    pub(crate) site: Option<SiteFacts>,
    pub(crate) policy: Option<CoManagementPolicy>,
    pub(crate) complete_collections: BTreeSet<CollectionId>,
}

impl World {
    /// A site of that version, a policy with every slider at its default, the usual `Authority` texts.
    pub(crate) fn with_site_version(version: Option<&str>) -> Self {
        let site = SiteFacts {
            version: version.map(str::to_owned),
            ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap())
        };
        Self {
            tenant: TenantFacts { authority_texts: authority_texts(), ..TenantFacts::default() },
            site: Some(site),
            policy: Some(CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() }),
            complete_collections: BTreeSet::new(),
        }
    }

    /// Sets one slider.
    pub(crate) fn slider(mut self, workload: Workload, setting: WorkloadSetting) -> Self {
        self.policy.as_mut().unwrap().workloads[workload] = setting;
        self
    }

    pub(crate) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            tenant: &self.tenant,
            site: self.site.as_ref(),
            policy: self.policy.as_ref(),
            complete_collections: &self.complete_collections,
        }
    }
}

/// A fact said by the first section.
pub(crate) fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

pub(crate) fn collection(id: &str) -> CollectionId {
    CollectionId::parse(id).unwrap()
}

/// A slider, and the collection of its pilot.
pub(crate) fn setting(slider: SliderPosition, pilot: Option<&str>) -> WorkloadSetting {
    WorkloadSetting { slider, pilot_collection: pilot.map(collection) }
}

pub(crate) fn stamp(source: Source, kind: SectionKind, observed_at: &str) -> SectionStamp {
    SectionStamp { source, kind, key: "PS1/16777301".to_owned(), observed_at: observed_at.parse().unwrap() }
}

/// Client, enrolment, policy, provisioned, known to the site PS1; the site speaks first, Intune second.
pub(crate) fn co_managed_client() -> DeviceFacts {
    let hierarchy = HierarchyId::parse("PS1").unwrap();
    DeviceFacts {
        sections: vec![
            stamp(
                Source::ConfigMgr(hierarchy.clone()),
                SectionKind::CoManagementState,
                "2026-11-20T06:00:00Z",
            ),
            stamp(Source::Intune, SectionKind::ManagedDeviceBeta, "2026-11-20T09:30:00Z"),
        ],
        hierarchy: Some(hierarchy),
        site: said(SiteCode::parse("PS1").unwrap()),
        client_installed: said(true),
        mdm_enrolled: said(true),
        policy_present: said(true),
        mdm_provisioned: said(true),
        ..DeviceFacts::default()
    }
}

/// What the raw `Authority` texts of [`authority_text`] mean; `Some other MDM` is not listed.
fn authority_texts() -> BTreeMap<String, MdmProvider> {
    [
        ("Microsoft Intune", MdmProvider::Intune),
        ("VMware AirWatch", MdmProvider::ThirdParty),
        ("0", MdmProvider::None),
    ]
    .map(|(text, provider)| (text.to_owned(), provider))
    .into()
}

fn flag() -> impl Strategy<Value = Option<Fact<bool>>> {
    prop_oneof![1 => Just(None), 4 => any::<bool>().prop_map(said), 4 => Just(said(true))]
}

fn fact<T: Clone + std::fmt::Debug + 'static>(
    values: &'static [T],
) -> impl Strategy<Value = Option<Fact<T>>> {
    option::of(select(values).prop_map(|value| Fact::new(value, 0)))
}

fn text(values: &'static [&'static str]) -> impl Strategy<Value = Option<Fact<String>>> {
    fact(values).prop_map(|fact| fact.map(|Fact { value, section }| Fact::new(value.to_owned(), section)))
}

fn collection_ids() -> impl Strategy<Value = BTreeSet<CollectionId>> {
    btree_set(select(["C1", "C2", "C3"].as_slice()), 0..=3)
        .prop_map(|ids| ids.into_iter().map(collection).collect())
}

fn features() -> impl Strategy<Value = Option<Fact<ClientFeatures>>> {
    option::of(vec(option::of(any::<bool>()), 8).prop_map(|flags| {
        let value = ClientFeatures {
            inventory: flags[0],
            compliance_policy: flags[1],
            device_configuration: flags[2],
            modern_apps: flags[3],
            resource_access: flags[4],
            windows_update_for_business: flags[5],
            endpoint_protection: flags[6],
            office_apps: flags[7],
        };
        Fact::new(value, 1)
    }))
}

const VERSIONS: [OsVersion; 4] = [
    OsVersion { major: 6, minor: 1, build: Some(7601), revision: None },
    OsVersion { major: 10, minor: 0, build: None, revision: None },
    OsVersion { major: 10, minor: 0, build: Some(15063), revision: None },
    OsVersion { major: 10, minor: 0, build: Some(22631), revision: Some(3447) },
];

/// Facts of a device, contradictory ones included: sources do contradict each other.
pub(crate) fn device_facts() -> impl Strategy<Value = DeviceFacts> {
    let enrolment = (flag(), flag(), flag(), flag(), flag(), fact(&[true, false]));
    let progress = (flag(), fact(&[true, false]), fact(&[true, false]), fact(&[0, 1, 0x8018_002A]));
    let authority = text(&["Microsoft Intune", "VMware AirWatch", "0", "Some other MDM"]);
    let report = (text(&["1", "8193", "8201", "12289", "12543", "NULL"]), features());
    let other = (
        collection_ids(),
        any::<bool>(),
        text(&["managed", "retirePending", "wipeFailed"]),
        fact(&[JoinType::None, JoinType::EntraJoined, JoinType::EntraRegistered, JoinType::HybridJoined]),
        fact(&VERSIONS),
        fact(&[OsKind::Client, OsKind::Server]),
    );
    (enrolment, progress, authority, report, other).prop_map(|parts| {
        let (enrolment, progress, authority_text, (capability_text, client_features), other) = parts;
        let (client_installed, mdm_enrolled, policy_present, mdm_provisioned, intune_mdm_record, overriding) =
            enrolment;
        let (enrollment_scheduled, enrollment_failed, pending_logon, enrollment_status_code) = progress;
        let (collections, known_to_site, intune_management_state, join_type, os_version, os_kind) = other;
        let ordinary = co_managed_client();
        DeviceFacts {
            sections: ordinary.sections,
            hierarchy: ordinary.hierarchy.filter(|_| known_to_site),
            collections: collections.into_iter().collect(),
            client_installed,
            mdm_enrolled,
            policy_present,
            mdm_provisioned,
            authority_text,
            intune_mdm_record,
            autopilot_override: overriding,
            enrollment_scheduled,
            enrollment_failed,
            pending_logon,
            enrollment_status_code,
            capability_text,
            client_features,
            intune_management_state,
            join_type,
            os_version,
            os_kind,
            ..DeviceFacts::default()
        }
    })
}

/// A slider with or without a pilot collection; a pilot without one is refused by the console, but may be read somewhere.
pub(crate) fn workload_setting() -> impl Strategy<Value = WorkloadSetting> {
    let sliders = [SliderPosition::ConfigurationManager, SliderPosition::PilotIntune, SliderPosition::Intune];
    (select(sliders.to_vec()), option::weighted(0.9, select(["C1", "C2", "C3"].as_slice())))
        .prop_map(|(slider, pilot)| setting(slider, pilot))
}

/// A tenant, a site and a policy, each as well known as may be.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let enabled = select([Some(true); 8].into_iter().chain([Some(false), None]).collect::<Vec<_>>());
    let policy = (enabled, vec(workload_setting(), 7));
    let version = option::of(select(["2309", "2403", "5.00.9141.1000", "next"].as_slice()));
    (option::weighted(0.9, policy), version, collection_ids(), any::<bool>()).prop_map(
        |(policy, version, complete_collections, site_known)| {
            let ordinary = World::with_site_version(version);
            World {
                tenant: ordinary.tenant,
                site: ordinary.site.filter(|_| site_known),
                policy: policy.map(|(enabled, workloads)| CoManagementPolicy {
                    enabled,
                    workloads: PerWorkload::from_fn(|workload| workloads[workload.index()].clone()),
                    ..CoManagementPolicy::default()
                }),
                complete_collections,
            }
        },
    )
}

/// A device that the sliders decide, in any surroundings.
pub(crate) fn slider_decided_device() -> impl Strategy<Value = DeviceFacts> {
    collection_ids().prop_map(|collections| DeviceFacts {
        collections: collections.into_iter().collect(),
        ..co_managed_client()
    })
}

/// When the report of a section was made.
pub(crate) fn observed_at(facts: &DeviceFacts, section: usize) -> Timestamp {
    facts.sections[section].observed_at
}
