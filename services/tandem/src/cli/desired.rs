//! `tandem authority desired` and `tandem authority diff`: what is desired of a hierarchy, alone and beside what is configured there.

use serde::Serialize;
use tandem_contracts::authority::v1::DesiredPolicy;
use tandem_contracts::convert;
use tandem_contracts::r#type::v1::{CoManagementPolicy, SliderPosition};
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::ResourceAccessSlider;
use tandem_domain::workload::Workload;

use super::failure::CliError;
use super::plan::{configured, desired, found, sites};
use super::screen::{Column, Row, Screen};
use super::session::Session;
use super::words::{self, NOTHING};
use super::{json, policy, position};

/// Name and version of the object that programs read.
const SCHEMA: &str = "tandem.authority.diff/v1";

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The hierarchy
    hierarchy: HierarchyId,
    /// End with 6 if anything differs; without this, with 0
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Shows what is desired.
pub(super) async fn run(hierarchy: &HierarchyId, session: &mut Session<'_>) -> Result<(), CliError> {
    let desired = desired(hierarchy, session).await?;
    session.screen.show(&desired, show)
}

pub(super) fn show(screen: &mut Screen<'_>, desired: &DesiredPolicy) -> Result<(), CliError> {
    let policy = desired.policy.clone().unwrap_or_default();
    screen.details(vec![
        ["Desired".to_owned(), desired.name.clone()],
        ["Co-management".to_owned(), position::co_management(policy.enabled).to_owned()],
        ["Automatic enrolment".to_owned(), position::enrollment(policy.auto_enrollment.as_ref())],
        ["Revision".to_owned(), desired.revision.to_string()],
        ["Plan".to_owned(), desired.plan.clone()],
        ["Applied".to_owned(), said(desired.update_time, &desired.updated_by)],
    ])?;
    policy::show_workloads(screen, &policy)
}

/// The two policies, position by position.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Comparison {
    schema: &'static str,
    hierarchy: String,
    /// 0: nobody said what is configured.
    configured_revision: u64,
    desired_revision: u64,
    as_desired: bool,
    positions: Vec<Position>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Position {
    position: &'static str,
    /// `None`: nobody said.
    configured: Option<String>,
    /// `None`: the desired policy does not say.
    desired: Option<String>,
    /// The hierarchy's version keeps the workload where it is desired, wherever its slider was read.
    fixed: bool,
    as_desired: bool,
}

/// Compares, and fails where asked to if anything differs.
pub(super) async fn diff(args: &DiffArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let desired = desired(&args.hierarchy, session).await?;
    let configured = found(configured(&args.hierarchy, session).await)?;
    let sites = sites(&args.hierarchy, session).await?;
    let is_fixed = ResourceAccessSlider::of(&sites).is_fixed();
    let comparison = compared(&args.hierarchy, configured.as_ref(), &desired, is_fixed);
    match session.screen.is_json() {
        true => session.screen.line(&json::own(&comparison)?)?,
        false => show_comparison(&mut session.screen, &comparison, configured.as_ref(), &desired)?,
    }
    if args.detailed_exitcode && !comparison.as_desired { Err(CliError::Different) } else { Ok(()) }
}

fn compared(
    hierarchy: &HierarchyId,
    configured: Option<&CoManagementPolicy>,
    desired: &DesiredPolicy,
    is_fixed: bool,
) -> Comparison {
    let before = configured.map(positions);
    let after = desired.policy.clone().unwrap_or_default();
    let keeps = is_fixed && is_at_intune(Workload::ResourceAccessPolicies, &after);
    let compared = |(index, (position, desired)): (usize, (&'static str, Option<String>))| {
        let configured = before.as_ref().and_then(|before| before[index].1.clone());
        let fixed = keeps && position == Workload::ResourceAccessPolicies.id();
        Position { position, as_desired: fixed || configured == desired, configured, desired, fixed }
    };
    let positions: Vec<Position> = positions(&after).into_iter().enumerate().map(compared).collect();
    Comparison {
        schema: SCHEMA,
        hierarchy: hierarchy.to_string(),
        configured_revision: configured.map_or(0, |policy| policy.revision),
        desired_revision: desired.revision,
        as_desired: positions.iter().all(|position| position.as_desired),
        positions,
    }
}

fn is_at_intune(workload: Workload, policy: &CoManagementPolicy) -> bool {
    let at_intune = (convert::number(workload), SliderPosition::Intune.into());
    policy.workloads.iter().any(|setting| (setting.workload, setting.slider) == at_intune)
}

/// Every position, in the order of the console's pages; always as many.
fn positions(policy: &CoManagementPolicy) -> Vec<(&'static str, Option<String>)> {
    let co_management = policy.enabled.map(|_| position::co_management(policy.enabled).to_owned());
    let enrollment = policy.auto_enrollment.as_ref().map(|said| position::enrollment(Some(said)));
    let workload = |workload: Workload| {
        let number = convert::number(workload);
        let setting = policy.workloads.iter().find(|setting| setting.workload == number);
        // A workload without an entry stands at Configuration Manager.
        (workload.id(), Some(position::setting(&setting.cloned().unwrap_or_default())))
    };
    let whole = [("co_management", co_management), ("auto_enrollment", enrollment)];
    whole.into_iter().chain(Workload::ALL.map(workload)).collect()
}

fn show_comparison(
    screen: &mut Screen<'_>,
    comparison: &Comparison,
    configured: Option<&CoManagementPolicy>,
    desired: &DesiredPolicy,
) -> Result<(), CliError> {
    let read = configured.map(|policy| {
        format!("revision {}, {}", policy.revision, said(policy.update_time, &policy.updated_by))
    });
    let applied =
        format!("revision {}, {}", desired.revision, said(desired.update_time, &desired.updated_by));
    screen.details(vec![
        ["Hierarchy".to_owned(), comparison.hierarchy.clone()],
        ["Configured".to_owned(), read.unwrap_or_else(|| "nobody said".to_owned())],
        ["Desired".to_owned(), applied],
    ])?;
    let columns = ["POSITION", "CONFIGURED", "DESIRED", ""].map(Column::Text);
    screen.section("Positions", &columns, comparison.positions.iter().map(row).collect())?;
    let differing = comparison.positions.iter().filter(|position| !position.as_desired).count();
    let summary = match differing {
        0 => "The hierarchy is configured as desired.".to_owned(),
        1 => "1 position is not as desired; `tandem authority handover` shows what is to be done.".to_owned(),
        _ => format!(
            "{differing} positions are not as desired; `tandem authority handover` shows what is to be done."
        ),
    };
    screen.line(&format!("\n{summary}"))
}

fn row(position: &Position) -> Row {
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| NOTHING.to_owned());
    let verdict = match position {
        Position { fixed: true, .. } => "fixed as desired by the site's version",
        Position { as_desired: true, .. } => "as desired",
        Position { .. } => "differs",
    };
    vec![
        position.position.to_owned(),
        said(&position.configured),
        said(&position.desired),
        verdict.to_owned(),
    ]
}

