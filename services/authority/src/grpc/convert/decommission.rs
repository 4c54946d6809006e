//! Ways out of co-management, from the domain.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::number;
use tandem_domain::decommission::{
    Block, Check, DecommissionPlan, DecommissionStanding, DecommissionState, Observations, Precondition,
    Scope, Step, StepState,
};
use tandem_domain::workload::Workload;

/// A plan with where it stands by these readings.
pub(in crate::grpc) fn message(
    plan: &DecommissionPlan,
    standing: &DecommissionStanding,
    seen: &Observations<'_>,
) -> proto::Decommission {
    let state = match standing.state {
        DecommissionState::Pending => proto::DecommissionState::Pending,
        DecommissionState::InProgress => proto::DecommissionState::InProgress,
        DecommissionState::Blocked => proto::DecommissionState::Blocked,
        DecommissionState::Done => proto::DecommissionState::Done,
    };
    let about: Vec<i32> = match plan.scope {
        Scope::Workload(workload) => vec![number::<Workload>(workload)],
        Scope::Hierarchy | Scope::Devices(_) => Vec::new(),
    };
    let left_behind = plan.left_behind.iter().map(|left| proto::PlanWarning {
        id: left.id().to_owned(),
        text: left.text().to_owned(),
        workloads: about.clone(),
        source: left.source().to_string(),
        ..proto::PlanWarning::default()
    });
    proto::Decommission {
        state: state.into(),
        before: checks(&plan.before, seen),
        steps: plan
            .steps
            .iter()
            .zip(&standing.steps)
            .map(|(step, state)| step_message(step, state, seen))
            .collect(),
        left_behind: left_behind.collect(),
        devices: seen.devices.map_or(0, |counts| counts.devices),
    }
}

fn step_message(step: &Step, standing: &StepState, seen: &Observations<'_>) -> proto::DecommissionStep {
    let state = match standing {
        StepState::Pending => proto::DecommissionState::Pending,
        StepState::InProgress(_) => proto::DecommissionState::InProgress,
        StepState::Done => proto::DecommissionState::Done,
        StepState::Blocked(_) => proto::DecommissionState::Blocked,
    };
    let (done, of) = match standing {
        StepState::InProgress(Some(progress)) => (progress.done, progress.of),
        _ => (0, 0),
    };
    let blocks = match standing {
        StepState::Blocked(blocks) => blocks.iter().map(block).collect(),
        _ => Vec::new(),
    };
    proto::DecommissionStep {
        id: step.kind.id().to_owned(),
        actor: step.kind.actor().id().to_owned(),
        instruction: step.kind.instruction(),
        state: state.into(),
        done,
        of,
        before: checks(&step.before, seen),
        blocks,
        source: step.kind.source().to_string(),
    }
}

fn block(block: &Block) -> String {
    match block {
        Block::Precondition { precondition, check } => format!("{}: {}", precondition.id(), problem(check)),
        Block::RetireFailed { devices } => {
            format!("retire or wipe failed or was cancelled on {devices} devices, and nothing else is open")
        }
    }
}

fn checks(preconditions: &[Precondition], seen: &Observations<'_>) -> Vec<proto::DecommissionCheck> {
    let checks = preconditions.iter().map(|precondition| {
        let check = precondition.check(seen);
        proto::DecommissionCheck {
            id: precondition.id().to_owned(),
            met: check == Check::Met,
            problem: problem(&check),
            source: precondition.source().to_string(),
        }
    });
    checks.collect()
}

fn problem(check: &Check) -> String {
    match check {
        Check::Met => String::new(),
        Check::NotMet { expected, found } => format!("expected {expected}, found {found}"),
        Check::Unknown { missing } => format!("nobody said: {missing}"),
    }
}
