//! AdminService `wmi/SMS_Collection` and `wmi/SMS_FullCollectionMembership` (fact pack, admin_service.md 6.5 and 6.6).

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::fleet::Fleet;
use crate::hierarchy::{ALL_SYSTEMS, Collection, Hierarchy};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CollectionRow<'a> {
    #[serde(rename = "@odata.etag")]
    etag: &'a str,
    #[serde(rename = "__LAZYPROPERTIES")]
    lazy_properties: [&'static str; 5],
    #[serde(rename = "__CLASS")]
    class: &'static str,
    #[serde(rename = "CollectionID")]
    collection_id: &'a str,
    name: &'a str,
    collection_type: u32,
    comment: &'static str,
    current_status: u32,
    is_built_in: bool,
    #[serde(rename = "LimitToCollectionID")]
    limit_to_collection_id: &'a str,
    limit_to_collection_name: &'a str,
    local_member_count: u32,
    member_count: u32,
    last_change_time: Timestamp,
    last_member_change_time: Timestamp,
    last_refresh_time: Timestamp,
    /// Lazy: comes only when one object is read by key.
    refresh_type: Option<u32>,
}

const REFRESHED_BEFORE_EXPORT: SignedDuration = SignedDuration::from_hours(1);
const MEMBERS_CHANGED_BEFORE_EXPORT: SignedDuration = SignedDuration::from_hours(20);
const CHANGED_BEFORE_EXPORT: SignedDuration = SignedDuration::from_hours(170 * 24);

impl<'a> CollectionRow<'a> {
    pub(crate) fn of(fleet: &Fleet, hierarchy: &'a Hierarchy, position: usize, members: u32) -> Self {
        let collection = &hierarchy.collections()[position];
        let root = &hierarchy.collections()[ALL_SYSTEMS as usize];
        let is_root = position == ALL_SYSTEMS as usize;
        // Nothing limits the root.
        let (limit_id, limit_name) = if is_root { ("", "") } else { (root.id.as_str(), root.name.as_str()) };
        let before = |ago| fleet.exported_at.checked_sub(ago).unwrap_or(fleet.exported_at);
        Self {
            etag: collection.id.as_str(),
            lazy_properties: ["CollectionRules", "ISVData", "ISVDataSize", "RefreshSchedule", "RefreshType"],
            class: "SMS_Collection",
            collection_id: collection.id.as_str(),
            name: &collection.name,
            collection_type: 2,
            comment: "",
            current_status: 1,
            is_built_in: is_root,
            limit_to_collection_id: limit_id,
            limit_to_collection_name: limit_name,
            local_member_count: members,
            member_count: members,
            last_change_time: before(CHANGED_BEFORE_EXPORT),
            last_member_change_time: before(MEMBERS_CHANGED_BEFORE_EXPORT),
            last_refresh_time: before(REFRESHED_BEFORE_EXPORT),
            refresh_type: None,
        }
    }
}

/// What a membership row starts with: the same for every member. The rows are most of the exports, so they are not serialised
/// one by one; ids need no escaping, [`tandem_domain::id::CollectionId`] sees to that.
pub(crate) fn row_start(collection: &Collection) -> String {
    format!("{{\"CollectionID\":\"{}\",\"ResourceID\":", collection.id)
}

/// Three selected fields; 5 is a system.
pub(crate) fn membership_row(start: &str, resource_id: u32) -> String {
    format!("{start}{resource_id},\"ResourceType\":5}}")
}
