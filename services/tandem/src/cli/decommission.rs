//! `tandem authority decommission`: the way out of co-management, towards Configuration Manager, and how far it has come. Nothing is done by
//! it: it says what is to be done, in which order.

use std::time::Duration;

use tandem_contracts::authority::v1::{
    Decommission, DecommissionCheck, DecommissionState, DecommissionStep, GetDecommissionRequest,
};
use tandem_contracts::convert::number;
use tandem_contracts::inventory::v1::{GetDeviceRequest, ListHierarchiesRequest};
use tandem_domain::id::HierarchyId;
use tandem_domain::workload::Workload;
use tonic::Request;

use super::failure::CliError;
use super::plan::{self, Facts};
use super::screen::{Column, Paint, Row, Screen};
use super::session::{DeviceRef, Session};
use super::waiting;
use super::words::{self, NOTHING};

/// How the problem of a check begins that nobody said anything about.
const UNSAID: &str = "nobody said";

/// What leaves.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DecommissionCommand {
    /// Everything in a hierarchy: its workloads go back, and its devices leave Intune
    Hierarchy {
        /// The hierarchy
        hierarchy: HierarchyId,
        #[command(flatten)]
        said: Said,
    },
    /// One workload, on every device of a hierarchy; the devices stay co-managed
    Workload {
        /// The workload
        #[arg(value_parser = words::workloads())]
        workload: Workload,
        /// The hierarchy; unset: the tenant's only one
        #[arg(long, value_name = "ID")]
        hierarchy: Option<HierarchyId>,
        #[command(flatten)]
        said: Said,
    },
    /// Some devices of one hierarchy, in every workload
    Devices {
        /// Each device's id, its resource name, or the name that it shows; at most 1000
        #[arg(value_name = "NAME|ID", required = true)]
        devices: Vec<DeviceRef>,
        /// Their hierarchy; unset: the one that the inventory knows the first of them in
        #[arg(long, value_name = "ID")]
        hierarchy: Option<HierarchyId>,
        #[command(flatten)]
        said: Said,
    },
}

/// What the operator says, and how long they wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Said {
    /// Whether recovery keys and credentials of local administrators are saved
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    keys_saved: Option<bool>,
    /// How long to wait for the hierarchy's devices to be gone through, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = waiting::seconds)]
    timeout: Duration,
    #[command(flatten)]
    facts: Facts,
}

/// Lays it down, and shows where it stands.
pub(super) async fn run(command: DecommissionCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let (what, hierarchy, workload, devices, said) = match command {
        DecommissionCommand::Hierarchy { hierarchy, said } => {
            (format!("everything in {hierarchy}"), hierarchy, None, Vec::new(), said)
        }
        DecommissionCommand::Workload { workload, hierarchy, said } => {
            let hierarchy = match hierarchy {
                Some(named) => named,
                None => the_only(session).await?,
            };
            (format!("{workload} in {hierarchy}"), hierarchy, Some(workload), Vec::new(), said)
        }
        DecommissionCommand::Devices { devices, hierarchy, said } => {
            let mut names = Vec::with_capacity(devices.len());
            for device in &devices {
                names.push(session.device(device).await?);
            }
            let hierarchy = match (hierarchy, names.first()) {
                (Some(named), _) => named,
                (None, first) => of_device(first.map_or("", String::as_str), session).await?,
            };
            (format!("{} of {hierarchy}", counted(names.len())), hierarchy, None, names, said)
        }
    };
    let mut request = Request::new(GetDecommissionRequest {
        parent: session.hierarchy(&hierarchy),
        workload: workload.map_or(0, number),
        devices,
        facts: Some(said.facts.message()),
        keys_saved: said.keys_saved,
        consistency_token: String::new(),
    });
    request.set_timeout(said.timeout);
    let answer = session.connection.plans().get_decommission(request).await?.into_inner();
    let way = answer.decommission.unwrap_or_default();
    let adopt = adopting(&hierarchy, workload, session);
    session.screen.show(&way, |screen, way| show(screen, way, &what, &adopt))
}

fn counted(devices: usize) -> String {
    let plural = if devices == 1 { "" } else { "s" };
    format!("{devices} device{plural}")
}

/// The tenant's only hierarchy.
async fn the_only(session: &Session<'_>) -> Result<HierarchyId, CliError> {
    let request = ListHierarchiesRequest {
        parent: session.parent(),
        page_size: 1000,
        ..ListHierarchiesRequest::default()
    };
    let answer = session.connection.hierarchies().list_hierarchies(request).await?.into_inner();
    let ids: Vec<String> = answer.hierarchies.iter().map(|one| words::last_part(&one.name)).collect();
    match &ids[..] {
        [only] => HierarchyId::parse(only).map_err(|error| CliError::Failed(error.to_string())),
        [] => Err(CliError::NotFound(format!(
            "{} has no hierarchy; import its exports with `tandem import`",
            session.parent()
        ))),
        several => Err(CliError::Usage(format!("expected --hierarchy with one of {}", several.join(", ")))),
    }
}

