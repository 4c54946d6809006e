use std::path::Path;

use tandem_connectors::Exports;
use tandem_contracts::r#type::v1::{SiteFacts as Said, TenantFacts as TenantSaid};
use tandem_monitoring::FollowMode;
use tandem_server::Clock;
use tandem_storage::Durability;

use super::*;
use crate::import::{Imported, import};
use crate::sandbox::{Options, Sandbox};

const SITE: &str = "tenants/default/hierarchies/PS1/sites/PS1";

const PAGE: &str = r#"{
  "@odata.context": "https://ps1.example.com/AdminService/wmi/$metadata#SMS_Site",
  "value": [{"SiteCode": "PS1", "ReportingSiteCode": "", "SiteName": "Primary", "Version": "5.00.9141.1000"}]
}"#;

async fn sandbox(folder: &Path) -> Sandbox {
    let options = Options {
        data_folder: folder.join("data"),
        durability: Durability::Scratch,
        clock: Clock::system(),
        follow: FollowMode::OnDemand,
        following: None,
        history: None,
        cache_bytes: 0,
    };
    Sandbox::start(options).await.unwrap()
}

async fn imported(sandbox: &Sandbox, folder: &Path, files: &[(&str, &str)]) -> Imported {
    let exports = folder.join("exports");
    let _ = std::fs::remove_dir_all(&exports);
    std::fs::create_dir(&exports).unwrap();
    for (name, text) in files {
        std::fs::write(exports.join(name), text).unwrap();
    }
    let (exports, tenant) = (Exports::open(&exports).unwrap(), TenantId::parse("default").unwrap());
    import(sandbox.connection(), &tenant, exports, jiff::Timestamp::now(), &|_| {}).await.unwrap()
}

async fn site(sandbox: &Sandbox) -> Site {
    let request = GetSiteRequest { name: SITE.into(), ..Default::default() };
    sandbox.connection().hierarchies().get_site(request).await.unwrap().into_inner().site.unwrap()
}

#[tokio::test]
async fn import_without_documents_keeps_what_an_operator_had_said() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    imported(&sandbox, folder.path(), &[("sites.json", PAGE)]).await;
    let known = site(&sandbox).await;
    let by_operator = Said {
        version: Some("2403".into()),
        cmg_present: Some(true),
        ccmsetup_command_line: Some("SMSSITECODE=PS1".into()),
        client_auth: 1,
        ..known.facts.unwrap()
    };
    let request = UpdateSiteRequest {
        site: Some(Site { facts: Some(by_operator.clone()), ..known }),
        ..UpdateSiteRequest::default()
    };
    sandbox.connection().hierarchies().update_site(request).await.unwrap();

    imported(&sandbox, folder.path(), &[("sites.json", PAGE)]).await;
    let expected = Said { version: Some("5.00.9141.1000".into()), ..by_operator };
    assert_eq!(site(&sandbox).await.facts, Some(expected));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn tenant_facts_file_changes_only_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    let first = "[tenant]\nintune_license_count = 7\nazure_subscription = true\n[[sites]]\nhierarchy = \"PS1\"\nsite = \"PS1\"\ncmg_present = true";
    imported(&sandbox, folder.path(), &[("tenant.toml", first)]).await;
    let second = "[tenant]\nintune_license_count = 8\n[[sites]]\nhierarchy = \"PS1\"\nsite = \"PS1\"\nentra_onboarded = false";
    imported(&sandbox, folder.path(), &[("tenant.toml", second)]).await;
    let request = GetTenantRequest { name: "tenants/default".into(), ..Default::default() };
    let tenant = sandbox.connection().tenants().get_tenant(request).await.unwrap().into_inner().tenant;
    let expected =
        TenantSaid { intune_license_count: Some(8), azure_subscription: Some(true), ..TenantSaid::default() };
    assert_eq!(tenant.unwrap().facts, Some(expected));
    let expected = Said { cmg_present: Some(true), entra_onboarded: Some(false), ..Said::default() };
    assert_eq!(site(&sandbox).await.facts, Some(expected));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn documents_that_contradict_each_other_are_in_the_account() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    let policy = |enabled: bool| {
        format!("name = \"tenants/t/hierarchies/PS1/coManagementPolicy\"\nenabled = {enabled}\n")
    };
    let (yes, no) = (policy(true), policy(false));
    let files = [
        ("a.toml", "as_of = 2026-11-20"),
        ("b.toml", "as_of = 2026-11-21"),
        ("c.toml", yes.as_str()),
        ("d.toml", no.as_str()),
    ];
    let summary = imported(&sandbox, folder.path(), &files).await.summary;
    let files: Vec<(&str, u64, u64)> =
        summary.files.iter().map(|file| (file.file.as_str(), file.records, file.refused)).collect();
    assert_eq!(files, [("a.toml", 1, 0), ("b.toml", 1, 1), ("c.toml", 1, 0), ("d.toml", 0, 1)]);
    let refused: Vec<(&str, &str)> =
        summary.refused.lines().iter().map(|line| (line.file.as_str(), line.place.as_str())).collect();
    assert_eq!(refused, [("b.toml", "as_of"), ("d.toml", "name")]);
    let name = "tenants/default/hierarchies/PS1/coManagementPolicy".to_owned();
    let request =
        tandem_contracts::authority::v1::GetCoManagementPolicyRequest { name, ..Default::default() };
    let policy =
        sandbox.connection().authority().get_co_management_policy(request).await.unwrap().into_inner().policy;
    assert_eq!(policy.unwrap().enabled, Some(true));
    sandbox.stop().await.unwrap();
}
