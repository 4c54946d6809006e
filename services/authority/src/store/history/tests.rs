//! What is kept, and who may keep it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tandem_domain::authority::Standing;
use tandem_domain::history::{MaterialState, Version};
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_domain::state::ManagementState;
use tandem_domain::workload::PerWorkload;
use tandem_storage::Location;
use tempfile::TempDir;

use super::cursor::{Cursor, Keeping, cursor_take, cursors_release};
use super::forget::history_forget;
use super::keep::{Batch, Seen, history_begin, history_keep, known_devices};
use super::past::{complete_now, device_past};
use crate::store::Store;

struct Sandbox {
    store: Store,
    keeping: Keeping,
    _folder: TempDir,
}

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn contoso() -> TenantId {
    TenantId::parse("contoso").unwrap()
}

fn ps1() -> HierarchyId {
    HierarchyId::parse("PS1").unwrap()
}

fn ids(ids: &[&str]) -> BTreeSet<CollectionId> {
    ids.iter().map(|id| CollectionId::parse(id).unwrap()).collect()
}

fn state(state: ManagementState, collections: &[&str]) -> MaterialState {
    MaterialState {
        hierarchy: Some(ps1()),
        state,
        standing: Standing { whole_device: None, resource_access_fixed: Some(false) },
        reported: PerWorkload::default(),
        collections: ids(collections),
    }
}

fn seen(device: &str, revision: i64, state: MaterialState) -> Seen {
    Seen { device: device.into(), revision, state }
}

async fn sandbox() -> Sandbox {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::scratch(folder.path().join("authority.db"))).await.unwrap();
    let (keeping, cursor) = cursor_take(&store, &contoso(), "one", at(0)).await.unwrap().unwrap();
    assert_eq!(cursor, Cursor::default());
    Sandbox { store, keeping, _folder: folder }
}

impl Sandbox {
    async fn keep(&self, batch: Batch, minute: i64) -> Option<usize> {
        history_keep(&self.store, &self.keeping, batch, at(minute)).await.unwrap()
    }

    async fn see(&self, seen: Vec<Seen>, minute: i64) -> Option<usize> {
        self.keep(Batch { seen, ..Batch::default() }, minute).await
    }

    async fn versions(&self, device: &str) -> Vec<Version> {
        device_past(&self.store, &contoso(), device).await.unwrap().versions
    }

    /// From and to in minutes, revision and state.
    async fn lines(&self, device: &str) -> Vec<(i64, Option<i64>, u64, ManagementState)> {
        let minutes = |moment: Timestamp| moment.duration_since(at(0)).as_mins();
        let versions = self.versions(device).await.into_iter();
        let line = |version: Version| {
            (minutes(version.from), version.to.map(minutes), version.device_revision, version.state.state)
        };
        versions.map(line).collect()
    }
}

use ManagementState::{CoManaged, Enrolling, MdmOnly};

#[tokio::test]
async fn version_ends_when_the_state_is_another_and_not_before() {
    let sandbox = sandbox().await;
    assert_eq!(sandbox.see(vec![seen("d1", 5, state(Enrolling, &[]))], 1).await, Some(1));
    assert_eq!(sandbox.see(vec![seen("d1", 6, state(Enrolling, &[]))], 2).await, Some(0));
    let two = vec![seen("d1", 7, state(CoManaged, &[])), seen("d2", 7, state(MdmOnly, &[]))];
    assert_eq!(sandbox.see(two, 3).await, Some(2));
    // What was overtaken on its way changes nothing.
    assert_eq!(sandbox.see(vec![seen("d1", 6, state(Enrolling, &[]))], 4).await, Some(0));
    assert_eq!(sandbox.lines("d1").await, [(1, Some(3), 5, Enrolling), (3, None, 7, CoManaged)]);
    assert_eq!(sandbox.lines("d2").await, [(3, None, 7, MdmOnly)]);
    assert_eq!(known_devices(&sandbox.store, "contoso", "", 9).await.unwrap(), ["d1", "d2"]);
    let gone = vec![("d1".to_owned(), 9), ("d2".to_owned(), 6), ("none".to_owned(), 9)];
    sandbox.keep(Batch { gone, ..Batch::default() }, 5).await;
    // The second went in a revision before the one that was seen: it came back.
    assert_eq!(sandbox.lines("d1").await[1], (3, Some(5), 7, CoManaged));
    assert_eq!(known_devices(&sandbox.store, "contoso", "", 9).await.unwrap(), ["d2"]);
}

