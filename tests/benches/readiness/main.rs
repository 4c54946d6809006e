//! What judging a device by the device rules of path 1 takes, against the same rules written in CEL.
//!
//! `TANDEM_BENCH_DEVICES` (default 10,000) devices are drawn and kept in memory. The rules in CEL are compiled once, and the facts that they
//! read are put into their contexts before anything is timed; so are the tables of releases, editions and supported pairs, by build and
//! edition text. Before the timing every device must have the same outcome by either, rule by rule. `TANDEM_BENCH_ROUNDS` (default 7)
//! rounds alternate between the two on one thread. Last line: `readiness ratio=R ours=X yardstick=Y unit=us/device devices=N`: X and Y are
//! medians, R = Y / X. Both say what became of each rule, and the product until when that holds: what a fleet is counted by. What a report
//! takes that also says in words what was expected and found, goes to standard error.

mod facts;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cel::{Context, Program, Value};
use jiff::{SignedDuration, Timestamp};
use tandem_domain::facts::{DeviceFacts, Fact, JoinType, OsKind, OsVersion};
use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, Surroundings, WorkloadSetting};
use tandem_domain::prerequisites::{DeviceCheck, DeviceRule, Path};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};
use tandem_tests::generated;

use self::facts::{context, tables};
use self::rules::RULES;

/// As `tandem` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

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
    writeln!(io::stderr(), "with words: {whole:.3} us/device")?;
    Ok(format!(
        "readiness ratio={:.1} ours={ours:.3} yardstick={yardstick:.1} unit=us/device devices={devices}",
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
