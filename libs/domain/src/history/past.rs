//! What was kept of a device and of its hierarchies, and the decisions that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::authority::Reason;
use crate::history::material::{MaterialState, is_unnamed};
use crate::id::{CollectionId, HierarchyId};
use crate::policy::CoManagementPolicy;
use crate::state::ManagementState;
use crate::workload::{ManagementAuthority, PerWorkload, Workload};

/// A device as it was from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment, at which it was another. `None`: it is so still.
    pub to: Option<Timestamp>,
    /// Nobody had looked at the device before: it may have been so for longer.
    pub is_first_look: bool,
    /// The device's revision in which this was first seen.
    pub device_revision: u64,
    /// What it was.
    pub state: MaterialState,
}

/// A device as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Its revision.
    pub device_revision: u64,
    /// What it is.
    pub state: MaterialState,
    /// The collections of its hierarchy whose members are known completely.
    pub complete: BTreeSet<CollectionId>,
}

/// Everything that was kept about one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// The device, oldest first; versions do not overlap, and between two of them there was no such device.
    pub versions: Vec<Version>,
    /// The policies of its hierarchies by the moment at which each was recorded, with their revisions.
    pub policies: BTreeMap<HierarchyId, BTreeMap<Timestamp, (u64, CoManagementPolicy)>>,
    /// The collections of its hierarchies whose members were known completely, by the moment from which on these were.
    pub complete: BTreeMap<HierarchyId, BTreeMap<Timestamp, BTreeSet<CollectionId>>>,
}

/// What is to be said of a device at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The hierarchy whose policy applied. `None`: no site kept a record of it.
    pub hierarchy: Option<HierarchyId>,
    /// How it stood towards its two managers.
    pub state: ManagementState,
    /// Who decided each workload, and why.
    pub reasons: PerWorkload<Reason>,
    /// Who decided each workload by its newest report. `None`: no report says.
    pub reported: PerWorkload<Option<ManagementAuthority>>,
}

/// A time during which nothing changed that is to be said of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment. `None`: it is so still.
    pub to: Option<Timestamp>,
    /// Nobody had looked at the device before `from`: it may have been so for longer.
    pub is_first_look: bool,
    /// The device's revision with which it began.
    pub device_revision: u64,
    /// The policy's revision with which it began; 0: none was known.
    pub policy_revision: u64,
    /// What is to be said.
    pub answer: Answer,
}

impl Period {
    fn ends_with(&self, next: &Self) -> bool {
        self.to == Some(next.from)
    }
}

impl Past {
    /// Every period, oldest first.
    #[must_use]
    pub fn periods(&self) -> Vec<Period> {
        let mut periods: Vec<Period> = Vec::new();
        for period in self.versions.iter().flat_map(|version| self.periods_of(version)) {
            match periods.last_mut() {
                Some(last) if last.ends_with(&period) && last.answer == period.answer => last.to = period.to,
                _ => periods.push(period),
            }
        }
        periods
    }

    /// The device as it is seen at that moment, later than what was kept. What differs from that begins then; a collection that is not among
    /// `named` had no part in any policy before, so what is known of it holds for what was kept, too.
    pub fn see(&mut self, at: Timestamp, present: Present, named: &BTreeSet<CollectionId>) {
        let Present { device_revision, state, complete } = present;
        let newest = self.versions.last().map_or(Timestamp::MIN, |last| last.to.unwrap_or(last.from));
        let at = at.max(newest.checked_add(SignedDuration::from_micros(1)).unwrap_or(newest));
        if let Some(hierarchy) = &state.hierarchy {
            let known = self.complete.entry(hierarchy.clone()).or_default();
            let last = known.last_key_value().map(|(from, last)| (*from, last.clone()));
            let (from, last) = last.unwrap_or((Timestamp::UNIX_EPOCH, BTreeSet::new()));
            known.insert(if is_unnamed(&last, &complete, named) { from } else { at }, complete);
        }
        let is_first_look = self.versions.is_empty();
        match self.versions.last_mut().filter(|last| last.to.is_none()) {
            Some(last) if last.state == state => return,
            Some(last) if last.state.differs_by_names(&state, named) => {
                last.state = state;
                return;
            }
            Some(last) => last.to = Some(at),
            None => {}
        }
        self.versions.push(Version { from: at, to: None, is_first_look, device_revision, state });
    }

    /// What is to be said of one moment. `None`: there was no such device, or nobody had looked.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> Option<Period> {
        let found = self.periods();
        found.into_iter().find(|period| period.from <= moment && period.to.is_none_or(|to| moment < to))
    }

    fn periods_of(&self, version: &Version) -> impl Iterator<Item = Period> {
        let hierarchy = version.state.hierarchy.as_ref();
        let policies = hierarchy.and_then(|id| self.policies.get(id));
        let complete = hierarchy.and_then(|id| self.complete.get(id));
        let within = |at: &Timestamp| *at > version.from && version.to.is_none_or(|to| *at < to);
        let mut begins = BTreeSet::from([version.from]);
        begins.extend(policies.into_iter().flat_map(BTreeMap::keys).copied().filter(within));
        begins.extend(complete.into_iter().flat_map(BTreeMap::keys).copied().filter(within));
        let ends: Vec<_> = begins.iter().skip(1).copied().map(Some).chain([version.to]).collect();
        begins.into_iter().zip(ends).map(move |(from, to)| {
            let policy = policies.and_then(|policies| policies.range(..=from).next_back());
            let complete = complete.and_then(|complete| complete.range(..=from).next_back());
            let nothing = BTreeSet::new();
            let MaterialState { hierarchy, state, reported, .. } = &version.state;
            let reasons = version.state.decide(
                policy.map(|(_, (_, policy))| policy),
                complete.map_or(&nothing, |(_, complete)| complete),
            );
            Period {
                from,
                to,
                is_first_look: version.is_first_look && from == version.from,
                device_revision: version.device_revision,
                policy_revision: policy.map_or(0, |(_, (revision, _))| *revision),
                answer: Answer { hierarchy: hierarchy.clone(), state: *state, reasons, reported: *reported },
            }
        })
    }
}

/// The periods of one workload, oldest first: of those of a device, with what touches and says the same of the workload joined.
#[must_use]
pub fn of_workload(periods: Vec<Period>, workload: Workload) -> Vec<Period> {
    let says = |period: &Period| {
        let Answer { hierarchy, reasons, reported, .. } = &period.answer;
        (hierarchy.clone(), reasons[workload], reported[workload])
    };
    let mut joined: Vec<Period> = Vec::new();
    for period in periods {
        match joined.last_mut() {
            Some(last) if last.ends_with(&period) && says(last) == says(&period) => last.to = period.to,
            _ => joined.push(period),
        }
    }
    joined
}

/// Since when a workload of a device is held by whom it is held now, and whether it may have been for longer. `None`: nothing is known of now.
/// `periods`: oldest first.
#[must_use]
pub fn since(periods: &[Period], workload: Workload) -> Option<(Timestamp, bool)> {
    let (last, before) = periods.split_last()?;
    if last.to.is_some() {
        return None;
    }
    let holder = |period: &Period| period.answer.reasons[workload].authority();
    let mut first = last;
    for period in before.iter().rev() {
        if !period.ends_with(first) || holder(period) != holder(last) {
            break;
        }
        first = period;
    }
    Some((first.from, first.is_first_look))
}
