//! `tandem prerequisites person`.

use tandem_contracts::prerequisites::v1::{
    ActionAnswer, CheckPersonRequest, CheckPersonResponse, HeldLicenses, HeldRole, HeldRoles, PathReport,
    PerUserMfa, Person,
};
use tandem_domain::id::{HierarchyId, SiteCode};

use super::{At, Paths, site, tables};
use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::{DeviceRef, Session};
use crate::cli::words;

/// What is told of the person; whatever is not given nobody said.
#[derive(Debug, clap::Args)]
pub(crate) struct PersonArgs {
    /// A role that they hold, such as entra:global_administrator, with `=all` or `=custom` after it the security scope of a role of
    /// Configuration Manager; may be repeated; every role must be given
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<HeldRole>,
    /// They hold no role at all
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// A licence that they hold: intune, entra_id_p1, entra_id_p2, ems or microsoft_365; may be repeated
    #[arg(long = "license", value_name = "LICENCE")]
    licenses: Vec<String>,
    /// They hold no licence at all
    #[arg(long, conflicts_with = "licenses")]
    no_licenses: bool,
    /// Whether they are a user of the directory
    #[arg(long, value_name = "YES|NO", value_parser = words::answers())]
    entra_user: Option<bool>,
    /// They sign in to set co-management up
    #[arg(long)]
    administrator: bool,
    /// Multifactor authentication as it is set for them: disabled, enabled or enforced
    #[arg(long, value_name = "STATE", value_parser = words::per_user_mfa())]
    per_user_mfa: Option<PerUserMfa>,
    /// Whether Conditional Access asks them MFA for the Intune app
    #[arg(long, value_name = "YES|NO", value_parser = words::answers())]
    ca_mfa_covers_intune: Option<bool>,
    /// Whether they have a device under Microsoft 365 Basic Mobility and Security
    #[arg(long, value_name = "YES|NO", value_parser = words::answers())]
    basic_mobility_devices: Option<bool>,
    /// The device that they enrol
    #[arg(long, value_name = "NAME|ID")]
    device: Option<DeviceRef>,
    /// The site that they act at
    #[arg(long, value_name = "HIERARCHY/SITE", value_parser = site)]
    site: Option<(HierarchyId, SiteCode)>,
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    at: At,
}

/// A role as people write it. Whether it is one is the server's to say.
fn role(text: &str) -> Result<HeldRole, String> {
    let held = |role: &str, all_scopes| HeldRole { role: role.to_owned(), all_scopes };
    match text.split_once('=') {
        None => Ok(held(text, None)),
        Some((role, "all")) => Ok(held(role, Some(true))),
        Some((role, "custom")) => Ok(held(role, Some(false))),
        Some((_, scope)) => Err(format!("expected the security scope `all` or `custom`, found `{scope}`")),
    }
}

/// Answers.
pub(super) async fn run(args: PersonArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let device = match &args.device {
        Some(device) => session.device(device).await?,
        None => String::new(),
    };
    let at =
        args.site.as_ref().map(|(hierarchy, site)| format!("{}/sites/{site}", session.hierarchy(hierarchy)));
    let told_roles = args.no_roles || !args.roles.is_empty();
    let told_licenses = args.no_licenses || !args.licenses.is_empty();
    let person = Person {
        entra_user: args.entra_user,
        roles: told_roles.then_some(HeldRoles { roles: args.roles }),
        licenses: told_licenses.then_some(HeldLicenses { licenses: args.licenses }),
        administrator: args.administrator,
        per_user_mfa: args.per_user_mfa.unwrap_or_default().into(),
        ca_mfa_covers_intune: args.ca_mfa_covers_intune,
        basic_mobility_devices: args.basic_mobility_devices,
    };
    let request = CheckPersonRequest {
        parent: session.parent(),
        person: Some(person),
        device,
        site: at.unwrap_or_default(),
        paths: args.paths.numbers(),
        as_of: args.at.moment(),
        ..CheckPersonRequest::default()
    };
    let answer = session.connection.prerequisites().check_person(request).await?.into_inner();
    session.screen.show(&answer, show)
}

fn show(screen: &mut Screen<'_>, answer: &CheckPersonResponse) -> Result<(), CliError> {
    let columns = ["TO", "MAY THEY", "LACKING", "NEEDED", "NOTE"].map(Column::Text);
    screen.table(&columns, answer.actions.iter().map(action).collect())?;
    about(screen, "As a user", &answer.user)?;
    about(screen, "About to act", &answer.action)
}

fn about(screen: &mut Screen<'_>, title: &str, reports: &[PathReport]) -> Result<(), CliError> {
    if reports.iter().all(|report| report.findings.is_empty()) {
        return Ok(());
    }
    screen.line("")?;
    screen.line(title)?;
    tables::paths(screen, reports)
}

fn action(answer: &ActionAnswer) -> Row {
    vec![
        answer.title.clone(),
        words::person_standing(answer.standing),
        words::text(&answer.lacking.join("; ")),
        answer.needed.clone(),
        words::text(&answer.note),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_is_read_with_its_security_scope() {
        let full = "configmgr:full_administrator";
        let read = |text: &str| role(text).map(|held| (held.role, held.all_scopes));
        assert_eq!(read(full), Ok((full.to_owned(), None)));
        assert_eq!(read(&format!("{full}=all")), Ok((full.to_owned(), Some(true))));
        assert_eq!(read(&format!("{full}=custom")), Ok((full.to_owned(), Some(false))));
        assert_eq!(
            read(&format!("{full}=some")),
            Err("expected the security scope `all` or `custom`, found `some`".to_owned())
        );
    }
}
