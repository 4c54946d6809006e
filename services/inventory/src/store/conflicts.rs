//! Keys that a second record claimed.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tandem_contracts::inventory::v1::IdentityConflict;
use tandem_contracts::r#type::v1::DeviceKey;
use tandem_server::failure::Failure;

use super::Store;
use super::entity::identity_conflict;
use crate::grpc::convert::timestamp_of_nanos;

/// Lists up to `limit` conflicts before a number, newest first. Answers each with its number.
pub(crate) async fn conflict_list(
    store: &Store,
    tenant: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<(i64, IdentityConflict)>, Failure> {
    let mut cursor = identity_conflict::Entity::find()
        .filter(identity_conflict::Column::Tenant.eq(tenant))
        .cursor_by(identity_conflict::Column::ConflictNo);
    cursor.desc();
    if let Some(before) = before {
        cursor.after(before);
    }
    let rows = cursor.first(limit).all(store.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.conflict_no, message(tenant, row))).collect())
}

fn message(tenant: &str, row: identity_conflict::Model) -> IdentityConflict {
    IdentityConflict {
        key: Some(DeviceKey { kind: row.kind, value: row.value }),
        holder: format!("tenants/{tenant}/devices/{}", row.holder),
        claimant: format!("tenants/{tenant}/devices/{}", row.claimant),
        claimant_source: row.source,
        claimant_record: row.record_key,
        explanation: row.explanation,
        first_seen: Some(timestamp_of_nanos(row.first_seen)),
    }
}
