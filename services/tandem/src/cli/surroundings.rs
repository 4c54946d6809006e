//! `tandem tenants`, `tandem hierarchies` and `tandem sites`: what surrounds devices, and the facts that an operator sets.

use std::path::{Path, PathBuf};

use prost_reflect::{FieldDescriptor, Value};
use tandem_contracts::inventory::v1::{
    GetHierarchyRequest, GetSiteRequest, GetTenantRequest, Hierarchy, ListHierarchiesRequest,
    ListHierarchiesResponse, ListSitesRequest, ListSitesResponse, ListTenantsRequest, ListTenantsResponse,
    Site, Tenant, UpdateHierarchyRequest, UpdateSiteRequest, UpdateTenantRequest,
};
use tandem_domain::id::{HierarchyId, SiteCode};

use super::document;
use super::failure::CliError;
use super::json::{self, Named, dynamic};
use super::listing::{Limit, list};
use super::screen::{Column, Row, Screen};
use super::session::Session;
use super::words::{self, NOTHING};

/// What to do with tenants.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TenantsCommand {
    /// List the tenants of the server
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show the tenant that --tenant names, with its facts
    Get,
    /// Replace the name and the facts of the tenant that --tenant names
    Update {
        /// TOML or JSON: the protobuf mapping of tandem.inventory.v1.Tenant, as `get -o json` prints it.
        /// The name in it gives way to --tenant; an etag in it must be the current one
        file: PathBuf,
    },
}

/// What to do with hierarchies.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum HierarchiesCommand {
    /// List the hierarchies
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a hierarchy
    Get {
        /// Its code
        hierarchy: HierarchyId,
    },
    /// Name a hierarchy
    Update {
        /// Its code
        hierarchy: HierarchyId,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        display_name: String,
    },
}

/// What to do with sites.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum SitesCommand {
    /// List the sites of a hierarchy
    List {
        /// The hierarchy
        hierarchy: HierarchyId,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a site with its facts
    Get {
        /// Its hierarchy
        hierarchy: HierarchyId,
        /// Its code
        site: SiteCode,
    },
    /// Replace the facts of a site
    Update {
        /// TOML or JSON: the protobuf mapping of tandem.inventory.v1.Site, as `get -o json` prints it.
        /// The tenant in its name gives way to --tenant; an etag in it must be the current one
        file: PathBuf,
    },
}

/// Does it.
pub(crate) async fn tenants(command: TenantsCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.tenants();
    match command {
        TenantsCommand::List { limit } => {
            let columns = ["TENANT", "NAME"].map(Column::Text);
            let rows = |page: &ListTenantsResponse| page.tenants.iter().map(tenant_row).collect();
            list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
                client.list_tenants(ListTenantsRequest { page_size, page_token }).await
            })
            .await
        }
        TenantsCommand::Get => {
            let answer = client
                .get_tenant(GetTenantRequest { name: session.parent(), ..Default::default() })
                .await?
                .into_inner();
            session.screen.show(&answer.tenant.unwrap_or_default(), show_tenant)
        }
        TenantsCommand::Update { file } => {
            let tenant = Tenant { name: session.parent(), ..document::read(&file)? };
            let request = UpdateTenantRequest { tenant: Some(tenant), ..Default::default() };
            let answer = client.update_tenant(request).await?.into_inner();
            session.screen.show(&answer.tenant.unwrap_or_default(), show_tenant)
        }
    }
}

/// Does it.
pub(crate) async fn hierarchies(
    command: HierarchiesCommand,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let mut client = session.connection.hierarchies();
    match command {
        HierarchiesCommand::List { limit } => {
            session.check_tenant().await?;
            let parent = session.parent();
            let columns = ["HIERARCHY", "NAME"].map(Column::Text);
            let rows = |page: &ListHierarchiesResponse| page.hierarchies.iter().map(hierarchy_row).collect();
            list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
                let request = ListHierarchiesRequest {
                    parent: parent.clone(),
                    page_size,
                    page_token,
                    ..Default::default()
                };
                client.list_hierarchies(request).await
            })
            .await
        }
        HierarchiesCommand::Get { hierarchy } => {
            let request = GetHierarchyRequest { name: session.hierarchy(&hierarchy), ..Default::default() };
            let answer = client.get_hierarchy(request).await?.into_inner();
            session.screen.show(&answer.hierarchy.unwrap_or_default(), show_hierarchy)
        }
        HierarchiesCommand::Update { hierarchy, display_name } => {
            let name = session.hierarchy(&hierarchy);
            let hierarchy = Hierarchy { name, display_name, ..Default::default() };
            let request = UpdateHierarchyRequest { hierarchy: Some(hierarchy), ..Default::default() };
            let answer = client.update_hierarchy(request).await?.into_inner();
            session.screen.show(&answer.hierarchy.unwrap_or_default(), show_hierarchy)
        }
    }
}

