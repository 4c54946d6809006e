//! Devices and fleets, judged by rules that are enabled.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::custom_rule_service_client::CustomRuleServiceClient;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_client::FleetEvaluationServiceClient;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::prerequisites_service_client::PrerequisitesServiceClient;
use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, CustomFinding, CustomOutcome, CustomRule, CustomRuleNumber, CustomRuleSummary,
    DeviceCheck, ListSummaryDevicesRequest, Severity, SummarizeFleetRequest, SummarizeFleetResponse, Verdict,
    VerdictCount,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_testkit::database::Place;
use tonic::transport::Channel;

use crate::fakes::Inventory;
use crate::fixture::{TENANT, as_of, name_of};
use crate::rules::{create, name, rule, update};
use crate::sandbox::{channel_at, channel_over, invalid, refused};

/// The outcome of each device of the fixture is one of the four: of `OSL-LT-0099` it is false, nobody says whose `OSL-LT-0417` and
/// `TOS-LT-0042` are, and of the personal `BER-LT-0001` it divides by zero.
const FOUR_WAYS: &str = "has(device.client_health_sync) && !device.mdm_blocked_by_policy
    && 1 / (device.owner == 'personal' ? 0 : 1) == 1";

struct Clients {
    rules: CustomRuleServiceClient<Channel>,
    checks: PrerequisitesServiceClient<Channel>,
    fleets: FleetEvaluationServiceClient<Channel>,
}

impl Clients {
    fn of(channel: Channel) -> Self {
        Self {
            rules: CustomRuleServiceClient::new(channel.clone()),
            checks: PrerequisitesServiceClient::new(channel.clone()),
            fleets: FleetEvaluationServiceClient::new(channel),
        }
    }

    async fn new() -> Self {
        Self::of(channel_over(Inventory::new()).await)
    }

    /// Makes a rule that is enabled. Answers the token of the world that has it.
    async fn enable(&mut self, id: &str, expression: &str, severity: Severity) -> String {
        let rule = CustomRule {
            severity: severity.into(),
            remediation: format!("mend {id}"),
            enabled: true,
            ..rule(id, expression)
        };
        create(&mut self.rules, rule).await.unwrap().1
    }

    async fn check(&mut self, id: &str) -> DeviceCheck {
        let request = CheckDeviceRequest { name: name_of(id), ..CheckDeviceRequest::default() };
        self.checks.check_device(request).await.unwrap().into_inner().check.unwrap()
    }

    async fn summary(&mut self, token: &str) -> SummarizeFleetResponse {
        let request = SummarizeFleetRequest {
            parent: TENANT.into(),
            consistency_token: token.into(),
            ..SummarizeFleetRequest::default()
        };
        self.checks.summarize_fleet(request).await.unwrap().into_inner()
    }

    async fn listed(&mut self, number: Number, token: &str) -> Vec<String> {
        let request = ListSummaryDevicesRequest {
            parent: TENANT.into(),
            number: Some(number),
            consistency_token: token.into(),
            ..ListSummaryDevicesRequest::default()
        };
        let answer = self.fleets.list_summary_devices(request).await.unwrap().into_inner();
        assert_eq!(answer.total, answer.devices.len() as u64);
        answer.devices.into_iter().map(|device| device.display_name).collect()
    }
}

fn of(id: &str, outcome: CustomOutcome) -> Number {
    Number::CustomRule(CustomRuleNumber { rule: name(id), outcome: outcome.into() })
}

/// Of the first rule that was made.
fn finding(id: &str, severity: Severity, outcome: CustomOutcome) -> CustomFinding {
    CustomFinding {
        version: "1".into(),
        rule: name(id),
        display_name: id.into(),
        severity: severity.into(),
        outcome: outcome.into(),
        ..CustomFinding::default()
    }
}

