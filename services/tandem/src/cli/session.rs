//! What a command that asks a server works with: the connection, the tenant, the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::BufRead;
use std::path::Path;
use std::str::FromStr;

use tandem_client::{Addresses, Connection, TlsFiles};
use tandem_contracts::inventory::v1::{
    BatchGetDevicesRequest, Device, GetCollectionRequest, GetHierarchyRequest, GetSurroundingsRequest,
    GetTenantRequest, ListDevicesRequest,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{CollectionId, HierarchyId, InvalidId, SiteCode, TenantId};
use tonic::Status;

use super::failure::CliError;
use super::screen::Screen;

/// Candidates that an ambiguous name is answered with: enough to choose from.
const CANDIDATES: usize = 5;

/// Devices of one question: the contract's maximum.
const DEVICES_AT_ONCE: usize = 1000;

/// A command at work.
pub(crate) struct Session<'a> {
    pub(crate) connection: Connection,
    pub(crate) tenant: TenantId,
    pub(crate) screen: Screen<'a>,
    /// Who can be asked; `None`: nobody.
    pub(crate) person: Option<Box<dyn BufRead + 'a>>,
}

/// A device as people write it: its resource name, its id, or the name that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceRef {
    Name(String),
    Id(String),
    DisplayName(String),
}

impl FromStr for DeviceRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            _ if text.starts_with("tenants/") => Self::Name(text.to_owned()),
            _ if is_uuid(text) => Self::Id(text.to_ascii_lowercase()),
            _ => Self::DisplayName(text.to_owned()),
        })
    }
}

/// The inventory gives out UUIDs; nobody names a device like that.
fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match dashes.contains(&place) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}

/// A collection as people write it: one of Tandem's own by its id, an imported one as `HIERARCHY/ID`, or the resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CollectionRef {
    Name(String),
    Own(CollectionId),
    Imported(HierarchyId, CollectionId),
}

impl FromStr for CollectionRef {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.starts_with("tenants/") {
            return Ok(Self::Name(text.to_owned()));
        }
        match text.split_once('/') {
            Some((hierarchy, id)) => {
                Ok(Self::Imported(HierarchyId::parse(hierarchy)?, CollectionId::parse(id)?))
            }
            None => CollectionId::parse(text).map(Self::Own),
        }
    }
}

impl CollectionRef {
    /// The resource name.
    pub(crate) fn name(&self, tenant: &TenantId) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Own(id) => format!("tenants/{tenant}/collections/{id}"),
            Self::Imported(hierarchy, id) => {
                format!("tenants/{tenant}/hierarchies/{hierarchy}/collections/{id}")
            }
        }
    }
}

impl Session<'_> {
    /// The tenant's resource name.
    pub(crate) fn parent(&self) -> String {
        format!("tenants/{}", self.tenant)
    }

    /// A hierarchy's resource name.
    pub(crate) fn hierarchy(&self, hierarchy: &HierarchyId) -> String {
        format!("tenants/{}/hierarchies/{hierarchy}", self.tenant)
    }

    /// Fails when the tenant is not there: a list below nothing would be empty.
    pub(crate) async fn check_tenant(&self) -> Result<(), CliError> {
        self.connection
            .tenants()
            .get_tenant(GetTenantRequest { name: self.parent(), ..Default::default() })
            .await?;
        Ok(())
    }

    /// Fails when the hierarchy is not there.
    pub(crate) async fn check_hierarchy(&self, hierarchy: &HierarchyId) -> Result<(), CliError> {
        let request = GetHierarchyRequest { name: self.hierarchy(hierarchy), ..Default::default() };
        self.connection.hierarchies().get_hierarchy(request).await?;
        Ok(())
    }

    /// Fails when the collection is not there.
    pub(crate) async fn check_collection(&self, collection: &CollectionRef) -> Result<(), CliError> {
        let request = GetCollectionRequest { name: collection.name(&self.tenant), ..Default::default() };
        self.connection.collections().get_collection(request).await?;
        Ok(())
    }

    /// Fails when no hierarchy has a site of that code, and no device is assigned to one.
    pub(crate) async fn check_site(&self, site: &SiteCode) -> Result<(), CliError> {
        let filter = DeviceFilter { sites: vec![site.to_string()], ..DeviceFilter::default() };
        let request = ListDevicesRequest {
            parent: self.parent(),
            filter: Some(filter),
            page_size: 1,
            ..ListDevicesRequest::default()
        };
        if !self.connection.devices().list_devices(request).await?.into_inner().devices.is_empty() {
            return Ok(());
        }
        let request =
            GetSurroundingsRequest { parent: self.parent(), known_revision: 0, ..Default::default() };
        let answer = self.connection.tenants().get_surroundings(request).await?.into_inner();
        match answer.hierarchies.iter().any(|hierarchy| hierarchy.sites.contains_key(site.as_str())) {
            true => Ok(()),
            false => Err(CliError::NotFound(format!(
                "no hierarchy of {} has a site `{site}`; `tandem sites list HIERARCHY` shows what is there",
                self.parent()
            ))),
        }
    }

    /// The resource name of a device; asks the server only about names that devices show.
    pub(crate) async fn device(&self, device: &DeviceRef) -> Result<String, CliError> {
        match device {
            DeviceRef::Name(name) => Ok(name.clone()),
            DeviceRef::Id(id) => Ok(format!("tenants/{}/devices/{id}", self.tenant)),
            DeviceRef::DisplayName(shown) => the_only(shown, self.named(shown).await?, &self.parent()),
        }
    }

    /// Devices that show exactly this name, whatever its case: up to one more than [`CANDIDATES`].
    async fn named(&self, shown: &str) -> Result<Vec<Device>, CliError> {
        let mut client = self.connection.devices();
        let filter = DeviceFilter { display_name_contains: shown.to_owned(), ..DeviceFilter::default() };
        let mut request = ListDevicesRequest {
            parent: self.parent(),
            filter: Some(filter),
            page_size: 1000,
            ..ListDevicesRequest::default()
        };
        let mut found = Vec::new();
        loop {
            let page = client.list_devices(request.clone()).await?.into_inner();
            found.extend(page.devices.into_iter().filter(|device| shows(device, shown)));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() || found.len() > CANDIDATES {
                found.truncate(CANDIDATES + 1);
                return Ok(found);
            }
        }
    }
}

