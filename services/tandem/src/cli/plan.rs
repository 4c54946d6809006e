//! `tandem authority plan`: what a change of a hierarchy's policy would do. Nothing changes by it; `tandem authority apply` adopts a plan.

mod edits;
mod facts;
mod impact;
mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, ValueEnum};
use tandem_client::ApiError;
use tandem_contracts::authority::v1::{
    CreatePlanRequest, DesiredPolicy, GetCoManagementPolicyRequest, GetDesiredPolicyRequest, Plan,
};
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::{GetCollectionRequest, GetSurroundingsRequest};
use tandem_contracts::r#type::v1 as proto;
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;
use tandem_domain::workload::SliderPosition;
use tonic::{Code, Request, Response, Status};

use self::edits::Edits;
use super::failure::CliError;
use super::progress;
use super::session::Session;
use super::{document, policy, waiting};

pub(super) use self::facts::Facts;
pub(super) use self::show::{show, summary, warnings};

/// What to propose, and how to answer.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("proposal")
    .args(["file", "from", "set", "auto_enrollment", "enable", "disable"])
    .required(true)
    .multiple(true))]
pub(crate) struct PlanArgs {
    /// The hierarchy
    hierarchy: HierarchyId,
    /// Propose the policy of this file: TOML or JSON, as `tandem authority policy set` reads it
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["from", "set", "auto_enrollment", "enable", "disable", "complete"]
    )]
    file: Option<PathBuf>,
    #[command(flatten)]
    edits: Edits,
    /// The policy that the proposal starts from; unset: what is configured, or if nobody said that, what is desired
    #[arg(long, value_enum, value_name = "POLICY")]
    from: Option<Start>,
    /// Set to intune, too, what the hierarchy's version fixes there, or device configuration carries along
    #[arg(long)]
    complete: bool,
    /// How long to wait for the devices of a large fleet to be counted the first time, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = waiting::seconds)]
    timeout: Duration,
    /// End with 6 if the plan changes anything; without this, with 0
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    facts: Facts,
}

/// A policy that edits are made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Start {
    /// What the hierarchy's console says
    Configured,
    /// What the plan says that was applied last
    Desired,
}

/// Makes the plan and shows it.
pub(super) async fn run(args: PlanArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut proposed = match &args.file {
        Some(file) => read(file, &args.hierarchy)?,
        None => edited(&args, session).await?,
    };
    proposed.name = policy::name(&args.hierarchy, session);
    let plan = match create(&args, &proposed, session).await {
        Ok(plan) => plan,
        Err(error) => return Err(advised(error, &args, proposed, session).await),
    };
    let names = collection_names(&plan, session).await?;
    session.screen.show(&plan, |screen, plan| show(screen, plan, &names))?;
    let is_different = plan.content.is_some_and(|content| !content.changes.is_empty());
    if args.detailed_exitcode && is_different { Err(CliError::Different) } else { Ok(()) }
}

/// The policy of a file, which may say whose it is.
fn read(file: &Path, hierarchy: &HierarchyId) -> Result<proto::CoManagementPolicy, CliError> {
    let policy: proto::CoManagementPolicy = document::read(file)?;
    if policy.name.is_empty() {
        return Ok(policy);
    }
    let wrong = |reason: String| CliError::Usage(format!("{}: name: {reason}", file.display()));
    let named = policy::hierarchy_of(&policy.name).map_err(wrong)?;
    if named == *hierarchy {
        Ok(policy)
    } else {
        Err(wrong(format!("expected the policy of {hierarchy}, found that of {named}")))
    }
}

/// The policy that edits make of what is there.
async fn edited(args: &PlanArgs, session: &mut Session<'_>) -> Result<proto::CoManagementPolicy, CliError> {
    let start = start(&args.hierarchy, args.from, session).await?;
    let mut policy = args.edits.made_to(start).map_err(CliError::Usage)?;
    if args.complete {
        let sites = sites(&args.hierarchy, session).await?;
        for (workload, rule) in edits::forced(&policy, &sites) {
            policy.workloads[workload].slider = SliderPosition::Intune;
            let note = format!("--complete sets {workload} to {} ({})", rule.expected(), rule.rule());
            session.screen.note(&note)?;
        }
    }
    Ok(convert::policy::to_proto(&policy))
}

/// The policy that a proposal starts from. What it leaves out, or takes for granted, is said.
async fn start(
    hierarchy: &HierarchyId,
    from: Option<Start>,
    session: &mut Session<'_>,
) -> Result<CoManagementPolicy, CliError> {
    let read = async |session: &Session<'_>| configured(hierarchy, session).await;
    let policy = match from {
        Some(Start::Configured) => read(session).await?,
        Some(Start::Desired) => desired(hierarchy, session).await?.policy.unwrap_or_default(),
        None => {
            let (configured, desired) =
                (found(read(session).await)?, found(desired(hierarchy, session).await)?);
            let desired = desired.and_then(|desired| desired.policy).map(domain).transpose()?;
            let configured = configured.map(domain).transpose()?;
            if let Some(note) = taken_for_granted(hierarchy, configured.as_ref(), desired.as_ref()) {
                session.screen.note(&note)?;
            }
            return Ok(configured.or(desired).unwrap_or_default());
        }
    };
    domain(policy)
}

