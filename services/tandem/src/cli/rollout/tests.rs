//! A rollout as people read it, in each of its phases.

use prost_types::Timestamp;
use tandem_contracts::authority::v1::rollout_wave_spec::{Budget, Choice};
use tandem_contracts::authority::v1::{
    Freeze, MaintenanceWindows, MembershipChange, OnWaveFailure, RolloutAction, RolloutApproval,
    RolloutApprovalGiven, RolloutCause, RolloutCauseKind, RolloutDirection, RolloutMember, RolloutSpec,
    RolloutWave, RolloutWaveApproval, RolloutWaveEvent, RolloutWavePhase, RolloutWaveSpec, Weekday,
    WeeklyWindow,
};

use super::next::{Outlook, Surroundings, outlook};
use super::step::Step;
use super::*;
use crate::cli::screen::{Output, shown};

fn at(minute: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_763_640_000 + minute * 60, nanos: 0 })
}

fn wave_of(choice: Choice) -> RolloutWaveSpec {
    RolloutWaveSpec {
        choice: Some(choice),
        soak_minutes: 1440,
        success_gate: 9500,
        failure_gate: 200,
        minimum_sample: 3,
        budget: Some(Budget::BudgetDevices(50)),
        ..RolloutWaveSpec::default()
    }
}

/// Its first wave is being handed over.
fn running() -> Rollout {
    let windows = MaintenanceWindows {
        weekly: vec![WeeklyWindow {
            days: vec![Weekday::Saturday.into()],
            opens: "22:00".into(),
            length_minutes: 240,
        }],
        fallback_zone: String::new(),
    };
    let spec = RolloutSpec {
        workload: 7,
        direction: RolloutDirection::ToIntune.into(),
        pilot_collection: "PS100043".into(),
        windows: Some(windows),
        on_failure: OnWaveFailure::RollBack.into(),
        waves: vec![wave_of(Choice::Collection("PS100020".into())), wave_of(Choice::UpTo(10_000))],
    };
    let first = RolloutWave {
        phase: RolloutWavePhase::HandingOver.into(),
        event: RolloutWaveEvent::Begin.into(),
        begin_time: at(10),
        deadline_time: at(10_090),
        devices: Some(100),
        chosen: 60,
        skipped: 5,
        excluded: 1,
        pending: 20,
        at_target: 15,
        failing: 2,
        in_motion: 22,
        unconfigured: 7,
        ..RolloutWave::default()
    };
    let second =
        RolloutWave { phase: RolloutWavePhase::Waiting.into(), devices: Some(320), ..RolloutWave::default() };
    Rollout {
        name: "tenants/default/hierarchies/PS1/rollouts/apps".into(),
        etag: "4".into(),
        hash: "3fa9".into(),
        spec: Some(spec),
        phase: RolloutPhase::Running.into(),
        cause: asked("ada", ""),
        held_since: None,
        waves: vec![first, second],
        current_wave: Some(0),
        devices: Some(420),
        approval: Some(RolloutApproval {
            requester: "ada".into(),
            required: 1,
            reasons: vec!["420 devices are affected, 100 or more: 1".into()],
            expire_time: at(7 * 24 * 60),
            given: vec![RolloutApprovalGiven { by: "bo".into(), time: at(5) }],
            break_glass: None,
        }),
        created_by: "ada".into(),
        create_time: at(0),
        update_time: at(12),
    }
}

fn asked(by: &str, why: &str) -> Option<RolloutCause> {
    Some(RolloutCause {
        kind: RolloutCauseKind::Asked.into(),
        by: by.into(),
        why: why.into(),
        ..RolloutCause::default()
    })
}

fn because(kind: RolloutCauseKind) -> Option<RolloutCause> {
    Some(RolloutCause { kind: kind.into(), ..RolloutCause::default() })
}

/// The same with its first wave so.
fn with_wave(
    phase: RolloutWavePhase,
    event: RolloutWaveEvent,
    change: impl FnOnce(&mut RolloutWave),
) -> Rollout {
    let mut rollout = running();
    let wave = &mut rollout.waves[0];
    (wave.phase, wave.event) = (phase.into(), event.into());
    (wave.chosen, wave.pending, wave.failing, wave.unconfigured) = (0, 20, 0, 0);
    change(wave);
    rollout
}

fn action(change: MembershipChange) -> RolloutAction {
    let member =
        RolloutMember { device: "tenants/default/devices/d".into(), resource_id: 1, ..Default::default() };
    RolloutAction {
        sequence: 4,
        collection: "PS100043".into(),
        change: change.into(),
        members: vec![member; 7],
        open: true,
        ..RolloutAction::default()
    }
}

