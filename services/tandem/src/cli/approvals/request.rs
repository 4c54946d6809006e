//! `tandem authority approvals request`: asks others to approve a plan.

use tandem_contracts::authority::v1::RequestApprovalRequest;

use super::{advised, show};
use crate::cli::failure::CliError;
use crate::cli::reading::Reading;
use crate::cli::session::Session;
use crate::cli::waiting::days_or_hours;
use crate::cli::why::Why;

/// What to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    reading: Reading,
    /// For how long it may be answered and used: days such as 3d or hours such as 12h, 1h to 30d; unset: 7d
    #[arg(long, value_name = "DAYS|HOURS", value_parser = days_or_hours)]
    valid_for: Option<i64>,
    /// The last approval applies the plan
    #[arg(long)]
    apply_when_approved: bool,
    #[command(flatten)]
    why: Why,
}

/// Asks, and shows the request.
pub(super) async fn run(args: RequestArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let plan = args.reading.plan(session).await?;
    let hash = args.reading.hash(&plan, "asks others to approve this plan", session).await?;
    let request = RequestApprovalRequest {
        plan: plan.name.clone(),
        hash,
        valid_for: args.valid_for.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        apply_when_approved: args.apply_when_approved,
        // Sent again after a broken connection, it is asked once.
        request_id: uuid::Uuid::new_v4().to_string(),
        justification: Some(args.why.into()),
    };
    let answer = session.connection.approvals().request_approval(request).await;
    let answer = answer.map_err(|refusal| advised(refusal.into(), &plan))?.into_inner();
    session.screen.show(&answer.approval_request.unwrap_or_default(), show::request_and_step)
}
