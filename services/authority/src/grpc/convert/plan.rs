//! Plans and hand-overs, to and from the domain.

use aws_lc_rs::digest;
use prost::Message;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::policy_change::Kind;
use tandem_contracts::convert::{self, Violation, enum_required, number, number_or_unspecified};
use tandem_contracts::r#type::v1 as types;
use tandem_domain::handover::{self, Creation, Handover};
use tandem_domain::id::CollectionId;
use tandem_domain::plan::{self, Impact, ImpactRow, PlanFacts, PolicyChange};
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, PolicyViolation, WorkloadSetting};
use tandem_domain::site::SiteFacts;
use tandem_domain::workload::{PerWorkload, Workload};
use tandem_server::Failure;
use tandem_server::failure::FieldViolation;

use super::invalid;

/// What a plan is made of.
pub(in crate::grpc) struct Planned<'a> {
    /// The name of the policy.
    pub(in crate::grpc) name: &'a str,
    pub(in crate::grpc) proposed: &'a CoManagementPolicy,
    /// The configured policy. `None`: nobody said.
    pub(in crate::grpc) base: Option<&'a CoManagementPolicy>,
    pub(in crate::grpc) impact: &'a Impact,
    pub(in crate::grpc) warnings: &'a [plan::PlanWarning],
    pub(in crate::grpc) facts: &'a PlanFacts,
    pub(in crate::grpc) configured_revision: u64,
    pub(in crate::grpc) desired_revision: u64,
    pub(in crate::grpc) inventory_revision: u64,
}

/// A policy that a hierarchy with those sites can hold.
///
/// # Errors
/// Every field that breaks its documented shape; else every position that breaks a rule.
pub(in crate::grpc) fn proposed<'a>(
    message: types::CoManagementPolicy,
    sites: impl IntoIterator<Item = &'a SiteFacts>,
) -> Result<CoManagementPolicy, Failure> {
    let entries: Vec<i32> = message.workloads.iter().map(|entry| entry.workload).collect();
    let policy = convert::policy::from_proto(message).map_err(|violations| {
        let under = violations.into_iter().map(|violation| violation.under("proposed"));
        let fields = under.map(|Violation { field, description }| FieldViolation { field, description });
        Failure::InvalidFields(fields.collect())
    })?;
    let broken: Vec<FieldViolation> = policy
        .violations(sites)
        .iter()
        .map(|violation| FieldViolation {
            field: place_of(violation, &entries),
            description: format!("{violation} ({}): {}", violation.rule(), violation.remediation()),
        })
        .collect();
    if broken.is_empty() { Ok(policy) } else { Err(Failure::InvalidFields(broken)) }
}

/// The field that breaks a rule. A workload without an entry stands at Configuration Manager: the list as a whole says so.
fn place_of(violation: &PolicyViolation, entries: &[i32]) -> String {
    let entry =
        |workload: Workload, field: &str| match entries.iter().position(|entry| *entry == number(workload)) {
            Some(index) => format!("proposed.workloads[{index}].{field}"),
            None => "proposed.workloads".to_owned(),
        };
    match violation {
        PolicyViolation::AutoEnrollmentWithoutCollection => "proposed.auto_enrollment.collection".to_owned(),
        PolicyViolation::PilotWithoutCollection { workload } => entry(*workload, "pilot_collection"),
        PolicyViolation::ResourceAccessFixed { .. } => entry(Workload::ResourceAccessPolicies, "slider"),
        PolicyViolation::LeftBehindDeviceConfiguration { workload, .. } => entry(*workload, "slider"),
    }
}

/// What the operator says of the tenant.
pub(in crate::grpc) fn facts(message: proto::PlanFacts) -> Result<PlanFacts, Failure> {
    let proto::PlanFacts {
        deployed_at_intune,
        deployed_at_configuration_manager,
        conditional_access,
        autopatch,
        store_apps,
        autopilot,
        autopilot_override,
    } = message;
    Ok(PlanFacts {
        deployed_at_intune: listed("facts.deployed_at_intune", &deployed_at_intune)?,
        deployed_at_configuration_manager: listed(
            "facts.deployed_at_configuration_manager",
            &deployed_at_configuration_manager,
        )?,
        conditional_access,
        autopatch,
        store_apps,
        autopilot,
        autopilot_override,
    })
}

