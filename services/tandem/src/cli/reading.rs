//! Plans that somebody has read: whoever acts on one names its hash, or reads it on a terminal and says yes.

use tandem_contracts::authority::v1::Plan;

use super::failure::CliError;
use super::plan;
use super::plans::{self, PlanRef};
use super::session::Session;

/// Which plan, and the proof that the caller has read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// The plan as HIERARCHY/ID, or its resource name
    #[arg(value_name = "PLAN")]
    plan: PlanRef,
    /// The hash of the plan as it was read; without it, the plan is shown on a terminal, and nothing is done before a `yes`
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
}

impl Reading {
    /// Whether a person reads the plan now, and is asked.
    pub(super) const fn is_asking(&self) -> bool {
        self.hash.is_none()
    }

    /// The plan.
    ///
    /// # Errors
    /// No hash is named, and nobody can be asked; there is no such plan.
    pub(super) async fn plan(&self, session: &Session<'_>) -> Result<Plan, CliError> {
        if self.is_asking() && (session.person.is_none() || session.screen.is_json()) {
            let expected =
                "expected --hash with the hash of the plan as it was read: nobody can be asked here";
            return Err(CliError::Usage(expected.to_owned()));
        }
        plans::get(&self.plan, session).await
    }

    /// The hash of what the caller has read: the one that they named, or that of the plan as it is shown now, after their `yes`.
    /// `deed`: what only a `yes` does.
    pub(super) async fn hash(
        &self,
        plan: &Plan,
        deed: &str,
        session: &mut Session<'_>,
    ) -> Result<String, CliError> {
        if let Some(hash) = &self.hash {
            return Ok(hash.clone());
        }
        let names = plan::collection_names(plan, session).await?;
        session.screen.show(plan, |screen, plan| plan::show(screen, plan, &names))?;
        session.screen.note(&format!("only `yes` {deed}:"))?;
        agreed(session)?;
        Ok(plan.hash.clone())
    }
}

/// Whether the reader of what is shown agrees.
pub(super) fn agreed(session: &mut Session<'_>) -> Result<(), CliError> {
    let mut said = String::new();
    if let Some(person) = &mut session.person {
        person
            .read_line(&mut said)
            .map_err(|error| CliError::Failed(format!("cannot read the answer: {error}")))?;
    }
    match said.trim() {
        "yes" => Ok(()),
        other => Err(CliError::Failed(format!("nothing was done: expected `yes`, found `{other}`"))),
    }
}
