//! Merges what the sources say of one device into [`DeviceFacts`].
//!
//! Input: every section of every record that [`crate::identity`] placed on the device. Output: one value per fact, each with
//! the section that said it. Each fact has an order of preference, the `origin` column of `data/prerequisites.toml`: the first
//! source that says more than "unknown" wins. Where the fact pack names no order, the order here is ours and marked
//! `[derived]`.
//!
//! Invariants: the answer does not depend on the order of the arguments; a member name that nobody knows says nothing; site
//! facts come from one record of one hierarchy, never mixed; where several keep one, [`hierarchy_conflict`] says which is believed
//! and why. Nothing is judged here: a fact that no source says stays `None`.

mod agent;
mod claim;
mod graph;
mod join;
mod os;
mod readings;
#[cfg(test)]
mod tests;

pub use claim::{ClaimRule, HierarchyClaim, HierarchyConflict, hierarchy_conflict};

use crate::facts::{DeviceFacts, EnrollmentConflict, Fact, Owner, SectionStamp};
use crate::id::HierarchyId;
use crate::section::{CoManagementState, Memberships, Section};

use self::readings::{Readings, says};

/// The collections of one Configuration Manager record.
#[derive(Debug, Clone, Copy)]
pub struct RecordMemberships<'a> {
    /// Whose collections they are: ids repeat across hierarchies.
    pub hierarchy: &'a HierarchyId,
    /// The record's key, as in [`Section::key`].
    pub key: &'a str,
    /// The collections that contain it.
    pub collections: &'a Memberships,
}

/// Merges the sections of one device. Borrows everything; clones only the texts that win.
///
/// Of two sections of one class and record the newer counts. `memberships` of other records than the managing hierarchy's are
/// ignored, so that the caller may pass all it has.
#[must_use]
pub fn merge<'a>(
    sections: impl IntoIterator<Item = &'a Section>,
    memberships: &[RecordMemberships<'_>],
) -> DeviceFacts {
    let readings = Readings::of(sections.into_iter().collect());
    let mut facts = DeviceFacts {
        sections: readings.sections.iter().map(|section| stamp(section)).collect(),
        hierarchy: readings.managing.map(|record| record.hierarchy.clone()),
        other_hierarchies: readings.other_hierarchies.iter().map(|&hierarchy| hierarchy.clone()).collect(),
        ..DeviceFacts::default()
    };
    add_collections(&mut facts, &readings, memberships);
    add_names(&mut facts, &readings);
    add_client(&mut facts, &readings);
    add_co_management(&mut facts, &readings);
    add_enrollment(&mut facts, &readings);
    add_intune(&mut facts, &readings);
    add_probe(&mut facts, &readings);
    facts.os_version = os::version(&readings);
    facts.os_kind = os::kind(&readings);
    facts.os_edition = os::edition(&readings);
    facts.join_type = join::join_type(&readings);
    facts.ad_joined = join::ad_joined(&readings);
    facts
}

fn stamp(section: &Section) -> SectionStamp {
    SectionStamp {
        source: section.source.clone(),
        kind: section.body.kind(),
        key: section.key.clone(),
        observed_at: section.observed_at,
    }
}

fn add_collections(facts: &mut DeviceFacts, readings: &Readings<'_>, memberships: &[RecordMemberships<'_>]) {
    let Some(managing) = readings.managing else { return };
    facts.collections = memberships
        .iter()
        .filter(|record| record.hierarchy == managing.hierarchy && record.key == managing.key)
        .flat_map(|record| record.collections.0.iter().cloned())
        .collect();
    facts.collections.sort_unstable();
    facts.collections.dedup();
}

fn add_names(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    let site = &readings.site;
    // [derived] The console's name first, because operators act on the site by it; Intune and the directory follow a rename
    // by themselves and are asked where no site knows the device.
    facts.name = says(site.discovery, |d| d.name.clone())
        .or_else(|| site.console(|d| d.name.clone()))
        .or_else(|| says(site.co_management, |c| c.name.clone()))
        .or_else(|| readings.intune(|d| d.device_name.clone()))
        .or_else(|| says(readings.directory, |d| d.display_name.clone()));
    // [derived] The directory's name of the user first: licences are looked up by it. Then the site's primary, then last user.
    facts.user = readings
        .intune(|d| d.user_principal_name.clone())
        .or_else(|| site.console(|d| d.primary_user.clone()))
        .or_else(|| says(site.discovery, |d| d.last_logon_user.clone()));
    // The fact pack reads serial number, model and manufacturer from Graph; only the serial number has another source. Empty
    // is an answer too, after every text.
    let not_empty = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    facts.serial_number = readings
        .intune(|d| not_empty(&d.serial_number))
        .or_else(|| site.console(|d| not_empty(&d.serial_number)))
        .or_else(|| readings.intune(|d| d.serial_number.clone()));
    facts.manufacturer = readings
        .intune(|d| not_empty(&d.manufacturer))
        .or_else(|| readings.intune(|d| d.manufacturer.clone()));
    facts.model = readings.intune(|d| not_empty(&d.model)).or_else(|| readings.intune(|d| d.model.clone()));
    facts.owner = owner(readings);
}

