//! Rollouts, from the draft to their end.

pub(crate) mod estate;
pub(crate) mod refusals;
pub(crate) mod replicas;

use tandem_contracts::authority::v1::{
    ApproveRolloutRequest, ApproveRolloutWaveRequest, BreakRolloutGlassRequest, CancelRolloutRequest,
    DeviceStanding, FreezeTenantRequest, GetFreezeRequest, ListAuditRecordsRequest,
    ListRolloutDevicesRequest, MembershipChange, OnWaveFailure, PauseRolloutRequest, ResumeRolloutRequest,
    RollBackRolloutRequest, Rollout, RolloutCauseKind, RolloutDevice, RolloutPhase as Phase,
    RolloutWaveEvent, RolloutWavePhase as Wave, UnfreezeTenantRequest, VerifyAuditRequest,
    WithdrawRolloutRequest,
    rollout_wave_spec::{Budget, Choice, Offline},
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{ErrorReason, Workload};
use tonic::transport::Channel;

use crate::{TENANT, reason};
use estate::{
    Estate, ROLLOUT, Told, actions, at, because, confirm, device, draft, get, group, moved, phases, spec,
    start, started, submit, wave,
};
use tandem_contracts::authority::v1::rollout_service_client::RolloutServiceClient;

/// Two waves: two devices, and then everybody else.
fn two_waves() -> tandem_contracts::authority::v1::RolloutSpec {
    spec(vec![wave(group(&[1, 2])), wave(Choice::UpTo(10_000))])
}

async fn devices(
    rollouts: &mut RolloutServiceClient<Channel>,
    wave: Option<u32>,
    page_size: i32,
) -> Vec<RolloutDevice> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            ListRolloutDevicesRequest { parent: ROLLOUT.into(), wave, page_size, page_token, standing: 0 };
        let page = rollouts.list_rollout_devices(request).await.unwrap().into_inner();
        all.extend(page.devices);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Carries a wave of those devices out, and has them report: what was begun at `minute` has soaked at `minute + 70`.
async fn carry_out(estate: &mut Estate, place: usize, numbers: &[u32], minute: i64) {
    let open = actions(&mut estate.replica.rollouts, false).await;
    assert_eq!(open.iter().flat_map(moved).collect::<Vec<_>>(), numbers);
    for action in &open {
        confirm(&mut estate.replica.rollouts, action).await.unwrap();
    }
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, []);
    estate.hand.set(at(minute + 5));
    estate.join_pilot(numbers, minute + 4);
    let soaking = estate.looks_until("every membership is configured", |rollout| {
        rollout.waves[place].phase() == Wave::Soaking
    });
    let soaking = soaking.await;
    assert_eq!(soaking.waves[place].soaked_time, Some(time::to_proto(at(minute + 65))));
    estate.arrive(numbers, minute + 30);
    estate.hand.set(at(minute + 40));
    let arrived = |rollout: &Rollout| rollout.waves[place].at_target == numbers.len() as u64;
    let arrived = estate.looks_until("every device reports", arrived).await;
    // The soak time is not over.
    assert_eq!(arrived.waves[place].phase(), Wave::Soaking);
    estate.hand.set(at(minute + 70));
}