/// Does it.
pub(crate) async fn sites(command: SitesCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.hierarchies();
    match command {
        SitesCommand::List { hierarchy, limit } => {
            session.check_hierarchy(&hierarchy).await?;
            let parent = session.hierarchy(&hierarchy);
            let columns = ["SITE", "NAME", "VERSION", "ABOVE IT"].map(Column::Text);
            let rows = |page: &ListSitesResponse| page.sites.iter().map(site_row).collect();
            list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
                let request =
                    ListSitesRequest { parent: parent.clone(), page_size, page_token, ..Default::default() };
                client.list_sites(request).await
            })
            .await
        }
        SitesCommand::Get { hierarchy, site } => {
            let name = format!("{}/sites/{site}", session.hierarchy(&hierarchy));
            let answer = client.get_site(GetSiteRequest { name, ..Default::default() }).await?.into_inner();
            session.screen.show(&answer.site.unwrap_or_default(), show_site)
        }
        SitesCommand::Update { file } => {
            let mut site: Site = document::read(&file)?;
            site.name = format!("{}/{}", session.parent(), below_tenant(&file, &site.name)?);
            let request = UpdateSiteRequest { site: Some(site), ..Default::default() };
            let answer = client.update_site(request).await?.into_inner();
            session.screen.show(&answer.site.unwrap_or_default(), show_site)
        }
    }
}

/// What follows the tenant in a site's name.
fn below_tenant(file: &Path, name: &str) -> Result<String, CliError> {
    let [_, hierarchy, site] = document::ids(name, "tenants/{}/hierarchies/{}/sites/{}")
        .map_err(|reason| CliError::Usage(format!("{}: name: {reason}", file.display())))?;
    Ok(format!("hierarchies/{hierarchy}/sites/{site}"))
}

fn tenant_row(tenant: &Tenant) -> Row {
    vec![words::last_part(&tenant.name), words::text(&tenant.display_name)]
}

fn hierarchy_row(hierarchy: &Hierarchy) -> Row {
    vec![words::last_part(&hierarchy.name), words::text(&hierarchy.display_name)]
}

fn site_row(site: &Site) -> Row {
    let facts = site.facts.clone().unwrap_or_default();
    let said = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    vec![words::last_part(&site.name), said(facts.display_name), said(facts.version), said(facts.parent)]
}

fn show_tenant(screen: &mut Screen<'_>, tenant: &Tenant) -> Result<(), CliError> {
    head(screen, "Tenant", &tenant.name, &tenant.display_name, &tenant.etag)?;
    facts(screen, &tenant.facts.clone().unwrap_or_default())
}

fn show_hierarchy(screen: &mut Screen<'_>, hierarchy: &Hierarchy) -> Result<(), CliError> {
    head(screen, "Hierarchy", &hierarchy.name, &hierarchy.display_name, &hierarchy.etag)
}

fn show_site(screen: &mut Screen<'_>, site: &Site) -> Result<(), CliError> {
    let facts_said = site.facts.clone().unwrap_or_default();
    head(screen, "Site", &site.name, facts_said.display_name.as_deref().unwrap_or_default(), &site.etag)?;
    facts(screen, &facts_said)
}

fn head(
    screen: &mut Screen<'_>,
    what: &str,
    name: &str,
    display_name: &str,
    etag: &str,
) -> Result<(), CliError> {
    screen.details(vec![
        [what.to_owned(), name.to_owned()],
        ["Name".to_owned(), words::text(display_name)],
        ["Etag".to_owned(), words::text(etag)],
    ])
}

