//! The sites of a hierarchy together: of each rule the worst of them.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::catalogue::Path;
use super::moment::earlier;
use super::report::{Finding, Outcome, Report, Verdict};
use super::site_rules::SiteCheck;
use crate::id::SiteCode;
use crate::policy::CoManagementPolicy;
use crate::site::SiteFacts;
use crate::tenant::TenantFacts;

/// A rule, as the sites stand that fare worst by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstFinding {
    /// What became of it there; of several such sites, at the first.
    pub finding: Finding,
    /// The sites that fare so, in their order.
    pub sites: Vec<SiteCode>,
}

/// The sites of a hierarchy on one path.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyReport {
    /// The path.
    pub path: Path,
    /// The worst of the sites; unknown where no site is known.
    pub verdict: Verdict,
    /// One per rule, in catalogue order. None where no site is known.
    pub findings: Vec<WorstFinding>,
    /// What each site's findings amount to, in their order.
    pub sites: Vec<(SiteCode, Verdict)>,
    /// The first moment at which time alone changes an answer at a site. Unset: it changes none.
    pub valid_until: Option<Timestamp>,
}

/// How bad an outcome is: known not to hold, not known, holds, does not apply.
const fn badness(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Unsatisfied { .. } => 3,
        Outcome::Unknown { .. } => 2,
        Outcome::Satisfied => 1,
        Outcome::NotApplicable { .. } => 0,
    }
}

/// Judges the site rules of a path at each site of a hierarchy. `policy` is the hierarchy's configured policy. Days are counted in UTC.
pub fn evaluate_hierarchy<'a>(
    sites: impl Iterator<Item = &'a SiteFacts>,
    policy: Option<&CoManagementPolicy>,
    tenant: &TenantFacts,
    path: Path,
    as_of: Timestamp,
) -> HierarchyReport {
    let (mut worst, mut verdicts, mut valid_until) = (Vec::<WorstFinding>::new(), Vec::new(), None);
    for site in sites {
        let report = SiteCheck::new(site, policy, tenant, as_of).report(path);
        verdicts.push((site.site.clone(), report.verdict()));
        valid_until = earlier(valid_until, report.valid_until);
        let here = |finding| WorstFinding { finding, sites: vec![site.site.clone()] };
        if worst.is_empty() {
            worst = report.findings.into_iter().map(here).collect();
            continue;
        }
        // A path has the same rules at every site, in the same order.
        for (known, found) in worst.iter_mut().zip(report.findings) {
            match badness(&found.outcome).cmp(&badness(&known.finding.outcome)) {
                Ordering::Less => {}
                Ordering::Equal => known.sites.push(site.site.clone()),
                Ordering::Greater => *known = here(found),
            }
        }
    }
    let verdict = match verdicts.as_slice() {
        [] => Verdict::Unknown,
        [..] => {
            let findings = worst.iter().map(|worst| worst.finding.clone()).collect();
            Report { path, findings, valid_until }.verdict()
        }
    };
    HierarchyReport { path, verdict, findings: worst, sites: verdicts, valid_until }
}
