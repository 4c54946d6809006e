//! How fast: budgets, windows, clocks that stand still, and when to look again.

use jiff::civil::Time;

use super::*;

#[test]
fn budget_lets_so_many_move_at_once_and_the_next_follow_those_that_arrived() {
    let mut site = Site::of(5);
    let budget = DisruptionBudget::Devices(2);
    let mut rollout = started(spec(vec![WaveSpec { budget, ..wave(group(0..5)) }]));
    let first = moved(&site.hand_over(&mut rollout, 0));
    assert_eq!(first.len(), 2);
    assert_eq!(site.step(&mut rollout, 2).actions, []);
    site.arrive([*first.first().unwrap()], 3);
    let second = moved(&site.step(&mut rollout, 3).actions);
    assert_eq!((second.len(), second.is_disjoint(&first)), (1, true));
    assert_eq!(rollout.waves()[0].tally().in_motion, 2);
}

#[test]
fn failing_devices_that_fill_the_budget_fail_the_wave() {
    let mut site = Site::of(5);
    let budget = DisruptionBudget::Devices(2);
    let cautious = WaveSpec { budget, minimum_sample: 5, ..wave(group(0..5)) };
    let mut rollout = started(spec(vec![cautious]));
    let first = moved(&site.hand_over(&mut rollout, 0));
    site.fail(first, 2);
    let _ = site.step(&mut rollout, 3);
    assert_eq!(rollout.waves()[0].event, Some(WaveEvent::FailuresFillBudget));
    assert_eq!(rollout.phase(), RolloutPhase::Paused);
}

#[test]
fn failing_devices_that_keep_nobody_waiting_are_left_to_the_gates() {
    let mut site = Site::of(2);
    let half = WaveSpec {
        budget: DisruptionBudget::Devices(1),
        success_gate: BasisPoints(5_000),
        failure_gate: BasisPoints(5_000),
        minimum_sample: 2,
        ..wave(group(0..2))
    };
    let mut rollout = started(spec(vec![half]));
    let first = moved(&site.hand_over(&mut rollout, 0));
    site.arrive(first, 2);
    let second = moved(&site.hand_over(&mut rollout, 3));
    site.fail(second, 5);
    let _ = site.step(&mut rollout, 5);
    let _ = site.step(&mut rollout, 65);
    assert_eq!(rollout.phase(), RolloutPhase::Completed);
}

#[test]
fn share_of_a_wave_is_rounded_down_but_never_to_nothing() {
    let share = |points, size| DisruptionBudget::Share(BasisPoints(points)).permits(size);
    assert_eq!([share(1_000, 25), share(1, 25), share(10_000, 25), share(1_000, 0)], [2, 1, 25, 1]);
}

#[test]
fn devices_are_handed_over_in_the_order_of_their_buckets() {
    let mut site = Site::of(20);
    let budget = DisruptionBudget::Devices(1);
    let mut rollout = started(spec(vec![WaveSpec { budget, ..wave(group(0..20)) }]));
    let mut buckets = Vec::new();
    for minute in 0..20 {
        let next = moved(&site.hand_over(&mut rollout, minute * 3));
        buckets.extend(next.iter().map(|&number| rollout.waves()[0].devices[&device(number)].bucket));
        site.arrive(next, minute * 3 + 1);
    }
    assert_eq!(buckets.len(), 20);
    assert!(buckets.is_sorted(), "{buckets:?}");
}

#[test]
fn devices_are_handed_over_only_in_their_own_windows() {
    let mut site = Site::of(3);
    site.of_device(0).zone = Some(Zone::parse("Asia/Kolkata").unwrap());
    site.of_device(1).zone = Some(Zone::parse("+01:00").unwrap());
    let weekly =
        WeeklyWindow { days: Day::ALL.into(), opens: Time::constant(22, 0, 0, 0), length: Minutes(120) };
    let windows = MaintenanceWindows { weekly: vec![weekly], fallback: Zone::utc() };
    let mut rollout = started(RolloutSpec { windows: Some(windows), ..spec(vec![wave(group(0..3))]) });
    // 22:00 is 16:30 UTC in India, 21:00 UTC an hour east of Greenwich, and the third device goes by UTC.
    let mut found = Vec::new();
    let mut minute = 0;
    for _ in 0..4 {
        let step = site.step(&mut rollout, minute);
        site.carry_out(&step.actions, minute + 1);
        found.push((minute, moved(&step.actions)));
        minute = step.wake_at.unwrap().duration_since(at(0)).as_mins();
    }
    let set = |numbers: &[usize]| numbers.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(found, [(0, set(&[])), (16 * 60 + 30, set(&[0])), (21 * 60, set(&[1])), (22 * 60, set(&[2]))]);
}

/// Ten devices, handed over at minute 0 and seen at minute 1: the soak time ends at 61, the deadline is at 100.
fn soaking() -> (Site, Rollout) {
    let mut site = Site::of(10);
    let mut rollout = started(spec(vec![WaveSpec { deadline: Minutes(100), ..wave(group(0..10)) }]));
    site.hand_over(&mut rollout, 0);
    let _ = site.step(&mut rollout, 1);
    (site, rollout)
}

fn clocks(rollout: &Rollout) -> [Option<Timestamp>; 2] {
    [rollout.waves()[0].soaked_at, rollout.waves()[0].deadline_at]
}

#[test]
fn clocks_stand_still_while_the_rollout_is_paused() {
    let (site, rollout) = soaking();
    assert_eq!(clocks(&rollout), [Some(at(61)), Some(at(100))]);
    let mut paused = told(&rollout, Command::Pause { why: why() }, 11);
    let before = paused.clone();
    let step = site.step(&mut paused, 1_000_000);
    assert_eq!((&step.rollout, step.actions, step.wake_at), (&before, vec![], None));
    let resumed = told(&paused, Command::Resume, 1_011);
    assert_eq!(clocks(&resumed), [Some(at(1_061)), Some(at(1_100))]);
}

#[test]
fn freeze_stops_everything_and_its_time_does_not_count() {
    let (mut site, mut rollout) = soaking();
    site.arrive(0..10, 5);
    site.seen.freeze = Some(Freeze { by: ada(), why: why(), since: at(11) });
    let step = site.step(&mut rollout, 500);
    assert_eq!((step.transitions, step.actions, step.wake_at), (vec![], vec![], None));
    site.seen.freeze = None;
    let _ = site.step(&mut rollout, 1_011);
    assert_eq!(clocks(&rollout), [Some(at(1_061)), Some(at(1_100))]);
    assert_eq!(phases(&rollout), [WavePhase::Soaking]);
}

#[test]
fn frozen_rollback_waits() {
    let (mut site, rollout) = soaking();
    let mut rollout = told(&rollout, Command::RollBack { why: why() }, 10);
    site.seen.freeze = Some(Freeze { by: ada(), why: why(), since: at(10) });
    assert_eq!(site.step(&mut rollout, 11).actions, []);
    site.seen.freeze = None;
    assert_eq!(moved(&site.step(&mut rollout, 12).actions).len(), 10);
}

#[test]
fn step_says_when_to_look_again() {
    let (mut site, mut rollout) = soaking();
    assert_eq!(site.step(&mut rollout, 2).wake_at, Some(at(61)));
    site.arrive([0], 3);
    assert_eq!(site.step(&mut rollout, 61).wake_at, Some(at(100)));
    assert_eq!(site.step(&mut rollout, 100).wake_at, None);
}
