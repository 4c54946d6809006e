//! Which path leads a device into co-management, and what has to be done on it, in which order and by whom.
//!
//! The steps are the findings of the path's tenant, site and device rules that stop it, put into the order in which they can be done:
//! the tenant's licences, directory and Intune, then the site, then the device. Which path is recommended, that order, and what a step
//! makes possible are \[derived\]; the rules and their remedies are the catalogue's ([`crate::prerequisites`]).
//!
//! Not for: moving workloads of a device that is co-managed ([`crate::plan`], [`crate::rollout`]).

use jiff::Timestamp;

use crate::enrollment;
use crate::facts::{DeviceFacts, MdmProvider, OsKind, copied};
use crate::policy::Surroundings;
use crate::prerequisites::{
    Area, DeviceCheck, Finding, Judged, Outcome, Path, Report, Rule, Scope, Severity, SiteCheck, SiteRule,
    TenantCheck,
};
use crate::state::{ManagementState, is_leaving, management_state, mdm_provider};
use crate::tenant::TenantFacts;

/// Whether the site's gateway to the internet is needed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gateway {
    /// Whether it is.
    pub needed: bool,
    /// Why.
    pub because: &'static str,
}

/// What co-management is not, said with every path.
pub const REMOTE_SYSTEMS: &str = "co-management itself is no way to manage remotely connected systems";

/// When something has to be done: each phase builds on those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Licences of the tenant.
    Licensing,
    /// The tenant's directory.
    Directory,
    /// The tenant's Intune.
    Intune,
    /// The site.
    Site,
    /// Windows on the device: joining is supported only afterwards.
    Windows,
    /// The device in the directory.
    Join,
    /// The device otherwise: its client, its scope, its policies.
    Device,
    /// Nothing is left to do: the enrolment follows.
    Enrollment,
}

impl Phase {
    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Licensing => "licensing",
            Self::Directory => "directory",
            Self::Intune => "intune",
            Self::Site => "site",
            Self::Windows => "windows",
            Self::Join => "join",
            Self::Device => "device",
            Self::Enrollment => "enrollment",
        }
    }

    /// What becomes possible when everything of the phase is done.
    const fn makes_possible(self, path: Path) -> &'static str {
        match (self, path) {
            (Self::Licensing, _) => "automatic enrolment, a premium feature, may be used in the tenant",
            (Self::Directory, Path::Path1) => "domain-joined devices can become hybrid joined",
            (Self::Directory, _) => "a gateway has a subscription to run in",
            (Self::Intune, _) => "Intune takes enrolments of Windows devices",
            (Self::Site, Path::Path1) => {
                "the site's clients get the co-management policy and register with Entra ID"
            }
            (Self::Site, _) => {
                "devices on the internet reach the site, and its client can be installed on them"
            }
            (Self::Windows, _) => "the device can be joined and enrolled",
            (Self::Join, _) => "the device can prove to Intune who it is",
            (Self::Device, _) => "the device can be enrolled",
            (Self::Enrollment, _) => "the device is co-managed: its workloads can be moved",
        }
    }

    fn of(rule: &Rule) -> Self {
        match (rule.scope, rule.area) {
            (Scope::Tenant, Area::Licensing) => Self::Licensing,
            (Scope::Tenant, Area::EntraId) => Self::Directory,
            (Scope::Tenant, _) => Self::Intune,
            (Scope::Site, _) => Self::Site,
            (_, Area::Windows) => Self::Windows,
            (_, Area::EntraId) => Self::Join,
            _ => Self::Device,
        }
    }
}

/// Something to be done, or to be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub phase: Phase,
    /// What: the rule's remedy, or what has to be waited for.
    pub what: &'static str,
    /// Whose part of the field it is; `None`: it happens by itself.
    pub owner: Option<Area>,
    /// Without it the path is closed; else something does not work as it should.
    pub severity: Severity,
    /// The rule that asks for it.
    pub rule: Option<&'static Rule>,
    /// Facts that nobody said: first it has to be found out whether anything is to be done.
    pub to_find_out: Vec<&'static str>,
    /// What becomes possible when everything of its phase is done.
    pub makes_possible: &'static str,
}

/// The way of one device into co-management.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// Where it stands.
    pub state: ManagementState,
    /// The path that is recommended; `None`: none is, see `because`.
    pub path: Option<Path>,
    /// Why this one, or why none.
    pub because: &'static str,
    /// Whether a cloud management gateway is needed on the path.
    pub gateway: Option<Gateway>,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
}

/// The way of a device into co-management. `surroundings` are those of the device's own hierarchy and site; without a site its rules are
/// to be found out as a whole.
pub fn journey(facts: &DeviceFacts, surroundings: &Surroundings<'_>, as_of: Timestamp) -> Journey {
    let state = management_state(facts, surroundings.tenant);
    let (path, because) = recommended(state, facts, surroundings.tenant);
    let Some(path) = path else {
        return Journey { state, path: None, because, gateway: None, steps: Vec::new() };
    };
    let mut steps = steps(facts, surroundings, path, as_of);
    steps.push(enrollment(path, state, facts));
    Journey { state, path: Some(path), because, gateway: Some(gateway(path)), steps }
}

