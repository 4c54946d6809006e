//! `tandem prerequisites`: what stops co-management, and what mends it.

mod ages;
mod attest;
mod custom;
mod forecast;
mod kept;
mod person;
mod tables;
mod trial;
mod whole;

use tandem_connectors::AsOf;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, CheckHierarchyRequest, CheckSiteRequest, CheckTenantRequest,
    ExplainEnrollmentErrorRequest, ListRulesRequest, ListRulesResponse, Path, Rule, Scope,
    SummarizeFleetRequest, View,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{HierarchyId, SiteCode};

use crate::assess::command::as_of;

use super::failure::CliError;
use super::listing::{Limit, list};
use super::screen::{Column, Row};
use super::session::{DeviceRef, Session};
use super::words;

/// What to ask about prerequisites.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PrerequisitesCommand {
    /// Judge a device, a site, the tenant or the fleet by its rules
    Check(CheckArgs),
    /// Say everything about a device: who said what, its way into co-management, what that unlocks, what else to look at
    Explain {
        /// The device's id, its resource name, or the name that it shows
        #[arg(value_name = "NAME|ID")]
        device: DeviceRef,
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        at: At,
    },
    /// Say how the fleet stands on days to come or gone by if the facts of now hold: what leaves support, and when
    Forecast(forecast::ForecastArgs),
    /// List the devices behind a number of the fleet: those that a rule stops, with a verdict, a benefit, a finding
    Devices(kept::DevicesArgs),
    /// Say how the parts of the fleet stand: hierarchies, sites, collections, or all of it on each path
    Parts(kept::PartsArgs),
    /// Say how far the fleet is judged, which the server does by itself when anything changes
    Evaluation(kept::EvaluationArgs),
    /// Say how old the word of each source may be before it decides nothing any more, or change it
    Ages(ages::AgesArgs),
    /// Try a rule of your own, in CEL over the facts of a device, on the fleet
    Try(trial::TryArgs),
    /// Keep rules of your own, by which every device is judged beside the catalogue
    #[command(subcommand)]
    Custom(custom::CustomCommand),
    /// List the facts that rules of your own may read
    Facts(Limit),
    /// List the rules
    Rules {
        /// Only rules of this path
        #[arg(long, value_parser = words::paths())]
        path: Option<Path>,
        /// Only rules of this scope
        #[arg(long, value_parser = words::scopes())]
        scope: Option<Scope>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Give an operator's word on a rule that no data decides, or take it back
    Attest(attest::AttestArgs),
    /// Say what a person may do on the way to co-management, and what they lack
    Person(person::PersonArgs),
    /// Say what an enrolment error code means
    Errors {
        /// Such as 0x80180018, 2149056536, -2145910760 or MENROLL_E_USERLICENSE
        #[arg(allow_negative_numbers = true)]
        code: String,
    },
}

/// Of what, and by which rules.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(crate) struct CheckArgs {
    /// A device: its id, its resource name, or the name that it shows
    #[arg(value_name = "NAME|ID", group = "what")]
    device: Option<DeviceRef>,
    /// A site
    #[arg(long, value_name = "HIERARCHY/SITE", value_parser = site, group = "what")]
    site: Option<(HierarchyId, SiteCode)>,
    /// All sites of a hierarchy: of each rule the worst
    #[arg(long, value_name = "HIERARCHY", group = "what")]
    sites: Option<HierarchyId>,
    /// The tenant
    #[arg(long, group = "what")]
    tenant_rules: bool,
    /// Every device: how many each rule stops, and what to mend first
    #[arg(long, group = "what")]
    fleet: bool,
    /// Of the fleet: only devices of this hierarchy
    #[arg(long, requires = "fleet")]
    hierarchy: Option<HierarchyId>,
    /// Of a device: show also the rules that hold and those that do not apply
    #[arg(long, requires = "device")]
    all: bool,
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    at: At,
}

/// A site as people write it.
fn site(text: &str) -> Result<(HierarchyId, SiteCode), String> {
    let parsed = text.split_once('/').and_then(|(hierarchy, site)| {
        Some((HierarchyId::parse(hierarchy).ok()?, SiteCode::parse(site).ok()?))
    });
    parsed.ok_or_else(|| format!("expected HIERARCHY/SITE such as PS1/PS1, found `{text}`"))
}

/// Which paths to judge by.
#[derive(Debug, clap::Args)]
pub(crate) struct Paths {
    /// Judge by this path; may be repeated; unset: path1, path2 and coexistence, of the fleet path1
    #[arg(long = "path", value_name = "PATH", value_parser = words::paths())]
    paths: Vec<Path>,
}

impl Paths {
    fn numbers(&self) -> Vec<i32> {
        self.paths.iter().copied().map(i32::from).collect()
    }
}

/// The moment to judge at.
#[derive(Debug, clap::Args)]
pub(crate) struct At {
    /// Judge at this day or instant, past or to come; facts are taken as they are now; unset: now
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    as_of: Option<AsOf>,
}

impl At {
    fn moment(&self) -> Option<prost_types::Timestamp> {
        self.as_of.map(|asked| time::to_proto(asked.instant()))
    }
}