pub(crate) async fn rollout_goes_from_draft_to_completed() {
    let mut estate = Estate::new().await;
    let drafted = draft(&mut estate.replica.rollouts, two_waves()).await.unwrap();
    assert_eq!(phases(&drafted), (Phase::Draft, vec![Wave::Waiting, Wave::Waiting]));
    assert_eq!((drafted.devices, drafted.waves[1].devices), (Some(4), Some(2)));
    assert_eq!((drafted.created_by.as_str(), drafted.etag.as_str(), drafted.hash.len()), ("local", "1", 64));
    // Four devices need nobody's approval.
    let ready = submit(&mut estate.replica.rollouts).await.unwrap();
    assert_eq!((ready.phase(), ready.approval.unwrap().required), (Phase::Ready, 0));
    let running = start(&mut estate.replica.rollouts).await.unwrap();
    assert_eq!(phases(&running), (Phase::Running, vec![Wave::HandingOver, Wave::Waiting]));
    assert_eq!((running.waves[0].pending, running.waves[0].unconfigured), (2, 2));

    carry_out(&mut estate, 0, &[1, 2], 0).await;
    let next = |rollout: &Rollout| rollout.waves[1].phase() == Wave::HandingOver;
    let next = estate.looks_until("the next wave begins", next).await;
    assert_eq!(phases(&next), (Phase::Running, vec![Wave::Passed, Wave::HandingOver]));
    assert_eq!((next.current_wave, next.waves[0].event()), (Some(1), RolloutWaveEvent::SuccessGateMet));

    carry_out(&mut estate, 1, &[3, 4], 100).await;
    let done = estate.looks_until("it is done", |rollout| rollout.phase() != Phase::Running).await;
    assert_eq!(phases(&done), (Phase::Completed, vec![Wave::Passed, Wave::Passed]));
    assert_eq!((done.cause.unwrap().kind(), done.current_wave), (RolloutCauseKind::WavesDone, None));

    let listed = devices(&mut estate.replica.rollouts, None, 3).await;
    let standings: Vec<_> =
        listed.iter().map(|entry| (entry.device.clone(), entry.wave, entry.standing())).collect();
    let expected = [(1, 0), (2, 0), (3, 1), (4, 1)];
    let expected = expected.map(|(number, wave)| (device(number), wave, DeviceStanding::AtTarget));
    assert_eq!(standings, expected);
    assert!(listed.iter().all(|entry| entry.configured && entry.arrived && entry.hand_over_time.is_some()));
    assert_eq!(devices(&mut estate.replica.rollouts, Some(1), 100).await, listed[2..]);
}

/// What became of it by itself is on record as what people did is, in one chain.
pub(crate) async fn steps_and_commands_are_on_record() {
    let mut estate = Estate::new().await;
    started(&mut estate, two_waves()).await;
    carry_out(&mut estate, 0, &[1, 2], 0).await;
    estate.looks_until("the wave passed", |rollout| rollout.waves[0].phase() == Wave::Passed).await;
    let request =
        ListAuditRecordsRequest { parent: TENANT.into(), resource: ROLLOUT.into(), ..Default::default() };
    let records = estate.replica.audit.list_audit_records(request).await.unwrap().into_inner().records;
    let events: Vec<_> = records.iter().rev().filter_map(|record| record.event.clone()).collect();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let method = event.method.rsplit('/').next().unwrap_or_default();
            let after: serde_json::Value = serde_json::from_str(&event.after).unwrap();
            let wave =
                after["waves"][0]["phase"].as_str().unwrap_or_default().replace("ROLLOUT_WAVE_PHASE_", "");
            (event.principal.as_str(), method, wave)
        })
        .collect();
    let expected = [
        ("local", "CreateRollout", "WAITING"),
        ("local", "SubmitRollout", "WAITING"),
        ("local", "StartRollout", "WAITING"),
        ("service:authority", "", "HANDING_OVER"),
        ("service:authority", "", "SOAKING"),
        ("service:authority", "", "PASSED"),
    ];
    let expected = expected.map(|(who, method, wave)| (who, method, wave.to_owned()));
    assert_eq!(told, expected);
    let request = VerifyAuditRequest { parent: TENANT.into(), ..Default::default() };
    let verified = estate.replica.audit.verify_audit(request).await.unwrap().into_inner();
    assert!(verified.verified > 6 && verified.fault == 0, "{verified:?}");
}

pub(crate) async fn action_is_data_sheet_and_script() {
    let mut estate = Estate::new().await;
    started(&mut estate, two_waves()).await;
    let open = actions(&mut estate.replica.rollouts, false).await;
    let [action] = &open[..] else { panic!("{open:?}") };
    assert_eq!((action.sequence, action.wave, action.open, action.takes_back), (0, 0, true, false));
    assert_eq!((action.change(), action.collection.as_str()), (MembershipChange::Add, "PS100030"));
    let names: Vec<_> = action.members.iter().map(|member| (&*member.device, &*member.device_name)).collect();
    assert_eq!(names, [(&*device(1), "WS-1"), (&*device(2), "WS-2")]);
    let rows =
        "PS100030,Pilot client apps,add,16777301,WS-1\r\nPS100030,Pilot client apps,add,16777302,WS-2\r\n";
    assert_eq!(action.csv, format!("collection_id,collection_name,action,resource_id,device_name\r\n{rows}"));
    assert!(action.script.contains("Add-Batch -ResourceId 16777301, 16777302\n"), "{}", action.script);

    let done = confirm(&mut estate.replica.rollouts, action).await.unwrap();
    assert_eq!((done.confirmed_by.as_str(), done.open), ("local", false));
    // Already so is success.
    assert_eq!(confirm(&mut estate.replica.rollouts, action).await.unwrap(), done);
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, []);
    let all = actions(&mut estate.replica.rollouts, true).await;
    assert_eq!((all.len(), moved(&all[0]), all[0].csv.as_str()), (1, vec![1, 2], ""));
}

