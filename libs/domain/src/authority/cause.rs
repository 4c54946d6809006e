//! Since when a drift is known, and its likely cause.
//!
//! Causes are tried in this order, the first that holds is named. A report from before the change explains itself, whatever else
//! is the matter; then follows the order in which states.md 8 decides: third-party MDM (step 1), override (step 4), sliders.
//! That a sign makes a cause *likely* is our reading throughout \[derived\].
//!
//! | # | cause | holds when | facts |
//! |---|---|---|---|
//! | 1 | not checked in since | the device's last word on the report's way is not newer than the change; the word is the earlier of the report and the last contact on that way | states.md 8, "reported follows with delay" |
//! | 2 | third-party MDM | its MDM is one; or `Authority` is a text that nobody explained, and Intune keeps no record with an MDM agent | states.md 7; 8, step 1 |
//! | 3 | override | it is on and the report does not follow it; or nobody said, and the report gives Intune what the sliders leave at the site, in every workload that all reports carry and none other carries along | states.md 8, step 4; handover.md 2.4 |
//! | 4 | policy not received | a sign says so ([`NotReceived`], in its order) | states.md 6, 8, 9; handover.md 5 |
//! | 5 | unknown | | |
//!
//! Invariants, each with a property test: a report newer than the change, with contact, is never called old; no drift is known
//! since the future; time alone turns "in time" into "overdue" and silence into a lost policy, and changes nothing else.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::authority::drift::said_of;
use crate::authority::{Drift, reported};
use crate::citation::Citation;
use crate::facts::{DeviceFacts, MdmProvider, copied};
use crate::policy::Surroundings;
use crate::section::Source;
use crate::state::mdm_provider;
use crate::workload::{ManagementAuthority, PerWorkload, Workload};

/// How long a client takes to poll its policy, unless set otherwise (states.md 6).
const POLICY_POLL: SignedDuration = SignedDuration::from_mins(60);
/// How long a device takes to check in with Intune, about (states.md 6).
const INTUNE_CHECK_IN: SignedDuration = SignedDuration::from_hours(8);
/// After how long without a management point a client is reported to lose its policy; a user's report without a vendor's answer
/// (handover.md 5).
const POLICY_LOST_AFTER: SignedDuration = SignedDuration::from_mins(86_400);
/// The flag of a client that cannot reach a management point (states.md 9).
const CANNOT_REACH_MANAGEMENT_POINT: u32 = 16;
/// The workloads whose flag the site's value and both versions of Graph carry, and that no other workload carries along.
const ALWAYS_REPORTED: [Workload; 4] = [
    Workload::CompliancePolicies,
    Workload::WindowsUpdatePolicies,
    Workload::DeviceConfiguration,
    Workload::ClientApps,
];

/// What is known of a drift beside the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftTimes {
    /// When that which decides the workload last changed: its slider, its pilot collection or the members of that, or the same of
    /// the workload that carries it. `None`: nobody said. A time after `as_of` says nothing.
    pub changed_at: Option<Timestamp>,
    /// When whoever asks first saw this drift, without an end since. `None`: never before.
    pub first_seen: Option<Timestamp>,
    /// Now.
    pub as_of: Timestamp,
}

/// A sign that the policy which is in force has not reached the client, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotReceived {
    /// The site's report has the bit for "policy present" clear (dispute `bit_1`).
    PolicyBitClear,
    /// The client says that it cannot reach a management point.
    CannotReachManagementPoint,
    /// Intune hears that the workload fell back to the site, and the site did not hear of the client for so long that its policy
    /// may have lapsed.
    LostInSilence {
        /// The last contact with the site.
        last_contact: Timestamp,
    },
    /// The site counts the client as inactive.
    ClientInactive,
    /// The client was not in contact with its site since the change, and from there the policy comes.
    SiteNotHeardSince {
        /// The last contact.
        last_contact: Timestamp,
    },
    /// The client was in contact; the usual delays are not over.
    InTime {
        /// When they are over.
        until: Timestamp,
    },
    /// The client was in contact, the usual delays are over, and it still reports what was before.
    Overdue {
        /// When they were over.
        since: Timestamp,
    },
}

