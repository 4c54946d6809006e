//! Random lives of rollouts: readings, commands, time, crashes and two controllers at once, in a world that keeps the truth.

mod always;
mod chance;
mod world;

use proptest::prelude::*;

use super::*;
use chance::{any_deeds, any_handover, any_spec};
use world::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// [`always`] lists what is checked after every deed.
    #[test]
    fn whatever_happens_the_invariants_hold(
        spec in any_spec(),
        members in proptest::collection::btree_set(0..world::DEVICES, 0..3),
        deeds in any_deeds(),
    ) {
        let mut world = World::new(spec, &members);
        for deed in deeds {
            world.happen(deed)?;
        }
        world.settle()?;
    }

    /// In a world where everything is carried out, read and reported, every rollout comes to its end: a person is needed only
    /// for waves that the gates cannot decide.
    #[test]
    fn fleet_that_does_as_it_is_told_completes(spec in any_spec()) {
        let mut world = World::new(spec, &BTreeSet::new());
        for _ in 0..200 {
            world.obey()?;
            if world.rollout().phase().is_terminal() {
                break;
            }
        }
        prop_assert_eq!(world.rollout().phase(), RolloutPhase::Completed);
    }

    /// In the same world a rollback ends with every device where it was.
    #[test]
    fn rollback_of_a_fleet_that_does_as_it_is_told_ends_where_it_began(
        spec in any_spec(),
        members in proptest::collection::btree_set(0..world::DEVICES, 0..3),
        turns in 0..12_usize,
    ) {
        let mut world = World::new(spec, &members);
        for _ in 0..turns {
            world.obey()?;
        }
        if world.rollout().phase().is_terminal() {
            return Ok(());
        }
        world.command(Command::RollBack { why: why() })?;
        for _ in 0..3 {
            world.obey()?;
        }
        prop_assert_eq!(world.rollout().phase(), RolloutPhase::RolledBack);
        prop_assert!(world.is_as_it_began());
    }
    /// However late actions are carried out and members read, a rollback that is done is never undone by what is still to do.
    #[test]
    fn rollback_that_is_done_stays_done(
        spec in any_spec(),
        before in any_handover(),
        after in any_handover(),
    ) {
        let mut world = World::new(spec, &BTreeSet::new());
        for deed in before {
            world.happen(deed)?;
        }
        world.command(Command::RollBack { why: why() })?;
        for deed in after {
            world.happen(deed)?;
        }
        world.settle()?;
    }
}