pub(crate) async fn broken_failure_gate_takes_back_exactly_what_was_handed_over() {
    let mut estate = Estate::new().await;
    // Device 4 was in the pilot before anybody handed it over.
    estate.join_pilot(&[4], 0);
    let mut all = spec(vec![wave(Choice::UpTo(10_000))]);
    all.on_failure = OnWaveFailure::RollBack.into();
    started(&mut estate, all).await;
    let begun = estate.looks_until("the wave began", |rollout| rollout.waves[0].skipped == 1).await;
    assert_eq!(begun.waves[0].pending, 3);
    let open = actions(&mut estate.replica.rollouts, false).await;
    assert_eq!(moved(&open[0]), [1, 2, 3]);
    confirm(&mut estate.replica.rollouts, &open[0]).await.unwrap();
    estate.hand.set(at(20));
    estate.join_pilot(&[1, 2, 3], 10);
    estate.tell(2, Told { in_pilot: true, at_intune: false, failed: true, minute: 15 });
    let failed =
        estate.looks_until("it is rolled back", |rollout| rollout.phase() == Phase::RollingBack).await;
    assert_eq!((failed.waves[0].event(), failed.waves[0].failing), (RolloutWaveEvent::FailureGateBroken, 1));
    assert_eq!(failed.cause.unwrap().wave, Some(0));

    let back = actions(&mut estate.replica.rollouts, false).await;
    let [back] = &back[..] else { panic!("{back:?}") };
    assert_eq!((back.takes_back, back.change(), back.sequence), (true, MembershipChange::Remove, 1));
    assert_eq!(moved(back), [1, 2, 3]);
    assert!(
        back.script.contains("Remove-Batch -ResourceId '16777301', '16777302', '16777303'"),
        "{}",
        back.script
    );
    confirm(&mut estate.replica.rollouts, back).await.unwrap();
    estate.hand.set(at(40));
    for number in 1..=3 {
        estate.tell(number, Told { minute: 30, ..Told::nothing() });
    }
    estate.read_pilot(30);
    let ended = estate.looks_until("all is taken back", |rollout| rollout.phase() == Phase::RolledBack).await;
    assert_eq!(ended.cause.unwrap().kind(), RolloutCauseKind::RollbackConfirmed);
}

pub(crate) async fn pause_holds_everything_and_puts_the_clocks_off() {
    let mut estate = Estate::new().await;
    let running = started(&mut estate, two_waves()).await;
    let due = |rollout: &Rollout| rollout.waves[0].deadline_time.unwrap();
    assert_eq!(due(&running), time::to_proto(at(10_080)));
    let request =
        PauseRolloutRequest { name: ROLLOUT.into(), justification: because("outage"), ..Default::default() };
    let rollouts = &mut estate.replica.rollouts;
    let paused = rollouts.pause_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((paused.phase(), paused.held_since), (Phase::Paused, Some(time::to_proto(at(0)))));
    let cause = paused.cause.unwrap();
    assert_eq!(
        (cause.kind(), cause.by.as_str(), cause.why.as_str()),
        (RolloutCauseKind::Asked, "local", "outage")
    );
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, []);
    // The site does it all the same, and the devices arrive.
    estate.hand.set(at(30));
    estate.join_pilot(&[1, 2], 20);
    estate.replica.authority.look_at_rollouts().await;
    assert_eq!(get(&mut estate.replica.rollouts).await.waves, paused.waves);
    let request = ResumeRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    estate.replica.rollouts.resume_rollout(request).await.unwrap();
    let resumed =
        estate.looks_until("the wave soaks", |rollout| rollout.waves[0].phase() == Wave::Soaking).await;
    assert_eq!((resumed.phase(), due(&resumed)), (Phase::Running, time::to_proto(at(10_080 + 30))));
    assert_eq!(resumed.held_since, None);
}

