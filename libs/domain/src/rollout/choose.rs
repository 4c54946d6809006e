//! Which devices a wave takes: its own, and what earlier waves leave to it.

use std::collections::BTreeMap;

use crate::id::{DeviceId, TenantId};
use crate::rollout::bucket::Bucket;
use crate::rollout::observe::Observations;
use crate::rollout::spec::{LateJoiners, RolloutSpec, WaveChoice};
use crate::rollout::standing::{Skipped, Standing};
use crate::rollout::state::{Rollout, Wave, WaveDevice};

/// Whether it is known whom the waves up to this one choose: a device belongs to the first that does.
pub(super) fn is_known(spec: &RolloutSpec, wave: usize, seen: &Observations) -> bool {
    spec.waves[..=wave].iter().all(|spec| match &spec.choice {
        WaveChoice::Collection(collection) => seen.collections.contains_key(collection),
        WaveChoice::Percentage { .. } | WaveChoice::Group(_) => true,
    })
}

/// How many devices each wave would take as the fleet stands, for [`RolloutSpec::validate`]. `None`: its choice, or one before it, is not
/// known.
#[must_use]
pub fn wave_sizes(spec: &RolloutSpec, tenant: &TenantId, seen: &Observations) -> Vec<Option<u64>> {
    let known = (0..spec.waves.len()).map(|wave| is_known(spec, wave, seen));
    let mut sizes: Vec<Option<u64>> = known.map(|known| known.then_some(0)).collect();
    for device in seen.devices.keys() {
        let bucket = Bucket::of(tenant, device);
        let owner = spec.waves.iter().position(|spec| takes(&spec.choice, device, bucket, seen));
        if let Some(Some(size)) = owner.map(|owner| &mut sizes[owner]) {
            *size += 1;
        }
    }
    sizes
}

/// Fixes the devices of a wave that begins. What earlier waves did not move, and may still be moved, is taken over from them.
pub(super) fn take(rollout: &mut Rollout, wave: usize, seen: &Observations) {
    let (before, rest) = rollout.waves.split_at_mut(wave);
    for earlier in before.iter_mut() {
        let left = earlier
            .devices
            .extract_if(.., |device, entry| seen.devices.contains_key(device) && is_left(entry));
        rest[0].devices.extend(left.map(|(device, entry)| (device, WaveDevice::taken(entry.bucket))));
    }
    let new = newcomers(&rollout.spec, &rollout.tenant, &rollout.waves, wave, seen, |owner| {
        owner == wave || rollout.spec.waves[owner].late_joiners != LateJoiners::Skip
    });
    rollout.waves[wave].devices.extend(new);
}

/// Adds the late joiners of a wave that began.
pub(super) fn join(rollout: &mut Rollout, wave: usize, seen: &Observations) {
    if rollout.spec.waves[wave].late_joiners != LateJoiners::Include || !is_known(&rollout.spec, wave, seen) {
        return;
    }
    let new = newcomers(&rollout.spec, &rollout.tenant, &rollout.waves, wave, seen, |owner| owner == wave);
    rollout.waves[wave].devices.extend(new);
}

/// A device that its wave did not move, and another may.
const fn is_left(device: &WaveDevice) -> bool {
    device.handed_over_at.is_none()
        && matches!(device.standing, Standing::Chosen | Standing::Skipped(Skipped::NotCoManaged))
}

/// Devices that no wave has, and that belong to a wave that is wanted.
fn newcomers(
    spec: &RolloutSpec,
    tenant: &TenantId,
    waves: &[Wave],
    last: usize,
    seen: &Observations,
    wanted: impl Fn(usize) -> bool,
) -> BTreeMap<DeviceId, WaveDevice> {
    let free = seen.devices.keys().filter(|&device| {
        !seen.gone.contains(device) && !waves.iter().any(|wave| wave.devices.contains_key(device))
    });
    free.filter_map(|device| {
        let bucket = Bucket::of(tenant, device);
        let owner = spec.waves[..=last].iter().position(|spec| takes(&spec.choice, device, bucket, seen))?;
        wanted(owner).then(|| (device.clone(), WaveDevice::taken(bucket)))
    })
    .collect()
}

fn takes(choice: &WaveChoice, device: &DeviceId, bucket: Bucket, seen: &Observations) -> bool {
    match choice {
        WaveChoice::Collection(id) => {
            seen.collections.get(id).is_some_and(|members| members.contains(device))
        }
        WaveChoice::Percentage { up_to } => u32::from(bucket.number()) < up_to.0,
        WaveChoice::Group(devices) => devices.contains(device),
    }
}
