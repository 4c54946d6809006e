//! Why nothing is done to a rollout: one published reason for each refusal of the domain, with what to do.

use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::approval::ApprovalRefused;
use tandem_domain::rollout::{CommandRefused, Freeze, FreezeRefused, InvalidRollout};
use tandem_server::Failure;

use crate::store::rollouts::RolloutKey;
use crate::store::rollouts::freeze::freeze_name;

/// A failure of that name, with nothing for programs beside its reason.
fn unmet(reason: ErrorReason, name: String, description: String) -> Failure {
    Failure::Unmet { reason, name, description, expected: String::new(), found: String::new() }
}

/// A field that the domain misses. Edges ask for it first.
fn reason_missing() -> Failure {
    Failure::field("justification.reason", "must say why; found nothing")
}

/// A rollout that cannot be meant. The first of its errors gives the reason; all are told.
pub(crate) fn invalid_rollout(name: String, errors: &[InvalidRollout]) -> Failure {
    let Some(first) = errors.first() else {
        return Failure::internal("a rollout was refused without an error");
    };
    let all: Vec<String> =
        errors.iter().map(|error| format!("spec.{error}: {}", what_to_do(error))).collect();
    unmet(reason_of(first), name, all.join("; "))
}

const fn reason_of(error: &InvalidRollout) -> ErrorReason {
    match error {
        InvalidRollout::WaveCount { .. } => ErrorReason::RolloutWaveCount,
        InvalidRollout::EmptyWave { .. } => ErrorReason::RolloutWaveEmpty,
        InvalidRollout::DuplicateWave { .. } => ErrorReason::RolloutWaveDuplicate,
        InvalidRollout::PercentagesDoNotAddUp { .. } => ErrorReason::RolloutPercentagesDoNotAddUp,
        InvalidRollout::WindowNeverOpens { .. } => ErrorReason::RolloutWindowNeverOpens,
        InvalidRollout::WindowTooLong { .. } => ErrorReason::RolloutWindowTooLong,
        InvalidRollout::ShareOutOfRange { .. } => ErrorReason::RolloutShareOutOfRange,
        InvalidRollout::GatesContradict { .. } => ErrorReason::RolloutGatesContradict,
        InvalidRollout::SampleOutOfReach { .. } => ErrorReason::RolloutSampleOutOfReach,
        InvalidRollout::BudgetOfNothing { .. } => ErrorReason::RolloutBudgetOfNothing,
        InvalidRollout::DeadlineBeforeSoak { .. } => ErrorReason::RolloutDeadlineBeforeSoak,
        InvalidRollout::OfflineAtOnce { .. } => ErrorReason::RolloutOfflineAtOnce,
    }
}

const fn what_to_do(error: &InvalidRollout) -> &'static str {
    match error {
        InvalidRollout::WaveCount { .. } => "add waves, or join some",
        InvalidRollout::EmptyWave { .. } => {
            "choose devices that no earlier wave takes, or leave the wave out"
        }
        InvalidRollout::DuplicateWave { .. } => "choose other devices, or leave one of the waves out",
        InvalidRollout::PercentagesDoNotAddUp { .. } => "shares are cumulative: raise them from wave to wave",
        InvalidRollout::WindowNeverOpens { .. } => "give it days and a length, or leave windows out",
        InvalidRollout::WindowTooLong { .. } => "shorten it, or leave windows out",
        InvalidRollout::ShareOutOfRange { .. } => "give a share of that range, in hundredths of a per cent",
        InvalidRollout::GatesContradict { .. } => {
            "lower one of the gates, or the success gate could never be met"
        }
        InvalidRollout::SampleOutOfReach { .. } => "lower it, or the gates could never decide",
        InvalidRollout::BudgetOfNothing { .. } => "allow at least one device",
        InvalidRollout::DeadlineBeforeSoak { .. } => "put the deadline off, or shorten the soak time",
        InvalidRollout::OfflineAtOnce { .. } => "give them at least a minute",
    }
}

/// A command that is not carried out.
pub(crate) fn command_refused(key: &RolloutKey, refused: &CommandRefused) -> Failure {
    let told = |reason, expected: String, found: String, what: &str| Failure::Unmet {
        reason,
        name: key.name(),
        description: format!("{refused}: {what}"),
        expected,
        found,
    };
    match refused {
        CommandRefused::NotAllowed { expected, found, .. } => {
            let phases: Vec<&str> = expected.iter().map(|phase| phase.id()).collect();
            let what = "read the rollout, and look at what its phase allows";
            told(ErrorReason::RolloutCommandNotAllowed, phases.join(", "), found.to_string(), what)
        }
        CommandRefused::Frozen { freeze, .. } => {
            let why = format!("because of `{}`; unfreeze the tenant first", freeze.why);
            told(ErrorReason::TenantFrozen, String::new(), freeze.since.to_string(), &why)
        }
        CommandRefused::PlanChanged { expected, found } => told(
            ErrorReason::RolloutPlanChanged,
            expected.to_string(),
            found.to_string(),
            "read the rollout, and approve what you have read",
        ),
        CommandRefused::NotTheCurrentWave { expected, found } => told(
            ErrorReason::RolloutWaveNotCurrent,
            expected.map(|wave| wave.to_string()).unwrap_or_default(),
            found.to_string(),
            "look at the current wave",
        ),
        CommandRefused::WaveNotInconclusive { found, .. } => told(
            ErrorReason::RolloutWaveNotInconclusive,
            "inconclusive".to_owned(),
            found.to_string(),
            "it waits for nobody",
        ),
        CommandRefused::ReasonMissing { .. } => reason_missing(),
    }
}

