//! What to know before and while a policy is handed over.

use std::collections::BTreeSet;
use std::fmt;

use super::{CmdletSupport, ConsoleAction, Creation, Handover, MembershipAction, Task};
use crate::citation::Citation;
use crate::id::CollectionId;
use crate::policy::AutoEnrollment;
use crate::workload::{SliderPosition, Workload};

/// Something that the work does not mend by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Nobody said whether the hierarchy has a policy.
    PolicyPresenceUnknown,
    /// The adopted policy wants co-management not to be set up.
    TurningOffNotDocumented,
    /// The slider of resource access is gone, and the policy wants it elsewhere.
    ResourceAccessFixed,
    /// The slider of resource access may be gone.
    ResourceAccessMayBeFixed,
    /// Without Intune's policies in place nobody manages these workloads.
    IntunePolicyFirst {
        /// The workloads that move towards Intune, and those that move along.
        workloads: Vec<Workload>,
    },
    /// What Intune installed stays.
    InstalledStays {
        /// The workloads that go back.
        workloads: Vec<Workload>,
    },
    /// Whether a staging collection is contained in the Intune Auto Enrollment collection cannot be known
    /// from here.
    StagingContainmentUnknown {
        /// The staging collection.
        staging: CollectionId,
        /// The Intune Auto Enrollment collection; `None`: nobody said which.
        auto_enrollment: Option<CollectionId>,
    },
    /// The policy does not name the collection.
    CollectionNotInPolicy {
        /// The collection.
        collection: CollectionId,
    },
    /// The site's cmdlets have known defects, and there is no script for members.
    SiteTooOldForCmdlets {
        /// The version as given.
        found: String,
    },
    /// Nobody said the site's version.
    SiteVersionUnknown,
    /// A direct rule makes no member of a device that the limiting collection lacks.
    LimitingCollectionDecides {
        /// The collection that devices are added to.
        collection: CollectionId,
    },
    /// A device that another rule brings in stays.
    OtherRulesKeepMembers {
        /// The collection that devices are removed from.
        collection: CollectionId,
    },
    /// Members follow when the site has evaluated.
    EvaluationDelay,
    /// Clients follow when they have polled.
    ClientPolicyPoll,
}

