//! `tandem authority rollout draft`: a rollout is written down, of options or of a file, and checked against the fleet as it stands.

mod amounts;
mod ordinary;

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;
use tandem_client::ApiError;
use tandem_contracts::authority::v1::{CreateRolloutRequest, Rollout};
use tandem_contracts::convert::{enum_optional, number};
use tandem_domain::id::HierarchyId;
use tandem_domain::workload::SliderPosition;
use tonic::{Request, Response};
use uuid::Uuid;

use self::ordinary::Ordinary;
use super::command::advised;
use super::{ROLLOUT, RolloutRef, page};
use crate::cli::failure::CliError;
use crate::cli::session::Session;
use crate::cli::why::Why;
use crate::cli::{document, plan, position, progress, waiting};

/// What is to be drafted.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("spec").args(["file", "workload"]).required(true))]
pub(crate) struct DraftArgs {
    /// The rollout as HIERARCHY/ID, or its resource name; the id is yours to choose: letters, digits, `.`, `_` and `-`
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// Draft the rollout of this file, a RolloutSpec of the contract in its JSON mapping: JSON where the name ends in .json, else TOML
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "to", "pilot", "collection", "percent", "soak", "success", "failure", "minimum_sample", "budget", "deadline",
            "on_failure"
        ]
    )]
    file: Option<PathBuf>,
    /// How long to wait for the devices of a large fleet to be counted the first time, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = waiting::seconds)]
    timeout: Duration,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    ordinary: Ordinary,
}

/// Drafts it, and shows it.
pub(super) async fn run(args: DraftArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let DraftArgs { rollout, file, ordinary, timeout, why } = args;
    let name = rollout.name(&session.tenant);
    let spec = match file {
        Some(file) => document::read(&file)?,
        None => ordinary.spec(pilot(&ordinary, &name, session).await?),
    };
    let message = CreateRolloutRequest {
        name,
        spec: Some(spec),
        consistency_token: String::new(),
        // Sent again after a broken connection, it is drafted once.
        request_id: Uuid::new_v4().to_string(),
        justification: Some(why.into()),
    };
    let rollout = create(&message, timeout, session).await;
    page(&rollout.map_err(|error| advised(error, &message.name))?, session).await
}

/// Asks for the draft; while the fleet is being counted, for as long as the reader will wait.
async fn create(
    message: &CreateRolloutRequest,
    timeout: Duration,
    session: &Session<'_>,
) -> Result<Rollout, ApiError> {
    let mut client = session.connection.rollouts();
    let bar = progress::counting();
    let ask = async |deadline| {
        let mut request = Request::new(message.clone());
        request.set_timeout(deadline);
        client.create_rollout(request).await.map(Response::into_inner)
    };
    let answer = waiting::until_counted(timeout, ask, |devices| bar.set_position(devices)).await;
    bar.finish_and_clear();
    Ok(answer?.rollout.unwrap_or_default())
}

/// The pilot collection: the one that is named, or the one that the workload's slider stands at.
async fn pilot(ordinary: &Ordinary, rollout: &str, session: &Session<'_>) -> Result<String, CliError> {
    let workload = match (ordinary.pilot(), ordinary.workload()) {
        (Some(named), _) => return Ok(named.to_string()),
        (None, Some(workload)) => workload,
        (None, None) => {
            return Err(CliError::Usage("expected --file or --workload, found neither".to_owned()));
        }
    };
    let [tenant, hierarchy, _] = document::ids(rollout, ROLLOUT).map_err(CliError::Usage)?;
    let asked = session.tenant.to_string();
    if tenant != asked {
        return Err(CliError::Usage(format!(
            "expected --pilot, or a rollout of the tenant {asked} that is asked, found one of {tenant}: name that with --tenant {tenant}"
        )));
    }
    let hierarchy = HierarchyId::parse(&hierarchy).map_err(|error| CliError::Usage(error.to_string()))?;
    let Some(policy) = plan::found(plan::configured(&hierarchy, session).await)? else {
        session.check_hierarchy(&hierarchy).await?;
        return Err(CliError::Usage(format!(
            "expected --pilot with the pilot collection of {workload}: nobody said what is configured in {hierarchy}"
        )));
    };
    let mut settings = policy.workloads.into_iter();
    let setting = settings.find(|setting| setting.workload == number(workload)).unwrap_or_default();
    let is_pilot = enum_optional("", setting.slider) == Ok(Some(SliderPosition::PilotIntune));
    if is_pilot && !setting.pilot_collection.is_empty() {
        return Ok(setting.pilot_collection);
    }
    Err(CliError::Usage(format!(
        "expected the slider of {workload} in {hierarchy} at pilot_intune with a pilot collection, found it at {}: a rollout \
         moves devices by membership of that collection; name it with --pilot, and move the slider there before the start with \
         `tandem authority plan {hierarchy} --set {workload}=pilot_intune:COLLECTION`",
        position::slider(&setting)
    )))
}