pub(crate) async fn freeze_stops_everything_until_it_is_ended() {
    let mut estate = Estate::new().await;
    let running = started(&mut estate, two_waves()).await;
    assert_eq!(actions(&mut estate.replica.rollouts, false).await.len(), 1);
    let request =
        FreezeTenantRequest { name: TENANT.into(), justification: because("year end"), ..Default::default() };
    let frozen =
        estate.replica.rollouts.freeze_tenant(request.clone()).await.unwrap().into_inner().freeze.unwrap();
    assert_eq!((frozen.frozen, frozen.by.as_str(), frozen.why.as_str()), (true, "local", "year end"));
    let name = format!("{TENANT}/freeze");
    let read = GetFreezeRequest { name };
    let found = estate.replica.rollouts.get_freeze(read.clone()).await.unwrap().into_inner().freeze;
    assert_eq!(found, Some(frozen.clone()));
    // From the answer on, whether or not anybody looked.
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, []);
    assert!(!actions(&mut estate.replica.rollouts, true).await[0].open);
    let again = estate.replica.rollouts.freeze_tenant(request).await.unwrap_err();
    assert_eq!(reason(again), ErrorReason::TenantFrozen);
    let request =
        RollBackRolloutRequest { name: ROLLOUT.into(), justification: because("x"), ..Default::default() };
    let refused = estate.replica.rollouts.roll_back_rollout(request).await.unwrap_err();
    assert!(refused.message().contains("year end"), "{refused:?}");
    assert_eq!(reason(refused), ErrorReason::TenantFrozen);

    estate.hand.set(at(60));
    estate.join_pilot(&[1, 2], 50);
    let held = estate.looks_until("it is held", |rollout| rollout.held_since.is_some()).await;
    assert_eq!((held.phase(), &held.waves), (Phase::Running, &running.waves));

    let request = UnfreezeTenantRequest { name: TENANT.into(), ..Default::default() };
    let ended =
        estate.replica.rollouts.unfreeze_tenant(request.clone()).await.unwrap().into_inner().freeze.unwrap();
    assert_eq!((ended.frozen, ended.why.as_str()), (false, "year end"));
    let again = estate.replica.rollouts.unfreeze_tenant(request).await.unwrap_err();
    assert_eq!(reason(again), ErrorReason::TenantNotFrozen);
    let on = estate.looks_until("the wave soaks", |rollout| rollout.waves[0].phase() == Wave::Soaking).await;
    assert_eq!(on.waves[0].deadline_time, Some(time::to_proto(at(10_080 + 60))));
    assert!(!estate.replica.rollouts.get_freeze(read).await.unwrap().into_inner().freeze.unwrap().frozen);
}

/// A freeze that nobody looked at while it held puts the clocks off too.
pub(crate) async fn freeze_between_two_looks_puts_the_clocks_off() {
    let mut estate = Estate::new().await;
    started(&mut estate, two_waves()).await;
    let request =
        FreezeTenantRequest { name: TENANT.into(), justification: because("drill"), ..Default::default() };
    estate.replica.rollouts.freeze_tenant(request).await.unwrap();
    estate.hand.set(at(45));
    let request = UnfreezeTenantRequest { name: TENANT.into(), ..Default::default() };
    estate.replica.rollouts.unfreeze_tenant(request).await.unwrap();
    let due = Some(time::to_proto(at(10_080 + 45)));
    estate.looks_until("it goes on", |rollout| rollout.waves[0].deadline_time == due).await;
    assert_eq!(actions(&mut estate.replica.rollouts, false).await.len(), 1);
}

