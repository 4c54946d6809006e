//! What the rules in CEL read: the same facts, put into a context per device before anything is timed.

use std::collections::{BTreeMap, BTreeSet};

use cel::{Context, Value};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use tandem_domain::authority::effective_authority;
use tandem_domain::configmgr;
use tandem_domain::facts::{DeviceFacts, JoinType, OsKind, OsVersion, copied, value};
use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, Surroundings};
use tandem_domain::windows;
use tandem_domain::workload::Workload;
use tandem_tests::generated;

use super::{EDITIONS, Failure, SITE_VERSION, VERSIONS};

/// What CEL reads of a device. What is unset is left out.
#[derive(Serialize)]
struct DeviceInCel<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    autopilot_registered: Option<bool>,
    collections: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_installed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_health_flags: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_health_sync: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_kind: Option<OsKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_major: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_build: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_edition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_type: Option<JoinType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ad_joined: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dmwappushservice_present: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mdm_blocked_by_policy: Option<bool>,
    effective_authority: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct SiteInCel<'a> {
    version: &'a str,
    auto_enroll_mode: &'a str,
    auto_enroll_collection: &'a str,
    complete_collections: Vec<&'a str>,
    client_setting_software_updates: bool,
}

#[derive(Serialize)]
struct ReleaseInCel {
    /// The first moment after servicing, by edition group.
    ends: BTreeMap<&'static str, i64>,
    first: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Tables {
    releases: BTreeMap<i64, ReleaseInCel>,
    /// Edition groups by edition text.
    editions: BTreeMap<&'static str, &'static str>,
    /// Whether an edition can be managed, by its text.
    manageable: BTreeMap<&'static str, bool>,
    /// Whether the site supports a build and an edition; the empty text: not said.
    supported: BTreeMap<i64, BTreeMap<&'static str, bool>>,
}

fn second_after(day: Date) -> Result<i64, Failure> {
    Ok(day.tomorrow()?.to_zoned(TimeZone::UTC)?.timestamp().as_second())
}

pub(super) fn tables() -> Result<Tables, Failure> {
    let mut releases: BTreeMap<i64, ReleaseInCel> = BTreeMap::new();
    let mut endless = BTreeSet::new();
    for row in windows::releases() {
        let build = i64::from(row.build);
        let release = releases.entry(build).or_insert_with(|| ReleaseInCel {
            ends: BTreeMap::new(),
            first: i64::MAX,
            last: None,
        });
        match row.end_of_servicing {
            Some(end) => {
                let end = second_after(end)?;
                release.ends.insert(row.edition_group.id(), end);
                release.first = release.first.min(end);
                release.last = release.last.max(Some(end));
            }
            None => {
                endless.insert(build);
            }
        }
    }
    // Of a build without every end the last one is not known.
    for build in endless {
        if let Some(release) = releases.get_mut(&build) {
            release.last = None;
        }
    }
    let groups = EDITIONS.iter().filter_map(|text| Some((*text, windows::edition_group(text)?.id())));
    let manageable = EDITIONS.iter().filter_map(|text| match windows::edition(text) {
        windows::Edition::Supported { .. } => Some((*text, true)),
        windows::Edition::Home => Some((*text, false)),
        windows::Edition::Unknown => None,
    });
    let mut supported: BTreeMap<i64, BTreeMap<&'static str, bool>> = BTreeMap::new();
    for os in VERSIONS.iter().filter_map(|text| OsVersion::parse(text)) {
        let Some(build) = os.build else { continue };
        for edition in EDITIONS.iter().copied().map(Some).chain([None]) {
            if let Some(yes) =
                configmgr::supports_windows(SITE_VERSION, os, edition.and_then(windows::edition_group))
            {
                supported.entry(build.into()).or_default().insert(edition.unwrap_or_default(), yes);
            }
        }
    }
    Ok(Tables { releases, editions: groups.collect(), manageable: manageable.collect(), supported })
}

pub(super) fn context<'a>(
    facts: &DeviceFacts,
    around: &Surroundings<'_>,
    tables: &Value,
    as_of: Timestamp,
) -> Result<Context<'a, 'a>, Failure> {
    let os = copied(&facts.os_version);
    let authority = effective_authority(facts, around);
    let device = DeviceInCel {
        autopilot_registered: copied(&facts.autopilot_registered),
        collections: facts.collections.iter().map(CollectionId::as_str).collect(),
        client_installed: copied(&facts.client_installed),
        client_health_flags: copied(&facts.client_health_flags).map(i64::from),
        client_health_sync: copied(&facts.client_health_sync).map(Timestamp::as_second),
        os_kind: copied(&facts.os_kind),
        os_major: os.map(|os| os.major.into()),
        os_build: os.and_then(|os| os.build).map(i64::from),
        os_edition: value(&facts.os_edition).map(String::as_str),
        join_type: copied(&facts.join_type),
        ad_joined: copied(&facts.ad_joined),
        dmwappushservice_present: copied(&facts.dmwappushservice_present),
        mdm_blocked_by_policy: copied(&facts.mdm_blocked_by_policy),
        effective_authority: Workload::ALL
            .into_iter()
            .map(|workload| (workload.id(), authority.workloads[workload].authority.to_string()))
            .collect(),
    };
    let enrollment = generated::collection(1);
    let site = SiteInCel {
        version: SITE_VERSION,
        auto_enroll_mode: AutoEnrollment::Pilot.id(),
        auto_enroll_collection: enrollment.as_str(),
        complete_collections: vec![enrollment.as_str()],
        client_setting_software_updates: false,
    };
    let mut context = Context::default();
    context.add_variable_from_value("device", cel::to_value(device)?);
    context.add_variable_from_value("site", cel::to_value(site)?);
    context.add_variable_from_value("tables", tables.clone());
    context.add_variable_from_value("now", as_of.as_second());
    Ok(context)
}
