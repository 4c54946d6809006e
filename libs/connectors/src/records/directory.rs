//! Directory `device`.

use serde::Deserialize;
use tandem_domain::section::{DirectoryDevice, SectionBody, SectionKind};

use super::CloudRow;
use crate::record::Fault;
use crate::value::Text;

/// A device object of the directory.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DirectoryRecord {
    id: Text,
    device_id: Text,
    display_name: Text,
    trust_type: Text,
    device_ownership: Text,
}

impl CloudRow for DirectoryRecord {
    fn id(&mut self) -> Option<String> {
        self.id.0.take()
    }

    fn body(self, _: SectionKind, _: &mut Vec<Fault>) -> SectionBody {
        SectionBody::DirectoryDevice(DirectoryDevice {
            device_id: self.device_id.0,
            display_name: self.display_name.0,
            trust_type: self.trust_type.0,
            device_ownership: self.device_ownership.0,
        })
    }
}