fn listed(field: &str, workloads: &[i32]) -> Result<PerWorkload<Option<bool>>, Failure> {
    let mut said = PerWorkload::from_fn(|_| None);
    for (index, listed) in workloads.iter().enumerate() {
        let workload: Workload = enum_required(&format!("{field}[{index}]"), *listed).map_err(invalid)?;
        said[workload] = Some(true);
    }
    Ok(said)
}

fn facts_message(facts: &PlanFacts) -> proto::PlanFacts {
    let listed = |said: &PerWorkload<Option<bool>>| {
        said.iter().filter(|(_, said)| **said == Some(true)).map(|(workload, _)| number(workload)).collect()
    };
    proto::PlanFacts {
        deployed_at_intune: listed(&facts.deployed_at_intune),
        deployed_at_configuration_manager: listed(&facts.deployed_at_configuration_manager),
        conditional_access: facts.conditional_access,
        autopatch: facts.autopatch,
        store_apps: facts.store_apps,
        autopilot: facts.autopilot,
        autopilot_override: facts.autopilot_override,
    }
}

/// What a plan says.
pub(in crate::grpc) fn content(planned: Planned<'_>) -> proto::PlanContent {
    let Planned { name, proposed, base, impact, warnings, facts, .. } = planned;
    proto::PlanContent {
        proposed: Some(types::CoManagementPolicy {
            name: name.to_owned(),
            ..convert::policy::to_proto(proposed)
        }),
        configured_revision: planned.configured_revision,
        desired_revision: planned.desired_revision,
        inventory_revision: planned.inventory_revision,
        changes: changes(&plan::changes(base, proposed)),
        devices: impact.devices,
        devices_affected: impact.affected,
        workloads: Workload::ALL
            .into_iter()
            .filter_map(|workload| workload_impact(impact, workload))
            .collect(),
        collections: impact.collections.iter().map(collection_impact).collect(),
        warnings: warnings.iter().map(warning).collect(),
        invariants: invariants(impact),
        facts: Some(facts_message(facts)),
    }
}

/// The content as it is kept, and its SHA-256 in lower-case hex.
pub(in crate::grpc) fn hashed(content: &proto::PlanContent) -> (Vec<u8>, String) {
    let encoded = content.encode_to_vec();
    let digest = digest::digest(&digest::SHA256, &encoded);
    let hash = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (encoded, hash)
}

/// Automatic enrolment and its collection are one message, and one change.
fn changes(changes: &[PolicyChange]) -> Vec<proto::PolicyChange> {
    let mut found = Vec::new();
    let mut enrollment = None::<proto::AutoEnrollmentChange>;
    for change in changes {
        match change {
            PolicyChange::Enabled { before, after } => {
                found.push(Kind::Enabled(proto::EnabledChange { before: *before, after: *after }));
            }
            PolicyChange::AutoEnrollment { before, after } => {
                let change = enrollment.get_or_insert_default();
                change.before = said(*before, change.before.take());
                change.after = said(*after, change.after.take());
            }
            PolicyChange::AutoEnrollmentCollection { before, after } => {
                let change = enrollment.get_or_insert_default();
                change.before = within(before.as_ref(), change.before.take());
                change.after = within(after.as_ref(), change.after.take());
            }
            PolicyChange::Workload { workload, before, after } => {
                found.push(Kind::Workload(proto::WorkloadChange {
                    before: before.as_ref().map(|setting| workload_setting(*workload, setting)),
                    after: Some(workload_setting(*workload, after)),
                }));
            }
        }
    }
    let place = found.iter().take_while(|kind| matches!(kind, Kind::Enabled(_))).count();
    if let Some(enrollment) = enrollment {
        found.insert(place, Kind::AutoEnrollment(enrollment));
    }
    found.into_iter().map(|kind| proto::PolicyChange { kind: Some(kind) }).collect()
}

fn said(mode: Option<AutoEnrollment>, known: Option<types::AutoEnrollment>) -> Option<types::AutoEnrollment> {
    match mode {
        None => known,
        Some(_) => {
            Some(types::AutoEnrollment { mode: number_or_unspecified(mode), ..known.unwrap_or_default() })
        }
    }
}

fn within(
    collection: Option<&CollectionId>,
    known: Option<types::AutoEnrollment>,
) -> Option<types::AutoEnrollment> {
    match collection {
        None => known,
        Some(collection) => {
            Some(types::AutoEnrollment { collection: collection.to_string(), ..known.unwrap_or_default() })
        }
    }
}

