//! `tandem authority approve`, `reject` and `break-glass`: what somebody does about a plan whose approval was asked for.

use tandem_contracts::authority::v1::{ApprovePlanRequest, BreakGlassRequest, Plan, RejectPlanRequest};
use uuid::Uuid;

use super::{advised, request_of, show};
use crate::cli::failure::CliError;
use crate::cli::reading::Reading;
use crate::cli::session::Session;
use crate::cli::why::{Because, Why};

/// What to agree to.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    why: Why,
}

/// What to refuse or to force, which is never done without a reason.
#[derive(Debug, clap::Args)]
pub(crate) struct ReasonedArgs {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    because: Because,
}

/// Says yes.
pub(in crate::cli) async fn approve(args: ApproveArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (plan, hash) = read(&args.reading, "approves this plan", session).await?;
    let request = ApprovePlanRequest {
        plan: plan.name.clone(),
        hash,
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.why.into()),
    };
    let answer = session.connection.approvals().approve_plan(request).await;
    let answer = answer.map_err(|refusal| advised(refusal.into(), &plan))?.into_inner();
    session.screen.show(&answer, |screen, answer| {
        show::request_and_step(screen, &answer.approval_request.clone().unwrap_or_default())
    })
}

/// Says no.
pub(in crate::cli) async fn reject(args: ReasonedArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (plan, hash) = read(&args.reading, "rejects this plan", session).await?;
    let request = RejectPlanRequest {
        plan: plan.name.clone(),
        hash,
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.because.into()),
    };
    let answer = session.connection.approvals().reject_plan(request).await;
    let answer = answer.map_err(|refusal| advised(refusal.into(), &plan))?.into_inner();
    session.screen.show(&answer.approval_request.unwrap_or_default(), show::request_and_step)
}

/// Goes ahead without the approvals that are missing.
pub(in crate::cli) async fn break_glass(
    args: ReasonedArgs,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let deed = "goes ahead without the approvals that are missing, on record and with an alert";
    let (plan, hash) = read(&args.reading, deed, session).await?;
    let request = BreakGlassRequest {
        plan: plan.name.clone(),
        hash,
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.because.into()),
    };
    let answer = session.connection.approvals().break_glass(request).await;
    let answer = answer.map_err(|refusal| advised(refusal.into(), &plan))?.into_inner();
    session.screen.show(&answer.approval_request.unwrap_or_default(), |screen, request| {
        screen.details(show::details(request))?;
        screen.line("\nThe plan may go ahead without approval: that is on record, and raises an alert.")?;
        show::step(screen, request)
    })
}

/// The plan, and the hash of what the caller has read of it. Whoever is asked sees who asks them, and why.
async fn read(reading: &Reading, deed: &str, session: &mut Session<'_>) -> Result<(Plan, String), CliError> {
    let plan = reading.plan(session).await?;
    if reading.is_asking() {
        let request = request_of(&plan.name, session).await;
        let request = request.map_err(|refusal| advised(refusal.into(), &plan))?;
        session.screen.details(show::details(&request))?;
        session.screen.line("")?;
    }
    let hash = reading.hash(&plan, deed, session).await?;
    Ok((plan, hash))
}
