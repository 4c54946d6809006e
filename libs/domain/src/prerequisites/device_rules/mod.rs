//! The rules of a device.
//!
//! A device is also judged by its surroundings: automatic enrolment, the site's version and settings, who decides its
//! workloads. [`DeviceCheck`] computes what several rules share once, and only when a rule asks for it.

mod autopatch;
mod autopilot;
mod client;
mod directory;
mod windows;

pub(super) use self::autopatch::CHECKED_IN_WITHIN;
pub(super) use self::client::fresh_for;

use std::cell::OnceCell;

use jiff::Timestamp;

use super::attestation::attested;
use super::catalogue::Path;
use super::judged::Judged;
use super::moment::day_of;
use super::report::{Answer, Outcome, OutcomeKind, Report};
use super::typed::typed_rules;
use crate::authority::authority_of;
use crate::facts::{DeviceFacts, MdmProvider, OsKind, copied, value};
use crate::policy::Surroundings;
use crate::state::mdm_provider;
use crate::windows::{Edition, Servicing, edition};
use crate::workload::{ManagementAuthority, Workload};

typed_rules! {
    /// An evaluated rule of scope device.
    DeviceRule {
        /// Licences for a reset with Autopilot.
        AutopilotResetNeedsIntune = "lic.autopilot_reset_needs_intune",
        /// Automatic enrolment takes this device.
        AutoEnrollInScope = "cm.auto_enroll_in_scope",
        /// The client is there.
        ClientInstalled = "cm.client_installed",
        /// The client's health is fresh.
        ClientHealthy = "cm.client_healthy",
        /// The co-management policy does something on this system.
        PolicyAppliesToOs = "cm.policy_applies_to_os",
        /// The gateway's certificate is trusted.
        CmgCertificateTrusted = "cm.cmg_certificate_trusted",
        /// The software-updates client setting is off where Intune updates.
        UpdateClientSettingOff = "cm.update_client_setting_off",
        /// Joined to Entra ID, alone or hybrid.
        Joined = "entra.joined",
        /// Not merely registered.
        NotRegisteredOnly = "entra.not_registered_only",
        /// A domain-joined device is hybrid joined.
        HybridForDomainJoined = "entra.hybrid_for_domain_joined",
        /// Windows is in servicing.
        ServicedVersion = "win.serviced_version",
        /// Windows 10 1709 or later.
        Minimum1709 = "win.minimum_1709",
        /// Windows 10 1803 or later, for the device token.
        DeviceToken1803 = "win.device_token_1803",
        /// The site supports this Windows.
        SiteSupportsWindowsVersion = "win.site_supports_windows_version",
        /// The edition can be managed.
        Edition = "win.edition",
        /// The push service is there.
        PushServicePresent = "win.push_service_present",
        /// Nothing on the device blocks MDM.
        MdmNotBlocked = "win.mdm_not_blocked",
        /// Windows is new enough for Autopilot into co-management.
        AutopilotWindowsVersion = "autopilot.windows_version",
        /// Registered with Autopilot.
        AutopilotRegistered = "autopilot.registered",
        /// The profile is user-driven with Entra join.
        AutopilotEntraJoinUserDriven = "autopilot.entra_join_user_driven",
        /// A co-management settings policy is assigned.
        AutopilotSettingsPolicyAssigned = "autopilot.settings_policy_assigned",
        /// An enrolment status page with progress is assigned.
        AutopilotEspWithProgress = "autopilot.esp_with_progress",
        /// One policy provider for the status page.
        AutopilotSinglePolicyProvider = "autopilot.single_policy_provider",
        /// The organisation owns the device.
        CoexCompanyOwned = "coex.company_owned",
        /// The MDM is a third party's.
        CoexThirdPartyDetected = "coex.third_party_detected",
        /// Three workloads are with Intune.
        AutopatchWorkloads = "autopatch.workloads",
        /// The record at Intune is complete and fresh.
        AutopatchDeviceFacts = "autopatch.device_facts",
    }
}

impl DeviceRule {
    /// Judged by the tables of Windows 10 and 11. Servers share build numbers with them, and have releases, ends of support and
    /// editions of their own, which no table here holds.
    const fn reads_client_tables(self) -> bool {
        matches!(
            self,
            Self::ServicedVersion | Self::SiteSupportsWindowsVersion | Self::AutopilotWindowsVersion
        )
    }

    /// The fact of a device without client Windows that says too little for such a rule.
    const fn fact_of_windows(self) -> &'static [&'static str] {
        if matches!(self, Self::Edition) { &[windows::OS_EDITION] } else { &[windows::OS_BUILD] }
    }

    /// Compares builds of Windows, which client and server count alike, or its editions.
    const fn reads_windows(self) -> bool {
        self.reads_client_tables()
            || matches!(self, Self::Minimum1709 | Self::DeviceToken1803 | Self::Edition)
    }
}

/// A device in its surroundings at a moment, to be asked about its rules.
#[derive(Debug)]
pub struct DeviceCheck<'a> {
    facts: &'a DeviceFacts,
    surroundings: &'a Surroundings<'a>,
    as_of: Timestamp,
    edition: OnceCell<Option<Edition>>,
    servicing: OnceCell<Option<Servicing>>,
}

impl<'a> DeviceCheck<'a> {
    /// The device as it is known, at that moment. `surroundings` are those of the device's own hierarchy and site.
    #[must_use]
    pub const fn new(facts: &'a DeviceFacts, surroundings: &'a Surroundings<'a>, as_of: Timestamp) -> Self {
        Self { facts, surroundings, as_of, edition: OnceCell::new(), servicing: OnceCell::new() }
    }

