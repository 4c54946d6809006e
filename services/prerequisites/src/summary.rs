//! Fleet counts: how many devices each rule stops. One counter per rule, eligibility and verdict, whatever the number of devices.

pub(crate) mod whole;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tandem_domain::prerequisites::{DeviceRule, Outcome, Path, Report, Rule, Severity, Verdict};
use tandem_domain::state::{Eligibility, EligibilityReport};
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;

use crate::custom::counts::CustomCounts;
use crate::custom::enabled::EnabledRules;
use crate::evaluation::Number;
use crate::judge::judge;
use crate::world::{Snapshot, World};
use whole::WholeSummary;

/// Devices that are judged by the catalogue in one go: they take about a millisecond, and other requests run in between.
pub(crate) const DEVICES_AT_ONCE: usize = 100;

/// What is counted of a fleet.
pub(crate) struct Counts {
    /// What the rules say.
    pub(crate) summary: FleetSummary,
    /// What the tenant's own rules say.
    pub(crate) custom: CustomCounts,
    /// Set where the whole view is asked for.
    pub(crate) whole: Option<WholeSummary>,
}

impl Counts {
    /// No device yet.
    pub(crate) fn new(path: Path, whole: bool, rules: Arc<EnabledRules>) -> Self {
        Self {
            summary: FleetSummary::new(path),
            custom: CustomCounts::new(rules),
            whole: whole.then(|| WholeSummary::new(path)),
        }
    }

    /// From the numbers that are kept of a fleet.
    pub(crate) fn of(path: Path, whole: bool, rules: Arc<EnabledRules>, numbers: &[(&Number, u64)]) -> Self {
        Self {
            summary: FleetSummary::of(path, numbers),
            custom: CustomCounts::of(rules, numbers),
            whole: whole.then(|| WholeSummary::of(path, numbers)),
        }
    }
}

/// Judges every device of a snapshot on a path, batch by batch, and counts. Answers the world of the snapshot too.
pub(crate) async fn summarize(
    mut snapshot: Snapshot,
    world: &World,
    path: Path,
    as_of: Timestamp,
    mut counts: Counts,
) -> Result<(Counts, ConsistencyToken), Failure> {
    let mut turn = world.basis.turn();
    loop {
        let part = snapshot.next().await?;
        for device in &part.devices {
            let surroundings = world.around(&device.facts);
            let judgement = judge(&device.facts, &surroundings, &world.basis.ages, &[path], as_of);
            for report in &judgement.reports {
                counts.summary.add(report, &judgement.eligibility);
                if let Some(counts) = &mut counts.whole {
                    counts.add(report, &device.facts, &surroundings, as_of);
                }
            }
            counts.custom.add(&world.basis.rules.outcomes(&device.facts, world.tenant(), as_of));
            turn.judged().await;
        }
        if let Some(seen) = part.complete {
            return Ok((counts, seen));
        }
        tokio::task::yield_now().await;
    }
}

/// How many devices a rule stops, or might stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RuleCount {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// Devices for which it is unsatisfied.
    pub(crate) unsatisfied: u64,
    /// Devices for which it is unknown.
    pub(crate) unknown: u64,
}

/// Counts over the devices seen so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetSummary {
    /// Devices judged.
    pub(crate) devices: u64,
    /// One per device rule of the path, in catalogue order: the order of a report's findings.
    rules: Vec<RuleCount>,
    eligibility: BTreeMap<Eligibility, u64>,
    verdicts: BTreeMap<Verdict, u64>,
    /// Eligible devices of which a blocking rule is unknown.
    pub(crate) eligible_unverified: u64,
}

impl FleetSummary {
    /// No device yet.
    pub(crate) fn new(path: Path) -> Self {
        let uncounted = |rule: &DeviceRule| RuleCount { rule: rule.rule(), unsatisfied: 0, unknown: 0 };
        Self {
            devices: 0,
            rules: DeviceRule::on(path).iter().map(uncounted).collect(),
            eligibility: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            eligible_unverified: 0,
        }
    }

    /// From the numbers that are kept of a fleet; those of other paths do not matter.
    pub(crate) fn of(path: Path, numbers: &[(&Number, u64)]) -> Self {
        let mut summary = Self::new(path);
        for (number, devices) in numbers {
            match **number {
                Number::Devices => summary.devices = *devices,
                Number::Eligibility(of) => _ = summary.eligibility.insert(of, *devices),
                Number::EligibleUnverified => summary.eligible_unverified = *devices,
                Number::Verdict(on, verdict) if on == path => _ = summary.verdicts.insert(verdict, *devices),
                Number::Unsatisfied(on, rule) if on == path => {
                    summary.count_of(rule, |count| count.unsatisfied = *devices);
                }
                Number::Unknown(on, rule) if on == path => {
                    summary.count_of(rule, |count| count.unknown = *devices);
                }
                _ => {}
            }
        }
        summary
    }

    fn count_of(&mut self, rule: DeviceRule, set: impl FnOnce(&mut RuleCount)) {
        if let Some(count) = self.rules.iter_mut().find(|count| count.rule.id == rule.id()) {
            set(count);
        }
    }

    /// Counts a device: its report on the summary's path, and its eligibility.
    pub(crate) fn add(&mut self, report: &Report, eligibility: &EligibilityReport) {
        self.add_report(report);
        *self.eligibility.entry(eligibility.eligibility).or_default() += 1;
        self.eligible_unverified += u64::from(!eligibility.unverified.is_empty());
    }

