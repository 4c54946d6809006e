//! states.md 4: groups, stages and tiles.

use proptest::prelude::*;
use proptest::sample::select;

use super::unenrolled_client;
use crate::authority::strategies::{World, co_managed_client, device_facts, said, world};
use crate::facts::{DeviceFacts, JoinType, OsKind, OsVersion, copied};
use crate::state::{Categories, Eligibility, EnrollmentCategory, FunnelStage, categories, in_coexistence};
use crate::windows::OsGroup;

/// User cancelled; any code but 0 would do.
const CODE: u32 = 0x8018_002A;

fn categories_of(facts: &DeviceFacts, eligibility: Eligibility) -> Categories {
    categories(facts, &World::with_site_version(None).tenant, eligibility)
}

#[test]
fn client_system_is_grouped_by_its_build() {
    let table = [
        // version, kind, group, name
        ("6.1.7601", OsKind::Client, Some(OsGroup::Windows7And8), Some("Windows 7")),
        ("6.3.9600", OsKind::Client, Some(OsGroup::Windows7And8), Some("Windows 8.1")),
        ("10.0.15063", OsKind::Client, Some(OsGroup::Windows10LowerThan1709), Some("Windows 10 1703")),
        ("10.0.16299.15", OsKind::Client, Some(OsGroup::Windows10From1709), Some("Windows 10 1709")),
        ("10.0.26100.1742", OsKind::Client, Some(OsGroup::Windows10From1709), Some("Windows 11 24H2")),
        ("10.0", OsKind::Client, None, None),
        // The build of Windows 10 1809, too.
        ("10.0.17763.5458", OsKind::Server, None, None),
        ("10.0.26100.1742", OsKind::Other, None, None),
    ];
    for (version, kind, os_group, name) in table {
        let facts = DeviceFacts {
            os_version: OsVersion::parse(version).and_then(said),
            os_kind: said(kind),
            ..unenrolled_client()
        };
        let expected = Categories { os_group, os_version: name.map(str::to_owned), ..Categories::default() };
        assert_eq!(categories_of(&facts, Eligibility::Ineligible), expected, "{version} {kind:?}");
    }
}

#[test]
fn device_without_the_client_is_nowhere() {
    for client_installed in [said(false), None] {
        let facts = DeviceFacts {
            client_installed,
            os_version: OsVersion::parse("10.0.26100").and_then(said),
            os_kind: said(OsKind::Client),
            join_type: said(JoinType::HybridJoined),
            enrollment_status_code: said(CODE),
            ..co_managed_client()
        };
        assert_eq!(categories_of(&facts, Eligibility::CoManaged), Categories::default());
    }
}

#[test]
fn device_in_coexistence_keeps_only_its_operating_system() {
    let facts = DeviceFacts {
        authority_text: said("VMware AirWatch".to_owned()),
        os_version: OsVersion::parse("10.0.26100").and_then(said),
        os_kind: said(OsKind::Client),
        join_type: said(JoinType::EntraJoined),
        mdm_enrolled: said(false),
        enrollment_failed: said(true),
        enrollment_status_code: said(CODE),
        ..co_managed_client()
    };
    let expected = Categories {
        os_group: Some(OsGroup::Windows10From1709),
        os_version: Some("Windows 11 24H2".to_owned()),
        ..Categories::default()
    };
    assert_eq!(categories_of(&facts, Eligibility::Ineligible), expected);
}

#[test]
fn funnel_stage_is_the_furthest_that_holds() {
    let client = unenrolled_client();
    let waiting = DeviceFacts { enrollment_scheduled: said(true), ..client.clone() };
    let scheduled = DeviceFacts { policy_present: said(true), ..waiting.clone() };
    let attempted = DeviceFacts { enrollment_status_code: said(CODE), ..scheduled.clone() };
    let failed = DeviceFacts { enrollment_failed: said(true), ..client.clone() };
    let succeeded = DeviceFacts { enrollment_status_code: said(0), ..client.clone() };
    let enrolled = DeviceFacts { mdm_enrolled: said(true), ..attempted.clone() };
    let table = [
        (&client, Eligibility::Eligible, Some(FunnelStage::Eligible)),
        (&client, Eligibility::ScheduledForEnrollment, Some(FunnelStage::Eligible)),
        (&client, Eligibility::EligibleButNotAzureAdJoined, None),
        (&client, Eligibility::NeedsOsUpdate, None),
        (&client, Eligibility::Ineligible, None),
        (&client, Eligibility::Unknown, None),
        (&succeeded, Eligibility::Ineligible, None),
        // Scheduled, but the policy is not there.
        (&waiting, Eligibility::ScheduledForEnrollment, Some(FunnelStage::Eligible)),
        (&scheduled, Eligibility::ScheduledForEnrollment, Some(FunnelStage::Scheduled)),
        (&scheduled, Eligibility::NeedsOsUpdate, Some(FunnelStage::Scheduled)),
        (&attempted, Eligibility::Ineligible, Some(FunnelStage::EnrollmentInitiated)),
        (&failed, Eligibility::Eligible, Some(FunnelStage::EnrollmentInitiated)),
        (&enrolled, Eligibility::Ineligible, Some(FunnelStage::Enrolled)),
        (&enrolled, Eligibility::CoManaged, Some(FunnelStage::Enrolled)),
    ];
    for (facts, eligibility, expected) in table {
        assert_eq!(categories_of(facts, eligibility).funnel_stage, expected, "{eligibility:?}: {facts:?}");
    }
}

