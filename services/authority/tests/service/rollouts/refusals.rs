//! What nobody can mean, and what is not allowed: a reason of its own for each, and nothing changed.

use tandem_client::ApiError;
use tandem_contracts::authority::v1::{
    ConfirmRolloutActionRequest, CreateRolloutRequest, ListRolloutsRequest, MaintenanceWindows,
    PauseRolloutRequest, Rollout, RolloutPhase, RolloutSpec, StartRolloutRequest, SubmitRolloutRequest,
    Weekday, WeeklyWindow,
    rollout_wave_spec::{Budget, Choice, Offline},
};
use tandem_contracts::r#type::v1::{ErrorReason, Workload};
use tonic::Code;

use super::estate::{
    Estate, HIERARCHY, ROLLOUT, actions, because, confirm, draft, get, group, spec, start, started, wave,
};
use crate::reason;

async fn refusal(estate: &mut Estate, spec: RolloutSpec) -> (Code, ErrorReason) {
    let status = draft(&mut estate.replica.rollouts, spec).await.unwrap_err();
    assert!(status.message().contains(": "), "{status:?}");
    (status.code(), reason(status))
}

fn window(days: &[Weekday], length_minutes: u32) -> MaintenanceWindows {
    let days = days.iter().map(|day| (*day).into()).collect();
    let weekly = vec![WeeklyWindow { days, opens: "22:00".into(), length_minutes }];
    MaintenanceWindows { weekly, fallback_zone: String::new() }
}

async fn listed(estate: &mut Estate) -> Vec<Rollout> {
    let request = ListRolloutsRequest { parent: HIERARCHY.into(), ..Default::default() };
    estate.replica.rollouts.list_rollouts(request).await.unwrap().into_inner().rollouts
}

/// The first of a spec's errors gives the reason.
pub(crate) async fn rollout_that_cannot_be_meant_has_a_reason_of_its_own() {
    use ErrorReason as R;
    let mut estate = Estate::new().await;
    let all = || wave(Choice::UpTo(10_000));
    let mut specs: Vec<(R, RolloutSpec)> = Vec::new();
    specs.push((R::RolloutWaveCount, spec(Vec::new())));
    specs.push((R::RolloutWaveCount, spec(vec![all(); 51])));
    let shares = |shares: &[u32]| spec(shares.iter().map(|share| wave(Choice::UpTo(*share))).collect());
    specs.push((R::RolloutPercentagesDoNotAddUp, shares(&[5_000, 2_500])));
    specs.push((R::RolloutPercentagesDoNotAddUp, shares(&[10_001])));
    specs.push((R::RolloutWaveDuplicate, spec(vec![wave(group(&[1])), wave(group(&[1]))])));
    specs.push((R::RolloutWaveEmpty, spec(vec![wave(group(&[1, 2])), wave(group(&[2]))])));
    // Only the fleet tells that there is no such device.
    specs.push((
        R::RolloutWaveEmpty,
        spec(vec![wave(group(&[1])), wave(Choice::Collection("PS100030".into()))]),
    ));
    let of = |change: &dyn Fn(&mut tandem_contracts::authority::v1::RolloutWaveSpec)| {
        let mut one = all();
        change(&mut one);
        spec(vec![one])
    };
    specs.push((R::RolloutShareOutOfRange, of(&|wave| wave.success_gate = 0)));
    specs.push((R::RolloutGatesContradict, of(&|wave| wave.failure_gate = 1_001)));
    // Four devices there are.
    specs.push((R::RolloutSampleOutOfReach, of(&|wave| wave.minimum_sample = 5)));
    specs.push((R::RolloutBudgetOfNothing, of(&|wave| wave.budget = Some(Budget::BudgetDevices(0)))));
    specs.push((R::RolloutDeadlineBeforeSoak, of(&|wave| wave.deadline_minutes = 60)));
    specs.push((R::RolloutOfflineAtOnce, of(&|wave| wave.offline = Some(Offline::FailAfterMinutes(0)))));
    let within = |windows| RolloutSpec { windows: Some(windows), ..spec(vec![all()]) };
    specs.push((R::RolloutWindowNeverOpens, within(window(&[], 60))));
    specs.push((R::RolloutWindowNeverOpens, within(window(&[Weekday::Saturday], 0))));
    specs.push((R::RolloutWindowNeverOpens, within(MaintenanceWindows::default())));
    specs.push((R::RolloutWindowTooLong, within(window(&[Weekday::Saturday], 10_081))));
    let unknown = RolloutSpec { pilot_collection: "PS1000FF".into(), ..spec(vec![all()]) };
    specs.push((R::RolloutCollectionUnknown, unknown));
    specs.push((R::RolloutCollectionUnknown, spec(vec![wave(Choice::Collection("PS1000FF".into()))])));
    for (expected, spec) in specs {
        assert_eq!(refusal(&mut estate, spec).await, (Code::FailedPrecondition, expected));
    }
    assert_eq!(listed(&mut estate).await, []);
}