/// The likely cause of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DriftCause {
    /// The device said nothing since the change.
    NotCheckedInSince {
        /// The change.
        changed_at: Timestamp,
        /// Its last word on the report's way.
        last_word: Timestamp,
    },
    /// An MDM other than Intune manages the device, or may.
    ThirdPartyMdm {
        /// The tenant says so of the device's authority; otherwise nobody explained its text.
        known: bool,
    },
    /// The override of an Autopilot settings policy.
    Override {
        /// It is known to be on; otherwise the report looks like it, and nobody said.
        known: bool,
    },
    /// The policy has not reached the client.
    PolicyNotReceived(NotReceived),
    /// Nothing that is known explains it.
    Unknown,
}

impl DriftCause {
    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotCheckedInSince { .. } => "not_checked_in_since",
            Self::ThirdPartyMdm { .. } => "third_party_mdm",
            Self::Override { .. } => "override",
            Self::PolicyNotReceived(_) => "policy_not_received",
            Self::Unknown => "unknown",
        }
    }

    /// Where the fact pack has what the cause rests on; `None`: nothing is known.
    #[must_use]
    pub const fn source(self) -> Option<Citation> {
        let section = match self {
            Self::NotCheckedInSince { .. } | Self::ThirdPartyMdm { .. } | Self::Override { .. } => "8",
            Self::PolicyNotReceived(NotReceived::PolicyBitClear) => "1",
            Self::PolicyNotReceived(NotReceived::CannotReachManagementPoint) => "9",
            Self::PolicyNotReceived(NotReceived::LostInSilence { .. }) => {
                return Some(Citation::new("handover.md", "5"));
            }
            Self::PolicyNotReceived(_) => "6",
            Self::Unknown => return None,
        };
        Some(Citation::new("states.md", section))
    }

    /// The cause as a sentence for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::NotCheckedInSince { .. } => {
                "the device has not checked in since the change: its report is from before"
            }
            Self::ThirdPartyMdm { known: true } => "an MDM other than Intune manages the device",
            Self::ThirdPartyMdm { known: false } => {
                "an MDM other than Intune may manage the device: nobody said what its authority text means, \
                 and Intune keeps no MDM record of it"
            }
            Self::Override { known: true } => {
                "an Autopilot settings policy overrides the sliders, and the device does not follow it"
            }
            Self::Override { known: false } => {
                "the device reports every workload at Intune, as with the override of an Autopilot settings \
                 policy; nobody said whether it has one"
            }
            Self::PolicyNotReceived(sign) => sign.explanation(),
            Self::Unknown => "nothing that is known explains it",
        }
    }
}

impl fmt::Display for DriftCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl NotReceived {
    const fn explanation(self) -> &'static str {
        match self {
            Self::PolicyBitClear => "the client reports that it has no co-management policy",
            Self::CannotReachManagementPoint => {
                "the client cannot reach a management point, from which the policy comes"
            }
            Self::LostInSilence { .. } => {
                "the client had no contact with its site for more than 60 days, after which it is reported to \
                 lose its policy"
            }
            Self::ClientInactive => {
                "the site counts the client as inactive, so the policy may not have arrived"
            }
            Self::SiteNotHeardSince { .. } => {
                "the client was not in contact with its site since the change, so the policy has not arrived"
            }
            Self::InTime { .. } => "the change may still be on its way: the usual delays are not over",
            Self::Overdue { .. } => {
                "the client was in contact since the change and the usual delays are over, but the policy \
                 has not taken effect"
            }
        }
    }
}

/// What is to be thought of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftExplanation {
    /// Since when the two readings are known to differ: when it was first seen, else the later of report and change. It may be
    /// older, but nobody saw it.
    pub since: Timestamp,
    /// The likely cause.
    pub cause: DriftCause,
}

/// Explains one drift of a device, as [`crate::authority::drift`] found it by the same facts and surroundings.
#[must_use]
pub fn explain_drift(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    drift: &Drift,
    times: &DriftTimes,
) -> DriftExplanation {
    let changed_at = times.changed_at.filter(|changed| *changed <= times.as_of);
    let known = changed_at.map_or(drift.observed_at, |changed| changed.max(drift.observed_at));
    let case = Case { facts, surroundings, drift, changed_at, as_of: times.as_of };
    DriftExplanation {
        since: times.first_seen.unwrap_or(known).min(times.as_of),
        cause: case
            .not_checked_in()
            .or_else(|| case.third_party())
            .or_else(|| case.overriding())
            .or_else(|| case.not_received().map(DriftCause::PolicyNotReceived))
            .unwrap_or(DriftCause::Unknown),
    }
}