/// Every fact that somebody said, read by reflection, so that a fact that the contracts gain is shown without a line here.
fn facts<M: Named>(screen: &mut Screen<'_>, facts: &M) -> Result<(), CliError> {
    let message = dynamic(facts)?;
    let mut said: Vec<(u32, Row)> = Vec::new();
    for (field, value) in message.fields() {
        for (key, text) in entries(&field, value)? {
            said.push((field.number(), vec![format!("{}{key}", field.name()), text]));
        }
    }
    said.sort();
    let rows = said.into_iter().map(|(_, row)| row).collect();
    screen.section("Facts", &["FACT", "VALUE"].map(Column::Text), rows)
}

/// A fact, or each entry of a map of facts after its key.
fn entries(field: &FieldDescriptor, value: &Value) -> Result<Vec<(String, String)>, CliError> {
    let Value::Map(entries) = value else { return Ok(vec![(String::new(), text(field, value)?)]) };
    let kind = field.kind();
    let of = kind.as_message().map(|entry| entry.map_entry_value_field());
    let shown = entries.iter().map(|(key, value)| {
        let key = format!(".{}", key.as_str().unwrap_or_default());
        Ok((key, text(of.as_ref().unwrap_or(field), value)?))
    });
    shown.collect()
}

fn text(field: &FieldDescriptor, value: &Value) -> Result<String, CliError> {
    Ok(match value {
        Value::Bool(holds) => words::yes_no(*holds),
        Value::String(said) => said.clone(),
        Value::EnumNumber(number) => words::enumeration(field, *number),
        Value::U32(number) => number.to_string(),
        // An attestation.
        Value::Message(message) => json::text(message)?,
        // No fact has another type; the next one that does is shown as it is.
        other => format!("{other:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::r#type::v1::{SiteFacts, TenantFacts};

    #[test]
    fn site_is_shown_with_every_fact_that_was_said() {
        let facts = SiteFacts {
            display_name: Some("Primary site Oslo".into()),
            version: Some("5.00.9141.1000".into()),
            cmg_present: Some(false),
            client_auth: 1,
            ..Default::default()
        };
        let site =
            Site { name: "tenants/t/hierarchies/PS1/sites/PS1".into(), facts: Some(facts), etag: "4".into() };
        assert_eq!(site_row(&site), ["PS1", "Primary site Oslo", "5.00.9141.1000", "–"]);
        let expected = [
            " Site  tenants/t/hierarchies/PS1/sites/PS1",
            " Name  Primary site Oslo",
            " Etag  4",
            "",
            "Facts",
            " FACT           VALUE",
            "──────────────────────────────────",
            " display_name   Primary site Oslo",
            " version        5.00.9141.1000",
            " cmg_present    no",
            " client_auth    entra",
            "",
        ];
        assert_eq!(shown(Output::Table, |screen| screen.show(&site, show_site)), expected.join("\n"));
    }

    #[test]
    fn tenant_is_shown_with_the_entries_of_its_maps() {
        let facts = TenantFacts {
            intune_license_count: Some(500),
            authority_texts: [("Microsoft Intune".to_owned(), 2)].into(),
            ..Default::default()
        };
        let tenant = Tenant {
            name: "tenants/t".into(),
            display_name: "Contoso".into(),
            facts: Some(facts),
            etag: "1".into(),
        };
        assert_eq!(tenant_row(&tenant), ["t", "Contoso"]);
        let text = shown(Output::Table, |screen| screen.show(&tenant, show_tenant));
        let expected = [
            " Tenant  tenants/t",
            " Name    Contoso",
            " Etag    1",
            "",
            "Facts",
            " FACT                               VALUE",
            "───────────────────────────────────────────",
            " intune_license_count               500",
            " authority_texts.Microsoft Intune   intune",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn name_of_a_site_is_taken_without_its_tenant() {
        let file = Path::new("site.toml");
        let found = below_tenant(file, "tenants/other/hierarchies/PS1/sites/EU1").unwrap();
        assert_eq!(found, "hierarchies/PS1/sites/EU1");
        let error = below_tenant(file, "PS1").unwrap_err();
        let expected = "site.toml: name: expected tenants/ID/hierarchies/ID/sites/ID, found `PS1`";
        assert_eq!((error.exit_code(), error.line().as_deref()), (2, Some(expected)));
    }
}