fn said(at: Option<prost_types::Timestamp>, by: &str) -> String {
    format!("{} by {}", words::moment(at), words::text(by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::r#type::v1::{AutoEnrollment, WorkloadSetting};

    fn policy(slider: i32) -> CoManagementPolicy {
        CoManagementPolicy {
            enabled: Some(true),
            auto_enrollment: Some(AutoEnrollment { mode: 2, collection: "PS10003F".into() }),
            workloads: vec![WorkloadSetting { workload: 1, slider, pilot_collection: "PS100042".into() }],
            revision: 4,
            updated_by: "ada".into(),
            update_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            ..CoManagementPolicy::default()
        }
    }

    fn desired() -> DesiredPolicy {
        DesiredPolicy {
            policy: Some(policy(3)),
            revision: 7,
            updated_by: "ben".into(),
            update_time: Some(prost_types::Timestamp { seconds: 1_763_643_600, nanos: 0 }),
            ..DesiredPolicy::default()
        }
    }

    fn compared_with(configured: Option<&CoManagementPolicy>) -> Comparison {
        compared(&HierarchyId::parse("PS1").unwrap(), configured, &desired(), false)
    }

    #[test]
    fn policies_are_compared_position_by_position() {
        let configured = policy(2);
        let text = shown(Output::Table, |screen| {
            show_comparison(screen, &compared_with(Some(&configured)), Some(&configured), &desired())
        });
        let expected = [
            " Hierarchy   PS1",
            " Configured  revision 4, 2025-11-20T12:00:00Z by ada",
            " Desired     revision 7, 2025-11-20T13:00:00Z by ben",
            "",
            "Positions",
            " POSITION                   CONFIGURED              DESIRED",
            "──────────────────────────────────────────────────────────────────────────────────────────",
            " co_management              set up                  set up                     as desired",
            " auto_enrollment            pilot:PS10003F          pilot:PS10003F             as desired",
            " compliance_policies        pilot_intune:PS100042   intune, keeping PS100042   differs",
            " windows_update_policies    configuration_manager   configuration_manager      as desired",
            " resource_access_policies   configuration_manager   configuration_manager      as desired",
            " endpoint_protection        configuration_manager   configuration_manager      as desired",
            " device_configuration       configuration_manager   configuration_manager      as desired",
            " office_click_to_run_apps   configuration_manager   configuration_manager      as desired",
            " client_apps                configuration_manager   configuration_manager      as desired",
            "",
            "1 position is not as desired; `tandem authority handover` shows what is to be done.",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn hierarchy_that_is_as_desired_is_told_and_one_of_which_nobody_said_anything_is_not() {
        let configured = policy(3);
        let alike = compared_with(Some(&configured));
        assert_eq!((alike.as_desired, alike.configured_revision, alike.desired_revision), (true, 4, 7));
        let text =
            shown(Output::Table, |screen| show_comparison(screen, &alike, Some(&configured), &desired()));
        assert!(text.ends_with("\nThe hierarchy is configured as desired.\n"), "{text}");

        let unknown = compared_with(None);
        let told: Vec<_> = unknown
            .positions
            .iter()
            .filter(|position| position.as_desired || position.configured.is_some())
            .collect();
        assert_eq!((unknown.configured_revision, told), (0, vec![]));
    }

    #[test]
    fn slider_that_the_version_fixes_is_as_desired_wherever_it_was_read() {
        let mut at_intune = desired();
        let intune = WorkloadSetting { workload: 3, slider: 3, pilot_collection: String::new() };
        at_intune.policy.get_or_insert_default().workloads.push(intune);
        let hierarchy = HierarchyId::parse("PS1").unwrap();
        let access = |desired: &DesiredPolicy, is_fixed| {
            let compared = compared(&hierarchy, Some(&policy(3)), desired, is_fixed);
            (row(&compared.positions[4]), compared.as_desired)
        };
        let expected = |after: &str, verdict: &str, as_desired| {
            let row = ["resource_access_policies", "configuration_manager", after, verdict];
            (row.map(str::to_owned).to_vec(), as_desired)
        };
        let fixed = "fixed as desired by the site's version";
        assert_eq!(access(&at_intune, true), expected("intune", fixed, true));
        assert_eq!(access(&at_intune, false), expected("intune", "differs", false));
        // Desired before the version fixed it.
        let alike = "as desired";
        assert_eq!(access(&desired(), true), expected("configuration_manager", alike, true));
    }
}
