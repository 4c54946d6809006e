//! A change of authority that others have to agree to: asked for, approved, rejected, forced. The rules are those of a tenant that set none,
//! by which the plan of LB1 needs two.

use serde_json::json;

use super::planned::{LB1, Planned};
use super::world::World;

/// What a person says of that plan, and it is done.
async fn done(world: &World, by: &str, line: &str) -> String {
    let (text, _, ended) = world.told_by(by, line, None).await;
    assert_eq!(ended, Ok(()), "{line}");
    text
}

/// How a person is refused, without the trace.
async fn refused(world: &World, by: &str, line: &str) -> (u8, String) {
    let (_, _, ended) = world.told_by(by, line, None).await;
    let (code, said) = ended.unwrap_err();
    (code, untraced(&said))
}

/// `(REASON, trace 0a89…)` as `(REASON)`.
fn untraced(said: &str) -> String {
    let Some((before, after)) = said.split_once(", trace ") else { return said.to_owned() };
    let (_, after) = after.split_once(')').unwrap();
    format!("{before}){after}")
}

impl Planned {
    /// A verb about this plan, with its hash.
    fn line(&self, verb: &str) -> String {
        format!("authority {verb} {} --hash {}", self.name, self.hash)
    }

    /// A command of an advice.
    fn command(&self, verb: &str) -> String {
        format!("`tandem {}`", self.line(verb))
    }
}

#[tokio::test]
async fn plan_is_applied_once_two_others_approved_it() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let refusal = "expected 2 approvals of the plan, since it moves device_configuration and it moves a slider to intune, for \
                   every co-managed device; found";
    let (code, said) = world.ask(&planned.application()).await.unwrap_err();
    let expected = format!(
        "{refusal} 0: ask for approval; in an emergency, ask and break the glass (APPROVALS_MISSING); {} asks for approval",
        planned.command("approvals request")
    );
    assert_eq!((code, untraced(&said)), (1, expected));
    assert_eq!(world.ask("authority desired LB1").await.unwrap_err().0, 4);

    let request = planned.line("approvals request --valid-for 3d --reason pilot --ticket CHG-9");
    let text = done(&world, "ada", &request).await;
    let details = |state: &str, approvals: &str| {
        [
            " Plan       tenants/default/hierarchies/LB1/plans/ID".to_owned(),
            " Hash       HASH".to_owned(),
            format!(" State      {state}"),
            format!(" Approvals  {approvals} of 2"),
            " Since      it moves device_configuration: 1".to_owned(),
            "            it moves a slider to intune, for every co-managed device: 2".to_owned(),
            " Asked      2026-11-20T23:59:59Z by ada".to_owned(),
            " Why        pilot".to_owned(),
            " Ticket     CHG-9".to_owned(),
            " Expires    2026-11-23T23:59:59Z".to_owned(),
        ]
        .join("\n")
    };
    let approve = "\n\nTo approve exactly this plan, as somebody other than its requester:\n  \
                   tandem authority approve LB1/ID --hash HASH\n";
    assert_eq!(planned.settled(&text), format!("{}{approve}", details("pending", "0")));
    let get = format!("`tandem authority approvals get {}` shows who said what", planned.name);
    assert_eq!(
        refused(&world, "ada", &request).await,
        (
            1,
            format!(
                "ada has asked for approval already, until 2026-11-23T23:59:59Z: wait for it, or have it rejected \
                 (APPROVAL_PENDING); {get}"
            )
        )
    );

    let text = done(&world, "bo", &planned.line("approve")).await;
    let bo = "\n Approved   2026-11-20T23:59:59Z by bo";
    assert_eq!(planned.settled(&text), format!("{}{bo}{approve}", details("pending", "1")));
    assert_eq!(
        refused(&world, "bo", &planned.line("approve")).await,
        (
            1,
            format!(
                "expected somebody who has not approved yet; found bo, who did at 2026-11-20T23:59:59Z: somebody else \
                 must approve it (ALREADY_APPROVED); {get}"
            )
        )
    );
    let expected = format!(
        "{refusal} 1: wait for the others, or break the glass in an emergency (APPROVALS_MISSING); {get}"
    );
    assert_eq!(refused(&world, "ada", &planned.application()).await, (1, expected));

    let text = done(&world, "cy", &planned.line("approve")).await;
    let cy = "\n Approved   2026-11-20T23:59:59Z by cy";
    let apply = "\n\nTo adopt exactly this plan:\n  tandem authority apply LB1/ID --hash HASH\n";
    assert_eq!(planned.settled(&text), format!("{}{bo}{cy}{apply}", details("approved", "2")));
    let expected = format!(
        "expected a plan that waits for approval; found 2 of 2 approvals given: apply the plan (NO_APPROVAL_NEEDED); {} \
         applies it",
        planned.command("apply")
    );
    assert_eq!(refused(&world, "di", &planned.line("approve")).await, (1, expected));

    done(&world, "ada", &planned.application()).await;
    let text = world.ask(&format!("authority approvals get {}", planned.name)).await.unwrap();
    let handover =
        "\n\nTo see the work that carries it into the hierarchy:\n  tandem authority handover LB1\n";
    assert_eq!(planned.settled(&text), format!("{}{bo}{cy}{handover}", details("applied", "2")));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn last_approval_applies_the_plan_where_the_request_says_so() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let text = done(&world, "ada", &planned.line("approvals request --apply-when-approved")).await;
    assert!(text.contains("\n Then       its last approval applies the plan\n"), "{text}");
    done(&world, "bo", &planned.line("approve")).await;
    assert_eq!(world.ask("authority desired LB1").await.unwrap_err().0, 4);
    let (text, _, ended) = world.told_by("cy", &planned.line("approve -o json"), None).await;
    assert_eq!(ended, Ok(()));
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["approvalRequest"]["state"], json!("APPROVAL_STATE_APPLIED"));
    assert_eq!(answer["desiredPolicy"], world.json("authority desired LB1").await);
    assert_eq!(answer["desiredPolicy"]["updatedBy"], json!("ada"));
    world.sandbox.stop().await.unwrap();
}

