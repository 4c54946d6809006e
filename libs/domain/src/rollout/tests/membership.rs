//! What is given out to be done, when it counts as done, and how it is taken back.

use super::*;

#[test]
fn action_says_everything_and_is_given_out_until_its_effect_is_seen() {
    let mut site = Site::of(2);
    let mut rollout = started(spec(vec![wave(group([0, 1]))]));
    let first = site.step(&mut rollout, 0).actions;
    let expected = Action {
        id: rollout.batches()[0].id,
        sequence: 0,
        wave: 0,
        collection: collection("PS100010"),
        change: MembershipChange::Add,
        devices: vec![device(0), device(1)],
        takes_back: false,
    };
    assert_eq!(first, [expected]);
    // Computed apart from this code, with Python's `uuid.uuid5`.
    assert_eq!(first[0].id.to_string(), "16ca2e87-0c25-5e31-a382-20ebfd1531a8", "an id never changes");
    assert_eq!(site.step(&mut rollout, 5).actions, first);
    site.of_device(0).membership = Membership::Member;
    site.seen.members_read_at = Some(at(6));
    assert_eq!(site.step(&mut rollout, 6).actions, first, "one of two");
    site.of_device(1).membership = Membership::Member;
    site.seen.members_read_at = Some(at(7));
    assert_eq!(site.step(&mut rollout, 7).actions, []);
}

#[test]
fn large_wave_is_handed_over_in_batches() {
    let site = Site::of(BATCH + 1);
    let mut rollout = started(spec(vec![wave(group(0..=BATCH))]));
    let actions = site.step(&mut rollout, 0).actions;
    let sizes: Vec<_> = actions.iter().map(|action| action.devices.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), BATCH + 1);
    assert_eq!(sizes, [BATCH, 1]);
    assert_ne!(actions[0].id, actions[1].id);
}

#[test]
fn device_whose_membership_or_state_nobody_knows_waits() {
    let mut site = Site::of(3);
    site.of_device(1).membership = Membership::Unknown;
    site.of_device(2).co_managed = None;
    let mut rollout = started(spec(vec![wave(group([0, 1, 2]))]));
    assert_eq!(moved(&site.step(&mut rollout, 0).actions), BTreeSet::from([0]));
    assert_eq!(rollout.waves()[0].tally().chosen, 2);
}

#[test]
fn moving_to_configuration_manager_takes_devices_out_of_the_pilot() {
    let mut site = Site::of(2);
    site.of_device(0).membership = Membership::Member;
    let back =
        RolloutSpec { direction: Direction::ToConfigurationManager, ..spec(vec![wave(group([0, 1]))]) };
    let mut rollout = started(back);
    let actions = site.hand_over(&mut rollout, 0);
    assert_eq!((actions[0].change, moved(&actions)), (MembershipChange::Remove, BTreeSet::from([0])));
    assert_eq!(standing(&rollout, 0, 1), Standing::Skipped(Skipped::AlreadyThere));
    site.report([0], ManagementAuthority::ConfigurationManager, 2);
    let _ = site.step(&mut rollout, 2);
    let _ = site.step(&mut rollout, 62);
    assert_eq!(rollout.phase(), RolloutPhase::Completed);
}

#[test]
fn rollback_takes_back_exactly_what_was_handed_over_and_ends_once_that_is_seen() {
    let mut site = Site::of(3);
    site.of_device(2).membership = Membership::Member;
    let mut rollout = started(spec(vec![wave(group([0, 1, 2]))]));
    site.hand_over(&mut rollout, 0);
    let _ = site.step(&mut rollout, 1);
    rollout = told(&rollout, Command::RollBack { why: why() }, 2);
    let back = site.step(&mut rollout, 2).actions;
    assert_eq!((back[0].change, moved(&back)), (MembershipChange::Remove, BTreeSet::from([0, 1])));
    assert_eq!(site.step(&mut rollout, 3).actions, back);
    site.carry_out(&back, 4);
    let step = site.step(&mut rollout, 4);
    assert_eq!((rollout.phase(), step.actions), (RolloutPhase::RolledBack, vec![]));
    assert_eq!(site.of_device(2).membership, Membership::Member);
}

