//! What is counted of a fleet, and which of it counts a device.

use jiff::Timestamp;
use tandem_domain::benefit::{self, Benefit, Reach};
use tandem_domain::concern::ConcernKind;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::policy::Surroundings;
use tandem_domain::prerequisites::{DeviceRule, OutcomeKind, Path, Verdict};
use tandem_domain::state::Eligibility;

use crate::basis::Basis;
use crate::custom::CustomOutcomeKind;

use crate::judge::{Kinds, kinds};
use crate::summary::whole::{concern_kinds, enrollment_result, stopped_by};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Number {
    /// Every device.
    Devices,
    /// Devices with that verdict of the path.
    Verdict(Path, Verdict),
    /// Devices for which the rule is unsatisfied.
    Unsatisfied(Path, DeviceRule),
    /// Devices for which the rule is unknown.
    Unknown(Path, DeviceRule),
    /// Devices that exactly these blocking rules stop: a bit per place in the path's list of rules, at least one.
    StoppedBy(Path, u64),
    /// Devices of that eligibility.
    Eligibility(Eligibility),
    /// Eligible devices of which a blocking rule is unknown.
    EligibleUnverified,
    /// Devices for which the benefit is that far.
    Benefit(Benefit, Reach),
    /// Devices with that finding beside the rules.
    Concern(ConcernKind),
    /// Devices whose last attempt to enrol ended with that code, which is not success.
    EnrollmentResult(u32),
    /// Devices of which the rule of the tenant's own that has that revision came to such an outcome.
    Custom(u64, CustomOutcomeKind),
    /// Devices with that verdict of the tenant's own rules.
    CustomVerdict(Verdict),
}

impl Number {
    /// The path that it is of; `None`: it is of none.
    pub(crate) const fn path(self) -> Option<Path> {
        match self {
            Self::Verdict(path, _)
            | Self::Unsatisfied(path, _)
            | Self::Unknown(path, _)
            | Self::StoppedBy(path, _) => Some(path),
            Self::Devices
            | Self::Eligibility(_)
            | Self::EligibleUnverified
            | Self::Benefit(..)
            | Self::Concern(_)
            | Self::EnrollmentResult(_)
            | Self::Custom(..)
            | Self::CustomVerdict(_) => None,
        }
    }
}

/// Most numbers of a usual device: verdict, rules and their set on each path, a benefit each, some others.
const USUAL_NUMBERS: usize = 48;

/// The numbers that count a device, each once, and when time alone changes them.
pub(crate) fn numbers(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    basis: &Basis,
    as_of: Timestamp,
) -> (Vec<Number>, Option<Timestamp>) {
    let Kinds { eligibility, is_unverified, reports } = kinds(facts, surroundings, &basis.ages, as_of);
    let mut numbers = Vec::with_capacity(USUAL_NUMBERS);
    numbers.push(Number::Devices);
    for report in &reports {
        let path = report.path;
        numbers.push(Number::Verdict(path, report.verdict()));
        for (rule, finding) in DeviceRule::on(path).iter().zip(&report.findings) {
            match finding.outcome {
                OutcomeKind::Unsatisfied => numbers.push(Number::Unsatisfied(path, *rule)),
                OutcomeKind::Unknown => numbers.push(Number::Unknown(path, *rule)),
                OutcomeKind::Satisfied | OutcomeKind::NotApplicable => {}
            }
        }
        numbers.extend(stopped_by(report).map(|set| Number::StoppedBy(path, set.get())));
    }
    numbers.push(Number::Eligibility(eligibility));
    if is_unverified {
        numbers.push(Number::EligibleUnverified);
    }
    numbers.extend(
        benefit::reaches(facts, surroundings, as_of).map(|(benefit, reach)| Number::Benefit(benefit, reach)),
    );
    numbers.extend(concern_kinds(facts, surroundings.tenant).into_iter().map(Number::Concern));
    numbers.extend(enrollment_result(facts).map(Number::EnrollmentResult));
    let rules = &basis.rules;
    let outcomes = rules.outcomes(facts, surroundings.tenant, as_of);
    let custom = rules.rules.iter().zip(&outcomes);
    numbers.extend(custom.map(|(rule, outcome)| Number::Custom(rule.revision, outcome.kind())));
    numbers.extend(rules.verdict(&outcomes).map(Number::CustomVerdict));
    let changes = reports.iter().map(|report| report.valid_until);
    let others = [benefit::changes_at(surroundings, as_of), rules.changes_at(as_of)];
    let valid_until = changes.chain(others).flatten().min();
    (numbers, valid_until)
}
