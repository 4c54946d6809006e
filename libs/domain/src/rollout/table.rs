//! The two state machines, as tables: of a rollout, and of each of its waves.
//!
//! `apply` and `step` change a phase by these rows and in no other way; `docs/rollout_states.md` is [`markdown`] of them.

use std::fmt::{self, Display, Write as _};

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $id:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// The word that the table prints.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$word => $id,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}

words!(
    /// Where a rollout stands.
    RolloutPhase {
        /// Being written; nobody was asked.
        Draft = "draft",
        /// Waits for the approvals that its plan needs.
        PendingApproval = "pending_approval",
        /// May be started.
        Ready = "ready",
        /// Hands its waves over.
        Running = "running",
        /// Does nothing until a person says so.
        Paused = "paused",
        /// Takes back what it handed over.
        RollingBack = "rolling_back",
        /// Every wave passed or was approved.
        Completed = "completed",
        /// A wave failed; what was handed over stays.
        Failed = "failed",
        /// Everything that it handed over was taken back.
        RolledBack = "rolled_back",
        /// Given up; what was handed over stays.
        Cancelled = "cancelled",
    }
);

impl RolloutPhase {
    /// Nothing leads out of it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::RolledBack | Self::Cancelled)
    }
}

words!(
    /// What happens to a rollout.
    RolloutEvent {
        /// A person asks for approval.
        Submit = "submit",
        /// The approvals that its plan needs were given.
        Approve = "approve",
        /// It goes back to be changed: a person says so, or the approvals did not come in time.
        Withdraw = "withdraw",
        /// A person starts it.
        Start = "start",
        /// A person pauses it.
        Pause = "pause",
        /// A person lets it go on.
        Resume = "resume",
        /// A person approves an inconclusive wave.
        ApproveWave = "approve_wave",
        /// A person has it rolled back.
        RollBack = "roll_back",
        /// A person gives it up.
        Cancel = "cancel",
        /// The last wave passed or was approved.
        WavesDone = "waves_done",
        /// A wave failed, and the rollout is set to pause then.
        FailurePauses = "failure_pauses",
        /// A wave failed, and the rollout is set to roll back then.
        FailureRollsBack = "failure_rolls_back",
        /// A wave failed, and the rollout is set to stop then.
        FailureStops = "failure_stops",
        /// The slider or its pilot collection is not where membership decides.
        SliderMoved = "slider_moved",
        /// Everything that was handed over is seen to be taken back.
        RollbackConfirmed = "rollback_confirmed",
    }
);

impl RolloutEvent {
    /// A person's command; the others are observed.
    #[must_use]
    pub const fn is_command(self) -> bool {
        matches!(
            self,
            Self::Submit
                | Self::Approve
                | Self::Withdraw
                | Self::Start
                | Self::Pause
                | Self::Resume
                | Self::ApproveWave
                | Self::RollBack
                | Self::Cancel
        )
    }

    /// A command that is carried out although everything in the tenant is frozen: it hands nothing over.
    #[must_use]
    pub const fn is_allowed_when_frozen(self) -> bool {
        matches!(self, Self::Submit | Self::Approve | Self::Withdraw | Self::Pause | Self::Cancel)
    }
}

words!(
    /// Where a wave stands.
    WavePhase {
        /// Its predecessor is not done, or its choice is not known.
        Waiting = "waiting",
        /// Its devices are being handed over; not every membership is configured yet.
        HandingOver = "handing_over",
        /// Every membership is configured; the soak time runs.
        Soaking = "soaking",
        /// The soak time is over; the gates decide.
        Judging = "judging",
        /// Its success gate is met.
        Passed = "passed",
        /// A person approved it although it was inconclusive.
        Approved = "approved",
        /// Its failure gate is broken.
        Failed = "failed",
        /// Neither gate decided; waits for a person.
        Inconclusive = "inconclusive",
    }
);

impl WavePhase {
    /// It passed, or a person approved it: the next wave may start.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Passed | Self::Approved)
    }

    /// It started and is not decided.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::HandingOver | Self::Soaking | Self::Judging)
    }
}

