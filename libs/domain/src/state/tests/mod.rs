//! states.md 2 to 4 and 10 by hand, and what holds for every device.

mod categories;
mod eligibility;

use proptest::prelude::*;

use super::*;
use crate::authority::strategies::{World, co_managed_client, device_facts, said, world};
use crate::authority::{Reason, effective_authority};
use crate::facts::Fact;
use crate::workload::Workload;

/// A client that nobody enrolled yet.
fn unenrolled_client() -> DeviceFacts {
    DeviceFacts {
        mdm_enrolled: said(false),
        policy_present: None,
        mdm_provisioned: None,
        ..co_managed_client()
    }
}

fn third_party() -> Option<crate::facts::Fact<String>> {
    said("VMware AirWatch".to_owned())
}

#[test]
fn provider_is_told_by_the_mapped_text_then_by_the_intune_record_then_by_no_enrolment() {
    let tenant = World::with_site_version(None).tenant;
    let table = [
        // Authority text, record at Intune, MDMEnrolled, provider
        (Some("VMware AirWatch"), Some(true), Some(true), Some(MdmProvider::ThirdParty)),
        (Some("Microsoft Intune"), None, None, Some(MdmProvider::Intune)),
        (Some("0"), Some(true), Some(true), Some(MdmProvider::None)),
        (Some("Some other MDM"), Some(true), Some(false), Some(MdmProvider::Intune)),
        (Some("Some other MDM"), None, Some(true), None),
        (Some("Some other MDM"), None, Some(false), None),
        (Some("Some other MDM"), Some(false), Some(false), None),
        (None, Some(true), Some(false), Some(MdmProvider::Intune)),
        (None, Some(false), Some(false), Some(MdmProvider::None)),
        (None, None, Some(false), Some(MdmProvider::None)),
        (None, Some(false), Some(true), None),
        (None, None, None, None),
    ];
    for (text, record, enrolled, expected) in table {
        let facts = DeviceFacts {
            authority_text: text.and_then(|text| said(text.to_owned())),
            intune_mdm_record: record.and_then(said),
            mdm_enrolled: enrolled.and_then(said),
            ..DeviceFacts::default()
        };
        assert_eq!(mdm_provider(&facts, &tenant), expected, "{text:?}, {record:?}, {enrolled:?}");
    }
}

#[test]
fn device_of_another_mdm_is_not_enrolled_at_intune_and_contradicts_nobody() {
    let tenant = World::with_site_version(None).tenant;
    let conflict = Some(EnrollmentConflict { site: Fact::new(true, 0), cloud: Fact::new(false, 1) });
    let conflicting = |authority_text| DeviceFacts {
        authority_text,
        enrollment_conflict: conflict.clone(),
        ..co_managed_client()
    };
    assert_eq!(enrollment_conflict(&conflicting(third_party()), &tenant), None);
    for text in [None, said("Some other MDM".to_owned())] {
        let facts = conflicting(text);
        assert_eq!(enrollment_conflict(&facts, &tenant), facts.enrollment_conflict.as_ref());
    }
}

#[test]
fn coexistence_needs_the_client_and_a_third_party() {
    let tenant = World::with_site_version(None).tenant;
    for (client, text, expected) in [
        (said(true), third_party(), true),
        (said(false), third_party(), false),
        (None, third_party(), false),
        (said(true), said("Some other MDM".to_owned()), false),
        (said(true), None, false),
    ] {
        let facts =
            DeviceFacts { client_installed: client, authority_text: text.clone(), ..co_managed_client() };
        assert_eq!(in_coexistence(&facts, &tenant), expected, "{client:?}, {text:?}");
    }
}

#[test]
fn vendor_rules_differ_where_mdm_is_not_provisioned() {
    let table = [
        // MDMEnrolled, ComgmtPolicyPresent, MDMProvisioned: query rule, prose rule
        (Some(true), Some(true), Some(true), (true, true)),
        (Some(true), Some(true), Some(false), (false, true)),
        (Some(true), Some(true), None, (false, true)),
        (Some(true), Some(false), Some(true), (false, false)),
        (Some(true), None, Some(true), (false, false)),
        (Some(false), Some(true), Some(true), (false, false)),
        (None, Some(true), Some(true), (false, false)),
        (None, None, None, (false, false)),
    ];
    for (enrolled, policy, provisioned, (query, prose)) in table {
        for (agent, cloud) in [(None, false), (said(false), false), (said(true), true)] {
            let facts = DeviceFacts {
                mdm_enrolled: enrolled.and_then(said),
                policy_present: policy.and_then(said),
                mdm_provisioned: provisioned.and_then(said),
                cloud_co_managed: agent,
                ..DeviceFacts::default()
            };
            assert_eq!(co_managed(&facts), CoManaged { query, prose, cloud });
        }
    }
}

#[test]
fn device_in_coexistence_is_never_co_managed() {
    let tenant = World::with_site_version(None).tenant;
    let facts = co_managed_client();
    assert!(is_co_managed(&facts, &tenant));
    assert!(!is_co_managed(&DeviceFacts { authority_text: third_party(), ..facts }, &tenant));
}

