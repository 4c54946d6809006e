//! Exports into the inventory and authority services, through their gRPC contracts: what `tandem import` and `tandem assess` do.
//!
//! A reader thread hands items on through a bounded channel; here they become requests. Surroundings go first (tenant,
//! hierarchies, sites, policies), then collections with their members, then sections: so that each device is merged once with
//! everything that belongs to it.

mod documents;
mod members;
mod sections;
mod surroundings;

use std::ops::ControlFlow;

use jiff::Timestamp;
use tandem_client::{AckedStreamError, ApiError, Connection};
use tandem_connectors::{Exports, Item, Summary};
use tandem_domain::id::TenantId;
use tandem_server::ConsistencyToken;
use tokio::sync::mpsc;

pub use documents::Documents;
use members::MemberImport;
use sections::SectionImport;
use surroundings::SurroundingsImport;

/// Items between the reader and the requests: a few batches, so that neither waits for the other.
const ITEMS_AHEAD: usize = 8_192;

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A service refused or failed.
    #[error("{during} failed")]
    Service {
        /// What was being done.
        during: &'static str,
        /// What the service said.
        #[source]
        error: Box<ApiError>,
    },
    /// A stream ended without acknowledging what was sent.
    #[error("{0} ended before everything was acknowledged; import again, what was stored stays as it is")]
    Unacknowledged(&'static str),
    /// The reading thread died.
    #[error("reading the exports stopped unexpectedly")]
    Reader,
}

impl ImportError {
    fn during(during: &'static str) -> impl Fn(tonic::Status) -> Self {
        move |status| Self::Service { during, error: Box::new(ApiError::from(status)) }
    }

    fn of_stream(during: &'static str) -> impl Fn(AckedStreamError) -> Self {
        move |error| match error {
            AckedStreamError::Status(status) => Self::during(during)(status),
            AckedStreamError::Unacknowledged => Self::Unacknowledged(during),
        }
    }
}

/// What came of an import.
#[derive(Debug)]
pub struct Imported {
    /// What was read and refused.
    pub summary: Summary,
    /// Sections that the inventory took.
    pub sections: u64,
    /// The world that holds everything that was imported.
    pub consistency_token: String,
}

/// How far an import is: sections sent and acknowledged.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Imports everything. The tenant is made if it is not there.
///
/// # Errors
/// A service refused or failed; what was acknowledged until then stays, and importing again is harmless.
pub async fn import(
    connection: &Connection,
    tenant: &TenantId,
    exports: Exports,
    observed_at: Timestamp,
    progress: Progress<'_>,
) -> Result<Imported, ImportError> {
    let opened = tokio::task::spawn_blocking(move || (Documents::read(&exports), exports));
    let (documents, exports) = opened.await.map_err(|_| ImportError::Reader)?;
    let (items, mut arriving) = mpsc::channel::<Item>(ITEMS_AHEAD);
    let reader = tokio::task::spawn_blocking(move || {
        exports.read(observed_at, &mut |item| match items.blocking_send(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    });
    let mut stage = Stage::new(connection, tenant, observed_at, progress);
    stage.surroundings.documents(&documents);
    while let Some(item) = arriving.recv().await {
        stage.take(item).await?;
    }
    let (sections, refused, token) = stage.finish().await?;
    let mut summary = reader.await.map_err(|_| ImportError::Reader)?;
    documents.account(&mut summary);
    for refusal in refused {
        summary.refused.push(refusal);
    }
    Ok(Imported { summary, sections, consistency_token: token.to_string() })
}

/// What is being imported now; each stage begins when the one before is complete.
struct Stage<'a> {
    surroundings: SurroundingsImport,
    members: Option<MemberImport>,
    sections: SectionImport<'a>,
    token: ConsistencyToken,
}

impl<'a> Stage<'a> {
    fn new(
        connection: &Connection,
        tenant: &TenantId,
        observed_at: Timestamp,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            surroundings: SurroundingsImport::new(connection, tenant),
            members: Some(MemberImport::new(connection, tenant, observed_at)),
            sections: SectionImport::new(connection, tenant, observed_at, progress),
            token: ConsistencyToken::default(),
        }
    }

    async fn take(&mut self, item: Item) -> Result<(), ImportError> {
        match item {
            // Read ahead, as one.
            Item::TenantFile { .. } | Item::Policy { .. } => {}
            Item::Site { hierarchy, facts } => self.surroundings.site(hierarchy, facts),
            Item::Collection { hierarchy, id, name, limiting, member_count } => {
                self.surroundings.ensure(&hierarchy).await?;
                let Some(members) = &mut self.members else { return Ok(()) };
                members.collection(&hierarchy, &id, name, limiting.as_ref(), member_count).await?;
            }
            Item::Members { hierarchy, collection, keys, first, last, complete } => {
                self.surroundings.ensure(&hierarchy).await?;
                let Some(members) = &mut self.members else { return Ok(()) };
                members.members(&hierarchy, &collection, keys, first, last && complete).await?;
            }
            Item::Section(section) => {
                self.finish_members().await?;
                if let Some(hierarchy) = section.source.hierarchy() {
                    self.surroundings.ensure(hierarchy).await?;
                }
                self.sections.section(section).await?;
            }
            Item::RecordRemoved { source, key, reason } => {
                self.finish_members().await?;
                if let Some(hierarchy) = source.hierarchy() {
                    self.surroundings.ensure(hierarchy).await?;
                }
                self.sections.removed(source, key, reason).await?;
            }
        }
        Ok(())
    }

    async fn finish_members(&mut self) -> Result<(), ImportError> {
        // A tenant without hierarchies still has to be there before its first section.
        self.surroundings.flush().await?;
        match self.members.take() {
            Some(members) => self.merge(&members.finish().await?),
            None => Ok(()),
        }
    }

    async fn finish(
        mut self,
    ) -> Result<(u64, Vec<tandem_connectors::Refusal>, ConsistencyToken), ImportError> {
        self.finish_members().await?;
        let sent = std::mem::take(&mut self.surroundings.tokens);
        for token in sent {
            self.merge(&token)?;
        }
        let (count, refused, token) = self.sections.finish().await?;
        let mut merged = self.token;
        if let Some(token) = token {
            merged = merged.merge(&parse(&token)?);
        }
        Ok((count, refused, merged))
    }

    fn merge(&mut self, token: &str) -> Result<(), ImportError> {
        self.token = std::mem::take(&mut self.token).merge(&parse(token)?);
        Ok(())
    }
}

/// A token that a service gave.
fn parse(token: &str) -> Result<ConsistencyToken, ImportError> {
    ConsistencyToken::parse(token)
        .map_err(|failure| ImportError::during("reading a consistency token")(failure.into()))
}