pub(crate) async fn device_is_judged_by_rules_that_are_enabled() {
    let mut clients = Clients::new().await;
    let before = clients.check("d-eligible").await;
    assert_eq!((before.custom_verdict(), before.custom_findings), (Verdict::Unspecified, vec![]));
    clients.enable("windows11", "device.os_build >= 22000", Severity::Warning).await;
    create(&mut clients.rules, rule("not-enabled", "false")).await.unwrap();

    let eligible = clients.check("d-eligible").await;
    let satisfied = finding("windows11", Severity::Warning, CustomOutcome::Satisfied);
    assert_eq!((eligible.custom_verdict(), eligible.custom_findings), (Verdict::Ready, vec![satisfied]));
    let outdated = clients.check("d-outdated").await;
    let unsatisfied = CustomFinding {
        remediation: "mend windows11".into(),
        ..finding("windows11", Severity::Warning, CustomOutcome::Unsatisfied)
    };
    // A warning blocks nobody.
    assert_eq!((outdated.custom_verdict(), outdated.custom_findings), (Verdict::Ready, vec![unsatisfied]));
    let request =
        CheckDeviceRequest { name: name_of("d-eligible"), problems_only: true, ..Default::default() };
    let problems = clients.checks.check_device(request).await.unwrap().into_inner().check.unwrap();
    assert_eq!((problems.custom_verdict(), problems.custom_findings), (Verdict::Ready, vec![]));
}

pub(crate) async fn blocking_rules_make_the_verdict() {
    let mut clients = Clients::new().await;
    clients.enable("four-ways", FOUR_WAYS, Severity::Blocking).await;
    let mut verdicts = Vec::new();
    for id in ["d-eligible", "d-outdated", "d-coexisting"] {
        let check = clients.check(id).await;
        // What the catalogue says is the field's.
        let paths: Vec<_> = check.paths.iter().map(|report| report.verdict()).collect();
        verdicts.push((id, check.custom_verdict(), paths[0]));
    }
    let expected = [
        ("d-eligible", Verdict::Unknown, Verdict::Ready),
        ("d-outdated", Verdict::Blocked, Verdict::Blocked),
        ("d-coexisting", Verdict::Unknown, Verdict::Ready),
    ];
    assert_eq!(verdicts, expected);
}

pub(crate) async fn rule_that_fails_changes_nothing_of_the_others() {
    let mut clients = Clients::new().await;
    clients.enable("a-fails", "1 / (device.owner == 'personal' ? 0 : 1) == 1", Severity::Warning).await;
    clients.enable("b-holds", "device.client_installed", Severity::Blocking).await;
    clients.enable("c-is-missing", "device.serial_number == 'x'", Severity::Warning).await;
    let check = clients.check("d-coexisting").await;
    let expected = [
        CustomFinding {
            failure: "Division by zero of Int(1)".into(),
            ..finding("a-fails", Severity::Warning, CustomOutcome::Failed)
        },
        CustomFinding {
            version: "2".into(),
            ..finding("b-holds", Severity::Blocking, CustomOutcome::Satisfied)
        },
        CustomFinding {
            version: "3".into(),
            missing_fact: "device.serial_number".into(),
            ..finding("c-is-missing", Severity::Warning, CustomOutcome::Unknown)
        },
    ];
    assert_eq!((check.custom_verdict(), check.custom_findings), (Verdict::Ready, expected.into()));
}

fn four_ways() -> CustomRuleSummary {
    CustomRuleSummary {
        rule: name("four-ways"),
        display_name: "four-ways".into(),
        severity: Severity::Blocking.into(),
        satisfied: 0,
        unsatisfied: 1,
        unknown: 2,
        failed: 1,
        pending: 0,
        remediation: "mend four-ways".into(),
    }
}

pub(crate) async fn fleet_is_counted_by_each_rule_whether_it_is_kept_or_not() {
    let mut clients = Clients::new().await;
    let token = clients.enable("four-ways", FOUR_WAYS, Severity::Blocking).await;
    let judged = clients.summary(&token).await;
    assert_eq!((judged.evaluated_at, judged.custom_rules.as_slice()), (None, &[four_ways()][..]));
    let count = |of: Verdict, devices| VerdictCount { verdict: of.into(), devices };
    let verdicts = vec![count(Verdict::Blocked, 1), count(Verdict::Unknown, 3)];
    assert_eq!(judged.custom_verdicts, verdicts);
    // From now on it is kept.
    clients.listed(of("four-ways", CustomOutcome::Failed), &token).await;
    let kept = clients.summary(&token).await;
    let expected = SummarizeFleetResponse { evaluated_at: Some(time::to_proto(as_of())), ..judged };
    assert_eq!(kept, expected);
    let filter = Some(DeviceFilter { hierarchies: vec!["AP1".into()], ..DeviceFilter::default() });
    let request = SummarizeFleetRequest { parent: TENANT.into(), filter, ..SummarizeFleetRequest::default() };
    let part = clients.checks.summarize_fleet(request).await.unwrap().into_inner();
    let of_part = CustomRuleSummary { unsatisfied: 0, unknown: 1, failed: 0, ..four_ways() };
    assert_eq!((part.custom_rules, part.custom_verdicts), (vec![of_part], vec![count(Verdict::Unknown, 1)]));
}

