//! `tandem authority plans`: the plans that were made of a hierarchy, and each of them.

use std::str::FromStr;

use tandem_contracts::authority::v1::{GetPlanRequest, ListPlansRequest, ListPlansResponse, Plan};
use tandem_domain::id::{HierarchyId, TenantId};

use super::failure::CliError;
use super::listing::{Limit, list};
use super::reference::Reference;
use super::screen::{Column, Row};
use super::session::Session;
use super::{plan, words};

/// The pattern of a plan's name.
pub(super) const PLAN: &str = "tenants/{}/hierarchies/{}/plans/{}";

/// What to do with plans.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PlansCommand {
    /// List the plans that were made of a hierarchy, newest first
    List {
        /// The hierarchy
        hierarchy: HierarchyId,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a plan
    Get {
        /// The plan as HIERARCHY/ID, or its resource name
        #[arg(value_name = "PLAN")]
        plan: PlanRef,
    },
}

/// A plan as people write it: `HIERARCHY/ID`, or the resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanRef(Reference);

impl FromStr for PlanRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Reference::parse(text, PLAN).map(Self)
    }
}

impl PlanRef {
    /// The resource name.
    pub(crate) fn name(&self, tenant: &TenantId) -> String {
        self.0.name(tenant, PLAN)
    }
}

/// Answers.
pub(super) async fn run(command: PlansCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        PlansCommand::List { hierarchy, limit } => show_list(&hierarchy, limit, session).await,
        PlansCommand::Get { plan } => {
            let plan = get(&plan, session).await?;
            let names = plan::collection_names(&plan, session).await?;
            session.screen.show(&plan, |screen, plan| plan::show(screen, plan, &names))
        }
    }
}

/// Reads a plan.
pub(super) async fn get(plan: &PlanRef, session: &Session<'_>) -> Result<Plan, CliError> {
    let request = GetPlanRequest { name: plan.name(&session.tenant) };
    let answer = session.connection.plans().get_plan(request).await?.into_inner();
    Ok(answer.plan.unwrap_or_default())
}

async fn show_list(hierarchy: &HierarchyId, limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    session.check_hierarchy(hierarchy).await?;
    let (parent, mut client) = (session.hierarchy(hierarchy), session.connection.plans());
    let columns = ["PLAN", "MADE", "BY", "WHAT IT DOES", "APPLIED", "BY"].map(Column::Text);
    let rows = |page: &ListPlansResponse| page.plans.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListPlansRequest { parent: parent.clone(), page_size, page_token };
        client.list_plans(request).await
    })
    .await
}

fn row(plan: &Plan) -> Row {
    vec![
        words::last_part(&plan.name),
        words::moment(plan.create_time),
        words::text(&plan.created_by),
        plan.content.as_ref().map_or_else(String::new, plan::summary),
        words::moment(plan.apply_time),
        words::text(&plan.applied_by),
    ]
}
