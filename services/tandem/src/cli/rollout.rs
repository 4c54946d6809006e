//! `tandem authority rollout`: a workload moves in waves, by membership of its pilot collection. Tandem says what is to be done at the site;
//! whoever does it confirms it here.
//!
//! Waves and actions are counted from 0, as everywhere in the contract and its errors.

mod actions;
mod approve;
mod command;
mod confirm;
mod devices;
mod draft;
mod next;
mod show;
mod spec;
mod states;
mod step;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use tandem_contracts::authority::v1::{
    GetRolloutRequest, ListRolloutsRequest, ListRolloutsResponse, Rollout, RolloutPhase,
};
use tandem_contracts::convert::number_or_unspecified;
use tandem_domain::id::{HierarchyId, TenantId};
use tandem_domain::workload::Workload;

use self::actions::ActionsArgs;
use self::approve::{ApproveArgs, BreakGlassArgs};
use self::command::{PlainArgs, ReasonedArgs, WaveArgs};
use self::confirm::ConfirmArgs;
use self::devices::DevicesArgs;
use self::draft::DraftArgs;
use super::failure::CliError;
use super::listing::{Limit, list};
use super::reference::{self, Reference};
use super::screen::Column;
use super::session::Session;
use super::words;

pub(super) use self::states::run as states;

/// The pattern of a rollout's name.
pub(super) const ROLLOUT: &str = "tenants/{}/hierarchies/{}/rollouts/{}";

/// What to do with rollouts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RolloutCommand {
    /// Draft a rollout; nobody is asked, and nothing moves
    Draft(Box<DraftArgs>),
    /// List the rollouts of a hierarchy, newest first
    List {
        /// The hierarchy
        hierarchy: HierarchyId,
        /// Only those of this workload
        #[arg(long, value_parser = words::workloads())]
        workload: Option<Workload>,
        /// Only those in this phase
        #[arg(long, value_parser = words::rollout_phases())]
        phase: Option<RolloutPhase>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show where a rollout stands and why, what happens next, and what a person has to do
    Get {
        /// The rollout as HIERARCHY/ID, or its resource name
        #[arg(value_name = "ROLLOUT")]
        rollout: RolloutRef,
    },
    /// List the devices of the waves that began, and what is to be thought of each
    Devices(DevicesArgs),
    /// Ask for the approvals that a draft needs; where none are needed, it may start at once
    Submit(PlainArgs),
    /// Agree to a rollout that somebody else submitted
    Approve(ApproveArgs),
    /// Go ahead without the approvals that a rollout misses, in an emergency: that is on record, and raises an alert
    BreakGlass(BreakGlassArgs),
    /// Take a rollout that did not start back to a draft; its approvals are void
    Withdraw(PlainArgs),
    /// Begin with the first wave
    Start(PlainArgs),
    /// Hand nothing over until further notice; the clocks stand still
    Pause(ReasonedArgs),
    /// Go on; a failed wave is tried again
    Resume(PlainArgs),
    /// Let the next wave begin although this one is inconclusive
    ApproveWave(WaveArgs),
    /// Take back exactly what was handed over, at once, the last first
    RollBack(ReasonedArgs),
    /// Give up for good, and leave everything as it is
    Cancel(ReasonedArgs),
    /// Show what is to be done in the hierarchy, or write it as a sheet or as scripts
    Actions(ActionsArgs),
    /// Say that actions were carried out
    Confirm(ConfirmArgs),
    /// Show every phase of rollouts and waves, and what leads out of it; asks no server
    States,
}

/// A rollout as people write it: `HIERARCHY/ID`, or the resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolloutRef(Reference);

impl FromStr for RolloutRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Reference::parse(text, ROLLOUT).map(Self)
    }
}

impl RolloutRef {
    /// The resource name.
    fn name(&self, tenant: &TenantId) -> String {
        self.0.name(tenant, ROLLOUT)
    }
}

/// A rollout as shortly as its tenant allows.
fn short(name: &str) -> String {
    reference::short(name, ROLLOUT)
}

/// Answers.
pub(super) async fn run(command: RolloutCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        RolloutCommand::Draft(args) => draft::run(*args, session).await,
        RolloutCommand::List { hierarchy, workload, phase, limit } => {
            show_list(&hierarchy, workload, phase, limit, session).await
        }
        RolloutCommand::Get { rollout } => {
            let rollout = get(&rollout.name(&session.tenant), session).await?;
            page(&rollout, session).await
        }
        RolloutCommand::Devices(args) => devices::run(args, session).await,
        RolloutCommand::Submit(args) => command::submit(args, session).await,
        RolloutCommand::Approve(args) => approve::approve(args, session).await,
        RolloutCommand::BreakGlass(args) => approve::break_glass(args, session).await,
        RolloutCommand::Withdraw(args) => command::withdraw(args, session).await,
        RolloutCommand::Start(args) => command::start(args, session).await,
        RolloutCommand::Pause(args) => command::pause(args, session).await,
        RolloutCommand::Resume(args) => command::resume(args, session).await,
        RolloutCommand::ApproveWave(args) => command::approve_wave(args, session).await,
        RolloutCommand::RollBack(args) => command::roll_back(args, session).await,
        RolloutCommand::Cancel(args) => command::cancel(args, session).await,
        RolloutCommand::Actions(args) => actions::run(args, session).await,
        RolloutCommand::Confirm(args) => confirm::run(args, session).await,
        RolloutCommand::States => states::run(&mut session.screen),
    }
}

/// Reads a rollout.
async fn get(name: &str, session: &Session<'_>) -> Result<Rollout, CliError> {
    let request = GetRolloutRequest { name: name.to_owned() };
    let answer = session.connection.rollouts().get_rollout(request).await?.into_inner();
    Ok(answer.rollout.unwrap_or_default())
}

/// Shows where a rollout stands. What people are told besides is asked for only where people read.
async fn page(rollout: &Rollout, session: &mut Session<'_>) -> Result<(), CliError> {
    if session.screen.is_json() {
        return session.screen.show(rollout, |_, _| Ok(()));
    }
    let surroundings = next::Surroundings::read(rollout, session).await?;
    show::page(&mut session.screen, rollout, &surroundings)
}

async fn show_list(
    hierarchy: &HierarchyId,
    workload: Option<Workload>,
    phase: Option<RolloutPhase>,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    session.check_hierarchy(hierarchy).await?;
    let (parent, mut client) = (session.hierarchy(hierarchy), session.connection.rollouts());
    let (workload, phase) = (number_or_unspecified(workload), phase.unwrap_or_default().into());
    let columns = ["ROLLOUT", "WORKLOAD", "TO", "PHASE", "WHY", "WAVES DONE", "DEVICES", "MADE", "BY"];
    let columns = columns.map(|column| match column {
        "DEVICES" => Column::Number(column),
        column => Column::Text(column),
    });
    let rows = |page: &ListRolloutsResponse| page.rollouts.iter().map(show::row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListRolloutsRequest { parent: parent.clone(), page_size, page_token, workload, phase };
        client.list_rollouts(request).await
    })
    .await
}