/// The names that these devices show, by resource name; a device that shows none, or is gone, is left out.
pub(crate) async fn shown_names<'a>(
    connection: &Connection,
    parent: &str,
    devices: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, Status> {
    let devices: BTreeSet<&str> = devices.filter(|device| !device.is_empty()).collect();
    let devices: Vec<String> = devices.into_iter().map(str::to_owned).collect();
    let mut names = BTreeMap::new();
    for devices in devices.chunks(DEVICES_AT_ONCE) {
        let request = BatchGetDevicesRequest {
            parent: parent.to_owned(),
            names: devices.to_vec(),
            ..BatchGetDevicesRequest::default()
        };
        let answer = connection.devices().batch_get_devices(request).await?.into_inner();
        names.extend(
            answer.devices.into_iter().filter_map(|device| Some((device.name, device.facts?.display_name?))),
        );
    }
    Ok(names)
}

fn shows(device: &Device, name: &str) -> bool {
    let said = device.facts.as_ref().and_then(|facts| facts.display_name.as_ref());
    said.is_some_and(|said| said.to_lowercase() == name.to_lowercase())
}

/// The one device of that name: names are not unique, and a guess could act on the wrong device.
fn the_only(shown: &str, found: Vec<Device>, parent: &str) -> Result<String, CliError> {
    match &found[..] {
        [] => Err(CliError::NotFound(format!(
            "no device of {parent} shows the name `{shown}`; `tandem devices list --name-contains TEXT` finds names"
        ))),
        [only] => Ok(only.name.clone()),
        several => {
            let names: Vec<&str> =
                several.iter().take(CANDIDATES).map(|device| device.name.as_str()).collect();
            let more = if several.len() > CANDIDATES { " and more" } else { "" };
            Err(CliError::Failed(format!(
                "expected one device that shows the name `{shown}`, found {}{more}; say which by its id",
                names.join(", ")
            )))
        }
    }
}

/// Where a system is: at one address, or each of its services at its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerAddress {
    One(String),
    Each { inventory: String, prerequisites: String, authority: String, monitoring: String },
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains('=') {
            return Ok(Self::One(text.to_owned()));
        }
        let mut named = BTreeMap::new();
        for part in text.split(',') {
            let (service, url) =
                part.split_once('=').ok_or_else(|| format!("expected SERVICE=URL, found `{part}`"))?;
            if named.insert(service.trim(), url.trim()).is_some() {
                return Err(format!("{service} has two addresses"));
            }
        }
        let mut take = |service: &str| {
            let url = named.remove(service).ok_or_else(|| format!("{service} has no address"))?;
            Ok::<_, String>(url.to_owned())
        };
        let each = Self::Each {
            inventory: take("inventory")?,
            prerequisites: take("prerequisites")?,
            authority: take("authority")?,
            monitoring: take("monitoring")?,
        };
        match named.keys().next() {
            None => Ok(each),
            Some(other) => {
                Err(format!("expected inventory, prerequisites, authority and monitoring, found `{other}`"))
            }
        }
    }
}