/// What the reader should know of the policy that a proposal starts from, if they did not say which.
fn taken_for_granted(
    hierarchy: &HierarchyId,
    configured: Option<&CoManagementPolicy>,
    desired: Option<&CoManagementPolicy>,
) -> Option<String> {
    match (configured, desired) {
        (Some(configured), Some(desired)) if configured != desired => Some(format!(
            "what is desired of {hierarchy} is not configured there yet, and this proposal leaves it out; \
             `--from desired` starts from it"
        )),
        (Some(_), _) => None,
        (None, Some(_)) => Some(format!(
            "nobody said what is configured in {hierarchy}: this proposal starts from what is desired"
        )),
        (None, None) => Some(format!(
            "nobody said what is configured in {hierarchy}: this proposal starts with every workload at \
             configuration_manager"
        )),
    }
}

/// What is configured in a hierarchy.
pub(super) async fn configured(
    hierarchy: &HierarchyId,
    session: &Session<'_>,
) -> Result<proto::CoManagementPolicy, Status> {
    let request =
        GetCoManagementPolicyRequest { name: policy::name(hierarchy, session), ..Default::default() };
    let answer = session.connection.authority().get_co_management_policy(request).await?.into_inner();
    Ok(answer.policy.unwrap_or_default())
}

/// What is desired of a hierarchy.
pub(super) async fn desired(hierarchy: &HierarchyId, session: &Session<'_>) -> Result<DesiredPolicy, Status> {
    let name = format!("{}/desiredPolicy", session.hierarchy(hierarchy));
    let request = GetDesiredPolicyRequest { name, ..Default::default() };
    let answer = session.connection.plans().get_desired_policy(request).await?.into_inner();
    Ok(answer.desired_policy.unwrap_or_default())
}

/// What was found, if anything was.
pub(super) fn found<T>(read: Result<T, Status>) -> Result<Option<T>, CliError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// A policy of the server's, which has been checked there.
pub(super) fn domain(policy: proto::CoManagementPolicy) -> Result<CoManagementPolicy, CliError> {
    let name = policy.name.clone();
    convert::policy::from_proto(policy)
        .map_err(|_| CliError::Failed(format!("{name} is of a newer release than this program")))
}

/// What is known of the hierarchy's sites.
pub(super) async fn sites(
    hierarchy: &HierarchyId,
    session: &Session<'_>,
) -> Result<Vec<SiteFacts>, CliError> {
    let request =
        GetSurroundingsRequest { parent: session.parent(), known_revision: 0, ..Default::default() };
    let answer = session.connection.tenants().get_surroundings(request).await?.into_inner();
    let known = answer.hierarchies.into_iter().filter(|known| known.hierarchy == hierarchy.as_str());
    let sites = known.flat_map(|known| known.sites).filter_map(|(code, facts)| {
        let code = SiteCode::parse(&code).ok()?;
        convert::site::from_proto(facts, code).ok()
    });
    Ok(sites.collect())
}

/// Asks for the plan; while the fleet is being counted, for as long as the reader will wait.
async fn create(
    args: &PlanArgs,
    proposed: &proto::CoManagementPolicy,
    session: &Session<'_>,
) -> Result<Plan, ApiError> {
    let mut client = session.connection.plans();
    let message = CreatePlanRequest {
        proposed: Some(proposed.clone()),
        facts: Some(args.facts.message()),
        ..CreatePlanRequest::default()
    };
    let bar = progress::counting();
    let ask = async |deadline| {
        let mut request = Request::new(message.clone());
        request.set_timeout(deadline);
        client.create_plan(request).await.map(Response::into_inner)
    };
    let answer = waiting::until_counted(args.timeout, ask, |devices| bar.set_position(devices)).await;
    bar.finish_and_clear();
    Ok(answer?.plan.unwrap_or_default())
}

/// The refusal, with the option that completes the proposal if one does.
async fn advised(
    error: ApiError,
    args: &PlanArgs,
    proposed: proto::CoManagementPolicy,
    session: &Session<'_>,
) -> CliError {
    let is_refused = error.known_reason() == Some(ErrorReason::InvalidField);
    if !is_refused || args.complete || args.file.is_some() {
        return error.into();
    }
    // Where the sites cannot be read, the refusal itself is what matters.
    let (Ok(proposed), Ok(sites)) = (domain(proposed), sites(&args.hierarchy, session).await) else {
        return error.into();
    };
    if edits::forced(&proposed, &sites).is_empty() {
        return error.into();
    }
    CliError::Advised(
        Box::new(error),
        "--complete sets what is fixed at intune, or carried there, to intune".to_owned(),
    )
}

/// The names that the plan's collections show, by their ids; asked for only where people read.
pub(super) async fn collection_names(
    plan: &Plan,
    session: &Session<'_>,
) -> Result<BTreeMap<String, String>, CliError> {
    let mut names = BTreeMap::new();
    let (Some(content), Some((hierarchy, _))) = (&plan.content, plan.name.split_once("/plans/")) else {
        return Ok(names);
    };
    if session.screen.is_json() {
        return Ok(names);
    }
    let mut client = session.connection.collections();
    for impact in &content.collections {
        let name = format!("{hierarchy}/collections/{}", impact.collection);
        let read = client.get_collection(GetCollectionRequest { name, ..Default::default() }).await;
        let collection = found(read)?.and_then(|answer| answer.into_inner().collection);
        names.extend(collection.map(|collection| (impact.collection.clone(), collection.display_name)));
    }
    Ok(names)
}
