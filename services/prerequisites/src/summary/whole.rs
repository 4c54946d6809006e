//! What the whole view counts of a fleet: what to mend first, how far benefits are, findings beside the rules, results of enrolment.
//!
//! However many devices there are, what is kept is bounded: there are at most as many sets of rules that stop a device together as subsets of
//! the path's blocking rules, and results of enrolment beyond the first ten thousand different ones are counted together.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZeroU64;

use jiff::Timestamp;
use tandem_domain::benefit::{Benefit, Reach, benefits};
use tandem_domain::concern::{ConcernKind, concerns};
use tandem_domain::facts::{DeviceFacts, copied};
use tandem_domain::policy::Surroundings;
use tandem_domain::prerequisites::{DeviceRule, Judged, OutcomeKind, Path, Report, Rule, Severity};
use tandem_domain::tenant::TenantFacts;

use crate::evaluation::Number;

/// Different results of enrolment that are counted one by one.
const MOST_CODES: usize = 10_000;
/// Results of enrolment that are listed.
const LISTED_CODES: usize = 100;

/// The blocking rules that stop a device on a report's path: a bit per place in the path's list of rules. `None`: none does.
pub(crate) fn stopped_by<O: Judged>(report: &Report<O>) -> Option<NonZeroU64> {
    let stops = report.findings.iter().enumerate().filter(|(_, finding)| {
        finding.severity == Severity::Blocking && finding.outcome.kind() == OutcomeKind::Unsatisfied
    });
    NonZeroU64::new(stops.fold(0, |set, (at, _)| set | 1 << at))
}

/// The kinds of the findings beside the rules, each once.
pub(crate) fn concern_kinds(facts: &DeviceFacts, tenant: &TenantFacts) -> Vec<ConcernKind> {
    let mut kinds: Vec<ConcernKind> = concerns(facts, tenant).iter().map(|concern| concern.kind).collect();
    kinds.dedup();
    kinds
}

/// What the last attempt to enrol ended with, if not with success.
pub(crate) fn enrollment_result(facts: &DeviceFacts) -> Option<u32> {
    copied(&facts.enrollment_status_code).filter(|code| *code != 0)
}

/// A rule to mend, in its place in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mend {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// Devices that it stops.
    pub(crate) stops: u64,
    /// Of these, devices that no other device rule stops.
    pub(crate) alone: u64,
    /// Devices that no device rule stops any more once it and what comes before it are mended.
    pub(crate) mended: u64,
}

/// Counts over the devices seen so far.
#[derive(Debug, Clone)]
pub(crate) struct WholeSummary {
    path: Path,
    /// Devices per set of blocking rules that stop them: a bit per place in the path's list of rules.
    stopped: HashMap<u64, u64>,
    benefits: [[u64; 4]; 7],
    concerns: [u64; 8],
    codes: HashMap<u32, u64>,
    other_codes: u64,
}

impl WholeSummary {
    /// No device yet.
    pub(crate) fn new(path: Path) -> Self {
        Self {
            path,
            stopped: HashMap::new(),
            benefits: [[0; 4]; 7],
            concerns: [0; 8],
            codes: HashMap::new(),
            other_codes: 0,
        }
    }

    /// From the numbers that are kept of a fleet; those of other paths do not matter.
    pub(crate) fn of(path: Path, numbers: &[(&Number, u64)]) -> Self {
        let mut summary = Self::new(path);
        for (number, devices) in numbers {
            match **number {
                Number::StoppedBy(on, set) if on == path => _ = summary.stopped.insert(set, *devices),
                Number::Benefit(of, reach) => summary.benefits[of.index()][reach.index()] = *devices,
                Number::Concern(kind) => summary.concerns[kind.index()] = *devices,
                Number::EnrollmentResult(code) => summary.add_code(code, *devices),
                _ => {}
            }
        }
        summary
    }

    /// Counts a device: its report on the summary's path, and what else is said of it.
    pub(crate) fn add(
        &mut self,
        report: &Report,
        facts: &DeviceFacts,
        surroundings: &Surroundings<'_>,
        as_of: Timestamp,
    ) {
        if let Some(set) = stopped_by(report) {
            *self.stopped.entry(set.get()).or_default() += 1;
        }
        for of in benefits(facts, surroundings, as_of) {
            self.benefits[of.benefit.index()][of.reach().index()] += 1;
        }
        for kind in concern_kinds(facts, surroundings.tenant) {
            self.concerns[kind.index()] += 1;
        }
        if let Some(code) = enrollment_result(facts) {
            self.add_code(code, 1);
        }
    }

    fn add_code(&mut self, code: u32, devices: u64) {
        if self.codes.len() < MOST_CODES || self.codes.contains_key(&code) {
            *self.codes.entry(code).or_default() += devices;
        } else {
            self.other_codes += devices;
        }
    }

