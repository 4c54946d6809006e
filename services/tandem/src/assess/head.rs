//! Everything of an assessment but its devices: the dashboard's figures, the tenant, the sites, identity conflicts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tandem_client::{ApiError, Connection};
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::GetSurroundingsRequest;
use tandem_contracts::monitoring::v1::{Figure, GetDashboardRequest, Tile};
use tandem_contracts::prerequisites::v1::{
    CheckSiteRequest, CheckTenantRequest, Path, SummarizeFleetRequest,
};
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::id::TenantId;
use tandem_domain::tenant::TenantFacts;

use super::collect::{CollectError, identity_conflicts, path_reports, path_word, severity};
use super::model::{
    AssessmentHead, Blocker, EnrollmentErrorCount, Inputs, SCHEMA, Site, StageCounts, Tenant, Totals, Word,
};

/// How long counting may take: some seconds for a hundred thousand devices, minutes for millions.
const COUNTING: Duration = Duration::from_secs(60 * 60);

/// Asks for everything of an assessment but its devices; answers the tenant's facts beside it.
pub(crate) async fn collect(
    connection: &Connection,
    tenant: &TenantId,
    token: &str,
    as_of: Timestamp,
    inputs: Inputs,
) -> Result<(AssessmentHead, TenantFacts), CollectError> {
    let parent = format!("tenants/{tenant}");
    // The dashboard counts what stops path 1; the other paths are asked for.
    let (mut totals, path2, coexistence) = tokio::try_join!(
        totals(connection, &parent, token),
        blockers(connection, &parent, token, Path::Path2),
        blockers(connection, &parent, token, Path::Coexistence),
    )?;
    totals.blockers.extend(path2.into_iter().chain(coexistence));
    let identity_conflicts = identity_conflicts(connection, &parent).await?;
    totals.identity_conflicts = identity_conflicts.len() as u64;
    let Surroundings { facts, hierarchies, sites } = surroundings(connection, &parent).await?;
    let head = AssessmentHead {
        schema: SCHEMA.into(),
        as_of,
        inputs,
        totals,
        tenant: tenant_report(connection, &parent).await?,
        hierarchies,
        sites,
        identity_conflicts,
    };
    Ok((head, facts))
}

/// The device rules that stop a path, and how many devices each stops.
async fn blockers(
    connection: &Connection,
    parent: &str,
    token: &str,
    path: Path,
) -> Result<Vec<Blocker>, CollectError> {
    let mut request = tonic::Request::new(SummarizeFleetRequest {
        parent: parent.to_owned(),
        path: path.into(),
        consistency_token: token.to_owned(),
        ..SummarizeFleetRequest::default()
    });
    request.set_timeout(COUNTING);
    let during = CollectError::during("counting what stops the fleet");
    let answer = connection.prerequisites().summarize_fleet(request).await.map_err(during)?.into_inner();
    let stopped = answer.rules.into_iter().filter(|rule| rule.unsatisfied > 0);
    Ok(stopped
        .map(|found| Blocker {
            severity: severity(found.severity()),
            rule: found.rule.into(),
            scope: "device".into(),
            path: path_word(path),
            devices: found.unsatisfied,
            remediation: found.remediation.into(),
        })
        .collect())
}

async fn tenant_report(connection: &Connection, name: &str) -> Result<Tenant, CollectError> {
    let request = CheckTenantRequest { name: name.to_owned(), ..CheckTenantRequest::default() };
    let during = CollectError::during("checking the tenant");
    let answer = connection.prerequisites().check_tenant(request).await.map_err(during)?.into_inner();
    Ok(Tenant { prerequisites: path_reports(&answer.paths) })
}

/// What surrounds the devices.
struct Surroundings {
    facts: TenantFacts,
    hierarchies: Vec<String>,
    /// With what was found of each.
    sites: Vec<Site>,
}

/// The tenant's facts, its hierarchies and its sites.
async fn surroundings(connection: &Connection, parent: &str) -> Result<Surroundings, CollectError> {
    let request =
        GetSurroundingsRequest { parent: parent.to_owned(), known_revision: 0, ..Default::default() };
    let during = CollectError::during("reading hierarchies and sites");
    let answer = connection.tenants().get_surroundings(request).await.map_err(during)?.into_inner();
    let facts = convert::tenant::from_proto(answer.tenant.unwrap_or_default()).map_err(|violations| {
        let why = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        CollectError::Answer { what: parent.to_owned(), why }
    })?;
    let (mut hierarchies, mut sites) = (Vec::new(), Vec::new());
    for surroundings in answer.hierarchies {
        let hierarchy = surroundings.hierarchy;
        hierarchies.push(hierarchy.clone());
        let by_code: BTreeMap<_, _> = surroundings.sites.into_iter().collect();
        for (site, found) in by_code {
            let name = format!("{parent}/hierarchies/{hierarchy}/sites/{site}");
            let request = CheckSiteRequest { name, ..CheckSiteRequest::default() };
            let during = CollectError::during("checking a site");
            let answer = connection.prerequisites().check_site(request).await.map_err(during)?.into_inner();
            let prerequisites = path_reports(&answer.paths);
            // People know a version by its name, `2509`, whichever way the site spells it.
            let version = found.version.map(|text| {
                tandem_domain::configmgr::site_version(&text)
                    .map_or(text, |version| version.name().to_owned())
            });
            sites.push(Site { hierarchy: hierarchy.clone(), site, version, prerequisites });
        }
    }
    Ok(Surroundings { facts, hierarchies, sites })
}

