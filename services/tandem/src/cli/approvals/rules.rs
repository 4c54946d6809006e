//! `tandem authority approvals rules`: how many must agree to which plans, shown and changed.

mod edits;

use tandem_contracts::authority::v1::{ApprovalRules, GetApprovalRulesRequest, UpdateApprovalRulesRequest};
use tandem_domain::workload::Workload;

use self::edits::Edits;
use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::Session;
use crate::cli::why::Why;
use crate::cli::words;

/// What to do with the rules.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RulesCommand {
    /// Change the rules that are named; the others stay
    Set {
        #[command(flatten)]
        edits: Edits,
        #[command(flatten)]
        why: Why,
    },
}

/// Shows them, after the change that was asked for.
pub(super) async fn run(command: Option<RulesCommand>, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut rules = get(session).await?;
    if let Some(RulesCommand::Set { edits, why }) = command {
        // The etag refuses a change of somebody else meanwhile.
        let request = UpdateApprovalRulesRequest {
            rules: Some(edits.made_to(rules).map_err(CliError::Usage)?),
            request_id: uuid::Uuid::new_v4().to_string(),
            justification: Some(why.into()),
        };
        let answer = session.connection.approvals().update_approval_rules(request).await?.into_inner();
        rules = answer.rules.unwrap_or_default();
    }
    session.screen.show(&rules, show)
}

async fn get(session: &Session<'_>) -> Result<ApprovalRules, CliError> {
    session.check_tenant().await?;
    let request = GetApprovalRulesRequest { name: format!("{}/approvalRules", session.parent()) };
    let answer = session.connection.approvals().get_approval_rules(request).await?.into_inner();
    Ok(answer.rules.unwrap_or_default())
}

fn show(screen: &mut Screen<'_>, rules: &ApprovalRules) -> Result<(), CliError> {
    let set = match rules.update_time {
        None => "by nobody: these are the defaults".to_owned(),
        time => format!("{} by {}", words::moment(time), words::text(&rules.updated_by)),
    };
    screen.details(vec![
        ["Rules".to_owned(), rules.name.clone()],
        ["Set".to_owned(), set],
        ["Etag".to_owned(), words::text(&rules.etag)],
    ])?;
    let rows = rows(rules);
    if rows.is_empty() {
        return screen.line("\nNo plan needs an approval: whoever may plan applies it alone.");
    }
    let columns = [Column::Text("A PLAN THAT"), Column::Number("APPROVALS")];
    screen.section("The strictest of these that is met decides", &columns, rows)
}

/// The rules that ask for an approval.
fn rows(rules: &ApprovalRules) -> Vec<Row> {
    let devices = rules.devices.iter().map(|threshold| {
        (format!("changes the holder on {} devices or more", threshold.at_least), threshold.approvals)
    });
    let workloads = rules
        .workloads
        .iter()
        .map(|entry| (format!("moves {}", words::word(entry.workload, Workload::id)), entry.approvals));
    let full_switch = "moves a slider to intune, for every co-managed device".to_owned();
    devices
        .chain(workloads)
        .chain([(full_switch, rules.full_switch)])
        .filter(|(_, approvals)| *approvals > 0)
        .map(|(what, approvals)| vec![what, approvals.to_string()])
        .collect()
}