#[test]
fn only_pending_and_issued_removals_are_leaving() {
    let leaving = ["retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"];
    for state in [
        "managed",
        "retirePending",
        "retireFailed",
        "wipePending",
        "wipeFailed",
        "unhealthy",
        "deletePending",
        "retireIssued",
        "wipeIssued",
        "wipeCanceled",
        "retireCanceled",
        "discovered",
        "unknownFutureValue",
    ] {
        let facts = DeviceFacts { intune_management_state: said(state.to_owned()), ..DeviceFacts::default() };
        assert_eq!(is_leaving(&facts), leaving.contains(&state), "{state}");
    }
    assert!(!is_leaving(&DeviceFacts::default()));
}

#[test]
fn state_is_the_first_that_holds() {
    let tenant = World::with_site_version(None).tenant;
    let all = co_managed_client();
    let client = unenrolled_client();
    let no_client = |facts: &DeviceFacts| DeviceFacts { client_installed: said(false), ..facts.clone() };
    let joined = |join| DeviceFacts { join_type: said(join), ..client.clone() };
    let scheduled = DeviceFacts { enrollment_scheduled: said(true), ..client.clone() };
    let enrolling = DeviceFacts { enrollment_status_code: said(0x8018_002A), ..scheduled.clone() };
    let failed = DeviceFacts { enrollment_failed: said(true), ..enrolling.clone() };
    let pending = DeviceFacts { pending_logon: said(true), ..failed.clone() };
    let table = [
        ("co_managed", DeviceFacts { client_installed: None, ..all.clone() }),
        ("unknown", DeviceFacts { client_installed: None, mdm_provisioned: None, ..all.clone() }),
        ("unknown", DeviceFacts { client_installed: None, authority_text: third_party(), ..all.clone() }),
        ("unknown", DeviceFacts::default()),
        ("coexistence", DeviceFacts { authority_text: third_party(), ..all.clone() }),
        ("coexistence", DeviceFacts { authority_text: third_party(), ..client.clone() }),
        ("co_managed", all.clone()),
        ("co_managed", no_client(&all)),
        ("enrolled_not_provisioned", DeviceFacts { mdm_provisioned: said(false), ..all.clone() }),
        ("enrolled_not_provisioned", DeviceFacts { mdm_provisioned: None, ..all.clone() }),
        ("mdm_plus_client", DeviceFacts { policy_present: said(false), ..all.clone() }),
        ("mdm_plus_client", DeviceFacts { policy_present: None, mdm_provisioned: None, ..all.clone() }),
        ("mdm_only", no_client(&DeviceFacts { mdm_provisioned: None, ..all.clone() })),
        ("mdm_only", no_client(&DeviceFacts { policy_present: None, pending_logon: said(true), ..all })),
        ("pending_sign_in", pending),
        ("failed", failed),
        ("enrolling", enrolling),
        ("scheduled", DeviceFacts { enrollment_status_code: said(0), ..scheduled.clone() }),
        ("scheduled", scheduled),
        ("joined_client", joined(JoinType::HybridJoined)),
        ("joined_client", joined(JoinType::EntraJoined)),
        ("client_only", joined(JoinType::EntraRegistered)),
        ("client_only", joined(JoinType::None)),
        ("client_only", client.clone()),
        ("unmanaged", no_client(&joined(JoinType::HybridJoined))),
        ("unmanaged", no_client(&DeviceFacts { mdm_enrolled: None, ..client })),
    ];
    for (expected, facts) in table {
        assert_eq!(management_state(&facts, &tenant).id(), expected, "{facts:?}");
    }
}

#[test]
fn state_words_are_those_of_the_assessment() {
    assert_eq!(
        ManagementState::ALL.map(ManagementState::id),
        [
            "unmanaged",
            "unknown",
            "client_only",
            "joined_client",
            "scheduled",
            "enrolling",
            "pending_sign_in",
            "failed",
            "mdm_only",
            "mdm_plus_client",
            "enrolled_not_provisioned",
            "co_managed",
            "coexistence",
        ]
    );
}

proptest! {
    #[test]
    fn state_and_authority_tell_one_story(facts in device_facts(), world in world()) {
        let effective = effective_authority(&facts, &world.surroundings());
        let reason = effective.workloads[Workload::CompliancePolicies].reason;
        let state = management_state(&facts, &world.tenant);
        let expected: &[ManagementState] = match reason {
            Reason::ClientUnknown => &[ManagementState::Unknown],
            Reason::Coexistence => &[ManagementState::Coexistence],
            Reason::MdmOnly => &[ManagementState::MdmOnly, ManagementState::CoManaged],
            Reason::PolicyAbsent => &[ManagementState::MdmPlusClient],
            Reason::NotProvisioned => &[ManagementState::EnrolledNotProvisioned],
            Reason::NotEnrolled => &[
                ManagementState::PendingSignIn,
                ManagementState::Failed,
                ManagementState::Enrolling,
                ManagementState::Scheduled,
                ManagementState::JoinedClient,
                ManagementState::ClientOnly,
            ],
            // A stale row of the site may say anything of a device without the client.
            Reason::Unmanaged | Reason::NoSiteRecord => &ManagementState::ALL,
            _ => &[ManagementState::CoManaged],
        };
        prop_assert!(expected.contains(&state), "{reason} and {}", state.id());
    }
}
