//! What judging a device by the device rules of path 1 takes, against the same rules written in CEL.
//!
//! `TANDEM_BENCH_DEVICES` (default 10,000) devices are drawn and kept in memory. The rules in CEL are compiled once, and the facts that they
//! read are put into their contexts before anything is timed; so are the tables of releases, editions and supported pairs, by build and
//! edition text. Before the timing every device must have the same outcome by either, rule by rule. `TANDEM_BENCH_ROUNDS` (default 7)
//! rounds alternate between the two on one thread. Last line: `readiness ratio=R ours=X yardstick=Y report=Z unit=us/device devices=N`: X, Y and
//! Z are medians, R = Y / X. Both say what became of each rule; the product also until when that holds. Z is what a whole report takes, which
//! says in words what was expected and found.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cel::{Context, Program, Value};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tandem_domain::authority::effective_authority;
use tandem_domain::configmgr;
use tandem_domain::facts::{DeviceFacts, Fact, JoinType, OsKind, OsVersion, copied, value};
use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, Surroundings, WorkloadSetting};
use tandem_domain::prerequisites::{DeviceCheck, DeviceRule, Path};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_domain::windows;
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};
use tandem_tests::generated;

/// As `tandem` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

/// The rules of path 1, by the catalogue's conditions. A fact that nobody said is absent.
const RULES: [(&str, &str); 16] = [
    (
        "lic.autopilot_reset_needs_intune",
        "has(device.autopilot_registered) && !device.autopilot_registered ? 'not_applicable' : 'unknown'",
    ),
    (
        "cm.auto_enroll_in_scope",
        "!has(site.auto_enroll_mode) ? 'unknown'
         : site.auto_enroll_mode == 'all' ? 'satisfied'
         : site.auto_enroll_mode == 'none' ? 'unsatisfied'
         : !has(site.auto_enroll_collection) ? 'unknown'
         : site.auto_enroll_collection in device.collections ? 'satisfied'
         : site.auto_enroll_collection in site.complete_collections ? 'unsatisfied' : 'unknown'",
    ),
    (
        "cm.client_installed",
        "!has(device.client_installed) ? 'unknown' : device.client_installed ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "cm.client_healthy",
        "!has(device.client_health_sync) ? 'unknown'
         : now - device.client_health_sync
             <= (!has(device.client_health_flags) || device.client_health_flags == 7 ? 2592000 : 172800)
           ? (has(device.client_health_flags) ? 'satisfied' : 'unknown') : 'unsatisfied'",
    ),
    (
        "cm.policy_applies_to_os",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unsatisfied'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : has(device.os_kind) && has(device.os_major) ? 'satisfied' : 'unknown'",
    ),
    (
        "cm.update_client_setting_off",
        "device.effective_authority.windows_update_policies in ['configuration_manager', 'third_party_mdm', 'none']
           ? 'not_applicable'
         : device.effective_authority.windows_update_policies != 'intune'
           || !has(site.client_setting_software_updates) ? 'unknown'
         : site.client_setting_software_updates ? 'unsatisfied' : 'satisfied'",
    ),
    (
        "entra.joined",
        "!has(device.join_type) ? 'unknown'
         : device.join_type in ['azureADJoined', 'hybridAzureADJoined'] ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "entra.not_registered_only",
        "!has(device.join_type) ? 'unknown' : device.join_type == 'azureADRegistered' ? 'unsatisfied' : 'satisfied'",
    ),
    (
        "entra.hybrid_for_domain_joined",
        "has(device.ad_joined) && !device.ad_joined ? 'not_applicable'
         : has(device.join_type) && device.join_type == 'hybridAzureADJoined' ? 'satisfied'
         : has(device.ad_joined) && has(device.join_type) ? 'unsatisfied' : 'unknown'",
    ),
    (
        "win.serviced_version",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unknown'
         : !has(device.os_major) ? 'unknown'
         : device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) || !(device.os_build in tables.releases) ? 'unknown'
         : has(device.os_edition) && device.os_edition in tables.editions
           ? (!(tables.editions[device.os_edition] in tables.releases[device.os_build].ends) ? 'unknown'
              : now < tables.releases[device.os_build].ends[tables.editions[device.os_edition]]
                ? 'satisfied' : 'unsatisfied')
         : !has(tables.releases[device.os_build].last) ? 'unknown'
         : now >= tables.releases[device.os_build].last ? 'unsatisfied'
         : now < tables.releases[device.os_build].first ? 'satisfied' : 'unknown'",
    ),
    (
        "win.minimum_1709",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) ? 'unknown' : device.os_build >= 16299 ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.device_token_1803",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) ? 'unknown' : device.os_build >= 17134 ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.site_supports_windows_version",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unknown'
         : !has(site.version) || !has(device.os_build) || device.os_major != 10 ? 'unknown'
         : !(device.os_build in tables.supported) ? 'unknown'
         : !((has(device.os_edition) ? device.os_edition : '') in tables.supported[device.os_build]) ? 'unknown'
         : tables.supported[device.os_build][has(device.os_edition) ? device.os_edition : '']
           ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.edition",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : !has(device.os_edition) || !(device.os_edition in tables.manageable) ? 'unknown'
         : tables.manageable[device.os_edition] ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.push_service_present",
        "!has(device.dmwappushservice_present) ? 'unknown'
         : device.dmwappushservice_present ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.mdm_not_blocked",
        "!has(device.mdm_blocked_by_policy) ? 'unknown'
         : device.mdm_blocked_by_policy ? 'unsatisfied' : 'satisfied'",
    ),
];

