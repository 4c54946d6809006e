//! Changes that do not name themselves (`request_id`) while the service that makes them ends: each is made or not, as a whole, and its caller is
//! told which, or that it is not known.

use std::collections::{BTreeMap, BTreeSet};

use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::ListAuditRecordsRequest;
use tandem_contracts::inventory::v1::{Collection, CreateCollectionRequest, ListCollectionsRequest};
use tandem_contracts::r#type::v1::AuditKind;
use tandem_testkit::wait::until;
use tandem_tests::reports::{TENANT, make_tenant};
use tandem_tests::system::Processes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Callers who write at once.
const WRITERS: u32 = 8;

/// Changes that are made before the service is asked to end, and again after it is back.
const SOME: usize = 100;

/// What a caller was told of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Made,
    NotMade(String),
    Unknown(String),
}

/// Makes one collection after the other until `stop`, and remembers what was told of each, by its name.
async fn write(
    connection: &Connection,
    writer: u32,
    made: &watch::Sender<usize>,
    stop: &CancellationToken,
) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::new();
    for number in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let name = format!("{TENANT}/collections/w{writer}-{number}");
        let collection =
            Collection { name: name.clone(), display_name: format!("of {name}"), ..Collection::default() };
        let request = CreateCollectionRequest { collection: Some(collection), request_id: String::new() };
        let answer = connection.collections().create_collection(request).await.map_err(ApiError::from);
        let answer = match answer {
            Ok(_) => {
                made.send_modify(|made| *made += 1);
                Told::Made
            }
            Err(error) if error.is_effect_unknown => Told::Unknown(error.to_string()),
            Err(error) => Told::NotMade(error.to_string()),
        };
        told.insert(name, answer);
    }
    told
}

/// Every collection of Tandem's own, by name, with what it is called.
async fn collections(connection: &Connection) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = ListCollectionsRequest {
            parent: TENANT.into(),
            page_size: 1000,
            page_token,
            ..ListCollectionsRequest::default()
        };
        let page = connection.collections().list_collections(request).await.unwrap().into_inner();
        found.extend(page.collections.into_iter().map(|made| (made.name, made.display_name)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// The collections whose making is on record, each once.
async fn on_record(connection: &Connection) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let request = ListAuditRecordsRequest {
            parent: TENANT.into(),
            page_size: 1000,
            page_token,
            ..ListAuditRecordsRequest::default()
        };
        let page = connection.audit().list_audit_records(request).await.unwrap().into_inner();
        for event in page.records.into_iter().filter_map(|record| record.event) {
            let is_made = event.kind() == AuditKind::Write && event.outcome == "OK";
            if is_made && event.method.ends_with("/CreateCollection") {
                assert!(found.insert(event.resource.clone()), "{} is on record twice", event.resource);
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// Writes while `end` ends the inventory, which then comes back. Answers what was told of each change, and what is there.
async fn written_while(
    processes: &mut Processes,
    connection: &Connection,
    end: impl AsyncFnOnce(&mut Processes),
) -> (BTreeMap<String, Told>, BTreeMap<String, String>) {
    let (made, stop) = (watch::Sender::new(0), CancellationToken::new());
    let mut progress = made.subscribe();
    let writers = (0..WRITERS).map(|writer| write(connection, writer, &made, &stop));
    let ends = async {
        progress.wait_for(|made| *made >= SOME).await.unwrap();
        end(processes).await;
        processes.start("inventory");
        processes.ready().await;
        let before = *progress.borrow();
        progress.wait_for(|made| *made >= before + SOME).await.unwrap();
        stop.cancel();
    };
    let (told, ()) = tokio::join!(futures::future::join_all(writers), ends);
    (told.into_iter().flatten().collect(), collections(connection).await)
}

/// What was told is so, and nothing is there in part.
fn check(told: &BTreeMap<String, Told>, there: &BTreeMap<String, String>) {
    for (name, told) in told {
        match told {
            Told::Made => assert!(there.contains_key(name), "{name} was answered, and is not there"),
            Told::NotMade(why) => assert!(!there.contains_key(name), "{name} is there: {why}"),
            Told::Unknown(_) => {}
        }
    }
    for (name, display_name) in there {
        assert_eq!(*display_name, format!("of {name}"));
        assert!(told.contains_key(name), "nobody made {name}");
    }
}

async fn services() -> (Processes, Connection) {
    let mut processes = Processes::new().await;
    ["inventory", "authority"].into_iter().for_each(|service| processes.start(service));
    processes.ready().await;
    let connection = processes.connection();
    make_tenant(&connection).await;
    (processes, connection)
}

pub(crate) async fn change_without_a_name_that_meets_a_drain_is_whole_and_its_caller_knows() {
    let (mut processes, connection) = services().await;
    let (told, there) = written_while(&mut processes, &connection, async |processes| {
        let mut inventory = processes.take("inventory");
        let status = inventory.terminate().await;
        assert!(status.success(), "{status}: {}", inventory.log());
    })
    .await;
    check(&told, &there);
    // A drain ends nothing that it has begun: whatever is there is also on record, once.
    let there: BTreeSet<String> = there.into_keys().collect();
    until("every change is on record", async || (on_record(&connection).await == there).then_some(())).await;
}

pub(crate) async fn change_without_a_name_that_meets_a_kill_is_whole_and_its_caller_knows() {
    let (mut processes, connection) = services().await;
    let killed = async |processes: &mut Processes| processes.take("inventory").kill();
    let (told, there) = written_while(&mut processes, &connection, killed).await;
    check(&told, &there);
}