#[test]
fn rollback_is_not_done_by_a_reading_that_may_be_older_than_the_hand_over() {
    let mut site = Site::of(1);
    let mut rollout = started(spec(vec![wave(group([0]))]));
    let _ = site.step(&mut rollout, 0);
    rollout = told(&rollout, Command::RollBack { why: why() }, 1);
    // The members are read before anybody carried anything out: the device is in no pilot, yet.
    site.seen.members_read_at = Some(at(2));
    let back = site.step(&mut rollout, 2).actions;
    site.seen.members_read_at = Some(at(3));
    assert_eq!((rollout.phase(), &site.step(&mut rollout, 3).actions), (RolloutPhase::RollingBack, &back));
    site.seen.done.insert(back[0].id);
    let _ = site.step(&mut rollout, 4);
    assert_eq!(rollout.phase(), RolloutPhase::RolledBack);
}

#[test]
fn rollback_of_nothing_is_done_at_once() {
    let site = Site::of(1);
    let mut rollout = told(&started(spec(vec![wave(group([0]))])), Command::RollBack { why: why() }, 0);
    let _ = site.step(&mut rollout, 0);
    assert_eq!(rollout.phase(), RolloutPhase::RolledBack);
}

#[test]
fn device_that_is_gone_is_waited_for_no_longer() {
    let mut site = Site::of(2);
    let mut rollout = started(spec(vec![wave(group([0, 1]))]));
    site.hand_over(&mut rollout, 0);
    site.seen.devices.remove(&device(1));
    let _ = site.step(&mut rollout, 1);
    assert_eq!(standing(&rollout, 0, 1), Standing::Pending, "nobody said anything of it");
    site.seen.gone.insert(device(1));
    let _ = site.step(&mut rollout, 2);
    assert_eq!(standing(&rollout, 0, 1), Standing::Excluded);
    rollout = told(&rollout, Command::RollBack { why: why() }, 3);
    let back = site.step(&mut rollout, 3).actions;
    site.of_device(0).membership = Membership::NotMember;
    site.seen.members_read_at = Some(at(4));
    assert_eq!(moved(&back), BTreeSet::from([0, 1]));
    let _ = site.step(&mut rollout, 4);
    assert_eq!(rollout.phase(), RolloutPhase::RolledBack);
}

#[test]
fn slider_that_moved_pauses_the_rollout() {
    for (slider, pilot) in [
        (SliderPosition::ConfigurationManager, "PS100010"),
        (SliderPosition::Intune, "PS100010"),
        (SliderPosition::PilotIntune, "PS100099"),
    ] {
        let mut site = Site::of(1);
        let there = site.seen.setting.clone();
        site.seen.setting = Some(WorkloadSetting { slider, pilot_collection: Some(collection(pilot)) });
        let mut rollout = started(spec(vec![wave(group([0]))]));
        let step = site.step(&mut rollout, 0);
        assert_eq!((rollout.phase(), step.actions), (RolloutPhase::Paused, vec![]));
        assert_eq!(rollout.because(), Some(&Because::SliderMoved { found: slider }));
        site.seen.setting = there;
        let mut rollout = told(&rollout, Command::Resume, 1);
        assert_eq!(moved(&site.step(&mut rollout, 1).actions), BTreeSet::from([0]));
    }
}

#[test]
fn unknown_slider_hands_nothing_over_and_pauses_nothing() {
    let mut site = Site::of(1);
    site.seen.setting = None;
    let mut rollout = started(spec(vec![wave(group([0]))]));
    let step = site.step(&mut rollout, 0);
    assert_eq!((rollout.phase(), step.actions), (RolloutPhase::Running, vec![]));
}

/// A device belongs to the first wave that chooses it, and nobody counts behind a choice that is not known.
#[test]
fn sizes_of_waves_are_those_that_they_take() {
    let mut site = Site::of(10);
    let spec = spec(vec![
        wave(group([1, 2])),
        wave(WaveChoice::Collection(collection("PS100020"))),
        wave(WaveChoice::Percentage { up_to: BasisPoints::ALL }),
    ]);
    let tenant = TenantId::parse("contoso").unwrap();
    assert_eq!(wave_sizes(&spec, &tenant, &site.seen), [Some(2), None, None]);
    site.seen.collections.insert(collection("PS100020"), (2..5).map(device).collect());
    let sizes = wave_sizes(&spec, &tenant, &site.seen);
    assert_eq!(sizes, [Some(2), Some(2), Some(6)]);
    let mut rollout = started(spec);
    let _ = site.step(&mut rollout, 1);
    assert_eq!(rollout.waves()[0].devices.len(), 2);
}
