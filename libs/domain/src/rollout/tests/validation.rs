//! Each bad input has an error of its own.

use super::*;

fn errors(spec: &RolloutSpec) -> Vec<InvalidRollout> {
    spec.validate(&[]).err().unwrap_or_default()
}

/// The only error of a rollout of that wave.
fn error_of(wave: WaveSpec) -> InvalidRollout {
    let [error] = errors(&spec(vec![wave])).try_into().unwrap();
    error
}

fn percentage(up_to: u32) -> WaveSpec {
    wave(WaveChoice::Percentage { up_to: BasisPoints(up_to) })
}

#[test]
fn percentages_that_do_not_rise_or_go_too_far_do_not_add_up() {
    assert_eq!(errors(&spec(vec![percentage(100), percentage(2_500), percentage(10_000)])), []);
    let wrong = |wave, above, found| InvalidRollout::PercentagesDoNotAddUp {
        wave,
        above: BasisPoints(above),
        found: BasisPoints(found),
    };
    assert_eq!(errors(&spec(vec![percentage(0)])), [wrong(0, 0, 0)]);
    assert_eq!(errors(&spec(vec![percentage(500), percentage(500)])), [wrong(1, 500, 500)]);
    assert_eq!(errors(&spec(vec![percentage(500), percentage(10_001)])), [wrong(1, 500, 10_001)]);
    // A wave between them that is chosen otherwise changes nothing.
    let between = vec![percentage(500), wave(group([1])), percentage(400)];
    assert_eq!(errors(&spec(between)), [wrong(2, 500, 400)]);
    assert_eq!(
        wrong(1, 500, 10_001).to_string(),
        "waves[1]: expected a share above 5.00 % and at most 100.00 %; found 100.01 %"
    );
}

#[test]
fn rollout_without_waves_or_with_too_many_is_refused() {
    assert_eq!(errors(&spec(vec![])), [InvalidRollout::WaveCount { found: 0 }]);
    let many = (0..=MAX_WAVES).map(|number| wave(group([number]))).collect();
    assert_eq!(errors(&spec(many)), [InvalidRollout::WaveCount { found: MAX_WAVES + 1 }]);
}

#[test]
fn wave_that_takes_no_device_is_refused() {
    assert_eq!(error_of(wave(group([]))), InvalidRollout::EmptyWave { wave: 0 });
    let covered = vec![wave(group([1, 2])), wave(group([3])), wave(group([2, 3]))];
    assert_eq!(errors(&spec(covered)), [InvalidRollout::EmptyWave { wave: 2 }]);
    let after_everything = vec![percentage(10_000), wave(WaveChoice::Collection(collection("PS100020")))];
    assert_eq!(errors(&spec(after_everything)), [InvalidRollout::EmptyWave { wave: 1 }]);
    let counted = spec(vec![percentage(100), percentage(200)]);
    assert_eq!(counted.validate(&[Some(1), Some(0)]), Err(vec![InvalidRollout::EmptyWave { wave: 1 }]));
}

#[test]
fn second_wave_of_the_same_choice_is_refused() {
    let same = || wave(WaveChoice::Collection(collection("PS100020")));
    let waves = vec![same(), wave(group([1])), same()];
    assert_eq!(errors(&spec(waves)), [InvalidRollout::DuplicateWave { wave: 2, first: 0 }]);
}