pub(crate) async fn devices_behind_a_rule_are_listed_once_all_are_judged_by_it() {
    let mut clients = Clients::new().await;
    // The fleet is kept before there is a rule.
    clients.listed(Number::Verdict(Verdict::Ready.into()), "").await;
    clients.enable("four-ways", FOUR_WAYS, Severity::Blocking).await;
    // Without a token: what is listed is whole all the same.
    assert_eq!(clients.listed(of("four-ways", CustomOutcome::Unspecified), "").await, ["OSL-LT-0099"]);
    let unknown = clients.listed(of("four-ways", CustomOutcome::Unknown), "").await;
    assert_eq!(unknown, ["OSL-LT-0417", "TOS-LT-0042"]);
    assert_eq!(clients.listed(of("four-ways", CustomOutcome::Failed), "").await, ["BER-LT-0001"]);
    assert_eq!(clients.listed(of("four-ways", CustomOutcome::Satisfied), "").await, Vec::<String>::new());
    let blocked = Number::CustomVerdict(Verdict::Blocked.into());
    assert_eq!(clients.listed(blocked, "").await, ["OSL-LT-0099"]);
}

pub(crate) async fn rule_of_another_replica_is_judged_by() {
    let place = Place::new().await;
    let mut one = Clients::of(channel_at(&place, Inventory::new()).await);
    let mut other = Clients::of(channel_at(&place, Inventory::new()).await);
    other.listed(Number::Verdict(Verdict::Ready.into()), "").await;
    let token = one.enable("windows11", "device.os_build >= 22000", Severity::Blocking).await;
    let unsatisfied = of("windows11", CustomOutcome::Unsatisfied);
    assert_eq!(other.listed(unsatisfied.clone(), &token).await, ["OSL-LT-0099"]);
    let changed = CustomRule { enabled: true, ..rule("windows11", "device.os_build < 22000") };
    let (_, token) = update(&mut one.rules, changed).await.unwrap();
    let found = other.listed(unsatisfied, &token).await;
    assert_eq!(found, ["BER-LT-0001", "OSL-LT-0417", "TOS-LT-0042"]);
}

pub(crate) async fn rule_that_is_disabled_is_counted_no_more() {
    let mut clients = Clients::new().await;
    let token = clients.enable("four-ways", FOUR_WAYS, Severity::Blocking).await;
    clients.listed(of("four-ways", CustomOutcome::Failed), &token).await;
    let (_, token) = update(&mut clients.rules, rule("four-ways", FOUR_WAYS)).await.unwrap();
    let summary = clients.summary(&token).await;
    assert!(summary.evaluated_at.is_some());
    assert_eq!((summary.custom_rules, summary.custom_verdicts), (vec![], vec![]));
    assert_eq!(clients.check("d-outdated").await.custom_findings, []);
}

pub(crate) async fn number_of_a_rule_that_is_not_enabled_is_refused() {
    let mut clients = Clients::new().await;
    create(&mut clients.rules, rule("not-enabled", "true")).await.unwrap();
    for id in ["not-enabled", "nothing"] {
        let request = ListSummaryDevicesRequest {
            parent: TENANT.into(),
            number: Some(of(id, CustomOutcome::Unsatisfied)),
            ..ListSummaryDevicesRequest::default()
        };
        let found = format!("must name a rule of the tenant's own that is enabled; found `{}`", name(id));
        assert_eq!(
            refused(clients.fleets.list_summary_devices(request).await),
            invalid("custom_rule.rule", &found)
        );
    }
}
