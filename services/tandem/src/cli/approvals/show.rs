//! A request for approval as people read it.

use prost_types::Timestamp;
use tandem_contracts::authority::v1::{ApprovalAnswer, ApprovalRequest};

use super::step::Step;
use crate::cli::failure::CliError;
use crate::cli::screen::{Row, Screen};
use crate::cli::words;

/// The request, and the command that goes on from it.
pub(super) fn request_and_step(screen: &mut Screen<'_>, request: &ApprovalRequest) -> Result<(), CliError> {
    screen.details(details(request))?;
    step(screen, request)
}

/// The command that goes on from a request, where there is one.
pub(super) fn step(screen: &mut Screen<'_>, request: &ApprovalRequest) -> Result<(), CliError> {
    Step::after(request).map_or(Ok(()), |step| step.show(screen, &request.plan, &request.hash))
}

pub(super) fn details(request: &ApprovalRequest) -> Vec<[String; 2]> {
    let why = request.justification.clone().unwrap_or_default();
    let mut rows = vec![
        ["Plan", &request.plan],
        ["Hash", &request.hash],
        ["State", &words::approval_state(request.state)],
        ["Approvals", &approvals(request)],
    ]
    .into_iter()
    .map(|row| row.map(str::to_owned))
    .collect::<Vec<_>>();
    let labels = std::iter::once("Since").chain(std::iter::repeat(""));
    rows.extend(labels.zip(&request.reasons).map(|(label, reason)| [label.to_owned(), reason.clone()]));
    rows.push(["Asked".to_owned(), done(request.create_time, &request.requested_by)]);
    let mut more = |label: &str, text: String| rows.push([label.to_owned(), text]);
    if !why.reason.is_empty() {
        more("Why", why.reason);
    }
    if !why.ticket.is_empty() {
        more("Ticket", why.ticket);
    }
    more("Expires", words::moment(request.expire_time));
    if request.apply_when_approved {
        more("Then", "its last approval applies the plan".to_owned());
    }
    for approval in &request.approvals {
        more("Approved", done(approval.time, &approval.by));
    }
    if let Some(no) = &request.rejection {
        more("Rejected", answered(no));
    }
    if let Some(broken) = &request.break_glass {
        more("Glass broken", answered(broken));
    }
    if !request.apply_problem.is_empty() {
        more("Not applied", request.apply_problem.clone());
    }
    rows
}

/// A request on one line.
pub(super) fn row(request: &ApprovalRequest) -> Row {
    let why = request.justification.clone().unwrap_or_default();
    vec![
        words::last_part(&request.plan),
        words::moment(request.create_time),
        words::text(&request.requested_by),
        words::text(&why.reason),
        words::approval_state(request.state),
        approvals(request),
        words::moment(request.expire_time),
    ]
}

fn approvals(request: &ApprovalRequest) -> String {
    format!("{} of {}", request.approvals.len(), request.required)
}

fn done(time: Option<Timestamp>, by: &str) -> String {
    format!("{} by {}", words::moment(time), words::text(by))
}

fn answered(answer: &ApprovalAnswer) -> String {
    format!("{}: {}", done(answer.time, &answer.by), words::text(&answer.reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::authority::v1::{Approval, ApprovalState};
    use tandem_contracts::r#type::v1::Justification;

    fn at(minute: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: 1_763_640_000 + minute * 60, nanos: 0 })
    }

    fn answer(minute: i64, by: &str, reason: &str) -> Option<ApprovalAnswer> {
        Some(ApprovalAnswer { by: by.into(), time: at(minute), reason: reason.into() })
    }

    /// With everything that a request can say.
    fn request() -> ApprovalRequest {
        let plan = "tenants/default/hierarchies/PS1/plans/3f".to_owned();
        ApprovalRequest {
            name: format!("{plan}/approvalRequest"),
            plan,
            hash: "3fa9".into(),
            state: ApprovalState::Approved.into(),
            required: 2,
            reasons: vec![
                "it moves device_configuration: 1".into(),
                "12000 devices are affected, 10000 or more: 2".into(),
            ],
            approvals: ["bo", "cy"].map(|by| Approval { by: by.into(), time: at(2) }).into(),
            rejection: answer(3, "di", "freeze until Monday"),
            break_glass: answer(4, "ada", "the gateway is down"),
            requested_by: "ada".into(),
            create_time: at(0),
            expire_time: at(7 * 24 * 60),
            justification: Some(Justification { reason: "pilot went well".into(), ticket: "CHG-9".into() }),
            apply_when_approved: true,
            apply_problem: "the base of the plan changed: make a new plan".into(),
        }
    }

    #[test]
    fn request_is_shown_with_everything_that_is_known_of_it() {
        let expected = [
            " Plan          tenants/default/hierarchies/PS1/plans/3f",
            " Hash          3fa9",
            " State         approved",
            " Approvals     2 of 2",
            " Since         it moves device_configuration: 1",
            "               12000 devices are affected, 10000 or more: 2",
            " Asked         2025-11-20T12:00:00Z by ada",
            " Why           pilot went well",
            " Ticket        CHG-9",
            " Expires       2025-11-27T12:00:00Z",
            " Then          its last approval applies the plan",
            " Approved      2025-11-20T12:02:00Z by bo",
            " Approved      2025-11-20T12:02:00Z by cy",
            " Rejected      2025-11-20T12:03:00Z by di: freeze until Monday",
            " Glass broken  2025-11-20T12:04:00Z by ada: the gateway is down",
            " Not applied   the base of the plan changed: make a new plan",
            "",
        ];
        let text = shown(Output::Table, |screen| request_and_step(screen, &request()));
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn request_that_says_little_is_shown_with_the_next_step() {
        let request = ApprovalRequest {
            state: ApprovalState::Pending.into(),
            reasons: vec!["it moves device_configuration: 1".into()],
            required: 1,
            approvals: Vec::new(),
            rejection: None,
            break_glass: None,
            justification: None,
            apply_when_approved: false,
            apply_problem: String::new(),
            ..request()
        };
        let expected = [
            " Plan       tenants/default/hierarchies/PS1/plans/3f",
            " Hash       3fa9",
            " State      pending",
            " Approvals  0 of 1",
            " Since      it moves device_configuration: 1",
            " Asked      2025-11-20T12:00:00Z by ada",
            " Expires    2025-11-27T12:00:00Z",
            "",
            "To approve exactly this plan, as somebody other than its requester:",
            "  tandem authority approve PS1/3f --hash 3fa9",
            "",
        ];
        let text = shown(Output::Table, |screen| request_and_step(screen, &request));
        assert_eq!(text, expected.join("\n"));
        let expected =
            ["3f", "2025-11-20T12:00:00Z", "ada", "–", "pending", "0 of 1", "2025-11-27T12:00:00Z"];
        assert_eq!(row(&request), expected);
    }
}
