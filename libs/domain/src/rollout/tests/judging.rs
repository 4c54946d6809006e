//! How waves begin, are judged, and who belongs to them.

use super::*;
use crate::rollout::WavePhase::*;

#[test]
fn waves_follow_one_another_from_hand_over_to_completion() {
    let mut site = Site::of(4);
    let mut rollout =
        started(spec(vec![wave(group([0, 1])), wave(WaveChoice::Percentage { up_to: BasisPoints::ALL })]));

    assert_eq!(moved(&site.hand_over(&mut rollout, 0)), BTreeSet::from([0, 1]));
    assert_eq!(phases(&rollout), [HandingOver, Waiting]);
    assert_eq!(site.step(&mut rollout, 2).actions, []);
    assert_eq!(phases(&rollout), [Soaking, Waiting]);
    site.arrive([0, 1], 30);
    assert_eq!(site.step(&mut rollout, 61).transitions, [], "the soak time began at minute 2");

    let step = site.step(&mut rollout, 62);
    assert_eq!((phases(&rollout), moved(&step.actions)), (vec![Passed, HandingOver], BTreeSet::from([2, 3])));
    site.carry_out(&step.actions, 63);
    site.arrive([2, 3], 64);
    let _ = site.step(&mut rollout, 64);
    let step = site.step(&mut rollout, 124);
    assert_eq!((rollout.phase(), rollout.because()), (RolloutPhase::Completed, Some(&Because::WavesDone)));
    assert_eq!(
        step.transitions,
        [
            Transition::Wave { wave: 1, from: Soaking, event: WaveEvent::SoakOver, to: Judging },
            Transition::Wave { wave: 1, from: Judging, event: WaveEvent::SuccessGateMet, to: Passed },
            Transition::Rollout {
                from: RolloutPhase::Running,
                event: RolloutEvent::WavesDone,
                to: RolloutPhase::Completed
            },
        ]
    );
}

/// A rollout of one wave of ten devices, all handed over and configured, at the end of its soak time.
fn soaked(edit: impl FnOnce(&mut WaveSpec)) -> (Site, Rollout) {
    let mut site = Site::of(10);
    let mut first = wave(group(0..10));
    edit(&mut first);
    let mut rollout = started(spec(vec![first, wave(group([10]))]));
    site.hand_over(&mut rollout, 0);
    let _ = site.step(&mut rollout, 1);
    (site, rollout)
}

#[test]
fn share_of_devices_that_report_the_target_passes_the_wave() {
    let (mut site, mut rollout) = soaked(|_| {});
    site.arrive(0..8, 10);
    let _ = site.step(&mut rollout, 61);
    assert_eq!(phases(&rollout), [Judging, Waiting], "8 of 10, and 9 must");
    site.arrive([8], 70);
    let _ = site.step(&mut rollout, 71);
    assert_eq!(phases(&rollout)[0], Passed);
}

#[test]
fn report_from_before_the_hand_over_says_nothing() {
    let mut site = Site::of(1);
    site.arrive([0], 5);
    let mut rollout = started(spec(vec![wave(group([0]))]));
    site.hand_over(&mut rollout, 5);
    let _ = site.step(&mut rollout, 100);
    assert_eq!(standing(&rollout, 0, 0), Standing::Pending);
    site.arrive([0], 6);
    let _ = site.step(&mut rollout, 100);
    assert_eq!(standing(&rollout, 0, 0), Standing::AtTarget);
}

#[test]
fn device_that_goes_back_after_arriving_has_drifted() {
    let (mut site, mut rollout) = soaked(|_| {});
    site.arrive([0], 10);
    site.report([1], ManagementAuthority::ConfigurationManager, 10);
    let _ = site.step(&mut rollout, 10);
    assert_eq!(standing(&rollout, 0, 1), Standing::Pending, "it has not arrived yet");
    site.report([0], ManagementAuthority::ConfigurationManager, 11);
    let _ = site.step(&mut rollout, 11);
    assert_eq!(standing(&rollout, 0, 0), Standing::Failing(Failing::Drifted));
}

#[test]
fn newer_arrival_outweighs_an_older_failure() {
    let (mut site, mut rollout) = soaked(|_| {});
    site.fail([0], 10);
    let _ = site.step(&mut rollout, 10);
    assert_eq!(standing(&rollout, 0, 0), Standing::Failing(Failing::Errored));
    site.arrive([0], 11);
    let _ = site.step(&mut rollout, 11);
    assert_eq!(standing(&rollout, 0, 0), Standing::AtTarget);
}

