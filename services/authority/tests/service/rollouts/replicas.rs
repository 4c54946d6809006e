//! Several replicas, and what a crash leaves.

use std::collections::BTreeSet;

use tandem_contracts::authority::v1::{
    Rollout, RolloutPhase, RolloutWavePhase,
    rollout_wave_spec::{Budget, Choice},
};
use tandem_contracts::convert::time;
use tandem_testkit::wait::until;

use super::estate::{Estate, actions, at, confirm, get, group, moved, spec, started, wave};
use crate::audit::tamper;

/// One device at a time, and each time the lease is free again: both replicas look at once, every time.
pub(crate) async fn replicas_that_race_give_each_action_out_once() {
    let mut estate = Estate::new().await;
    let mut other = estate.another().await;
    let mut one_by_one = wave(Choice::UpTo(10_000));
    one_by_one.budget = Some(Budget::BudgetDevices(1));
    started(&mut estate, spec(vec![one_by_one])).await;
    let mut handed_over = Vec::new();
    for round in 1..=4_i64 {
        let open = until("one action is open", async || {
            let both = (estate.replica.authority.look_at_rollouts(), other.authority.look_at_rollouts());
            tokio::join!(both.0, both.1);
            let open = actions(&mut other.rollouts, false).await;
            (!open.is_empty()).then_some(open)
        })
        .await;
        let [action] = &open[..] else { panic!("{open:?}") };
        assert_eq!(i64::from(action.sequence), round - 1);
        let numbers = moved(action);
        confirm(&mut other.rollouts, action).await.unwrap();
        estate.hand.set(at(round * 10 + 5));
        estate.arrive(&numbers, round * 10);
        estate.read_pilot(round * 10);
        handed_over.extend(numbers);
    }
    assert_eq!(handed_over.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3, 4]));
    let soaking = |rollout: &Rollout| rollout.waves[0].phase() == RolloutWavePhase::Soaking;
    estate.looks_until("every membership is configured", soaking).await;
    estate.hand.set(at(200));
    until("it is done", async || {
        tokio::join!(estate.replica.authority.look_at_rollouts(), other.authority.look_at_rollouts());
        let rollout = get(&mut other.rollouts).await;
        (rollout.phase() == RolloutPhase::Completed).then_some(())
    })
    .await;
    let all = actions(&mut other.rollouts, true).await;
    let names: BTreeSet<_> = all.iter().map(|action| action.name.clone()).collect();
    assert_eq!((all.len(), names.len()), (4, 4));
    assert!(all.iter().all(|action| action.confirm_time.is_some()));
}

/// The first replica is gone without a word; the other waits for its lease to run out, and goes on where it was.
pub(crate) async fn replica_that_is_gone_is_followed_by_another() {
    let mut estate = Estate::new().await;
    let mut other = estate.another().await;
    started(&mut estate, spec(vec![wave(group(&[1, 2]))])).await;
    let given = actions(&mut other.rollouts, false).await;
    estate.join_pilot(&[1, 2], 0);
    estate.hand.set(at(0) + jiff::SignedDuration::from_secs(14));
    estate.read_pilot(0);
    // The lease is another's, whatever there is to see.
    let before = get(&mut other.rollouts).await;
    other.authority.look_at_rollouts().await;
    assert_eq!(get(&mut other.rollouts).await, before);
    estate.hand.set(at(2));
    estate.read_pilot(1);
    let soaking = until("the other goes on", async || {
        other.authority.look_at_rollouts().await;
        let rollout = get(&mut other.rollouts).await;
        (rollout.waves[0].phase() == RolloutWavePhase::Soaking).then_some(rollout)
    })
    .await;
    assert_eq!(soaking.waves[0].soaked_time, Some(time::to_proto(at(62))));
    let all = actions(&mut other.rollouts, true).await;
    assert_eq!(all.iter().map(|action| &action.name).collect::<Vec<_>>(), [&given[0].name]);
    // Whoever comes back finds the lease taken, and changes nothing.
    estate.hand.set(at(2) + jiff::SignedDuration::from_secs(5));
    estate.arrive(&[1, 2], 2);
    estate.replica.authority.look_at_rollouts().await;
    assert_eq!(get(&mut other.rollouts).await, soaking);
}

/// The state is kept and what it gives out is not: the next look gives the same out again, under the same names.
pub(crate) async fn action_that_a_crash_lost_is_given_out_again() {
    let mut estate = Estate::new().await;
    started(&mut estate, spec(vec![wave(group(&[1, 2]))])).await;
    let given = actions(&mut estate.replica.rollouts, false).await;
    let before = get(&mut estate.replica.rollouts).await;
    tamper(&estate.place, "DELETE FROM rollout_actions").await;
    assert_eq!(actions(&mut estate.replica.rollouts, true).await, []);
    estate.replica.authority.look_at_rollouts().await;
    assert_eq!(actions(&mut estate.replica.rollouts, false).await, given);
    assert_eq!(get(&mut estate.replica.rollouts).await, before);
}

/// Without a current reading of the fleet nothing is stepped, and nothing is taken back that was given out.
pub(crate) async fn rollout_waits_while_the_inventory_is_away() {
    let mut estate = Estate::new().await;
    let running = started(&mut estate, spec(vec![wave(group(&[1, 2]))])).await;
    estate.inventory.world().away = true;
    estate.hand.set(at(20_000));
    estate.replica.authority.look_at_rollouts().await;
    assert_eq!(get(&mut estate.replica.rollouts).await, running);
    estate.inventory.world().away = false;
    let late = |rollout: &Rollout| rollout.waves[0].phase() == RolloutWavePhase::Inconclusive;
    estate.looks_until("the deadline is noticed", late).await;
}
