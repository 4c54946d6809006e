//! The ingest stream: each message is one batch, acknowledged once it is durable.
//!
//! Nothing is read from the database before a batch joins the transaction that stores it, which tells whether there are such a tenant and
//! hierarchy: most reports are small, and would spend more on asking than on being stored. What a large batch touches is read ahead, while the
//! one before it is being stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::{self, Either};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use prost::Message;
use prost::bytes::Bytes;
use tandem_contracts::convert::section::{Report, from_proto};
use tandem_contracts::inventory::v1::{RefusedSection, ReportDevicesRequest, ReportDevicesResponse};
use tandem_contracts::r#type::v1::Section;
use tandem_domain::section::{self, Source};
use tandem_server::Clock;
use tandem_server::failure::{Failure, chain};
use tandem_server::names::TenantName;
use tandem_server::trace::continued;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};
use tracing::Instrument;

use super::Handlers;
use crate::store::Store;
use crate::store::ingest::{Ahead, Batch, Incoming, IncomingBody, batch_apply, read_ahead};

/// Most sections of one batch: some 5 MB, one transaction of well under a second.
const MOST_SECTIONS: usize = 5000;

/// How far a source's clock may be ahead before its times are set to the time of receipt.
const CLOCK_AHEAD: Duration = Duration::from_secs(5 * 60);

/// Sections that are checked where they arrive: most are small, and handing them to another thread takes as long.
const FEW_SECTIONS: usize = 8;

/// Sections of a batch for which it pays to read ahead what they touch.
const MANY_SECTIONS: usize = 500;

/// Large batches of a stream for which nothing is read ahead after it was of no use: others write to the tenant, and will go on.
const NOT_AHEAD: u32 = 32;

/// Where a stream stands: what the next batch is read against.
struct Reporting {
    clock: Clock,
    incoming: Streaming<ReportDevicesRequest>,
    parent: Option<(TenantName, Source)>,
    last_sequence: Option<u64>,
}

/// A batch that was checked.
struct Checked {
    tenant: TenantName,
    sequence: u64,
    batch: Batch,
    ahead: Option<Ahead>,
    refused: Vec<RefusedSection>,
}

/// How many batches of a stream go by before one is read ahead again.
#[derive(Debug, Clone, Default)]
struct Pause(Arc<AtomicU32>);

impl Pause {
    fn begin(&self) {
        self.0.store(NOT_AHEAD, Ordering::Relaxed);
    }