    /// Counts a device's report on the summary's path, and says nothing of its eligibility.
    pub(crate) fn add_report(&mut self, report: &Report) {
        self.devices += 1;
        *self.verdicts.entry(report.verdict()).or_default() += 1;
        for (count, finding) in self.rules.iter_mut().zip(&report.findings) {
            match finding.outcome {
                Outcome::Unsatisfied { .. } => count.unsatisfied += 1,
                Outcome::Unknown { .. } => count.unknown += 1,
                Outcome::Satisfied | Outcome::NotApplicable { .. } => {}
            }
        }
    }

    /// The rules that stop or might stop any device: blocking ones first, then by devices stopped, then by id.
    pub(crate) fn stopping(&self) -> Vec<RuleCount> {
        let counted = |count: &&RuleCount| count.unsatisfied + count.unknown > 0;
        let mut stopping: Vec<RuleCount> = self.rules.iter().filter(counted).copied().collect();
        in_order(&mut stopping);
        stopping
    }

    /// Rules whose counts are others than in `earlier`, in the same order.
    pub(crate) fn differing(&self, earlier: &Self) -> Vec<RuleCount> {
        let moved = self.rules.iter().zip(&earlier.rules).filter(|(now, then)| now != then);
        let mut moved: Vec<RuleCount> = moved.map(|(now, _)| *now).collect();
        in_order(&mut moved);
        moved
    }

    /// Devices per eligibility, without those that no device has.
    pub(crate) fn eligibility(&self) -> impl Iterator<Item = (Eligibility, u64)> {
        self.eligibility.iter().map(|(eligibility, devices)| (*eligibility, *devices))
    }

    /// Devices per verdict of the path, without those that no device has.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (Verdict, u64)> {
        self.verdicts.iter().map(|(verdict, devices)| (*verdict, *devices))
    }
}

/// Blocking ones first, then by devices stopped, then by id.
fn in_order(counts: &mut [RuleCount]) {
    counts.sort_unstable_by_key(|count| {
        (count.rule.severity != Severity::Blocking, Reverse(count.unsatisfied), count.rule.id)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_domain::prerequisites::Finding;

    fn report(path: Path, outcome: impl Fn(&Rule) -> Outcome) -> Report {
        let findings =
            DeviceRule::on(path).iter().map(|rule| Finding::new(rule.rule(), outcome(rule.rule())));
        Report { path, findings: findings.collect(), valid_until: None }
    }

    fn failing(rules: &[&str]) -> Report {
        report(Path::Path1, |rule| {
            if rules.contains(&rule.id) {
                Outcome::Unsatisfied { expected: "this".into(), found: "that".into() }
            } else {
                Outcome::Satisfied
            }
        })
    }

    fn of(eligibility: Eligibility) -> EligibilityReport {
        EligibilityReport { eligibility, unverified: Vec::new() }
    }

    #[test]
    fn rules_are_ordered_blocking_first_then_by_devices_stopped_then_by_id() {
        let mut summary = FleetSummary::new(Path::Path1);
        summary.add(&failing(&["win.push_service_present", "win.edition"]), &of(Eligibility::Ineligible));
        summary.add(&failing(&["win.push_service_present", "entra.joined"]), &of(Eligibility::Ineligible));
        summary.add(
            &failing(&["win.push_service_present", "win.serviced_version"]),
            &of(Eligibility::Ineligible),
        );
        summary.add(&failing(&["win.serviced_version"]), &of(Eligibility::NeedsOsUpdate));
        let stopping: Vec<_> = summary
            .stopping()
            .into_iter()
            .map(|count| (count.rule.id, count.unsatisfied, count.unknown))
            .collect();
        assert_eq!(
            stopping,
            [
                ("win.serviced_version", 2, 0),
                ("entra.joined", 1, 0),
                ("win.edition", 1, 0),
                ("win.push_service_present", 3, 0),
            ]
        );
        assert_eq!(summary.devices, 4);
        assert_eq!(
            summary.eligibility().collect::<Vec<_>>(),
            [(Eligibility::NeedsOsUpdate, 1), (Eligibility::Ineligible, 3)]
        );
        assert_eq!(summary.verdicts().collect::<Vec<_>>(), [(Verdict::Blocked, 4)]);
    }

    #[test]
    fn rule_that_is_only_unknown_is_listed_as_one_that_might_stop() {
        let unknown = report(Path::Path1, |rule| match rule.id {
            "win.mdm_not_blocked" => {
                Outcome::Unknown { missing: vec!["device.mdm_blocked_by_policy"].into() }
            }
            _ => Outcome::Satisfied,
        });
        let eligible = EligibilityReport {
            eligibility: Eligibility::Eligible,
            unverified: vec!["device.mdm_blocked_by_policy"],
        };
        let mut summary = FleetSummary::new(Path::Path1);
        summary.add(&unknown, &eligible);
        summary.add(&failing(&[]), &of(Eligibility::Eligible));
        let stopping: Vec<_> = summary
            .stopping()
            .into_iter()
            .map(|count| (count.rule.id, count.unsatisfied, count.unknown))
            .collect();
        assert_eq!(stopping, [("win.mdm_not_blocked", 0, 1)]);
        assert_eq!((summary.devices, summary.eligible_unverified), (2, 1));
        assert_eq!(summary.verdicts().collect::<Vec<_>>(), [(Verdict::Ready, 1), (Verdict::Unknown, 1)]);
    }

    #[test]
    fn path_that_does_not_apply_stops_nobody() {
        let elsewhere =
            report(Path::Coexistence, |_| Outcome::NotApplicable { why: "the device has no MDM".into() });
        let mut summary = FleetSummary::new(Path::Coexistence);
        summary.add(&elsewhere, &of(Eligibility::Ineligible));
        assert_eq!(summary.stopping(), []);
        assert_eq!(summary.verdicts().collect::<Vec<_>>(), [(Verdict::NotApplicable, 1)]);
    }
}
