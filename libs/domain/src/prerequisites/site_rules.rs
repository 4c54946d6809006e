//! The rules of a Configuration Manager site.

use jiff::Timestamp;

use super::attestation::{attested, standing};
use super::catalogue::Path;
use super::judged::Judged;
use super::moment::{after_day, day_of};
use super::report::{Answer, Outcome, Report};
use super::typed::typed_rules;
use crate::configmgr::{self, Support};
use crate::policy::CoManagementPolicy;
use crate::site::{ClientAuth, SiteFacts};
use crate::tenant::{Cloud, TenantFacts};
use crate::workload::SliderPosition;

typed_rules! {
    /// An evaluated rule of scope site.
    SiteRule {
        /// The site's version is in support.
        SupportedVersion = "cm.supported_version",
        /// Co-management is set up.
        CoManagementEnabled = "cm.co_management_enabled",
        /// Clients register with Entra ID.
        ClientSettingRegisterEntra = "cm.client_setting_register_entra",
        /// There is a gateway.
        CmgPresent = "cm.cmg_present",
        /// The site is onboarded to Entra ID, for the gateway.
        SiteOnboardedEntra = "cm.site_onboarded_entra",
        /// Enhanced HTTP or HTTPS.
        EnhancedHttpOrHttps = "cm.enhanced_http_or_https",
        /// The management point takes gateway traffic.
        MpAcceptsCmg = "cm.mp_accepts_cmg",
        /// The revocation list of an own PKI is reachable.
        CrlReachable = "cm.crl_reachable",
        /// Entra user discovery is on.
        EntraUserDiscovery = "cm.entra_user_discovery",
        /// Limits of the clouds that are not public.
        AzureCloudLimits = "cm.azure_cloud_limits",
        /// No resource access policy is left before 2403.
        ResourceAccessPoliciesRemoved = "cm.resource_access_policies_removed",
        /// The site knows Autopilot into co-management.
        AutopilotSite2111 = "autopilot.site_2111",
        /// No slider stands at Pilot Intune.
        AutopilotNoPilotIntune = "autopilot.no_pilot_intune",
        /// Clients do not prove themselves with an own PKI.
        AutopilotNoPkiClientAuth = "autopilot.no_pki_client_auth",
    }
}

/// First site version with Autopilot into co-management.
const AUTOPILOT_ERA: u32 = 2111;
/// First site version for the cloud in China.
const CHINA_ERA: u32 = 2006;

/// A site at a moment, to be asked about its rules.
#[derive(Debug, Clone, Copy)]
pub struct SiteCheck<'a> {
    site: &'a SiteFacts,
    policy: Option<&'a CoManagementPolicy>,
    tenant: &'a TenantFacts,
    as_of: Timestamp,
}

impl<'a> SiteCheck<'a> {
    /// The site as it is known, with its hierarchy's configured policy and its tenant, at that moment.
    #[must_use]
    pub const fn new(
        site: &'a SiteFacts,
        policy: Option<&'a CoManagementPolicy>,
        tenant: &'a TenantFacts,
        as_of: Timestamp,
    ) -> Self {
        Self { site, policy, tenant, as_of }
    }

    /// Judges the site rules of a path.
    pub fn report(&self, path: Path) -> Report {
        Report::collect(path, SiteRule::on(path).iter().map(|rule| (rule.rule(), self.answer(*rule))))
    }

    /// Judges one rule, whatever the path.
    #[must_use]
    pub fn outcome(&self, rule: SiteRule) -> Outcome {
        self.answer(rule).outcome
    }

    /// When time alone changes the outcome of a rule. `None`: it does not.
    pub(crate) fn changes_at(&self, rule: SiteRule) -> Option<Timestamp> {
        self.answer(rule).changes_at
    }