#[test]
fn window_that_never_opens_is_refused() {
    let windows = |weekly| RolloutSpec {
        windows: Some(MaintenanceWindows { weekly, fallback: Zone::utc() }),
        ..spec(vec![wave(group([1]))])
    };
    let weekly = |days: &[Day], length| WeeklyWindow {
        days: days.iter().copied().collect(),
        opens: jiff::civil::Time::midnight(),
        length: Minutes(length),
    };
    let never =
        |window, days, length| InvalidRollout::WindowNeverOpens { window, days, length: Minutes(length) };
    assert_eq!(errors(&windows(vec![])), [never(0, 0, 0)]);
    let weeks = windows(vec![weekly(&[Day::Monday], 1), weekly(&[], 60), weekly(&Day::ALL, 0)]);
    assert_eq!(errors(&weeks), [never(1, 0, 60), never(2, 7, 0)]);
    let long = Minutes(LONGEST_WINDOW.0 + 1);
    let too_long = InvalidRollout::WindowTooLong { window: 0, found: long };
    assert_eq!(errors(&windows(vec![weekly(&[Day::Monday], long.0)])), [too_long]);
}

#[test]
fn gate_that_can_never_be_met_is_refused() {
    let gates = |success, failure| WaveSpec {
        success_gate: BasisPoints(success),
        failure_gate: BasisPoints(failure),
        ..wave(group([1]))
    };
    assert_eq!(errors(&spec(vec![gates(10_000, 0),])), []);
    assert_eq!(
        error_of(gates(9_500, 501)),
        InvalidRollout::GatesContradict { wave: 0, success: BasisPoints(9_500), failure: BasisPoints(501) }
    );
    let out = |what, least, found| InvalidRollout::ShareOutOfRange {
        wave: 0,
        what,
        least: BasisPoints(least),
        found: BasisPoints(found),
    };
    assert_eq!(error_of(gates(0, 0)), out("success_gate", 1, 0));
    assert_eq!(error_of(gates(10_001, 0)), out("success_gate", 1, 10_001));
    assert_eq!(error_of(gates(1, 10_001)), out("failure_gate", 0, 10_001));
}

#[test]
fn sample_that_the_wave_cannot_have_is_refused() {
    let sample = |minimum_sample, choice| WaveSpec { minimum_sample, ..wave(choice) };
    let out = |most, found| InvalidRollout::SampleOutOfReach { wave: 0, most, found };
    assert_eq!(error_of(sample(0, group([1]))), out(1, 0));
    assert_eq!(error_of(sample(3, group([1, 2]))), out(2, 3));
    let counted = spec(vec![sample(11, WaveChoice::Percentage { up_to: BasisPoints(100) })]);
    assert_eq!(counted.validate(&[Some(10)]), Err(vec![out(10, 11)]));
    assert_eq!(counted.validate(&[None]), Ok(()));
}

#[test]
fn wave_in_which_nothing_can_move_or_be_judged_is_refused() {
    let base = || wave(group([1]));
    let budget = |budget| WaveSpec { budget, ..base() };
    assert_eq!(error_of(budget(DisruptionBudget::Devices(0))), InvalidRollout::BudgetOfNothing { wave: 0 });
    assert_eq!(
        error_of(budget(DisruptionBudget::Share(BasisPoints(0)))).reason(),
        "ROLLOUT_SHARE_OUT_OF_RANGE"
    );
    let (soak, deadline) = (Minutes(60), Minutes(60));
    let late = InvalidRollout::DeadlineBeforeSoak { wave: 0, soak, deadline };
    assert_eq!(error_of(WaveSpec { deadline, ..base() }), late);
    for offline in [OfflineDevices::ExcludeAfter(Minutes(0)), OfflineDevices::FailAfter(Minutes(0))] {
        assert_eq!(error_of(WaveSpec { offline, ..base() }), InvalidRollout::OfflineAtOnce { wave: 0 });
    }
}

#[test]
fn everything_wrong_is_named_at_once() {
    let bad = WaveSpec { minimum_sample: 0, budget: DisruptionBudget::Devices(0), ..wave(group([])) };
    let reasons: Vec<_> = errors(&spec(vec![bad])).iter().map(InvalidRollout::reason).collect();
    assert_eq!(reasons, ["ROLLOUT_WAVE_EMPTY", "ROLLOUT_SAMPLE_OUT_OF_REACH", "ROLLOUT_BUDGET_OF_NOTHING"]);
}
