//! Which devices: the options that every verb about many devices takes.

use tandem_contracts::convert::number;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::facts::{JoinType, OsKind};
use tandem_domain::id::{HierarchyId, SiteCode, TenantId};
use tandem_domain::section::Source;
use tandem_domain::state::ManagementState;

use super::failure::CliError;
use super::session::{CollectionRef, Session};
use super::words;

/// Every option that is given must hold; of one option's values any may.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Which devices")]
pub(crate) struct FilterArgs {
    /// In this management state; may be repeated
    #[arg(long = "state", value_name = "STATE", value_parser = words::states())]
    states: Vec<ManagementState>,
    /// Managed by this hierarchy; may be repeated
    #[arg(long = "hierarchy", value_name = "HIERARCHY")]
    hierarchies: Vec<HierarchyId>,
    /// Assigned to the site of this code; may be repeated
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<SiteCode>,
    /// Member of this collection: ID, HIERARCHY/ID or its resource name; may be repeated
    #[arg(long = "collection", value_name = "NAME")]
    collections: Vec<CollectionRef>,
    /// Known to this source: configmgr/HIERARCHY, intune, entra or probe; may be repeated
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<Source>,
    /// The device's name contains this, whatever its case
    #[arg(long, value_name = "TEXT")]
    name_contains: Option<String>,
    /// Joined in this way; may be repeated
    #[arg(long = "join-type", value_name = "TYPE", value_parser = words::join_types())]
    join_types: Vec<JoinType>,
    /// Of this kind of system; may be repeated
    #[arg(long = "os-kind", value_name = "KIND", value_parser = words::os_kinds())]
    os_kinds: Vec<OsKind>,
    /// With the Configuration Manager client, or without it
    #[arg(long, value_name = "BOOL")]
    client_installed: Option<bool>,
}

impl FilterArgs {
    /// As a message; `None`, every device, without options.
    pub(crate) fn message(&self, tenant: &TenantId) -> Option<DeviceFilter> {
        if *self == Self::default() {
            return None;
        }
        Some(DeviceFilter {
            states: self.states.iter().copied().map(number).collect(),
            hierarchies: self.hierarchies.iter().map(ToString::to_string).collect(),
            sites: self.sites.iter().map(ToString::to_string).collect(),
            collections: self.collections.iter().map(|collection| collection.name(tenant)).collect(),
            sources: self.sources.iter().map(ToString::to_string).collect(),
            display_name_contains: self.name_contains.clone().unwrap_or_default(),
            join_types: self.join_types.iter().copied().map(number).collect(),
            os_kinds: self.os_kinds.iter().copied().map(number).collect(),
            client_installed: self.client_installed,
        })
    }
}

impl FilterArgs {
    /// Fails when a name is asked for that nothing has: the answer would be empty, and no script would notice a slip.
    pub(crate) async fn check(&self, session: &Session<'_>) -> Result<(), CliError> {
        let of_sources = self.sources.iter().filter_map(Source::hierarchy);
        for hierarchy in self.hierarchies.iter().chain(of_sources) {
            session.check_hierarchy(hierarchy).await?;
        }
        for collection in &self.collections {
            session.check_collection(collection).await?;
        }
        for site in &self.sites {
            session.check_site(site).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        filter: FilterArgs,
    }

    fn message(args: &[&str]) -> Option<DeviceFilter> {
        let args = std::iter::once("tandem").chain(args.iter().copied());
        Alone::try_parse_from(args).unwrap().filter.message(&TenantId::parse("t").unwrap())
    }

    #[test]
    fn filter_without_options_is_every_device() {
        assert_eq!(message(&[]), None);
    }

    #[test]
    fn every_option_becomes_its_field() {
        let args = [
            "--state=co_managed",
            "--state=failed",
            "--hierarchy=PS1",
            "--site=PS1",
            "--collection=pilot",
            "--collection=PS1/PS100042",
            "--source=configmgr/PS1",
            "--source=intune",
            "--name-contains=OSL",
            "--join-type=hybridAzureADJoined",
            "--os-kind=server",
            "--client-installed=false",
        ];
        let expected = DeviceFilter {
            states: vec![3, 8],
            hierarchies: vec!["PS1".into()],
            sites: vec!["PS1".into()],
            collections: vec![
                "tenants/t/collections/pilot".into(),
                "tenants/t/hierarchies/PS1/collections/PS100042".into(),
            ],
            sources: vec!["configmgr/PS1".into(), "intune".into()],
            display_name_contains: "OSL".into(),
            join_types: vec![4],
            os_kinds: vec![2],
            client_installed: Some(false),
        };
        assert_eq!(message(&args), Some(expected));
    }

    #[test]
    fn option_that_breaks_its_shape_is_refused_with_what_was_expected() {
        let refused = |arg: &str| Alone::try_parse_from(["tandem", arg]).err().unwrap().to_string();
        assert!(refused("--site=PS10").contains("site code must be three letters or digits; found \"PS10\""));
        assert!(
            refused("--source=jamf").contains("source must be configmgr/<hierarchy>, intune, entra or probe")
        );
        assert!(refused("--state=managed").contains("[possible values: unmanaged, unknown, client_only,"));
    }
}
