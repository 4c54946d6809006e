//! `SMS_Collection` and `SMS_FullCollectionMembership` (fact pack, admin_service.md 6.5 and 6.6).

use serde::Deserialize;

use crate::ledger::Standing;
use crate::value::{Flag, Number, Text};

/// A collection.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct CollectionRecord {
    #[serde(rename = "CollectionID")]
    pub(crate) id: Text,
    pub(crate) name: Text,
    #[serde(rename = "LimitToCollectionID")]
    pub(crate) limiting: Text,
    pub(crate) member_count: Number,
    collection_type: Number,
}

impl CollectionRecord {
    /// Only device collections may be pilots. A record that does not say its type (a selection of members) is taken for one
    /// \[derived\].
    pub(crate) fn is_of_devices(&self) -> bool {
        const DEVICES: u32 = 2;
        self.collection_type.0.is_none_or(|kind| kind == DEVICES)
    }
}

/// A membership.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct MembershipRow {
    #[serde(rename = "CollectionID")]
    pub(crate) collection: Text,
    #[serde(rename = "ResourceID")]
    resource_id: Number,
    machine_id: Number,
    #[serde(rename = "MachineID")]
    machine_id_capital: Number,
    name: Text,
    #[serde(rename = "SMSID")]
    sms_id: Text,
    is_client: Flag,
    is_obsolete: Flag,
    is_decommissioned: Flag,
}

impl MembershipRow {
    pub(crate) fn resource_id(&self) -> Option<u32> {
        self.resource_id.0.or(self.machine_id.0).or(self.machine_id_capital.0)
    }

    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            obsolete: self.is_obsolete.0,
            decommissioned: self.is_decommissioned.0,
            unknown: None,
            client: self.is_client.0,
            sms_id: self.sms_id.0.as_deref(),
            name: self.name.0.as_deref(),
        }
    }
}
