//! The tenant's rules.

use jiff::Timestamp;

use super::attestation::attested;
use super::catalogue::Path;
use super::judged::Judged;
use super::report::{Answer, Outcome, Report};
use super::typed::typed_rules;
use crate::tenant::{
    EntraPlan, HybridIdentityMethod, MdmAuthority, SubscriptionState, TenantFacts, UserScope,
};

typed_rules! {
    /// An evaluated rule of scope tenant.
    TenantRule {
        /// Automatic enrolment is a premium feature.
        EntraPremium = "lic.entra_premium",
        /// Configuration Manager is covered by an agreement.
        ConfigMgrRights = "lic.configmgr_rights",
        /// One of three ways to sign in.
        HybridIdentityMethod = "entra.hybrid_identity_method",
        /// The sync tool has the hybrid-join wizard.
        ConnectVersion = "entra.connect_version",
        /// A subscription hosts the gateway.
        AzureSubscription = "entra.azure_subscription",
        /// The Intune subscription is in use.
        IntuneSetUp = "intune.set_up",
        /// The MDM authority is Intune.
        MdmAuthority = "intune.mdm_authority",
        /// Automatic enrolment on path 2 and Autopilot.
        AutomaticEnrollmentPath2 = "intune.automatic_enrollment_path2",
        /// Automatic enrolment on path 1.
        AutomaticEnrollmentPath1 = "intune.automatic_enrollment_path1",
        /// MDM and WIP scopes stay apart.
        ScopesDoNotOverlap = "intune.scopes_do_not_overlap",
        /// The default restriction lets Windows in.
        DefaultEnrollmentRestriction = "intune.default_enrollment_restriction",
    }
}

/// The first sync tool with the hybrid-join wizard.
const CONNECT_WITH_HYBRID_WIZARD: &str = "1.1.819.0";

/// A tenant at a moment, to be asked about its rules.
#[derive(Debug, Clone, Copy)]
pub struct TenantCheck<'a> {
    tenant: &'a TenantFacts,
    as_of: Timestamp,
}

impl<'a> TenantCheck<'a> {
    /// The tenant as it is known, at that moment.
    #[must_use]
    pub const fn new(tenant: &'a TenantFacts, as_of: Timestamp) -> Self {
        Self { tenant, as_of }
    }

    /// Judges the tenant rules of a path.
    pub fn report(&self, path: Path) -> Report {
        Report::collect(path, TenantRule::on(path).iter().map(|rule| (rule.rule(), self.answer(*rule))))
    }

    /// Judges one rule, whatever the path.
    #[must_use]
    pub fn outcome(&self, rule: TenantRule) -> Outcome {
        self.answer(rule).outcome
    }

    fn answer(&self, rule: TenantRule) -> Answer {
        match rule {
            TenantRule::ConfigMgrRights => attested(self.tenant, rule.rule(), self.as_of),
            TenantRule::EntraPremium => entra_premium(self.tenant).into(),
            TenantRule::HybridIdentityMethod => hybrid_identity_method(self.tenant).into(),
            TenantRule::ConnectVersion => connect_version(self.tenant).into(),
            TenantRule::AzureSubscription => Outcome::of_bool(
                &["tenant.azure_subscription"],
                self.tenant.azure_subscription,
                true,
                "an Azure subscription",
                "no Azure subscription",
            )
            .into(),
            TenantRule::IntuneSetUp => intune_set_up(self.tenant).into(),
            TenantRule::MdmAuthority => mdm_authority(self.tenant).into(),
            // Path 1 needs the scope too: dispute 5 of the fact pack, decided for the overview article and the text of 2024.
            TenantRule::AutomaticEnrollmentPath1 | TenantRule::AutomaticEnrollmentPath2 => {
                automatic_enrollment(self.tenant).into()
            }
            TenantRule::ScopesDoNotOverlap => scopes_do_not_overlap(self.tenant).into(),
            TenantRule::DefaultEnrollmentRestriction => Outcome::of_bool(
                &["tenant.default_enrollment_restriction_allows_windows"],
                self.tenant.default_enrollment_restriction_allows_windows,
                true,
                "default enrolment restriction allows Windows",
                "default enrolment restriction refuses Windows",
            )
            .into(),
        }
    }
}

fn entra_premium(tenant: &TenantFacts) -> Outcome {
    match tenant.entra_plan {
        None => Outcome::unknown(&["tenant.entra_plan"]),
        Some(EntraPlan::P1 | EntraPlan::P2) => Outcome::Satisfied,
        Some(EntraPlan::Free) => Outcome::unsatisfied("p1 or p2", "free"),
    }
}

fn hybrid_identity_method(tenant: &TenantFacts) -> Outcome {
    match tenant.hybrid_identity_method {
        None => Outcome::unknown(&["tenant.hybrid_identity_method"]),
        Some(HybridIdentityMethod::None) => Outcome::unsatisfied("phs_sso, pta_sso or federated", "none"),
        Some(
            HybridIdentityMethod::PhsSso | HybridIdentityMethod::PtaSso | HybridIdentityMethod::Federated,
        ) => Outcome::Satisfied,
    }
}

