//! The store over a real database file.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tandem_contracts::authority::v1::UpdateCoManagementPolicyRequest;
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{AutoEnrollment, AutoEnrollmentMode, CoManagementPolicy};
use tandem_domain::id::{HierarchyId, TenantId};
use tandem_server::once::Once;
use tandem_server::{ConsistencyToken, Failure, Reach};
use tandem_storage::Location;
use tempfile::TempDir;

use super::Store;
use super::policies::{NewPolicy, policy_fetch, policy_list, policy_record, policy_revision_list};
use super::policy_set::policy_set;

const METHOD: &str = "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy";

struct Sandbox {
    store: Store,
    _folder: TempDir,
}

async fn sandbox() -> Sandbox {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::scratch(folder.path().join("authority.db"))).await.unwrap();
    Sandbox { store, _folder: folder }
}

fn contoso() -> TenantId {
    TenantId::parse("contoso").unwrap()
}

fn hierarchy(id: &str) -> HierarchyId {
    HierarchyId::parse(id).unwrap()
}

fn at() -> Timestamp {
    "2026-11-20T08:00:00.123456Z".parse().unwrap()
}

/// Co-management set up, automatic enrolment for a collection of that id.
fn body(collection: &str) -> CoManagementPolicy {
    let mode = AutoEnrollmentMode::Pilot.into();
    CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment { mode, collection: collection.into() }),
        ..CoManagementPolicy::default()
    }
}

fn new(id: &str, collection: &str) -> NewPolicy {
    NewPolicy {
        tenant: contoso(),
        hierarchy: hierarchy(id),
        body: body(collection),
        etag: String::new(),
        updated_by: "ana".into(),
        why: None,
        at: at(),
    }
}

fn once(request_id: &str, content: &str) -> Once {
    let request = UpdateCoManagementPolicyRequest {
        policy: Some(body(content)),
        ..UpdateCoManagementPolicyRequest::default()
    };
    Once::new(request_id, METHOD, &request, at()).unwrap()
}

/// The policy as it must come back.
fn stored(id: &str, collection: &str, etag: &str, revision: u64) -> CoManagementPolicy {
    CoManagementPolicy {
        name: format!("tenants/contoso/hierarchies/{id}/coManagementPolicy"),
        etag: etag.into(),
        revision,
        update_time: Some(time::to_proto(at())),
        updated_by: "ana".into(),
        ..body(collection)
    }
}

async fn record(store: &Store, new: NewPolicy) -> Result<CoManagementPolicy, Failure> {
    let answer = policy_record(store, new, once("", "")).await?;
    Ok(answer.policy.unwrap())
}

#[tokio::test]
async fn policy_that_nobody_recorded_is_not_there() {
    let sandbox = sandbox().await;
    assert_eq!(policy_fetch(&sandbox.store, &contoso(), &hierarchy("PS1")).await.unwrap(), None);
    assert_eq!(sandbox.store.revision("contoso").await.unwrap(), 0);
}

#[tokio::test]
async fn policy_recorded_is_read_back_with_its_world() {
    let sandbox = sandbox().await;
    let answer = policy_record(&sandbox.store, new("PS1", "PS100014"), once("", "")).await.unwrap();
    assert_eq!(answer.policy, Some(stored("PS1", "PS100014", "1", 1)));
    assert_eq!(ConsistencyToken::parse(&answer.consistency_token).unwrap(), sandbox.store.world(1));
    let read = policy_fetch(&sandbox.store, &contoso(), &hierarchy("PS1")).await.unwrap();
    assert_eq!(read, Some(stored("PS1", "PS100014", "1", 1)));
}

#[tokio::test]
async fn etag_that_is_not_current_changes_nothing() {
    let sandbox = sandbox().await;
    record(&sandbox.store, new("PS1", "PS100014")).await.unwrap();
    record(&sandbox.store, NewPolicy { etag: "1".into(), ..new("PS1", "PS100015") }).await.unwrap();

    let stale = NewPolicy { etag: "1".into(), ..new("PS1", "PS100016") };
    let failure = record(&sandbox.store, stale).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::EtagMismatch { expected, found, .. } if expected == "2" && found == "1"),
        "{failure:?}"
    );
    let read = policy_fetch(&sandbox.store, &contoso(), &hierarchy("PS1")).await.unwrap();
    assert_eq!(read, Some(stored("PS1", "PS100015", "2", 2)));
    assert_eq!(sandbox.store.revision("contoso").await.unwrap(), 2);
}

#[tokio::test]
async fn etag_of_a_policy_that_is_not_there_is_a_mismatch() {
    let sandbox = sandbox().await;
    let failure =
        record(&sandbox.store, NewPolicy { etag: "1".into(), ..new("PS1", "PS100014") }).await.unwrap_err();
    assert!(matches!(&failure, Failure::EtagMismatch { expected, .. } if expected.is_empty()), "{failure:?}");
}

