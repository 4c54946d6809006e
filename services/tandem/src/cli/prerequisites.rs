//! `tandem prerequisites`: what stops co-management, and what mends it.

use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, CheckSiteRequest, CheckTenantRequest, ExplainEnrollmentErrorRequest,
    ListRulesRequest, ListRulesResponse, Path, Rule, Scope, SummarizeFleetRequest,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{HierarchyId, SiteCode};

use super::failure::CliError;
use super::listing::{Limit, list};
use super::prerequisite_tables as tables;
use super::screen::{Column, Row};
use super::session::{DeviceRef, Session};
use super::words;

/// What to ask about prerequisites.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PrerequisitesCommand {
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
    /// Judge a device by the device rules
    Device {
        /// The device's id, its resource name, or the name that it shows
        #[arg(value_name = "NAME|ID")]
        device: DeviceRef,
        #[command(flatten)]
        paths: Paths,
        /// Show also the rules that hold and those that do not apply
        #[arg(long)]
        all: bool,
    },
    /// Judge a site by the site rules
    Site {
        /// Its hierarchy
        hierarchy: HierarchyId,
        /// Its code
        site: SiteCode,
        #[command(flatten)]
        paths: Paths,
    },
    /// Judge the tenant by the tenant rules
    Tenant {
        #[command(flatten)]
        paths: Paths,
    },
    /// Count the devices that each rule stops
    Fleet {
        /// The path whose rules are counted; unset: path1
        #[arg(long, value_parser = words::paths())]
        path: Option<Path>,
        /// Only devices of this hierarchy
        #[arg(long)]
        hierarchy: Option<HierarchyId>,
    },
    /// Say what an enrolment error code means
    Error {
        /// Such as 0x80180018, 2149056536, -2145910760 or MENROLL_E_USERLICENSE
        #[arg(allow_negative_numbers = true)]
        code: String,
    },
}

/// Which paths to judge by.
#[derive(Debug, clap::Args)]
pub(crate) struct Paths {
    /// Judge by this path; may be repeated; unset: path1, path2 and coexistence
    #[arg(long = "path", value_name = "PATH", value_parser = words::paths())]
    paths: Vec<Path>,
}

impl Paths {
    fn numbers(&self) -> Vec<i32> {
        self.paths.iter().copied().map(i32::from).collect()
    }
}

/// Answers.
pub(crate) async fn run(command: PrerequisitesCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.prerequisites();
    match command {
        PrerequisitesCommand::Rules { path, scope, limit } => show_rules(path, scope, limit, session).await,
        PrerequisitesCommand::Device { device, paths, all } => {
            let name = session.device(&device).await?;
            let request = CheckDeviceRequest {
                name,
                paths: paths.numbers(),
                problems_only: !all,
                ..CheckDeviceRequest::default()
            };
            let answer = client.check_device(request).await?.into_inner();
            session.screen.show(&answer.check.unwrap_or_default(), tables::device)
        }
        PrerequisitesCommand::Site { hierarchy, site, paths } => {
            let name = format!("{}/sites/{site}", session.hierarchy(&hierarchy));
            let request = CheckSiteRequest { name, paths: paths.numbers(), ..Default::default() };
            let answer = client.check_site(request).await?.into_inner();
            session.screen.show(&answer, |screen, answer| tables::paths(screen, &answer.paths))
        }
        PrerequisitesCommand::Tenant { paths } => {
            let request =
                CheckTenantRequest { name: session.parent(), paths: paths.numbers(), ..Default::default() };
            let answer = client.check_tenant(request).await?.into_inner();
            session.screen.show(&answer, |screen, answer| tables::paths(screen, &answer.paths))
        }
        PrerequisitesCommand::Fleet { path, hierarchy } => {
            if let Some(hierarchy) = &hierarchy {
                session.check_hierarchy(hierarchy).await?;
            }
            let request = SummarizeFleetRequest {
                parent: session.parent(),
                path: path.unwrap_or(Path::Unspecified).into(),
                filter: hierarchy
                    .map(|id| DeviceFilter { hierarchies: vec![id.into()], ..DeviceFilter::default() }),
                ..SummarizeFleetRequest::default()
            };
            let answer = client.summarize_fleet(request).await?.into_inner();
            session.screen.show(&answer, tables::fleet)
        }
        PrerequisitesCommand::Error { code } => {
            let request = ExplainEnrollmentErrorRequest { code };
            let answer = client.explain_enrollment_error(request).await?.into_inner();
            session.screen.show(&answer, tables::errors)
        }
    }
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