/// The hierarchy of a device, as the inventory knows it.
async fn of_device(name: &str, session: &Session<'_>) -> Result<HierarchyId, CliError> {
    let request = GetDeviceRequest { name: name.to_owned(), ..GetDeviceRequest::default() };
    let answer = session.connection.devices().get_device(request).await?.into_inner();
    let found = answer.device.and_then(|device| device.facts).unwrap_or_default().hierarchy;
    HierarchyId::parse(&found).map_err(|_| {
        CliError::Usage(format!("expected --hierarchy: no site knows {name}, so nobody said which"))
    })
}

/// The command that makes the plan of the step that adopts a policy.
fn adopting(hierarchy: &HierarchyId, workload: Option<Workload>, session: &Session<'_>) -> String {
    let tenant = super::reference::tenant_option(session.tenant.as_str());
    let (enrollment, back) = match workload {
        Some(workload) => ("", vec![workload]),
        None => (" --auto-enrollment none", Workload::ALL.to_vec()),
    };
    let back = back.iter().map(|workload| format!(" --set {workload}=configuration_manager"));
    // What a site's version fixes at Intune stays there, and the plan has to say so: `--complete`.
    format!("tandem authority plan {hierarchy}{tenant}{enrollment}{} --complete", back.collect::<String>())
}

fn show(screen: &mut Screen<'_>, way: &Decommission, what: &str, adopt: &str) -> Result<(), CliError> {
    let title = screen.painted(Paint::Strong, &format!("The way out of co-management: {what}"));
    screen.line(&title)?;
    screen.details(vec![
        ["State".to_owned(), words::decommission_state(way.state)],
        ["Devices".to_owned(), way.devices.to_string()],
        ["Steps done".to_owned(), format!("{} of {}", done(way), way.steps.len())],
    ])?;
    let columns = ["HOLDS", "WHAT", "WHY NOT", "SOURCE"].map(Column::Text);
    screen.section("What has to hold from the first step to the last", &columns, checks(&way.before))?;
    let columns = [
        Column::Number("NO."),
        Column::Text("STEP"),
        Column::Text("WHO"),
        Column::Text("WHAT IS DONE"),
        Column::Text("STATE"),
        Column::Text("DONE"),
        Column::Text("SOURCE"),
    ];
    screen.section("Steps, in this order", &columns, steps(way))?;
    for (step, place) in way.steps.iter().zip(1..) {
        if !step.before.is_empty() {
            let columns = ["HOLDS", "WHAT", "WHY NOT", "SOURCE"].map(Column::Text);
            screen.line(&format!("\nWhat has to hold before step {place}, too"))?;
            screen.table(&columns, checks(&step.before))?;
        }
    }
    for (step, place) in way.steps.iter().zip(1..).filter(|(step, _)| !step.blocks.is_empty()) {
        screen.line(&format!("\nWhat is in the way of step {place}"))?;
        for block in &step.blocks {
            let block = screen.painted(Paint::Removed, &format!("  ! {block}"));
            screen.line(&block)?;
        }
    }
    plan::warnings(screen, "What is left behind", &way.left_behind)?;
    next(screen, way, adopt)
}

fn done(way: &Decommission) -> usize {
    way.steps.iter().filter(|step| step.state() == DecommissionState::Done).count()
}

fn checks(checks: &[DecommissionCheck]) -> Vec<Row> {
    let row = |check: &DecommissionCheck| {
        vec![
            words::yes_no(check.met),
            check.id.clone(),
            words::text(&check.problem),
            words::text(&check.source),
        ]
    };
    checks.iter().map(row).collect()
}

fn steps(way: &Decommission) -> Vec<Row> {
    let row = |(step, place): (&DecommissionStep, u32)| {
        let count = match step.of {
            0 => NOTHING.to_owned(),
            of => format!("{} of {of}", step.done),
        };
        vec![
            place.to_string(),
            step.id.clone(),
            step.actor.clone(),
            step.instruction.clone(),
            words::decommission_state(step.state),
            count,
            words::text(&step.source),
        ]
    };
    way.steps.iter().zip(1..).map(row).collect()
}

/// What can be done now, by whom.
fn next(screen: &mut Screen<'_>, way: &Decommission, adopt: &str) -> Result<(), CliError> {
    let turn = way.steps.iter().zip(1_u32..).find(|(step, _)| step.state() != DecommissionState::Done);
    let Some((step, place)) = turn else {
        return screen.line("\nNothing is to be done: every step is done.");
    };
    // What nobody said is in the way as what does not hold; an option says it.
    let unknown = |check: &&DecommissionCheck| !check.met && check.problem.starts_with(UNSAID);
    let open = way.before.iter().chain(&step.before).filter(unknown);
    let options: Vec<&str> = open.filter_map(|check| option(&check.id)).collect();
    if !options.is_empty() {
        screen.line("\nTo say what no source reports, if it is so:")?;
        for option in options {
            screen.line(&format!("  {option}"))?;
        }
    }
    if step.state() == DecommissionState::Blocked {
        return Ok(());
    }
    if step.id == "adopt_policy" {
        return screen.line(&format!("\nTo make the plan of step {place}:\n  {adopt}"));
    }
    screen.line(&format!("\nNow step {place}: {}", step.instruction))
}

