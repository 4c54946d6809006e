//! Gathering: batches that arrive while a transaction of their tenant is under way share the next one. A lone batch waits for nobody.
//!
//! A transaction costs much the same whether it stores one device or a thousand, and those of a tenant come one after the other: without
//! gathering, many small reports would wait for as many commits.
//!
//! A transaction is part of the trace of the request that it serves. One that serves several has a trace of its own, with a link to each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::histogram;
use tandem_server::failure::{Failure, chain};
use tandem_telemetry::traces;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use super::ahead::Ahead;
use super::apply::batches_apply;
use super::batch::{Applied, Batch};
use crate::store::Store;

/// Sections of one transaction, unless a single batch has more: as many as a batch may have.
const MOST_SECTIONS: usize = 5000;

/// What waits for its turn, by tenant.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    tenants: Mutex<HashMap<String, Queue>>,
}

/// One tenant's batches. It is there as long as a transaction of the tenant is under way.
type Queue = VecDeque<Waiting>;

/// A batch, and who waits to hear what came of it.
#[derive(Debug)]
struct Waiting {
    batch: Batch,
    ahead: Option<Ahead>,
    heard: oneshot::Sender<Result<Applied, Failure>>,
    /// Of the request.
    span: Span,
}

impl Gathering {
    fn tenants(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        // Nothing panics while it holds the lock.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a batch. `true`: nobody works for the tenant yet.
    fn push(&self, tenant: &str, waiting: Waiting) -> bool {
        let mut tenants = self.tenants();
        match tenants.get_mut(tenant) {
            Some(queue) => {
                queue.push_back(waiting);
                false
            }
            None => {
                tenants.insert(tenant.to_owned(), Queue::from([waiting]));
                true
            }
        }
    }

    /// Takes the batches of the next transaction, in order of arrival. Without any the tenant's queue is gone.
    fn take(&self, tenant: &str) -> Vec<Waiting> {
        let mut tenants = self.tenants();
        let Some(queue) = tenants.get_mut(tenant) else { return Vec::new() };
        let mut sections = 0;
        let fits = |waiting: &&Waiting| {
            sections += waiting.batch.sections.len();
            sections <= MOST_SECTIONS
        };
        // One that is too large for any company goes alone.
        let count = queue.iter().take_while(fits).count().max(1);
        let taken: Vec<Waiting> = queue.drain(..count.min(queue.len())).collect();
        if taken.is_empty() {
            tenants.remove(tenant);
        }
        taken
    }
}

/// Stores a batch with whatever else of its tenant arrives meanwhile. When this returns, it is durable.
pub(crate) async fn batch_apply(
    store: &Store,
    tenant: &str,
    batch: Batch,
    ahead: Option<Ahead>,
) -> Result<Applied, Failure> {
    let (heard, outcome) = oneshot::channel();
    if store.gathering.push(tenant, Waiting { batch, ahead, heard, span: Span::current() }) {
        // In a task of its own: the caller may hang up, the others still wait. It ends with the queue.
        tokio::spawn(work(store.clone(), tenant.to_owned()));
    }
    outcome.await.unwrap_or_else(|_| Err(Failure::internal("the transaction was given up: it panicked")))
}

/// A queue whose worker is gone would keep its callers waiting for ever: they hear of it, and the next one begins anew.
struct WhileWorking<'a> {
    gathering: &'a Gathering,
    tenant: &'a str,
    done: bool,
}

impl Drop for WhileWorking<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.gathering.tenants().remove(self.tenant);
        }
    }
}

async fn work(store: Store, tenant: String) {
    let mut working = WhileWorking { gathering: &store.gathering, tenant: &tenant, done: false };
    loop {
        let taken = store.gathering.take(&tenant);
        if taken.is_empty() {
            // The queue went with its last batch; another one may be there by now.
            working.done = true;
            return;
        }
        let span = span_of(&taken);
        let (batches, heard): (Vec<(Batch, Option<Ahead>)>, Vec<_>) =
            taken.into_iter().map(|waiting| ((waiting.batch, waiting.ahead), waiting.heard)).unzip();
        let outcomes = apply(&store, &tenant, batches).instrument(span).await;
        for (heard, outcome) in heard.into_iter().zip(outcomes) {
            // Who has hung up hears nothing.
            let _ = heard.send(outcome);
        }
    }
}

