//! What a person may do.

use tandem_contracts::prerequisites::v1::{
    CheckPersonRequest, CheckPersonResponse, HeldLicenses, HeldRole, HeldRoles, Outcome, Path, PathReport,
    PerUserMfa, Person, Severity, Standing,
};

use crate::fakes::world_token;
use crate::fixture::{TENANT, name_of};
use crate::sandbox::{client, invalid, not_found, refused};

fn request(person: Person) -> CheckPersonRequest {
    CheckPersonRequest {
        parent: TENANT.into(),
        person: Some(person),
        paths: vec![Path::Path1.into()],
        ..CheckPersonRequest::default()
    }
}

fn held(role: &str, all_scopes: Option<bool>) -> HeldRoles {
    HeldRoles { roles: vec![HeldRole { role: role.into(), all_scopes }] }
}

fn outcomes(reports: &[PathReport]) -> Vec<(&str, Outcome)> {
    let [report] = reports else { panic!("{reports:?}") };
    report.findings.iter().map(|finding| (&*finding.rule, finding.outcome())).collect()
}

fn standings(answer: &CheckPersonResponse) -> Vec<(&str, Standing)> {
    answer.actions.iter().map(|action| (&*action.action, action.standing())).collect()
}

#[tokio::test]
async fn full_administrator_of_all_scopes_may_turn_co_management_on_and_nothing_of_the_directory() {
    let person = Person {
        entra_user: Some(true),
        roles: Some(held("configmgr:full_administrator", Some(true))),
        licenses: Some(HeldLicenses { licenses: vec!["ems".into()] }),
        administrator: true,
        per_user_mfa: PerUserMfa::Disabled.into(),
        ca_mfa_covers_intune: Some(false),
        basic_mobility_devices: Some(false),
    };
    let asked = CheckPersonRequest {
        site: format!("{TENANT}/hierarchies/PS1/sites/PS1"),
        device: name_of("d-eligible"),
        ..request(person)
    };
    let answer = client().await.check_person(asked).await.unwrap().into_inner();
    assert_eq!(answer.consistency_token, world_token());
    use Standing::{Allowed, Lacking};
    assert_eq!(
        standings(&answer),
        [
            ("set_up_cmg", Lacking),
            ("create_entra_apps", Lacking),
            ("import_entra_apps", Allowed),
            ("enable_co_management", Allowed),
            ("switch_workload", Allowed),
            ("enable_auto_enrollment", Lacking),
            ("configure_hybrid_join", Lacking),
            ("manage_intune_roles", Lacking),
            ("use_intune_rights_for_attached_devices", Lacking),
            ("sync_device", Lacking),
            ("read_managed_devices", Lacking),
            ("call_administration_service", Allowed),
        ]
    );
    assert_eq!(answer.actions[6].lacking, ["entra:global_administrator", "ad:enterprise_administrator"]);
    assert_eq!(
        outcomes(&answer.user),
        [
            ("entra.ca_excludes_intune", Outcome::Satisfied),
            // Windows 11 enrols with a token of its own.
            ("entra.mfa_not_enforced_for_user_token", Outcome::NotApplicable),
            // How many licences the tenant has nobody said.
            ("lic.intune_admin", Outcome::Unknown),
            ("lic.no_basic_mobility_mix", Outcome::Satisfied),
        ]
    );
    assert_eq!(
        outcomes(&answer.action),
        [
            ("cm.intune_counterpart_ready", Outcome::Unknown),
            ("perm.create_entra_apps", Outcome::Unsatisfied),
            ("perm.enable_auto_enrollment", Outcome::Unsatisfied),
            ("perm.enable_co_management", Outcome::Satisfied),
            ("perm.hybrid_join_setup", Outcome::Unsatisfied),
            ("perm.import_entra_apps", Outcome::Satisfied),
        ]
    );
}

#[tokio::test]
async fn of_somebody_unknown_nothing_is_passed() {
    let person = Person { administrator: true, ..Person::default() };
    let answer = client().await.check_person(request(person)).await.unwrap().into_inner();
    assert!(answer.actions.iter().all(|action| action.standing() == Standing::Unknown));
    let license = answer.user[0].findings.iter().find(|finding| finding.rule == "lic.intune_admin").unwrap();
    assert_eq!((license.outcome(), license.severity()), (Outcome::Unknown, Severity::Blocking));
}

#[tokio::test]
async fn administrators_rule_is_asked_of_administrators_alone() {
    let answer = client().await.check_person(request(Person::default())).await.unwrap().into_inner();
    let license = answer.user[0].findings.iter().find(|finding| finding.rule == "lic.intune_admin").unwrap();
    assert_eq!((license.outcome(), license.severity()), (Outcome::NotApplicable, Severity::Blocking));
}

#[tokio::test]
async fn what_is_no_role_licence_or_place_of_the_tenant_is_refused() {
    let mut client = client().await;
    let mut refusal_of = async |request: CheckPersonRequest| refused(client.check_person(request).await);
    let role = Person { roles: Some(held("Global Administrator", None)), ..Person::default() };
    assert_eq!(
        refusal_of(request(role)).await,
        invalid(
            "person.roles.roles[0].role",
            "a role is `namespace:name` with one of the name spaces ad, azure, configmgr, entra, \
             graph and intune and a name of lower-case letters, digits and underscores, such as \
             `configmgr:full_administrator`; found \"Global Administrator\""
        )
    );
    let licenses = Some(HeldLicenses { licenses: vec!["ems".into(), "office".into()] });
    let license = Person { licenses, ..Person::default() };
    assert_eq!(
        refusal_of(request(license)).await,
        invalid(
            "person.licenses.licenses[1]",
            "must be one of intune, entra_id_p1, entra_id_p2, ems, microsoft_365; found \"office\""
        )
    );
    let mfa = Person { per_user_mfa: 7, ..Person::default() };
    assert_eq!(
        refusal_of(request(mfa)).await,
        invalid("person.per_user_mfa", "must be a value of the enumeration; found the unknown number 7")
    );
    let foreign =
        CheckPersonRequest { device: "tenants/fabrikam/devices/d-1".into(), ..request(Person::default()) };
    assert_eq!(
        refusal_of(foreign).await,
        invalid("device", "must be of tenants/contoso; found one of tenants/fabrikam")
    );
    let nowhere = CheckPersonRequest {
        site: format!("{TENANT}/hierarchies/PS1/sites/PS9"),
        ..request(Person::default())
    };
    assert_eq!(
        refusal_of(nowhere).await,
        not_found("tandem.inventory.v1.Site", "tenants/contoso/hierarchies/PS1/sites/PS9")
    );
}
