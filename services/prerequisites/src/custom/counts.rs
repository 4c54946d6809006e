//! What came of a tenant's own rules, in devices.

use std::collections::BTreeMap;
use std::sync::Arc;

use tandem_domain::prerequisites::Verdict;

use super::enabled::{EnabledRule, EnabledRules};
use super::{CustomOutcome, CustomOutcomeKind};
use crate::evaluation::Number;

/// Counts over the devices seen so far.
#[derive(Debug)]
pub(crate) struct CustomCounts {
    rules: Arc<EnabledRules>,
    devices: u64,
    /// One per rule, in their order; one per kind of outcome.
    outcomes: Vec<[u64; CustomOutcomeKind::ALL.len()]>,
    verdicts: BTreeMap<Verdict, u64>,
}

impl CustomCounts {
    /// No device yet.
    pub(crate) fn new(rules: Arc<EnabledRules>) -> Self {
        let outcomes = rules.rules.iter().map(|_| [0; CustomOutcomeKind::ALL.len()]).collect();
        Self { rules, devices: 0, outcomes, verdicts: BTreeMap::new() }
    }

    /// From the numbers that are kept of a fleet. A device that was judged by another state of a rule is counted as pending.
    pub(crate) fn of(rules: Arc<EnabledRules>, numbers: &[(&Number, u64)]) -> Self {
        let mut counts = Self::new(rules);
        for (number, devices) in numbers {
            match **number {
                Number::Devices => counts.devices = *devices,
                Number::CustomVerdict(verdict) => _ = counts.verdicts.insert(verdict, *devices),
                Number::Custom(revision, kind) => {
                    let place = counts.rules.rules.iter().position(|rule| rule.revision == revision);
                    if let Some(place) = place {
                        counts.outcomes[place][kind.index()] = *devices;
                    }
                }
                _ => {}
            }
        }
        counts
    }

    /// Counts a device.
    pub(crate) fn add(&mut self, outcomes: &[CustomOutcome]) {
        self.devices += 1;
        for (counted, outcome) in self.outcomes.iter_mut().zip(outcomes) {
            counted[outcome.kind().index()] += 1;
        }
        if let Some(verdict) = self.rules.verdict(outcomes) {
            *self.verdicts.entry(verdict).or_default() += 1;
        }
    }

    /// Each rule, its devices per kind of outcome, and those that are not judged by it yet.
    pub(crate) fn rules(
        &self,
    ) -> impl Iterator<Item = (&EnabledRule, [u64; CustomOutcomeKind::ALL.len()], u64)> {
        self.rules.rules.iter().zip(&self.outcomes).map(|(rule, counted)| {
            let pending = self.devices.saturating_sub(counted.iter().sum());
            (rule, *counted, pending)
        })
    }

    /// Devices per verdict, without those that no device has. None without a rule, whatever an earlier one amounted to.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (Verdict, u64)> {
        let is_any = !self.rules.rules.is_empty();
        self.verdicts.iter().filter(move |_| is_any).map(|(verdict, devices)| (*verdict, *devices))
    }
}
