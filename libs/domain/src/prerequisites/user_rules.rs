//! The rules of a person: the administrator who sets co-management up, and whoever uses a device.
//!
//! No source that Tandem reads tells about people: what is known of one is the caller's word.

use super::catalogue::{Path, Severity};
use super::judged::Judged;
use super::report::{Answer, Outcome, Report};
use super::typed::typed_rules;
use crate::facts::{DeviceFacts, copied};
use crate::tenant::TenantFacts;

typed_rules! {
    /// An evaluated rule of scope user.
    UserRule {
        /// The administrator who signs in has a licence.
        IntuneAdmin = "lic.intune_admin",
        /// Whoever enrols without the site has a full licence.
        FullIntuneForOtherEnrollment = "lic.full_intune_for_other_enrollment",
        /// No mix with Basic Mobility and Security.
        NoBasicMobilityMix = "lic.no_basic_mobility_mix",
        /// Nothing demands a second factor where the user's token enrols.
        MfaNotEnforcedForUserToken = "entra.mfa_not_enforced_for_user_token",
        /// Nothing demands a second factor while the device syncs.
        ConditionalAccessExcludesIntune = "entra.ca_excludes_intune",
    }
}

/// Multifactor authentication as it is set for one user; not what Conditional Access demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PerUserMfa {
    /// Not asked for.
    Disabled,
    /// The user has registered or may.
    Enabled,
    /// Asked for at every sign-in.
    Enforced,
}

impl PerUserMfa {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::Enabled, Self::Enforced];

    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enforced => "enforced",
        }
    }
}

/// What is known of a user. Every field: `None` is "nobody said".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserFacts {
    /// This is the administrator who signs in to set co-management up; else they are not.
    pub administrator: bool,
    /// `user.intune_license`. EMS contains it.
    pub intune_license: Option<bool>,
    /// `user.per_user_mfa`.
    pub per_user_mfa: Option<PerUserMfa>,
    /// `user.ca_mfa_covers_intune`.
    pub ca_mfa_covers_intune: Option<bool>,
    /// `user.basic_mobility_devices`.
    pub basic_mobility_devices: Option<bool>,
}

/// A user at a moment, to be asked about its rules.
#[derive(Debug, Clone, Copy)]
pub struct UserCheck<'a> {
    user: &'a UserFacts,
    tenant: &'a TenantFacts,
    device: Option<&'a DeviceFacts>,
}

/// First build that enrols with a token of its own, Windows 10 1803.
const DEVICE_TOKEN_BUILD: u32 = 17134;

impl<'a> UserCheck<'a> {
    /// The user as they are known, with their tenant and the device that they enrol.
    #[must_use]
    pub const fn new(user: &'a UserFacts, tenant: &'a TenantFacts, device: Option<&'a DeviceFacts>) -> Self {
        Self { user, tenant, device }
    }

    /// Judges the user rules of a path. Time alone changes none of them.
    pub fn report(&self, path: Path) -> Report {
        Report::collect(path, UserRule::on(path).iter().map(|rule| (rule.rule(), self.answer(*rule))))
    }

    /// Judges one rule, whatever the path.
    #[must_use]
    pub fn outcome(&self, rule: UserRule) -> Outcome {
        self.answer(rule).outcome
    }

    fn answer(&self, rule: UserRule) -> Answer {
        match rule {
            UserRule::IntuneAdmin => self.intune_admin(),
            // Its paths are those on which Configuration Manager does not enrol the device.
            UserRule::FullIntuneForOtherEnrollment => Outcome::of_bool(
                &["user.intune_license"],
                self.user.intune_license,
                true,
                "a full Intune licence",
                "no Intune licence",
            )
            .into(),
            UserRule::NoBasicMobilityMix => self.no_basic_mobility_mix().into(),
            UserRule::MfaNotEnforcedForUserToken => self.mfa_not_enforced_for_user_token().into(),
            UserRule::ConditionalAccessExcludesIntune => self.conditional_access_excludes_intune().into(),
        }
    }

