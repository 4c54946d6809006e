//! What no rollout may be asked for: one error per bad input.

use crate::rollout::Minutes;
use crate::rollout::spec::{
    BasisPoints, DisruptionBudget, OfflineDevices, RolloutSpec, WaveChoice, WaveSpec,
};
use crate::rollout::window::{LONGEST_WINDOW, MaintenanceWindows};

/// The most waves of one rollout. Nobody watches more than that; ten is a lot.
pub const MAX_WAVES: usize = 50;

/// How many devices each wave would take as the fleet stands. `None`: nobody counted.
pub type WaveSizes<'a> = &'a [Option<u64>];

/// A rollout that cannot be meant. Waves and windows are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRollout {
    /// No waves, or too many.
    #[error("expected 1 to {MAX_WAVES} waves; found {found}")]
    WaveCount {
        /// How many.
        found: usize,
    },
    /// A wave that takes no device.
    #[error("waves[{wave}]: expected at least one device; found none")]
    EmptyWave {
        /// Which.
        wave: usize,
    },
    /// Two waves make the same choice, so the second would be empty.
    #[error("waves[{wave}]: expected a choice of its own; found that of waves[{first}]")]
    DuplicateWave {
        /// The second.
        wave: usize,
        /// The first.
        first: usize,
    },
    /// Cumulative percentages do not rise, or rise above everything.
    #[error("waves[{wave}]: expected a share above {above} and at most {}; found {found}", BasisPoints::ALL)]
    PercentagesDoNotAddUp {
        /// Which.
        wave: usize,
        /// The share of the waves before it.
        above: BasisPoints,
        /// Its own.
        found: BasisPoints,
    },
    /// A window that no moment is in.
    #[error("windows[{window}]: expected days and a length; found {days} days and {length}")]
    WindowNeverOpens {
        /// Which; 0 where there is none at all.
        window: usize,
        /// On how many days it opens.
        days: usize,
        /// For how long.
        length: Minutes,
    },
    /// A window longer than a week.
    #[error("windows[{window}]: expected at most {LONGEST_WINDOW}; found {found}")]
    WindowTooLong {
        /// Which.
        window: usize,
        /// How long it is.
        found: Minutes,
    },
    /// A share that is none: more than everything, or nothing where something must be.
    #[error("waves[{wave}].{what}: expected a share of {least} to {}; found {found}", BasisPoints::ALL)]
    ShareOutOfRange {
        /// Which wave.
        wave: usize,
        /// Which share.
        what: &'static str,
        /// The least that it may be.
        least: BasisPoints,
        /// What it is.
        found: BasisPoints,
    },
    /// So many failures are tolerated that the success gate could not be met beside them.
    #[error(
        "waves[{wave}]: expected gates of at most {} together; found success {success} and failure {failure}",
        BasisPoints::ALL
    )]
    GatesContradict {
        /// Which wave.
        wave: usize,
        /// Its success gate.
        success: BasisPoints,
        /// Its failure gate.
        failure: BasisPoints,
    },
    /// A minimum sample that the wave cannot have.
    #[error("waves[{wave}]: expected a minimum sample of 1 to {most}; found {found}")]
    SampleOutOfReach {
        /// Which wave.
        wave: usize,
        /// How many devices it has; the largest number where nobody counted.
        most: u64,
        /// What is asked for.
        found: u32,
    },
    /// A budget that lets no device move.
    #[error("waves[{wave}]: expected a disruption budget of at least one device; found none")]
    BudgetOfNothing {
        /// Which wave.
        wave: usize,
    },
    /// A deadline at which the wave cannot have soaked.
    #[error("waves[{wave}]: expected a deadline after the soak time of {soak}; found {deadline}")]
    DeadlineBeforeSoak {
        /// Which wave.
        wave: usize,
        /// Its soak time.
        soak: Minutes,
        /// Its deadline.
        deadline: Minutes,
    },
    /// Devices would count as offline at once.
    #[error("waves[{wave}]: expected offline devices to be given some time; found none")]
    OfflineAtOnce {
        /// Which wave.
        wave: usize,
    },
}

impl InvalidRollout {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::WaveCount { .. } => "ROLLOUT_WAVE_COUNT",
            Self::EmptyWave { .. } => "ROLLOUT_WAVE_EMPTY",
            Self::DuplicateWave { .. } => "ROLLOUT_WAVE_DUPLICATE",
            Self::PercentagesDoNotAddUp { .. } => "ROLLOUT_PERCENTAGES_DO_NOT_ADD_UP",
            Self::WindowNeverOpens { .. } => "ROLLOUT_WINDOW_NEVER_OPENS",
            Self::WindowTooLong { .. } => "ROLLOUT_WINDOW_TOO_LONG",
            Self::ShareOutOfRange { .. } => "ROLLOUT_SHARE_OUT_OF_RANGE",
            Self::GatesContradict { .. } => "ROLLOUT_GATES_CONTRADICT",
            Self::SampleOutOfReach { .. } => "ROLLOUT_SAMPLE_OUT_OF_REACH",
            Self::BudgetOfNothing { .. } => "ROLLOUT_BUDGET_OF_NOTHING",
            Self::DeadlineBeforeSoak { .. } => "ROLLOUT_DEADLINE_BEFORE_SOAK",
            Self::OfflineAtOnce { .. } => "ROLLOUT_OFFLINE_AT_ONCE",
        }
    }
}

