//! Tenant rules: satisfied and unsatisfied.

use super::cases::{as_of, good_tenant, satisfied, unknown, unsatisfied};
use crate::prerequisites::{Outcome, Path, TenantCheck, TenantRule, Verdict, evaluate_tenant};
use crate::tenant::{
    EntraPlan, HybridIdentityMethod, MdmAuthority, SubscriptionState, TenantFacts, UserScope,
};

fn after(rule: &str, spoil: impl FnOnce(&mut TenantFacts)) -> Outcome {
    let mut tenant = good_tenant();
    spoil(&mut tenant);
    TenantCheck::new(&tenant, as_of()).outcome(TenantRule::from_id(rule).unwrap())
}

#[test]
fn every_rule_of_a_good_tenant_is_satisfied() {
    for rule in TenantRule::ALL {
        assert_eq!(after(rule.id(), |_| ()), satisfied(), "{}", rule.id());
    }
    for path in Path::ALL {
        assert_eq!(evaluate_tenant(&good_tenant(), path, as_of()).verdict(), Verdict::Ready, "{path}");
    }
}

#[test]
fn free_plan_is_no_premium_plan() {
    assert_eq!(after("lic.entra_premium", |t| t.entra_plan = Some(EntraPlan::P2)), satisfied());
    assert_eq!(
        after("lic.entra_premium", |t| t.entra_plan = Some(EntraPlan::Free)),
        unsatisfied("p1 or p2", "free")
    );
}

#[test]
fn three_sign_in_methods_are_accepted() {
    let rule = "entra.hybrid_identity_method";
    for method in
        [HybridIdentityMethod::PhsSso, HybridIdentityMethod::PtaSso, HybridIdentityMethod::Federated]
    {
        assert_eq!(after(rule, |t| t.hybrid_identity_method = Some(method)), satisfied());
    }
    assert_eq!(
        after(rule, |t| t.hybrid_identity_method = Some(HybridIdentityMethod::None)),
        unsatisfied("phs_sso, pta_sso or federated", "none")
    );
}

#[test]
fn sync_tool_version_is_compared_number_by_number() {
    let with =
        |text: &str| after("entra.connect_version", |t| t.entra_connect_version = Some(text.to_owned()));
    for enough in ["1.1.819.0", "1.1.819", "1.1.1000.0", "1.10.0.0", "2.4.18.0", "2"] {
        assert_eq!(with(enough), satisfied(), "{enough}");
    }
    assert_eq!(with("1.1.818.9"), unsatisfied("1.1.819.0 or later", "1.1.818.9"));
    assert_eq!(with("1.1"), unsatisfied("1.1.819.0 or later", "1.1"));
    assert_eq!(with("newest"), unknown(&["tenant.entra_connect_version"]));
}

#[test]
fn gateway_needs_an_azure_subscription() {
    assert_eq!(
        after("entra.azure_subscription", |t| t.azure_subscription = Some(false)),
        unsatisfied("an Azure subscription", "no Azure subscription")
    );
}

#[test]
fn intune_subscription_that_is_not_active_is_named() {
    for (state, found) in [
        (SubscriptionState::Pending, "pending"),
        (SubscriptionState::Warning, "warning"),
        (SubscriptionState::Disabled, "disabled"),
        (SubscriptionState::Deleted, "deleted"),
        (SubscriptionState::Blocked, "blocked"),
        (SubscriptionState::LockedOut, "lockedOut"),
    ] {
        assert_eq!(
            after("intune.set_up", |t| t.intune_subscription_state = Some(state)),
            unsatisfied("active", found)
        );
    }
}

#[test]
fn other_mdm_authority_is_named() {
    for (authority, found) in [(MdmAuthority::Sccm, "sccm"), (MdmAuthority::Office365, "office365")] {
        assert_eq!(
            after("intune.mdm_authority", |t| t.mdm_authority = Some(authority)),
            unsatisfied("intune", found)
        );
    }
}

#[test]
fn automatic_enrollment_needs_a_scope_and_the_default_urls_on_both_paths() {
    const EXPECTED: &str = "MDM user scope some or all, with the default MDM URLs";
    for rule in ["intune.automatic_enrollment_path1", "intune.automatic_enrollment_path2"] {
        let with = |scope, urls| {
            after(rule, |t| {
                t.mdm_user_scope = scope;
                t.mdm_urls_default = urls;
            })
        };
        assert_eq!(with(Some(UserScope::Some), Some(true)), satisfied());
        assert_eq!(with(Some(UserScope::None), Some(true)), unsatisfied(EXPECTED, "MDM user scope none"));
        assert_eq!(with(Some(UserScope::None), None), unsatisfied(EXPECTED, "MDM user scope none"));
        assert_eq!(with(Some(UserScope::All), Some(false)), unsatisfied(EXPECTED, "other MDM URLs"));
        assert_eq!(with(None, Some(false)), unsatisfied(EXPECTED, "other MDM URLs"));
        assert_eq!(
            with(Some(UserScope::None), Some(false)),
            unsatisfied(EXPECTED, "MDM user scope none, other MDM URLs")
        );
        assert_eq!(with(Some(UserScope::All), None), unknown(&["tenant.mdm_urls_default"]));
        assert_eq!(with(None, Some(true)), unknown(&["tenant.mdm_user_scope"]));
    }
}

#[test]
fn scopes_overlap_when_one_covers_all_and_the_other_anybody() {
    const EXPECTED: &str = "no user in both the MDM and the WIP user scope";
    let with = |mdm, wip| {
        after("intune.scopes_do_not_overlap", |t| {
            t.mdm_user_scope = mdm;
            t.wip_user_scope = wip;
        })
    };
    use UserScope::{All, None as Nobody, Some as Several};
    assert_eq!(with(Some(All), Some(Nobody)), satisfied());
    assert_eq!(with(Some(Nobody), Some(All)), satisfied());
    assert_eq!(with(Some(Nobody), None), unknown(&["tenant.wip_user_scope"]));
    assert_eq!(with(None, Some(Nobody)), unknown(&["tenant.mdm_user_scope"]));
    assert_eq!(with(Some(All), Some(All)), unsatisfied(EXPECTED, "MDM user scope all, WIP user scope all"));
    assert_eq!(
        with(Some(All), Some(Several)),
        unsatisfied(EXPECTED, "MDM user scope all, WIP user scope some")
    );
    assert_eq!(
        with(Some(Several), Some(All)),
        unsatisfied(EXPECTED, "MDM user scope some, WIP user scope all")
    );
    assert_eq!(with(Some(All), None), unknown(&["tenant.wip_user_scope"]));
    assert_eq!(
        with(Some(Several), Some(Several)),
        unknown(&["tenant.mdm_user_scope", "tenant.wip_user_scope"])
    );
}

#[test]
fn default_restriction_that_refuses_windows_is_found() {
    assert_eq!(
        after("intune.default_enrollment_restriction", |t| {
            t.default_enrollment_restriction_allows_windows = Some(false);
        }),
        unsatisfied(
            "default enrolment restriction allows Windows",
            "default enrolment restriction refuses Windows"
        )
    );
}
