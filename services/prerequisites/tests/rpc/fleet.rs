//! The fleet as a whole.

use tandem_contracts::prerequisites::v1::{
    Eligibility, EligibilityCount, Path, RuleSummary, Severity, SummarizeFleetRequest,
    SummarizeFleetResponse, Verdict, VerdictCount,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::consistency::Service;
use tonic::Code;

use crate::fakes::{Inventory, inventory_token, world_token};
use crate::fixture::{REVISION, TENANT};
use crate::sandbox::{client, client_over, invalid, not_found, refusal, refused};

fn of_hierarchy(id: &str) -> Option<DeviceFilter> {
    Some(DeviceFilter { hierarchies: vec![id.into()], ..DeviceFilter::default() })
}

fn request() -> SummarizeFleetRequest {
    SummarizeFleetRequest { parent: TENANT.into(), ..SummarizeFleetRequest::default() }
}

fn rule(rule: &str, severity: Severity, [unsatisfied, unknown]: [u64; 2], remediation: &str) -> RuleSummary {
    RuleSummary {
        rule: rule.into(),
        severity: severity.into(),
        unsatisfied,
        unknown,
        remediation: remediation.into(),
    }
}

fn eligibility(eligibility: Eligibility, devices: u64) -> EligibilityCount {
    EligibilityCount { eligibility: eligibility.into(), devices }
}

fn verdict(verdict: Verdict, devices: u64) -> VerdictCount {
    VerdictCount { verdict: verdict.into(), devices }
}

#[tokio::test]
async fn fleet_is_counted_whole_on_path1() {
    use Severity::{Blocking, Warning};
    let expected = SummarizeFleetResponse {
        devices: 4,
        rules: vec![
            rule(
                "entra.joined",
                Blocking,
                [1, 0],
                "join the device to Entra ID, or make the domain-joined device hybrid joined",
            ),
            rule(
                "entra.not_registered_only",
                Blocking,
                [1, 0],
                "remove the workplace registration and join the device",
            ),
            rule(
                "win.serviced_version",
                Blocking,
                [1, 0],
                "update Windows; Extended Security Updates keep a Windows 10 22H2 patched but do not make it supported \
                 again",
            ),
            rule(
                "cm.auto_enroll_in_scope",
                Blocking,
                [0, 1],
                "add the device to the Intune Auto Enrollment collection or set the mode to All",
            ),
            rule(
                "win.mdm_not_blocked",
                Blocking,
                [0, 1],
                "remove the group policy or managed-externally flag; error 0x80180026",
            ),
            rule("cm.client_healthy", Warning, [0, 1], "repair the client; see CcmNotificationAgent.log"),
            rule("win.site_supports_windows_version", Warning, [0, 1], "update the site before the clients"),
        ],
        eligibility: vec![
            eligibility(Eligibility::Eligible, 2),
            eligibility(Eligibility::NeedsOsUpdate, 1),
            eligibility(Eligibility::Ineligible, 1),
        ],
        verdicts: vec![
            verdict(Verdict::Ready, 2),
            verdict(Verdict::Blocked, 1),
            verdict(Verdict::Unknown, 1),
        ],
        eligible_unverified: 1,
        consistency_token: world_token(),
        ..SummarizeFleetResponse::default()
    };
    let asked = SummarizeFleetRequest { consistency_token: inventory_token().to_string(), ..request() };
    assert_eq!(client().await.summarize_fleet(asked).await.unwrap().into_inner(), expected);
}

#[tokio::test]
async fn one_hierarchy_is_counted_alone_on_the_path_asked_for() {
    let asked =
        SummarizeFleetRequest { path: Path::Coexistence.into(), filter: of_hierarchy("AP1"), ..request() };
    let expected = SummarizeFleetResponse {
        devices: 1,
        rules: Vec::new(),
        // Eligibility is judged on path 1, whichever path is counted.
        eligibility: vec![eligibility(Eligibility::Eligible, 1)],
        verdicts: vec![verdict(Verdict::NotApplicable, 1)],
        eligible_unverified: 1,
        consistency_token: world_token(),
        ..SummarizeFleetResponse::default()
    };
    assert_eq!(client().await.summarize_fleet(asked).await.unwrap().into_inner(), expected);
}

#[tokio::test]
async fn fleet_that_is_not_there_is_named() {
    let mut client = client().await;
    let tenant =
        SummarizeFleetRequest { parent: "tenants/fabrikam".into(), ..SummarizeFleetRequest::default() };
    assert_eq!(
        refused(client.summarize_fleet(tenant).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
    let hierarchy = SummarizeFleetRequest { filter: of_hierarchy("PS2"), ..request() };
    assert_eq!(
        refused(client.summarize_fleet(hierarchy).await),
        not_found("tandem.inventory.v1.Hierarchy", "tenants/contoso/hierarchies/PS2")
    );
    let misspelt = SummarizeFleetRequest { path: 6, ..request() };
    assert_eq!(
        refused(client.summarize_fleet(misspelt).await),
        invalid("path", "must be a value of the enumeration; found the unknown number 6")
    );
}

#[tokio::test]
async fn fleet_older_than_the_token_is_refused() {
    let of = |incarnation, revision| SummarizeFleetRequest {
        consistency_token: inventory_token().with(Service::Inventory, incarnation, revision).to_string(),
        ..request()
    };
    let mut client = client().await;
    assert_eq!(
        refused(client.summarize_fleet(of(7, REVISION + 1)).await),
        refusal(Code::Unavailable, "NOT_YET_CONSISTENT", None)
    );
    assert_eq!(
        refused(client.summarize_fleet(of(8, REVISION)).await),
        refusal(Code::FailedPrecondition, "INCARNATION_CHANGED", None)
    );
}

#[tokio::test]
async fn snapshot_that_breaks_off_is_no_smaller_fleet() {
    let mut client = client_over(Inventory::breaking_off()).await;
    assert_eq!(
        refused(client.summarize_fleet(request()).await),
        refusal(Code::Unavailable, "DEPENDENCY_UNAVAILABLE", None)
    );
}
