//! Where a rollout stands, as its message.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::{Violation, number, time};
use tandem_domain::approval::{Approval, BreakGlass};
use tandem_domain::id::TenantId;
use tandem_domain::rollout::{
    Because, DeviceRow, Failing, Rollout, RolloutPhase, Skipped, Standing, Wave, WaveApproval, WaveEvent,
    WavePhase,
};

use super::spec::spec_to;
use crate::store::rollouts::Approving;

/// A rollout, without what the store says of it: name, etag, who made it and when. `sizes`: how many devices each wave would have taken when
/// it was drafted.
pub(crate) fn rollout_message(
    rollout: &Rollout,
    approving: Option<&Approving>,
    sizes: &[Option<u64>],
) -> proto::Rollout {
    let waves = rollout.waves().iter().enumerate();
    let waves = waves.map(|(place, shown)| wave(shown, sizes.get(place).copied().flatten()));
    proto::Rollout {
        hash: rollout.plan().to_string(),
        spec: Some(spec_to(rollout.spec(), rollout.tenant())),
        phase: phase(rollout.phase()).into(),
        cause: rollout.because().map(cause),
        held_since: rollout.held_since().map(time::to_proto),
        waves: waves.collect(),
        current_wave: rollout.current_wave().map(counted),
        devices: sizes.iter().copied().sum(),
        approval: approving.map(approval),
        ..proto::Rollout::default()
    }
}

