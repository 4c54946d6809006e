//! `tandem prerequisites custom`: rules of one's own, kept and asked of every device.

use tandem_contracts::prerequisites::v1::{
    CheckCustomRuleRequest, CreateCustomRuleRequest, CustomFinding, CustomOutcome, CustomRule,
    CustomRuleSummary, DeleteCustomRuleRequest, DeleteCustomRuleResponse, GetCustomRuleRequest,
    ListCustomRulesRequest, ListCustomRulesResponse, Severity, UpdateCustomRuleRequest,
};
use tonic::Code;

use super::trial;
use crate::cli::failure::CliError;
use crate::cli::listing::{Limit, list};
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::Session;
use crate::cli::words;

/// What to do with rules of your own.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CustomCommand {
    /// List the rules
    List(Limit),
    /// Show a rule
    Show(RuleArgs),
    /// Make a rule, or change it; a new one is not enabled
    Set(SetArgs),
    /// Judge every device by a rule from now on; says first what it says of the fleet
    Enable(RuleArgs),
    /// Judge no device by a rule any more; the rule stays
    Disable(RuleArgs),
    /// Delete a rule
    Delete(RuleArgs),
}

/// Which rule.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Its id
    rule: String,
}

/// A rule; what is left out stays as it is, or empty.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// Its id: letters, digits, `-` and `_`
    rule: String,
    /// True of a device that satisfies the rule, such as "device.os_build >= 26100 || device.os_kind == 'server'"; of a new rule required
    expression: Option<String>,
    /// What people call it
    #[arg(long)]
    display_name: Option<String>,
    /// How much it weighs; of a new rule: warning
    #[arg(long, value_parser = words::severities())]
    severity: Option<Severity>,
    /// What to do about a device that does not satisfy it
    #[arg(long)]
    remediation: Option<String>,
}

/// Does it.
pub(super) async fn run(command: CustomCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        CustomCommand::List(limit) => show_list(limit, session).await,
        CustomCommand::Show(RuleArgs { rule }) => {
            let rule = fetch(&rule, session).await?;
            session.screen.show(&rule, shown)
        }
        CustomCommand::Set(args) => set(args, session).await,
        CustomCommand::Enable(RuleArgs { rule }) => enable(&rule, session).await,
        CustomCommand::Disable(RuleArgs { rule }) => {
            let rule = CustomRule { enabled: false, ..fetch(&rule, session).await? };
            let rule = update(rule, session).await?;
            session.screen.show(&rule, shown)
        }
        CustomCommand::Delete(RuleArgs { rule }) => {
            let name = name(&rule, session);
            let request = DeleteCustomRuleRequest { name: name.clone(), ..Default::default() };
            let answer: DeleteCustomRuleResponse =
                session.connection.custom_rules().delete_custom_rule(request).await?.into_inner();
            session.screen.show(&answer, |screen, _| screen.line(&format!("deleted {name}")))
        }
    }
}

/// The resource name of a rule of the session's tenant.
pub(super) fn name(rule: &str, session: &Session<'_>) -> String {
    format!("{}/customRules/{rule}", session.parent())
}

async fn fetch(rule: &str, session: &Session<'_>) -> Result<CustomRule, CliError> {
    let request = GetCustomRuleRequest { name: name(rule, session), ..Default::default() };
    let answer = session.connection.custom_rules().get_custom_rule(request).await?.into_inner();
    Ok(answer.custom_rule.unwrap_or_default())
}

/// Replaces a rule as it was read: one that somebody else changed meanwhile is refused.
async fn update(rule: CustomRule, session: &Session<'_>) -> Result<CustomRule, CliError> {
    let request = UpdateCustomRuleRequest { custom_rule: Some(rule), ..Default::default() };
    let answer = session.connection.custom_rules().update_custom_rule(request).await?.into_inner();
    Ok(answer.custom_rule.unwrap_or_default())
}

async fn set(args: SetArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let SetArgs { rule: id, expression, display_name, severity, remediation } = args;
    let request = GetCustomRuleRequest { name: name(&id, session), ..Default::default() };
    let known = match session.connection.custom_rules().get_custom_rule(request).await {
        Ok(answer) => answer.into_inner().custom_rule,
        Err(status) if status.code() == Code::NotFound => None,
        Err(status) => return Err(status.into()),
    };
    let rule = match known {
        Some(known) => {
            let rule = CustomRule {
                display_name: display_name.unwrap_or(known.display_name),
                expression: expression.unwrap_or(known.expression),
                severity: severity.map_or(known.severity, i32::from),
                remediation: remediation.unwrap_or(known.remediation),
                ..known
            };
            update(rule, session).await?
        }
        None => {
            let missing =
                || CliError::Usage(format!("there is no rule {id}: a new one needs its expression"));
            let rule = CustomRule {
                name: name(&id, session),
                display_name: display_name.unwrap_or_default(),
                expression: expression.ok_or_else(missing)?,
                severity: severity.unwrap_or(Severity::Warning).into(),
                remediation: remediation.unwrap_or_default(),
                ..CustomRule::default()
            };
            let request = CreateCustomRuleRequest { custom_rule: Some(rule), ..Default::default() };
            let answer = session.connection.custom_rules().create_custom_rule(request).await?.into_inner();
            answer.custom_rule.unwrap_or_default()
        }
    };
    session.screen.show(&rule, shown)
}

