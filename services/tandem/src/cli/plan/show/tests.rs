//! A plan as people read it, whole.

use super::*;
use crate::cli::screen::{Output, shown};
use tandem_contracts::authority::v1::{
    AutoEnrollmentChange, CollectionImpact, EnabledChange, ImpactRow, WorkloadChange, WorkloadCount,
    WorkloadImpact,
};
use tandem_contracts::convert::number;
use tandem_contracts::r#type::v1::{AutoEnrollment, WorkloadSetting};
use tandem_domain::state::ManagementState;

fn setting(slider: i32, collection: &str) -> Option<WorkloadSetting> {
    Some(WorkloadSetting { workload: 7, slider, pilot_collection: collection.into() })
}

fn change(kind: Kind) -> PolicyChange {
    PolicyChange { kind: Some(kind) }
}

fn row(devices: u64, state: i32, before: (i32, i32), after: (i32, i32), blocked: bool) -> ImpactRow {
    ImpactRow {
        state,
        before: before.0,
        before_reason: before.1,
        after: after.0,
        after_reason: after.1,
        // Of a slider at Intune.
        slider_reason: 12,
        blocked,
        devices,
    }
}

/// Every kind of change, of device and of warning.
fn content() -> PlanContent {
    let (joined, co_managed) = (number(ManagementState::JoinedClient), number(ManagementState::CoManaged));
    let manager = (1, 5);
    PlanContent {
        configured_revision: 4,
        desired_revision: 0,
        inventory_revision: 22,
        changes: vec![
            change(Kind::Enabled(EnabledChange { before: None, after: Some(true) })),
            change(Kind::AutoEnrollment(AutoEnrollmentChange {
                before: Some(AutoEnrollment { mode: 2, collection: "PS10003F".into() }),
                after: None,
            })),
            change(Kind::Workload(WorkloadChange {
                before: setting(2, "PS100043"),
                after: setting(3, "PS100043"),
            })),
        ],
        devices: 40,
        devices_affected: 1,
        workloads: vec![
            WorkloadImpact {
                workload: 7,
                changing: 1,
                held_back: 9,
                rows: vec![
                    row(30, co_managed, (2, 13), (2, 12), false),
                    row(5, joined, manager, manager, true),
                    row(4, joined, manager, manager, false),
                    row(1, co_managed, (1, 14), (2, 12), false),
                ],
            },
            WorkloadImpact { workload: 1, changing: 0, held_back: 0, rows: Vec::new() },
        ],
        collections: vec![CollectionImpact {
            collection: "PS100043".into(),
            members: 30,
            complete: false,
            changing: vec![WorkloadCount { workload: 7, devices: 1 }],
        }],
        warnings: vec![
            PlanWarning {
                id: "clients_poll".into(),
                text: "devices follow when they poll".into(),
                workloads: vec![7],
                collections: vec!["PS100043".into()],
                source: "states.md 6".into(),
                ..PlanWarning::default()
            },
            PlanWarning {
                id: "intune_policy_not_confirmed".into(),
                text: "nobody manages what has no policy".into(),
                depends_on: "whether it is deployed".into(),
                source: "workloads.toml switching.before_switch".into(),
                ..PlanWarning::default()
            },
        ],
        invariants: vec![
            PlanInvariant { text: "one holder".into(), ..PlanInvariant::default() },
            PlanInvariant { text: "carried along".into(), violations: 2, ..PlanInvariant::default() },
        ],
        facts: Some(PlanFacts {
            deployed_at_configuration_manager: vec![1, 7],
            store_apps: Some(false),
            ..PlanFacts::default()
        }),
        ..PlanContent::default()
    }
}

fn plan() -> Plan {
    Plan {
        name: "tenants/default/hierarchies/PS1/plans/3f".into(),
        hash: "3fa9".into(),
        content: Some(content()),
        created_by: "ada".into(),
        create_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
        ..Plan::default()
    }
}