impl RolloutSpec {
    /// Checks that the rollout can be meant.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the waves and then of the windows.
    pub fn validate(&self, sizes: WaveSizes<'_>) -> Result<(), Vec<InvalidRollout>> {
        let mut errors = Vec::new();
        if self.waves.is_empty() || self.waves.len() > MAX_WAVES {
            errors.push(InvalidRollout::WaveCount { found: self.waves.len() });
        }
        for (wave, spec) in self.waves.iter().enumerate() {
            let size = size(&self.waves, wave).or_else(|| sizes.get(wave).copied().flatten());
            errors.extend(choice_error(&self.waves, wave, size));
            errors.extend(gate_errors(wave, spec, size));
            errors.extend(pace_errors(wave, spec));
        }
        errors.extend(self.windows.iter().flat_map(window_errors));
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// How many devices a wave takes at most, as far as the choices alone say. `None`: they do not.
fn size(waves: &[WaveSpec], wave: usize) -> Option<u64> {
    let before = waves[..wave].iter().map(|spec| &spec.choice);
    if before.clone().any(|choice| *choice == WaveChoice::Percentage { up_to: BasisPoints::ALL }) {
        return Some(0);
    }
    let WaveChoice::Group(devices) = &waves[wave].choice else {
        return None;
    };
    let groups: Vec<_> = before
        .filter_map(|choice| match choice {
            WaveChoice::Group(devices) => Some(devices),
            _ => None,
        })
        .collect();
    Some(devices.iter().filter(|&device| !groups.iter().any(|group| group.contains(device))).count() as u64)
}

/// The first of: shares that do not rise, a choice made before, no devices.
fn choice_error(waves: &[WaveSpec], wave: usize, size: Option<u64>) -> Option<InvalidRollout> {
    let before = &waves[..wave];
    if let WaveChoice::Percentage { up_to: found } = waves[wave].choice {
        let above = before.iter().rev().find_map(|spec| match spec.choice {
            WaveChoice::Percentage { up_to } => Some(up_to),
            _ => None,
        });
        let above = above.unwrap_or(BasisPoints(0));
        if found <= above || found > BasisPoints::ALL {
            return Some(InvalidRollout::PercentagesDoNotAddUp { wave, above, found });
        }
    }
    if let Some(first) = before.iter().position(|spec| spec.choice == waves[wave].choice) {
        return Some(InvalidRollout::DuplicateWave { wave, first });
    }
    (size == Some(0)).then_some(InvalidRollout::EmptyWave { wave })
}

/// Gates that are no shares, contradict each other, or ask for more devices than there are.
fn gate_errors(wave: usize, spec: &WaveSpec, size: Option<u64>) -> Vec<InvalidRollout> {
    let (success, failure) = (spec.success_gate, spec.failure_gate);
    let mut errors: Vec<_> =
        [("success_gate", BasisPoints(1), success), ("failure_gate", BasisPoints(0), failure)]
            .into_iter()
            .filter_map(|(what, least, found)| share_error(wave, what, least, found))
            .collect();
    if errors.is_empty() && success.0 + failure.0 > BasisPoints::ALL.0 {
        errors.push(InvalidRollout::GatesContradict { wave, success, failure });
    }
    let found = spec.minimum_sample;
    let most = size.unwrap_or(u64::from(u32::MAX));
    // An empty wave has an error of its own.
    if found == 0 || (u64::from(found) > most && most > 0) {
        errors.push(InvalidRollout::SampleOutOfReach { wave, most, found });
    }
    errors
}

/// Budgets and times that let nothing move or nothing be judged.
fn pace_errors(wave: usize, spec: &WaveSpec) -> Vec<InvalidRollout> {
    let budget = match spec.budget {
        DisruptionBudget::Devices(0) => Some(InvalidRollout::BudgetOfNothing { wave }),
        DisruptionBudget::Devices(_) => None,
        DisruptionBudget::Share(share) => share_error(wave, "budget", BasisPoints(1), share),
    };
    let deadline = (spec.deadline <= spec.soak).then_some(InvalidRollout::DeadlineBeforeSoak {
        wave,
        soak: spec.soak,
        deadline: spec.deadline,
    });
    let offline = match spec.offline {
        OfflineDevices::ExcludeAfter(Minutes(0)) | OfflineDevices::FailAfter(Minutes(0)) => {
            Some(InvalidRollout::OfflineAtOnce { wave })
        }
        _ => None,
    };
    [budget, deadline, offline].into_iter().flatten().collect()
}

fn share_error(
    wave: usize,
    what: &'static str,
    least: BasisPoints,
    found: BasisPoints,
) -> Option<InvalidRollout> {
    let fits = (least..=BasisPoints::ALL).contains(&found);
    (!fits).then_some(InvalidRollout::ShareOutOfRange { wave, what, least, found })
}

fn window_errors(windows: &MaintenanceWindows) -> Vec<InvalidRollout> {
    if windows.weekly.is_empty() {
        return vec![InvalidRollout::WindowNeverOpens { window: 0, days: 0, length: Minutes(0) }];
    }
    let errors = windows.weekly.iter().enumerate().filter_map(|(window, weekly)| {
        let (days, length) = (weekly.days.len(), weekly.length);
        if days == 0 || length == Minutes(0) {
            Some(InvalidRollout::WindowNeverOpens { window, days, length })
        } else if length > LONGEST_WINDOW {
            Some(InvalidRollout::WindowTooLong { window, found: length })
        } else {
            None
        }
    });
    errors.collect()
}