/// Answers.
pub(crate) async fn run(command: PrerequisitesCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        PrerequisitesCommand::Check(args) => check(args, session).await,
        PrerequisitesCommand::Explain { device, paths, at } => {
            let name = session.device(&device).await?;
            let request = CheckDeviceRequest {
                name,
                paths: paths.numbers(),
                problems_only: true,
                as_of: at.moment(),
                view: View::Whole.into(),
                ..CheckDeviceRequest::default()
            };
            let answer = session.connection.prerequisites().check_device(request).await?.into_inner();
            session.screen.show(&answer.check.unwrap_or_default(), whole::device)
        }
        PrerequisitesCommand::Forecast(args) => forecast::run(args, session).await,
        PrerequisitesCommand::Devices(args) => kept::devices(args, session).await,
        PrerequisitesCommand::Parts(args) => kept::parts(args, session).await,
        PrerequisitesCommand::Evaluation(args) => kept::evaluation(args, session).await,
        PrerequisitesCommand::Ages(args) => ages::run(args, session).await,
        PrerequisitesCommand::Try(args) => trial::try_out(args, session).await,
        PrerequisitesCommand::Custom(command) => custom::run(command, session).await,
        PrerequisitesCommand::Facts(limit) => trial::facts(limit, session).await,
        PrerequisitesCommand::Rules { path, scope, limit } => show_rules(path, scope, limit, session).await,
        PrerequisitesCommand::Attest(args) => attest::run(args, session).await,
        PrerequisitesCommand::Person(args) => person::run(args, session).await,
        PrerequisitesCommand::Errors { code } => {
            let request = ExplainEnrollmentErrorRequest { code };
            let answer =
                session.connection.prerequisites().explain_enrollment_error(request).await?.into_inner();
            session.screen.show(&answer, tables::errors)
        }
    }
}

async fn check(args: CheckArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (paths, as_of) = (args.paths.numbers(), args.at.moment());
    let mut client = session.connection.prerequisites();
    if let Some(device) = &args.device {
        let name = session.device(device).await?;
        let problems_only = !args.all;
        let request = CheckDeviceRequest { name, paths, problems_only, as_of, ..Default::default() };
        let answer = client.check_device(request).await?.into_inner();
        return session.screen.show(&answer.check.unwrap_or_default(), tables::device);
    }
    if let Some((hierarchy, site)) = &args.site {
        let name = format!("{}/sites/{site}", session.hierarchy(hierarchy));
        let request = CheckSiteRequest { name, paths, as_of, ..Default::default() };
        let answer = client.check_site(request).await?.into_inner();
        return session.screen.show(&answer, |screen, answer| tables::paths(screen, &answer.paths));
    }
    if let Some(hierarchy) = &args.sites {
        let request =
            CheckHierarchyRequest { name: session.hierarchy(hierarchy), paths, as_of, ..Default::default() };
        let answer = client.check_hierarchy(request).await?.into_inner();
        return session.screen.show(&answer, tables::hierarchy);
    }
    if args.tenant_rules {
        let request = CheckTenantRequest { name: session.parent(), paths, as_of, ..Default::default() };
        let answer = client.check_tenant(request).await?.into_inner();
        return session.screen.show(&answer, |screen, answer| tables::paths(screen, &answer.paths));
    }
    let path = match paths[..] {
        [] => Path::Unspecified.into(),
        [path] => path,
        [..] => {
            return Err(CliError::Usage("the fleet is counted on one path: give --path once".to_owned()));
        }
    };
    let consistency_token = kept::world_of_now(session).await?;
    if as_of.is_none() {
        kept::until_caught_up(session, &consistency_token).await?;
    }
    let request = SummarizeFleetRequest {
        parent: session.parent(),
        path,
        filter: of_hierarchy(args.hierarchy, session).await?,
        as_of,
        view: View::Whole.into(),
        consistency_token,
    };
    let answer = client.summarize_fleet(request).await?.into_inner();
    session.screen.show(&answer, tables::fleet)
}

/// The filter of a hierarchy, which must be there.
async fn of_hierarchy(
    hierarchy: Option<HierarchyId>,
    session: &Session<'_>,
) -> Result<Option<DeviceFilter>, CliError> {
    let Some(hierarchy) = hierarchy else { return Ok(None) };
    session.check_hierarchy(&hierarchy).await?;
    Ok(Some(DeviceFilter { hierarchies: vec![hierarchy.into()], ..DeviceFilter::default() }))
}

async fn show_rules(
    path: Option<Path>,
    scope: Option<Scope>,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let (path, scope) =
        (path.unwrap_or(Path::Unspecified).into(), scope.unwrap_or(Scope::Unspecified).into());
    let mut client = session.connection.prerequisites();
    let columns = ["RULE", "SCOPE", "SEVERITY", "PATHS", "WHAT MUST HOLD"].map(Column::Text);
    let rows = |page: &ListRulesResponse| page.rules.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        client.list_rules(ListRulesRequest { path, scope, page_size, page_token }).await
    })
    .await
}

fn row(rule: &Rule) -> Row {
    vec![
        rule.rule.clone(),
        words::scope(rule.scope),
        words::severity(rule.severity),
        rule.paths.iter().map(|path| words::path(*path)).collect::<Vec<_>>().join(", "),
        match rule.attestation {
            true => format!("{} (by attestation)", rule.condition),
            false => rule.condition.clone(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_is_shown_on_one_line() {
        let rule = Rule {
            rule: "lic.configmgr_rights".into(),
            scope: 1,
            severity: 1,
            paths: vec![1, 4],
            condition: "rights to use Configuration Manager".into(),
            attestation: true,
            ..Default::default()
        };
        let expected = [
            "lic.configmgr_rights",
            "tenant",
            "blocking",
            "path1, coexistence",
            "rights to use Configuration Manager (by attestation)",
        ];
        assert_eq!(row(&rule), expected);
    }
}