#[tokio::test]
async fn moments_rise_even_while_the_clock_stands_or_goes_back() {
    let sandbox = sandbox().await;
    for (revision, (minute, said)) in [(5, Enrolling), (5, CoManaged), (2, MdmOnly)].into_iter().enumerate() {
        sandbox.see(vec![seen("d1", i64::try_from(revision).unwrap(), state(said, &[]))], minute).await;
    }
    let versions = sandbox.versions("d1").await;
    let micro = SignedDuration::from_micros(1);
    let from: Vec<Timestamp> = versions.iter().map(|version| version.from).collect();
    assert_eq!(from, [at(5), at(5) + micro, at(5) + micro + micro]);
    let to: Vec<Option<Timestamp>> = versions.iter().map(|version| version.to).collect();
    assert_eq!(to, [Some(from[1]), Some(from[2]), None]);
}

/// The cursor of a history that keeps these collections of PS1.
fn naming(named: &[&str]) -> Cursor {
    Cursor { complete: true, named: [(ps1(), ids(named))].into(), ..Cursor::default() }
}

#[tokio::test]
async fn collection_that_is_named_later_is_said_of_the_version_that_is() {
    let sandbox = sandbox().await;
    let first = vec![seen("d1", 1, state(CoManaged, &[])), seen("d2", 1, state(Enrolling, &[]))];
    sandbox.keep(Batch { seen: first, cursor: Some(naming(&["C0"])), ..Batch::default() }, 1).await;
    // The second changed besides.
    let named = vec![seen("d1", 1, state(CoManaged, &["C1"])), seen("d2", 2, state(CoManaged, &["C1"]))];
    assert_eq!(sandbox.see(named, 2).await, Some(1));
    assert_eq!(sandbox.lines("d1").await, [(1, None, 1, CoManaged)]);
    assert_eq!(sandbox.versions("d1").await[0].state.collections, ids(&["C1"]));
    assert_eq!(sandbox.lines("d2").await, [(1, Some(2), 1, Enrolling), (2, None, 2, CoManaged)]);
    // Once it is named, who joins or leaves is another from then on.
    sandbox.keep(Batch { cursor: Some(naming(&["C0", "C1"])), ..Batch::default() }, 3).await;
    assert_eq!(sandbox.see(vec![seen("d1", 3, state(CoManaged, &[]))], 4).await, Some(1));
    assert_eq!(sandbox.lines("d1").await, [(1, Some(4), 1, CoManaged), (4, None, 3, CoManaged)]);
}

#[tokio::test]
async fn members_that_are_known_completely_are_so_since_they_were_named_or_became_so() {
    let sandbox = sandbox().await;
    sandbox.see(vec![seen("d1", 1, state(CoManaged, &[]))], 1).await;
    let known = async |named: &[&str], complete: &[&str], minute| {
        let complete = vec![(ps1(), ids(complete))];
        let batch = Batch { complete, cursor: Some(naming(named)), ..Batch::default() };
        sandbox.keep(batch, minute).await;
        device_past(&sandbox.store, &contoso(), "d1").await.unwrap().complete[&ps1()].clone()
    };
    // Named for the first time, in a hierarchy whose policies named none so far: of the time before nobody asks.
    let start = Timestamp::UNIX_EPOCH;
    sandbox.keep(Batch { cursor: Some(naming(&[])), ..Batch::default() }, 1).await;
    assert_eq!(known(&["C1"], &["C1"], 2).await, [(start, ids(&["C1"]))].into());
    assert_eq!(known(&["C1", "C2"], &["C1", "C2"], 3).await, [(start, ids(&["C1", "C2"]))].into());
    let last = [(start, ids(&["C1", "C2"])), (at(4), ids(&["C2"]))];
    assert_eq!(known(&["C1", "C2"], &["C2"], 4).await, last.clone().into());
    assert_eq!(known(&["C1", "C2"], &["C2"], 5).await, last.into());
    assert_eq!(complete_now(&sandbox.store, &contoso()).await.unwrap(), [(ps1(), ids(&["C2"]))].into());
}

