//! Rules as people read them: one row a rule, with the paths that it concerns, instead of one row a rule and path.
//!
//! Most rules belong to both paths and say the same on each; printed once per path they would bury the rest.

use std::collections::BTreeMap;

use super::model::{AssessmentHead, Blocker, PathReport, Prerequisites, UnsatisfiedRule};
use super::words::PATHS;

#[cfg(test)]
mod tests;

/// `blocking`, as documented.
const BLOCKING: &str = "blocking";

/// An unsatisfied rule over the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetBlocker<'a> {
    pub(crate) rule: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) blocking: bool,
    /// What the rule asks for; empty for a rule that the catalogue does not have.
    pub(crate) condition: &'static str,
    pub(crate) remediation: &'a str,
    /// Devices per path.
    pub(crate) devices: BTreeMap<&'a str, u64>,
}

impl FleetBlocker<'_> {
    /// The path on which it concerns the most devices. Paths overlap, so their sum would count devices twice.
    pub(crate) fn most_devices(&self) -> u64 {
        self.devices.values().copied().max().unwrap_or(0)
    }
}

/// What a rule asks for, in a line; empty for a rule that the catalogue does not have.
pub(crate) fn condition(id: &str) -> &'static str {
    tandem_domain::prerequisites::rule(id).map_or("", |rule| rule.condition)
}

/// Blocking rules first, then by the number of devices, then by name.
pub(crate) fn fleet_blockers(blockers: &[Blocker]) -> Vec<FleetBlocker<'_>> {
    let mut merged: BTreeMap<(&str, &str), FleetBlocker<'_>> = BTreeMap::new();
    for blocker in blockers {
        let row = merged.entry((&blocker.rule, &blocker.scope)).or_insert_with(|| FleetBlocker {
            rule: &blocker.rule,
            scope: &blocker.scope,
            blocking: false,
            condition: condition(&blocker.rule),
            remediation: &blocker.remediation,
            devices: BTreeMap::new(),
        });
        row.blocking |= blocker.severity == BLOCKING;
        *row.devices.entry(&blocker.path).or_insert(0) += blocker.devices;
    }
    let mut rows: Vec<FleetBlocker<'_>> = merged.into_values().collect();
    rows.sort_by(|a, b| {
        b.blocking
            .cmp(&a.blocking)
            .then_with(|| b.most_devices().cmp(&a.most_devices()))
            .then_with(|| a.rule.cmp(b.rule))
    });
    rows
}

/// An unsatisfied rule of the tenant, a site or a device, with every path that it was judged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem<'a> {
    pub(crate) finding: &'a UnsatisfiedRule,
    pub(crate) paths: Vec<&'a str>,
}

impl Problem<'_> {
    /// It stands in the way, rather than being worth knowing.
    pub(crate) fn is_blocking(&self) -> bool {
        self.finding.severity == BLOCKING
    }
}

/// A rule that the facts at hand do not decide, with every path that it was judged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undecided<'a> {
    pub(crate) rule: &'a str,
    pub(crate) paths: Vec<&'a str>,
}

/// The unsatisfied rules, blocking ones first.
pub(crate) fn problems(prerequisites: &Prerequisites) -> Vec<Problem<'_>> {
    let mut rows: Vec<Problem<'_>> = Vec::new();
    for (path, report) in applicable(prerequisites) {
        for finding in &report.unsatisfied {
            match rows.iter_mut().find(|row| row.finding.rule == finding.rule) {
                Some(row) => row.paths.push(path),
                None => rows.push(Problem { finding, paths: vec![path] }),
            }
        }
    }
    rows.sort_by_key(|row| !row.is_blocking());
    rows
}

/// The undecided rules, in the order of the reports.
pub(crate) fn undecided(prerequisites: &Prerequisites) -> Vec<Undecided<'_>> {
    let mut rows: Vec<Undecided<'_>> = Vec::new();
    for (path, report) in applicable(prerequisites) {
        for rule in &report.unknown {
            match rows.iter_mut().find(|row| row.rule == rule.as_ref()) {
                Some(row) => row.paths.push(path),
                None => rows.push(Undecided { rule, paths: vec![path] }),
            }
        }
    }
    rows
}

fn applicable(prerequisites: &Prerequisites) -> impl Iterator<Item = (&str, &PathReport)> {
    prerequisites
        .iter()
        .filter(|(_, report)| report.verdict != "not_applicable")
        .map(|(path, report)| (path.as_ref(), report))
}

/// No rule was judged.
static NOTHING_JUDGED: Prerequisites = Prerequisites::new();

/// The tenant, every site, and the hierarchies of which no site is known, each with its name for people.
pub(crate) fn surroundings(head: &AssessmentHead) -> Vec<(String, &Prerequisites)> {
    let tenant = std::iter::once(("Tenant".to_owned(), &head.tenant.prerequisites));
    let sites = head.sites.iter().map(|site| {
        let version = site.version.as_deref().unwrap_or("version unknown");
        let name = if site.hierarchy == site.site {
            format!("Site {} ({version})", site.site)
        } else {
            format!("Site {} of {} ({version})", site.site, site.hierarchy)
        };
        (name, &site.prerequisites)
    });
    let bare = head.hierarchies.iter().filter(|name| head.sites.iter().all(|site| site.hierarchy != **name));
    let bare = bare.map(|name| (format!("Hierarchy {name} (no site known)"), &NOTHING_JUDGED));
    tenant.chain(sites).chain(bare).collect()
}

/// `Path 1, Path 2`.
pub(crate) fn path_names(paths: &[&str]) -> String {
    paths.iter().map(|path| PATHS.label(path)).collect::<Vec<_>>().join(", ")
}
