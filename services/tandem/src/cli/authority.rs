//! `tandem authority`: which manager decides, and why.

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::{
    DecodeCapabilityValueRequest, DecodeCapabilityValueResponse, EffectiveAuthority,
    GetEffectiveAuthorityRequest, StreamEffectiveAuthorityRequest,
};
use tandem_domain::authority::Reason;
use tandem_domain::id::HierarchyId;
use tandem_domain::state::ManagementState;
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::apply::{self, ApplyArgs};
use super::approvals::{self, ApprovalsCommand, ApproveArgs, ReasonedArgs};
use super::audit::{self, AuditCommand};
use super::check::{self, CheckArgs};
use super::decommission::{self, DecommissionCommand};
use super::desired::{self, DiffArgs};
use super::drift;
use super::failure::CliError;
use super::filter::FilterArgs;
use super::freeze::{self, FreezeArgs, UnfreezeArgs};
use super::handover::{self, HandoverArgs};
use super::history::{self, HistoryArgs};
use super::json;
use super::listing::Limit;
use super::plan::{self, PlanArgs};
use super::plans::{self, PlansCommand};
use super::policy::{self, PolicyCommand};
use super::rollout::{self, RolloutCommand};
use super::screen::{Column, Row, Screen};
use super::session::{DeviceRef, Session};
use super::setting;
use super::words::{self, NOTHING};

