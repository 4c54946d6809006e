//! What is kept of a fleet: how far it is, its parts, and the devices behind each number.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::{
    Benefit, BenefitNumber, BenefitReach, ConcernKind, Eligibility, EligibilityCount, EvaluationCause,
    EvaluationRun, FleetEvaluation, FleetPart, FleetSummary, GetFleetEvaluationRequest,
    ListFleetSummariesRequest, ListSummaryDevicesRequest, ListSummaryDevicesResponse, Outcome, Path,
    RuleNumber, RuleSummary, Severity, SummarizeFleetRequest, SummarizeFleetResponse, SummaryDevice, Verdict,
    VerdictCount, View,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::consistency::Service;
use tonic::Code;

use crate::fakes::{Inventory, inventory_token, world_token};
use crate::fixture::{REVISION, TENANT, as_of, name_of};
use crate::sandbox::{Client, FleetClient, clients_over, invalid, not_found, refusal, refused};

const PATHS: [Path; 5] = [Path::Path1, Path::Path2, Path::Autopilot, Path::Coexistence, Path::Autopatch];

/// Clients of a service that keeps the fleet, all of it judged.
async fn keeping() -> (Client, FleetClient) {
    let (client, mut fleets) = clients_over(Inventory::new()).await;
    let whole = ListSummaryDevicesRequest { parent: TENANT.into(), ..ListSummaryDevicesRequest::default() };
    fleets.list_summary_devices(whole).await.unwrap();
    (client, fleets)
}

fn whole_summary(path: Path) -> SummarizeFleetRequest {
    SummarizeFleetRequest {
        parent: TENANT.into(),
        path: path.into(),
        view: View::Whole.into(),
        ..SummarizeFleetRequest::default()
    }
}

async fn listed(
    fleets: &mut FleetClient,
    path: Path,
    number: Option<Number>,
    filter: Option<DeviceFilter>,
) -> ListSummaryDevicesResponse {
    let request = ListSummaryDevicesRequest {
        parent: TENANT.into(),
        path: path.into(),
        number,
        filter,
        ..ListSummaryDevicesRequest::default()
    };
    fleets.list_summary_devices(request).await.unwrap().into_inner()
}

fn rule(rule: &str, outcome: Outcome, alone: bool) -> Option<Number> {
    Some(Number::Rule(RuleNumber { rule: rule.into(), outcome: outcome.into(), alone }))
}

#[tokio::test]
async fn kept_summary_is_what_judging_every_device_for_the_answer_says() {
    let (mut judging, _) = clients_over(Inventory::new()).await;
    let (mut kept, _) = keeping().await;
    for path in PATHS {
        let judged = judging.summarize_fleet(whole_summary(path)).await.unwrap().into_inner();
        assert_eq!((judged.devices, judged.evaluated_at), (4, None));
        let of_hierarchy = SummarizeFleetRequest {
            filter: Some(DeviceFilter { hierarchies: vec!["AP1".into()], ..DeviceFilter::default() }),
            ..whole_summary(path)
        };
        let judged_part = judging.summarize_fleet(of_hierarchy.clone()).await.unwrap().into_inner();
        let evaluated_at = Some(time::to_proto(as_of()));
        for (request, judged) in [(whole_summary(path), judged), (of_hierarchy, judged_part)] {
            let expected = SummarizeFleetResponse { evaluated_at, ..judged };
            assert_eq!(kept.summarize_fleet(request).await.unwrap().into_inner(), expected, "{path:?}");
        }
    }
}

#[tokio::test]
async fn moment_that_is_asked_for_is_judged_for_the_answer() {
    let (mut client, _) = keeping().await;
    let request =
        SummarizeFleetRequest { as_of: Some(time::to_proto(as_of())), ..whole_summary(Path::Path1) };
    let answer = client.summarize_fleet(request).await.unwrap().into_inner();
    assert_eq!((answer.devices, answer.evaluated_at), (4, None));
}

