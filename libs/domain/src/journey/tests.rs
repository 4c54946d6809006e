//! Which path, and what is to be done on it.

use super::*;
use crate::facts::{JoinType, MdmProvider, OsKind};
use crate::prerequisites::test_worlds::{World, as_of, os, said};
use crate::tenant::{EntraPlan, UserScope};

fn journey_after(spoil: impl FnOnce(&mut World)) -> Journey {
    let mut world = World::good();
    spoil(&mut world);
    journey(&world.device, &world.surroundings(), as_of())
}

/// A client that is joined and nothing else.
fn client_only(world: &mut World) {
    world.device.mdm_enrolled = said(false);
    world.device.intune_mdm_record = said(false);
    world.device.mdm_provisioned = said(false);
    world.device.policy_present = said(false);
}

/// In Intune, without the client and its policy.
fn mdm_only(world: &mut World) {
    world.device.client_installed = said(false);
    world.device.policy_present = said(false);
    world.device.mdm_provisioned = said(false);
}

/// Not even a client.
fn unmanaged(world: &mut World) {
    client_only(world);
    world.device.client_installed = said(false);
}

fn rules(journey: &Journey) -> Vec<(Phase, Option<&'static str>)> {
    journey.steps.iter().map(|step| (step.phase, step.rule.map(|rule| rule.id))).collect()
}

#[test]
fn path_follows_from_where_the_device_stands() {
    let path = |spoil: fn(&mut World)| journey_after(spoil).path;
    assert_eq!(path(|_| ()), None);
    assert_eq!(path(client_only), Some(Path::Path1));
    assert_eq!(path(mdm_only), Some(Path::Path2));
    assert_eq!(path(|w| w.device.policy_present = said(false)), Some(Path::Path1));
    assert_eq!(path(unmanaged), Some(Path::Autopilot));
    assert_eq!(
        path(|w| {
            unmanaged(w);
            w.device.autopilot_registered = said(false);
        }),
        Some(Path::Path1)
    );
    assert_eq!(
        path(|w| {
            unmanaged(w);
            w.device.autopilot_registered = said(false);
            w.device.ad_joined = said(false);
        }),
        Some(Path::Path2)
    );
    assert_eq!(
        path(|w| {
            w.device.authority_text = said("1".to_owned());
            w.tenant.authority_texts = [("1".to_owned(), MdmProvider::ThirdParty)].into();
        }),
        None
    );
    assert_eq!(
        path(|w| {
            client_only(w);
            w.device.os_kind = said(OsKind::Server);
        }),
        None
    );
    assert_eq!(path(|w| w.device = crate::facts::DeviceFacts::default()), None);
}

#[test]
fn device_with_nothing_in_its_way_has_only_to_wait() {
    let journey = journey_after(client_only);
    assert_eq!(journey.state, ManagementState::JoinedClient);
    assert_eq!(rules(&journey), [(Phase::Enrollment, None)]);
    assert_eq!(journey.steps[0].owner, None);
    assert_eq!(journey.gateway.map(|gateway| gateway.needed), Some(false));
}

#[test]
fn steps_come_in_the_order_in_which_they_can_be_done() {
    let journey = journey_after(|world| {
        client_only(world);
        world.device.os_version = os("10.0.19045.1");
        world.device.join_type = said(JoinType::EntraJoined);
        world.device.mdm_blocked_by_policy = None;
        world.site.as_mut().unwrap().client_setting_register_entra = Some(false);
        world.tenant.mdm_user_scope = Some(UserScope::None);
        world.tenant.entra_plan = Some(EntraPlan::Free);
        world.policy.as_mut().unwrap().auto_enrollment = Some(crate::policy::AutoEnrollment::None);
    });
    assert_eq!(
        rules(&journey),
        [
            (Phase::Licensing, Some("lic.entra_premium")),
            (Phase::Intune, Some("intune.automatic_enrollment_path1")),
            (Phase::Site, Some("cm.client_setting_register_entra")),
            (Phase::Windows, Some("win.serviced_version")),
            (Phase::Windows, Some("win.mdm_not_blocked")),
            (Phase::Join, Some("entra.hybrid_for_domain_joined")),
            (Phase::Device, Some("cm.auto_enroll_in_scope")),
            (Phase::Enrollment, None),
        ]
    );
    assert_eq!(journey.steps[4].to_find_out, ["device.mdm_blocked_by_policy"]);
    assert_eq!(journey.steps[5].owner, Some(Area::EntraId));
}

