//! A plan as people read it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::policy_change::Kind;
use tandem_contracts::authority::v1::{
    Plan, PlanContent, PlanFacts, PlanInvariant, PlanWarning, PolicyChange,
};
use tandem_domain::workload::Workload;

use super::impact;
use crate::cli::approvals::Step;
use crate::cli::failure::CliError;
use crate::cli::position;
use crate::cli::screen::{Paint, Screen};
use crate::cli::words::{self, NOTHING};

/// `names`: what the collections show, by their ids.
pub(in crate::cli) fn show(
    screen: &mut Screen<'_>,
    plan: &Plan,
    names: &BTreeMap<String, String>,
) -> Result<(), CliError> {
    let content = plan.content.clone().unwrap_or_default();
    screen.details(header(plan, &content))?;
    changes(screen, &content.changes)?;
    impact::workloads(screen, &content)?;
    impact::collections(screen, &content, names)?;
    let (depending, holding): (Vec<_>, Vec<_>) =
        content.warnings.iter().partition(|warning| !warning.depends_on.is_empty());
    warnings(screen, "Warnings", holding)?;
    warnings(screen, "Warnings that depend on what nobody said", depending)?;
    invariants(screen, &content.invariants)?;
    screen.line("")?;
    let summary = screen.painted(Paint::Strong, &format!("Plan: {}", summary(&content)));
    screen.line(&summary)?;
    if plan.apply_time.is_some() {
        return Ok(());
    }
    Step::Apply.show(screen, &plan.name, &plan.hash)
}

fn header(plan: &Plan, content: &PlanContent) -> Vec<[String; 2]> {
    let mut details = [
        ["Plan", &plan.name],
        ["Hash", &plan.hash],
        ["Base", &base(content)],
        ["Fleet", &format!("{}, revision {}", devices(content.devices), content.inventory_revision)],
        ["Made", &format!("{} by {}", words::moment(plan.create_time), words::text(&plan.created_by))],
    ]
    .map(|row| row.map(str::to_owned))
    .to_vec();
    if plan.apply_time.is_some() {
        let applied = format!("{} by {}", words::moment(plan.apply_time), words::text(&plan.applied_by));
        details.push(["Applied".to_owned(), applied]);
    }
    let said = said(&content.facts.clone().unwrap_or_default());
    if !said.is_empty() {
        details.push(["Said".to_owned(), said.join(", ")]);
    }
    details
}

/// What the plan was made from.
fn base(content: &PlanContent) -> String {
    let configured = match content.configured_revision {
        0 => "nobody said what is configured".to_owned(),
        revision => format!("configured revision {revision}"),
    };
    let desired = match content.desired_revision {
        0 => "nothing is desired yet".to_owned(),
        revision => format!("desired revision {revision}"),
    };
    format!("{configured}, {desired}")
}

fn devices(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} device{plural}")
}

