//! Handing devices over and taking them back: which batches there are, and which are still to be done.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::DeviceId;
use crate::policy::Membership;
use crate::rollout::action::{Action, ActionId, BATCH, Batch};
use crate::rollout::observe::{DeviceObservation, Observations};
use crate::rollout::spec::MembershipChange;
use crate::rollout::standing::Standing;
use crate::rollout::state::{Rollout, WaveDevice};
use crate::rollout::table::RolloutPhase;
use crate::rollout::window::MaintenanceWindows;
use crate::rollout::zone::Zone;

/// Whether a device may be handed over, as far as its readings say.
pub(super) fn is_ready(device: &WaveDevice, seen: &DeviceObservation, change: MembershipChange) -> bool {
    device.handed_over_at.is_none()
        && device.standing == Standing::Chosen
        && seen.co_managed == Some(true)
        && seen.membership == change.reverse().result()
}

/// Notes which changes the site was seen to have made.
pub(super) fn note_configured(rollout: &mut Rollout, seen: &Observations, now: Timestamp) {
    let made = rollout.spec.direction.change().result();
    for (device, entry) in rollout.waves.iter_mut().flat_map(|wave| &mut wave.devices) {
        if let Some(at) = entry.handed_over_at
            && !entry.configured
        {
            entry.configured = was_read(seen, device, made, at, now);
        }
    }
}

/// The site was seen to say that of a device, after a moment.
fn was_read(
    seen: &Observations,
    device: &DeviceId,
    membership: Membership,
    at: Timestamp,
    now: Timestamp,
) -> bool {
    seen.members_read_at.is_some_and(|read| at < read && read <= now)
        && seen.devices.get(device).is_some_and(|seen| seen.membership == membership)
}

/// Hands over as many devices of a wave as its budget and their windows allow.
pub(super) fn hand_over(rollout: &mut Rollout, wave: usize, seen: &Observations, now: Timestamp) {
    let change = rollout.spec.direction.change();
    let tally = rollout.waves[wave].tally();
    let permits = rollout.spec.waves[wave].budget.permits(tally.size());
    let room = permits.saturating_sub(tally.in_motion);
    if seen.setting.is_none() || room == 0 || tally.chosen == 0 {
        return;
    }
    let mut open = OpenZones::at(rollout.spec.windows.as_ref(), now);
    let mut ready: Vec<_> = rollout.waves[wave]
        .devices
        .iter()
        .filter_map(|(device, entry)| {
            let seen = seen.devices.get(device)?;
            (is_ready(entry, seen, change) && open.is_open(seen.zone.as_ref()))
                .then_some((entry.bucket, device))
        })
        .collect();
    ready.sort_unstable();
    ready.truncate(room);
    let mut devices: Vec<_> = ready.into_iter().map(|(_, device)| device.clone()).collect();
    devices.sort_unstable();
    for device in &devices {
        if let Some(entry) = rollout.waves[wave].devices.get_mut(device) {
            entry.handed_over_at = Some(now);
            entry.standing = Standing::Pending;
        }
    }
    for batch in devices.chunks(BATCH) {
        push(rollout, wave, change, batch.to_vec(), now, None);
    }
}

/// Which zones have an open window at a moment. A fleet has few zones, and each is asked once.
struct OpenZones<'a> {
    windows: Option<&'a MaintenanceWindows>,
    now: Timestamp,
    known: BTreeMap<Option<Zone>, bool>,
}

impl<'a> OpenZones<'a> {
    const fn at(windows: Option<&'a MaintenanceWindows>, now: Timestamp) -> Self {
        Self { windows, now, known: BTreeMap::new() }
    }

    fn is_open(&mut self, zone: Option<&Zone>) -> bool {
        let Some(windows) = self.windows else {
            return true;
        };
        let zone = zone.cloned();
        *self.known.entry(zone).or_insert_with_key(|zone| windows.is_open(zone.as_ref(), self.now))
    }
}

/// Has every batch that hands over taken back, the last first. Those that are already stay as they are.
pub(super) fn take_back(rollout: &mut Rollout, now: Timestamp) {
    if rollout.batches.iter().any(|batch| batch.takes_back.is_some()) {
        return;
    }
    for place in (0..rollout.batches.len()).rev() {
        let Batch { wave, change, devices, .. } = rollout.batches[place].clone();
        push(rollout, wave, change.reverse(), devices, now, Some(place));
    }
}

fn push(
    rollout: &mut Rollout,
    wave: usize,
    change: MembershipChange,
    devices: Vec<DeviceId>,
    at: Timestamp,
    takes_back: Option<usize>,
) {
    let sequence = sequence(rollout.batches.len());
    let id = ActionId::of(rollout.owner(), sequence, change, &devices);
    rollout.batches.push(Batch { id, wave, change, devices, at, takes_back });
}

/// A batch's place as its sequence. A rollout of a million devices one by one, and back, has two million.
fn sequence(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Everything that was handed over is seen to be taken back.
pub(super) fn is_taken_back(rollout: &Rollout, seen: &Observations, now: Timestamp) -> bool {
    let mut back = rollout.batches.iter().filter(|batch| batch.takes_back.is_some());
    back.all(|batch| !is_open(rollout, batch, seen, now))
}

/// What is to be done: the batches whose effect was not seen yet.
pub(super) fn open_actions(rollout: &Rollout, seen: &Observations, now: Timestamp) -> Vec<Action> {
    let back = match rollout.phase {
        _ if seen.freeze.is_some() => return Vec::new(),
        RolloutPhase::Running => false,
        RolloutPhase::RollingBack => true,
        _ => return Vec::new(),
    };
    let batches = rollout.batches.iter().enumerate();
    let open =
        batches.filter(|(_, batch)| batch.takes_back.is_some() == back && is_open(rollout, batch, seen, now));
    open.map(|(place, batch)| Action {
        id: batch.id,
        sequence: sequence(place),
        wave: batch.wave,
        collection: rollout.spec.pilot_collection.clone(),
        change: batch.change,
        devices: batch.devices.clone(),
        takes_back: back,
    })
    .collect()
}

/// The effect on some device of the batch was not seen yet.
fn is_open(rollout: &Rollout, batch: &Batch, seen: &Observations, now: Timestamp) -> bool {
    batch.devices.iter().filter(|&device| !seen.gone.contains(device)).any(|device| {
        let entry = rollout.waves[batch.wave].devices.get(device);
        let configured = entry.is_some_and(|entry| entry.configured);
        if batch.takes_back.is_none() {
            return !configured && !entry.is_some_and(|entry| entry.arrived);
        }
        // Without evidence that the device was ever handed over, the reading may be older than the hand-over itself: then
        // whoever carries it out must say that it is taken back, which they do in sequence.
        let is_evidence = configured || seen.done.contains(&batch.id);
        !(is_evidence && was_read(seen, device, batch.change.result(), batch.at, now))
    })
}