fn thawed() -> Surroundings {
    Surroundings::default()
}

fn frozen() -> Surroundings {
    let freeze = Freeze {
        name: "tenants/default/freeze".into(),
        frozen: true,
        by: "bo".into(),
        why: "the gateway is down".into(),
        since: at(11),
    };
    Surroundings::known(freeze, None)
}

#[test]
fn rollout_that_runs_is_shown_whole() {
    let surroundings = Surroundings::known(Freeze::default(), Some((action(MembershipChange::Add), true)));
    let text = shown(Output::Table, |screen| show::page(screen, &running(), &surroundings));
    let expected = [
        " Rollout    tenants/default/hierarchies/PS1/rollouts/apps",
        " Moves      client_apps to intune, by membership of PS100043",
        " Phase      running",
        " Why        ada said so",
        " Devices    420, as counted when it was drafted",
        " Approvals  1 of 1, asked for by ada; good until 2025-11-27T12:00:00Z",
        " Since      420 devices are affected, 100 or more: 1",
        " Approved   2025-11-20T12:05:00Z by bo",
        " Windows    saturday from 22:00 for 4h (UTC)",
        " A failure  roll_back",
        " Made       2025-11-20T12:00:00Z by ada",
        " Changed    2025-11-20T12:12:00Z",
        " Hash       3fa9",
        "",
        "Waves",
        " WAVE   TAKES                   DEVICES   WAITING   HANDED OVER   ARRIVED   FAILING   SKIPPED   SILENT   PHASE          WHY",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "    0   members of PS100020         103        60            37        15         2         5        1   handing_over   it began",
        "    1   up to 100 %           about 320         –             –         –         –         –        –   waiting        –",
        "",
        "How they are judged",
        " WAVES   SOAKS   PASSES FROM   FAILS ABOVE   NOT BEFORE   AT ONCE      WAITS FOR A PERSON AFTER   LATE JOINERS   SILENT DEVICES",
        "────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " 0-1     1d      95 %          2 %           3 answered   50 devices   7d                         include        are waited for",
        "",
        "Next",
        "  action 4 is to be done at the site, and confirmed: 7 devices join PS100043; more actions follow it",
        "  60 devices wait to be handed over: for room in what may be in motion at once, for a maintenance window, or for a reading that is missing",
        "  wave 0 soaks once the site is seen to have every membership",
        "  at 2025-11-27T12:10:00Z wave 0 waits for a person, if neither gate decided before",
        "",
        "To see what is to be done at the site:",
        "  tandem authority rollout actions PS1/apps",
        "",
        "To see its devices:",
        "  tandem authority rollout devices PS1/apps --wave 0",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn draft_is_shown_with_what_is_expected_of_it() {
    let mut draft = Rollout {
        phase: RolloutPhase::Draft.into(),
        cause: None,
        approval: None,
        devices: None,
        ..running()
    };
    draft.waves[0] = RolloutWave { devices: Some(100), ..waiting() };
    draft.waves[1] = waiting();
    let text = shown(Output::Table, |screen| show::page(screen, &draft, &thawed()));
    let expected = [
        " Rollout    tenants/default/hierarchies/PS1/rollouts/apps",
        " Moves      client_apps to intune, by membership of PS100043",
        " Phase      draft",
        " Why        it is a new draft",
        " Devices    nobody could say how many when it was drafted",
        " Windows    saturday from 22:00 for 4h (UTC)",
        " A failure  roll_back",
        " Made       2025-11-20T12:00:00Z by ada",
        " Changed    2025-11-20T12:12:00Z",
        " Hash       3fa9",
        "",
        "Waves",
        " WAVE   TAKES                   DEVICES   WAITING   HANDED OVER   ARRIVED   FAILING   SKIPPED   SILENT   PHASE     WHY",
        "───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "    0   members of PS100020   about 100         –             –         –         –         –        –   waiting   –",
        "    1   up to 100 %                   –         –             –         –         –         –        –   waiting   –",
        "",
        "How they are judged",
        " WAVES   SOAKS   PASSES FROM   FAILS ABOVE   NOT BEFORE   AT ONCE      WAITS FOR A PERSON AFTER   LATE JOINERS   SILENT DEVICES",
        "────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " 0-1     1d      95 %          2 %           3 answered   50 devices   7d                         include        are waited for",
        "",
        "Next",
        "  nothing, before it is submitted",
        "",
        "To ask for the approvals that it needs:",
        "  tandem authority rollout submit PS1/apps",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}

fn waiting() -> RolloutWave {
    RolloutWave { phase: RolloutWavePhase::Waiting.into(), ..RolloutWave::default() }
}

fn ahead(rollout: &Rollout, surroundings: &Surroundings) -> (Vec<String>, Vec<Step>) {
    let Outlook { happens, steps } = outlook(rollout, surroundings);
    (happens, steps)
}

fn expected(happens: &[&str], steps: &[Step]) -> (Vec<String>, Vec<Step>) {
    (happens.iter().map(|line| (*line).to_owned()).collect(), steps.to_vec())
}

#[test]
fn rollout_before_its_start_waits_for_people() {
    let pending = Rollout {
        phase: RolloutPhase::PendingApproval.into(),
        approval: Some(RolloutApproval {
            requester: "ada".into(),
            required: 2,
            expire_time: at(0),
            ..RolloutApproval::default()
        }),
        ..running()
    };
    let waits = "it waits for 2 more approvals, of others than ada, until 2025-11-20T12:00:00Z; then it is to be withdrawn and \
                 submitted again";
    assert_eq!(ahead(&pending, &thawed()), expected(&[waits], &[Step::Approve, Step::BreakGlass]));
    let ready = Rollout { phase: RolloutPhase::Ready.into(), ..running() };
    let waits = "nothing, before it is started; the slider of client_apps has to stand at pilot_intune with PS100043 then, or it \
                 pauses at once";
    assert_eq!(ahead(&ready, &thawed()), expected(&[waits], &[Step::Start]));
    let waits = "nothing, and it cannot start, while the tenant is frozen";
    assert_eq!(ahead(&ready, &frozen()), expected(&[waits], &[Step::Unfreeze]));
}

#[test]
fn wave_that_is_handed_over_says_what_it_waits_for() {
    let deadline = "at 2025-11-27T12:10:00Z wave 0 waits for a person, if neither gate decided before";
    let unread =
        with_wave(RolloutWavePhase::HandingOver, RolloutWaveEvent::Begin, |wave| wave.unconfigured = 1);
    let happens = [
        "the site is to be read again, completely: 1 device is handed over, and not seen to be so there",
        "wave 0 soaks once the site is seen to have every membership",
        deadline,
    ];
    assert_eq!(ahead(&unread, &thawed()), expected(&happens, &[Step::Import]));
    let waits = "nothing, while the tenant is frozen: no clock runs, and nothing is to be done";
    assert_eq!(ahead(&unread, &frozen()), expected(&[waits], &[Step::Unfreeze]));
    let mut unknown = running();
    unknown.waves[0] = waiting();
    let waits =
        "wave 0 begins once it is known where the slider stands, and which devices the waves up to it choose";
    assert_eq!(ahead(&unknown, &thawed()), expected(&[waits], &[Step::Import]));
}

#[test]
fn wave_that_is_watched_says_when_its_gates_decide() {
    let deadline = "at 2025-11-27T12:10:00Z wave 0 waits for a person, if neither gate decided before";
    let soaking = with_wave(RolloutWavePhase::Soaking, RolloutWaveEvent::HandedOver, |wave| {
        (wave.soaked_time, wave.failing) = (at(60), 1);
    });
    let soaks = "wave 0 soaks until 2025-11-20T13:00:00Z; then its gates decide";
    let found = ahead(&soaking, &thawed());
    assert_eq!(found, expected(&[soaks, deadline], &[Step::Devices(0, None)]));
    let judging = with_wave(RolloutWavePhase::Judging, RolloutWaveEvent::SoakOver, |_| {});
    let judges = "wave 0 passes once 95 % of its 35 devices report the workload at the target (15 do, 20 have not answered)";
    assert_eq!(ahead(&judging, &thawed()), expected(&[judges, deadline], &[Step::Import]));
    let late = with_wave(RolloutWavePhase::Inconclusive, RolloutWaveEvent::DeadlinePassed, |_| {});
    let steps = [Step::Devices(0, None), Step::ApproveWave(0), Step::RollBack];
    assert_eq!(ahead(&late, &thawed()), expected(&["nothing, before a person looks at wave 0"], &steps));
    let failed = with_wave(RolloutWavePhase::Failed, RolloutWaveEvent::FailureGateBroken, |_| {});
    assert_eq!(ahead(&failed, &thawed()), expected(&["it is rolled back, as wave 0 failed"], &[]));
}

#[test]
fn paused_rollout_says_what_leads_on() {
    let paused = |cause, wave| Rollout {
        phase: RolloutPhase::Paused.into(),
        cause,
        ..with_wave(wave, RolloutWaveEvent::Begin, |_| {})
    };
    let waits = "nothing, until a person says so: nothing is handed over, and the clocks stand still";
    let usual = [Step::Resume, Step::RollBack, Step::Cancel];
    let by_person = paused(asked("ada", "lunch"), RolloutWavePhase::HandingOver);
    assert_eq!(ahead(&by_person, &thawed()), expected(&[waits], &usual));
    let only = "while the tenant is frozen it can only be cancelled";
    assert_eq!(ahead(&by_person, &frozen()), expected(&[waits, only], &[Step::Unfreeze, Step::Cancel]));
    let moved = paused(because(RolloutCauseKind::SliderMoved), RolloutWavePhase::Inconclusive);
    let slider = Step::MoveSlider { workload: "client_apps", collection: "PS100043".into() };
    let steps: Vec<Step> = [slider, Step::ApproveWave(0)].into_iter().chain(usual.clone()).collect();
    assert_eq!(ahead(&moved, &thawed()), expected(&[waits], &steps));
    let failed = paused(because(RolloutCauseKind::WaveFailed), RolloutWavePhase::Failed);
    let steps: Vec<Step> = std::iter::once(Step::Devices(0, None)).chain(usual).collect();
    assert_eq!(ahead(&failed, &thawed()), expected(&[waits], &steps));
}

#[test]
fn rollback_says_what_is_to_be_taken_back() {
    let back = Rollout { phase: RolloutPhase::RollingBack.into(), ..running() };
    let open = Surroundings::known(Freeze::default(), Some((action(MembershipChange::Remove), false)));
    let happens = [
        "action 4 is to be done at the site, and confirmed: 7 devices leave PS100043",
        "it is rolled back once the site was read after that, and says so",
    ];
    assert_eq!(ahead(&back, &open), expected(&happens, &[Step::Actions]));
    let unread = "it is rolled back once the site was read again, and says that everything is taken back";
    assert_eq!(ahead(&back, &thawed()), expected(&[unread], &[Step::Import]));
}

#[test]
fn rollout_that_is_over_asks_for_nothing() {
    let table = [
        (RolloutPhase::Completed, "nothing more: every wave is done"),
        (RolloutPhase::Failed, "nothing more: it ended with the failure; what was handed over stays"),
        (RolloutPhase::RolledBack, "nothing more: everything that it handed over was taken back"),
        (RolloutPhase::Cancelled, "nothing more: it was given up; what was handed over stays"),
    ];
    for (phase, happens) in table {
        let over = Rollout { phase: phase.into(), ..running() };
        assert_eq!(ahead(&over, &frozen()), expected(&[happens], &[]), "{phase:?}");
    }
}

#[test]
fn rollout_on_one_line_says_why_it_stands_there() {
    let line = |rollout: &Rollout| show::row(rollout);
    let made = "2025-11-20T12:00:00Z";
    let common = |phase: &str, why: &str, done: &str| {
        ["apps", "client_apps", "intune", phase, why, done, "420", made, "ada"].map(str::to_owned).to_vec()
    };
    assert_eq!(line(&running()), common("running", "ada said so", "0 of 2"));
    let mut failed = Rollout { phase: RolloutPhase::Paused.into(), ..running() };
    failed.cause = Some(RolloutCause { wave: Some(1), ..because(RolloutCauseKind::WaveFailed).unwrap() });
    failed.waves[0].phase = RolloutWavePhase::Passed.into();
    failed.waves[1].event = RolloutWaveEvent::FailureGateBroken.into();
    assert_eq!(line(&failed), common("paused", "wave 1 failed: too many devices fail", "1 of 2"));
    let mut moved = Rollout { phase: RolloutPhase::Paused.into(), ..running() };
    moved.cause = Some(RolloutCause { slider: 3, ..because(RolloutCauseKind::SliderMoved).unwrap() });
    let why = "the slider stands at intune, where membership of the pilot collection decides nothing";
    assert_eq!(line(&moved), common("paused", why, "0 of 2"));
    let mut cancelled = Rollout { phase: RolloutPhase::Cancelled.into(), ..running() };
    cancelled.cause = asked("bo", "wrong collection");
    cancelled.waves[0].phase = RolloutWavePhase::Approved.into();
    cancelled.waves[0].approval = Some(RolloutWaveApproval { by: "bo".into(), ..Default::default() });
    assert_eq!(line(&cancelled), common("cancelled", "bo said so: wrong collection", "1 of 2"));
}

#[test]
fn rollout_is_told_by_the_shape_of_the_text() {
    let tenant = TenantId::parse("t").unwrap();
    let name = |text: &str| text.parse().map(|rollout: RolloutRef| rollout.name(&tenant));
    assert_eq!(name("PS1/apps"), Ok("tenants/t/hierarchies/PS1/rollouts/apps".to_owned()));
    let expected = "expected HIERARCHY/ID or tenants/ID/hierarchies/ID/rollouts/ID, found `apps`";
    assert_eq!(name("apps"), Err(expected.to_owned()));
}
