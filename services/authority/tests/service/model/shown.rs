//! A rollout as it is shown: by the product, and by the model.

use std::collections::BTreeSet;

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::time;

use super::rollout::{Member, Rollout, Standing, Wave, count};
use crate::now;

/// Chosen, skipped, excluded, pending, at the target, failing, in motion, not configured.
type Tally = [usize; 8];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownWave {
    pub(super) phase: proto::RolloutWavePhase,
    pub(super) began: Option<i64>,
    pub(super) soaked: Option<i64>,
    pub(super) deadline: Option<i64>,
    pub(super) tally: Tally,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownAction {
    pub(super) sequence: usize,
    pub(super) wave: usize,
    pub(super) adds: bool,
    pub(super) takes_back: bool,
    pub(super) devices: BTreeSet<u32>,
    pub(super) open: bool,
    pub(super) confirmed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) phase: proto::RolloutPhase,
    pub(super) held: Option<i64>,
    pub(super) waves: Vec<ShownWave>,
    pub(super) actions: Vec<ShownAction>,
}

fn minute(at: prost_types::Timestamp) -> i64 {
    let since = time::from_proto("", at).unwrap().duration_since(now());
    assert_eq!(since.as_secs() % 60, 0, "{since:?}");
    since.as_mins()
}

/// The number of a device by its name.
pub(super) fn number(name: &str) -> u32 {
    name.rsplit('/').next().unwrap()[1..].parse().unwrap()
}

impl Shown {
    pub(super) fn by_product(rollout: &proto::Rollout, actions: &[proto::RolloutAction]) -> Self {
        let size = |count: u64| usize::try_from(count).unwrap();
        let waves = rollout.waves.iter().map(|wave| ShownWave {
            phase: wave.phase(),
            began: wave.begin_time.map(minute),
            soaked: wave.soaked_time.map(minute),
            deadline: wave.deadline_time.map(minute),
            tally: [
                wave.chosen,
                wave.skipped,
                wave.excluded,
                wave.pending,
                wave.at_target,
                wave.failing,
                wave.in_motion,
                wave.unconfigured,
            ]
            .map(size),
        });
        let actions = actions.iter().map(|action| {
            let known = action.members.iter().map(|member| &member.device);
            ShownAction {
                sequence: action.sequence as usize,
                wave: action.wave as usize,
                adds: action.change() == proto::MembershipChange::Add,
                takes_back: action.takes_back,
                devices: known.chain(&action.unknown_members).map(|name| number(name)).collect(),
                open: action.open,
                confirmed: action.confirm_time.is_some(),
            }
        });
        Self {
            phase: rollout.phase(),
            held: rollout.held_since.map(minute),
            waves: waves.collect(),
            actions: actions.collect(),
        }
    }

    pub(super) fn by_model(rollout: &Rollout, is_frozen: bool) -> Self {
        let given = rollout.batches.iter().enumerate().filter(|(_, batch)| batch.given);
        let actions = given.map(|(sequence, batch)| ShownAction {
            sequence,
            wave: batch.wave,
            adds: rollout.spec.to_intune == batch.takes_back.is_none(),
            takes_back: batch.takes_back.is_some(),
            devices: batch.devices.clone(),
            open: batch.open && !is_frozen,
            confirmed: batch.confirmed,
        });
        let waves = rollout.waves.iter().map(|wave| ShownWave {
            phase: wave.phase,
            began: wave.began,
            soaked: wave.soaked,
            deadline: wave.deadline,
            tally: tally(wave),
        });
        Self { phase: rollout.phase, held: rollout.held, waves: waves.collect(), actions: actions.collect() }
    }
}

fn tally(wave: &Wave) -> Tally {
    let stand = |standing: &[Standing]| count(wave, |member| standing.contains(&member.standing));
    [
        stand(&[Standing::Chosen]),
        stand(&[Standing::AlreadyThere, Standing::NotCoManaged, Standing::Gone]),
        stand(&[Standing::Excluded]),
        stand(&[Standing::Pending]),
        stand(&[Standing::AtTarget]),
        stand(&[Standing::Failing]),
        count(wave, Member::is_in_motion),
        count(wave, |member| member.standing == Standing::Pending && !member.configured),
    ]
}