words!(
    /// What happens to a wave.
    WaveEvent {
        /// Every wave before it is done, and it is known which devices it chooses.
        Begin = "begin",
        /// No device of it can be handed over, or none that was counts any more.
        NothingToMove = "nothing_to_move",
        /// Every membership is configured.
        HandedOver = "handed_over",
        /// The soak time is over.
        SoakOver = "soak_over",
        /// Enough devices report the workload at the target.
        SuccessGateMet = "success_gate_met",
        /// Too many of the devices that were handed over fail.
        FailureGateBroken = "failure_gate_broken",
        /// Failing devices take up the whole disruption budget, and others wait for it.
        FailuresFillBudget = "failures_fill_budget",
        /// Too late to be decided by the gates.
        DeadlinePassed = "deadline_passed",
        /// Every device answered, and they are fewer than the minimum sample.
        SampleTooSmall = "sample_too_small",
        /// A person approves it.
        ApprovedByPerson = "approved_by_person",
        /// The rollout goes on after the wave failed.
        TriedAgain = "tried_again",
    }
);

/// One row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<P, E> {
    /// From this phase,
    pub from: P,
    /// by this event,
    pub event: E,
    /// to this phase.
    pub to: P,
    /// What is done then, or must hold. Empty: nothing else.
    pub note: &'static str,
}

const fn row<P, E>(from: P, event: E, to: P, note: &'static str) -> Row<P, E> {
    Row { from, event, to, note }
}

/// Every way in which a rollout's phase changes.
pub const ROLLOUT_ROWS: &[Row<RolloutPhase, RolloutEvent>] = {
    use RolloutEvent::*;
    use RolloutPhase::*;
    &[
        row(Draft, Submit, PendingApproval, ""),
        row(Draft, Cancel, Cancelled, ""),
        row(PendingApproval, Approve, Ready, "a grant for exactly this plan"),
        row(PendingApproval, Withdraw, Draft, ""),
        row(PendingApproval, Cancel, Cancelled, ""),
        row(Ready, Start, Running, "the first wave begins at the next step"),
        row(Ready, Withdraw, Draft, "the approvals are void"),
        row(Ready, Cancel, Cancelled, ""),
        row(Running, Pause, Paused, "the wave's clocks stand still"),
        row(Running, ApproveWave, Running, "only a wave that is inconclusive"),
        row(Running, RollBack, RollingBack, "takes back exactly what was handed over, at once"),
        row(Running, Cancel, Cancelled, "what was handed over stays"),
        row(Running, WavesDone, Completed, ""),
        row(Running, FailurePauses, Paused, ""),
        row(Running, FailureRollsBack, RollingBack, "takes back exactly what was handed over, at once"),
        row(Running, FailureStops, Failed, "what was handed over stays"),
        row(Running, SliderMoved, Paused, "membership of the pilot collection decides nothing there"),
        row(Paused, Resume, Running, "a failed wave is tried again; the clocks go on"),
        row(Paused, ApproveWave, Paused, "only a wave that is inconclusive"),
        row(Paused, RollBack, RollingBack, "takes back exactly what was handed over, at once"),
        row(Paused, Cancel, Cancelled, "what was handed over stays"),
        row(RollingBack, RollbackConfirmed, RolledBack, "read at the site after it was done"),
        row(RollingBack, Cancel, Cancelled, "what is not yet taken back stays"),
    ]
};

/// Every way in which a wave's phase changes. Where several events hold, the first in the order of [`WaveEvent`]'s use in
/// `step` is taken: failures before success, success before the deadline.
pub const WAVE_ROWS: &[Row<WavePhase, WaveEvent>] = {
    use WaveEvent::*;
    use WavePhase::*;
    &[
        row(Waiting, Begin, HandingOver, "its devices are fixed, but for late joiners"),
        row(HandingOver, NothingToMove, Inconclusive, "an empty wave never passes by itself"),
        row(HandingOver, HandedOver, Soaking, ""),
        row(HandingOver, FailureGateBroken, Failed, ""),
        row(HandingOver, FailuresFillBudget, Failed, ""),
        row(HandingOver, DeadlinePassed, Inconclusive, ""),
        row(Soaking, SoakOver, Judging, ""),
        row(Soaking, FailureGateBroken, Failed, ""),
        row(Soaking, FailuresFillBudget, Failed, "late joiners wait for the budget"),
        row(Soaking, DeadlinePassed, Inconclusive, ""),
        row(Judging, SuccessGateMet, Passed, ""),
        row(Judging, FailureGateBroken, Failed, ""),
        row(Judging, FailuresFillBudget, Failed, "late joiners wait for the budget"),
        row(Judging, DeadlinePassed, Inconclusive, ""),
        row(Judging, SampleTooSmall, Inconclusive, ""),
        row(Inconclusive, ApprovedByPerson, Approved, ""),
        row(Failed, TriedAgain, HandingOver, "its gates are judged anew"),
    ]
};