#[test]
fn failed_wave_does_to_its_rollout_what_is_set() {
    for (on_failure, phase) in [
        (OnFailure::Pause, RolloutPhase::Paused),
        (OnFailure::RollBack, RolloutPhase::RollingBack),
        (OnFailure::Stop, RolloutPhase::Failed),
    ] {
        let mut site = Site::of(10);
        let mut rollout =
            started(RolloutSpec { on_failure, ..spec(vec![wave(group(0..10)), wave(group([10]))]) });
        site.hand_over(&mut rollout, 0);
        site.fail([0, 1], 2);
        let step = site.step(&mut rollout, 3);
        assert_eq!(
            (rollout.phase(), rollout.because(), phases(&rollout)[0]),
            (phase, Some(&Because::WaveFailed { wave: 0 }), Failed)
        );
        let back = if on_failure == OnFailure::RollBack { (0..10).collect() } else { BTreeSet::new() };
        assert_eq!(moved(&step.actions), back);
    }
}

#[test]
fn failures_below_the_minimum_sample_do_not_fail_the_wave() {
    let (mut site, mut rollout) = soaked(|wave| wave.minimum_sample = 3);
    site.fail([0, 1], 2);
    let _ = site.step(&mut rollout, 3);
    assert_eq!(phases(&rollout)[0], Soaking);
    site.arrive([2], 4);
    let _ = site.step(&mut rollout, 4);
    assert_eq!(phases(&rollout)[0], Failed, "2 of 10 are above 10 %");
}

#[test]
fn resumed_rollout_tries_the_failed_wave_again() {
    let (mut site, mut rollout) = soaked(|_| {});
    site.fail([0, 1], 2);
    let _ = site.step(&mut rollout, 3);
    let mut again = told(&rollout, Command::Resume, 4);
    assert_eq!(phases(&again)[0], HandingOver);
    let _ = site.step(&mut again, 4);
    assert_eq!(again.phase(), RolloutPhase::Paused, "they still fail");
    site.arrive([0, 1], 5);
    let mut again = told(&again, Command::Resume, 6);
    let _ = site.step(&mut again, 6);
    assert_eq!((again.phase(), phases(&again)[0]), (RolloutPhase::Running, Soaking));
}

#[test]
fn wave_that_is_not_decided_in_time_waits_for_a_person() {
    let (mut site, mut rollout) = soaked(|wave| wave.deadline = Minutes(100));
    site.arrive(0..8, 10);
    let _ = site.step(&mut rollout, 99);
    assert_eq!(phases(&rollout)[0], Judging);
    let _ = site.step(&mut rollout, 100);
    assert_eq!(phases(&rollout), [Inconclusive, Waiting]);
    site.arrive(0..10, 101);
    site.enrol(10);
    assert_eq!(site.step(&mut rollout, 10_000).transitions, [], "only a person decides now");
    rollout = told(&rollout, Command::ApproveWave { wave: 0, why: why() }, 10_000);
    let step = site.step(&mut rollout, 10_001);
    assert_eq!((phases(&rollout), moved(&step.actions)), (vec![Approved, HandingOver], BTreeSet::from([10])));
}

#[test]
fn wave_without_devices_or_with_skipped_ones_only_never_passes() {
    let mut site = Site::of(2);
    site.of_device(0).membership = Membership::Member;
    site.of_device(1).co_managed = Some(false);
    for (choice, skipped) in [(group([5]), 0), (group([0, 1]), 2)] {
        let mut rollout = started(spec(vec![wave(choice)]));
        let step = site.step(&mut rollout, 0);
        assert_eq!((phases(&rollout)[0], step.actions), (Inconclusive, vec![]));
        let expected = Tally { skipped, ..Tally::default() };
        assert_eq!(
            (rollout.waves()[0].event, rollout.waves()[0].tally()),
            (Some(WaveEvent::NothingToMove), expected)
        );
        let mut approved = told(&rollout, Command::ApproveWave { wave: 0, why: why() }, 1);
        let _ = site.step(&mut approved, 1);
        assert_eq!((approved.phase(), phases(&approved)[0]), (RolloutPhase::Completed, Approved));
    }
}

#[test]
fn wave_whose_devices_all_answered_but_are_too_few_does_not_wait_for_its_deadline() {
    let (mut site, mut rollout) = soaked(|wave| {
        wave.minimum_sample = 10;
        wave.offline = OfflineDevices::ExcludeAfter(Minutes(30));
    });
    site.arrive(0..9, 10);
    let step = site.step(&mut rollout, 61);
    assert_eq!(phases(&rollout)[0], Inconclusive);
    assert_eq!(rollout.waves()[0].event, Some(WaveEvent::SampleTooSmall), "{:?}", step.transitions);
}

#[test]
fn silent_devices_count_as_they_are_set_to() {
    for (offline, expected, phase) in [
        (OfflineDevices::NotYet, Standing::Pending, Judging),
        (OfflineDevices::ExcludeAfter(Minutes(120)), Standing::Excluded, Passed),
        (OfflineDevices::FailAfter(Minutes(120)), Standing::Failing(Failing::Silent), Failed),
    ] {
        let (mut site, mut rollout) = soaked(|wave| wave.offline = offline);
        site.arrive(0..8, 10);
        site.of_device(8).last_contact = Some(at(5));
        let _ = site.step(&mut rollout, 119);
        assert_eq!((standing(&rollout, 0, 9), phases(&rollout)[0]), (Standing::Pending, Judging));
        let _ = site.step(&mut rollout, 125);
        let found = (standing(&rollout, 0, 8), standing(&rollout, 0, 9), phases(&rollout)[0]);
        assert_eq!(found, (expected, expected, phase), "{offline:?}");
    }
}

