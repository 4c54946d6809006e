//! `tandem authority apply`: a plan's policy becomes what is desired of its hierarchy. Nothing changes in the hierarchy by it: the hand-over
//! says what is to be done there.

use tandem_client::ApiError;
use tandem_contracts::authority::v1::{ApplyPlanRequest, ApplyPlanResponse, Plan};
use tandem_contracts::r#type::v1::ErrorReason;
use tonic::Status;

use super::approvals::{self, Step};
use super::failure::CliError;
use super::reading::Reading;
use super::session::Session;
use super::why::Why;
use super::{desired, handover, plan};

/// What to apply.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    why: Why,
}

/// Applies it, and shows what is desired now and what follows.
pub(super) async fn run(args: ApplyArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let plan = args.reading.plan(session).await?;
    let hash = args.reading.hash(&plan, "applies this plan", session).await?;
    let request = ApplyPlanRequest {
        name: plan.name.clone(),
        hash,
        configured_revision: plan.content.as_ref().map_or(0, |content| content.configured_revision),
        // Sent again after a broken connection, it is applied once.
        request_id: uuid::Uuid::new_v4().to_string(),
        justification: Some(args.why.into()),
    };
    match session.connection.plans().apply_plan(request).await {
        Ok(answer) => show(answer.into_inner(), session).await,
        Err(refusal) => Err(advised(refusal, &plan, session).await),
    }
}

/// The refusal, with the command that goes on from it.
async fn advised(refusal: Status, plan: &Plan, session: &Session<'_>) -> CliError {
    let error = ApiError::from(refusal);
    if error.known_reason() != Some(ErrorReason::ApprovalsMissing) {
        return approvals::advised(error, plan);
    }
    // Where it cannot be read, the refusal itself is what matters.
    let step = match plan::found(approvals::request_of(&plan.name, session).await) {
        Ok(None) => Step::Request,
        Ok(Some(_)) => Step::Get,
        Err(_) => return error.into(),
    };
    CliError::Advised(Box::new(error), step.advice(&plan.name, &plan.hash))
}

async fn show(answer: ApplyPlanResponse, session: &mut Session<'_>) -> Result<(), CliError> {
    let desired = answer.desired_policy.unwrap_or_default();
    session.screen.show(&desired, desired::show)?;
    if session.screen.is_json() {
        return Ok(());
    }
    session.screen.line("")?;
    match handover::get(desired.name, answer.consistency_token, session).await {
        Ok(answer) => handover::show(&mut session.screen, &answer),
        // The plan is applied all the same.
        Err(error) => {
            let why = CliError::from(error).line().unwrap_or_default();
            session.screen.note(&format!(
                "the hand-over could not be read, `tandem authority handover` shows it: {why}"
            ))
        }
    }
}