/// Where an event leads a rollout. `None`: the event is not allowed there.
#[must_use]
pub fn next_rollout_phase(from: RolloutPhase, event: RolloutEvent) -> Option<RolloutPhase> {
    ROLLOUT_ROWS.iter().find(|row| row.from == from && row.event == event).map(|row| row.to)
}

/// Where an event leads a wave. `None`: the event does not happen there.
#[must_use]
pub fn next_wave_phase(from: WavePhase, event: WaveEvent) -> Option<WavePhase> {
    WAVE_ROWS.iter().find(|row| row.from == from && row.event == event).map(|row| row.to)
}

/// The phases that an event is allowed from.
#[must_use]
pub fn allowed_from(event: RolloutEvent) -> Vec<RolloutPhase> {
    ROLLOUT_ROWS.iter().filter(|row| row.event == event).map(|row| row.from).collect()
}

/// Both tables, for people to read.
#[must_use]
pub fn markdown() -> String {
    let frozen: Vec<_> = RolloutEvent::ALL.iter().filter(|event| event.is_allowed_when_frozen()).collect();
    let frozen = frozen.iter().map(|event| format!("`{event}`")).collect::<Vec<_>>().join(", ");
    let mut text = String::from("# States of a rollout\n\n");
    text.push_str(
        "Rendered from `libs/domain/src/rollout/table.rs`, whose test compares this file with the code.\n\n",
    );
    let _ = writeln!(
        text,
        "What is not in a table is not allowed, and does not happen. While everything in the tenant is frozen, nothing\n\
         observed changes any phase, no action is given out, and of the commands only these are carried out: {frozen}.\n"
    );
    text.push_str("## Rollout\n\n");
    rows(&mut text, ROLLOUT_ROWS, |event| if event.is_command() { "a person" } else { "observed" });
    text.push_str("\n## Wave\n\n");
    let by_person = |event| matches!(event, WaveEvent::ApprovedByPerson | WaveEvent::TriedAgain);
    rows(&mut text, WAVE_ROWS, |event| if by_person(event) { "a person" } else { "observed" });
    text
}

fn rows<P: Display, E: Display + Copy>(
    text: &mut String,
    rows: &[Row<P, E>],
    who: impl Fn(E) -> &'static str,
) {
    text.push_str("| state | event | by | next state | note |\n|---|---|---|---|---|\n");
    for Row { from, event, to, note } in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {from} | {event} | {} | {to} | {note} |", who(*event));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// To publish a changed table, write what this test prints.
    #[test]
    fn published_table_is_the_rendered_one() {
        let published = include_str!("../../docs/rollout_states.md");
        assert!(published == markdown(), "docs/rollout_states.md differs; it should read:\n{}", markdown());
    }

    #[test]
    fn no_phase_has_two_ways_for_one_event() {
        let rollout: BTreeSet<_> = ROLLOUT_ROWS.iter().map(|row| (row.from, row.event)).collect();
        let wave: BTreeSet<_> = WAVE_ROWS.iter().map(|row| (row.from, row.event)).collect();
        assert_eq!((rollout.len(), wave.len()), (ROLLOUT_ROWS.len(), WAVE_ROWS.len()));
    }

    #[test]
    fn nothing_leads_out_of_a_terminal_phase_and_every_other_has_a_way_out() {
        for &phase in RolloutPhase::ALL {
            let leads_out = ROLLOUT_ROWS.iter().any(|row| row.from == phase);
            assert_eq!(leads_out, !phase.is_terminal(), "{phase}");
        }
    }

    #[test]
    fn every_event_and_every_phase_is_in_a_row() {
        for &event in RolloutEvent::ALL {
            assert!(!allowed_from(event).is_empty(), "{event}");
        }
        for &event in WaveEvent::ALL {
            assert!(WAVE_ROWS.iter().any(|row| row.event == event), "{event}");
        }
        for &phase in WavePhase::ALL {
            assert!(WAVE_ROWS.iter().any(|row| row.from == phase || row.to == phase), "{phase}");
        }
    }
}