    /// Judges the device rules of a path.
    ///
    /// Coexistence as a whole is not applicable, and so is each of its rules, when the MDM provider is known and is no
    /// third party \[derived\].
    pub fn report(&self, path: Path) -> Report {
        self.judge(path)
    }

    /// [`Self::report`] without words: what counting needs, in a fraction of the time.
    pub fn kinds(&self, path: Path) -> Report<OutcomeKind> {
        self.judge(path)
    }

    /// Either of the two.
    pub(super) fn judge<O: Judged>(&self, path: Path) -> Report<O> {
        let elsewhere = match path {
            Path::Coexistence => self.provider_without_coexistence(),
            _ => None,
        };
        let answers = DeviceRule::on(path).iter().map(|rule| {
            let answer = match elsewhere {
                Some(why) => O::not_applicable(why).into(),
                None => self.answer(*rule),
            };
            (rule.rule(), answer)
        });
        Report::collect(path, answers)
    }

    /// Judges one rule, whatever the path.
    #[must_use]
    pub fn outcome(&self, rule: DeviceRule) -> Outcome {
        self.judged(rule)
    }

    /// [`Self::outcome`], told as the asker wants it.
    pub(crate) fn judged<O: Judged>(&self, rule: DeviceRule) -> O {
        self.answer(rule).outcome
    }

    fn provider_without_coexistence(&self) -> Option<&'static str> {
        match mdm_provider(self.facts, self.surroundings.tenant)? {
            MdmProvider::ThirdParty => None,
            MdmProvider::Intune => Some("the device's MDM is Intune"),
            MdmProvider::None => Some("the device has no MDM"),
        }
    }

    /// Who decides a workload on the device: asked for few of the seven.
    pub(crate) fn authority(&self, workload: Workload) -> ManagementAuthority {
        authority_of(self.facts, self.surroundings, workload)
    }

    fn edition(&self) -> Option<Edition> {
        *self.edition.get_or_init(|| value(&self.facts.os_edition).map(|text| edition(text)))
    }

    fn serviced<O: Judged>(&self, expected: &'static str) -> Answer<O> {
        let read = || windows::servicing(self.facts, self.edition(), day_of(self.as_of));
        let servicing = *self.servicing.get_or_init(read);
        windows::serviced_version(self.facts, servicing, expected, self.as_of)
    }

    fn answer<O: Judged>(&self, rule: DeviceRule) -> Answer<O> {
        let (facts, surroundings) = (self.facts, self.surroundings);
        let no_table = match copied(&facts.os_kind) {
            Some(OsKind::Server) => rule.reads_client_tables(),
            Some(OsKind::Other) => rule.reads_windows(),
            Some(OsKind::Client) | None => false,
        };
        if no_table {
            // That such a device is no candidate is `cm.policy_applies_to_os`.
            return O::unknown(rule.fact_of_windows()).into();
        }
        let outcome: O = match rule {
            DeviceRule::ClientHealthy => return client::healthy(facts, self.as_of),
            DeviceRule::ServicedVersion => {
                return self.serviced("a Windows version in servicing");
            }
            DeviceRule::AutopilotWindowsVersion => {
                return autopilot::windows_version(facts, |expected| self.serviced(expected));
            }
            DeviceRule::AutopilotSinglePolicyProvider => {
                return attested(surroundings.tenant, rule.rule(), self.as_of);
            }
            DeviceRule::AutopatchDeviceFacts => return autopatch::device_facts(facts, self.as_of),

            DeviceRule::AutopilotResetNeedsIntune => autopilot::reset_needs_intune(facts),
            DeviceRule::AutoEnrollInScope => client::auto_enroll_in_scope(facts, surroundings),
            DeviceRule::ClientInstalled => client::installed(facts),
            DeviceRule::PolicyAppliesToOs => client::policy_applies_to_os(facts),
            DeviceRule::CmgCertificateTrusted => client::cmg_certificate_trusted(facts),
            DeviceRule::UpdateClientSettingOff => {
                client::update_setting_off(self.authority(Workload::WindowsUpdatePolicies), surroundings)
            }
            DeviceRule::Joined => directory::joined(facts),
            DeviceRule::NotRegisteredOnly => directory::not_registered_only(facts),
            DeviceRule::HybridForDomainJoined => directory::hybrid_for_domain_joined(facts),
            DeviceRule::Minimum1709 => windows::minimum_1709(facts),
            DeviceRule::DeviceToken1803 => windows::device_token_1803(facts),
            DeviceRule::SiteSupportsWindowsVersion => {
                windows::site_supports(facts, self.edition(), surroundings)
            }
            DeviceRule::Edition => windows::manageable_edition(facts, self.edition()),
            DeviceRule::PushServicePresent => windows::push_service_present(facts),
            DeviceRule::MdmNotBlocked => windows::mdm_not_blocked(facts),
            DeviceRule::AutopilotRegistered => autopilot::registered(facts),
            DeviceRule::AutopilotEntraJoinUserDriven => autopilot::entra_join_user_driven(facts),
            DeviceRule::AutopilotSettingsPolicyAssigned => autopilot::settings_policy_assigned(facts),
            DeviceRule::AutopilotEspWithProgress => autopilot::esp_with_progress(facts),
            DeviceRule::CoexCompanyOwned => directory::company_owned(facts),
            DeviceRule::CoexThirdPartyDetected => directory::third_party_detected(facts, surroundings.tenant),
            DeviceRule::AutopatchWorkloads => autopatch::workloads(|workload| self.authority(workload)),
        };
        outcome.into()
    }
}
