//! `tandem authority approvals`: who must agree to which plans, who was asked, and what they said. `tandem authority approve`, `reject` and
//! `break-glass` answer.

mod answer;
mod request;
mod rules;
mod show;
mod step;

use tandem_client::ApiError;
use tandem_contracts::authority::v1::{
    ApprovalRequest, GetApprovalRequestRequest, ListApprovalRequestsRequest, ListApprovalRequestsResponse,
    Plan,
};
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::id::HierarchyId;
use tonic::Status;

use self::request::RequestArgs;
use self::rules::RulesCommand;
use super::failure::CliError;
use super::listing::{Limit, list};
use super::plans::PlanRef;
use super::screen::Column;
use super::session::Session;

pub(super) use self::answer::{ApproveArgs, ReasonedArgs, approve, break_glass, reject};
pub(super) use self::step::Step;

/// What to do with approvals.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List the plans of a hierarchy whose approval was asked for, newest request first
    List {
        /// The hierarchy
        hierarchy: HierarchyId,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show who was asked to approve a plan, who has, and what became of it
    Get {
        /// The plan as HIERARCHY/ID, or its resource name
        #[arg(value_name = "PLAN")]
        plan: PlanRef,
    },
    /// Ask others to approve a plan
    Request(RequestArgs),
    /// Show how many must agree to which plans, or change it
    #[command(args_conflicts_with_subcommands = true)]
    Rules {
        /// What to do with the rules; left out: show them
        #[command(subcommand)]
        command: Option<RulesCommand>,
    },
}

/// Answers.
pub(super) async fn run(command: ApprovalsCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        ApprovalsCommand::List { hierarchy, limit } => show_list(&hierarchy, limit, session).await,
        ApprovalsCommand::Get { plan } => {
            let request = request_of(&plan.name(&session.tenant), session).await?;
            session.screen.show(&request, show::request_and_step)
        }
        ApprovalsCommand::Request(args) => request::run(args, session).await,
        ApprovalsCommand::Rules { command } => rules::run(command, session).await,
    }
}

/// Reads the request for a plan's approval.
pub(super) async fn request_of(plan: &str, session: &Session<'_>) -> Result<ApprovalRequest, Status> {
    let request = GetApprovalRequestRequest { name: format!("{plan}/approvalRequest") };
    let answer = session.connection.approvals().get_approval_request(request).await?.into_inner();
    Ok(answer.approval_request.unwrap_or_default())
}

/// The refusal, with the command that goes on from it where there is one.
pub(super) fn advised(error: ApiError, plan: &Plan) -> CliError {
    use ErrorReason as R;
    let is_request =
        error.resource.as_ref().is_some_and(|missing| missing.resource_type.ends_with(".ApprovalRequest"));
    let step = match error.known_reason() {
        Some(R::ResourceNotFound) if is_request => Step::Request,
        Some(R::ApprovalExpired) => Step::Request,
        Some(R::ApprovalPending | R::ApprovalRejected | R::AlreadyApproved) => Step::Get,
        Some(R::NoApprovalNeeded) if plan.apply_time.is_none() => Step::Apply,
        _ => return error.into(),
    };
    CliError::Advised(Box::new(error), step.advice(&plan.name, &plan.hash))
}

async fn show_list(hierarchy: &HierarchyId, limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    session.check_hierarchy(hierarchy).await?;
    let (parent, mut client) = (session.hierarchy(hierarchy), session.connection.approvals());
    let columns = ["PLAN", "ASKED", "BY", "WHY", "STATE", "APPROVALS", "EXPIRES"].map(Column::Text);
    let rows = |page: &ListApprovalRequestsResponse| page.approval_requests.iter().map(show::row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListApprovalRequestsRequest { parent: parent.clone(), page_size, page_token };
        client.list_approval_requests(request).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_server::Failure;

    /// The advice of a refusal about a plan that was applied already, or not.
    fn advice(failure: Failure, is_applied: bool) -> Option<String> {
        let plan = Plan {
            name: "tenants/default/hierarchies/PS1/plans/3f".into(),
            hash: "3fa9".into(),
            apply_time: is_applied.then(prost_types::Timestamp::default),
            ..Plan::default()
        };
        let refusal = ApiError::from(Status::from(failure));
        match advised(refusal.clone(), &plan) {
            CliError::Advised(error, advice) if *error == refusal => Some(advice),
            CliError::Api(error) if *error == refusal => None,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn refusal_is_said_with_the_command_that_goes_on_from_it() {
        use ErrorReason as R;
        let request = Some("`tandem authority approvals request PS1/3f --hash 3fa9` asks for approval");
        let get = Some("`tandem authority approvals get PS1/3f` shows who said what");
        let apply = Some("`tandem authority apply PS1/3f --hash 3fa9` applies it");
        let table = [
            (R::ApprovalExpired, false, request),
            (R::ApprovalPending, false, get),
            (R::ApprovalRejected, false, get),
            (R::AlreadyApproved, false, get),
            (R::NoApprovalNeeded, false, apply),
            (R::NoApprovalNeeded, true, None),
            (R::SelfApproval, false, None),
            (R::PlanBaseChanged, false, None),
        ];
        for (reason, is_applied, expected) in table {
            let unmet = Failure::Unmet {
                reason,
                name: "n".into(),
                description: "d".into(),
                expected: String::new(),
                found: String::new(),
            };
            assert_eq!(advice(unmet, is_applied).as_deref(), expected, "{reason:?}");
        }
        let missing = |resource_type| Failure::NotFound { resource_type, name: "n".into() };
        let found = advice(missing("tandem.authority.v1.ApprovalRequest"), false);
        assert_eq!(found.as_deref(), request);
        assert_eq!(advice(missing("tandem.authority.v1.Plan"), false), None);
    }
}
