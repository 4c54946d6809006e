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
pub(crate) struct Handlers {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}
