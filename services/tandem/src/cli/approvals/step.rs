//! What can be done next about a plan, as the command that does it.

use tandem_contracts::authority::v1::{ApprovalRequest, ApprovalState};

use crate::cli::failure::CliError;
use crate::cli::plans::PLAN;
use crate::cli::reference;
use crate::cli::screen::Screen;

/// A command about one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Step {
    /// Asks for approval.
    Request,
    /// Shows what became of the request.
    Get,
    /// Says yes.
    Approve,
    /// Adopts the plan.
    Apply,
    /// Shows the work that follows from it.
    Handover,
}

impl Step {
    /// What follows from the state of a request; `None`: nothing that a command about this plan does.
    pub(super) fn after(request: &ApprovalRequest) -> Option<Self> {
        match request.state() {
            ApprovalState::Pending => Some(Self::Approve),
            // What kept the last approval from applying it keeps everybody.
            ApprovalState::Approved if !request.apply_problem.is_empty() => None,
            ApprovalState::Approved | ApprovalState::GlassBroken => Some(Self::Apply),
            ApprovalState::Rejected | ApprovalState::Expired => Some(Self::Request),
            ApprovalState::Applied => Some(Self::Handover),
            ApprovalState::Unspecified => None,
        }
    }

    /// The command, for a plan of that name with that hash.
    fn command(self, plan: &str, hash: &str) -> String {
        let (plan, hierarchy) = (reference::short(plan, PLAN), reference::hierarchy_of(plan, PLAN));
        match self {
            Self::Request => format!("tandem authority approvals request {plan} --hash {hash}"),
            Self::Get => format!("tandem authority approvals get {plan}"),
            Self::Approve => format!("tandem authority approve {plan} --hash {hash}"),
            Self::Apply => format!("tandem authority apply {plan} --hash {hash}"),
            Self::Handover => format!("tandem authority handover {hierarchy}"),
        }
    }

    /// The command in a sentence, for who was refused another.
    pub(in crate::cli) fn advice(self, plan: &str, hash: &str) -> String {
        let does = match self {
            Self::Request => "asks for approval",
            Self::Get => "shows who said what",
            Self::Approve => "approves it",
            Self::Apply => "applies it",
            Self::Handover => "shows the work that follows",
        };
        format!("`{}` {does}", self.command(plan, hash))
    }

    /// Shows the command under what it is for.
    pub(in crate::cli) fn show(
        self,
        screen: &mut Screen<'_>,
        plan: &str,
        hash: &str,
    ) -> Result<(), CliError> {
        screen.line(&format!("\n{}\n  {}", self.purpose(), self.command(plan, hash)))
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Request => "To ask again:",
            Self::Get => "To see who said what:",
            Self::Approve => "To approve exactly this plan, as somebody other than its requester:",
            Self::Apply => "To adopt exactly this plan:",
            Self::Handover => "To see the work that carries it into the hierarchy:",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_after_a_request_follows_from_its_state() {
        use ApprovalState as S;
        let table = [
            (S::Pending, Some(Step::Approve)),
            (S::Approved, Some(Step::Apply)),
            (S::GlassBroken, Some(Step::Apply)),
            (S::Rejected, Some(Step::Request)),
            (S::Expired, Some(Step::Request)),
            (S::Applied, Some(Step::Handover)),
        ];
        for (state, expected) in table {
            let request = ApprovalRequest { state: state.into(), ..ApprovalRequest::default() };
            assert_eq!(Step::after(&request), expected, "{state:?}");
        }
        let kept = ApprovalRequest {
            state: S::Approved.into(),
            apply_problem: "the base changed".into(),
            ..ApprovalRequest::default()
        };
        assert_eq!(Step::after(&kept), None);
    }

    #[test]
    fn step_names_the_plan_as_shortly_as_its_tenant_allows() {
        let usual = "tenants/default/hierarchies/PS1/plans/3f";
        let table = [
            (Step::Request, "`tandem authority approvals request PS1/3f --hash 3fa9` asks for approval"),
            (Step::Get, "`tandem authority approvals get PS1/3f` shows who said what"),
            (Step::Approve, "`tandem authority approve PS1/3f --hash 3fa9` approves it"),
            (Step::Apply, "`tandem authority apply PS1/3f --hash 3fa9` applies it"),
            (Step::Handover, "`tandem authority handover PS1` shows the work that follows"),
        ];
        for (step, expected) in table {
            assert_eq!(step.advice(usual, "3fa9"), expected);
        }
        let other = "tenants/contoso/hierarchies/PS1/plans/3f";
        assert_eq!(Step::Apply.command(other, "3fa9"), format!("tandem authority apply {other} --hash 3fa9"));
        let expected = "tandem authority handover PS1 --tenant contoso";
        assert_eq!(Step::Handover.command(other, "3fa9"), expected);
    }
}