#[tokio::test]
async fn what_is_seen_beside_the_feed_begins_a_history_and_changes_none() {
    let sandbox = sandbox().await;
    let see = async |device: &str, revision, said, minute| {
        let seen = seen(device, revision, state(said, &[]));
        history_begin(&sandbox.store, &contoso(), seen, at(minute)).await.unwrap();
    };
    see("d1", 4, Enrolling, 1).await;
    see("d1", 5, CoManaged, 2).await;
    // The feed comes later.
    sandbox.see(vec![seen("d1", 4, state(Enrolling, &[]))], 3).await;
    sandbox.see(vec![seen("d1", 5, state(CoManaged, &[]))], 4).await;
    assert_eq!(sandbox.lines("d1").await, [(1, Some(4), 4, Enrolling), (4, None, 5, CoManaged)]);
    // What the feed said is gone stays gone for whoever reads an older world.
    sandbox.keep(Batch { gone: vec![("d1".to_owned(), 6)], ..Batch::default() }, 5).await;
    see("d1", 5, CoManaged, 6).await;
    assert_eq!(sandbox.lines("d1").await[1], (4, Some(5), 5, CoManaged));
    assert_eq!(sandbox.lines("d1").await.len(), 2);
}

#[tokio::test]
async fn inventory_that_was_restored_is_believed_although_it_counts_anew() {
    let sandbox = sandbox().await;
    sandbox.see(vec![seen("d1", 900, state(CoManaged, &[]))], 1).await;
    assert_eq!(sandbox.see(vec![seen("d1", 7, state(Enrolling, &[]))], 2).await, Some(0));
    sandbox.keep(Batch { is_restored: true, ..Batch::default() }, 3).await;
    assert_eq!(sandbox.see(vec![seen("d1", 7, state(Enrolling, &[]))], 4).await, Some(1));
    assert_eq!(sandbox.lines("d1").await, [(1, Some(4), 0, CoManaged), (4, None, 7, Enrolling)]);
}

#[tokio::test]
async fn first_look_is_over_once_everything_was_looked_at() {
    let sandbox = sandbox().await;
    sandbox.see(vec![seen("d1", 1, state(CoManaged, &[]))], 1).await;
    let cursor = Cursor { complete: true, resume_token: "7".into(), ..Cursor::default() };
    sandbox.keep(Batch { cursor: Some(cursor.clone()), ..Batch::default() }, 2).await;
    sandbox.see(vec![seen("d2", 2, state(CoManaged, &[]))], 3).await;
    let first_look = [sandbox.versions("d1").await, sandbox.versions("d2").await].map(|v| v[0].is_first_look);
    assert_eq!(first_look, [true, false]);
    let (_, found) = cursor_take(&sandbox.store, &contoso(), "one", at(4)).await.unwrap().unwrap();
    assert_eq!(found, cursor);
}

#[tokio::test]
async fn one_process_keeps_a_history_and_who_was_away_keeps_nothing() {
    let sandbox = sandbox().await;
    assert_eq!(cursor_take(&sandbox.store, &contoso(), "two", at(0)).await.unwrap(), None);
    // Each batch renews it: a minute after the last one it is free.
    assert!(sandbox.see(vec![seen("d1", 1, state(Enrolling, &[]))], 1).await.is_some());
    assert_eq!(cursor_take(&sandbox.store, &contoso(), "two", at(1)).await.unwrap(), None);
    let (two, _) = cursor_take(&sandbox.store, &contoso(), "two", at(2)).await.unwrap().unwrap();
    assert_eq!(sandbox.see(vec![seen("d1", 2, state(CoManaged, &[]))], 3).await, None);
    assert_eq!(sandbox.lines("d1").await, [(1, None, 1, Enrolling)]);
    let batch = Batch { seen: vec![seen("d1", 3, state(MdmOnly, &[]))], ..Batch::default() };
    assert_eq!(history_keep(&sandbox.store, &two, batch, at(3)).await.unwrap(), Some(1));
    // One that ends leaves it to the next at once.
    cursors_release(&sandbox.store, "two").await.unwrap();
    assert!(cursor_take(&sandbox.store, &contoso(), "one", at(3)).await.unwrap().is_some());
}

#[tokio::test]
async fn versions_that_ended_long_ago_are_dropped() {
    let sandbox = sandbox().await;
    for (minute, said) in [(1, Enrolling), (2, CoManaged), (3, MdmOnly)] {
        sandbox.see(vec![seen("d1", minute, state(said, &[]))], minute).await;
    }
    assert_eq!(history_forget(&sandbox.store, at(2)).await.unwrap(), 0);
    assert_eq!(history_forget(&sandbox.store, at(3)).await.unwrap(), 1);
    assert_eq!(sandbox.lines("d1").await, [(2, Some(3), 2, CoManaged), (3, None, 3, MdmOnly)]);
    // What is so still is never dropped.
    assert_eq!(history_forget(&sandbox.store, at(900)).await.unwrap(), 1);
    assert_eq!(sandbox.lines("d1").await, [(3, None, 3, MdmOnly)]);
}