#[tokio::test]
async fn as_many_devices_are_behind_a_number_as_it_says() {
    let (mut client, mut fleets) = keeping().await;
    let mut looked_at = 0;
    for path in PATHS {
        let summary = client.summarize_fleet(whole_summary(path)).await.unwrap().into_inner();
        let mut numbers = vec![
            (None, summary.devices),
            (Some(Number::EligibleUnverified(true)), summary.eligible_unverified),
        ];
        for found in &summary.rules {
            numbers.push((rule(&found.rule, Outcome::Unsatisfied, false), found.unsatisfied));
            numbers.push((rule(&found.rule, Outcome::Unknown, false), found.unknown));
        }
        numbers.extend(
            summary.mends.iter().map(|mend| (rule(&mend.rule, Outcome::Unsatisfied, true), mend.alone)),
        );
        numbers.extend(summary.verdicts.iter().map(|of| (Some(Number::Verdict(of.verdict)), of.devices)));
        numbers.extend(
            summary.eligibility.iter().map(|of| (Some(Number::Eligibility(of.eligibility)), of.devices)),
        );
        numbers.extend(summary.concerns.iter().map(|of| (Some(Number::Concern(of.kind)), of.devices)));
        for of in &summary.benefits {
            let reaches = [
                (BenefitReach::Unlocked, of.unlocked),
                (BenefitReach::OneStepAway, of.one_step_away),
                (BenefitReach::Locked, of.locked),
                (BenefitReach::Unknown, of.unknown),
            ];
            let number = |reach: BenefitReach| BenefitNumber { benefit: of.benefit, reach: reach.into() };
            numbers.extend(reaches.map(|(reach, devices)| (Some(Number::Benefit(number(reach))), devices)));
        }
        for (number, devices) in numbers {
            let list = listed(&mut fleets, path, number.clone(), None).await;
            assert_eq!((list.total, list.devices.len() as u64), (devices, devices), "{path:?} {number:?}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 150, "{looked_at} numbers");
}

#[tokio::test]
async fn devices_behind_a_number_are_named_page_by_page() {
    let (_, mut fleets) = keeping().await;
    let outdated =
        listed(&mut fleets, Path::Path1, rule("win.serviced_version", Outcome::Unspecified, false), None);
    let expected = ListSummaryDevicesResponse {
        devices: vec![SummaryDevice { device: name_of("d-outdated"), display_name: "OSL-LT-0099".into() }],
        total: 1,
        next_page_token: String::new(),
        consistency_token: world_token(),
    };
    assert_eq!(outdated.await, expected);

    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListSummaryDevicesRequest {
            parent: TENANT.into(),
            number: Some(Number::Eligibility(Eligibility::Eligible.into())),
            page_size: 1,
            page_token,
            ..ListSummaryDevicesRequest::default()
        };
        let page = fleets.list_summary_devices(request).await.unwrap().into_inner();
        assert_eq!((page.devices.len(), page.total), (1, 2));
        names.extend(page.devices.into_iter().map(|device| device.device));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [name_of("d-eligible"), name_of("d-unverified")]);

    let of_ap1 = DeviceFilter { hierarchies: vec!["AP1".into()], ..DeviceFilter::default() };
    let eligible = Some(Number::Eligibility(Eligibility::Eligible.into()));
    let there = listed(&mut fleets, Path::Path1, eligible, Some(of_ap1)).await;
    assert_eq!(there.devices.iter().map(|d| &*d.display_name).collect::<Vec<_>>(), ["TOS-LT-0042"]);
    let never = listed(&mut fleets, Path::Path1, Some(Number::EnrollmentError(0x8018_0018)), None).await;
    assert_eq!((never.devices, never.total), (Vec::new(), 0));
}

fn verdicts<const N: usize>(counts: [(Verdict, u64); N]) -> Vec<VerdictCount> {
    counts.map(|(of, devices)| VerdictCount { verdict: of.into(), devices }).into()
}

fn eligibility<const N: usize>(counts: [(Eligibility, u64); N]) -> Vec<EligibilityCount> {
    counts.map(|(of, devices)| EligibilityCount { eligibility: of.into(), devices }).into()
}

fn stopping(rule: &str, unsatisfied: u64, unknown: u64, remediation: &str) -> RuleSummary {
    RuleSummary {
        rule: rule.into(),
        severity: Severity::Blocking.into(),
        unsatisfied,
        unknown,
        remediation: remediation.into(),
    }
}

#[tokio::test]
async fn hierarchies_and_sites_are_summarized_apart() {
    let (_, mut fleets) = keeping().await;
    let ap1 = FleetSummary {
        part: format!("{TENANT}/hierarchies/AP1"),
        path: Path::Path1.into(),
        devices: 1,
        verdicts: verdicts([(Verdict::Unknown, 1)]),
        eligibility: eligibility([(Eligibility::Eligible, 1)]),
        rules: vec![
            stopping(
                "cm.auto_enroll_in_scope",
                0,
                1,
                "add the device to the Intune Auto Enrollment collection or set the mode to All",
            ),
            stopping(
                "win.mdm_not_blocked",
                0,
                1,
                "remove the group policy or managed-externally flag; error 0x80180026",
            ),
            RuleSummary {
                severity: Severity::Warning.into(),
                ..stopping("win.site_supports_windows_version", 0, 1, "update the site before the clients")
            },
        ],
    };
    let ps1 = FleetSummary {
        part: format!("{TENANT}/hierarchies/PS1"),
        path: Path::Path1.into(),
        devices: 3,
        verdicts: verdicts([(Verdict::Ready, 2), (Verdict::Blocked, 1)]),
        eligibility: eligibility([
            (Eligibility::Eligible, 1),
            (Eligibility::NeedsOsUpdate, 1),
            (Eligibility::Ineligible, 1),
        ]),
        rules: vec![
            stopping(
                "entra.joined",
                1,
                0,
                "join the device to Entra ID, or make the domain-joined device hybrid joined",
            ),
            stopping(
                "entra.not_registered_only",
                1,
                0,
                "remove the workplace registration and join the device",
            ),
            stopping(
                "win.serviced_version",
                1,
                0,
                "update Windows; Extended Security Updates keep a Windows 10 22H2 patched but do not make it supported \
                 again",
            ),
        ],
    };
    let of = |part: FleetPart, page_size, page_token: &str| ListFleetSummariesRequest {
        parent: TENANT.into(),
        part: part.into(),
        page_size,
        page_token: page_token.into(),
        ..ListFleetSummariesRequest::default()
    };
    let all = fleets.list_fleet_summaries(of(FleetPart::Hierarchy, 0, "")).await.unwrap().into_inner();
    assert_eq!(all.summaries, [ap1.clone(), ps1.clone()]);
    assert_eq!((all.evaluated_at, all.consistency_token), (Some(time::to_proto(as_of())), world_token()));
    assert_eq!(all.next_page_token, "");

    let sites = fleets.list_fleet_summaries(of(FleetPart::Site, 1, "")).await.unwrap().into_inner();
    let ap1 = FleetSummary { part: format!("{TENANT}/hierarchies/AP1/sites/AP1"), ..ap1 };
    assert_eq!(sites.summaries, [ap1]);
    let next = of(FleetPart::Site, 1, &sites.next_page_token);
    let sites = fleets.list_fleet_summaries(next).await.unwrap().into_inner();
    let ps1 = FleetSummary { part: format!("{TENANT}/hierarchies/PS1/sites/PS1"), ..ps1 };
    assert_eq!((sites.summaries, sites.next_page_token), (vec![ps1], String::new()));
}

#[tokio::test]
async fn paths_are_summarized_beside_each_other() {
    let (mut client, mut fleets) = keeping().await;
    let request = ListFleetSummariesRequest {
        parent: TENANT.into(),
        part: FleetPart::Path.into(),
        ..ListFleetSummariesRequest::default()
    };
    let two = ListFleetSummariesRequest { page_size: 2, ..request.clone() };
    let page = fleets.list_fleet_summaries(two.clone()).await.unwrap().into_inner();
    assert_eq!(page.summaries.iter().map(FleetSummary::path).collect::<Vec<_>>(), PATHS[..2]);
    let next = ListFleetSummariesRequest { page_token: page.next_page_token, ..two };
    let page = fleets.list_fleet_summaries(next).await.unwrap().into_inner();
    assert_eq!(page.summaries.iter().map(FleetSummary::path).collect::<Vec<_>>(), PATHS[2..4]);
    let found = fleets.list_fleet_summaries(request).await.unwrap().into_inner().summaries;
    assert_eq!(found.iter().map(FleetSummary::path).collect::<Vec<_>>(), PATHS);
    for part in found {
        let summary = client.summarize_fleet(whole_summary(part.path())).await.unwrap().into_inner();
        let rules: Vec<RuleSummary> = summary.rules.into_iter().take(3).collect();
        assert_eq!((part.verdicts, part.rules), (summary.verdicts, rules), "{:?}", part.path);
        assert_eq!((part.devices, &*part.part), (4, ""));
    }
}

#[tokio::test]
async fn evaluation_says_how_far_it_is() {
    let (_, mut fleets) = keeping().await;
    let asked = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let answer = fleets.get_fleet_evaluation(asked).await.unwrap().into_inner();
    let now = Some(time::to_proto(as_of()));
    let expected = FleetEvaluation {
        devices: 4,
        pending: 0,
        complete: true,
        run: Some(EvaluationRun {
            cause: EvaluationCause::Snapshot.into(),
            began_at: now,
            ended_at: now,
            judged: 4,
            total: Some(4),
        }),
        lag: None,
        problem: String::new(),
    };
    let found = answer.evaluation.unwrap();
    assert!(found.lag.is_some());
    assert_eq!(FleetEvaluation { lag: None, ..found }, expected);
    assert_eq!(answer.consistency_token, world_token());
}

#[tokio::test]
async fn fleet_whose_snapshot_breaks_off_is_not_summarized() {
    let (_, mut fleets) = clients_over(Inventory::breaking_off()).await;
    let asked = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let mut request = tonic::Request::new(ListSummaryDevicesRequest {
        parent: TENANT.into(),
        ..ListSummaryDevicesRequest::default()
    });
    request.set_timeout(std::time::Duration::from_secs(3));
    assert_eq!(
        refused(fleets.list_summary_devices(request).await),
        refusal(Code::Unavailable, "FLEET_NOT_COUNTED", None)
    );
    let found = fleets.get_fleet_evaluation(asked).await.unwrap().into_inner().evaluation.unwrap();
    assert!(!found.complete && !found.problem.is_empty(), "{found:?}");
}

#[tokio::test]
async fn fleet_that_is_not_judged_yet_is_judged_for_the_answer() {
    let (mut client, mut fleets) = clients_over(Inventory::following_nothing()).await;
    let asked = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let found = fleets.get_fleet_evaluation(asked).await.unwrap().into_inner().evaluation.unwrap();
    assert!(!found.complete, "{found:?}");
    let answer = client.summarize_fleet(whole_summary(Path::Path1)).await.unwrap().into_inner();
    assert_eq!((answer.devices, answer.evaluated_at), (4, None));
}

#[tokio::test]
async fn what_is_not_there_or_misspelt_is_refused() {
    let (_, mut fleets) = keeping().await;
    let fabrikam = GetFleetEvaluationRequest { parent: "tenants/fabrikam".into(), ..Default::default() };
    let expected = not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam");
    assert_eq!(refused(fleets.get_fleet_evaluation(fabrikam).await), expected);

    let nowhere = ListSummaryDevicesRequest {
        parent: TENANT.into(),
        filter: Some(DeviceFilter { hierarchies: vec!["PS2".into()], ..DeviceFilter::default() }),
        ..ListSummaryDevicesRequest::default()
    };
    let expected = not_found("tandem.inventory.v1.Hierarchy", "tenants/contoso/hierarchies/PS2");
    assert_eq!(refused(fleets.list_summary_devices(nowhere).await), expected);

    let parts = |part: i32, path: Path| ListFleetSummariesRequest {
        parent: TENANT.into(),
        part,
        path: path.into(),
        ..ListFleetSummariesRequest::default()
    };
    for (request, field, why) in [
        (parts(0, Path::Unspecified), "part", "must be set: hierarchy, site, collection or path"),
        (
            parts(9, Path::Unspecified),
            "part",
            "must be a value of the enumeration; found the unknown number 9",
        ),
        (
            parts(FleetPart::Path.into(), Path::Path2),
            "path",
            "must be unset where every path is counted; found path2",
        ),
    ] {
        assert_eq!(refused(fleets.list_fleet_summaries(request).await), invalid(field, why));
    }

    let benefit = |benefit: Benefit, reach: BenefitReach| {
        Some(Number::Benefit(BenefitNumber { benefit: benefit.into(), reach: reach.into() }))
    };
    for (number, field, why) in [
        (
            rule("win.editions", Outcome::Unspecified, false),
            "rule.rule",
            "must be a rule of scope device on path1; found `win.editions`",
        ),
        (
            rule("win.edition", Outcome::Satisfied, false),
            "rule.outcome",
            "must be unsatisfied or unknown: others are not kept",
        ),
        (
            rule("win.edition", Outcome::Unknown, true),
            "rule.alone",
            "must be unset with an outcome other than unsatisfied",
        ),
        (
            rule("win.push_service_present", Outcome::Unsatisfied, true),
            "rule.alone",
            "must be unset: win.push_service_present only warns",
        ),
        (Some(Number::Verdict(Verdict::Unspecified.into())), "verdict", "must be set"),
        (Some(Number::EnrollmentError(0)), "enrollment_error", "must not be 0, which is success"),
        (Some(Number::EligibleUnverified(false)), "eligible_unverified", "must be true"),
        (benefit(Benefit::Autopilot, BenefitReach::Unspecified), "benefit.reach", "must be set"),
        (
            Some(Number::Concern(77)),
            "concern",
            "must be a value of the enumeration; found the unknown number 77",
        ),
    ] {
        let request = ListSummaryDevicesRequest {
            parent: TENANT.into(),
            number,
            ..ListSummaryDevicesRequest::default()
        };
        assert_eq!(refused(fleets.list_summary_devices(request).await), invalid(field, why));
    }
}

#[tokio::test]
async fn page_token_of_another_number_and_a_world_that_is_ahead_are_refused() {
    let (_, mut fleets) = keeping().await;
    let all = ListSummaryDevicesRequest {
        parent: TENANT.into(),
        page_size: 1,
        ..ListSummaryDevicesRequest::default()
    };
    let page = fleets.list_summary_devices(all.clone()).await.unwrap().into_inner();
    let other = ListSummaryDevicesRequest {
        number: Some(Number::Concern(ConcernKind::Twins.into())),
        page_token: page.next_page_token,
        ..all.clone()
    };
    let refused_token = refused(fleets.list_summary_devices(other).await);
    assert_eq!(
        refused_token,
        refusal(
            Code::InvalidArgument,
            "INVALID_PAGE_TOKEN",
            Some("page_token: the page token is damaged, or belongs to another list or filter"),
        )
    );
    let mut ahead = tonic::Request::new(ListSummaryDevicesRequest {
        consistency_token: inventory_token().with(Service::Inventory, 7, REVISION + 1).to_string(),
        ..all
    });
    ahead.set_timeout(std::time::Duration::from_secs(3));
    assert_eq!(
        refused(fleets.list_summary_devices(ahead).await),
        refusal(Code::Unavailable, "NOT_YET_CONSISTENT", None)
    );
}
