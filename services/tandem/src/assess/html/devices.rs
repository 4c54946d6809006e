//! The page's list of devices: what a person looks a name up for.

use std::collections::BTreeMap;

use tandem_domain::workload::Workload;

use super::DEVICE_ROWS;
use super::chart::Ink;
use super::grid::shown;
use crate::assess::findings::{Problem, path_names, problems};
use crate::assess::model::DeviceAssessment;
use crate::assess::words::{AUTHORITIES, ELIGIBILITY, STATES, Tone, counted_noun, number};

/// The list, and how much of the fleet it shows.
pub(super) struct DeviceList {
    /// By name.
    pub(super) rows: Vec<DeviceRow>,
    /// Names of the workloads, in the order of [`DeviceRow::workloads`].
    pub(super) workloads: [&'static str; Workload::ALL.len()],
    /// `2,000 of 1,000,000 devices`.
    pub(super) shown: String,
    /// Said when the list is cut; else empty.
    pub(super) rest: String,
}

/// A device in one row.
pub(super) struct DeviceRow {
    pub(super) name: String,
    /// Hierarchy and site.
    pub(super) place: String,
    pub(super) state: String,
    pub(super) state_ink: Ink,
    /// What else is remarkable: errors, drift, leaving.
    pub(super) remarks: Vec<String>,
    pub(super) eligibility: String,
    /// One colour per workload, in the order of the fact pack.
    pub(super) workloads: Vec<Ink>,
    /// The same in words.
    pub(super) authority: String,
    pub(super) blockers: Vec<DeviceBlocker>,
}

/// A blocking rule that the device does not satisfy.
pub(super) struct DeviceBlocker {
    pub(super) rule: String,
    pub(super) paths: String,
}

/// The colour of an authority, shared by chart, legend and list.
pub(super) fn authority_ink(authority: &str) -> Ink {
    AUTHORITIES.entry(authority).map_or(Tone::Unknown, |entry| entry.tone).into()
}

impl DeviceList {
    pub(super) fn new(devices: &[DeviceAssessment], total: u64) -> Self {
        let mut listed: Vec<&DeviceAssessment> = devices.iter().take(DEVICE_ROWS).collect();
        // Devices without a name last; of one name by their record, so that one fleet always reads the same.
        listed.sort_by_cached_key(|device| {
            let name = device.name.as_ref().map(|name| name.to_lowercase());
            (name.is_none(), name, device.records.first().map(|record| record.key.clone()))
        });
        let rows: Vec<DeviceRow> = listed.into_iter().map(DeviceRow::new).collect();
        let listed = rows.len() as u64;
        let total = total.max(listed);
        let rest = match total - listed {
            0 => String::new(),
            more => format!("{} more are in the JSON output, which lists every device.", number(more)),
        };
        Self {
            rows,
            workloads: Workload::ALL.map(Workload::display_name),
            shown: format!("{} of {}", number(listed), counted_noun(total, "device", "devices")),
            rest,
        }
    }
}

impl DeviceRow {
    fn new(device: &DeviceAssessment) -> Self {
        let state = STATES.entry(&device.state);
        let mut eligibility = shown(ELIGIBILITY.label(&device.eligibility));
        if device.eligible_unverified {
            eligibility.push_str(" (unverified)");
        }
        let blockers = problems(&device.prerequisites).into_iter().filter(Problem::is_blocking);
        Self {
            name: shown(device.name.as_deref().unwrap_or("(no name)")),
            place: place(device),
            state: shown(STATES.label(&device.state)),
            state_ink: state.map_or(Tone::Unknown, |entry| entry.tone).into(),
            remarks: remarks(device),
            eligibility,
            workloads: workloads(device),
            authority: authority(device),
            blockers: blockers
                .map(|problem| DeviceBlocker {
                    rule: shown(&problem.finding.rule),
                    paths: path_names(&problem.paths),
                })
                .collect(),
        }
    }
}

fn place(device: &DeviceAssessment) -> String {
    match (device.hierarchy.as_deref(), device.site.as_deref()) {
        (Some(hierarchy), Some(site)) if hierarchy != site => shown(format!("{hierarchy}, site {site}")),
        (Some(hierarchy), _) => shown(hierarchy),
        (None, _) => "no site record".to_owned(),
    }
}

fn remarks(device: &DeviceAssessment) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(code) = &device.enrollment_error {
        remarks.push(format!("error {}", shown(code)));
    }
    if device.leaving {
        remarks.push("leaving".to_owned());
    }
    if device.enrollment_conflict {
        remarks.push("site and cloud disagree about its enrolment".to_owned());
    }
    if !device.drift.is_empty() {
        remarks.push(format!("{} drift", counted_noun(device.drift.len() as u64, "workload", "workloads")));
    }
    remarks
}

fn workloads(device: &DeviceAssessment) -> Vec<Ink> {
    let decided = |workload: Workload| device.authority.get(workload.id());
    Workload::ALL
        .map(|workload| decided(workload).map_or(Ink::Pale, |decided| authority_ink(&decided.authority)))
        .into()
}

fn authority(device: &DeviceAssessment) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for decided in device.authority.values() {
        *counts.entry(&decided.authority).or_insert(0) += 1;
    }
    let mut sorted: Vec<(&str, usize)> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, workloads)| std::cmp::Reverse(*workloads));
    let parts = sorted.iter().map(|(authority, workloads)| {
        // The full name would wrap in every row; the legend above the list gives it.
        let name = if *authority == "configuration_manager" {
            "ConfigMgr".into()
        } else {
            AUTHORITIES.label(authority)
        };
        format!("{name} {workloads}")
    });
    shown(parts.collect::<Vec<_>>().join(", "))
}