/// Whoever works with a system of their own is alone there.
#[tokio::test]
async fn single_administrator_cannot_approve_and_breaks_the_glass() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let nobody_asked = |name: &str| {
        format!(
            "nothing is named `{name}/approvalRequest` (RESOURCE_NOT_FOUND); {} asks for approval",
            planned.command("approvals request")
        )
    };
    let name = planned.plan["name"].as_str().unwrap();
    let glass = planned.line("break-glass --reason gateway");
    for line in [&glass, &planned.line("approve"), &planned.line("reject --reason no")] {
        let (code, said) = world.ask(line).await.unwrap_err();
        assert_eq!((code, untraced(&said)), (4, nobody_asked(name)), "{line}");
    }
    let get = format!("authority approvals get {}", planned.name);
    let (code, said) = world.ask(&get).await.unwrap_err();
    let expected = format!(
        "nothing is named `{name}/approvalRequest` (RESOURCE_NOT_FOUND); nobody asked for its approval: \
         `tandem authority approvals request PLAN --hash HASH` does"
    );
    assert_eq!((code, untraced(&said)), (4, expected));

    world.ask(&planned.line("approvals request")).await.unwrap();
    let (code, said) = world.ask(&planned.line("approve")).await.unwrap_err();
    let expected = "expected an approver other than the requester; found local: somebody else must approve it (SELF_APPROVAL)";
    assert_eq!((code, untraced(&said)), (1, expected.to_owned()));
    // Words are separated by blanks here: no reason of blanks can be said, and none at all is.
    let (code, said) = world.ask(&planned.line("break-glass --reason=")).await.unwrap_err();
    let expected = "expected a reason; found none: send one in `justification.reason` (APPROVAL_REASON_MISSING); say it with --reason";
    assert_eq!((code, untraced(&said)), (1, expected.to_owned()));

    let text = world.ask(&format!("{glass} --ticket INC-7")).await.unwrap();
    let details = [
        " Plan          tenants/default/hierarchies/LB1/plans/ID",
        " Hash          HASH",
        " State         glass_broken",
        " Approvals     0 of 2",
        " Since         it moves device_configuration: 1",
        "               it moves a slider to intune, for every co-managed device: 2",
        " Asked         2026-11-20T23:59:59Z by local",
        " Expires       2026-11-27T23:59:59Z",
        " Glass broken  2026-11-20T23:59:59Z by local: gateway",
        "",
        "The plan may go ahead without approval: that is on record, and raises an alert.",
        "",
        "To adopt exactly this plan:",
        "  tandem authority apply LB1/ID --hash HASH",
        "",
    ];
    assert_eq!(planned.settled(&text), details.join("\n"));
    world.ask(&planned.application()).await.unwrap();
    assert_eq!(world.json(&get).await["state"], json!("APPROVAL_STATE_APPLIED"));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn plan_that_was_rejected_can_be_asked_for_again() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    assert_eq!(world.ask("authority approvals list LB1").await, Ok("none\n".to_owned()));
    done(&world, "ada", &planned.line("approvals request --reason pilot")).await;
    let text = done(&world, "bo", &planned.line("reject --reason freeze")).await;
    let ending = "\n Rejected   2026-11-20T23:59:59Z by bo: freeze\n\nTo ask again:\n  \
                  tandem authority approvals request LB1/ID --hash HASH\n";
    assert!(planned.settled(&text).ends_with(ending), "{text}");
    let get = format!("`tandem authority approvals get {}` shows who said what", planned.name);
    let (code, said) = refused(&world, "ada", &planned.application()).await;
    assert_eq!((code, said.contains("(APPROVAL_REJECTED)"), said.ends_with(&get)), (1, true, true), "{said}");

    let row = |state: &str, why: &str| {
        [
            " PLAN                               ASKED                  BY    WHY     STATE      APPROVALS   EXPIRES".to_owned(),
            "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────".to_owned(),
            format!(" ID   2026-11-20T23:59:59Z   ada   {why}   {state}   0 of 2      2026-11-27T23:59:59Z"),
            String::new(),
        ]
        .join("\n")
    };
    let listed = world.ask("authority approvals list LB1").await.unwrap();
    assert_eq!(planned.settled(&listed), row("rejected", "pilot"));
    done(&world, "ada", &planned.line("approvals request --reason later")).await;
    let listed = world.json("authority approvals list LB1").await;
    let request = world.json(&format!("authority approvals get {}", planned.name)).await;
    assert_eq!(request["state"], json!("APPROVAL_STATE_PENDING"));
    assert_eq!(listed, json!({"approvalRequests": [request], "nextPageToken": ""}));
    for line in ["authority approvals list NOP", "authority approve LB1/nope --hash 3fa9"] {
        assert_eq!(world.ask(line).await.unwrap_err().0, 4, "{line}");
    }
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn plan_that_nobody_has_read_is_neither_asked_for_nor_answered() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let shown = world.ask(&format!("authority plans get {}", planned.name)).await.unwrap();
    let line = |verb: &str| format!("authority {verb} {}", planned.name);
    for verb in ["approvals request", "approve", "reject --reason no", "break-glass --reason gateway"] {
        let expected = "expected --hash with the hash of the plan as it was read: nobody can be asked here";
        let (text, _, ended) = world.told_by("bo", &line(verb), None).await;
        assert_eq!((text.as_str(), ended), ("", Err((2, expected.to_owned()))), "{verb}");
    }
    let (text, remarks, ended) = world.told_by("ada", &line("approvals request"), Some("yes\n")).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(remarks, "only `yes` asks others to approve this plan:\n");
    let request = text.strip_prefix(&shown).unwrap();
    let (request, _) = request.split_once("\n\nTo approve").unwrap();

    for (verb, deed) in [
        ("approve", "approves this plan"),
        ("reject --reason no", "rejects this plan"),
        (
            "break-glass --reason gateway",
            "goes ahead without the approvals that are missing, on record and with an alert",
        ),
    ] {
        let (text, remarks, ended) = world.told_by("bo", &line(verb), Some("no\n")).await;
        assert_eq!(text, format!("{request}\n\n{shown}"), "{verb}");
        assert_eq!(remarks, format!("only `yes` {deed}:\n"));
        assert_eq!(ended, Err((1, "nothing was done: expected `yes`, found `no`".to_owned())), "{verb}");
    }
    let get = format!("authority approvals get {}", planned.name);
    let pending = world.json(&get).await;
    assert_eq!((&pending["state"], &pending["approvals"]), (&json!("APPROVAL_STATE_PENDING"), &json!([])));
    let (text, _, ended) = world.told_by("bo", &line("approve"), Some("yes\n")).await;
    assert_eq!(ended, Ok(()));
    assert!(text.starts_with(&format!("{request}\n\n{shown} Plan ")), "{text}");
    assert_eq!(world.json(&get).await["approvals"][0]["by"], json!("bo"));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn rules_are_shown_and_changed_one_by_one() {
    let world = World::with_the_sample().await;
    let defaults = [
        " Rules  tenants/default/approvalRules",
        " Set    by nobody: these are the defaults",
        " Etag   –",
        "",
        "The strictest of these that is met decides",
        " A PLAN THAT                                             APPROVALS",
        "───────────────────────────────────────────────────────────────────",
        " changes the holder on 100 devices or more                       1",
        " changes the holder on 10000 devices or more                     2",
        " moves device_configuration                                      1",
        " moves a slider to intune, for every co-managed device           2",
        "",
    ];
    assert_eq!(world.ask("authority approvals rules").await, Ok(defaults.join("\n")));

    let set = "authority approvals rules set --devices 50:2 --workload client_apps:3";
    let text = world.ask(set).await.unwrap();
    let expected = [
        " Rules  tenants/default/approvalRules",
        " Set    2026-11-20T23:59:59Z by local",
        " Etag   1",
        "",
        "The strictest of these that is met decides",
        " A PLAN THAT                                             APPROVALS",
        "───────────────────────────────────────────────────────────────────",
        " changes the holder on 50 devices or more                        2",
        " moves device_configuration                                      1",
        " moves client_apps                                               3",
        " moves a slider to intune, for every co-managed device           2",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
    let (code, said) = world.ask("authority approvals rules set --full-switch 6").await.unwrap_err();
    let expected = "rules: expected at most 5 approvals; found 6 (INVALID_FIELD)";
    assert_eq!((code, untraced(&said)), (1, expected.to_owned()));
    assert_eq!(world.ask("authority approvals rules").await, Ok(text));

    let none = [
        " Rules  tenants/default/approvalRules",
        " Set    2026-11-20T23:59:59Z by local",
        " Etag   2",
        "",
        "No plan needs an approval: whoever may plan applies it alone.",
        "",
    ];
    assert_eq!(world.ask("authority approvals rules set --none").await, Ok(none.join("\n")));
    let rules = world.json("authority approvals rules").await;
    let expected = json!({
        "name": "tenants/default/approvalRules",
        "devices": [],
        "workloads": [],
        "fullSwitch": 0,
        "etag": "2",
        "updateTime": "2026-11-20T23:59:59Z",
        "updatedBy": "local",
    });
    assert_eq!(rules, expected);
    let planned = Planned::ask(&world, LB1).await;
    let (code, said) = world.ask(&planned.line("approvals request")).await.unwrap_err();
    let expected = format!(
        "no rule asks for an approval of this plan: apply it (NO_APPROVAL_NEEDED); {} applies it",
        planned.command("apply")
    );
    assert_eq!((code, untraced(&said)), (1, expected));
    world.ask(&planned.application()).await.unwrap();
    world.sandbox.stop().await.unwrap();
}
