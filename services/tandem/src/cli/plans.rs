//! `tandem authority plans`: the plans that were made of a hierarchy, and each of them.

use std::str::FromStr;

use tandem_contracts::authority::v1::{GetPlanRequest, ListPlansRequest, ListPlansResponse, Plan};
use tandem_domain::id::{HierarchyId, TenantId};

use super::failure::CliError;
use super::listing::{Limit, list};
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
pub(crate) enum PlanRef {
    Name(String),
    Short(HierarchyId, String),
}

impl FromStr for PlanRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("tenants/") {
            return Ok(Self::Name(text.to_owned()));
        }
        match text.split_once('/') {
            Some((hierarchy, id)) if !id.is_empty() && !id.contains('/') => {
                let hierarchy = HierarchyId::parse(hierarchy).map_err(|error| error.to_string())?;
                Ok(Self::Short(hierarchy, id.to_owned()))
            }
            _ => Err(format!("expected HIERARCHY/ID or {}, found `{text}`", PLAN.replace("{}", "ID"))),
        }
    }
}

impl PlanRef {
    /// The resource name.
    pub(crate) fn name(&self, tenant: &TenantId) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Short(hierarchy, id) => format!("tenants/{tenant}/hierarchies/{hierarchy}/plans/{id}"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_is_told_by_the_shape_of_the_text() {
        let tenant = TenantId::parse("t").unwrap();
        let name = |text: &str| text.parse().map(|plan: PlanRef| plan.name(&tenant));
        assert_eq!(name("PS1/3f"), Ok("tenants/t/hierarchies/PS1/plans/3f".to_owned()));
        let full = "tenants/u/hierarchies/PS1/plans/3f";
        assert_eq!(name(full), Ok(full.to_owned()));
        for text in ["PS1", "PS1/", "PS1/plans/3f"] {
            let expected =
                format!("expected HIERARCHY/ID or tenants/ID/hierarchies/ID/plans/ID, found `{text}`");
            assert_eq!(name(text), Err(expected));
        }
        assert!(name("P S/3f").is_err());
    }
}