/// Connects, with the token of a file if there is one. The token itself is never on the command line, where others see it.
pub(crate) async fn connect(
    server: &ServerAddress,
    token_file: Option<&Path>,
    tls: &TlsFiles,
) -> Result<Connection, CliError> {
    let token = token_file.map(read_token).transpose()?;
    let connection = match server {
        ServerAddress::One(address) => Connection::connect(address, tls).await?,
        ServerAddress::Each { inventory, prerequisites, authority, monitoring } => {
            let addresses = Addresses { inventory, prerequisites, authority, monitoring };
            Connection::connect_lazy_each(&addresses, tls)?
        }
    };
    Ok(match token {
        Some(token) => connection.with_token(&token)?,
        None => connection,
    })
}

fn read_token(file: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        CliError::Failed(format!("cannot read the token file {}: {error}", file.display()))
    })?;
    match text.trim() {
        "" => Err(CliError::Failed(format!("expected a token in {}, found nothing", file.display()))),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::r#type::v1::DeviceFacts;

    #[test]
    fn server_is_one_address_or_one_of_each_service() {
        let one = ServerAddress::One("http://127.0.0.1:50051".into());
        assert_eq!("http://127.0.0.1:50051".parse(), Ok(one));
        let each = "inventory=http://i:1,prerequisites=http://p:2,authority=http://a:3,monitoring=http://m:4";
        let expected = ServerAddress::Each {
            inventory: "http://i:1".into(),
            prerequisites: "http://p:2".into(),
            authority: "http://a:3".into(),
            monitoring: "http://m:4".into(),
        };
        assert_eq!(each.parse(), Ok(expected));
        for (text, why) in [
            ("inventory=http://i:1", "prerequisites has no address"),
            ("inventory=http://i:1,inventory=http://i:2", "inventory has two addresses"),
            ("inventory=http://i:1,http://p:2", "expected SERVICE=URL, found `http://p:2`"),
        ] {
            assert_eq!(text.parse::<ServerAddress>(), Err(why.to_owned()));
        }
        let other = format!("{each},web=http://w:5");
        let why = "expected inventory, prerequisites, authority and monitoring, found `web`";
        assert_eq!(other.parse::<ServerAddress>(), Err(why.to_owned()));
    }

    const ID: &str = "0b5e7a52-6d0c-5c39-9a51-6f3f2f0d9a11";

    fn device(id: &str, name: &str) -> Device {
        let facts = DeviceFacts { display_name: Some(name.to_owned()), ..DeviceFacts::default() };
        Device { name: format!("tenants/t/devices/{id}"), facts: Some(facts), ..Device::default() }
    }

    #[test]
    fn device_is_told_by_the_shape_of_the_text() {
        let name = format!("tenants/t/devices/{ID}");
        assert_eq!(name.parse(), Ok(DeviceRef::Name(name.clone())));
        assert_eq!(ID.to_uppercase().parse(), Ok(DeviceRef::Id(ID.to_owned())));
        assert_eq!("OSL-LT-0417".parse(), Ok(DeviceRef::DisplayName("OSL-LT-0417".to_owned())));
    }

    #[test]
    fn collection_is_told_by_the_shape_of_the_text() {
        let tenant = TenantId::parse("t").unwrap();
        let name = |text: &str| CollectionRef::from_str(text).unwrap().name(&tenant);
        assert_eq!(name("pilot"), "tenants/t/collections/pilot");
        assert_eq!(name("PS1/PS100042"), "tenants/t/hierarchies/PS1/collections/PS100042");
        assert_eq!(name("tenants/u/collections/x"), "tenants/u/collections/x");
        assert!(CollectionRef::from_str("PS1/").is_err());
    }

    #[test]
    fn name_that_one_device_shows_is_that_device() {
        assert!(shows(&device("a", "OSL-LT-0417"), "osl-lt-0417"));
        assert!(!shows(&device("a", "OSL-LT-0417"), "OSL-LT-041"));
        let found = the_only("OSL-LT-0417", vec![device("a", "OSL-LT-0417")], "tenants/t");
        assert_eq!(found.unwrap(), "tenants/t/devices/a");
    }

    #[test]
    fn name_that_several_or_no_devices_show_is_never_guessed() {
        let found = vec![device("a", "X"), device("b", "x")];
        let error = the_only("X", found, "tenants/t").unwrap_err();
        let expected = "expected one device that shows the name `X`, found tenants/t/devices/a, tenants/t/devices/b; \
                        say which by its id";
        assert_eq!((error.exit_code(), error.line().as_deref()), (1, Some(expected)));
        let error = the_only("X", Vec::new(), "tenants/t").unwrap_err();
        let expected = "no device of tenants/t shows the name `X`; `tandem devices list --name-contains TEXT` finds names";
        assert_eq!((error.exit_code(), error.line().as_deref()), (4, Some(expected)));
    }

    #[test]
    fn token_is_read_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "open-sesame\n").unwrap();
        assert_eq!(read_token(&file).unwrap(), "open-sesame");
        std::fs::write(&file, "\n").unwrap();
        let expected = format!("expected a token in {}, found nothing", file.display());
        assert_eq!(read_token(&file).unwrap_err().line(), Some(expected));
    }
}
