//! What a rule would say of a fleet, before anybody turns it on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;

use super::{CustomOutcome, CustomRule};
use crate::summary::DEVICES_AT_ONCE;
use crate::world::{Snapshot, World};

/// Devices that are named of each outcome.
const NAMED: usize = 10;

/// Different reasons that are told apart; a rule has few facts, and fails in few ways.
const REASONS: usize = 50;

/// Devices of one outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How many.
    pub(crate) devices: u64,
    /// The first of them that came, by resource name and the name that it shows.
    pub(crate) named: Vec<(String, String)>,
}

/// What became of a rule of every device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DryRun {
    pub(crate) satisfied: Counted,
    pub(crate) unsatisfied: Counted,
    pub(crate) unknown: Counted,
    pub(crate) failed: Counted,
    /// Devices by the fact that is missing.
    pub(crate) missing: BTreeMap<String, u64>,
    /// Devices by the reason of the failure.
    pub(crate) reasons: BTreeMap<String, u64>,
}

impl DryRun {
    fn add(&mut self, outcome: CustomOutcome, device: String, display_name: String) {
        let counted = match outcome {
            CustomOutcome::Satisfied => &mut self.satisfied,
            CustomOutcome::Unsatisfied => &mut self.unsatisfied,
            CustomOutcome::Unknown { missing } => {
                *self.missing.entry(missing).or_default() += 1;
                &mut self.unknown
            }
            CustomOutcome::Failed { why } => {
                if self.reasons.len() < REASONS || self.reasons.contains_key(&why) {
                    *self.reasons.entry(why).or_default() += 1;
                }
                &mut self.failed
            }
        };
        counted.devices += 1;
        if counted.named.len() < NAMED {
            counted.named.push((device, display_name));
        }
    }
}

/// Asks a rule of every device of a snapshot, batch by batch. Answers the world of the snapshot too.
pub(crate) async fn dry_run(
    mut snapshot: Snapshot,
    world: &World,
    rule: &CustomRule,
    now: Timestamp,
) -> Result<(DryRun, ConsistencyToken), Failure> {
    let mut run = DryRun::default();
    loop {
        let part = snapshot.next().await?;
        for (at, device) in part.devices.into_iter().enumerate() {
            let outcome = rule.outcome(&device.facts, world.tenant(), now);
            let display_name = device.facts.name.map(|name| name.value).unwrap_or_default();
            run.add(outcome, device.name, display_name);
            // A rule costs no more than its nodes: other requests run in between.
            if at % DEVICES_AT_ONCE == DEVICES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        if let Some(seen) = part.complete {
            return Ok((run, seen));
        }
        tokio::task::yield_now().await;
    }
}