/// The option, or command, that says what a check asks for.
fn option(check: &str) -> Option<&'static str> {
    Some(match check {
        "policy_known" => "tandem authority policy set FILE               what the co-management object says",
        "resource_access_movable" => {
            "tandem sites update FILE                       the version of each site"
        }
        "site_policies_deployed" => {
            "--deployed-at-configuration-manager WORKLOAD   its policies are deployed there, once for each workload"
        }
        "access_does_not_ask_intune" => {
            "--conditional-access no                        Conditional Access does not ask if the devices are compliant"
        }
        "autopatch_let_go" => {
            "--autopatch no                                 Windows Autopatch does not have the devices"
        }
        "no_override" => {
            "--autopilot-override no                        no settings policy of Autopilot has the override"
        }
        "keys_saved" => {
            "--keys-saved yes                               recovery keys and local credentials are saved"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::authority::v1::PlanWarning;

    fn check(id: &str, problem: &str) -> DecommissionCheck {
        DecommissionCheck {
            id: id.into(),
            met: problem.is_empty(),
            problem: problem.into(),
            source: "leaving.md 2".into(),
        }
    }

    fn step(id: &str, state: DecommissionState) -> DecommissionStep {
        DecommissionStep {
            id: id.into(),
            actor: "person".into(),
            instruction: format!("do {id}"),
            state: state.into(),
            source: "leaving.md 1".into(),
            ..DecommissionStep::default()
        }
    }

    fn way() -> Decommission {
        let keys = "nobody said: whether recovery keys are saved";
        let retire = DecommissionStep {
            before: vec![check("keys_saved", keys)],
            blocks: vec![format!("keys_saved: {keys}")],
            ..step("retire", DecommissionState::Blocked)
        };
        let leave = DecommissionStep { done: 2, of: 3, ..step("leave", DecommissionState::Pending) };
        Decommission {
            state: DecommissionState::Blocked.into(),
            before: vec![check("policy_known", "")],
            steps: vec![step("leave_collections", DecommissionState::Done), retire, leave],
            left_behind: vec![PlanWarning {
                id: "client".into(),
                text: "the client stays".into(),
                source: "leaving.md 3".into(),
                ..PlanWarning::default()
            }],
            devices: 3,
        }
    }

    #[test]
    fn way_out_is_shown_whole() {
        let expected = [
            "The way out of co-management: 3 devices of PS1",
            " State       blocked",
            " Devices     3",
            " Steps done  1 of 3",
            "",
            "What has to hold from the first step to the last",
            " HOLDS   WHAT           WHY NOT   SOURCE",
            "───────────────────────────────────────────────",
            " yes     policy_known   –         leaving.md 2",
            "",
            "Steps, in this order",
            " NO.   STEP                WHO      WHAT IS DONE           STATE     DONE     SOURCE",
            "───────────────────────────────────────────────────────────────────────────────────────────",
            "   1   leave_collections   person   do leave_collections   done      –        leaving.md 1",
            "   2   retire              person   do retire              blocked   –        leaving.md 1",
            "   3   leave               person   do leave               pending   2 of 3   leaving.md 1",
            "",
            "What has to hold before step 2, too",
            " HOLDS   WHAT         WHY NOT                                        SOURCE",
            "──────────────────────────────────────────────────────────────────────────────────",
            " no      keys_saved   nobody said: whether recovery keys are saved   leaving.md 2",
            "",
            "What is in the way of step 2",
            "  ! keys_saved: nobody said: whether recovery keys are saved",
            "",
            "What is left behind",
            "  ! the client stays",
            "    client (leaving.md 3)",
            "",
            "To say what no source reports, if it is so:",
            "  --keys-saved yes                               recovery keys and local credentials are saved",
            "",
        ];
        let text = shown(Output::Table, |screen| show(screen, &way(), "3 devices of PS1", "PLAN"));
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn next_step_is_said_as_the_command_that_does_it() {
        let told = |steps: Vec<DecommissionStep>| {
            let way = Decommission { steps, ..Decommission::default() };
            shown(Output::Table, |screen| next(screen, &way, "tandem authority plan PS1"))
        };
        let adopt = told(vec![step("adopt_policy", DecommissionState::InProgress)]);
        assert_eq!(adopt, "\nTo make the plan of step 1:\n  tandem authority plan PS1\n");
        let done = step("adopt_policy", DecommissionState::Done);
        let retire = told(vec![done.clone(), step("retire", DecommissionState::InProgress)]);
        assert_eq!(retire, "\nNow step 2: do retire\n");
        assert_eq!(told(vec![done]), "\nNothing is to be done: every step is done.\n");
    }
}