#[test]
fn path_over_the_internet_needs_the_gateway() {
    let journey = journey_after(|world| {
        mdm_only(world);
        world.site.as_mut().unwrap().cmg_present = Some(false);
    });
    assert_eq!(journey.path, Some(Path::Path2));
    assert_eq!(journey.gateway.map(|gateway| gateway.needed), Some(true));
    assert_eq!(rules(&journey), [(Phase::Site, Some("cm.cmg_present")), (Phase::Enrollment, None)]);
}

#[test]
fn warning_that_nobody_said_anything_about_is_no_step() {
    let journey = journey_after(|world| {
        client_only(world);
        world.device.dmwappushservice_present = None;
        world.device.client_health_flags = said(19);
        world.device.client_health_sync = said("2026-11-01T00:00:00Z".parse().unwrap());
    });
    assert_eq!(rules(&journey), [(Phase::Device, Some("cm.client_healthy")), (Phase::Enrollment, None)]);
    assert_eq!(journey.steps[0].severity, Severity::Warning);
}

#[test]
fn last_step_follows_from_what_the_enrolment_waits_for() {
    let last = |spoil: fn(&mut World)| {
        let journey = journey_after(|world| {
            client_only(world);
            spoil(world);
        });
        (journey.state, journey.steps.last().map(|step| step.what))
    };
    assert_eq!(
        last(|w| w.device.pending_logon = said(true)),
        (
            ManagementState::PendingSignIn,
            Some("let somebody sign in on the device: its enrolment waits for it")
        )
    );
    assert_eq!(
        last(|w| {
            w.device.enrollment_failed = said(true);
            w.device.enrollment_status_code = said(0x8018_0018);
        }),
        (ManagementState::Failed, Some("assign an Intune licence to the user"))
    );
    assert_eq!(
        last(|w| w.device.enrollment_failed = said(true)),
        (ManagementState::Failed, Some("look at the result of the last attempt on the device, and mend it"))
    );
    let enrolled = journey_after(|w| w.device.policy_present = said(false));
    assert_eq!(enrolled.state, ManagementState::MdmPlusClient);
    assert!(
        enrolled
            .steps
            .last()
            .is_some_and(|step| step.what.starts_with("wait: the client takes the policy up"))
    );
}

#[test]
fn device_that_leaves_or_has_another_mdm_is_led_nowhere() {
    let path = |spoil: fn(&mut World)| journey_after(spoil).path;
    assert_eq!(
        path(|w| {
            client_only(w);
            w.device.intune_management_state = said("wipePending".to_owned());
        }),
        None
    );
    assert_eq!(
        path(|w| {
            mdm_only(w);
            w.device.authority_text = said("1".to_owned());
            w.tenant.authority_texts = [("1".to_owned(), MdmProvider::ThirdParty)].into();
        }),
        None
    );
}

#[test]
fn site_that_nobody_named_is_to_be_found_out_as_a_whole() {
    let journey = journey_after(|world| {
        mdm_only(world);
        world.site = None;
    });
    let site: Vec<_> = journey.steps.iter().filter(|step| step.phase == Phase::Site).collect();
    let rules: Vec<_> = site.iter().filter_map(|step| step.rule).map(|rule| rule.id).collect();
    assert_eq!(
        rules,
        [
            "cm.supported_version",
            "cm.co_management_enabled",
            "cm.cmg_present",
            "cm.site_onboarded_entra",
            "cm.enhanced_http_or_https",
            "cm.mp_accepts_cmg",
            "cm.resource_access_policies_removed",
        ]
    );
    assert!(site.iter().all(|step| !step.to_find_out.is_empty()));
}