/// The span of what is done for those batches.
fn span_of(taken: &[Waiting]) -> Span {
    if let [alone] = taken {
        return tracing::info_span!(target: traces::TARGET, parent: &alone.span, "ingest");
    }
    let span = tracing::info_span!(target: traces::TARGET, parent: None, "ingest");
    for waiting in taken {
        span.follows_from(&waiting.span);
    }
    span
}

/// Stores batches in one transaction. If that fails, each has its own: what is wrong with one does not hinder the others.
async fn apply(
    store: &Store,
    tenant: &str,
    batches: Vec<(Batch, Option<Ahead>)>,
) -> Vec<Result<Applied, Failure>> {
    let (batches, ahead): (Vec<Batch>, Vec<_>) = batches.into_iter().unzip();
    let sections = batches.iter().map(|batch| batch.sections.len()).sum::<usize>();
    histogram!("tandem_inventory_ingest_batches").record(as_f64(batches.len()));
    histogram!("tandem_inventory_ingest_sections").record(as_f64(sections));
    let batches = Arc::new(batches);
    let failure = match batches_apply(store, tenant, Arc::clone(&batches), ahead).await {
        Ok(applied) => return applied,
        Err(failure) if batches.len() == 1 => return vec![Err(failure)],
        Err(failure) => failure,
    };
    if let Failure::DependencyUnavailable { dependency, source } = &failure {
        // It would be away for each of them, and each would wait for it.
        let why = chain(&**source);
        return batches.iter().map(|_| Err(Failure::unavailable(dependency, why.clone()))).collect();
    }
    let mut outcomes = Vec::with_capacity(batches.len());
    for batch in Arc::unwrap_or_clone(batches) {
        let applied = batches_apply(store, tenant, Arc::new(vec![batch]), Vec::new()).await;
        outcomes
            .push(applied.and_then(|applied| applied.into_iter().next().unwrap_or(Ok(Applied::default()))));
    }
    outcomes
}

/// Counts of a batch are far below the 2^53 up to which this is exact.
#[allow(clippy::cast_precision_loss, reason = "counts of a batch are small")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use tandem_domain::section::Source;
    use tandem_server::Clock;

    use super::super::batch::{Incoming, IncomingBody};
    use super::*;

    fn waiting(sections: usize) -> Waiting {
        let received_at = Clock::system().now();
        let section = Incoming {
            key: "a".into(),
            observed_at: received_at,
            ahead: None,
            sequence: 0,
            body: IncomingBody::Removed,
        };
        let batch = Batch { source: Source::Intune, sections: vec![section; sections], received_at };
        Waiting { batch, ahead: None, heard: oneshot::channel().0, span: Span::none() }
    }

    fn sizes(taken: &[Waiting]) -> Vec<usize> {
        taken.iter().map(|waiting| waiting.batch.sections.len()).collect()
    }

    #[test]
    fn batches_share_a_transaction_in_their_order_up_to_its_size() {
        let gathering = Gathering::default();
        assert!(gathering.push("contoso", waiting(4000)), "nobody works yet");
        for size in [900, 100, 1, 6000, 2] {
            assert!(!gathering.push("contoso", waiting(size)));
        }
        assert!(gathering.push("fabrikam", waiting(1)), "tenants do not wait for each other");
        for expected in [vec![4000, 900, 100], vec![1], vec![6000], vec![2], vec![]] {
            assert_eq!(sizes(&gathering.take("contoso")), expected);
        }
        assert!(gathering.push("contoso", waiting(3)), "the queue went with its last batch");
        assert_eq!(sizes(&gathering.take("fabrikam")), [1]);
    }

    #[test]
    fn worker_that_is_given_up_leaves_nobody_waiting() {
        let gathering = Gathering::default();
        let (heard, outcome) = oneshot::channel();
        gathering.push("contoso", Waiting { heard, ..waiting(1) });
        drop(WhileWorking { gathering: &gathering, tenant: "contoso", done: false });
        assert!(outcome.blocking_recv().is_err());
        assert!(gathering.push("contoso", waiting(1)));
    }
}
