//! `tandem authority handover`: the work that makes a hierarchy's configured policy the desired one.

use std::path::{Path, PathBuf};

use tandem_contracts::authority::v1::{GetHandoverRequest, GetHandoverResponse, Handover, HandoverCheck};
use tandem_domain::id::HierarchyId;
use tonic::Status;

use super::failure::CliError;
use super::plan;
use super::screen::{Column, Paint, Row, Screen};
use super::session::Session;
use super::words;
use crate::printable::printable;

/// Which work, and where its script goes.
#[derive(Debug, clap::Args)]
pub(crate) struct HandoverArgs {
    /// The hierarchy
    hierarchy: HierarchyId,
    /// Write the script that creates a first policy to this file, instead of showing it
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// Shows the work, and writes its script where asked to.
pub(super) async fn run(args: &HandoverArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = format!("{}/desiredPolicy", session.hierarchy(&args.hierarchy));
    let mut answer = get(name, String::new(), session).await?;
    let Some(file) = &args.script else { return session.screen.show(&answer, show) };
    let work = answer.handover.get_or_insert_default();
    write(file, work)?;
    if !session.screen.is_json() {
        work.creation_script.clear();
    }
    session.screen.show(&answer, show)?;
    session.screen.note(&format!("the script is in {}", file.display()))
}

/// Reads the work, at least of the world of the token.
pub(super) async fn get(
    name: String,
    consistency_token: String,
    session: &Session<'_>,
) -> Result<GetHandoverResponse, Status> {
    let request = GetHandoverRequest { name, consistency_token };
    Ok(session.connection.plans().get_handover(request).await?.into_inner())
}

fn write(file: &Path, work: &Handover) -> Result<(), CliError> {
    if work.creation_script.is_empty() {
        let why = match work.creation_obstacles.join("; ") {
            none if none.is_empty() => "none is needed".to_owned(),
            obstacles => obstacles,
        };
        return Err(CliError::Failed(format!("there is no script to write: {why}")));
    }
    std::fs::write(file, &work.creation_script)
        .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", file.display())))
}

pub(super) fn show(screen: &mut Screen<'_>, answer: &GetHandoverResponse) -> Result<(), CliError> {
    let work = answer.handover.clone().unwrap_or_default();
    let title = screen.painted(Paint::Strong, &title(answer));
    screen.line(&title)?;
    if work.done {
        return screen.line("Nothing is to be done: the hierarchy is configured as desired.");
    }
    let columns = [Column::Number("NO."), Column::Text("IN THE CONSOLE"), Column::Text("WHAT TO DO")];
    screen.section("Steps", &columns, steps(&work))?;
    if !work.creation_script.is_empty() {
        screen.line("\nThe script that creates the policy, before the steps")?;
        for line in work.creation_script.lines() {
            screen.line(&printable(line))?;
        }
    }
    if !work.creation_obstacles.is_empty() {
        screen.line("\nNo script creates the policy")?;
        for obstacle in &work.creation_obstacles {
            screen.line(&format!("  {obstacle}"))?;
        }
    }
    plan::warnings(screen, "Warnings", &work.warnings)?;
    let columns = ["", "WHAT HAS TO HOLD", "AT THE SITE", "AT THE CLIENT OR IN THE CLOUD"].map(Column::Text);
    screen.section("To check afterwards", &columns, work.checks.iter().map(check).collect())
}

fn title(answer: &GetHandoverResponse) -> String {
    let from = match answer.configured_revision {
        0 => "nobody said what is configured".to_owned(),
        revision => format!("configured revision {revision}"),
    };
    format!("Hand-over: from {from} to desired revision {}", answer.desired_revision)
}

fn steps(work: &Handover) -> Vec<Row> {
    let numbered = work.console.iter().zip(1..);
    numbered
        .map(|(step, number): (_, u32)| vec![number.to_string(), step.path.clone(), step.instruction.clone()])
        .collect()
}

fn check(check: &HandoverCheck) -> Row {
    vec!["[ ]".to_owned(), check.claim.clone(), check.at_site.clone(), words::text(&check.at_client_or_cloud)]
}