/// `device.owner`: Graph `managedDeviceOwnerType`. The site's `DeviceOwner` (admin_service.md 6.2) and the directory's
/// `deviceOwnership` stand in where Graph says neither \[derived\].
fn owner(readings: &Readings<'_>) -> Option<Fact<Owner>> {
    readings
        .intune(|d| owner_of_text(d.owner_type.as_deref()?))
        .or_else(|| {
            readings.site.console(|d| match d.device_owner? {
                1 => Some(Owner::Company),
                2 => Some(Owner::Personal),
                _ => None,
            })
        })
        .or_else(|| says(readings.directory, |d| owner_of_text(d.device_ownership.as_deref()?)))
}

/// Graph writes `company`, the directory `Company`.
fn owner_of_text(text: &str) -> Option<Owner> {
    match text {
        _ if text.eq_ignore_ascii_case("company") => Some(Owner::Company),
        _ if text.eq_ignore_ascii_case("personal") => Some(Owner::Personal),
        _ => None,
    }
}

fn add_client(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    let site = &readings.site;
    // [derived] The console's SiteCode is the assigned site; SMSAssignedSites may list former ones as well.
    facts.site = site
        .console(|d| d.site_code.clone())
        .or_else(|| says(site.discovery, |d| d.assigned_site.clone()))
        .or_else(|| says(site.co_management, |c| c.site_code.clone()));
    // `device.client_installed`: SMS_R_System.Client, Device.IsClient, Graph managementAgent.
    facts.client_installed = site
        .client_installed()
        .or_else(|| readings.intune(|d| agent::has_client(d.management_agent.as_deref()?)));
    // `device.client_version`: SMS_R_System.ClientVersion; the others carry the same number [derived].
    facts.client_version = says(site.discovery, |d| d.client_version.clone())
        .or_else(|| site.console(|d| d.client_version.clone()))
        .or_else(|| readings.intune(|d| d.client_version.clone()));
    facts.client_active = says(site.discovery, |d| d.active).or_else(|| site.console(|d| d.is_active));
    facts.last_site_contact = site.last_contact();
    // `device.client_health_*`: the device's own word, or Graph's.
    facts.client_health_flags = says(readings.probe, |p| p.client_health_flags)
        .or_else(|| readings.intune(|d| graph::health_flags(d.client_health_state.as_deref()?)));
    facts.client_health_sync =
        says(readings.probe, |p| p.client_health_sync).or_else(|| readings.intune(|d| d.client_health_sync));
}

fn add_co_management(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    let flag = |field: fn(&CoManagementState) -> Option<bool>| says(readings.site.co_management, field);
    let text = |field: fn(&CoManagementState) -> &Option<String>| {
        says(readings.site.co_management, |row| field(row).clone())
    };
    facts.mdm_provisioned = flag(|row| row.mdm_provisioned);
    facts.policy_present = flag(|row| row.policy_present);
    facts.enrollment_scheduled = flag(|row| row.enrollment_scheduled);
    facts.enrollment_failed = flag(|row| row.enrollment_failed);
    facts.pending_logon = flag(|row| row.pending_logon);
    facts.authority_text = text(|row| &row.authority);
    facts.enrollment_error_detail = text(|row| &row.enrollment_error_detail);
    facts.capability_text = text(|row| &row.mdm_workloads);
    facts.enrollment_status_code = says(readings.site.co_management, |row| row.enrollment_status_code);
}

/// `device.mdm_enrolled`: the site's `MDMEnrolled` first, then Graph. Where both are known and differ, both are kept: normal
/// for some hours after a change (states.md 2) \[derived\].
fn add_enrollment(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    let site = says(readings.site.co_management, |row| row.mdm_enrolled);
    let cloud = readings.intune(|d| agent::has_mdm(d.management_agent.as_deref()?));
    facts.mdm_enrolled = site.or(cloud);
    facts.intune_mdm_record = cloud;
    facts.cloud_co_managed = readings.intune(|d| agent::is_co_managed(d.management_agent.as_deref()?));
    facts.enrollment_conflict = match (site, cloud) {
        (Some(site), Some(cloud)) if site.value != cloud.value => Some(EnrollmentConflict { site, cloud }),
        _ => None,
    };
}

fn add_intune(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    facts.client_features = graph::client_features(readings);
    facts.last_intune_sync = readings.intune(|d| d.last_sync);
    facts.intune_management_state = readings.intune(|d| d.management_state.clone());
    facts.registration_state = readings.intune(|d| d.registration_state.clone());
    facts.compliance_state = readings.intune(|d| d.compliance_state.clone());
}

fn add_probe(facts: &mut DeviceFacts, readings: &Readings<'_>) {
    let probe = readings.probe;
    // `device.autopilot_registered`: Graph's autopilotEnrolled may stand for the Autopilot device list [derived].
    facts.autopilot_registered =
        says(probe, |p| p.autopilot_registered).or_else(|| readings.intune(|d| d.autopilot_enrolled));
    facts.autopilot_profile_mode = says(probe, |p| p.autopilot_profile_mode.clone());
    facts.autopilot_profile_join = says(probe, |p| p.autopilot_profile_join.clone());
    facts.assigned_comgmt_settings_policy = says(probe, |p| p.assigned_comgmt_settings_policy);
    facts.assigned_esp_profile_with_progress = says(probe, |p| p.assigned_esp_profile_with_progress);
    facts.autopilot_override = says(probe, |p| p.autopilot_override);
    facts.trusts_cmg_certificate = says(probe, |p| p.trusts_cmg_certificate);
    facts.dmwappushservice_present = says(probe, |p| p.dmwappushservice_present);
    facts.mdm_blocked_by_policy = says(probe, |p| p.mdm_blocked_by_policy);
}
