//! Hears what other replicas commit, and wakes those who wait for it here.

use std::sync::Arc;

use tandem_cache::RedisHints;
use tokio::sync::broadcast::error::RecvError;

use crate::store::Store;

/// Listens until it is dropped.
pub(crate) async fn run(store: Store, others: Arc<RedisHints>) {
    let mut heard = others.listen();
    let wake = async {
        loop {
            match heard.recv().await {
                Ok(hint) => store.hear(&hint),
                // What was missed is found at the next look.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::join!(others.run(), wake);
}
