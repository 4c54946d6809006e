//! Who may do what: the table of acts.

use crate::prerequisites::{
    Actor, HeldRole, License, Path, RoleName, Scope, Severity, Standing, UserCheck, UserFacts, UserRule,
    Verdict, action, actions, catalogue, guarded_by,
};

use super::cases::good_tenant;

fn actor(entra_user: Option<bool>, roles: &[(&str, Option<bool>)]) -> Actor {
    let held = |(role, all_scopes): &(&str, Option<bool>)| HeldRole {
        role: role.parse().unwrap(),
        all_scopes: *all_scopes,
    };
    Actor { entra_user, roles: Some(roles.iter().map(held).collect()) }
}

fn lacking(parts: &[&str]) -> Standing {
    Standing::Lacking(parts.iter().map(ToString::to_string).collect())
}

#[test]
fn acts_are_the_four_of_the_overview_and_those_of_the_linked_documents() {
    let ids: Vec<&str> = actions().iter().map(|action| action.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "set_up_cmg",
            "create_entra_apps",
            "import_entra_apps",
            "enable_co_management",
            "switch_workload",
            "enable_auto_enrollment",
            "configure_hybrid_join",
            "manage_intune_roles",
            "use_intune_rights_for_attached_devices",
            "sync_device",
            "read_managed_devices",
            "call_administration_service",
        ]
    );
    assert_eq!(action("unheard_of"), None);
}

#[test]
fn every_permission_rule_guards_one_act_whose_title_it_has() {
    let rules = catalogue().iter().filter(|rule| rule.id.starts_with("perm."));
    for rule in rules {
        assert_eq!(rule.scope, Scope::Action);
        assert_eq!(guarded_by(rule.id).map(|action| action.title.as_str()), rule.action, "{}", rule.id);
    }
    let guarded = actions().iter().filter(|action| action.rule.is_some()).count();
    assert_eq!(guarded, 6);
}

#[test]
fn co_management_needs_the_directory_and_the_scope_all() {
    let act = action("enable_co_management").unwrap();
    let full = "configmgr:full_administrator";
    let scoped = "configmgr:full_administrator with the security scope All";
    assert_eq!(act.standing(&actor(Some(true), &[(full, Some(true))])), Standing::Allowed);
    assert_eq!(act.standing(&actor(Some(true), &[(full, Some(false))])), lacking(&[scoped]));
    assert_eq!(
        act.standing(&actor(Some(false), &[("entra:global_administrator", None)])),
        lacking(&["a user of the directory", scoped])
    );
    assert_eq!(act.standing(&actor(Some(true), &[(full, None)])), Standing::Unknown);
    assert_eq!(act.standing(&actor(None, &[(full, Some(false))])), lacking(&[scoped]));
    assert_eq!(act.standing(&Actor::default()), Standing::Unknown);
}

#[test]
fn roles_of_one_need_stand_for_each_other_and_those_of_two_do_not() {
    let one = |role: &str| actor(Some(true), &[(role, None)]);
    let roles = action("manage_intune_roles").unwrap();
    assert_eq!(roles.standing(&one("entra:intune_administrator")), Standing::Allowed);
    assert_eq!(
        roles.standing(&one("configmgr:full_administrator")),
        lacking(&["entra:global_administrator or entra:intune_administrator"])
    );
    let join = action("configure_hybrid_join").unwrap();
    assert_eq!(join.standing(&one("entra:global_administrator")), lacking(&["ad:enterprise_administrator"]));
    assert_eq!(join.needed(), "entra:global_administrator; ad:enterprise_administrator");
}

#[test]
fn any_role_of_a_system_is_one_of_that_system() {
    let call = action("call_administration_service").unwrap();
    assert_eq!(call.standing(&actor(None, &[("configmgr:read_only_analyst", None)])), Standing::Allowed);
    assert_eq!(
        call.standing(&actor(None, &[("entra:global_administrator", None)])),
        lacking(&["any configmgr role"])
    );
}

#[test]
fn text_that_is_no_role_says_what_one_is() {
    for text in ["", "global_administrator", "aws:root", "entra:", "entra:Global", "configmgr:*", "entra:a b"]
    {
        let refused = text.parse::<RoleName>().unwrap_err().to_string();
        assert!(refused.contains("such as `configmgr:full_administrator`"), "{refused}");
    }
    assert_eq!(
        "intune:help_desk_operator".parse::<RoleName>().unwrap().to_string(),
        "intune:help_desk_operator"
    );
}

#[test]
fn unlicensed_administrator_is_a_warning_where_the_tenant_lets_them_in() {
    let user = UserFacts { administrator: true, intune_license: Some(false), ..UserFacts::default() };
    let judged = |access| {
        let mut tenant = good_tenant();
        tenant.unlicensed_admin_access = access;
        let report = UserCheck::new(&user, &tenant, None).report(Path::Path1);
        let finding = report.findings.iter().find(|finding| finding.rule.id == UserRule::IntuneAdmin.id());
        (finding.unwrap().severity, report.verdict())
    };
    assert_eq!(judged(Some(false)), (Severity::Blocking, Verdict::Blocked));
    assert_eq!(judged(None), (Severity::Blocking, Verdict::Blocked));
    // What Basic Mobility says is not known, so the path as a whole is not ready either.
    assert_eq!(judged(Some(true)), (Severity::Warning, Verdict::Unknown));
}

#[test]
fn ems_contains_intune() {
    let intune: Vec<&str> =
        License::ALL.iter().filter(|license| license.contains_intune()).map(|license| license.id()).collect();
    assert_eq!(intune, ["intune", "ems", "microsoft_365"]);
}