    /// A tenant that lets unlicensed administrators in makes a warning of it: the fact pack's dispute 6.
    fn intune_admin(&self) -> Answer {
        const EXPECTED: &str = "an Intune licence of the administrator, and at least one in the tenant";
        if !self.user.administrator {
            return Outcome::not_applicable("the user does not sign in to set co-management up").into();
        }
        let outcome = match (self.user.intune_license, self.tenant.intune_license_count) {
            (_, Some(0)) => Outcome::unsatisfied(EXPECTED, "no Intune licence in the tenant"),
            (Some(false), _) => Outcome::unsatisfied(EXPECTED, "no Intune licence of the administrator"),
            (Some(true), Some(_)) => Outcome::Satisfied,
            (license, count) => Outcome::unknown_of([
                ("user.intune_license", license.is_none()),
                ("tenant.intune_license_count", count.is_none()),
            ]),
        };
        match self.tenant.unlicensed_admin_access {
            Some(true) => Answer::from(outcome).weighing(Severity::Warning),
            Some(false) | None => outcome.into(),
        }
    }

    fn no_basic_mobility_mix(&self) -> Outcome {
        match (self.user.basic_mobility_devices, self.user.intune_license) {
            (Some(false), _) | (_, Some(true)) => Outcome::Satisfied,
            (Some(true), Some(false)) => Outcome::unsatisfied(
                "no device under Basic Mobility and Security, or a full Intune licence",
                "such a device, and no Intune licence",
            ),
            (devices, license) => Outcome::unknown_of([
                ("user.basic_mobility_devices", devices.is_none()),
                ("user.intune_license", license.is_none()),
            ]),
        }
    }

    /// The device asks with a token of its own from Windows 10 1803 on. It falls back to the user's when that failed, which shows
    /// as an enrolment that waits for a sign-in \[derived\].
    fn mfa_not_enforced_for_user_token(&self) -> Outcome {
        let version = self.device.and_then(|device| copied(&device.os_version));
        let build = version.and_then(|version| if version.major < 10 { Some(0) } else { version.build });
        let waits = self.device.is_some_and(|device| copied(&device.pending_logon) == Some(true));
        match (build, self.user.per_user_mfa) {
            (Some(build), _) if build >= DEVICE_TOKEN_BUILD && !waits => {
                Outcome::not_applicable("the device enrols with a token of its own")
            }
            (_, Some(PerUserMfa::Disabled | PerUserMfa::Enabled)) => Outcome::Satisfied,
            (build, Some(PerUserMfa::Enforced)) if waits || build.is_some() => {
                Outcome::unsatisfied("per-user MFA not enforced while the user's token enrols", "enforced")
            }
            (build, mfa) => Outcome::unknown_of([
                ("user.per_user_mfa", mfa.is_none()),
                ("device.os_build", build.is_none() && !waits),
            ]),
        }
    }

    fn conditional_access_excludes_intune(&self) -> Outcome {
        const EXPECTED: &str = "no MFA asked for the Intune app, and per-user MFA disabled";
        match (self.user.ca_mfa_covers_intune, self.user.per_user_mfa) {
            (Some(true), _) => {
                Outcome::unsatisfied(EXPECTED, "Conditional Access asks MFA for the Intune app")
            }
            (_, Some(PerUserMfa::Enabled)) => Outcome::unsatisfied(EXPECTED, "per-user MFA enabled"),
            (_, Some(PerUserMfa::Enforced)) => Outcome::unsatisfied(EXPECTED, "per-user MFA enforced"),
            (Some(false), Some(PerUserMfa::Disabled)) => Outcome::Satisfied,
            (covers, mfa) => Outcome::unknown_of([
                ("user.ca_mfa_covers_intune", covers.is_none()),
                ("user.per_user_mfa", mfa.is_none()),
            ]),
        }
    }
}

/// A licence that a user may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum License {
    /// Intune alone.
    Intune,
    /// Entra ID P1 alone.
    EntraIdP1,
    /// Entra ID P2 alone.
    EntraIdP2,
    /// Enterprise Mobility + Security: Entra ID premium and Intune.
    Ems,
    /// Microsoft 365 with Intune.
    Microsoft365,
}

impl License {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Intune, Self::EntraIdP1, Self::EntraIdP2, Self::Ems, Self::Microsoft365];

    /// The word that requests use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Intune => "intune",
            Self::EntraIdP1 => "entra_id_p1",
            Self::EntraIdP2 => "entra_id_p2",
            Self::Ems => "ems",
            Self::Microsoft365 => "microsoft_365",
        }
    }

    /// Whether its holder has a full Intune licence by it (`lic.full_intune_for_other_enrollment`: Intune, EMS or Microsoft 365).
    #[must_use]
    pub const fn contains_intune(self) -> bool {
        matches!(self, Self::Intune | Self::Ems | Self::Microsoft365)
    }
}