#[test]
fn plan_is_shown_with_every_kind_of_change_device_and_warning() {
    let names = BTreeMap::from([("PS100043".to_owned(), "Pilot of apps".to_owned())]);
    let expected = [
        " Plan   tenants/default/hierarchies/PS1/plans/3f",
        " Hash   3fa9",
        " Base   configured revision 4, nothing is desired yet",
        " Fleet  40 devices, revision 22",
        " Made   2025-11-20T12:00:00Z by ada",
        " Said   deployed at Configuration Manager: compliance_policies client_apps, Store apps: no",
        "",
        "Changes",
        "  + co_management    set up",
        "  - auto_enrollment  pilot:PS10003F",
        "  ~ client_apps      pilot_intune:PS100043 -> intune, keeping PS100043",
        "",
        "client_apps: 1 of 40 devices change holder, 9 held back",
        " DEVICES   STATE           BEFORE                                    AFTER                   WHAT HAPPENS",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "       5   joined_client   configuration_manager: not_enrolled       as before               held back from intune, blocked by prerequisites",
        "       4   joined_client   configuration_manager: not_enrolled       as before               held back from intune",
        "       1   co_managed      configuration_manager: pilot_not_member   intune: slider_intune   changes holder",
        "",
        "compliance_policies: 0 of 40 devices change holder",
        "",
        "Collections that the policies name",
        " COLLECTION   NAME            MEMBERS   ALL KNOWN   CHANGE HOLDER",
        "───────────────────────────────────────────────────────────────────",
        " PS100043     Pilot of apps        30   no          client_apps: 1",
        "",
        "Warnings",
        "  ! devices follow when they poll: client_apps, PS100043",
        "    clients_poll (states.md 6)",
        "",
        "Warnings that depend on what nobody said",
        "  ! nobody manages what has no policy",
        "    intune_policy_not_confirmed (workloads.toml switching.before_switch); depends on whether it is deployed",
        "",
        "Verified",
        "  holds  one holder",
        "  BROKEN on 2 devices  carried along",
        "",
        "Plan: 1 device changes holder (of 40), 9 held back, 2 warnings",
        "",
        "To adopt exactly this plan:",
        "  tandem authority apply PS1/3f --hash 3fa9",
        "",
    ];
    assert_eq!(shown(Output::Table, |screen| show(screen, &plan(), &names)), expected.join("\n"));
}

#[test]
fn plan_that_changes_nothing_says_so() {
    let content = PlanContent { devices: 40, configured_revision: 4, ..PlanContent::default() };
    let nothing = Plan { content: Some(content), ..plan() };
    let expected = [
        " Plan   tenants/default/hierarchies/PS1/plans/3f",
        " Hash   3fa9",
        " Base   configured revision 4, nothing is desired yet",
        " Fleet  40 devices, revision 0",
        " Made   2025-11-20T12:00:00Z by ada",
        "",
        "No changes: what is proposed is what is configured.",
        "",
        "Plan: 0 devices change holder (of 40), 0 held back, 0 warnings",
        "",
        "To adopt exactly this plan:",
        "  tandem authority apply PS1/3f --hash 3fa9",
        "",
    ];
    assert_eq!(shown(Output::Table, |screen| show(screen, &nothing, &BTreeMap::new())), expected.join("\n"));
}

#[test]
fn plan_that_was_applied_says_so_and_is_not_to_be_applied_again() {
    let apply_time = Some(prost_types::Timestamp { seconds: 1_763_643_600, nanos: 0 });
    let applied = Plan { applied_by: "ben".into(), apply_time, ..plan() };
    let text = shown(Output::Table, |screen| show(screen, &applied, &BTreeMap::new()));
    assert!(text.contains("\n Applied  2025-11-20T13:00:00Z by ben\n"), "{text}");
    assert!(text.ends_with("\nPlan: 1 device changes holder (of 40), 9 held back, 2 warnings\n"), "{text}");
}

#[test]
fn devices_that_several_workloads_hold_back_are_not_added_up() {
    let mut content = content();
    content.workloads[1].held_back = 7;
    assert_eq!(summary(&content), "1 device changes holder (of 40), at least 9 held back, 2 warnings");
}
