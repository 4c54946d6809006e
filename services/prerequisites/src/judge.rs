//! What is found about one device: every report asked for, without what its tenant calls stale, and its eligibility.

use jiff::Timestamp;
use tandem_domain::benefit::{BenefitReport, benefits};
use tandem_domain::concern::{Concern, concerns};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::journey::{Journey, journey};
use tandem_domain::policy::Surroundings;
use tandem_domain::prerequisites::{DeviceCheck, Freshness, MaximumAges, Path, Report};
use tandem_domain::state::{EligibilityReport, eligibility};

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