    fn answer(&self, rule: SiteRule) -> Answer {
        let site = self.site;
        let flag = |fact: &'static [&'static str], value, expected, found| {
            Outcome::of_bool(fact, value, true, expected, found).into()
        };
        match rule {
            SiteRule::SupportedVersion => supported_version(site, self.as_of),
            SiteRule::CoManagementEnabled => flag(
                &["site.co_management_enabled"],
                self.policy.and_then(|policy| policy.enabled),
                "co-management enabled",
                "co-management not enabled",
            ),
            SiteRule::ClientSettingRegisterEntra => flag(
                &["site.client_setting_register_entra"],
                site.client_setting_register_entra,
                "client setting on: register with Entra ID",
                "client setting off",
            ),
            SiteRule::CmgPresent => flag(
                &["site.cmg_present"],
                site.cmg_present,
                "a cloud management gateway",
                "no cloud management gateway",
            ),
            SiteRule::SiteOnboardedEntra => flag(
                &["site.entra_onboarded"],
                site.entra_onboarded,
                "site onboarded to Entra ID",
                "site not onboarded",
            ),
            SiteRule::EnhancedHttpOrHttps => flag(
                &["site.enhanced_http_or_https"],
                site.enhanced_http_or_https,
                "enhanced HTTP or HTTPS",
                "neither enhanced HTTP nor HTTPS",
            ),
            SiteRule::MpAcceptsCmg => flag(
                &["site.mp_accepts_cmg"],
                site.mp_accepts_cmg,
                "management point accepts gateway traffic",
                "management point refuses gateway traffic",
            ),
            SiteRule::CrlReachable => self.crl_reachable(),
            SiteRule::EntraUserDiscovery | SiteRule::ResourceAccessPoliciesRemoved => {
                attested(self.tenant, rule.rule(), self.as_of)
            }
            SiteRule::AzureCloudLimits => self.azure_cloud_limits(),
            SiteRule::AutopilotSite2111 => autopilot_site_2111(site).into(),
            SiteRule::AutopilotNoPilotIntune => no_pilot_intune(self.policy).into(),
            SiteRule::AutopilotNoPkiClientAuth => no_pki_client_auth(site).into(),
        }
    }

    /// Whether the internet reaches a revocation list is no fact that any export carries: where the client's command line does
    /// not do without it, an attestation of this rule decides \[derived\].
    fn crl_reachable(&self) -> Answer {
        const EXPECTED: &str = "/NoCRLCheck, or a revocation list that the internet reaches";
        let word = standing(self.tenant, SiteRule::CrlReachable.id(), self.as_of);
        match (self.site.client_auth, self.site.ccmsetup_command_line.as_deref(), word) {
            (Some(ClientAuth::Entra | ClientAuth::Token), _, _) => {
                Outcome::not_applicable("clients do not use certificates of an own PKI").into()
            }
            (Some(ClientAuth::Pki), Some(line), _) if skips_revocation(line) => Outcome::Satisfied.into(),
            (Some(ClientAuth::Pki), _, Some(word)) if word.attested => {
                Answer::until(Outcome::Satisfied, word.expires)
            }
            (Some(ClientAuth::Pki), Some(_), Some(word)) => {
                let found = format!(
                    "own PKI, client installed without /NoCRLCheck; denied by {} at {}",
                    word.by, word.at
                );
                Answer::until(Outcome::unsatisfied(EXPECTED, found), word.expires)
            }
            (auth, line, word) => {
                // What is written on the line does not say whether the list is reachable.
                let line_says_too_little = line.is_none() || auth.is_some();
                let outcome = Outcome::unknown_of([
                    ("site.client_auth", auth.is_none()),
                    ("site.ccmsetup_command_line", line_says_too_little),
                ]);
                Answer::until(outcome, word.filter(|_| auth.is_some()).and_then(|word| word.expires))
            }
        }
    }

    /// The operator accepts the limits by an attestation of this rule; versions of single clients are no fact of a site,
    /// so the acceptance speaks for them too \[derived\].
    fn azure_cloud_limits(&self) -> Answer {
        const ACCEPTED: &str = "public cloud, or its limits accepted by the operator";
        let accepted = standing(self.tenant, SiteRule::AzureCloudLimits.id(), self.as_of);
        let changes_at = accepted.and_then(|word| word.expires);
        let accepted = accepted.is_some_and(|word| word.attested);
        match self.tenant.cloud {
            None => Outcome::unknown(&["tenant.cloud"]).into(),
            Some(Cloud::Public) => Outcome::Satisfied.into(),
            Some(Cloud::China) => match self.site.version.as_deref() {
                Some(version) if era_of(self.site).is_some_and(|era| era < CHINA_ERA) => {
                    Outcome::unsatisfied("site version 2006 or later in China", version.to_owned()).into()
                }
                _ if !accepted => Answer::until(Outcome::unsatisfied(ACCEPTED, "china"), changes_at),
                _ if era_of(self.site).is_none() => {
                    Answer::until(Outcome::unknown(&["site.version"]), changes_at)
                }
                _ => Answer::until(Outcome::Satisfied, changes_at),
            },
            Some(Cloud::UsGovernment) if accepted => Answer::until(Outcome::Satisfied, changes_at),
            Some(Cloud::UsGovernment) => {
                Answer::until(Outcome::unsatisfied(ACCEPTED, "us_government"), changes_at)
            }
        }
    }
}

