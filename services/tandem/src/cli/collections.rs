//! `tandem collections`: those of the hierarchies, and Tandem's own.

use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, DeleteCollectionRequest, DeleteCollectionResponse,
    GetCollectionRequest, ListCollectionMembersRequest, ListCollectionMembersResponse,
    ListCollectionsRequest, ListCollectionsResponse, UpdateCollectionMembersRequest, UpdateCollectionRequest,
};
use tandem_domain::id::{CollectionId, HierarchyId};

use super::failure::CliError;
use super::filter::FilterArgs;
use super::json::line;
use super::listing::{Limit, list};
use super::names::Names;
use super::screen::{Column, Row, Screen};
use super::session::{CollectionRef, DeviceRef, Session};
use super::words::{self, NOTHING};

/// Devices of one change: the contract's maximum.
const DEVICES_AT_ONCE: usize = 1000;

/// What to do with collections.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CollectionsCommand {
    /// List Tandem's own collections, or those of a hierarchy
    List {
        /// The hierarchy; unset: Tandem's own
        #[arg(long)]
        hierarchy: Option<HierarchyId>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a collection
    Get {
        /// ID of one of Tandem's own, HIERARCHY/ID, or a resource name
        collection: CollectionRef,
    },
    /// List a collection's members
    Members {
        /// ID of one of Tandem's own, HIERARCHY/ID, or a resource name
        collection: CollectionRef,
        #[command(flatten)]
        limit: Limit,
    },
    /// Make a collection: of the devices that the options describe, or of those that are added later
    Create {
        /// Its id
        id: CollectionId,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        #[command(flatten)]
        rule: FilterArgs,
    },
    /// Change the name or the rule of one of Tandem's own collections
    Update {
        /// Its id
        id: CollectionId,
        /// Its new name for people; unset: as before
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// The devices that the rule describes from now on; without any of these options the rule stays
        #[command(flatten)]
        rule: FilterArgs,
    },
    /// Add devices to one of Tandem's own collections
    Add(Members),
    /// Remove devices that were added to one of Tandem's own collections
    Remove(Members),
    /// Delete one of Tandem's own collections; its devices stay
    Delete {
        /// Its id or resource name
        collection: CollectionRef,
    },
}

/// A collection, and devices to put in or take out.
#[derive(Debug, clap::Args)]
pub(crate) struct Members {
    /// ID or resource name
    collection: CollectionRef,
    /// Ids, resource names, or the names that the devices show
    #[arg(required = true, value_name = "DEVICE")]
    devices: Vec<DeviceRef>,
}

/// Does it.
pub(crate) async fn run(command: CollectionsCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        CollectionsCommand::List { hierarchy, limit } => show_list(hierarchy, limit, session).await,
        CollectionsCommand::Get { collection } => {
            let request =
                GetCollectionRequest { name: collection.name(&session.tenant), ..Default::default() };
            let answer = session.connection.collections().get_collection(request).await?.into_inner();
            session.screen.show(&answer.collection.unwrap_or_default(), show_collection)
        }
        CollectionsCommand::Members { collection, limit } => show_members(&collection, limit, session).await,
        CollectionsCommand::Create { id, display_name, rule } => {
            create(&id, display_name.unwrap_or_default(), &rule, session).await
        }
        CollectionsCommand::Update { id, display_name, rule } => {
            update(&id, display_name, &rule, session).await
        }
        CollectionsCommand::Add(members) => change(members, session, |add, request| request.add = add).await,
        CollectionsCommand::Remove(members) => {
            change(members, session, |remove, request| request.remove = remove).await
        }
        CollectionsCommand::Delete { collection } => delete(&collection, session).await,
    }
}

async fn show_list(
    hierarchy: Option<HierarchyId>,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    if let Some(hierarchy) = &hierarchy {
        session.check_hierarchy(hierarchy).await?;
    }
    let parent = hierarchy.map_or_else(|| session.parent(), |hierarchy| session.hierarchy(&hierarchy));
    let mut client = session.connection.collections();
    let columns = [
        Column::Text("COLLECTION"),
        Column::Text("NAME"),
        Column::Text("LIMITED TO"),
        Column::Number("SITE'S COUNT"),
        Column::Text("MEMBERS KNOWN"),
        Column::Text("RULE"),
    ];
    let rows = |page: &ListCollectionsResponse| page.collections.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request =
            ListCollectionsRequest { parent: parent.clone(), page_size, page_token, ..Default::default() };
        client.list_collections(request).await
    })
    .await
}

fn row(collection: &Collection) -> Row {
    vec![
        words::last_part(&collection.name),
        words::text(&collection.display_name),
        words::text(&collection.limiting_collection),
        collection.site_member_count.map_or_else(|| NOTHING.to_owned(), |count| count.to_string()),
        words::yes_no(is_own(collection) || collection.members_complete),
        rule(collection),
    ]
}

/// Tandem always knows the members of its own.
fn is_own(collection: &Collection) -> bool {
    !collection.name.contains("/hierarchies/")
}

/// The rule as the protobuf mapping writes it, without what it leaves open.
fn rule(collection: &Collection) -> String {
    let written = collection.rule.as_ref().and_then(|rule| {
        let holder = Collection { rule: Some(rule.clone()), ..Collection::default() };
        let written: serde_json::Value = serde_json::from_str(&line(&holder).ok()?).ok()?;
        let mut fields = written.get("rule")?.as_object()?.clone();
        fields.retain(|_, value| *value != serde_json::json!([]) && *value != serde_json::json!(""));
        Some(serde_json::Value::Object(fields).to_string())
    });
    written.unwrap_or_else(|| NOTHING.to_owned())
}