    /// Lets a large batch go by. Answers whether the pause was over before.
    fn passes(&self) -> bool {
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

/// Answers an ingest stream, batch by batch, until it ends or breaks its contract.
pub(super) fn acknowledge(
    handlers: Handlers,
    incoming: Streaming<ReportDevicesRequest>,
) -> impl Stream<Item = Result<ReportDevicesResponse, Status>> {
    let Handlers { store, clock, .. } = handlers;
    let start = Reporting { clock, incoming, parent: None, last_sequence: None };
    let pause = Pause::default();
    let heads = stream::unfold(Some(start), |reporting| async move {
        let mut reporting = reporting?;
        let request = match reporting.incoming.next().await? {
            Ok(request) => request,
            Err(status) => {
                let failure = Failure::of_unread(&status)?;
                return Some((Err(failure), None));
            }
        };
        match reporting.head(&request) {
            Ok((tenant, source)) => {
                let received_at = reporting.clock.now();
                Some((Ok((tenant, source, request, received_at)), Some(reporting)))
            }
            Err(failure) => Some((Err(failure), None)),
        }
    });
    let reading = (store.clone(), pause.clone());
    let ready = heads.then(move |head| {
        let (store, pause) = reading.clone();
        async move {
            let (tenant, source, request, received_at) = head?;
            let checked = check(tenant, source, request, received_at).await?;
            with_ahead(checked, store, &pause).await
        }
    });
    // Stored they are one after the other.
    stream::unfold(Some((Box::pin(ready.peekable()), store)), move |reporting| {
        let pause = pause.clone();
        async move {
            let (mut ready, store) = reporting?;
            let answer = match ready.next().await? {
                Ok(batch) => {
                    let stored = std::pin::pin!(take(&store, batch, &pause));
                    // Meanwhile the next one is made ready.
                    match future::select(stored, ready.as_mut().peek()).await {
                        Either::Left((answer, _)) => answer,
                        Either::Right((_, stored)) => stored.await,
                    }
                }
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(answer) => Some((Ok(answer), Some((ready, store)))),
                // What comes after a failure is not stored.
                Err(failure) => Some((Err(failure.into()), None)),
            }
        }
    })
}

/// Reads ahead what a large batch touches. In a task of its own, since nobody may look at this stream for a while: a connection that is read
/// from has to be given back.
async fn with_ahead(checked: Checked, store: Store, pause: &Pause) -> Result<Checked, Failure> {
    if checked.batch.sections.len() < MANY_SECTIONS || !pause.passes() {
        return Ok(checked);
    }
    let read = async move {
        let ahead = read_ahead(&store, checked.tenant.id(), &checked.batch).await.unwrap_or_else(|failure| {
            // The transaction asks again, and answers for it.
            tracing::debug!(error = chain(&failure), "a batch was not read ahead");
            None
        });
        Checked { ahead, ..checked }
    };
    AbortOnDropHandle::new(tokio::spawn(continued(read).in_current_span())).await.map_err(Failure::internal)
}

/// Checks the sections of a batch: those of a large one on a thread of its own.
async fn check(
    tenant: TenantName,
    source: Source,
    request: ReportDevicesRequest,
    received_at: Timestamp,
) -> Result<Checked, Failure> {
    let is_large = request.sections.len() > FEW_SECTIONS;
    let check = move || {
        let (sections, refused) = read_sections(request.sections, &source, received_at);
        Checked {
            tenant,
            sequence: request.sequence,
            batch: Batch { source, sections, received_at },
            ahead: None,
            refused,
        }
    };
    if is_large { tokio::task::spawn_blocking(check).await.map_err(Failure::internal) } else { Ok(check()) }
}

/// Stores a batch.
async fn take(store: &Store, checked: Checked, pause: &Pause) -> Result<ReportDevicesResponse, Failure> {
    let Checked { tenant, sequence, batch, ahead, refused } = checked;
    let applied = batch_apply(store, tenant.id(), batch, ahead).await?;
    if applied.is_stale {
        pause.begin();
    }
    Ok(ReportDevicesResponse {
        sequence,
        applied: applied.applied,
        superseded: applied.superseded,
        refused,
        consistency_token: store.token(applied.revision),
    })
}

impl Reporting {
    /// What a batch belongs to, if it keeps to the contract.
    fn head(&mut self, request: &ReportDevicesRequest) -> Result<(TenantName, Source), Failure> {
        let (tenant, source) = self.parent(request)?;
        if self.last_sequence.is_some_and(|last| request.sequence <= last) {
            let found = request.sequence;
            return Err(Failure::field(
                "sequence",
                format!("expected more than the batch before; found {found}"),
            ));
        }
        self.last_sequence = Some(request.sequence);
        let found = request.sections.len();
        if found > MOST_SECTIONS {
            return Err(Failure::LimitExceeded {
                limit: "sections_per_batch",
                allowed: MOST_SECTIONS as u64,
                found: found as u64,
            });
        }
        Ok((tenant, source))
    }

    /// The tenant and source of a batch; the first message must name both.
    fn parent(&mut self, request: &ReportDevicesRequest) -> Result<(TenantName, Source), Failure> {
        let tenant = match &self.parent {
            Some((tenant, _)) => tenant.clone(),
            None => TenantName::parse("parent", &request.parent)?,
        };
        let source = match &self.parent {
            Some((_, source)) if request.source.is_empty() => source.clone(),
            _ => request.source.parse::<Source>().map_err(|e| Failure::field("source", e.to_string()))?,
        };
        self.parent = Some((tenant.clone(), source.clone()));
        Ok((tenant, source))
    }
}

/// Checks each section on its own: what is wrong with one does not hinder the others.
fn read_sections(
    sections: Vec<Section>,
    source: &Source,
    received_at: Timestamp,
) -> (Vec<Incoming>, Vec<RefusedSection>) {
    let latest = received_at.checked_add(CLOCK_AHEAD).unwrap_or(Timestamp::MAX);
    let mut good = Vec::with_capacity(sections.len());
    let mut refused = Vec::new();
    for (index, message) in sections.into_iter().enumerate() {
        let bytes = Bytes::from(message.encode_to_vec());
        let report = match from_proto(message, source) {
            Ok(report) => report,
            Err(found) => {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                refused.extend(found.into_iter().map(|violation| RefusedSection {
                    index,
                    field: violation.field,
                    reason: violation.description,
                }));
                continue;
            }
        };
        let named_at = match &report {
            Report::Said { section, .. } => section.observed_at,
            Report::Removed(removal) => removal.observed_at,
        };
        let ahead = (named_at > latest).then_some(named_at);
        let observed_at = if ahead.is_some() { received_at } else { named_at };
        let (key, sequence, body) = match report {
            Report::Said { section, sequence } => {
                let section = Arc::new(section::Section { observed_at, ..section });
                (section.key.clone(), sequence, IncomingBody::Said(section, bytes))
            }
            Report::Removed(removal) => (removal.key, removal.sequence, IncomingBody::Removed),
        };
        good.push(Incoming {
            key,
            observed_at,
            ahead,
            sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
            body,
        });
    }
    (good, refused)
}
