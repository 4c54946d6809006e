//! The watch: a snapshot, then every change in commit order, with bookmarks.
//!
//! Snapshot and deltas are the same reading of the feed, from revision 0 or from the resume token on: a device has one row, so
//! the feed from 0 is the snapshot. Pages are pulled as the caller takes them: a slow watcher holds nothing but its position.

use std::time::Duration;

use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tandem_contracts::inventory::v1::{Bookmark, WatchDevicesRequest, WatchDevicesResponse};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_storage::page::PageToken;
use tokio::sync::watch;
use tonic::Status;

use super::devices::check_filter;
use crate::store::{Store, feed, tenants};

/// Devices of one message.
const AT_ONCE: u64 = 1000;

/// A lost hint delays a watcher by this much at most.
const POLL: Duration = Duration::from_secs(1);

/// What a resume token holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Resume {
    incarnation: u64,
    revision: u64,
}

const TOKEN: &str = "watch_devices";

/// A watch and where it stands.
pub(super) struct Watching {
    store: Store,
    tenant: TenantName,
    filter: DeviceFilter,
    snapshot_only: bool,
    hints: watch::Receiver<u64>,
    /// Everything up to here was sent; within a revision, up to that device.
    position: (i64, String),
    /// The world being read now; `None`: wait for the next.
    until: Option<u64>,
    /// The initial snapshot is being sent: what is gone, or outside the filter, was never there for this watcher.
    snapshot: bool,
    ended: bool,
}

impl Watching {
    /// Reads the request. The snapshot is of the world at this moment.
    pub(super) async fn start(store: Store, request: WatchDevicesRequest) -> Result<Self, Failure> {
        let tenant = TenantName::parse("parent", &request.parent)?;
        let filter = request.filter.unwrap_or_default();
        check_filter("filter", &filter)?;
        let incarnation = store.database.incarnation();
        let resume = PageToken::decode::<Resume>(&request.resume_token, TOKEN, token_filter(&tenant))?;
        if resume.is_some_and(|resume| resume.incarnation != incarnation) {
            return Err(Failure::IncarnationChanged);
        }
        let hints = store.hints(tenant.id());
        let now = tenants::revision(store.database.reader(), tenant.id()).await?;
        let revision = i64::try_from(resume.map_or(0, |resume| resume.revision)).unwrap_or(i64::MAX);
        // Behind every device of that revision: device ids are ASCII.
        let position = (revision, if resume.is_some() { "\u{10ffff}".to_owned() } else { String::new() });
        let snapshot = resume.is_none();
        Ok(Self {
            store,
            tenant,
            filter,
            snapshot_only: request.snapshot_only,
            hints,
            position,
            until: Some(now),
            snapshot,
            ended: false,
        })
    }

    /// The messages.
    pub(super) fn stream(self) -> impl Stream<Item = Result<WatchDevicesResponse, Status>> {
        stream::unfold(self, |mut watching| async move {
            if watching.ended {
                return None;
            }
            let message = watching.next().await;
            watching.ended |= message.is_err();
            Some((message.map_err(Status::from), watching))
        })
    }

    async fn next(&mut self) -> Result<WatchDevicesResponse, Failure> {
        let until = match self.until {
            Some(until) => until,
            None => self.wait().await?,
        };
        self.until = Some(until);
        let tenant = self.tenant.id();
        let page = feed::changes(&self.store, tenant, &self.filter, &self.position, until, AT_ONCE).await?;
        let mut message = WatchDevicesResponse { changed: page.changed, left: page.left, bookmark: None };
        if self.snapshot {
            message.left.clear();
        }
        match page.next {
            Some(next) => self.position = next,
            None => {
                self.position = (i64::try_from(until).unwrap_or(i64::MAX), "\u{10ffff}".to_owned());
                self.until = None;
                message.bookmark = Some(self.bookmark(until));
                self.snapshot = false;
                self.ended = self.snapshot_only;
            }
        }
        Ok(message)
    }

    fn bookmark(&self, revision: u64) -> Bookmark {
        let resume = Resume { incarnation: self.store.database.incarnation(), revision };
        Bookmark {
            resume_token: PageToken::encode(TOKEN, token_filter(&self.tenant), &resume),
            revision,
            snapshot_complete: self.snapshot,
            consistency_token: self.store.token(revision),
        }
    }

    /// Waits for a commit after the position.
    async fn wait(&mut self) -> Result<u64, Failure> {
        loop {
            let now = tenants::revision(self.store.database.reader(), self.tenant.id()).await?;
            if i64::try_from(now).unwrap_or(i64::MAX) > self.position.0 {
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
