//! Sites and tenants.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{
    CheckHierarchyRequest, CheckSiteRequest, CheckSiteResponse, CheckTenantRequest, CheckTenantResponse,
    HierarchyReport, Path, PathReport, Severity, SiteVerdict, Verdict, WorstFinding,
};

use crate::devices::{satisfied, unknown, unsatisfied};
use crate::fakes::world_token;
use crate::fixture::{TENANT, at};
use crate::sandbox::{client, invalid, not_found, refused};

use Severity::{Blocking, Warning};

const SITE: &str = "tenants/contoso/hierarchies/PS1/sites/PS1";

#[tokio::test]
async fn site_is_judged_with_its_hierarchys_policy() {
    let asked = CheckSiteRequest {
        name: SITE.into(),
        paths: [Path::Path1, Path::Coexistence].map(Into::into).to_vec(),
        ..Default::default()
    };
    let expected = CheckSiteResponse {
        site: SITE.into(),
        paths: vec![
            PathReport {
                path: Path::Path1.into(),
                verdict: Verdict::Blocked.into(),
                findings: vec![
                    unknown("cm.azure_cloud_limits", Warning, &["tenant.cloud"]),
                    unsatisfied(
                        "cm.client_setting_register_entra",
                        [
                            "client setting on: register with Entra ID",
                            "client setting off",
                            "turn it on in client settings, Cloud Services; the failure is silent (no error on the device)",
                        ],
                    ),
                    satisfied("cm.co_management_enabled", Blocking),
                    unknown("cm.resource_access_policies_removed", Blocking, &["attestation"]),
                    satisfied("cm.supported_version", Blocking),
                ],
                // Support of 2509 ends on 2027-05-12.
                valid_until: Some(time::to_proto(at("2027-05-13T00:00:00Z"))),
            },
            // No rule of a site belongs to coexistence.
            PathReport {
                path: Path::Coexistence.into(),
                verdict: Verdict::Ready.into(),
                findings: Vec::new(),
                valid_until: None,
            },
        ],
        consistency_token: world_token(),
    };
    assert_eq!(client().await.check_site(asked).await.unwrap().into_inner(), expected);
}

#[tokio::test]
async fn hierarchy_is_as_bad_as_its_sites() {
    let asked = CheckHierarchyRequest {
        name: "tenants/contoso/hierarchies/PS1".into(),
        paths: vec![Path::Path1.into()],
        ..CheckHierarchyRequest::default()
    };
    let answer = client().await.check_hierarchy(asked).await.unwrap().into_inner();
    // It has one site, so its findings are that one's.
    let of_site =
        CheckSiteRequest { name: SITE.into(), paths: vec![Path::Path1.into()], ..Default::default() };
    let of_site = client().await.check_site(of_site).await.unwrap().into_inner().paths.remove(0);
    let worst = |finding| WorstFinding { finding: Some(finding), sites: vec![SITE.into()] };
    let expected = HierarchyReport {
        path: Path::Path1.into(),
        verdict: Verdict::Blocked.into(),
        findings: of_site.findings.into_iter().map(worst).collect(),
        sites: vec![SiteVerdict { site: SITE.into(), verdict: Verdict::Blocked.into() }],
        valid_until: of_site.valid_until,
    };
    assert_eq!(answer.paths, [expected]);
    assert_eq!(answer.consistency_token, world_token());
    let missing = "tenants/contoso/hierarchies/XX1";
    let asked = CheckHierarchyRequest { name: missing.into(), ..CheckHierarchyRequest::default() };
    assert_eq!(
        refused(client().await.check_hierarchy(asked).await),
        not_found("tandem.inventory.v1.Hierarchy", missing)
    );
}

#[tokio::test]
async fn site_that_the_inventory_does_not_have_is_not_found() {
    let mut client = client().await;
    for name in ["tenants/contoso/hierarchies/PS1/sites/PS9", "tenants/contoso/hierarchies/XX1/sites/XX1"] {
        let asked = CheckSiteRequest { name: name.into(), paths: Vec::new(), ..Default::default() };
        assert_eq!(refused(client.check_site(asked).await), not_found("tandem.inventory.v1.Site", name));
    }
    let misspelt = CheckSiteRequest { name: format!("{SITE}0"), paths: Vec::new(), ..Default::default() };
    assert_eq!(
        refused(client.check_site(misspelt).await),
        invalid("name", "site code must be three letters or digits; found \"PS10\"")
    );
}

#[tokio::test]
async fn tenant_is_judged_by_what_its_operator_said() {
    let asked =
        CheckTenantRequest { name: TENANT.into(), paths: vec![Path::Path2.into()], ..Default::default() };
    let expected = CheckTenantResponse {
        tenant: TENANT.into(),
        paths: vec![PathReport {
            path: Path::Path2.into(),
            verdict: Verdict::Blocked.into(),
            findings: vec![
                unknown("entra.azure_subscription", Blocking, &["tenant.azure_subscription"]),
                unknown(
                    "intune.automatic_enrollment_path2",
                    Blocking,
                    &["tenant.mdm_user_scope", "tenant.mdm_urls_default"],
                ),
                unknown("intune.mdm_authority", Blocking, &["tenant.mdm_authority"]),
                unknown(
                    "intune.scopes_do_not_overlap",
                    Warning,
                    &["tenant.mdm_user_scope", "tenant.wip_user_scope"],
                ),
                unknown("intune.set_up", Blocking, &["tenant.intune_subscription_state"]),
                unknown("lic.configmgr_rights", Warning, &["attestation"]),
                unsatisfied(
                    "lic.entra_premium",
                    [
                        "p1 or p2",
                        "free",
                        "buy Entra ID P1/P2 or EMS; automatic MDM enrolment is a premium feature",
                    ],
                ),
            ],
            valid_until: None,
        }],
        consistency_token: world_token(),
    };
    assert_eq!(client().await.check_tenant(asked).await.unwrap().into_inner(), expected);
}

#[tokio::test]
async fn tenant_without_paths_in_the_request_is_judged_on_the_default_ones() {
    let asked = CheckTenantRequest { name: TENANT.into(), paths: Vec::new(), ..Default::default() };
    let answer = client().await.check_tenant(asked).await.unwrap().into_inner();
    let paths: Vec<_> = answer.paths.iter().map(PathReport::path).collect();
    assert_eq!(paths, [Path::Path1, Path::Path2, Path::Coexistence]);
}

#[tokio::test]
async fn tenant_that_is_not_there_is_not_found() {
    let asked =
        CheckTenantRequest { name: "tenants/fabrikam".into(), paths: Vec::new(), ..Default::default() };
    assert_eq!(
        refused(client().await.check_tenant(asked).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
}