/// The dashboard's figures as totals.
async fn totals(connection: &Connection, parent: &str, token: &str) -> Result<Totals, CollectError> {
    let mut totals = Totals::default();
    for figure in figures(connection, parent, token).await? {
        add(&mut totals, figure);
    }
    totals.blockers.sort_by(|a, b| {
        let rank = |blocker: &Blocker| (blocker.severity != "blocking", u64::MAX - blocker.devices);
        rank(a).cmp(&rank(b)).then_with(|| a.rule.cmp(&b.rule))
    });
    Ok(totals)
}

/// The figures of at least the world of that token. Monitoring waits only so long for its own counting, so it is asked again.
async fn figures(connection: &Connection, parent: &str, token: &str) -> Result<Vec<Figure>, CollectError> {
    let until = Instant::now() + COUNTING;
    loop {
        let request = GetDashboardRequest {
            parent: parent.to_owned(),
            consistency_token: token.to_owned(),
            ..GetDashboardRequest::default()
        };
        match connection.monitoring().get_dashboard(request).await {
            Ok(answer) => return Ok(answer.into_inner().figures),
            Err(status) if still_counting(&status) && Instant::now() < until => {}
            Err(status) => return Err(CollectError::during("counting the fleet")(status)),
        }
    }
}

/// Monitoring answers, but has not seen everything yet. A deadline that passed while it waited says the same.
fn still_counting(status: &tonic::Status) -> bool {
    let waiting = ApiError::from(status.clone()).known_reason() == Some(ErrorReason::NotYetConsistent);
    waiting || matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Cancelled)
}

fn add(totals: &mut Totals, figure: Figure) {
    let devices = figure.devices;
    let tile = figure.tile();
    let key: Word = figure.key.clone().into();
    match tile {
        Tile::Devices => totals.devices = devices,
        Tile::State => drop(totals.states.insert(key, devices)),
        Tile::CoManaged => match figure.key.as_str() {
            "query" => totals.co_managed.query = devices,
            "prose" => totals.co_managed.prose = devices,
            _ => totals.co_managed.cloud = devices,
        },
        Tile::Eligibility if figure.key == "eligible_unverified" => totals.eligible_unverified = devices,
        Tile::Eligibility => drop(totals.eligibility.insert(key, devices)),
        Tile::OsGroup => drop(totals.os_groups.insert(key, devices)),
        Tile::OsVersion => drop(totals.os_versions.insert(key, devices)),
        Tile::FunnelExclusive => stage(&mut totals.funnel.exclusive, &figure.key, devices),
        Tile::FunnelCumulative => stage(&mut totals.funnel.cumulative, &figure.key, devices),
        Tile::EnrollmentStatus => drop(totals.enrollment_status.insert(key, devices)),
        Tile::EnrollmentError => totals.enrollment_errors.push(enrollment_error(figure)),
        Tile::WorkloadTransition => totals.workload_transition.entry(key).or_default().effective = devices,
        Tile::WorkloadReported => totals.workload_transition.entry(key).or_default().reported = devices,
        Tile::Authority => per_workload(&mut totals.authority, &figure.key, devices),
        Tile::AuthorityReason => per_workload(&mut totals.authority_reasons, &figure.key, devices),
        Tile::Drift => drop(totals.drift.insert(key, devices)),
        Tile::Blocker => totals.blockers.push(Blocker {
            rule: key,
            scope: "device".into(),
            severity: figure.severity.into(),
            path: "path1".into(),
            devices,
            remediation: figure.remediation.into(),
        }),
        Tile::Verdict | Tile::Attention | Tile::Unspecified => {}
    }
}

/// A key of two parts, `<workload>/<word>`.
fn per_workload(counts: &mut BTreeMap<Word, BTreeMap<Word, u64>>, key: &str, devices: u64) {
    if let Some((workload, word)) = key.split_once('/') {
        counts.entry(workload.to_owned().into()).or_default().insert(word.to_owned().into(), devices);
    }
}

fn stage(counts: &mut StageCounts, key: &str, devices: u64) {
    match key {
        "eligible" => counts.eligible = devices,
        "scheduled" => counts.scheduled = devices,
        "enrollment_initiated" => counts.enrollment_initiated = devices,
        _ => counts.enrolled = devices,
    }
}

fn enrollment_error(figure: Figure) -> EnrollmentErrorCount {
    let said = |text: String| (!text.is_empty()).then(|| Word::from(text));
    EnrollmentErrorCount {
        decimal: tandem_domain::enrollment::parse_code(&figure.key).unwrap_or_default(),
        code: figure.key,
        symbol: said(figure.label),
        class: said(figure.severity),
        meaning: said(figure.meaning),
        remediation: said(figure.remediation),
        devices: figure.devices,
    }
}