/// Waves are few.
fn counted(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

pub(super) const fn phase(phase: RolloutPhase) -> proto::RolloutPhase {
    match phase {
        RolloutPhase::Draft => proto::RolloutPhase::Draft,
        RolloutPhase::PendingApproval => proto::RolloutPhase::PendingApproval,
        RolloutPhase::Ready => proto::RolloutPhase::Ready,
        RolloutPhase::Running => proto::RolloutPhase::Running,
        RolloutPhase::Paused => proto::RolloutPhase::Paused,
        RolloutPhase::RollingBack => proto::RolloutPhase::RollingBack,
        RolloutPhase::Completed => proto::RolloutPhase::Completed,
        RolloutPhase::Failed => proto::RolloutPhase::Failed,
        RolloutPhase::RolledBack => proto::RolloutPhase::RolledBack,
        RolloutPhase::Cancelled => proto::RolloutPhase::Cancelled,
    }
}

fn cause(because: &Because) -> proto::RolloutCause {
    use proto::RolloutCauseKind as Kind;
    let of = |kind: Kind| proto::RolloutCause { kind: kind.into(), ..proto::RolloutCause::default() };
    match because {
        Because::Asked { by, why } => {
            proto::RolloutCause { by: by.to_string(), why: why.clone(), ..of(Kind::Asked) }
        }
        Because::WaveFailed { wave } => {
            proto::RolloutCause { wave: Some(counted(*wave)), ..of(Kind::WaveFailed) }
        }
        Because::SliderMoved { found } => {
            proto::RolloutCause { slider: number(*found), ..of(Kind::SliderMoved) }
        }
        Because::WavesDone => of(Kind::WavesDone),
        Because::RollbackConfirmed => of(Kind::RollbackConfirmed),
    }
}

fn wave(wave: &Wave, devices: Option<u64>) -> proto::RolloutWave {
    let tally = wave.tally();
    let count = |devices: usize| devices as u64;
    proto::RolloutWave {
        phase: wave_phase(wave.phase).into(),
        event: wave.event.map_or(proto::RolloutWaveEvent::Unspecified, wave_event).into(),
        begin_time: wave.began_at.map(time::to_proto),
        soaked_time: wave.soaked_at.map(time::to_proto),
        deadline_time: wave.deadline_at.map(time::to_proto),
        approval: wave.approval.as_ref().map(wave_approval),
        devices,
        chosen: count(tally.chosen),
        skipped: count(tally.skipped),
        excluded: count(tally.excluded),
        pending: count(tally.pending),
        at_target: count(tally.at_target),
        failing: count(tally.failing),
        in_motion: count(tally.in_motion),
        unconfigured: count(tally.unconfigured),
    }
}

const fn wave_phase(phase: WavePhase) -> proto::RolloutWavePhase {
    match phase {
        WavePhase::Waiting => proto::RolloutWavePhase::Waiting,
        WavePhase::HandingOver => proto::RolloutWavePhase::HandingOver,
        WavePhase::Soaking => proto::RolloutWavePhase::Soaking,
        WavePhase::Judging => proto::RolloutWavePhase::Judging,
        WavePhase::Passed => proto::RolloutWavePhase::Passed,
        WavePhase::Approved => proto::RolloutWavePhase::Approved,
        WavePhase::Failed => proto::RolloutWavePhase::Failed,
        WavePhase::Inconclusive => proto::RolloutWavePhase::Inconclusive,
    }
}

const fn wave_event(event: WaveEvent) -> proto::RolloutWaveEvent {
    match event {
        WaveEvent::Begin => proto::RolloutWaveEvent::Begin,
        WaveEvent::NothingToMove => proto::RolloutWaveEvent::NothingToMove,
        WaveEvent::HandedOver => proto::RolloutWaveEvent::HandedOver,
        WaveEvent::SoakOver => proto::RolloutWaveEvent::SoakOver,
        WaveEvent::SuccessGateMet => proto::RolloutWaveEvent::SuccessGateMet,
        WaveEvent::FailureGateBroken => proto::RolloutWaveEvent::FailureGateBroken,
        WaveEvent::FailuresFillBudget => proto::RolloutWaveEvent::FailuresFillBudget,
        WaveEvent::DeadlinePassed => proto::RolloutWaveEvent::DeadlinePassed,
        WaveEvent::SampleTooSmall => proto::RolloutWaveEvent::SampleTooSmall,
        WaveEvent::ApprovedByPerson => proto::RolloutWaveEvent::ApprovedByPerson,
        WaveEvent::TriedAgain => proto::RolloutWaveEvent::TriedAgain,
    }
}

fn wave_approval(approval: &WaveApproval) -> proto::RolloutWaveApproval {
    let WaveApproval { by, why, at } = approval;
    proto::RolloutWaveApproval { by: by.to_string(), why: why.clone(), time: Some(time::to_proto(*at)) }
}

fn approval(approving: &Approving) -> proto::RolloutApproval {
    let Approving { request, reasons } = approving;
    let given = |approval: &Approval| proto::RolloutApprovalGiven {
        by: approval.by.to_string(),
        time: Some(time::to_proto(approval.at)),
    };
    let broken = |BreakGlass { by, why, at }: &BreakGlass| proto::RolloutWaveApproval {
        by: by.to_string(),
        why: why.clone(),
        time: Some(time::to_proto(*at)),
    };
    proto::RolloutApproval {
        requester: request.requester().to_string(),
        required: request.required().into(),
        reasons: reasons.clone(),
        expire_time: Some(time::to_proto(request.expires_at())),
        given: request.approvals().iter().map(given).collect(),
        break_glass: request.break_glass().map(broken),
    }
}

/// The same message with the counts of devices that `counted` has: for a rollout whose devices are not at hand, and did not change.
pub(crate) fn with_counts_of(message: proto::Rollout, counted: &proto::Rollout) -> proto::Rollout {
    let waves = message.waves.into_iter().enumerate().map(|(place, wave)| {
        let Some(counted) = counted.waves.get(place) else { return wave };
        proto::RolloutWave {
            chosen: counted.chosen,
            skipped: counted.skipped,
            excluded: counted.excluded,
            pending: counted.pending,
            at_target: counted.at_target,
            failing: counted.failing,
            in_motion: counted.in_motion,
            unconfigured: counted.unconfigured,
            ..wave
        }
    });
    proto::Rollout { waves: waves.collect(), ..message }
}

/// A device of a wave.
pub(crate) fn device(tenant: &TenantId, row: &DeviceRow) -> proto::RolloutDevice {
    let DeviceRow { device, wave, entry, .. } = row;
    let wave = *wave;
    proto::RolloutDevice {
        device: format!("tenants/{tenant}/devices/{device}"),
        wave: counted(wave),
        standing: shown_standing(entry.standing).into(),
        bucket: entry.bucket.number().into(),
        hand_over_time: entry.handed_over_at.map(time::to_proto),
        configured: entry.configured,
        arrived: entry.arrived,
    }
}

pub(crate) const fn shown_standing(standing: Standing) -> proto::DeviceStanding {
    match standing {
        Standing::Chosen => proto::DeviceStanding::Chosen,
        Standing::Skipped(Skipped::AlreadyThere) => proto::DeviceStanding::SkippedAlreadyThere,
        Standing::Skipped(Skipped::NotCoManaged) => proto::DeviceStanding::SkippedNotCoManaged,
        Standing::Skipped(Skipped::Gone) => proto::DeviceStanding::SkippedGone,
        Standing::Excluded => proto::DeviceStanding::Excluded,
        Standing::Pending => proto::DeviceStanding::Pending,
        Standing::AtTarget => proto::DeviceStanding::AtTarget,
        Standing::Failing(Failing::Errored) => proto::DeviceStanding::FailingErrored,
        Standing::Failing(Failing::Drifted) => proto::DeviceStanding::FailingDrifted,
        Standing::Failing(Failing::Silent) => proto::DeviceStanding::FailingSilent,
    }
}

/// The standing that is shown so. `None`: none is.
pub(crate) const fn standing_of(shown: proto::DeviceStanding) -> Option<Standing> {
    use proto::DeviceStanding as Shown;
    Some(match shown {
        Shown::Unspecified => return None,
        Shown::Chosen => Standing::Chosen,
        Shown::SkippedAlreadyThere => Standing::Skipped(Skipped::AlreadyThere),
        Shown::SkippedNotCoManaged => Standing::Skipped(Skipped::NotCoManaged),
        Shown::SkippedGone => Standing::Skipped(Skipped::Gone),
        Shown::Excluded => Standing::Excluded,
        Shown::Pending => Standing::Pending,
        Shown::AtTarget => Standing::AtTarget,
        Shown::FailingErrored => Standing::Failing(Failing::Errored),
        Shown::FailingDrifted => Standing::Failing(Failing::Drifted),
        Shown::FailingSilent => Standing::Failing(Failing::Silent),
    })
}

/// A standing that devices are asked for by; `None`: any. Compared by its number.
///
/// # Errors
/// A number that this release does not know.
pub(crate) fn wanted_standing(field: &str, number: i32) -> Result<Option<i32>, Violation> {
    match proto::DeviceStanding::try_from(number) {
        Ok(proto::DeviceStanding::Unspecified) => Ok(None),
        Ok(_) => Ok(Some(number)),
        Err(_) => {
            let description =
                format!("must be a value of the enumeration; found the unknown number {number}");
            Err(Violation::new(field, description))
        }
    }
}