    /// What to mend, in which order: each time the rule that frees the most devices, given what is mended already; where none frees any by
    /// itself, the one that stops the most that are left.
    pub(crate) fn mends(&self) -> Vec<Mend> {
        let rules = DeviceRule::on(self.path);
        let stops = |at: usize| self.devices(|set| set & 1 << at != 0);
        let mut left: Vec<usize> = (0..rules.len()).filter(|at| stops(*at) > 0).collect();
        let (mut mended, mut mends) = (0_u64, Vec::with_capacity(left.len()));
        while !left.is_empty() {
            let freed = |at: usize| self.devices(|set| set & !(mended | 1 << at) == 0);
            let touched = |at: usize| self.devices(|set| set & 1 << at != 0 && set & !mended != 0);
            let best = left
                .iter()
                .enumerate()
                .min_by_key(|(_, at)| (Reverse(freed(**at)), Reverse(touched(**at)), **at))
                .map(|(place, _)| place);
            let Some(best) = best else { break };
            let at = left.remove(best);
            let (alone, freed) = (self.devices(|set| set == 1 << at), freed(at));
            mends.push(Mend { rule: rules[at].rule(), stops: stops(at), alone, mended: freed });
            mended |= 1 << at;
        }
        mends
    }

    fn devices(&self, of: impl Fn(u64) -> bool) -> u64 {
        self.stopped.iter().filter(|(set, _)| of(**set)).map(|(_, devices)| devices).sum()
    }

    /// Devices for which a benefit is that far.
    pub(crate) fn benefit(&self, benefit: Benefit, reach: Reach) -> u64 {
        self.benefits[benefit.index()][reach.index()]
    }

    /// Devices per kind of finding beside the rules, without those that no device has.
    pub(crate) fn concerns(&self) -> impl Iterator<Item = (ConcernKind, u64)> {
        let count = |kind: ConcernKind| (kind, self.concerns[kind.index()]);
        ConcernKind::ALL.into_iter().map(count).filter(|(_, devices)| *devices > 0)
    }

    /// Devices per result of enrolment other than success, most first, then by code; and the devices of results that are not listed.
    pub(crate) fn enrollment_errors(&self) -> (Vec<(u32, u64)>, u64) {
        let mut codes: Vec<(u32, u64)> = self.codes.iter().map(|(code, devices)| (*code, *devices)).collect();
        codes.sort_unstable_by_key(|(code, devices)| (Reverse(*devices), *code));
        let unlisted: u64 = codes.iter().skip(LISTED_CODES).map(|(_, devices)| devices).sum();
        codes.truncate(LISTED_CODES);
        (codes, self.other_codes + unlisted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn summary(stopped: &[(&[usize], u64)]) -> WholeSummary {
        let mut summary = WholeSummary::new(Path::Path1);
        for (rules, devices) in stopped {
            let set = rules.iter().fold(0, |set, at| set | 1 << at);
            *summary.stopped.entry(set).or_default() += devices;
        }
        summary
    }

    fn mend(at: usize, stops: u64, alone: u64, mended: u64) -> Mend {
        Mend { rule: DeviceRule::on(Path::Path1)[at].rule(), stops, alone, mended }
    }

    #[test]
    fn rule_that_frees_the_most_devices_comes_first_and_overlaps_count_once() {
        let fleet = summary(&[(&[1], 10), (&[2], 30), (&[1, 2], 5), (&[2, 3], 40)]);
        assert_eq!(fleet.mends(), [mend(2, 75, 30, 30), mend(3, 40, 0, 70), mend(1, 15, 10, 85)]);
    }

    #[test]
    fn every_rule_of_a_path_has_a_bit() {
        for path in Path::ALL {
            assert!(DeviceRule::on(path).len() <= 64, "{path}");
        }
    }

    #[test]
    fn rules_that_stop_devices_only_together_are_listed_one_after_the_other() {
        let fleet = summary(&[(&[0, 4], 7)]);
        assert_eq!(fleet.mends(), [mend(0, 7, 0, 0), mend(4, 7, 0, 7)]);
        assert_eq!(summary(&[]).mends(), []);
    }

    proptest! {
        #[test]
        fn everything_mended_frees_every_stopped_device(sets in prop::collection::vec((1_u64..1 << 12, 1_u64..1000), 1..40)) {
            let mut fleet = WholeSummary::new(Path::Path1);
            let mut total = 0;
            for (set, devices) in sets {
                *fleet.stopped.entry(set).or_default() += devices;
                total += devices;
            }
            let mends = fleet.mends();
            prop_assert_eq!(mends.last().map(|mend| mend.mended), Some(total));
            prop_assert!(mends.is_sorted_by_key(|mend| mend.mended));
            prop_assert!(mends.iter().all(|mend| mend.alone <= mend.stops && mend.stops <= total));
        }
    }

    #[test]
    fn codes_are_listed_by_devices_and_the_rest_is_counted() {
        let mut fleet = summary(&[]);
        for code in 1..=103_u32 {
            fleet.codes.insert(code, u64::from(code));
        }
        fleet.other_codes = 5;
        let (codes, others) = fleet.enrollment_errors();
        assert_eq!((codes.len(), codes[0], codes[99]), (100, (103, 103), (4, 4)));
        assert_eq!(others, 5 + 1 + 2 + 3);
    }
}
