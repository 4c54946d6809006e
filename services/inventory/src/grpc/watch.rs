//! The watch: a snapshot, then every change in commit order, with bookmarks.
//!
//! The snapshot is read by device id, whatever changes meanwhile; its bookmark names the revision at which it began, and the deltas
//! follow from there, so that nothing is missed. Pages are pulled as the caller takes them: a slow watcher holds nothing but its
//! position.
//!
//! A caller who reaches but a part of the tenant is told that a device left only if this watch told of the device before: the ids of others
//! are not theirs to know. Since that is not known of an earlier watch, such a caller cannot resume one.

use std::collections::HashSet;
use std::time::Duration;

use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tandem_contracts::inventory::v1::{Bookmark, Device, WatchDevicesRequest, WatchDevicesResponse};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_storage::page::PageToken;
use tokio::sync::watch;
use tonic::Status;

use super::devices::check_filter;
use super::page::last_part;
use crate::store::feed::behind;
use crate::store::{Store, feed, tenants};

/// Devices of one message: some 2 MB while they are read and sent. What larger ones take at once, a process never quite gives back.
const AT_ONCE: u64 = 250;

/// A lost hint delays a watcher by this much at most.
const POLL: Duration = Duration::from_secs(1);

/// What a resume token holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Resume {
    incarnation: u64,
    revision: u64,
}

const TOKEN: &str = "watch_devices";

/// Most devices that a watch of a part of a tenant tells of: some 20 MB of ids. Whoever sees more sees most of it, and can be let see all.
const MOST_TOLD: usize = 200_000;

/// Where a watch stands.
enum Position {
    /// In the snapshot that began at that revision: after this device.
    Snapshot { began: u64, after: String },
    /// In the feed: everything up to this revision and, within it, up to this device was sent.
    Feed { after: (i64, String), until: u64 },
    /// Everything up to this revision was sent.
    Waiting { revision: i64 },
    /// There is nothing more to send.
    Ended,
}

/// A watch.
pub(super) struct Watching {
    store: Store,
    tenant: TenantName,
    filter: DeviceFilter,
    snapshot_only: bool,
    hints: watch::Receiver<u64>,
    position: Position,
    /// The devices that the caller knows of this watch, by name; `None`: they may know of all.
    told: Option<HashSet<String>>,
}

impl Watching {
    /// Reads the request, and sees that the tenant is there.
    pub(super) async fn start(store: Store, request: WatchDevicesRequest) -> Result<Self, Failure> {
        let tenant = TenantName::parse("parent", &request.parent)?;
        let filter = request.filter.unwrap_or_default();
        check_filter("filter", &filter)?;
        let incarnation = store.database.incarnation();
        let resume = PageToken::decode::<Resume>(&request.resume_token, TOKEN, token_filter(&tenant))?;
        if resume.is_some_and(|resume| resume.incarnation != incarnation) {
            return Err(Failure::IncarnationChanged);
        }
        let now = store.at_least(tenant.id(), &request.consistency_token).await?;
        let told = tenant.reach().parts().map(|_| HashSet::new());
        if let Some(resume) = resume.filter(|_| told.is_some()) {
            return Err(Failure::RevisionTooOld { asked: resume.revision, oldest: now });
        }
        let hints = store.hints(tenant.id());
        let position = match resume {
            Some(resume) => Position::Feed { after: behind(resume.revision), until: now },
            None => Position::Snapshot { began: now, after: String::new() },
        };
        Ok(Self { store, tenant, filter, snapshot_only: request.snapshot_only, hints, position, told })
    }

    /// The messages.
    pub(super) fn stream(self) -> impl Stream<Item = Result<WatchDevicesResponse, Status>> {
        stream::unfold(self, |mut watching| async move {
            let message = watching.next().await.transpose()?;
            if message.is_err() {
                watching.position = Position::Ended;
            }
            Some((message.map_err(Status::from), watching))
        })
    }

    async fn next(&mut self) -> Result<Option<WatchDevicesResponse>, Failure> {
        if let Position::Waiting { revision } = self.position {
            let until = self.wait(revision).await?;
            self.position = Position::Feed { after: behind(revision.unsigned_abs()), until };
        }
        match std::mem::replace(&mut self.position, Position::Ended) {
            Position::Snapshot { began, after } => self.snapshot(began, &after).await.map(Some),
            Position::Feed { after, until } => self.feed(&after, until).await.map(Some),
            Position::Waiting { .. } | Position::Ended => Ok(None),
        }
    }

    async fn snapshot(&mut self, began: u64, after: &str) -> Result<WatchDevicesResponse, Failure> {
        let changed = feed::snapshot(&self.store, &self.tenant, &self.filter, after, AT_ONCE).await?;
        self.tell(&changed)?;
        let bookmark = match changed.last().filter(|_| changed.len() as u64 == AT_ONCE) {
            Some(last) => {
                self.position = Position::Snapshot { began, after: last_part(&last.name) };
                None
            }
            None => Some(self.bookmark(began, true)),
        };
        Ok(WatchDevicesResponse { changed, left: Vec::new(), bookmark })
    }

    async fn feed(&mut self, after: &(i64, String), until: u64) -> Result<WatchDevicesResponse, Failure> {
        let mut page = feed::changes(&self.store, &self.tenant, &self.filter, after, until, AT_ONCE).await?;
        self.tell(&page.changed)?;
        if let Some(told) = &mut self.told {
            page.left.retain(|left| told.remove(&left.name));
        }
        let bookmark = match page.next {
            Some(after) => {
                self.position = Position::Feed { after, until };
                None
            }
            None => Some(self.bookmark(until, false)),
        };
        Ok(WatchDevicesResponse { changed: page.changed, left: page.left, bookmark })
    }

    /// Notes whom the caller is told of.
    fn tell(&mut self, changed: &[Device]) -> Result<(), Failure> {
        let Some(told) = self.told.as_mut().filter(|_| !self.snapshot_only) else { return Ok(()) };
        told.extend(changed.iter().map(|device| device.name.clone()));
        match told.len() {
            found if found > MOST_TOLD => Err(Failure::LimitExceeded {
                limit: "devices_of_a_limited_watch",
                allowed: MOST_TOLD as u64,
                found: found as u64,
            }),
            _ => Ok(()),
        }
    }

    /// Everything up to that revision was sent: the watch waits for more, or ends.
    fn bookmark(&mut self, revision: u64, snapshot_complete: bool) -> Bookmark {
        let signed = i64::try_from(revision).unwrap_or(i64::MAX);
        self.position =
            if self.snapshot_only { Position::Ended } else { Position::Waiting { revision: signed } };
        let resume = Resume { incarnation: self.store.database.incarnation(), revision };
        Bookmark {
            resume_token: PageToken::encode(TOKEN, token_filter(&self.tenant), &resume),
            revision,
            snapshot_complete,
            consistency_token: self.store.token(revision),
        }
    }

    /// Waits for a commit after that revision.
    async fn wait(&mut self, revision: i64) -> Result<u64, Failure> {
        loop {
            let now = tenants::revision(&self.store.reader(self.tenant.id()), self.tenant.id()).await?;
            if i64::try_from(now).unwrap_or(i64::MAX) > revision {
                return Ok(now);
            }
            // Either a hint, or time to look for one that was lost; the store keeps the sender, so hints do not end.
            let _ = tokio::time::timeout(POLL, self.hints.changed()).await;
        }
    }
}

/// A token belongs to one tenant; another filter may resume from it, since a revision means the same to all.
fn token_filter(tenant: &TenantName) -> u64 {
    tandem_storage::fingerprint(&[tenant.id().as_bytes()])
}
