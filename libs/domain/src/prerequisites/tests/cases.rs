//! A tenant, site and device on which everything is as it should be, to be spoilt one fact at a time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::{DeviceFacts, Fact, JoinType, OsKind, OsVersion, Owner};
use crate::id::{CollectionId, HierarchyId, SiteCode};
use crate::policy::{AutoEnrollment, CoManagementPolicy, Surroundings, WorkloadSetting};
use crate::prerequisites::{DeviceCheck, DeviceRule, Outcome, Path, Report, evaluate_device};
use crate::site::{ClientAuth, SiteFacts};
use crate::tenant::{
    Attestation, Cloud, EntraPlan, HybridIdentityMethod, MdmAuthority, SubscriptionState, TenantFacts,
    UserScope,
};
use crate::workload::{PerWorkload, SliderPosition};

pub(crate) const AUTO_ENROLLMENT_COLLECTION: &str = "PS10003F";

/// The six rules that an operator attests.
pub(crate) const ATTESTED: [&str; 6] = [
    "lic.configmgr_rights",
    "cm.entra_user_discovery",
    "cm.intune_counterpart_ready",
    "cm.resource_access_policies_removed",
    "autopilot.single_policy_provider",
    "autopilot.override_not_changed_later",
];

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment of most tests.
pub(crate) fn as_of() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

/// What a source said; which section does not matter here.
pub(crate) fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

pub(crate) fn word(text: &str) -> Option<Fact<String>> {
    said(text.to_owned())
}

pub(crate) fn os(text: &str) -> Option<Fact<OsVersion>> {
    said(OsVersion::parse(text).unwrap())
}

pub(crate) fn satisfied() -> Outcome {
    Outcome::Satisfied
}

pub(crate) fn unsatisfied(expected: &'static str, found: &'static str) -> Outcome {
    Outcome::Unsatisfied { expected: expected.into(), found: found.into() }
}

pub(crate) fn unknown(missing: &[&'static str]) -> Outcome {
    Outcome::Unknown { missing: missing.to_vec().into() }
}

pub(crate) fn not_applicable(why: &'static str) -> Outcome {
    Outcome::NotApplicable { why: why.into() }
}

pub(crate) fn attestation(attested: bool) -> Attestation {
    Attestation {
        attested,
        by: "erin@example.com".to_owned(),
        at: at("2026-10-01T09:00:00Z"),
        expires: Some(at("2027-10-01T00:00:00Z")),
    }
}

pub(crate) fn good_tenant() -> TenantFacts {
    TenantFacts {
        entra_plan: Some(EntraPlan::P1),
        intune_license_count: Some(500),
        unlicensed_admin_access: Some(true),
        mdm_authority: Some(MdmAuthority::Intune),
        intune_subscription_state: Some(SubscriptionState::Active),
        mdm_user_scope: Some(UserScope::All),
        wip_user_scope: Some(UserScope::None),
        mdm_urls_default: Some(true),
        default_enrollment_restriction_allows_windows: Some(true),
        cloud: Some(Cloud::Public),
        azure_subscription: Some(true),
        hybrid_identity_method: Some(HybridIdentityMethod::PhsSso),
        entra_connect_version: Some("2.4.18.0".to_owned()),
        authority_texts: [].into(),
        attestations: ATTESTED.map(|rule| (rule.to_owned(), attestation(true))).into(),
    }
}

pub(crate) fn good_site() -> SiteFacts {
    SiteFacts {
        version: Some("2509".to_owned()),
        entra_onboarded: Some(true),
        cmg_present: Some(true),
        enhanced_http_or_https: Some(true),
        mp_accepts_cmg: Some(true),
        client_setting_register_entra: Some(true),
        client_setting_software_updates: Some(false),
        ccmsetup_command_line: Some("CCMHOSTNAME=gw.example.com/CCM SMSSITECODE=PS1".to_owned()),
        client_auth: Some(ClientAuth::Entra),
        ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap())
    }
}

/// Automatic enrolment for all, every slider at Intune.
pub(crate) fn good_policy() -> CoManagementPolicy {
    CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment::All),
        auto_enrollment_collection: None,
        workloads: PerWorkload::from_fn(|_| WorkloadSetting {
            slider: SliderPosition::Intune,
            pilot_collection: None,
        }),
    }
}

/// A co-managed, hybrid joined Windows 11 24H2 Enterprise of the company, set up by Autopilot.
pub(crate) fn good_device() -> DeviceFacts {
    DeviceFacts {
        hierarchy: Some(HierarchyId::parse("PS1").unwrap()),
        client_installed: said(true),
        client_health_flags: said(7),
        client_health_sync: said(at("2026-11-19T12:00:00Z")),
        os_version: os("10.0.26100.2033"),
        os_kind: said(OsKind::Client),
        os_edition: word("Enterprise"),
        join_type: said(JoinType::HybridJoined),
        ad_joined: said(true),
        mdm_enrolled: said(true),
        mdm_provisioned: said(true),
        policy_present: said(true),
        intune_mdm_record: said(true),
        owner: said(Owner::Company),
        serial_number: word("5CG1234ABC"),
        manufacturer: word("HP"),
        model: word("EliteBook 840"),
        last_intune_sync: said(at("2026-11-20T04:00:00Z")),
        autopilot_registered: said(true),
        autopilot_profile_mode: word("user_driven"),
        autopilot_profile_join: word("entra_join"),
        assigned_comgmt_settings_policy: said(true),
        assigned_esp_profile_with_progress: said(true),
        autopilot_override: said(false),
        trusts_cmg_certificate: said(true),
        dmwappushservice_present: said(true),
        mdm_blocked_by_policy: said(false),
        ..DeviceFacts::default()
    }
}

/// Everything that a device is judged by.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) tenant: TenantFacts,
    pub(crate) site: Option<SiteFacts>,
    pub(crate) policy: Option<CoManagementPolicy>,
    pub(crate) complete_collections: BTreeSet<CollectionId>,
    pub(crate) device: DeviceFacts,
}

impl World {
    pub(crate) fn good() -> Self {
        Self {
            tenant: good_tenant(),
            site: Some(good_site()),
            policy: Some(good_policy()),
            complete_collections: BTreeSet::new(),
            device: good_device(),
        }
    }

    /// Nobody said anything.
    pub(crate) fn silent() -> Self {
        Self {
            tenant: TenantFacts::default(),
            site: None,
            policy: None,
            complete_collections: BTreeSet::new(),
            device: DeviceFacts::default(),
        }
    }

    pub(crate) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            tenant: &self.tenant,
            site: self.site.as_ref(),
            policy: self.policy.as_ref(),
            complete_collections: &self.complete_collections,
        }
    }

    pub(crate) fn device_outcome(&self, rule: &str) -> Outcome {
        self.device_outcome_at(rule, as_of())
    }

    pub(crate) fn device_outcome_at(&self, rule: &str, as_of: Timestamp) -> Outcome {
        let rule = DeviceRule::from_id(rule).unwrap();
        DeviceCheck::new(&self.device, &self.surroundings(), as_of).outcome(rule)
    }

    pub(crate) fn device_report(&self, path: Path, as_of: Timestamp) -> Report {
        evaluate_device(&self.device, &self.surroundings(), path, as_of)
    }
}

/// What becomes of a device rule in the good world after `spoil`.
pub(crate) fn device_after(rule: &str, spoil: impl FnOnce(&mut World)) -> Outcome {
    let mut world = World::good();
    spoil(&mut world);
    world.device_outcome(rule)
}

pub(crate) fn collection(id: &str) -> CollectionId {
    CollectionId::parse(id).unwrap()
}
