//! `tandem devices`: what the inventory knows of devices.

use tandem_contracts::convert::number;
use tandem_contracts::inventory::v1::{
    Device, GetDeviceRequest, ListDevicesRequest, ListDevicesResponse, ListIdentityConflictsRequest,
    ListIdentityConflictsResponse, LookupDeviceRequest,
};
use tandem_contracts::r#type::v1::{DeviceKey, OsVersion};
use tandem_domain::facts::JoinType;
use tandem_domain::identity::KeyKind;
use tandem_domain::state::ManagementState;

use super::device_facts;
use super::failure::CliError;
use super::filter::FilterArgs;
use super::listing::{Limit, list};
use super::names::Names;
use super::screen::{Column, Row, Screen};
use super::session::{DeviceRef, Session};
use super::words::{self, NOTHING};

/// What to ask about devices.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DevicesCommand {
    /// List devices
    List {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a device: its keys, and every fact with the source that said it
    Get {
        /// The device's id, its resource name, or the name that it shows
        #[arg(value_name = "NAME|ID")]
        device: DeviceRef,
    },
    /// Find the device that holds a key
    Lookup {
        /// What the value is
        #[arg(value_parser = words::key_kinds())]
        kind: KeyKind,
        /// The key, in any usual spelling
        value: String,
    },
    /// List keys that two records claim, newest first
    Conflicts {
        #[command(flatten)]
        limit: Limit,
    },
}

/// Answers.
pub(crate) async fn run(command: DevicesCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        DevicesCommand::List { filter, limit } => show_list(&filter, limit, session).await,
        DevicesCommand::Get { device } => {
            let request = GetDeviceRequest { name: session.device(&device).await?, ..Default::default() };
            let answer = session.connection.devices().get_device(request).await?.into_inner();
            session.screen.show(&answer.device.unwrap_or_default(), show_device)
        }
        DevicesCommand::Lookup { kind, value } => {
            let key = Some(DeviceKey { kind: number(kind), value });
            let request = LookupDeviceRequest { parent: session.parent(), key, ..Default::default() };
            let answer = session.connection.devices().lookup_device(request).await?.into_inner();
            session.screen.show(&answer.device.unwrap_or_default(), show_device)
        }
        DevicesCommand::Conflicts { limit } => show_conflicts(limit, session).await,
    }
}

const COLUMNS: [Column; 7] = [
    Column::Text("DEVICE"),
    Column::Text("NAME"),
    Column::Text("STATE"),
    Column::Text("HIERARCHY"),
    Column::Text("SITE"),
    Column::Text("JOIN"),
    Column::Text("WINDOWS"),
];

async fn show_list(filter: &FilterArgs, limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    filter.check(session).await?;
    let (parent, filter) = (session.parent(), filter.message(&session.tenant));
    let mut client = session.connection.devices();
    let rows = |page: &ListDevicesResponse| page.devices.iter().map(row).collect();
    list(&mut session.screen, limit, &COLUMNS, rows, async |page_size, page_token| {
        let (parent, filter) = (parent.clone(), filter.clone());
        let request = ListDevicesRequest { parent, filter, page_size, page_token, ..Default::default() };
        client.list_devices(request).await
    })
    .await
}

/// A device on one line.
fn row(device: &Device) -> Row {
    let facts = device.facts.clone().unwrap_or_default();
    vec![
        words::last_part(&device.name),
        facts.display_name.unwrap_or_else(|| NOTHING.to_owned()),
        words::word(device.state, ManagementState::id).to_owned(),
        words::text(&facts.hierarchy),
        facts.site.unwrap_or_else(|| NOTHING.to_owned()),
        words::word(facts.join_type, JoinType::id).to_owned(),
        facts.os_version.as_ref().map_or_else(|| NOTHING.to_owned(), windows),
    ]
}

/// A Windows version by its name where it has one, else by its numbers.
pub(super) fn windows(version: &OsVersion) -> String {
    let version = tandem_domain::facts::OsVersion {
        major: version.major,
        minor: version.minor,
        build: version.build,
        revision: version.revision,
    };
    tandem_domain::windows::os_version_name(version).unwrap_or_else(|| version.to_string())
}