fn recommended(
    state: ManagementState,
    facts: &DeviceFacts,
    tenant: &TenantFacts,
) -> (Option<Path>, &'static str) {
    let is_client = !matches!(copied(&facts.os_kind), Some(OsKind::Server | OsKind::Other));
    match state {
        ManagementState::CoManaged => (None, "it is co-managed already"),
        _ if is_leaving(facts) => {
            (None, "Intune is retiring, wiping or deleting it: see what is left of it afterwards")
        }
        _ if mdm_provider(facts, tenant) == Some(MdmProvider::ThirdParty) => (
            None,
            "another MDM manages it, and co-management is with Intune alone: unenrol it there, or leave it in coexistence",
        ),
        _ if !is_client => (None, "co-management is for clients of Windows 10 and later, and this is none"),
        _ if copied(&facts.client_installed).is_none() => {
            (None, "no source says whether the client is installed: import the site's records of it first")
        }
        ManagementState::EnrolledNotProvisioned | ManagementState::MdmPlusClient => (
            Some(Path::Path1),
            "it has the client and is enrolled: the co-management policy has to take hold",
        ),
        _ if copied(&facts.client_installed) == Some(true) => {
            (Some(Path::Path1), "it has the client, which enrols it into Intune")
        }
        ManagementState::MdmOnly => (Some(Path::Path2), "it is in Intune and lacks the client"),
        _ if copied(&facts.autopilot_registered) == Some(true) => (
            Some(Path::Autopilot),
            "it is registered with Autopilot, which can install the client while it is set up",
        ),
        _ if copied(&facts.ad_joined) == Some(true) => {
            (Some(Path::Path1), "it is in the domain: the site can install the client, which then enrols it")
        }
        _ => (Some(Path::Path2), "nobody manages it: enrol it in Intune, which then installs the client"),
    }
}

const fn gateway(path: Path) -> Gateway {
    match path {
        Path::Path2 | Path::Autopilot => Gateway {
            needed: true,
            because: "the client is installed over the internet, through the gateway",
        },
        Path::Path1 | Path::Coexistence | Path::Autopatch => Gateway {
            needed: false,
            because: "existing clients are co-managed without one; a message about missing prerequisites on the console's Enablement tab may be ignored",
        },
    }
}

fn steps(facts: &DeviceFacts, surroundings: &Surroundings<'_>, path: Path, as_of: Timestamp) -> Vec<Step> {
    let tenant = TenantCheck::new(surroundings.tenant, as_of).report(path);
    let site = match surroundings.site {
        Some(site) => SiteCheck::new(site, surroundings.policy, surroundings.tenant, as_of).report(path),
        None => unknown_site(path),
    };
    let device = DeviceCheck::new(facts, surroundings, as_of).report(path);
    let findings = [tenant, site, device].into_iter().flat_map(|report: Report| report.findings);
    let mut steps: Vec<Step> = findings.filter_map(|finding| step(finding, path)).collect();
    // Stable: within a phase and severity the catalogue's order holds.
    steps.sort_by_key(|step| (step.phase, step.severity));
    steps
}

/// The rules of a site that nobody named: each is to be found out, of the site that the device will have.
fn unknown_site(path: Path) -> Report {
    let unknown = |rule: &SiteRule| {
        let rule = rule.rule();
        Finding::new(rule, Outcome::unknown(rule.facts))
    };
    Report { path, findings: SiteRule::on(path).iter().map(unknown).collect(), valid_until: None }
}

/// What a finding asks for; `None`: nothing. What is only a warning is not looked for where nobody said.
fn step(finding: Finding, path: Path) -> Option<Step> {
    let Finding { rule, severity, outcome } = finding;
    let to_find_out = match outcome {
        Outcome::Unsatisfied { .. } => Vec::new(),
        Outcome::Unknown { missing } if severity == Severity::Blocking => missing.into_owned(),
        _ => return None,
    };
    let phase = Phase::of(rule);
    Some(Step {
        phase,
        what: rule.remediation,
        owner: Some(rule.area),
        severity,
        rule: Some(rule),
        to_find_out,
        makes_possible: phase.makes_possible(path),
    })
}

/// What follows by itself (states.md 5 and 6), is waited for, or is set going in Intune. An attempt that failed is mended by what its
/// result says.
fn enrollment(path: Path, state: ManagementState, facts: &DeviceFacts) -> Step {
    let failed = copied(&facts.enrollment_status_code).filter(|code| *code != 0).and_then(enrollment::lookup);
    let (what, owner) = match (path, state, failed) {
        (Path::Path2, ..) => (
            "assign the client's bootstrap to the device in Intune; the co-management policy follows through the gateway",
            Some(Area::Intune),
        ),
        (Path::Autopilot, ..) => (
            "set the device up with Autopilot; the settings policy installs the client meanwhile",
            Some(Area::Intune),
        ),
        (_, ManagementState::PendingSignIn, _) => {
            ("let somebody sign in on the device: its enrolment waits for it", Some(Area::Windows))
        }
        (_, ManagementState::EnrolledNotProvisioned | ManagementState::MdmPlusClient, _) => (
            "wait: the client takes the policy up, every 60 minutes by default, and Intune's check-in follows",
            None,
        ),
        (_, ManagementState::Failed | ManagementState::Enrolling, Some(error)) => {
            (error.remediation, Some(Area::Intune))
        }
        (_, ManagementState::Failed, None) => {
            ("look at the result of the last attempt on the device, and mend it", Some(Area::Windows))
        }
        _ => (
            "wait: the client enrols the device when it evaluates the policy; many clients are spread over days",
            None,
        ),
    };
    Step {
        phase: Phase::Enrollment,
        what,
        owner,
        severity: Severity::Blocking,
        rule: None,
        to_find_out: Vec::new(),
        makes_possible: Phase::Enrollment.makes_possible(path),
    }
}

#[cfg(test)]
mod tests;