#[tokio::test]
async fn history_lists_what_was_recorded_newest_first() {
    let sandbox = sandbox().await;
    let store = &sandbox.store;
    for (id, collection) in
        [("PS1", "PS100014"), ("EU1", "EU100001"), ("PS1", "PS100015"), ("PS1", "PS100016")]
    {
        record(store, new(id, collection)).await.unwrap();
    }
    let all = policy_revision_list(store, &contoso(), &hierarchy("PS1"), None, 100).await.unwrap();
    let expected = [
        stored("PS1", "PS100016", "3", 4),
        stored("PS1", "PS100015", "2", 3),
        stored("PS1", "PS100014", "1", 1),
    ];
    assert_eq!(all, expected);
    let older = policy_revision_list(store, &contoso(), &hierarchy("PS1"), Some(4), 1).await.unwrap();
    assert_eq!(older, expected[1..2]);
}

#[tokio::test]
async fn policies_are_listed_by_name_after_a_hierarchy() {
    let sandbox = sandbox().await;
    for (id, collection) in [("PS1", "PS100014"), ("EU1", "EU100001"), ("US1", "US100001")] {
        record(&sandbox.store, new(id, collection)).await.unwrap();
    }
    let first = policy_list(&sandbox.store, &contoso(), &Reach::Whole, None, 2).await.unwrap();
    let names = |id: &str, collection, revision| (id.to_owned(), stored(id, collection, "1", revision));
    assert_eq!(first, [names("EU1", "EU100001", 2), names("PS1", "PS100014", 1)]);
    let rest = policy_list(&sandbox.store, &contoso(), &Reach::Whole, Some("PS1"), 2).await.unwrap();
    assert_eq!(rest, [names("US1", "US100001", 3)]);
}

#[tokio::test]
async fn request_repeated_answers_as_the_first_did() {
    let sandbox = sandbox().await;
    let store = &sandbox.store;
    let first = policy_record(store, new("PS1", "PS100014"), once("r-1", "PS100014")).await.unwrap();
    record(store, new("PS1", "PS100015")).await.unwrap();
    let again = policy_record(store, new("PS1", "PS100014"), once("r-1", "PS100014")).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(store.revision("contoso").await.unwrap(), 2);

    let failure = policy_record(store, new("PS1", "PS100016"), once("r-1", "PS100016")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::RequestIdReused { request_id } if request_id == "r-1"),
        "{failure:?}"
    );
}

#[test]
fn request_id_of_65_characters_is_refused() {
    let failure = Once::new(&"r".repeat(65), METHOD, &body(""), at()).unwrap_err();
    assert_eq!(failure.to_string(), "request_id: expected at most 64 characters, found 65");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_get_revisions_of_their_own() {
    const WRITERS: u64 = 24;
    let sandbox = sandbox().await;
    let writers = (0..WRITERS).map(|n| {
        let store = sandbox.store.clone();
        let new = new(&format!("H{}", n % 4), &format!("C{n}"));
        tokio::spawn(async move { record(&store, new).await.unwrap().revision })
    });
    let mut revisions = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        revisions.insert(writer.await.unwrap());
    }
    assert_eq!(revisions, (1..=WRITERS).collect());
    for id in ["H0", "H1", "H2", "H3"] {
        let history =
            policy_revision_list(&sandbox.store, &contoso(), &hierarchy(id), None, 100).await.unwrap();
        let etags: Vec<_> = history.iter().map(|policy| policy.etag.clone()).collect();
        assert_eq!(etags, ["6", "5", "4", "3", "2", "1"], "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_writers_with_the_same_etag_succeeds() {
    let sandbox = sandbox().await;
    record(&sandbox.store, new("PS1", "PS100014")).await.unwrap();
    let writers = (0..8).map(|n| {
        let store = sandbox.store.clone();
        let new = NewPolicy { etag: "1".into(), ..new("PS1", &format!("C{n}")) };
        tokio::spawn(async move { record(&store, new).await.is_ok() })
    });
    let mut succeeded = 0;
    for writer in writers.collect::<Vec<_>>() {
        succeeded += u32::from(writer.await.unwrap());
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn policy_set_follows_each_change_at_once() {
    let sandbox = sandbox().await;
    let store = &sandbox.store;
    assert_eq!(policy_set(store, &contoso()).await.unwrap().of(Some(&hierarchy("PS1"))), None);
    for (collection, revision) in [("PS100014", 1), ("PS100015", 2)] {
        record(store, new("PS1", collection)).await.unwrap();
        for _ in 0..2 {
            let set = policy_set(store, &contoso()).await.unwrap();
            let known = set.of(Some(&hierarchy("PS1"))).unwrap();
            let id = known.policy.auto_enrollment_collection.as_ref().unwrap();
            assert_eq!((set.revision, known.revision, id.as_str()), (revision, revision, collection));
        }
    }
    assert_eq!(policy_set(store, &contoso()).await.unwrap().of(None), None);
}

#[tokio::test]
async fn tenants_count_their_own_revisions() {
    let sandbox = sandbox().await;
    record(&sandbox.store, new("PS1", "PS100014")).await.unwrap();
    let fabrikam = NewPolicy { tenant: TenantId::parse("fabrikam").unwrap(), ..new("PS1", "PS100099") };
    assert_eq!(record(&sandbox.store, fabrikam).await.unwrap().revision, 1);
    let read = policy_fetch(&sandbox.store, &contoso(), &hierarchy("PS1")).await.unwrap();
    assert_eq!(read, Some(stored("PS1", "PS100014", "1", 1)));
}
