//! What is found about one device: every report asked for, without what its tenant calls stale, and its eligibility.

use jiff::Timestamp;
use tandem_domain::benefit::{BenefitReport, benefits};
use tandem_domain::concern::{Concern, concerns};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::journey::{Journey, journey};
use tandem_domain::policy::Surroundings;
use tandem_domain::prerequisites::{DeviceCheck, Freshness, MaximumAges, OutcomeKind, Path, Report};
use tandem_domain::state::{Eligibility, EligibilityReport, eligibility, eligibility_of, is_unverified};

/// What was found about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Always judged on path 1: eligibility is a question about clients.
    pub(crate) eligibility: EligibilityReport,
    /// One per path asked for, in that order.
    pub(crate) reports: Vec<Report>,
}

/// Judges a device on distinct paths. What the paths share is computed once.
pub(crate) fn judge(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    ages: &MaximumAges,
    paths: &[Path],
    as_of: Timestamp,
) -> Judgement {
    let check = DeviceCheck::new(facts, surroundings, as_of);
    let freshness = Freshness::of(facts, ages, as_of);
    let report = |path| freshness.weighed(check.report(path), surroundings, as_of);
    let path1 = report(Path::Path1);
    let eligibility = eligibility(facts, surroundings, &path1);
    let mut path1 = Some(path1);
    let of_path = |path: &Path| match path {
        Path::Path1 => path1.take().unwrap_or_else(|| report(Path::Path1)),
        other => report(*other),
    };
    Judgement { eligibility, reports: paths.iter().map(of_path).collect() }
}

/// What a fleet is counted by: a [`Judgement`] on every path without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// As in a [`Judgement`].
    pub(crate) eligibility: Eligibility,
    /// A fact that a blocking rule misses was not there when it was found eligible.
    pub(crate) is_unverified: bool,
    /// In the order of [`Path::ALL`].
    pub(crate) reports: [Report<OutcomeKind>; 5],
}

/// What became of every rule of a device.
pub(crate) fn kinds(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    ages: &MaximumAges,
    as_of: Timestamp,
) -> Kinds {
    let check = DeviceCheck::new(facts, surroundings, as_of);
    let freshness = Freshness::of(facts, ages, as_of);
    let reports = Path::ALL.map(|path| freshness.weighed(check.kinds(path), surroundings, as_of));
    let [path1, ..] = &reports;
    let eligibility = eligibility_of(facts, surroundings, path1);
    Kinds { eligibility, is_unverified: is_unverified(eligibility, path1), reports }
}

/// What else is said of a device in the whole view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Its way into co-management.
    pub(crate) journey: Journey,
    /// What co-management unlocks on it.
    pub(crate) benefits: [BenefitReport; 7],
    /// Findings beside the rules.
    pub(crate) concerns: Vec<Concern>,
}

impl Whole {
    /// Looks at a device.
    pub(crate) fn of(facts: &DeviceFacts, surroundings: &Surroundings<'_>, as_of: Timestamp) -> Self {
        Self {
            journey: journey(facts, surroundings, as_of),
            benefits: benefits(facts, surroundings, as_of),
            concerns: concerns(facts, surroundings.tenant),
        }
    }
}
