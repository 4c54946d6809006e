//! `tandem authority policy`: what is recorded of the hierarchies' co-management objects. Nothing changes in a hierarchy.

use std::path::PathBuf;

use tandem_contracts::authority::v1::{
    GetCoManagementPolicyRequest, ListCoManagementPoliciesRequest, ListCoManagementPoliciesResponse,
    ListCoManagementPolicyRevisionsRequest, ListCoManagementPolicyRevisionsResponse,
    UpdateCoManagementPolicyRequest,
};
use tandem_contracts::r#type::v1::{CoManagementPolicy, Justification};
use tandem_domain::id::HierarchyId;
use tandem_domain::workload::{SliderPosition, Workload};

use super::failure::CliError;
use super::listing::{Limit, list};
use super::screen::{Column, Row, Screen};
use super::session::Session;
use super::{document, position, words};

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PolicyCommand {
    /// List what is recorded of every hierarchy
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show what is recorded of a hierarchy
    Get {
        /// The hierarchy
        hierarchy: HierarchyId,
    },
    /// Record what a hierarchy's console says, in place of what was recorded before
    Set {
        /// TOML or JSON: the protobuf mapping of tandem.type.v1.CoManagementPolicy, as `get -o json` prints it.
        /// The tenant in its name gives way to --tenant; an etag in it must be the current one
        file: PathBuf,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// The ticket or change that it belongs to, for the audit log
        #[arg(long, value_name = "ID", default_value = "")]
        ticket: String,
    },
    /// List what was recorded of a hierarchy, newest first
    History {
        /// The hierarchy
        hierarchy: HierarchyId,
        #[command(flatten)]
        limit: Limit,
    },
}

/// Does it.
pub(super) async fn run(command: PolicyCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.authority();
    match command {
        PolicyCommand::List { limit } => show_list(limit, session).await,
        PolicyCommand::Get { hierarchy } => {
            let request =
                GetCoManagementPolicyRequest { name: name(&hierarchy, session), ..Default::default() };
            let answer = client.get_co_management_policy(request).await?.into_inner();
            session.screen.show(&answer.policy.unwrap_or_default(), show)
        }
        PolicyCommand::Set { file, reason, ticket } => {
            let mut policy: CoManagementPolicy = document::read(&file)?;
            let hierarchy = hierarchy_of(&policy.name)
                .map_err(|reason| CliError::Usage(format!("{}: name: {reason}", file.display())))?;
            policy.name = name(&hierarchy, session);
            let request = UpdateCoManagementPolicyRequest {
                policy: Some(policy),
                justification: Some(Justification { reason, ticket }),
                ..Default::default()
            };
            let answer = client.update_co_management_policy(request).await?.into_inner();
            session.screen.show(&answer.policy.unwrap_or_default(), show)
        }
        PolicyCommand::History { hierarchy, limit } => show_history(&hierarchy, limit, session).await,
    }
}

/// The name of a hierarchy's policy.
pub(super) fn name(hierarchy: &HierarchyId, session: &Session<'_>) -> String {
    format!("{}/coManagementPolicy", session.hierarchy(hierarchy))
}

/// The hierarchy of `tenants/{t}/hierarchies/{h}/coManagementPolicy`.
pub(super) fn hierarchy_of(name: &str) -> Result<HierarchyId, String> {
    let [_, hierarchy] = document::ids(name, "tenants/{}/hierarchies/{}/coManagementPolicy")?;
    HierarchyId::parse(&hierarchy).map_err(|error| error.to_string())
}

fn show(screen: &mut Screen<'_>, policy: &CoManagementPolicy) -> Result<(), CliError> {
    screen.details(vec![
        ["Policy".to_owned(), policy.name.clone()],
        ["Co-management".to_owned(), position::co_management(policy.enabled).to_owned()],
        ["Automatic enrolment".to_owned(), enrollment(policy)],
        ["Revision".to_owned(), policy.revision.to_string()],
        ["Recorded".to_owned(), recorded(policy)],
        ["Etag".to_owned(), words::text(&policy.etag)],
    ])?;
    show_workloads(screen, policy)
}

/// The sliders and pilot collections.
pub(super) fn show_workloads(screen: &mut Screen<'_>, policy: &CoManagementPolicy) -> Result<(), CliError> {
    let columns = ["WORKLOAD", "SLIDER", "PILOT COLLECTION"].map(Column::Text);
    screen.section("Workloads", &columns, workloads(policy))
}

fn enrollment(policy: &CoManagementPolicy) -> String {
    position::enrollment(policy.auto_enrollment.as_ref())
}

fn recorded(policy: &CoManagementPolicy) -> String {
    format!("{} by {}", words::moment(policy.update_time), words::text(&policy.updated_by))
}

/// All seven: a workload without an entry stands at Configuration Manager, every slider's default.
fn workloads(policy: &CoManagementPolicy) -> Vec<Row> {
    let rows = Workload::ALL.map(|workload| {
        let number = tandem_contracts::convert::number(workload);
        let setting = policy.workloads.iter().find(|setting| setting.workload == number);
        let setting = setting.cloned().unwrap_or_default();
        let slider = position::slider(&setting).to_owned();
        vec![workload.id().to_owned(), slider, words::text(&setting.pilot_collection)]
    });
    rows.to_vec()
}

