//! `tandem authority approvals request`: asks others to approve a plan.

use tandem_contracts::authority::v1::RequestApprovalRequest;

use super::{advised, show};
use crate::cli::failure::CliError;
use crate::cli::reading::Reading;
use crate::cli::session::Session;
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

/// A number of days or hours, in seconds.
fn days_or_hours(text: &str) -> Result<i64, String> {
    let unit = |suffix, seconds: i64| text.strip_suffix(suffix).map(|number| (number, seconds));
    let (number, seconds) = unit("d", 24 * 3600).or_else(|| unit("h", 3600)).unwrap_or_default();
    let said = number.parse::<u32>().ok().filter(|number| *number > 0);
    // No number of either overflows.
    said.map(|number| i64::from(number) * seconds)
        .ok_or_else(|| format!("expected a number of days or hours, such as 3d or 12h, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_a_number_of_days_or_hours() {
        let table = [("3d", 259_200), ("12h", 43_200), ("1h", 3600), ("4294967295d", 371_085_174_288_000)];
        for (text, seconds) in table {
            assert_eq!(days_or_hours(text), Ok(seconds), "{text}");
        }
        for text in ["", "7", "d", "0d", "0h", "1.5d", "-1d", "3 d", "3D", "5m", "1d12h", "4294967296d"] {
            let expected = format!("expected a number of days or hours, such as 3d or 12h, found `{text}`");
            assert_eq!(days_or_hours(text), Err(expected));
        }
    }
}