async fn enable(rule: &str, session: &mut Session<'_>) -> Result<(), CliError> {
    let rule = fetch(rule, session).await?;
    let request = CheckCustomRuleRequest {
        parent: session.parent(),
        expression: rule.expression.clone(),
        ..CheckCustomRuleRequest::default()
    };
    let trial = session.connection.custom_rules().check_custom_rule(request).await?.into_inner();
    let rule = update(CustomRule { enabled: true, ..rule }, session).await?;
    session.screen.show(&rule, |screen, rule| {
        shown(screen, rule)?;
        trial::devices(screen, &trial)
    })
}

async fn show_list(limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    let (parent, mut client) = (session.parent(), session.connection.custom_rules());
    let columns = ["RULE", "SHOWN AS", "SEVERITY", "ENABLED", "WHAT MUST HOLD"].map(Column::Text);
    let rows = |page: &ListCustomRulesResponse| page.custom_rules.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let parent = parent.clone();
        client
            .list_custom_rules(ListCustomRulesRequest { parent, page_size, page_token, ..Default::default() })
            .await
    })
    .await
}

fn row(rule: &CustomRule) -> Row {
    vec![
        words::last_part(&rule.name),
        rule.display_name.clone(),
        words::severity(rule.severity),
        words::yes_no(rule.enabled),
        rule.expression.clone(),
    ]
}

fn shown(screen: &mut Screen<'_>, rule: &CustomRule) -> Result<(), CliError> {
    let mut details = vec![
        ["Rule".to_owned(), rule.name.clone()],
        ["Shown as".to_owned(), rule.display_name.clone()],
        ["What must hold".to_owned(), rule.expression.clone()],
        ["Severity".to_owned(), words::severity(rule.severity)],
        ["What mends it".to_owned(), words::text(&rule.remediation)],
        ["Enabled".to_owned(), words::yes_no(rule.enabled)],
        ["Made".to_owned(), format!("{} by {}", words::moment(rule.create_time), rule.created_by)],
        ["Changed".to_owned(), format!("{} by {}", words::moment(rule.update_time), rule.updated_by)],
    ];
    if !rule.problem.is_empty() {
        details.push(["Problem".to_owned(), rule.problem.clone()]);
    }
    screen.details(details)
}

/// What came of rules of one's own, of a device.
pub(super) fn findings(
    screen: &mut Screen<'_>,
    verdict: i32,
    findings: &[CustomFinding],
) -> Result<(), CliError> {
    if findings.is_empty() {
        return Ok(());
    }
    let columns = ["RULE", "SEVERITY", "OUTCOME", "WHY", "WHAT MENDS IT"].map(Column::Text);
    let title = format!("Rules of your own: {}", words::verdict(verdict));
    screen.section(&title, &columns, findings.iter().map(finding).collect())
}

fn finding(finding: &CustomFinding) -> Row {
    let why = match finding.outcome() {
        CustomOutcome::Unknown => format!("nobody said {}", finding.missing_fact),
        CustomOutcome::Failed => finding.failure.clone(),
        _ => String::new(),
    };
    vec![
        finding.display_name.clone(),
        words::severity(finding.severity),
        words::custom_outcome(finding.outcome),
        words::text(&why),
        words::text(&finding.remediation),
    ]
}

/// What came of rules of one's own, of a fleet.
pub(super) fn fleet(screen: &mut Screen<'_>, rules: &[CustomRuleSummary]) -> Result<(), CliError> {
    if rules.is_empty() {
        return Ok(());
    }
    let columns = [
        Column::Text("RULE"),
        Column::Text("SEVERITY"),
        Column::Number("SATISFIED"),
        Column::Number("UNSATISFIED"),
        Column::Number("UNKNOWN"),
        Column::Number("FAILED"),
        Column::Number("NOT JUDGED YET"),
        Column::Text("WHAT MENDS IT"),
    ];
    let row = |rule: &CustomRuleSummary| {
        let mut row = vec![rule.display_name.clone(), words::severity(rule.severity)];
        let counts = [rule.satisfied, rule.unsatisfied, rule.unknown, rule.failed, rule.pending];
        row.extend(counts.map(|devices| devices.to_string()));
        row.push(words::text(&rule.remediation));
        row
    };
    screen.section("Rules of your own", &columns, rules.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown as shown_on};
    use crate::cli::words::NOTHING;

    #[test]
    fn finding_says_what_is_missing_or_why_it_failed() {
        let found = CustomFinding {
            display_name: "An owner".into(),
            severity: Severity::Blocking.into(),
            outcome: CustomOutcome::Unknown.into(),
            missing_fact: "device.owner".into(),
            ..CustomFinding::default()
        };
        assert_eq!(finding(&found), ["An owner", "blocking", "unknown", "nobody said device.owner", NOTHING]);
        let failed = CustomFinding {
            outcome: CustomOutcome::Failed.into(),
            failure: "Division by zero of Int(1)".into(),
            ..found
        };
        assert_eq!(finding(&failed)[2..4], ["failed", "Division by zero of Int(1)"]);
    }

    #[test]
    fn rule_that_cannot_be_read_any_more_says_so() {
        let rule = CustomRule {
            name: "tenants/t/customRules/old".into(),
            problem: "line 1, column 1: expected a fact of a device, found `device.gone`".into(),
            ..CustomRule::default()
        };
        let text = shown_on(Output::Table, |screen| shown(screen, &rule));
        assert!(text.contains("found `device.gone`"), "{text}");
        assert_eq!(row(&rule)[0], "old");
    }
}
