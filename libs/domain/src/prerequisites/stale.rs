//! Evidence that is too old to be believed.
//!
//! A tenant may say how old a source's word may be. What it said longer ago decides nothing: a rule that comes to another outcome without it
//! is unknown. Nothing in the field gives such an age in general, so without a tenant's word nothing grows stale but by a rule's own terms.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::catalogue::Rule;
use super::device_rules::DeviceCheck;
use super::evidence::{Witness, device_evidence};
use super::judged::Judged;
use super::moment::earlier;
use super::report::{Finding, OutcomeKind, Report};
use crate::facts::DeviceFacts;
use crate::policy::Surroundings;
use crate::section::{Source, SourceKind};

/// How long what is stale is taken for so.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// How old the word of a kind of source may be. Kinds without an age do not grow stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaximumAges(pub BTreeMap<SourceKind, SignedDuration>);

impl MaximumAges {
    /// How old the word of that source may be. `None`: it does not grow stale.
    #[must_use]
    pub fn of(&self, source: &Source) -> Option<SignedDuration> {
        self.0.get(&source.kind()).copied()
    }

    /// Until when what that source said then is believed.
    fn believed_until(&self, source: &Source, observed_at: Timestamp) -> Option<Timestamp> {
        observed_at.checked_add(self.of(source)?).ok()
    }
}

/// A device's facts with and without what is stale at a moment.
#[derive(Debug)]
pub struct Freshness<'a> {
    facts: &'a DeviceFacts,
    /// Without what is stale. `None`: nothing is.
    fresh: Option<DeviceFacts>,
    /// Which sections are stale.
    stale: Vec<bool>,
    /// When the next one is; while any is, when to look again whether its source spoke.
    changes_at: Option<Timestamp>,
}

impl<'a> Freshness<'a> {
    /// Looks at the sections of a device.
    #[must_use]
    pub fn of(facts: &'a DeviceFacts, ages: &MaximumAges, as_of: Timestamp) -> Self {
        if ages.0.is_empty() {
            return Self { facts, fresh: None, stale: Vec::new(), changes_at: None };
        }
        let moments =
            facts.sections.iter().map(|stamp| ages.believed_until(&stamp.source, stamp.observed_at));
        let (mut stale, mut changes_at) = (Vec::with_capacity(facts.sections.len()), None);
        for moment in moments {
            let is_stale = moment.is_some_and(|moment| moment < as_of);
            // Believed up to that moment, and not after it.
            let next = moment
                .filter(|_| !is_stale)
                .and_then(|at| at.checked_add(SignedDuration::from_nanos(1)).ok());
            changes_at = earlier(changes_at, next);
            stale.push(is_stale);
        }
        // A source that says the same again changes nothing that is watched but how old its word is.
        if stale.contains(&true) {
            changes_at = earlier(changes_at, as_of.checked_add(LOOK_AGAIN).ok());
        }
        let mut freshness = Self { facts, fresh: None, stale, changes_at };
        if freshness.stale.contains(&true) {
            let mut fresh = facts.clone();
            fresh.retain(|section| !freshness.is_stale(section));
            freshness.fresh = Some(fresh);
        }
        freshness
    }

    /// Whether a section is stale.
    fn is_stale(&self, section: u8) -> bool {
        self.stale.get(usize::from(section)).copied().unwrap_or(false)
    }

    /// A report of the device, in which a rule that comes to another outcome without what is stale is unknown.
    pub fn weighed<O: Judged>(
        &self,
        mut report: Report<O>,
        surroundings: &Surroundings<'_>,
        as_of: Timestamp,
    ) -> Report<O> {
        report.valid_until = earlier(report.valid_until, self.changes_at);
        if let Some(fresh) = &self.fresh {
            let without = DeviceCheck::new(fresh, surroundings, as_of).judge(report.path);
            report.valid_until = earlier(report.valid_until, without.valid_until);
            for (finding, without) in report.findings.iter_mut().zip(without.findings) {
                self.weigh(finding, without, surroundings);
            }
        }
        report
    }

    /// Which of these facts that a rule read were said, and are stale.
    #[must_use]
    pub fn stale_facts<'f>(
        &self,
        rule: &'static Rule,
        missing: &'f [&'static str],
        surroundings: &Surroundings<'_>,
    ) -> Vec<&'f str> {
        if self.fresh.is_none() {
            return Vec::new();
        }
        let stale = self.stale_of(rule, surroundings);
        missing.iter().copied().filter(|fact| stale.contains(fact)).collect()
    }

    fn stale_of(&self, rule: &'static Rule, surroundings: &Surroundings<'_>) -> Vec<&'static str> {
        let read = device_evidence(rule, self.facts, surroundings);
        let is_stale = |witness: &Witness| match witness {
            Witness::Section(section) => self.is_stale(*section),
            Witness::Derived => true,
            Witness::Operator | Witness::Unrecorded => false,
        };
        let stale = read.iter().filter(|of| of.said.as_ref().is_some_and(|(_, by)| is_stale(by)));
        stale.map(|of| of.fact).collect()
    }

    fn weigh<O: Judged>(
        &self,
        finding: &mut Finding<O>,
        without: Finding<O>,
        surroundings: &Surroundings<'_>,
    ) {
        let kind = without.outcome.kind();
        if finding.outcome.kind() == kind {
            // Decided by what is fresh, in its words.
            *finding = without;
        } else if kind == OutcomeKind::Unknown {
            finding.outcome = without.outcome;
        } else {
            // A fact whose absence is read as "no": what was said of it does not count, and "no" was never said.
            finding.outcome = O::unknown_by(|| {
                let stale = self.stale_of(finding.rule, surroundings);
                if stale.is_empty() { finding.rule.facts.to_vec() } else { stale }.into()
            });
        }
    }
}