/// A version that cannot be read counts as not said.
fn connect_version(tenant: &TenantFacts) -> Outcome {
    let text = tenant.entra_connect_version.as_deref();
    match text.and_then(|text| is_at_least(text, CONNECT_WITH_HYBRID_WIZARD).map(|enough| (text, enough))) {
        None => Outcome::unknown(&["tenant.entra_connect_version"]),
        Some((_, true)) => Outcome::Satisfied,
        Some((text, false)) => Outcome::unsatisfied("1.1.819.0 or later", text.to_owned()),
    }
}

/// Compares dotted numbers part by part; a part that is not written counts as 0. `None`: a text is no dotted number.
fn is_at_least(found: &str, least: &str) -> Option<bool> {
    let parts =
        |text: &str| text.trim().split('.').map(str::parse::<u64>).collect::<Result<Vec<_>, _>>().ok();
    let (mut found, mut least) = (parts(found)?, parts(least)?);
    let longest = found.len().max(least.len());
    found.resize(longest, 0);
    least.resize(longest, 0);
    Some(found >= least)
}

fn intune_set_up(tenant: &TenantFacts) -> Outcome {
    let found = match tenant.intune_subscription_state {
        None => return Outcome::unknown(&["tenant.intune_subscription_state"]),
        Some(SubscriptionState::Active) => return Outcome::Satisfied,
        Some(SubscriptionState::Pending) => "pending",
        Some(SubscriptionState::Warning) => "warning",
        Some(SubscriptionState::Disabled) => "disabled",
        Some(SubscriptionState::Deleted) => "deleted",
        Some(SubscriptionState::Blocked) => "blocked",
        Some(SubscriptionState::LockedOut) => "lockedOut",
    };
    Outcome::unsatisfied("active", found)
}

fn mdm_authority(tenant: &TenantFacts) -> Outcome {
    match tenant.mdm_authority {
        None => Outcome::unknown(&["tenant.mdm_authority"]),
        Some(MdmAuthority::Intune) => Outcome::Satisfied,
        Some(MdmAuthority::Sccm) => Outcome::unsatisfied("intune", "sccm"),
        Some(MdmAuthority::Office365) => Outcome::unsatisfied("intune", "office365"),
    }
}

/// At tenant scope the user scope "some" suffices: which users it covers is no fact of the tenant.
fn automatic_enrollment(tenant: &TenantFacts) -> Outcome {
    const EXPECTED: &str = "MDM user scope some or all, with the default MDM URLs";
    match (tenant.mdm_user_scope, tenant.mdm_urls_default) {
        (Some(UserScope::None), Some(false)) => {
            Outcome::unsatisfied(EXPECTED, "MDM user scope none, other MDM URLs")
        }
        (Some(UserScope::None), _) => Outcome::unsatisfied(EXPECTED, "MDM user scope none"),
        (_, Some(false)) => Outcome::unsatisfied(EXPECTED, "other MDM URLs"),
        (Some(UserScope::Some | UserScope::All), Some(true)) => Outcome::Satisfied,
        (scope, urls) => Outcome::unknown_of([
            ("tenant.mdm_user_scope", scope.is_none()),
            ("tenant.mdm_urls_default", urls.is_none()),
        ]),
    }
}

/// A scope that nobody told is unknown, even beside one that covers nobody. Two scopes of "some" may or may not share users: nothing at hand says which groups they cover \[derived\].
fn scopes_do_not_overlap(tenant: &TenantFacts) -> Outcome {
    const EXPECTED: &str = "no user in both the MDM and the WIP user scope";
    match (tenant.mdm_user_scope, tenant.wip_user_scope) {
        (Some(UserScope::None), Some(_)) | (Some(_), Some(UserScope::None)) => Outcome::Satisfied,
        (Some(UserScope::All), Some(UserScope::All)) => {
            Outcome::unsatisfied(EXPECTED, "MDM user scope all, WIP user scope all")
        }
        (Some(UserScope::All), Some(UserScope::Some)) => {
            Outcome::unsatisfied(EXPECTED, "MDM user scope all, WIP user scope some")
        }
        (Some(UserScope::Some), Some(UserScope::All)) => {
            Outcome::unsatisfied(EXPECTED, "MDM user scope some, WIP user scope all")
        }
        (Some(UserScope::Some), Some(UserScope::Some)) => {
            Outcome::unknown_of([("tenant.mdm_user_scope", true), ("tenant.wip_user_scope", true)])
        }
        (mdm, wip) => Outcome::unknown_of([
            ("tenant.mdm_user_scope", mdm.is_none()),
            ("tenant.wip_user_scope", wip.is_none()),
        ]),
    }
}
