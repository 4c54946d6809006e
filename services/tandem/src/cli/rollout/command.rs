//! What people say to a rollout: each is one command, whose answer is where the rollout stands then.

use tandem_client::ApiError;
use tandem_contracts::authority::v1::{
    ApproveRolloutWaveRequest, CancelRolloutRequest, PauseRolloutRequest, ResumeRolloutRequest,
    RollBackRolloutRequest, Rollout, StartRolloutRequest, SubmitRolloutRequest, WithdrawRolloutRequest,
};
use tandem_contracts::r#type::v1::ErrorReason;
use tonic::Status;
use uuid::Uuid;

use super::step::Step;
use super::{ROLLOUT, RolloutRef, page};
use crate::cli::failure::CliError;
use crate::cli::reference;
use crate::cli::session::Session;
use crate::cli::why::{Because, Why};

/// To which rollout, and why, if the caller says so.
#[derive(Debug, clap::Args)]
pub(crate) struct PlainArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    #[command(flatten)]
    why: Why,
}

/// To which rollout, and why: it is kept with it.
#[derive(Debug, clap::Args)]
pub(crate) struct ReasonedArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    #[command(flatten)]
    because: Because,
}

/// Which wave, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct WaveArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// The wave that you have looked at, from 0
    wave: u32,
    #[command(flatten)]
    because: Because,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $verb:ident($args:ident: $Args:ident) = $Request:ident by $call:ident { $why:expr $(, $field:ident: $value:expr)* };)+) => {$(
        $(#[$doc])*
        pub(super) async fn $verb($args: $Args, session: &mut Session<'_>) -> Result<(), CliError> {
            let name = $args.rollout.name(&session.tenant);
            let request = $Request {
                name: name.clone(),
                etag: String::new(),
                // Sent again after a broken connection, it is carried out once.
                request_id: Uuid::new_v4().to_string(),
                $($field: $value,)*
                justification: Some($why.into()),
            };
            let answer = session.connection.rollouts().$call(request).await;
            done(answer.map(|answer| answer.into_inner().rollout), &name, session).await
        }
    )+}
}

commands! {
    /// Asks for the approvals that it needs.
    submit(args: PlainArgs) = SubmitRolloutRequest by submit_rollout { args.why };
    /// Takes it back to a draft.
    withdraw(args: PlainArgs) = WithdrawRolloutRequest by withdraw_rollout { args.why };
    /// Begins.
    start(args: PlainArgs) = StartRolloutRequest by start_rollout { args.why };
    /// Goes on.
    resume(args: PlainArgs) = ResumeRolloutRequest by resume_rollout { args.why };
    /// Hands nothing over until further notice.
    pause(args: ReasonedArgs) = PauseRolloutRequest by pause_rollout { args.because };
    /// Takes back what was handed over.
    roll_back(args: ReasonedArgs) = RollBackRolloutRequest by roll_back_rollout { args.because };
    /// Gives up.
    cancel(args: ReasonedArgs) = CancelRolloutRequest by cancel_rollout { args.because };
    /// Lets the next wave begin.
    approve_wave(args: WaveArgs) = ApproveRolloutWaveRequest by approve_rollout_wave { args.because, wave: args.wave };
}

/// Shows where the rollout stands now, or how the command was refused. `name`: the rollout's.
pub(super) async fn done(
    answer: Result<Option<Rollout>, Status>,
    name: &str,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    match answer {
        Ok(rollout) => page(&rollout.unwrap_or_default(), session).await,
        Err(refusal) => Err(advised(refusal.into(), name)),
    }
}

/// The refusal, with the command that goes on from it where there is one.
pub(super) fn advised(error: ApiError, name: &str) -> CliError {
    use ErrorReason as R;
    let (step, does) = match error.known_reason() {
        Some(
            R::RolloutCommandNotAllowed
            | R::RolloutWaveNotCurrent
            | R::RolloutWaveNotInconclusive
            | R::RolloutPlanChanged
            | R::AlreadyApproved,
        ) => (Step::Get, "shows where it stands"),
        Some(R::ApprovalsMissing | R::ApprovalExpired) => (Step::Withdraw, "takes it back"),
        Some(R::RolloutActionOutOfOrder | R::RolloutActionSuperseded) => {
            (Step::Actions, "shows what is to be done")
        }
        Some(R::RolloutWorkloadMoving) => {
            let hierarchy = reference::hierarchy_of(name, ROLLOUT);
            let advice = format!("`tandem authority rollout list {hierarchy}` shows it");
            return CliError::Advised(Box::new(error), advice);
        }
        Some(R::RolloutCollectionUnknown) => {
            let advice = "`tandem collections list` shows what is there".to_owned();
            return CliError::Advised(Box::new(error), advice);
        }
        _ => return error.into(),
    };
    CliError::Advised(Box::new(error), format!("`{}` {does}", step.command(name, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_server::Failure;

    #[test]
    fn refusal_is_said_with_the_command_that_goes_on_from_it() {
        use ErrorReason as R;
        let get = Some("`tandem authority rollout get PS1/apps` shows where it stands");
        let withdraw = Some("`tandem authority rollout withdraw PS1/apps` takes it back");
        let actions = Some("`tandem authority rollout actions PS1/apps` shows what is to be done");
        let table = [
            (R::RolloutCommandNotAllowed, get),
            (R::RolloutWaveNotCurrent, get),
            (R::RolloutWaveNotInconclusive, get),
            (R::RolloutPlanChanged, get),
            (R::AlreadyApproved, get),
            (R::ApprovalsMissing, withdraw),
            (R::ApprovalExpired, withdraw),
            (R::RolloutActionOutOfOrder, actions),
            (R::RolloutActionSuperseded, actions),
            (R::RolloutWorkloadMoving, Some("`tandem authority rollout list PS1` shows it")),
            (R::RolloutCollectionUnknown, Some("`tandem collections list` shows what is there")),
            (R::SelfApproval, None),
            (R::RolloutWaveEmpty, None),
        ];
        for (reason, expected) in table {
            let unmet = Failure::Unmet {
                reason,
                name: "n".into(),
                description: "d".into(),
                expected: String::new(),
                found: String::new(),
            };
            let name = "tenants/default/hierarchies/PS1/rollouts/apps";
            let found = match advised(Status::from(unmet).into(), name) {
                CliError::Advised(_, advice) => Some(advice),
                CliError::Api(_) => None,
                other => panic!("{other}"),
            };
            assert_eq!(found.as_deref(), expected, "{reason:?}");
        }
    }
}