impl Warning {
    /// Its stable name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::PolicyPresenceUnknown => "policy_presence_unknown",
            Self::TurningOffNotDocumented => "turning_off_not_documented",
            Self::ResourceAccessFixed => "resource_access_fixed",
            Self::ResourceAccessMayBeFixed => "resource_access_may_be_fixed",
            Self::IntunePolicyFirst { .. } => "intune_policy_first",
            Self::InstalledStays { .. } => "installed_stays",
            Self::StagingContainmentUnknown { .. } => "staging_containment_unknown",
            Self::CollectionNotInPolicy { .. } => "collection_not_in_policy",
            Self::SiteTooOldForCmdlets { .. } => "site_too_old_for_cmdlets",
            Self::SiteVersionUnknown => "site_version_unknown",
            Self::LimitingCollectionDecides { .. } => "limiting_collection_decides",
            Self::OtherRulesKeepMembers { .. } => "other_rules_keep_members",
            Self::EvaluationDelay => "evaluation_delay",
            Self::ClientPolicyPoll => "client_policy_poll",
        }
    }

    /// Where the fact pack says so.
    #[must_use]
    pub const fn source(&self) -> Citation {
        let (file, section) = match self {
            Self::PolicyPresenceUnknown => ("handover.md", "2.1"),
            Self::TurningOffNotDocumented => ("handover.md", "2.2"),
            Self::ResourceAccessFixed | Self::ResourceAccessMayBeFixed => {
                ("workloads.toml", "resource_access_policies.forced_to_intune_since_site_version")
            }
            Self::IntunePolicyFirst { .. } => ("workloads.toml", "switching.before_switch"),
            Self::InstalledStays { .. } => ("workloads.toml", "switching.switch_back_caveat"),
            Self::StagingContainmentUnknown { .. } => {
                ("workloads.toml", "switching.auto_enrollment_collection")
            }
            Self::CollectionNotInPolicy { .. } => ("workloads.toml", "switching.scope_of_pilot_intune"),
            Self::SiteTooOldForCmdlets { .. } | Self::SiteVersionUnknown => ("handover.md", "3.1"),
            Self::LimitingCollectionDecides { .. }
            | Self::OtherRulesKeepMembers { .. }
            | Self::EvaluationDelay => ("handover.md", "3.3"),
            Self::ClientPolicyPoll => ("states.md", "6"),
        };
        Citation::new(file, section)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |workloads: &[Workload]| workloads.iter().map(|w| w.id()).collect::<Vec<_>>().join(", ");
        match self {
            Self::PolicyPresenceUnknown => f.write_str(
                "nobody said whether the hierarchy has a co-management policy: look first; creating one is for \
                 a hierarchy without any, the steps in its properties are for a policy that is there",
            ),
            Self::TurningOffNotDocumented => f.write_str(
                "the adopted policy wants co-management not to be set up: how to take a policy away is not \
                 documented",
            ),
            Self::ResourceAccessFixed => f.write_str(
                "from site version 2403 on the slider of resource_access_policies is fixed at Intune: the \
                 adopted position cannot be set",
            ),
            Self::ResourceAccessMayBeFixed => f.write_str(
                "the site's version is not known: from 2403 on the slider of resource_access_policies is \
                 fixed at Intune",
            ),
            Self::IntunePolicyFirst { workloads } => {
                write!(
                    f,
                    "deploy the matching Intune policies before these workloads move: {}",
                    names(workloads)
                )
            }
            Self::InstalledStays { workloads } => {
                write!(
                    f,
                    "versions that Intune installed stay when these workloads go back: {}",
                    names(workloads)
                )
            }
            Self::StagingContainmentUnknown { staging, auto_enrollment } => {
                let outer = auto_enrollment.as_ref().map_or("not known", CollectionId::as_str);
                write!(
                    f,
                    "the Intune Auto Enrollment collection ({outer}) has to contain the staging collection \
                     {staging}; without the members of both that cannot be known"
                )
            }
            Self::CollectionNotInPolicy { collection } => {
                write!(f, "the adopted policy does not name {collection}: its members decide nothing")
            }
            Self::SiteTooOldForCmdlets { found } => write!(
                f,
                "membership cmdlets lose or refuse rules before site version 2107: no script is made for \
                 {found}"
            ),
            Self::SiteVersionUnknown => {
                f.write_str("the site's version is not known: the membership scripts need 2107 or later")
            }
            Self::LimitingCollectionDecides { collection } => write!(
                f,
                "{collection}: a device has to be discovered, in the limiting collection and in no \
                 excluded one; otherwise its direct rule makes it no member"
            ),
            Self::OtherRulesKeepMembers { collection } => write!(
                f,
                "{collection}: removing a direct rule does not remove a device that a query or include \
                 rule also brings in"
            ),
            Self::EvaluationDelay => f.write_str(
                "members change when the site has evaluated the collection: incrementally every 5 minutes \
                 by default, through a central administration site later; repeated requests are queued or \
                 dropped, so do not ask again blindly",
            ),
            Self::ClientPolicyPoll => {
                f.write_str("clients take a change when they poll their policy, every 60 minutes by default")
            }
        }
    }
}

/// What to know about that work; nothing where there is none.
pub(super) fn warnings(task: Task<'_>, handover: &Handover) -> Vec<Warning> {
    let turning_off = task.turns_off() && task.set_up() != Some(false);
    let mut warnings = Vec::new();
    if turning_off {
        warnings.push(Warning::TurningOffNotDocumented);
    }
    if handover.is_empty() {
        return warnings;
    }
    if task.set_up().is_none() && !task.turns_off() {
        warnings.push(Warning::PolicyPresenceUnknown);
    }
    warnings.extend(resource_access(task, handover));
    warnings.extend(moves(task, handover));
    warnings.extend(staging(task));
    warnings.extend(memberships(task, handover));
    warnings.push(Warning::ClientPolicyPoll);
    warnings
}

fn resource_access(task: Task<'_>, handover: &Handover) -> Option<Warning> {
    let wanted = task.desired.workloads[Workload::ResourceAccessPolicies].slider;
    if wanted == SliderPosition::Intune || task.turns_off() {
        return None;
    }
    let policy_changes = !handover.console.is_empty() || handover.creation != Creation::NotNeeded;
    match task.resource_access_fixed() {
        Some(true) => Some(Warning::ResourceAccessFixed).filter(|_| policy_changes),
        None => Some(Warning::ResourceAccessMayBeFixed).filter(|_| policy_changes),
        Some(false) => None,
    }
}

fn moves(task: Task<'_>, handover: &Handover) -> Vec<Warning> {
    let towards = towards_intune(task, handover);
    let back = going_back(handover);
    let first = (!towards.is_empty()).then_some(Warning::IntunePolicyFirst { workloads: towards });
    let stays = (!back.is_empty()).then_some(Warning::InstalledStays { workloads: back });
    first.into_iter().chain(stays).collect()
}

