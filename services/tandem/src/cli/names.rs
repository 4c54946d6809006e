//! Names of devices beside ids, where an answer holds ids alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tandem_client::Connection;
use tonic::Status;

use super::session::{Session, shown_names};
use super::words::NOTHING;

/// The names of the devices of the page at hand; asked for only where people read.
pub(super) struct Names {
    /// `None`: a program reads, and the answer is the contract's.
    connection: Option<Connection>,
    parent: String,
    known: RefCell<BTreeMap<String, String>>,
}

impl Names {
    pub(super) fn of(session: &Session<'_>) -> Self {
        Self {
            connection: (!session.screen.is_json()).then(|| session.connection.clone()),
            parent: session.parent(),
            known: RefCell::default(),
        }
    }

    /// Asks for the names of these devices, in place of those known before.
    pub(super) async fn learn<'a>(&self, devices: impl Iterator<Item = &'a str>) -> Result<(), Status> {
        if let Some(connection) = &self.connection {
            let names = shown_names(connection, &self.parent, devices).await?;
            self.known.replace(names);
        }
        Ok(())
    }

    /// What a device shows as its name.
    pub(super) fn shown(&self, device: &str) -> String {
        self.known.borrow().get(device).cloned().unwrap_or_else(|| NOTHING.to_owned())
    }

    #[cfg(test)]
    pub(super) fn known<const N: usize>(names: [(&str, &str); N]) -> Self {
        let known = names.map(|(device, name)| (device.to_owned(), name.to_owned()));
        Self { connection: None, parent: String::new(), known: RefCell::new(known.into()) }
    }
}
