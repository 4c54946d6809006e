//! `tandem authority apply`: a plan's policy becomes what is desired of its hierarchy. Nothing changes in the hierarchy by it: the hand-over
//! says what is to be done there.
//!
//! Only a plan that somebody has read is applied: they name its hash, or read it here and say yes.

use std::io::{self, BufRead, BufReader, IsTerminal};

use tandem_contracts::authority::v1::{ApplyPlanRequest, ApplyPlanResponse, Plan};
use tandem_contracts::r#type::v1::Justification;

use super::failure::CliError;
use super::plans::PlanRef;
use super::session::Session;
use super::{desired, handover, plan, plans};

/// What to apply.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    /// The plan as HIERARCHY/ID, or its resource name
    #[arg(value_name = "PLAN")]
    plan: PlanRef,
    /// The hash of the plan as it was read; without it, the plan is shown on a terminal, and applied after a `yes`
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The ticket or change that it belongs to, for the audit log
    #[arg(long, value_name = "ID", default_value = "")]
    ticket: String,
}

/// Applies it, and shows what is desired now and what follows.
pub(super) async fn run(args: ApplyArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut person = BufReader::new(io::stdin());
    run_before(is_terminal.then_some(&mut person), args, session).await
}

/// The same, before a person who can be asked, or nobody.
pub(super) async fn run_before(
    person: Option<&mut impl BufRead>,
    args: ApplyArgs,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let person = person.filter(|_| !session.screen.is_json());
    if args.hash.is_none() && person.is_none() {
        let expected = "expected --hash with the hash of the plan as it was read: nobody can be asked here";
        return Err(CliError::Usage(expected.to_owned()));
    }
    let plan = plans::get(&args.plan, session).await?;
    if let (None, Some(person)) = (&args.hash, person) {
        let names = plan::collection_names(&plan, session).await?;
        session.screen.show(&plan, |screen, plan| plan::show(screen, plan, &names))?;
        session.screen.note("only `yes` applies this plan:")?;
        agreed(person)?;
    }
    let answer = apply(args, &plan, session).await?;
    show(answer, session).await
}

/// Whether the reader of a plan agrees.
fn agreed(person: &mut impl BufRead) -> Result<(), CliError> {
    let mut said = String::new();
    person
        .read_line(&mut said)
        .map_err(|error| CliError::Failed(format!("cannot read the answer: {error}")))?;
    match said.trim() {
        "yes" => Ok(()),
        other => Err(CliError::Failed(format!("nothing was applied: expected `yes`, found `{other}`"))),
    }
}

async fn apply(args: ApplyArgs, plan: &Plan, session: &Session<'_>) -> Result<ApplyPlanResponse, CliError> {
    let request = ApplyPlanRequest {
        name: plan.name.clone(),
        hash: args.hash.unwrap_or_else(|| plan.hash.clone()),
        configured_revision: plan.content.as_ref().map_or(0, |content| content.configured_revision),
        // Sent again after a broken connection, it is applied once.
        request_id: uuid::Uuid::new_v4().to_string(),
        justification: Some(Justification { reason: args.reason, ticket: args.ticket }),
    };
    Ok(session.connection.plans().apply_plan(request).await?.into_inner())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_taken_for_a_yes() {
        for said in ["yes\n", "yes\r\n", " yes", "yes"] {
            assert!(agreed(&mut said.as_bytes()).is_ok(), "{said:?}");
        }
        for (said, found) in [("", ""), ("\n", ""), ("y\n", "y"), ("YES\n", "YES"), ("no\nyes\n", "no")] {
            let error = agreed(&mut said.as_bytes()).unwrap_err();
            let expected = format!("nothing was applied: expected `yes`, found `{found}`");
            assert_eq!((error.exit_code(), error.line()), (1, Some(expected)));
        }
    }
}