#[test]
fn excluded_device_counts_again_once_it_arrives() {
    let (mut site, mut rollout) = soaked(|wave| wave.offline = OfflineDevices::ExcludeAfter(Minutes(30)));
    let _ = site.step(&mut rollout, 31);
    assert_eq!(standing(&rollout, 0, 0), Standing::Excluded);
    site.fail([0], 32);
    let _ = site.step(&mut rollout, 32);
    assert_eq!(standing(&rollout, 0, 0), Standing::Excluded);
    site.arrive([0], 33);
    let _ = site.step(&mut rollout, 33);
    assert_eq!(standing(&rollout, 0, 0), Standing::AtTarget);
}

/// Two waves of collections; device 2 enters the first one's after it began, device 3 when it is about to pass, device 4 once
/// it did. What was handed over at the begin, then, when the wave could pass, and when it did at the latest.
fn late(late_joiners: LateJoiners) -> [BTreeSet<usize>; 4] {
    let (canary, broad) = (collection("PS100020"), collection("PS100021"));
    let mut site = Site::of(6);
    site.seen.collections.insert(canary.clone(), [device(0)].into());
    site.seen.collections.insert(broad.clone(), [device(1)].into());
    let canary_wave = WaveSpec { late_joiners, ..wave(WaveChoice::Collection(canary.clone())) };
    let mut rollout = started(spec(vec![canary_wave, wave(WaveChoice::Collection(broad)), wave(group([5]))]));
    let enter = |site: &mut Site, number| {
        site.seen.collections.get_mut(&canary).unwrap().insert(device(number));
    };
    let begun = site.hand_over(&mut rollout, 0);
    enter(&mut site, 2);
    let joined = site.hand_over(&mut rollout, 2);
    site.arrive([0, 2], 4);
    let _ = site.step(&mut rollout, 4);
    enter(&mut site, 3);
    let last = site.hand_over(&mut rollout, 70);
    site.arrive([1, 2, 3], 72);
    let _ = site.step(&mut rollout, 72);
    enter(&mut site, 4);
    let _ = site.step(&mut rollout, 73);
    let next = site.step(&mut rollout, 140);
    assert_eq!(phases(&rollout)[0], Passed);
    [begun, joined, last, next.actions].map(|actions| moved(&actions))
}

#[test]
fn late_joiners_go_where_they_are_set_to() {
    let sets = |numbers: [&[usize]; 4]| numbers.map(|set| set.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(late(LateJoiners::Skip), sets([&[0], &[], &[1], &[5]]));
    assert_eq!(late(LateJoiners::NextWave), sets([&[0], &[], &[1, 2, 3], &[4, 5]]));
    // Device 3 held its wave up until it arrived; then the second began, and device 4 waits for the third.
    assert_eq!(late(LateJoiners::Include), sets([&[0], &[2], &[3], &[1]]));
}

#[test]
fn wave_of_a_collection_whose_members_nobody_knows_does_not_begin() {
    let mut site = Site::of(1);
    let mut rollout = started(spec(vec![wave(WaveChoice::Collection(collection("PS100020")))]));
    assert_eq!(site.step(&mut rollout, 0).transitions, []);
    site.seen.collections.insert(collection("PS100020"), [device(0)].into());
    assert_eq!(moved(&site.step(&mut rollout, 1).actions), BTreeSet::from([0]));
}

#[test]
fn device_that_several_waves_choose_belongs_to_the_first() {
    let mut site = Site::of(3);
    let mut rollout = started(spec(vec![wave(group([0, 1])), wave(group([1, 2]))]));
    site.hand_over(&mut rollout, 0);
    site.arrive([0, 1], 2);
    let _ = site.step(&mut rollout, 2);
    assert_eq!(moved(&site.step(&mut rollout, 62).actions), BTreeSet::from([2]));
}

#[test]
fn device_that_was_not_co_managed_yet_is_taken_over_by_the_next_wave() {
    let mut site = Site::of(3);
    site.of_device(1).co_managed = Some(false);
    let mut rollout = started(spec(vec![wave(group([0, 1])), wave(group([2]))]));
    site.hand_over(&mut rollout, 0);
    site.arrive([0], 2);
    let _ = site.step(&mut rollout, 2);
    let _ = site.step(&mut rollout, 62);
    assert_eq!(standing(&rollout, 1, 1), Standing::Skipped(Skipped::NotCoManaged));
    site.of_device(1).co_managed = Some(true);
    assert_eq!(moved(&site.step(&mut rollout, 63).actions), BTreeSet::from([1, 2]));
}