/// Edition texts that devices are drawn with.
const EDITIONS: [&str; 5] = ["Enterprise", "Pro", "Home", "Enterprise LTSC", "Team"];
const VERSIONS: [&str; 9] = [
    "10.0.26200.7171",
    "10.0.26100.2033",
    "10.0.22631.3447",
    "10.0.19045.5000",
    "10.0.17763.1",
    "10.0.16298.1",
    "10.0.27999.1",
    "6.1.7601",
    "10.0",
];
const SITE_VERSION: &str = "2509";

fn main() -> ExitCode {
    let result = bench();
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "readiness bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: u64) -> Result<u64, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

fn bench() -> Result<String, Failure> {
    let devices = setting("TANDEM_BENCH_DEVICES", 10_000)?.max(1);
    let rounds = setting("TANDEM_BENCH_ROUNDS", 7)?.max(1);
    let as_of: Timestamp = "2026-11-20T12:00:00Z".parse()?;
    let (tenant, site, policy) = (TenantFacts::default(), site()?, policy()?);
    let complete: BTreeSet<CollectionId> = [generated::collection(1)].into();
    let around = Surroundings {
        tenant: &tenant,
        site: Some(&site),
        policy: Some(&policy),
        complete_collections: &complete,
    };
    let fleet: Vec<DeviceFacts> = (0..devices).map(|number| device(number, as_of)).collect();
    let programs = RULES.map(|(id, source)| {
        Program::compile(source).map(|program| (id, program)).map_err(|e| format!("{id}: {e}"))
    });
    let programs = programs.into_iter().collect::<Result<Vec<_>, _>>()?;
    let tables = cel::to_value(tables()?)?;
    let contexts = fleet
        .iter()
        .map(|facts| context(facts, &around, &tables, as_of))
        .collect::<Result<Vec<Context<'_, '_>>, Failure>>()?;
    agree(&fleet, &around, &programs, &contexts, as_of)?;

    let (mut ours, mut yardstick, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let started = Instant::now();
        for facts in &fleet {
            let _ = black_box(DeviceCheck::new(facts, &around, as_of).kinds(Path::Path1));
        }
        ours.push(started.elapsed());
        let started = Instant::now();
        for context in &contexts {
            for (_, program) in &programs {
                black_box(program.execute(context)).map_err(|error| error.to_string())?;
            }
        }
        yardstick.push(started.elapsed());
        let started = Instant::now();
        for facts in &fleet {
            let _ = black_box(DeviceCheck::new(facts, &around, as_of).report(Path::Path1));
        }
        whole.push(started.elapsed());
    }
    let [ours, yardstick, whole] = [ours, yardstick, whole].map(|took| per_device(took, devices));
    Ok(format!(
        "readiness ratio={:.1} ours={ours:.3} yardstick={yardstick:.1} report={whole:.3} unit=us/device devices={devices}",
        yardstick / ours
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a number of devices is far below 2^52")]
fn per_device(mut took: Vec<Duration>, devices: u64) -> f64 {
    took.sort_unstable();
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    median.as_secs_f64() * 1e6 / devices as f64
}

/// Fails where the two disagree: then they would not do the same work.
fn agree(
    fleet: &[DeviceFacts],
    around: &Surroundings<'_>,
    programs: &[(&str, Program)],
    contexts: &[Context<'_, '_>],
    as_of: Timestamp,
) -> Result<(), Failure> {
    let expected: Vec<&str> = DeviceRule::on(Path::Path1).iter().map(|rule| rule.id()).collect();
    let written: Vec<&str> = programs.iter().map(|(id, _)| *id).collect();
    if expected != written {
        return Err(format!("the rules of path 1 are {expected:?}; in CEL there are {written:?}").into());
    }
    let mut seen: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for (facts, context) in fleet.iter().zip(contexts) {
        let report = DeviceCheck::new(facts, around, as_of).kinds(Path::Path1);
        for (finding, (id, program)) in report.findings.iter().zip(programs) {
            let found = program.execute(context).map_err(|error| format!("{id}: {error}"))?;
            let Value::String(found) = found else {
                return Err(format!("{id}: {found:?} is no outcome").into());
            };
            if *found != finding.outcome.id() {
                return Err(format!("{id}: {:?}, CEL says {found} of {facts:?}", finding.outcome).into());
            }
            *seen.entry((id, found.to_string())).or_default() += 1;
        }
    }
    for ((id, outcome), devices) in seen {
        writeln!(io::stderr(), "{id} {outcome}: {devices}")?;
    }
    Ok(())
}

fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

/// A device of the generated fleet with a Windows and what a probe finds, drawn from its number.
fn device(number: u64, as_of: Timestamp) -> DeviceFacts {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // Xorshift: one draw after the other.
    let mut draw = |of: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % of
    };
    let one_of =
        |at: u64, words: &[&'static str]| words.get(usize::try_from(at).unwrap_or(usize::MAX)).copied();
    let rarely = |drawn: u64| match drawn {
        0 => None,
        1 => said(false),
        _ => said(true),
    };
    let mut facts = generated::facts(number);
    facts.os_version = one_of(draw(10), &VERSIONS).and_then(OsVersion::parse).and_then(said);
    facts.os_edition = one_of(draw(6), &EDITIONS).map(str::to_owned).and_then(said);
    facts.os_kind = match draw(30) {
        0 => None,
        1 => said(OsKind::Server),
        2 => said(OsKind::Other),
        _ => said(OsKind::Client),
    };
    facts.join_type = match draw(10) {
        0 => None,
        1 => said(JoinType::EntraRegistered),
        2 => said(JoinType::EntraJoined),
        3 => said(JoinType::None),
        _ => said(JoinType::HybridJoined),
    };
    facts.client_health_flags = match draw(8) {
        0 => None,
        1 => said(19),
        _ => said(7),
    };
    let hours = i64::try_from(draw(24 * 45)).unwrap_or_default();
    facts.client_health_sync =
        if draw(20) == 0 { None } else { said(as_of - SignedDuration::from_hours(hours)) };
    facts.ad_joined = rarely(draw(8));
    facts.autopilot_registered = rarely(draw(3));
    facts.dmwappushservice_present = rarely(draw(12));
    facts.mdm_blocked_by_policy = match draw(12) {
        0 => None,
        1 => said(true),
        _ => said(false),
    };
    facts
}

fn site() -> Result<SiteFacts, Failure> {
    Ok(SiteFacts {
        version: Some(SITE_VERSION.to_owned()),
        client_setting_software_updates: Some(false),
        ..SiteFacts::unknown(generated::HIERARCHY.parse()?)
    })
}

/// Automatic enrolment of a pilot whose members are known, Windows updates in a pilot too.
fn policy() -> Result<CoManagementPolicy, Failure> {
    let policy = CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment::Pilot),
        auto_enrollment_collection: Some(generated::collection(1)),
        workloads: PerWorkload::from_fn(|workload| match workload {
            Workload::WindowsUpdatePolicies => WorkloadSetting {
                slider: SliderPosition::PilotIntune,
                pilot_collection: Some(generated::collection(1)),
            },
            _ => WorkloadSetting::default(),
        }),
    };
    policy.validate()?;
    Ok(policy)
}

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
struct Tables {
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

fn tables() -> Result<Tables, Failure> {
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
            if let Some(yes) = configmgr::supports_windows(SITE_VERSION, os, edition) {
                supported.entry(build.into()).or_default().insert(edition.unwrap_or_default(), yes);
            }
        }
    }
    Ok(Tables { releases, editions: groups.collect(), manageable: manageable.collect(), supported })
}

fn context<'a>(
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