/// What the operator said of the tenant.
fn said(facts: &PlanFacts) -> Vec<String> {
    let listed = |what: &str, workloads: &[i32]| {
        let names: Vec<&str> =
            workloads.iter().map(|workload| words::word(*workload, Workload::id)).collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(" ")))
    };
    let answered =
        |what: &str, answer: Option<bool>| answer.map(|answer| format!("{what}: {}", words::yes_no(answer)));
    [
        listed("deployed at Intune", &facts.deployed_at_intune),
        listed("deployed at Configuration Manager", &facts.deployed_at_configuration_manager),
        answered("Conditional Access", facts.conditional_access),
        answered("Autopatch", facts.autopatch),
        answered("Store apps", facts.store_apps),
        answered("Autopilot", facts.autopilot),
        answered("Autopilot override", facts.autopilot_override),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What moves, and its place before and after. `None`: nobody said, or the proposed policy does not say.
struct Move {
    what: &'static str,
    before: Option<String>,
    after: Option<String>,
}

fn changes(screen: &mut Screen<'_>, changes: &[PolicyChange]) -> Result<(), CliError> {
    let moves: Vec<Move> = changes.iter().filter_map(|change| change.kind.as_ref()).map(moved).collect();
    if moves.is_empty() {
        return screen.line("\nNo changes: what is proposed is what is configured.");
    }
    screen.line("\nChanges")?;
    let width = moves.iter().map(|change| change.what.len()).max().unwrap_or_default();
    for Move { what, before, after } in moves {
        let (paint, mark, places) = match (before, after) {
            (None, after) => (Paint::Added, '+', after.unwrap_or_else(|| NOTHING.to_owned())),
            (Some(before), None) => (Paint::Removed, '-', before),
            (Some(before), Some(after)) => (Paint::Changed, '~', format!("{before} -> {after}")),
        };
        let line = screen.painted(paint, &format!("  {mark} {what:width$}  {places}"));
        screen.line(&line)?;
    }
    Ok(())
}

fn moved(kind: &Kind) -> Move {
    let co_management = |said: Option<bool>| said.map(|_| position::co_management(said).to_owned());
    match kind {
        Kind::Enabled(change) => Move {
            what: "co_management",
            before: co_management(change.before),
            after: co_management(change.after),
        },
        Kind::AutoEnrollment(change) => Move {
            what: "auto_enrollment",
            before: change.before.as_ref().map(|said| position::enrollment(Some(said))),
            after: change.after.as_ref().map(|said| position::enrollment(Some(said))),
        },
        Kind::Workload(change) => Move {
            what: words::word(change.after.as_ref().map_or(0, |after| after.workload), Workload::id),
            before: change.before.as_ref().map(position::setting),
            after: change.after.as_ref().map(position::setting),
        },
    }
}

/// Warnings of a plan or of a hand-over.
pub(in crate::cli) fn warnings<'a>(
    screen: &mut Screen<'_>,
    title: &str,
    warnings: impl IntoIterator<Item = &'a PlanWarning>,
) -> Result<(), CliError> {
    let mut warnings = warnings.into_iter().peekable();
    if warnings.peek().is_some() {
        screen.line(&format!("\n{title}"))?;
    }
    for warning in warnings {
        let workloads = warning.workloads.iter().map(|workload| words::word(*workload, Workload::id));
        let about: Vec<&str> = workloads.chain(warning.collections.iter().map(String::as_str)).collect();
        let about = if about.is_empty() { String::new() } else { format!(": {}", about.join(", ")) };
        let text = screen.painted(Paint::Changed, &format!("  ! {}{about}", warning.text));
        screen.line(&text)?;
        let depends = match warning.depends_on.as_str() {
            "" => String::new(),
            on => format!("; depends on {on}"),
        };
        screen.line(&format!("    {} ({}){depends}", warning.id, warning.source))?;
    }
    Ok(())
}

fn invariants(screen: &mut Screen<'_>, invariants: &[PlanInvariant]) -> Result<(), CliError> {
    if invariants.is_empty() {
        return Ok(());
    }
    screen.line("\nVerified")?;
    for invariant in invariants {
        let (paint, verdict) = match invariant.violations {
            0 => (Paint::Added, "holds".to_owned()),
            broken => (Paint::Removed, format!("BROKEN on {}", devices(broken))),
        };
        let verdict = screen.painted(paint, &verdict);
        screen.line(&format!("  {verdict}  {}", invariant.text))?;
    }
    Ok(())
}

/// What a plan comes to, on one line.
pub(in crate::cli) fn summary(content: &PlanContent) -> String {
    let held_back = content.workloads.iter().map(|impact| impact.held_back);
    // A device may be held back for several workloads, and is counted for each.
    let most = match held_back.clone().filter(|devices| *devices > 0).count() {
        0 | 1 => String::new(),
        _ => "at least ".to_owned(),
    };
    let held_back = held_back.max().unwrap_or_default();
    let (affected, warnings) = (content.devices_affected, content.warnings.len());
    let (verb, plural) =
        (if affected == 1 { "changes" } else { "change" }, if warnings == 1 { "" } else { "s" });
    format!(
        "{} {verb} holder (of {}), {most}{held_back} held back, {warnings} warning{plural}",
        devices(affected),
        content.devices
    )
}