pub(crate) async fn fields_of_another_shape_are_named() {
    let mut estate = Estate::new().await;
    let mut bad = spec(vec![wave(group(&[1]))]);
    bad.workload = 0;
    bad.pilot_collection = "SMS00001".into();
    let status = draft(&mut estate.replica.rollouts, bad).await.unwrap_err();
    let error = ApiError::from(status);
    assert_eq!(error.known_reason(), Some(ErrorReason::InvalidField));
    let shown = error.to_string();
    assert!(shown.contains("spec.workload") && shown.contains("spec.pilot_collection"), "{shown}");
    let request = CreateRolloutRequest { name: format!("{HIERARCHY}/rollouts/-"), ..Default::default() };
    let status = estate.replica.rollouts.create_rollout(request).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::InvalidField);
    let request = PauseRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    let status = estate.replica.rollouts.pause_rollout(request).await.unwrap_err();
    assert_eq!(status.message(), "justification.reason: must say why; found nothing");
}

pub(crate) async fn second_rollout_of_a_workload_is_refused() {
    let mut estate = Estate::new().await;
    let all = spec(vec![wave(Choice::UpTo(10_000))]);
    let other = |spec: RolloutSpec| {
        let name = format!("{HIERARCHY}/rollouts/other");
        CreateRolloutRequest { name, spec: Some(spec), ..Default::default() }
    };
    // Two drafts may wait side by side; the first that is started moves the workload.
    estate.replica.rollouts.create_rollout(other(all.clone())).await.unwrap();
    let name = format!("{HIERARCHY}/rollouts/other");
    let request = SubmitRolloutRequest { name: name.clone(), ..Default::default() };
    estate.replica.rollouts.submit_rollout(request).await.unwrap();
    started(&mut estate, all.clone()).await;
    let request = StartRolloutRequest { name, ..Default::default() };
    let status = estate.replica.rollouts.start_rollout(request).await.unwrap_err();
    assert!(status.message().contains("found `apps`"), "{status:?}");
    assert_eq!(
        (status.code(), reason(status)),
        (Code::FailedPrecondition, ErrorReason::RolloutWorkloadMoving)
    );
    let third = CreateRolloutRequest { name: format!("{HIERARCHY}/rollouts/third"), ..other(all.clone()) };
    let status = estate.replica.rollouts.create_rollout(third.clone()).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::RolloutWorkloadMoving);
    // Another workload is another matter.
    let spec = RolloutSpec { workload: Workload::DeviceConfiguration.into(), ..all };
    estate.replica.rollouts.create_rollout(CreateRolloutRequest { spec: Some(spec), ..third }).await.unwrap();
    let phases: Vec<_> =
        listed(&mut estate).await.iter().map(|rollout| (rollout.name.clone(), rollout.phase())).collect();
    let expected =
        [("third", RolloutPhase::Draft), ("other", RolloutPhase::Ready), ("apps", RolloutPhase::Running)];
    assert_eq!(phases, expected.map(|(id, phase)| (format!("{HIERARCHY}/rollouts/{id}"), phase)));
}

