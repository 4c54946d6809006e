//! `tandem prerequisites try|facts`: a rule of one's own, in CEL, asked of the fleet before anybody relies on it.

use tandem_contracts::prerequisites::v1::{
    CheckCustomRuleRequest, CheckCustomRuleResponse, ListRuleFactsRequest, ListRuleFactsResponse, RuleDevices,
};
use tandem_domain::id::HierarchyId;

use super::of_hierarchy;
use crate::cli::failure::CliError;
use crate::cli::listing::{Limit, list};
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::Session;
use crate::cli::words::{self, NOTHING};

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct TryArgs {
    /// True of a device that satisfies the rule, such as "device.os_build >= 26100 || device.os_kind == 'server'"
    expression: String,
    /// Only of devices of this hierarchy
    #[arg(long, conflicts_with = "validate_only")]
    hierarchy: Option<HierarchyId>,
    /// Check the expression alone, and ask it of no device
    #[arg(long)]
    validate_only: bool,
}

/// Tries a rule.
pub(super) async fn try_out(args: TryArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let request = CheckCustomRuleRequest {
        parent: session.parent(),
        expression: args.expression,
        filter: of_hierarchy(args.hierarchy, session).await?,
        validate_only: args.validate_only,
        ..CheckCustomRuleRequest::default()
    };
    let answer = session.connection.custom_rules().check_custom_rule(request).await?.into_inner();
    session.screen.show(&answer, shown)
}

fn shown(screen: &mut Screen<'_>, answer: &CheckCustomRuleResponse) -> Result<(), CliError> {
    screen.details(vec![
        ["Reads".to_owned(), words::text(&answer.facts.join(", "))],
        ["Nodes".to_owned(), format!("{} of 200", answer.nodes)],
    ])?;
    if answer.satisfied.is_none() {
        return screen.line("The expression is a rule; no device was asked.");
    }
    devices(screen, answer)
}

/// What a rule says of the devices.
pub(super) fn devices(screen: &mut Screen<'_>, answer: &CheckCustomRuleResponse) -> Result<(), CliError> {
    let outcomes = [
        ("satisfied", &answer.satisfied),
        ("unsatisfied", &answer.unsatisfied),
        ("unknown", &answer.unknown),
        ("failed", &answer.failed),
    ];
    let rows = outcomes.map(|(outcome, devices)| row(outcome, devices.as_ref()));
    let columns = [Column::Text("OUTCOME"), Column::Number("DEVICES"), Column::Text("SUCH AS")];
    screen.section("Devices", &columns, rows.into())?;
    let reasons = answer.missing_facts.iter().map(|of| (format!("{} is missing", of.reason), of.devices));
    let reasons = reasons.chain(answer.failures.iter().map(|of| (of.reason.clone(), of.devices)));
    let rows: Vec<Row> = reasons.map(|(reason, devices)| vec![reason, devices.to_string()]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    screen.section("Why", &[Column::Text("REASON"), Column::Number("DEVICES")], rows)
}

/// Devices that are named of an outcome.
const NAMED: usize = 3;

fn row(outcome: &str, devices: Option<&RuleDevices>) -> Row {
    let named = devices.map(|devices| devices.named.as_slice()).unwrap_or_default();
    let names: Vec<&str> = named.iter().take(NAMED).map(|device| device.display_name.as_str()).collect();
    let count = devices.map_or(0, |devices| devices.devices);
    let shown = if names.is_empty() { NOTHING.to_owned() } else { names.join(", ") };
    vec![outcome.to_owned(), count.to_string(), shown]
}

/// Lists what rules may read.
pub(super) async fn facts(limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.custom_rules();
    let columns = ["FACT", "TYPE", "WHAT IT SAYS"].map(Column::Text);
    let rows = |page: &ListRuleFactsResponse| {
        let rows = page.facts.iter();
        rows.map(|fact| vec![format!("device.{}", fact.name), fact.r#type.clone(), fact.meaning.clone()])
            .collect()
    };
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        client.list_rule_facts(ListRuleFactsRequest { page_size, page_token }).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use tandem_contracts::prerequisites::v1::{RuleDevice, RuleReason};

    use super::*;
    use crate::cli::screen::{Output, shown as shown_on};

    #[test]
    fn outcomes_are_counted_with_examples_and_reasons() {
        let devices = |devices, names: &[&str]| {
            let named = names
                .iter()
                .map(|name| RuleDevice { display_name: (*name).to_owned(), ..RuleDevice::default() });
            Some(RuleDevices { devices, named: named.collect() })
        };
        let answer = CheckCustomRuleResponse {
            facts: vec!["owner".into()],
            nodes: 4,
            satisfied: devices(12, &["A", "B", "C", "D"]),
            unsatisfied: devices(0, &[]),
            unknown: devices(3, &["E"]),
            failed: devices(0, &[]),
            missing_facts: vec![RuleReason { reason: "device.owner".into(), devices: 3 }],
            ..CheckCustomRuleResponse::default()
        };
        let text = shown_on(Output::Table, |screen| shown(screen, &answer));
        for expected in ["4 of 200", "A, B, C\n", "device.owner is missing"] {
            assert!(text.replace(" \n", "\n").contains(expected), "{expected} in {text}");
        }
        assert_eq!(row("unsatisfied", answer.unsatisfied.as_ref()), ["unsatisfied", "0", NOTHING]);
    }
}