/// An approval that does not count.
pub(crate) fn approval_refused(key: &RolloutKey, refused: &ApprovalRefused) -> Failure {
    let told = |reason, found: String, what: &str| Failure::Unmet {
        reason,
        name: key.name(),
        description: format!("{refused}: {what}"),
        expected: String::new(),
        found,
    };
    match refused {
        ApprovalRefused::SelfApproval { by } => {
            told(ErrorReason::SelfApproval, by.to_string(), "ask somebody else")
        }
        ApprovalRefused::Expired { expires_at, .. } => told(
            ErrorReason::ApprovalExpired,
            expires_at.to_string(),
            "withdraw the rollout, and submit it again",
        ),
        ApprovalRefused::PlanChanged { expected, found } => Failure::Unmet {
            reason: ErrorReason::RolloutPlanChanged,
            name: key.name(),
            description: format!("{refused}: read the rollout, and approve what you have read"),
            expected: expected.to_string(),
            found: found.to_string(),
        },
        ApprovalRefused::AlreadyApproved { by, .. } => {
            told(ErrorReason::AlreadyApproved, by.to_string(), "others are missing")
        }
        // A rollout that waits for no approval is ready, and not to be approved; nobody rejects one: it is withdrawn.
        ApprovalRefused::NoApprovalNeeded { .. } | ApprovalRefused::Rejected { .. } => {
            Failure::internal(format!("a rollout waits for approvals that it cannot have: {refused}"))
        }
        ApprovalRefused::ReasonMissing => reason_missing(),
    }
}

/// A tenant that is not frozen, or not thawed.
pub(crate) fn freeze_refused(tenant: &str, refused: &FreezeRefused) -> Failure {
    let name = freeze_name(tenant);
    match refused {
        FreezeRefused::AlreadyFrozen(Freeze { why, since, .. }) => Failure::Unmet {
            reason: ErrorReason::TenantFrozen,
            name,
            description: format!("{refused} because of `{why}`: nothing is to be done, or unfreeze it first"),
            expected: String::new(),
            found: since.to_string(),
        },
        FreezeRefused::NotFrozen => {
            unmet(ErrorReason::TenantNotFrozen, name, format!("{refused}: nothing is to be done"))
        }
        FreezeRefused::ReasonMissing => reason_missing(),
    }
}

#[cfg(test)]
mod tests {
    use tandem_domain::rollout::{BasisPoints, Minutes, RolloutEvent, RolloutPhase, WavePhase};
    use tandem_server::status::reason_text;

    use super::*;

    fn reason(failure: &Failure) -> &'static str {
        match failure {
            Failure::Unmet { reason, .. } => reason_text(*reason),
            other => panic!("expected a reason of its own, found {other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_meant_has_the_published_reason_of_the_domains_word() {
        let (wave, window, length, found) = (0, 0, Minutes(0), BasisPoints(0));
        let errors = [
            InvalidRollout::WaveCount { found: 0 },
            InvalidRollout::EmptyWave { wave },
            InvalidRollout::DuplicateWave { wave, first: 0 },
            InvalidRollout::PercentagesDoNotAddUp { wave, above: found, found },
            InvalidRollout::WindowNeverOpens { window, days: 0, length },
            InvalidRollout::WindowTooLong { window, found: length },
            InvalidRollout::ShareOutOfRange { wave, what: "budget", least: found, found },
            InvalidRollout::GatesContradict { wave, success: found, failure: found },
            InvalidRollout::SampleOutOfReach { wave, most: 1, found: 2 },
            InvalidRollout::BudgetOfNothing { wave },
            InvalidRollout::DeadlineBeforeSoak { wave, soak: length, deadline: length },
            InvalidRollout::OfflineAtOnce { wave },
        ];
        for error in errors {
            let failure = invalid_rollout("r".to_owned(), std::slice::from_ref(&error));
            assert_eq!(reason(&failure), error.reason());
        }
    }

    #[test]
    fn refused_command_has_the_published_reason_of_the_domains_word() {
        let key = RolloutKey {
            tenant: "contoso".parse().unwrap(),
            hierarchy: "PS1".parse().unwrap(),
            rollout: "r-1".parse().unwrap(),
        };
        let (command, found) = (RolloutEvent::Start, RolloutPhase::Draft);
        let by = "ada".parse().unwrap();
        let freeze = Freeze { by, why: "outage".into(), since: jiff::Timestamp::UNIX_EPOCH };
        for refused in [
            CommandRefused::NotAllowed { command, expected: vec![RolloutPhase::Ready], found },
            CommandRefused::Frozen { command, freeze },
            CommandRefused::PlanChanged { expected: "a".parse().unwrap(), found: "b".parse().unwrap() },
            CommandRefused::NotTheCurrentWave { expected: Some(1), found: 0 },
            CommandRefused::WaveNotInconclusive { wave: 0, found: WavePhase::Soaking },
        ] {
            assert_eq!(reason(&command_refused(&key, &refused)), refused.reason());
        }
    }
}