/// Device configuration needs one approval, by somebody else.
pub(crate) async fn rollout_that_needs_approval_waits_for_somebody_else() {
    let mut estate = Estate::new().await;
    let mut sensitive = two_waves();
    sensitive.workload = Workload::DeviceConfiguration.into();
    let drafted = draft(&mut estate.replica.rollouts, sensitive).await.unwrap();
    let waiting = submit(&mut estate.replica.rollouts).await.unwrap();
    let approval = waiting.approval.clone().unwrap();
    assert_eq!(
        (waiting.phase(), approval.required, approval.requester.as_str()),
        (Phase::PendingApproval, 1, "local")
    );
    assert_eq!(approval.reasons, ["it moves device_configuration: 1"]);
    let approve =
        |hash: &str| ApproveRolloutRequest { name: ROLLOUT.into(), hash: hash.into(), ..Default::default() };
    let own = estate.replica.rollouts.approve_rollout(approve(&drafted.hash)).await.unwrap_err();
    assert_eq!(reason(own), ErrorReason::SelfApproval);
    let mut bo = estate.replica.client_of("bo");
    let unread = bo.approve_rollout(approve("0")).await.unwrap_err();
    assert_eq!(reason(unread), ErrorReason::RolloutPlanChanged);
    assert_eq!(reason(start(&mut bo).await.unwrap_err()), ErrorReason::RolloutCommandNotAllowed);
    let ready = bo.approve_rollout(approve(&drafted.hash)).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((ready.phase(), ready.approval.unwrap().given[0].by.as_str()), (Phase::Ready, "bo"));

    // Back to a draft the approval is void, and whoever asks may go ahead without.
    let request = WithdrawRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    let back = estate.replica.rollouts.withdraw_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((back.phase(), back.approval), (Phase::Draft, None));
    submit(&mut estate.replica.rollouts).await.unwrap();
    estate.hand.set(at(7 * 24 * 60));
    let late = bo.approve_rollout(approve(&drafted.hash)).await.unwrap_err();
    assert_eq!(reason(late), ErrorReason::ApprovalExpired);
    let request = WithdrawRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    estate.replica.rollouts.withdraw_rollout(request).await.unwrap();
    submit(&mut estate.replica.rollouts).await.unwrap();
    let glass = BreakRolloutGlassRequest {
        name: ROLLOUT.into(),
        hash: drafted.hash.clone(),
        justification: because("breach"),
        ..Default::default()
    };
    let broken =
        estate.replica.rollouts.break_rollout_glass(glass).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(
        (broken.phase(), broken.approval.unwrap().break_glass.unwrap().why.as_str()),
        (Phase::Ready, "breach")
    );
}

/// Devices that fell silent are excluded, and a wave of which nobody is left waits for a person.
pub(crate) async fn inconclusive_wave_is_approved_by_a_person() {
    let mut estate = Estate::new().await;
    let mut first = wave(group(&[1, 2]));
    first.offline = Some(Offline::ExcludeAfterMinutes(60));
    first.budget = Some(Budget::BudgetDevices(1));
    started(&mut estate, spec(vec![first, wave(group(&[3]))])).await;
    estate.hand.set(at(61));
    let silent =
        estate.looks_until("nobody is left", |rollout| rollout.waves[0].phase() == Wave::Inconclusive).await;
    assert_eq!((silent.waves[0].excluded, silent.waves[0].event()), (2, RolloutWaveEvent::NothingToMove));
    let approve = |wave| ApproveRolloutWaveRequest {
        name: ROLLOUT.into(),
        wave,
        justification: because("on holiday"),
        ..Default::default()
    };
    let other = estate.replica.rollouts.approve_rollout_wave(approve(1)).await.unwrap_err();
    assert_eq!(reason(other), ErrorReason::RolloutWaveNotCurrent);
    let on =
        estate.replica.rollouts.approve_rollout_wave(approve(0)).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(phases(&on), (Phase::Running, vec![Wave::Approved, Wave::HandingOver]));
    let approval = on.waves[0].approval.clone().unwrap();
    assert_eq!((approval.by.as_str(), approval.why.as_str()), ("local", "on holiday"));
    let active = estate.replica.rollouts.approve_rollout_wave(approve(1)).await.unwrap_err();
    assert_eq!(reason(active), ErrorReason::RolloutWaveNotInconclusive);
}

/// Whom the inventory has no longer nobody waits for; a slider that moved stops the rollout, and giving up leaves what was handed over.
pub(crate) async fn readings_of_the_world_are_followed() {
    let mut estate = Estate::new().await;
    started(&mut estate, two_waves()).await;
    estate.inventory.remove(&device(2));
    let left = estate.looks_until("the device is gone", |rollout| rollout.waves[0].excluded == 1).await;
    assert_eq!((left.waves[0].pending, left.phase()), (1, Phase::Running));
    let mut policy = crate::fleet::policy();
    policy.workloads.clear();
    let request = tandem_contracts::authority::v1::UpdateCoManagementPolicyRequest {
        policy: Some(policy),
        ..Default::default()
    };
    estate.replica.policies.update_co_management_policy(request).await.unwrap();
    let paused = estate.looks_until("the slider is seen", |rollout| rollout.phase() == Phase::Paused).await;
    assert_eq!(paused.cause.unwrap().kind(), RolloutCauseKind::SliderMoved);
    let request =
        CancelRolloutRequest { name: ROLLOUT.into(), justification: because("later"), ..Default::default() };
    let over = estate.replica.rollouts.cancel_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(over.phase(), Phase::Cancelled);
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, []);
    assert_eq!(actions(&mut estate.replica.rollouts, true).await.len(), 1);
}
