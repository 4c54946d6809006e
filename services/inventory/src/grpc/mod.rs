//! The contracts of the inventory: thin handlers. Each reads the request's names, calls the store, and answers.

mod collections;
pub(crate) mod convert;
mod devices;
mod hierarchies;
mod import;
mod page;
mod report;
mod tenants;
mod watch;

use tandem_server::Clock;

use crate::store::Store;

/// Serves every contract of the inventory.
#[derive(Debug, Clone)]
pub struct Handlers {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

impl Handlers {
    /// Handlers over a store. `clock` says when something was received.
    #[must_use]
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }
}