fn show_device(screen: &mut Screen<'_>, device: &Device) -> Result<(), CliError> {
    let facts = device.facts.clone().unwrap_or_default();
    screen.details(vec![
        ["Device".to_owned(), device.name.clone()],
        ["Name".to_owned(), facts.display_name.clone().unwrap_or_else(|| NOTHING.to_owned())],
        ["State".to_owned(), words::word(device.state, ManagementState::id).to_owned()],
        ["Revision".to_owned(), device.revision.to_string()],
    ])?;
    let keys = device.keys.iter();
    let keys = keys.map(|key| vec![words::word(key.kind, KeyKind::id).to_owned(), key.value.clone()]);
    screen.section("Keys", &[Column::Text("KIND"), Column::Text("VALUE")], keys.collect())?;
    let columns = ["RECORD", "SOURCE", "CLASS OR ENTITY", "KEY", "OBSERVED AT"].map(Column::Text);
    screen.section("Records", &columns, device_facts::records(&facts))?;
    let columns = ["FACT", "VALUE", "RECORD"].map(Column::Text);
    screen.section("Facts", &columns, device_facts::rows(&facts)?)
}

async fn show_conflicts(limit: Limit, session: &mut Session<'_>) -> Result<(), CliError> {
    let (parent, names) = (session.parent(), Names::of(session));
    let mut client = session.connection.devices();
    let columns = [
        "KEY",
        "VALUE",
        "HOLDER",
        "ITS NAME",
        "CLAIMED BY",
        "ITS NAME",
        "ITS RECORD",
        "FIRST SEEN",
        "EXPLANATION",
    ]
    .map(Column::Text);
    let rows = |page: &ListIdentityConflictsResponse| conflicts(page, &names);
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListIdentityConflictsRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            ..Default::default()
        };
        let answer = client.list_identity_conflicts(request).await?;
        let devices = answer.get_ref().conflicts.iter();
        names
            .learn(devices.flat_map(|conflict| [conflict.holder.as_str(), conflict.claimant.as_str()]))
            .await?;
        Ok(answer)
    })
    .await
}

fn conflicts(page: &ListIdentityConflictsResponse, names: &Names) -> Vec<Row> {
    let rows = page.conflicts.iter().map(|conflict| {
        let key = conflict.key.clone().unwrap_or_default();
        vec![
            words::word(key.kind, KeyKind::id).to_owned(),
            key.value,
            words::last_part(&conflict.holder),
            names.shown(&conflict.holder),
            words::text(&words::last_part(&conflict.claimant)),
            names.shown(&conflict.claimant),
            format!("{} {}", conflict.claimant_source, conflict.claimant_record),
            words::moment(conflict.first_seen),
            conflict.explanation.clone(),
        ]
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::inventory::v1::IdentityConflict;
    use tandem_contracts::r#type::v1::DeviceFacts;

    #[test]
    fn device_is_shown_in_the_words_of_the_assessment() {
        let facts = DeviceFacts {
            display_name: Some("OSL-LT-0417".into()),
            hierarchy: "PS1".into(),
            site: Some("PS1".into()),
            join_type: 4,
            // Windows 11 24H2 is build 26100.
            os_version: Some(OsVersion { major: 10, minor: 0, build: Some(26100), revision: Some(4349) }),
            ..Default::default()
        };
        let device = Device {
            name: "tenants/t/devices/d1".into(),
            state: 3,
            facts: Some(facts),
            ..Default::default()
        };
        let expected =
            ["d1", "OSL-LT-0417", "co_managed", "PS1", "PS1", "hybridAzureADJoined", "Windows 11 24H2"];
        assert_eq!(row(&device), expected);
    }

    #[test]
    fn device_of_which_little_is_known_has_signs_for_nothing() {
        let device = Device { name: "tenants/t/devices/d1".into(), state: 1, ..Default::default() };
        assert_eq!(row(&device), ["d1", "–", "unknown", "–", "–", "–", "–"]);
    }

    #[test]
    fn conflict_names_holder_and_claimant() {
        let conflict = IdentityConflict {
            key: Some(DeviceKey { kind: 5, value: "5CG1234ABC".into() }),
            holder: "tenants/t/devices/d1".into(),
            claimant: "tenants/t/devices/d2".into(),
            claimant_source: "configmgr/PS1".into(),
            claimant_record: "PS1/16777301".into(),
            explanation: "two records of one source".into(),
            first_seen: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
        };
        let page = ListIdentityConflictsResponse { conflicts: vec![conflict], ..Default::default() };
        let expected = [
            "serial_number",
            "5CG1234ABC",
            "d1",
            "OSL-LT-0417",
            "d2",
            "–",
            "configmgr/PS1 PS1/16777301",
            "2025-11-20T12:00:00Z",
            "two records of one source",
        ];
        let names = Names::known([("tenants/t/devices/d1", "OSL-LT-0417")]);
        assert_eq!(conflicts(&page, &names), [expected]);
    }
}