/// The workloads that come to Intune on any device: by a slider, by another or growing pilot collection, by a
/// first policy, or because device configuration carries them.
fn towards_intune(task: Task<'_>, handover: &Handover) -> Vec<Workload> {
    let stepped = |workload: Workload| {
        handover.console.iter().any(|step| match &step.action {
            ConsoleAction::SetSlider { to: SliderPosition::ConfigurationManager, .. } => false,
            ConsoleAction::SetSlider { workload: moved, from, .. } => {
                *moved == workload && *from != Some(SliderPosition::Intune)
            }
            ConsoleAction::SetStagingCollection { workload: staged, .. } => {
                *staged == workload && pilots(task, workload)
            }
            _ => false,
        })
    };
    let created = matches!(handover.creation, Creation::Script { .. });
    let by_creation = |workload| created && task.desired.workloads[workload].slider == SliderPosition::Intune;
    let pilot_grows = |workload| {
        let pilot = task.desired.workloads[workload].pilot_collection.as_ref();
        let mut works = handover.memberships.iter();
        pilots(task, workload)
            && works.any(|w| Some(w.collection()) == pilot && !w.members(MembershipAction::Add).is_empty())
    };
    let moves = |workload| stepped(workload) || by_creation(workload) || pilot_grows(workload);
    let comes = |workload: &Workload| moves(*workload) || workload.included_in().is_some_and(moves);
    Workload::ALL.into_iter().filter(comes).collect()
}

/// The workloads that leave Intune and whose installed versions stay: Windows and Office. From an unknown
/// position nothing is known to go back.
fn going_back(handover: &Handover) -> Vec<Workload> {
    let back = |action: &ConsoleAction| match action {
        ConsoleAction::SetSlider {
            workload: workload @ (Workload::WindowsUpdatePolicies | Workload::OfficeClickToRunApps),
            from: Some(_),
            to: SliderPosition::ConfigurationManager,
        } => Some(*workload),
        _ => None,
    };
    handover.console.iter().filter_map(|step| back(&step.action)).collect()
}

fn pilots(task: Task<'_>, workload: Workload) -> bool {
    !task.turns_off() && task.desired.workloads[workload].slider == SliderPosition::PilotIntune
}

/// Staging collections, each once, whose containment decides: those of pilots, while enrolment is or may be
/// in pilot mode.
fn staging(task: Task<'_>) -> Vec<Warning> {
    let configured = task.configured;
    let mode = task.desired.auto_enrollment.or(configured.and_then(|policy| policy.auto_enrollment));
    if matches!(mode, Some(AutoEnrollment::None | AutoEnrollment::All)) {
        return Vec::new();
    }
    let kept = configured.and_then(|policy| policy.auto_enrollment_collection.as_ref());
    let auto_enrollment = task.desired.auto_enrollment_collection.as_ref().or(kept);
    let in_pilot = Workload::ALL.into_iter().filter(|workload| pilots(task, *workload));
    let collections: BTreeSet<&CollectionId> = in_pilot
        .filter_map(|workload| task.desired.workloads[workload].pilot_collection.as_ref())
        .filter(|staging| Some(*staging) != auto_enrollment)
        .collect();
    let warn = |staging: &CollectionId| Warning::StagingContainmentUnknown {
        staging: staging.clone(),
        auto_enrollment: auto_enrollment.cloned(),
    };
    collections.into_iter().map(warn).collect()
}

fn memberships(task: Task<'_>, handover: &Handover) -> Vec<Warning> {
    if handover.memberships.is_empty() {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    match CmdletSupport::of(task.site) {
        CmdletSupport::TooOld { found } => warnings.push(Warning::SiteTooOldForCmdlets { found }),
        CmdletSupport::Unknown => warnings.push(Warning::SiteVersionUnknown),
        CmdletSupport::Supported => {}
    }
    let named = task.desired.collections();
    for work in &handover.memberships {
        let collection = || work.collection().clone();
        if !named.contains(work.collection()) {
            warnings.push(Warning::CollectionNotInPolicy { collection: collection() });
        }
        if !work.members(MembershipAction::Add).is_empty() {
            warnings.push(Warning::LimitingCollectionDecides { collection: collection() });
        }
        if !work.members(MembershipAction::Remove).is_empty() {
            warnings.push(Warning::OtherRulesKeepMembers { collection: collection() });
        }
    }
    warnings.push(Warning::EvaluationDelay);
    warnings
}