/// What to ask about authority.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Say who decides each workload on a device, and why
    Get {
        /// The device's id, its resource name, or the name that it shows
        #[arg(value_name = "NAME|ID")]
        device: DeviceRef,
    },
    /// Say whether a manager decides one workload on a device; the exit code is 0 if it does, 5 if not
    Check(CheckArgs),
    /// Say who decides on many devices; with `-o json` one object a line
    List {
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// What is recorded of the hierarchies' co-management objects
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say what a change of a hierarchy's policy would do, and keep the answer; nothing changes
    Plan(PlanArgs),
    /// The plans that were made
    #[command(subcommand)]
    Plans(PlansCommand),
    /// Who must agree to which plans, who was asked, and what they said
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
    /// Agree to a plan that somebody else asks for
    Approve(ApproveArgs),
    /// Say no to a plan, which ends the request for its approval
    Reject(ReasonedArgs),
    /// Go ahead without the approvals that a plan misses, in an emergency: that is on record, and raises an alert
    BreakGlass(ReasonedArgs),
    /// Adopt a plan's policy as what is desired of its hierarchy, and show the work that carries it there
    Apply(ApplyArgs),
    /// Show what is desired of a hierarchy: the policy of the plan that was applied last
    Desired {
        /// The hierarchy
        hierarchy: HierarchyId,
    },
    /// Compare what is desired of a hierarchy with what is configured there, position by position
    Diff(DiffArgs),
    /// Show the work that makes a hierarchy's configured policy the desired one
    Handover(HandoverArgs),
    /// Say who decided on a device when
    History(HistoryArgs),
    /// Move a workload in waves, by membership of its pilot collection
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Stop every rollout of the tenant at once, and let no plan be applied; or show whether that is so
    Freeze(FreezeArgs),
    /// Let rollouts go on, and plans be applied
    Unfreeze(UnfreezeArgs),
    /// Show the way out of co-management, and how far it has come
    #[command(subcommand)]
    Decommission(DecommissionCommand),
    /// List devices that report otherwise than what is effective
    Drift {
        /// Only this workload
        #[arg(long, value_parser = words::workloads())]
        workload: Option<Workload>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Say what governs a kind of setting, and who holds it on a device
    Resolve {
        /// Such as wifi_profile; without one, every kind is listed
        kind: Option<String>,
        /// The device's id, its resource name, or the name that it shows
        #[arg(value_name = "NAME|ID", requires = "kind")]
        device: Option<DeviceRef>,
    },
    /// Who did what, and whether the log of it is what it was
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Say what a capability value means, bit by bit
    Decode {
        /// Decimal, or hexadecimal after 0x
        value: String,
    },
}

/// Answers.
pub(crate) async fn run(command: AuthorityCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.authority();
    match command {
        AuthorityCommand::Get { device } => {
            let name = session.device(&device).await?;
            let request = GetEffectiveAuthorityRequest { name, ..Default::default() };
            let answer = client.get_effective_authority(request).await?.into_inner();
            session.screen.show(&answer.effective_authority.unwrap_or_default(), show_device)
        }
        AuthorityCommand::Check(args) => check::run(&args, session).await,
        AuthorityCommand::List { filter } => stream(&filter, session).await,
        AuthorityCommand::Policy(command) => policy::run(command, session).await,
        AuthorityCommand::Plan(args) => plan::run(args, session).await,
        AuthorityCommand::Plans(command) => plans::run(command, session).await,
        AuthorityCommand::Approvals(command) => approvals::run(command, session).await,
        AuthorityCommand::Approve(args) => approvals::approve(args, session).await,
        AuthorityCommand::Reject(args) => approvals::reject(args, session).await,
        AuthorityCommand::BreakGlass(args) => approvals::break_glass(args, session).await,
        AuthorityCommand::Apply(args) => apply::run(args, session).await,
        AuthorityCommand::Desired { hierarchy } => desired::run(&hierarchy, session).await,
        AuthorityCommand::Diff(args) => desired::diff(&args, session).await,
        AuthorityCommand::Handover(args) => handover::run(&args, session).await,
        AuthorityCommand::History(args) => history::run(args, session).await,
        AuthorityCommand::Rollout(command) => rollout::run(command, session).await,
        AuthorityCommand::Freeze(args) => freeze::freeze(args, session).await,
        AuthorityCommand::Unfreeze(args) => freeze::unfreeze(args, session).await,
        AuthorityCommand::Decommission(command) => decommission::run(command, session).await,
        AuthorityCommand::Resolve { kind, device } => setting::run(kind, device, session).await,
        AuthorityCommand::Audit(command) => audit::run(command, session).await,
        AuthorityCommand::Drift { workload, limit } => drift::run(workload, limit, session).await,
        AuthorityCommand::Decode { value } => {
            let request = DecodeCapabilityValueRequest { value };
            let answer = client.decode_capability_value(request).await?.into_inner();
            session.screen.show(&answer, |screen, answer| screen.details(decoded(answer)))
        }
    }
}

pub(super) fn authority(number: i32) -> String {
    words::word(number, ManagementAuthority::id).to_owned()
}

pub(super) fn workload(number: i32) -> String {
    words::word(number, Workload::id).to_owned()
}

fn show_device(screen: &mut Screen<'_>, answer: &EffectiveAuthority) -> Result<(), CliError> {
    let readings = [
        ("query", answer.co_managed_query),
        ("prose", answer.co_managed_prose),
        ("cloud", answer.co_managed_cloud),
    ];
    let readings = readings.map(|(reading, holds)| format!("{reading} {}", words::yes_no(holds)));
    let mut details = vec![
        ["Device".to_owned(), answer.device.clone()],
        ["State".to_owned(), words::word(answer.state, ManagementState::id).to_owned()],
        ["Co-managed".to_owned(), readings.join(", ")],
        ["Revisions".to_owned(), revisions(answer)],
        ["Capability value".to_owned(), words::text(&answer.capability_value)],
    ];
    if answer.unknown_bits != 0 {
        let bits = format!("{:#x}, which no published table names", answer.unknown_bits);
        details.push(["Unknown bits".to_owned(), bits]);
    }
    if answer.leaving {
        details.push(["Leaving".to_owned(), "being retired, wiped or deleted".to_owned()]);
    }
    if answer.autopilot_override_unknown {
        let unknown = "nobody said; counted as none".to_owned();
        details.push(["Autopilot override".to_owned(), unknown]);
    }
    screen.details(details)?;
    let columns = ["WORKLOAD", "AUTHORITY", "REASON", "REPORTED", "DRIFT", "DESIRED"].map(Column::Text);
    screen.section("Workloads", &columns, workloads(answer))
}

fn revisions(answer: &EffectiveAuthority) -> String {
    match answer.policy_revision {
        0 => format!("device {}, no policy known", answer.device_revision),
        policy => format!("device {}, policy {policy}", answer.device_revision),
    }
}

/// One row a workload, with what the device last reported of it.
fn workloads(answer: &EffectiveAuthority) -> Vec<Row> {
    let rows = answer.workloads.iter().map(|decided| {
        let reported = answer.reported.iter().filter(|report| report.workload == decided.workload);
        let reported: Vec<String> =
            reported.map(|report| format!("{} by {}", authority(report.authority), report.source)).collect();
        let drifts = answer.drift.iter().any(|drift| drift.workload == decided.workload);
        vec![
            workload(decided.workload),
            authority(decided.authority),
            words::word(decided.reason, Reason::id).to_owned(),
            words::text(&reported.join(", ")),
            words::yes_no(drifts),
            if decided.desired == 0 { NOTHING.to_owned() } else { authority(decided.desired) },
        ]
    });
    rows.collect()
}

const COLUMNS: [Column; 4] =
    [Column::Text("DEVICE"), Column::Text("STATE"), Column::Text("WHO DECIDES"), Column::Text("DRIFT")];

async fn stream(filter: &FilterArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    filter.check(session).await?;
    let request = StreamEffectiveAuthorityRequest {
        parent: session.parent(),
        filter: filter.message(&session.tenant),
        ..Default::default()
    };
    let mut batches = session.connection.authority().stream_effective_authority(request).await?.into_inner();
    let mut is_empty = true;
    while let Some(batch) = batches.message().await? {
        let answers = batch.effective_authorities;
        is_empty &= answers.is_empty();
        if session.screen.is_json() {
            for answer in &answers {
                session.screen.line(&json::line(answer)?)?;
            }
        } else if !answers.is_empty() {
            session.screen.table(&COLUMNS, answers.iter().map(row).collect())?;
        }
    }
    if is_empty && !session.screen.is_json() {
        session.screen.table(&COLUMNS, Vec::new())?;
    }
    Ok(())
}

/// Workloads on one line, gathered by who decides them.
pub(super) fn gathered(decided: impl Iterator<Item = (i32, i32)>) -> String {
    let mut by_authority: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (of, decider) in decided {
        by_authority.entry(decider).or_default().push(workload(of));
    }
    let all: usize = by_authority.values().map(Vec::len).sum();
    let said = by_authority.iter().map(|(decider, workloads)| {
        let what = if workloads.len() == all { "all".to_owned() } else { workloads.join(", ") };
        format!("{}: {what}", authority(*decider))
    });
    said.collect::<Vec<_>>().join("; ")
}

/// A device on one line.
fn row(answer: &EffectiveAuthority) -> Row {
    let decided = answer.workloads.iter().map(|decided| (decided.workload, decided.authority));
    let drift: Vec<String> = answer.drift.iter().map(|drift| workload(drift.workload)).collect();
    vec![
        words::last_part(&answer.device),
        words::word(answer.state, ManagementState::id).to_owned(),
        gathered(decided),
        words::text(&drift.join(", ")),
    ]
}

fn decoded(answer: &DecodeCapabilityValueResponse) -> Vec<[String; 2]> {
    let moved: Vec<String> = answer.moved.iter().map(|moved| workload(*moved)).collect();
    let unknown = match answer.unknown_bits {
        0 => NOTHING.to_owned(),
        bits => format!("{bits:#x}"),
    };
    vec![
        ["Value".to_owned(), format!("{} ({:#x})", answer.value, answer.value)],
        ["Layout".to_owned(), words::layout(answer.layout)],
        ["Policy present".to_owned(), words::yes_no(answer.policy_present)],
        ["At Intune".to_owned(), words::text(&moved.join(", "))],
        ["Encryption".to_owned(), words::encryption(answer.encryption)],
        ["Unknown bits".to_owned(), unknown],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::authority::v1::{Drift, ReportedAuthority, WorkloadAuthority};

    fn decided(workload: i32, authority: i32, reason: i32) -> WorkloadAuthority {
        WorkloadAuthority { workload, authority, reason, ..WorkloadAuthority::default() }
    }

    fn noon() -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 })
    }

    fn answer() -> EffectiveAuthority {
        EffectiveAuthority {
            device: "tenants/t/devices/d1".into(),
            state: 3,
            workloads: vec![
                decided(1, 2, 13),
                WorkloadAuthority { desired: 2, desired_reason: 12, ..decided(7, 1, 14) },
            ],
            reported: vec![ReportedAuthority {
                workload: 7,
                authority: 2,
                source: "configmgr/PS1".into(),
                observed_at: noon(),
            }],
            drift: vec![drifting()],
            ..Default::default()
        }
    }

    fn drifting() -> Drift {
        Drift {
            workload: 7,
            effective: 1,
            reported: 2,
            source: "configmgr/PS1".into(),
            observed_at: noon(),
            since: noon(),
            cause: 1,
            explanation: "the device has not checked in since the change: its report is from before".into(),
        }
    }

    #[test]
    fn workloads_are_shown_with_reason_and_report() {
        let expected = [
            ["compliance_policies", "intune", "pilot_member", "–", "no", "–"],
            [
                "client_apps",
                "configuration_manager",
                "pilot_not_member",
                "intune by configmgr/PS1",
                "yes",
                "intune",
            ],
        ];
        assert_eq!(workloads(&answer()), expected);
    }

    #[test]
    fn workloads_of_a_device_on_one_line_are_gathered_by_who_decides() {
        let decides = "configuration_manager: client_apps; intune: compliance_policies";
        assert_eq!(row(&answer()), ["d1", "co_managed", decides, "client_apps"]);
        let alike = EffectiveAuthority {
            workloads: vec![decided(1, 1, 5), decided(7, 1, 5)],
            drift: Vec::new(),
            ..answer()
        };
        assert_eq!(row(&alike), ["d1", "co_managed", "configuration_manager: all", "–"]);
    }

    #[test]
    fn capability_value_is_shown_with_its_meaning() {
        let answer = DecodeCapabilityValueResponse {
            value: 8259,
            policy_present: true,
            moved: vec![1, 7],
            encryption: 1,
            unknown_bits: 16,
            layout: 2,
        };
        let expected = [
            ["Value", "8259 (0x2043)"],
            ["Layout", "current"],
            ["Policy present", "yes"],
            ["At Intune", "compliance_policies, client_apps"],
            ["Encryption", "not_moved"],
            ["Unknown bits", "0x10"],
        ];
        assert_eq!(decoded(&answer), expected.map(|row| row.map(str::to_owned)));
    }
}