/// A drift and what is known about it.
struct Case<'a> {
    facts: &'a DeviceFacts,
    surroundings: &'a Surroundings<'a>,
    drift: &'a Drift,
    changed_at: Option<Timestamp>,
    as_of: Timestamp,
}

impl Case<'_> {
    fn not_checked_in(&self) -> Option<DriftCause> {
        let changed_at = self.changed_at?;
        let contact = match self.drift.source {
            Source::ConfigMgr(_) => copied(&self.facts.last_site_contact),
            _ => copied(&self.facts.last_intune_sync),
        };
        let observed_at = self.drift.observed_at;
        let last_word = contact.map_or(observed_at, |contact| contact.min(observed_at));
        (last_word <= changed_at).then_some(DriftCause::NotCheckedInSince { changed_at, last_word })
    }

    fn third_party(&self) -> Option<DriftCause> {
        match mdm_provider(self.facts, self.surroundings.tenant) {
            Some(MdmProvider::ThirdParty) => Some(DriftCause::ThirdPartyMdm { known: true }),
            None if self.facts.authority_text.is_some() => Some(DriftCause::ThirdPartyMdm { known: false }),
            _ => None,
        }
    }

    fn overriding(&self) -> Option<DriftCause> {
        match copied(&self.facts.autopilot_override) {
            Some(true) => Some(DriftCause::Override { known: true }),
            None if self.drift.reported == ManagementAuthority::Intune && self.all_at_intune() => {
                Some(DriftCause::Override { known: false })
            }
            _ => None,
        }
    }

    fn all_at_intune(&self) -> bool {
        let says = |workload: Workload| {
            self.flags().and_then(|flags| said_of(&flags, workload)) == Some(ManagementAuthority::Intune)
        };
        ALWAYS_REPORTED.into_iter().all(says)
    }

    /// What the report of the drift says, all of it.
    fn flags(&self) -> Option<PerWorkload<Option<bool>>> {
        let reported = reported(self.facts);
        match self.drift.source {
            Source::ConfigMgr(_) => reported.site?.value.ok().map(|value| value.reported()),
            _ => reported.cloud,
        }
    }

    fn not_received(&self) -> Option<NotReceived> {
        let facts = self.facts;
        let site_contact = copied(&facts.last_site_contact);
        let health = copied(&facts.client_health_flags).unwrap_or(0);
        if self.policy_bit_clear() {
            return Some(NotReceived::PolicyBitClear);
        }
        if health & CANNOT_REACH_MANAGEMENT_POINT != 0 {
            return Some(NotReceived::CannotReachManagementPoint);
        }
        if let Some(last_contact) = site_contact.filter(|contact| self.is_lost(*contact)) {
            return Some(NotReceived::LostInSilence { last_contact });
        }
        if copied(&facts.client_active) == Some(false) {
            return Some(NotReceived::ClientInactive);
        }
        let changed_at = self.changed_at?;
        if let Some(last_contact) = site_contact.filter(|contact| *contact <= changed_at) {
            return Some(NotReceived::SiteNotHeardSince { last_contact });
        }
        let check_in = match self.drift.source {
            Source::ConfigMgr(_) => SignedDuration::ZERO,
            _ => INTUNE_CHECK_IN,
        };
        let over = changed_at.checked_add(POLICY_POLL + check_in).unwrap_or(Timestamp::MAX);
        Some(if self.as_of < over {
            NotReceived::InTime { until: over }
        } else {
            NotReceived::Overdue { since: over }
        })
    }

    fn is_lost(&self, last_contact: Timestamp) -> bool {
        let fell_back = self.drift.reported == ManagementAuthority::ConfigurationManager;
        let by_intune = !matches!(self.drift.source, Source::ConfigMgr(_));
        fell_back && by_intune && self.as_of.duration_since(last_contact) > POLICY_LOST_AFTER
    }

    fn policy_bit_clear(&self) -> bool {
        let value = reported(self.facts).site.and_then(|site| site.value.ok());
        matches!(self.drift.source, Source::ConfigMgr(_)) && value.is_some_and(|value| !value.policy_present)
    }
}