#[test]
fn enrolment_tile_follows_precedence_and_join() {
    use EnrollmentCategory::*;
    let scheduled =
        DeviceFacts { enrollment_scheduled: said(true), policy_present: said(true), ..unenrolled_client() };
    let attempted = DeviceFacts { enrollment_status_code: said(CODE), ..unenrolled_client() };
    let waiting_without_policy = DeviceFacts { policy_present: None, ..scheduled.clone() };
    let failed = DeviceFacts { enrollment_failed: said(true), ..scheduled.clone() };
    let pending = DeviceFacts { pending_logon: said(true), ..failed.clone() };
    let enrolled = DeviceFacts { mdm_enrolled: said(true), ..pending.clone() };
    let table = [
        // device, hybrid joined, joined, registered or nothing known
        (enrolled, Some(SuccessHybridJoined), Some(SuccessJoined), None),
        (pending, Some(PendingUserSignIn), Some(PendingUserSignIn), Some(PendingUserSignIn)),
        (failed, Some(FailureHybridJoined), Some(FailureJoined), Some(FailureOther)),
        (scheduled, Some(EnrollingHybridJoined), None, None),
        (attempted, Some(EnrollingHybridJoined), None, None),
        (waiting_without_policy, None, None, None),
        (unenrolled_client(), None, None, None),
    ];
    for (device, hybrid, joined, neither) in table {
        for (join, expected) in [
            (said(JoinType::HybridJoined), hybrid),
            (said(JoinType::EntraJoined), joined),
            (said(JoinType::EntraRegistered), neither),
            (said(JoinType::None), neither),
            (None, neither),
        ] {
            let facts = DeviceFacts { join_type: join, ..device.clone() };
            let found = categories_of(&facts, Eligibility::Eligible).enrollment_status;
            assert_eq!(found, expected, "{facts:?}");
        }
    }
}

#[test]
fn code_counts_as_an_error_until_the_device_is_enrolled() {
    for (code, enrolled, expected) in [
        (said(CODE), said(false), Some(CODE)),
        (said(CODE), None, Some(CODE)),
        (said(CODE), said(true), None),
        (said(0), said(false), None),
        (None, said(false), None),
    ] {
        let facts = DeviceFacts {
            enrollment_status_code: code,
            mdm_enrolled: enrolled,
            enrollment_failed: said(true),
            ..unenrolled_client()
        };
        assert_eq!(categories_of(&facts, Eligibility::Eligible).enrollment_error, expected);
    }
}

#[test]
fn words_are_those_of_the_assessment() {
    assert_eq!(
        FunnelStage::ALL.map(FunnelStage::id),
        ["eligible", "scheduled", "enrollment_initiated", "enrolled"]
    );
    assert_eq!(
        EnrollmentCategory::ALL.map(EnrollmentCategory::id),
        [
            "success_hybrid_joined",
            "success_joined",
            "enrolling_hybrid_joined",
            "failure_hybrid_joined",
            "failure_joined",
            "failure_other",
            "pending_user_sign_in",
        ]
    );
}

proptest! {
    #[test]
    fn tiles_agree_with_each_other(
        facts in device_facts(), world in world(), eligibility in select(Eligibility::ALL.to_vec()),
    ) {
        use EnrollmentCategory::*;
        let found = categories(&facts, &world.tenant, eligibility);
        if copied(&facts.client_installed) != Some(true) {
            prop_assert_eq!(&found, &Categories::default());
        }
        if in_coexistence(&facts, &world.tenant) {
            prop_assert_eq!((found.funnel_stage, found.enrollment_status, found.enrollment_error), (None, None, None));
        }
        prop_assert!(found.os_version.is_none() || found.os_group.is_some());
        let stage = found.funnel_stage;
        match found.enrollment_status {
            Some(SuccessHybridJoined | SuccessJoined) => prop_assert_eq!(stage, Some(FunnelStage::Enrolled)),
            Some(FailureHybridJoined | FailureJoined | FailureOther) =>
                prop_assert_eq!(stage, Some(FunnelStage::EnrollmentInitiated)),
            Some(EnrollingHybridJoined) => prop_assert!(
                matches!(stage, Some(FunnelStage::Scheduled | FunnelStage::EnrollmentInitiated))
            ),
            Some(PendingUserSignIn) => prop_assert_ne!(stage, Some(FunnelStage::Enrolled)),
            None => {}
        }
        if found.enrollment_error.is_some() {
            prop_assert_eq!(stage, Some(FunnelStage::EnrollmentInitiated));
        }
        if stage == Some(FunnelStage::Enrolled) {
            prop_assert!(facts.enrolled());
        }
    }
}