fn show_collection(screen: &mut Screen<'_>, collection: &Collection) -> Result<(), CliError> {
    let mut details = vec![
        ["Collection".to_owned(), collection.name.clone()],
        ["Name".to_owned(), words::text(&collection.display_name)],
        ["Rule".to_owned(), rule(collection)],
        ["Etag".to_owned(), words::text(&collection.etag)],
    ];
    if !is_own(collection) {
        let count =
            collection.site_member_count.map_or_else(|| NOTHING.to_owned(), |count| count.to_string());
        details.extend([
            ["Limited to".to_owned(), words::text(&collection.limiting_collection)],
            ["Site's count".to_owned(), count],
            ["Members known".to_owned(), words::yes_no(collection.members_complete)],
            ["Read at".to_owned(), words::moment(collection.observed_at)],
        ]);
    }
    screen.details(details)
}

async fn show_members(
    collection: &CollectionRef,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    session.check_collection(collection).await?;
    let (parent, names) = (collection.name(&session.tenant), Names::of(session));
    let mut client = session.connection.collections();
    let rows = |page: &ListCollectionMembersResponse| {
        page.devices.iter().map(|device| vec![words::last_part(device), names.shown(device)]).collect()
    };
    let columns = ["DEVICE", "NAME"].map(Column::Text);
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListCollectionMembersRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            ..Default::default()
        };
        let answer = client.list_collection_members(request).await?;
        names.learn(answer.get_ref().devices.iter().map(String::as_str)).await?;
        Ok(answer)
    })
    .await
}

async fn create(
    id: &CollectionId,
    display_name: String,
    rule: &FilterArgs,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let name = CollectionRef::Own(id.clone()).name(&session.tenant);
    let collection =
        Collection { name, display_name, rule: rule.message(&session.tenant), ..Collection::default() };
    let request = CreateCollectionRequest { collection: Some(collection), ..Default::default() };
    let answer = session.connection.collections().create_collection(request).await?.into_inner();
    session.screen.show(&answer.collection.unwrap_or_default(), show_collection)
}

/// Changes what was asked for; the rest stays as it is read here, and the etag refuses a change of somebody else meanwhile.
async fn update(
    id: &CollectionId,
    display_name: Option<String>,
    rule: &FilterArgs,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let rule = rule.message(&session.tenant);
    if display_name.is_none() && rule.is_none() {
        let expected = "expected --display-name or an option that says which devices, found neither";
        return Err(CliError::Usage(expected.to_owned()));
    }
    let mut client = session.connection.collections();
    let name = CollectionRef::Own(id.clone()).name(&session.tenant);
    let known = client
        .get_collection(GetCollectionRequest { name, ..Default::default() })
        .await?
        .into_inner()
        .collection;
    let mut collection = known.unwrap_or_default();
    collection.display_name = display_name.unwrap_or(collection.display_name);
    collection.rule = rule.or(collection.rule);
    let request = UpdateCollectionRequest { collection: Some(collection), ..Default::default() };
    let answer = client.update_collection(request).await?.into_inner();
    session.screen.show(&answer.collection.unwrap_or_default(), show_collection)
}

/// Changes members in as many requests as needed; doing it again is harmless.
async fn change(
    members: Members,
    session: &mut Session<'_>,
    put: impl Fn(Vec<String>, &mut UpdateCollectionMembersRequest),
) -> Result<(), CliError> {
    let name = members.collection.name(&session.tenant);
    let mut devices = Vec::with_capacity(members.devices.len());
    for device in &members.devices {
        devices.push(session.device(device).await?);
    }
    let mut client = session.connection.collections();
    let mut collection = Collection::default();
    for devices in devices.chunks(DEVICES_AT_ONCE) {
        let mut request = UpdateCollectionMembersRequest { name: name.clone(), ..Default::default() };
        put(devices.to_vec(), &mut request);
        let answer = client.update_collection_members(request).await?.into_inner();
        collection = answer.collection.unwrap_or_default();
    }
    session.screen.show(&collection, show_collection)
}

async fn delete(collection: &CollectionRef, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = collection.name(&session.tenant);
    let request = DeleteCollectionRequest { name: name.clone(), ..Default::default() };
    let answer: DeleteCollectionResponse =
        session.connection.collections().delete_collection(request).await?.into_inner();
    session.screen.show(&answer, |screen, _| screen.line(&format!("deleted {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::r#type::v1::DeviceFilter;

    #[test]
    fn imported_collection_is_shown_with_what_its_site_says() {
        let collection = Collection {
            name: "tenants/t/hierarchies/PS1/collections/PS100042".into(),
            display_name: "Pilot: compliance".into(),
            limiting_collection: "SMS00001".into(),
            site_member_count: Some(120),
            members_complete: false,
            ..Default::default()
        };
        assert_eq!(row(&collection), ["PS100042", "Pilot: compliance", "SMS00001", "120", "no", "–"]);
    }

    #[test]
    fn own_collection_is_shown_with_its_rule() {
        let rule = DeviceFilter {
            states: vec![3],
            display_name_contains: "OSL".into(),
            client_installed: Some(false),
            ..Default::default()
        };
        let collection =
            Collection { name: "tenants/t/collections/pilot".into(), rule: Some(rule), ..Default::default() };
        let rule = r#"{"clientInstalled":false,"displayNameContains":"OSL","states":["MANAGEMENT_STATE_CO_MANAGED"]}"#;
        assert_eq!(row(&collection), ["pilot", "–", "–", "–", "yes", rule]);
    }
}
