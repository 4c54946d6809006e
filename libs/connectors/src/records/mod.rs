//! The classes and entities: the members that are read of each, by the sources' own names, and what they become.

mod co_management;
mod collection;
mod console;
mod directory;
mod discovery;
mod managed_device;
mod site;

use tandem_domain::section::{SectionBody, SectionKind};

use crate::ledger::Standing;
use crate::record::Fault;

pub(crate) use co_management::CoManagementRow;
pub(crate) use collection::{CollectionRecord, MembershipRow};
pub(crate) use console::ConsoleRecord;
pub(crate) use directory::DirectoryRecord;
pub(crate) use discovery::DiscoveryRecord;
pub(crate) use managed_device::ManagedDeviceRecord;
pub(crate) use site::{SiteEvidence, SiteRecord};

/// A record that a site keeps of a device.
pub(crate) trait SiteRow {
    /// `ResourceID`, or the other names that it goes by.
    fn resource_id(&self) -> Option<u32>;

    /// What the row says of its record's standing.
    fn standing(&self) -> Standing<'_>;

    /// The section; what is left out of it is noted.
    fn body(self, kind: SectionKind, notes: &mut Vec<Fault>) -> SectionBody;
}

/// A record that the cloud keeps of a device.
pub(crate) trait CloudRow {
    /// `id`.
    fn id(&mut self) -> Option<String>;

    /// The section; what is left out of it is noted.
    fn body(self, kind: SectionKind, notes: &mut Vec<Fault>) -> SectionBody;
}