pub(crate) async fn command_that_the_phase_does_not_allow_is_refused() {
    let mut estate = Estate::new().await;
    let drafted = draft(&mut estate.replica.rollouts, spec(vec![wave(group(&[1]))])).await.unwrap();
    let status = start(&mut estate.replica.rollouts).await.unwrap_err();
    assert!(status.message().contains("expected a rollout that is ready; found draft"), "{status:?}");
    assert_eq!(reason(status), ErrorReason::RolloutCommandNotAllowed);
    assert_eq!(get(&mut estate.replica.rollouts).await, drafted);
    let again = draft(&mut estate.replica.rollouts, spec(vec![wave(group(&[1]))])).await.unwrap_err();
    assert_eq!((again.code(), reason(again)), (Code::AlreadyExists, ErrorReason::ResourceAlreadyExists));
}

pub(crate) async fn stale_etag_is_a_mismatch_and_a_repeated_request_is_answered_once() {
    let mut estate = Estate::new().await;
    let drafted = draft(&mut estate.replica.rollouts, spec(vec![wave(group(&[1]))])).await.unwrap();
    let request = SubmitRolloutRequest {
        name: ROLLOUT.into(),
        etag: drafted.etag.clone(),
        request_id: "s-1".into(),
        justification: because("pilot"),
    };
    let first = estate.replica.rollouts.submit_rollout(request.clone()).await.unwrap().into_inner();
    assert_eq!(estate.replica.rollouts.submit_rollout(request.clone()).await.unwrap().into_inner(), first);
    let request = StartRolloutRequest { name: ROLLOUT.into(), etag: drafted.etag, ..Default::default() };
    let status = estate.replica.rollouts.start_rollout(request).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::Aborted, ErrorReason::EtagMismatch));
    let reused = PauseRolloutRequest {
        name: ROLLOUT.into(),
        request_id: "s-1".into(),
        justification: because("pilot"),
        ..Default::default()
    };
    let status = estate.replica.rollouts.pause_rollout(reused).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::RequestIdReused);
}

pub(crate) async fn action_is_confirmed_in_its_order_and_while_it_counts() {
    let mut estate = Estate::new().await;
    let mut one_by_one = wave(group(&[1, 2]));
    one_by_one.budget = Some(Budget::BudgetDevices(1));
    one_by_one.offline = Some(Offline::ExcludeAfterMinutes(60));
    one_by_one.late_joiners = tandem_contracts::authority::v1::LateJoiners::Skip.into();
    started(&mut estate, spec(vec![one_by_one, wave(group(&[3]))])).await;
    let forward = actions(&mut estate.replica.rollouts, false).await;
    let [first] = &forward[..] else { panic!("{forward:?}") };
    let missing = ConfirmRolloutActionRequest {
        name: format!("{ROLLOUT}/actions/00000000-0000-4000-8000-000000000000"),
        ..Default::default()
    };
    let status = estate.replica.rollouts.confirm_rollout_action(missing).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));
    let request = tandem_contracts::authority::v1::RollBackRolloutRequest {
        name: ROLLOUT.into(),
        justification: because("wrong group"),
        ..Default::default()
    };
    let back =
        estate.replica.rollouts.roll_back_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(back.phase(), RolloutPhase::RollingBack);
    let status = confirm(&mut estate.replica.rollouts, first).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::RolloutActionSuperseded);
    let open = actions(&mut estate.replica.rollouts, false).await;
    assert_eq!(
        open.iter().map(|action| (action.sequence, action.takes_back)).collect::<Vec<_>>(),
        [(1, true)]
    );
    confirm(&mut estate.replica.rollouts, &open[0]).await.unwrap();
}
