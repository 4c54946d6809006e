//! `tandem authority rollout approve` and `break-glass`: what somebody says of a rollout that they have read.

use tandem_contracts::authority::v1::{ApproveRolloutRequest, BreakRolloutGlassRequest, Rollout};
use uuid::Uuid;

use super::command::done;
use super::{RolloutRef, get, page};
use crate::cli::failure::CliError;
use crate::cli::reading::agreed;
use crate::cli::session::Session;
use crate::cli::why::{Because, Why};

/// What to agree to.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    why: Why,
}

/// What to force, which is never done without a reason.
#[derive(Debug, clap::Args)]
pub(crate) struct BreakGlassArgs {
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    because: Because,
}

/// Which rollout, and the proof that the caller has read it.
#[derive(Debug, clap::Args)]
struct Read {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// The hash of the rollout as it was read; without it, the rollout is shown on a terminal, and nothing is done before a `yes`
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
}

/// Says yes.
pub(super) async fn approve(args: ApproveArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (name, hash) = args.read.hash("approves this rollout", session).await?;
    let request = ApproveRolloutRequest {
        name: name.clone(),
        etag: String::new(),
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.why.into()),
        hash,
    };
    let answer = session.connection.rollouts().approve_rollout(request).await;
    done(answer.map(|answer| answer.into_inner().rollout), &name, session).await
}

/// Goes ahead without the approvals that are missing.
pub(super) async fn break_glass(args: BreakGlassArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let deed = "goes ahead without the approvals that are missing, on record and with an alert";
    let (name, hash) = args.read.hash(deed, session).await?;
    let request = BreakRolloutGlassRequest {
        name: name.clone(),
        etag: String::new(),
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.because.into()),
        hash,
    };
    let answer = session.connection.rollouts().break_rollout_glass(request).await;
    done(answer.map(|answer| answer.into_inner().rollout), &name, session).await
}

impl Read {
    /// The rollout's name, and the hash of what the caller has read: the one that they named, or that of the rollout as it is shown now, after
    /// their `yes`. `deed`: what only a `yes` does.
    async fn hash(&self, deed: &str, session: &mut Session<'_>) -> Result<(String, String), CliError> {
        let name = self.rollout.name(&session.tenant);
        if let Some(hash) = &self.hash {
            return Ok((name, hash.clone()));
        }
        if session.person.is_none() || session.screen.is_json() {
            let expected =
                "expected --hash with the hash of the rollout as it was read: nobody can be asked here";
            return Err(CliError::Usage(expected.to_owned()));
        }
        let rollout: Rollout = get(&name, session).await?;
        page(&rollout, session).await?;
        session.screen.note(&format!("only `yes` {deed}:"))?;
        agreed(session)?;
        Ok((name, rollout.hash))
    }
}