fn era_of(site: &SiteFacts) -> Option<u32> {
    site.version.as_deref().and_then(configmgr::era)
}

/// A version that no table knows counts as not said.
fn supported_version(site: &SiteFacts, as_of: Timestamp) -> Answer {
    let support =
        site.version.as_deref().map(|version| (version, configmgr::support(version, day_of(as_of))));
    match support {
        None | Some((_, Support::Unknown)) => Outcome::unknown(&["site.version"]).into(),
        Some((_, Support::Supported { until })) => Answer::until(Outcome::Satisfied, after_day(until)),
        Some((version, Support::Ended { on })) => {
            Outcome::unsatisfied("a site version in support", format!("{version}, support ended on {on}"))
                .into()
        }
    }
}

/// The words of a command line of the client's installation, also where Intune's policy keeps it quoted within `CCMSETUPCMD="…"`.
pub(super) fn words_of_command_line(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_ascii_whitespace() || c == '"').filter(|word| !word.is_empty())
}

fn skips_revocation(command_line: &str) -> bool {
    words_of_command_line(command_line).any(|word| word.eq_ignore_ascii_case("/NoCRLCheck"))
}

fn autopilot_site_2111(site: &SiteFacts) -> Outcome {
    match (site.version.as_deref(), era_of(site)) {
        (Some(_), Some(era)) if era >= AUTOPILOT_ERA => Outcome::Satisfied,
        (Some(version), Some(_)) => Outcome::unsatisfied("site version 2111 or later", version.to_owned()),
        _ => Outcome::unknown(&["site.version"]),
    }
}

fn no_pilot_intune(policy: Option<&CoManagementPolicy>) -> Outcome {
    let Some(policy) = policy else {
        return Outcome::unknown(&["workload.authority"]);
    };
    let pilots: Vec<&str> = policy
        .workloads
        .iter()
        .filter(|(_, setting)| setting.slider == SliderPosition::PilotIntune)
        .map(|(workload, _)| workload.id())
        .collect();
    if pilots.is_empty() {
        Outcome::Satisfied
    } else {
        Outcome::unsatisfied("no workload at pilot_intune", format!("{} at pilot_intune", pilots.join(", ")))
    }
}

fn no_pki_client_auth(site: &SiteFacts) -> Outcome {
    match site.client_auth {
        None => Outcome::unknown(&["site.client_auth"]),
        Some(ClientAuth::Pki) => Outcome::unsatisfied("entra or token", "pki"),
        Some(ClientAuth::Entra | ClientAuth::Token) => Outcome::Satisfied,
    }
}
