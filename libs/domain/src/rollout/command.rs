//! What people may say to a rollout, and from which phases.

use jiff::Timestamp;

use crate::approval::Granted;
use crate::id::{PlanHash, PrincipalId};
use crate::rollout::freeze::Freeze;
use crate::rollout::state::{Because, Rollout, WaveApproval};
use crate::rollout::table::{RolloutEvent, RolloutPhase, WaveEvent, WavePhase, allowed_from};

/// A person's command. Reasons are in their words, and never blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Ask for the approvals that the plan needs, if any.
    Submit,
    /// The approvals were given, or none are needed.
    Approve(Granted),
    /// Take it back to be changed.
    Withdraw,
    /// Begin.
    Start,
    /// Hand nothing over until further notice.
    Pause {
        /// Why.
        why: String,
    },
    /// Go on. A failed wave is tried again.
    Resume,
    /// Let the next wave begin although this one is inconclusive.
    ApproveWave {
        /// Which, from 0: the one that the person looked at.
        wave: usize,
        /// Why.
        why: String,
    },
    /// Take back what was handed over.
    RollBack {
        /// Why.
        why: String,
    },
    /// Give up, and leave everything as it is.
    Cancel {
        /// Why.
        why: String,
    },
}

impl Command {
    /// The event of the table.
    #[must_use]
    pub const fn event(&self) -> RolloutEvent {
        match self {
            Self::Submit => RolloutEvent::Submit,
            Self::Approve(_) => RolloutEvent::Approve,
            Self::Withdraw => RolloutEvent::Withdraw,
            Self::Start => RolloutEvent::Start,
            Self::Pause { .. } => RolloutEvent::Pause,
            Self::Resume => RolloutEvent::Resume,
            Self::ApproveWave { .. } => RolloutEvent::ApproveWave,
            Self::RollBack { .. } => RolloutEvent::RollBack,
            Self::Cancel { .. } => RolloutEvent::Cancel,
        }
    }

    /// The reason, where one is asked for.
    const fn why(&self) -> Option<&String> {
        match self {
            Self::Pause { why }
            | Self::ApproveWave { why, .. }
            | Self::RollBack { why }
            | Self::Cancel { why } => Some(why),
            Self::Submit | Self::Approve(_) | Self::Withdraw | Self::Start | Self::Resume => None,
        }
    }
}

/// Why a command is not carried out. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// Not in this phase.
    #[error("{command}: expected a rollout that is {}; found {found}", listed(expected))]
    NotAllowed {
        /// What was to be done.
        command: RolloutEvent,
        /// The phases that it is allowed from.
        expected: Vec<RolloutPhase>,
        /// The rollout's.
        found: RolloutPhase,
    },
    /// Everything in the tenant is frozen.
    #[error("{command}: expected a tenant that is not frozen; found it frozen by {} since {}", freeze.by, freeze.since)]
    Frozen {
        /// What was to be done.
        command: RolloutEvent,
        /// Who froze it, and why.
        freeze: Freeze,
    },
    /// Approvals of another content.
    #[error("expected approvals of the plan with hash {expected}; found {found}")]
    PlanChanged {
        /// The rollout's plan.
        expected: PlanHash,
        /// The plan that was approved.
        found: PlanHash,
    },
    /// Another wave is the current one.
    #[error("expected the current wave, {}; found {found}", expected.map_or("none".to_owned(), |wave| wave.to_string()))]
    NotTheCurrentWave {
        /// The current one, from 0; `None`: every wave is done.
        expected: Option<usize>,
        /// The one that was meant.
        found: usize,
    },
    /// The wave waits for nobody.
    #[error("waves[{wave}]: expected it to be {}; found {found}", WavePhase::Inconclusive)]
    WaveNotInconclusive {
        /// Which.
        wave: usize,
        /// Where it stands.
        found: WavePhase,
    },
    /// A reason is asked for.
    #[error("{command}: expected a reason; found none")]
    ReasonMissing {
        /// What was to be done.
        command: RolloutEvent,
    },
}

fn listed(phases: &[RolloutPhase]) -> String {
    phases.iter().map(|phase| phase.id()).collect::<Vec<_>>().join(" or ")
}

impl CommandRefused {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "ROLLOUT_COMMAND_NOT_ALLOWED",
            Self::Frozen { .. } => "TENANT_FROZEN",
            Self::PlanChanged { .. } => "ROLLOUT_PLAN_CHANGED",
            Self::NotTheCurrentWave { .. } => "ROLLOUT_WAVE_NOT_CURRENT",
            Self::WaveNotInconclusive { .. } => "ROLLOUT_WAVE_NOT_INCONCLUSIVE",
            Self::ReasonMissing { .. } => "ROLLOUT_REASON_MISSING",
        }
    }
}

/// Carries a person's command out. Nothing is handed over or taken back before the next step.
///
/// `freeze`: the tenant's, as in [`crate::rollout::Observations::freeze`].
///
/// # Errors
/// The first of: not allowed in this phase, frozen, no reason given, and what the command itself asks for.
pub fn apply(
    rollout: &Rollout,
    command: &Command,
    by: &PrincipalId,
    at: Timestamp,
    freeze: Option<&Freeze>,
) -> Result<Rollout, CommandRefused> {
    let event = command.event();
    let expected = allowed_from(event);
    if !expected.contains(&rollout.phase) {
        return Err(CommandRefused::NotAllowed { command: event, expected, found: rollout.phase });
    }
    if let Some(freeze) = freeze.filter(|_| !event.is_allowed_when_frozen()) {
        return Err(CommandRefused::Frozen { command: event, freeze: freeze.clone() });
    }
    let why = command.why().map(|why| why.trim());
    if why == Some("") {
        return Err(CommandRefused::ReasonMissing { command: event });
    }
    let why = why.unwrap_or_default().to_owned();
    let mut next = rollout.clone();
    match command {
        Command::Approve(granted) => same_plan(rollout, granted)?,
        Command::Pause { .. } => next.hold(at),
        Command::Resume => resume(&mut next, at),
        Command::ApproveWave { wave, .. } => {
            approve_wave(&mut next, *wave, WaveApproval { by: by.clone(), why: why.clone(), at })?;
        }
        _ => {}
    }
    next.follow(event, Because::Asked { by: by.clone(), why });
    Ok(next)
}

fn same_plan(rollout: &Rollout, granted: &Granted) -> Result<(), CommandRefused> {
    let (expected, found) = (rollout.plan.clone(), granted.plan().clone());
    if expected == found { Ok(()) } else { Err(CommandRefused::PlanChanged { expected, found }) }
}

fn resume(rollout: &mut Rollout, at: Timestamp) {
    rollout.release(at);
    if let Some(wave) = rollout.current_wave() {
        // Only a failed wave has that row; any other goes on where it stands.
        rollout.follow_wave(wave, WaveEvent::TriedAgain);
    }
}

fn approve_wave(rollout: &mut Rollout, wave: usize, approval: WaveApproval) -> Result<(), CommandRefused> {
    let expected = rollout.current_wave();
    if expected != Some(wave) {
        return Err(CommandRefused::NotTheCurrentWave { expected, found: wave });
    }
    let found = rollout.waves[wave].phase;
    if !rollout.follow_wave(wave, WaveEvent::ApprovedByPerson) {
        return Err(CommandRefused::WaveNotInconclusive { wave, found });
    }
    rollout.waves[wave].approval = Some(approval);
    Ok(())
}