fn workload_setting(workload: Workload, setting: &WorkloadSetting) -> types::WorkloadSetting {
    types::WorkloadSetting {
        workload: number(workload),
        slider: number(setting.slider),
        pilot_collection: setting.pilot_collection.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn workload_impact(impact: &Impact, workload: Workload) -> Option<proto::WorkloadImpact> {
    let rows = &impact.workloads[workload];
    if rows.is_empty() {
        return None;
    }
    let mut rows: Vec<(&ImpactRow, u64)> = rows.iter().map(|(row, devices)| (row, *devices)).collect();
    // Stable: rows of as many devices stay in their own order.
    rows.sort_by_key(|(_, devices)| std::cmp::Reverse(*devices));
    let rows = rows.into_iter().map(|(row, devices)| proto::ImpactRow {
        state: number(row.state),
        before: number(row.before.authority()),
        before_reason: number(row.before),
        after: number(row.after.authority()),
        after_reason: number(row.after),
        slider_reason: number(row.wanted),
        blocked: row.blocked,
        devices,
    });
    Some(proto::WorkloadImpact {
        workload: number(workload),
        changing: impact.changing(workload),
        held_back: impact.held_back(workload),
        rows: rows.collect(),
    })
}

fn collection_impact(impact: &plan::CollectionImpact) -> proto::CollectionImpact {
    let changing = impact.changing.iter().filter(|(_, devices)| **devices > 0);
    proto::CollectionImpact {
        collection: impact.collection.to_string(),
        members: impact.members,
        complete: impact.complete,
        changing: changing
            .map(|(workload, devices)| proto::WorkloadCount { workload: number(workload), devices: *devices })
            .collect(),
    }
}

fn warning(warning: &plan::PlanWarning) -> proto::PlanWarning {
    proto::PlanWarning {
        id: warning.id().to_owned(),
        text: warning.kind.text().to_owned(),
        workloads: warning.workloads.iter().map(|workload| number(*workload)).collect(),
        collections: warning.collections.iter().map(ToString::to_string).collect(),
        depends_on: warning.depends_on.unwrap_or_default().to_owned(),
        source: warning.source().to_string(),
    }
}

fn invariants(impact: &Impact) -> Vec<proto::PlanInvariant> {
    let counted = Workload::ALL.into_iter().map(|workload| &impact.workloads[workload]);
    let uncounted = counted
        .filter(|rows| !rows.is_empty())
        .map(|rows| rows.values().sum::<u64>().abs_diff(impact.devices))
        .max();
    let invariant = |id: &str, text: &str, violations| proto::PlanInvariant {
        id: id.to_owned(),
        text: text.to_owned(),
        violations,
    };
    vec![
        invariant(
            "one_holder",
            "every device of the hierarchy has exactly one holder of each workload, before and after",
            uncounted.unwrap_or(0),
        ),
        invariant(
            "carried_along",
            "no workload is at Configuration Manager on a device where device configuration, which carries it, is at Intune",
            impact.torn,
        ),
    ]
}

/// Work for a hierarchy.
pub(in crate::grpc) fn handover(work: &Handover) -> proto::Handover {
    let (creation_script, creation_obstacles) = match &work.creation {
        Creation::NotNeeded => (String::new(), Vec::new()),
        Creation::Script { text } => (text.clone(), Vec::new()),
        Creation::ConsoleOnly { obstacles } => {
            (String::new(), obstacles.iter().map(ToString::to_string).collect())
        }
    };
    let steps = work
        .console
        .iter()
        .map(|step| proto::ConsoleStep { path: step.path.clone(), instruction: step.action.instruction() });
    proto::Handover {
        done: work.is_empty(),
        console: steps.collect(),
        creation_script,
        creation_obstacles,
        warnings: work.warnings.iter().map(handover_warning).collect(),
        checks: work.checks.iter().map(|check| handover_check(check)).collect(),
    }
}

fn handover_warning(warning: &handover::Warning) -> proto::PlanWarning {
    proto::PlanWarning {
        id: warning.id().to_owned(),
        text: warning.to_string(),
        source: warning.source().to_string(),
        ..proto::PlanWarning::default()
    }
}

fn handover_check(check: &handover::Check) -> proto::HandoverCheck {
    proto::HandoverCheck {
        id: check.id.to_owned(),
        claim: check.claim.to_owned(),
        at_site: check.at_site.to_owned(),
        at_client_or_cloud: check.at_client_or_cloud.unwrap_or_default().to_owned(),
    }
}