async fn show_list(limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    session.check_tenant().await?;
    let parent = session.parent();
    let mut client = session.connection.authority();
    let columns = [
        Column::Text("HIERARCHY"),
        Column::Text("CO-MANAGEMENT"),
        Column::Number("REVISION"),
        Column::Text("RECORDED"),
        Column::Text("BY"),
        Column::Text("AUTOMATIC ENROLMENT"),
        Column::Text("MOVED"),
    ];
    let rows = |page: &ListCoManagementPoliciesResponse| page.policies.iter().map(listed).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListCoManagementPoliciesRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            ..Default::default()
        };
        client.list_co_management_policies(request).await
    })
    .await
}

/// A hierarchy's policy on one line.
fn listed(policy: &CoManagementPolicy) -> Row {
    let hierarchy = hierarchy_of(&policy.name).map_or_else(|_| policy.name.clone(), String::from);
    let mut cells = vec![hierarchy, position::co_management(policy.enabled).to_owned()];
    cells.extend(row(policy));
    cells
}

async fn show_history(
    hierarchy: &HierarchyId,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let parent = name(hierarchy, session);
    let mut client = session.connection.authority();
    // Without a policy there is no history, and no hierarchy to speak of.
    client
        .get_co_management_policy(GetCoManagementPolicyRequest { name: parent.clone(), ..Default::default() })
        .await?;
    let columns = [
        Column::Number("REVISION"),
        Column::Text("RECORDED"),
        Column::Text("BY"),
        Column::Text("AUTOMATIC ENROLMENT"),
        Column::Text("MOVED"),
    ];
    let rows = |page: &ListCoManagementPolicyRevisionsResponse| page.revisions.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListCoManagementPolicyRevisionsRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            ..Default::default()
        };
        client.list_co_management_policy_revisions(request).await
    })
    .await
}

/// One recording on one line: the sliders that are not at Configuration Manager.
fn row(policy: &CoManagementPolicy) -> Row {
    let moved = policy.workloads.iter().filter_map(|setting| {
        let slider = position::slider(setting);
        let workload = words::word(setting.workload, Workload::id);
        (slider != SliderPosition::default().id()).then(|| format!("{workload}: {slider}"))
    });
    vec![
        policy.revision.to_string(),
        words::moment(policy.update_time),
        words::text(&policy.updated_by),
        enrollment(policy),
        words::text(&moved.collect::<Vec<_>>().join(", ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::document::{from_json, from_toml};
    use super::words::NOTHING;
    use super::*;
    use tandem_contracts::r#type::v1::{AutoEnrollment, WorkloadSetting};

    const TOML: &str = r#"
name = "tenants/default/hierarchies/PS1/coManagementPolicy"
enabled = true

[autoEnrollment]
mode = "AUTO_ENROLLMENT_MODE_PILOT"
collection = "PS10003F"

[[workloads]]
workload = "WORKLOAD_COMPLIANCE_POLICIES"
slider = "SLIDER_POSITION_PILOT_INTUNE"
pilotCollection = "PS100042"
"#;

    fn policy() -> CoManagementPolicy {
        CoManagementPolicy {
            name: "tenants/default/hierarchies/PS1/coManagementPolicy".into(),
            enabled: Some(true),
            auto_enrollment: Some(AutoEnrollment { mode: 2, collection: "PS10003F".into() }),
            workloads: vec![WorkloadSetting { workload: 1, slider: 2, pilot_collection: "PS100042".into() }],
            ..Default::default()
        }
    }

    #[test]
    fn policy_is_read_from_toml() {
        assert_eq!(from_toml(TOML), Ok(policy()));
    }

    #[test]
    fn policy_that_get_prints_is_read_again() {
        let printed = crate::cli::json::pretty(&policy()).unwrap();
        assert_eq!(from_json(&printed), Ok(policy()));
    }

    #[test]
    fn name_without_a_hierarchy_is_refused_with_expected_and_found() {
        assert_eq!(hierarchy_of(&policy().name), Ok(HierarchyId::parse("PS1").unwrap()));
        let expected = "expected tenants/ID/hierarchies/ID/coManagementPolicy, found `PS1`";
        assert_eq!(hierarchy_of("PS1"), Err(expected.to_owned()));
    }

    #[test]
    fn workload_without_an_entry_stands_at_configuration_manager() {
        let expected = [
            ["compliance_policies", "pilot_intune", "PS100042"],
            ["windows_update_policies", "configuration_manager", "–"],
            ["resource_access_policies", "configuration_manager", "–"],
            ["endpoint_protection", "configuration_manager", "–"],
            ["device_configuration", "configuration_manager", "–"],
            ["office_click_to_run_apps", "configuration_manager", "–"],
            ["client_apps", "configuration_manager", "–"],
        ];
        assert_eq!(workloads(&policy()), expected);
    }

    #[test]
    fn recording_is_shown_on_one_line() {
        let recorded = CoManagementPolicy {
            revision: 7,
            update_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            updated_by: "local".into(),
            ..policy()
        };
        let expected =
            ["7", "2025-11-20T12:00:00Z", "local", "pilot:PS10003F", "compliance_policies: pilot_intune"];
        assert_eq!(row(&recorded), expected);
        let [revision, at, by, enrolment, moved] = expected;
        assert_eq!(listed(&recorded), ["PS1", "set up", revision, at, by, enrolment, moved]);
        assert_eq!(enrollment(&CoManagementPolicy::default()), NOTHING);
    }
}
