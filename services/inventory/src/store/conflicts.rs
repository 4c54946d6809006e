//! Keys that a second record claimed.

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tandem_contracts::inventory::v1::IdentityConflict;
use tandem_contracts::r#type::v1::DeviceKey;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;

use super::entity::{device, identity_conflict};
use super::{Store, filter};
use crate::grpc::convert::timestamp_of_nanos;

/// Lists up to `limit` conflicts before a number, newest first, between devices that are both reached. Answers each with its number.
pub(crate) async fn conflict_list(
    store: &Store,
    tenant: &TenantName,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<(i64, IdentityConflict)>, Failure> {
    use identity_conflict::Column as C;
    let reader = &store.reader(tenant.id());
    let mut found = identity_conflict::Entity::find().filter(C::Tenant.eq(tenant.id()));
    if tenant.reach().parts().is_some() {
        let reached = Query::select()
            .column(device::Column::Device)
            .from(device::Entity)
            .and_where(device::Column::Tenant.eq(tenant.id()))
            .cond_where(filter::reached(reader, tenant).await?)
            .to_owned();
        found = found.filter(C::Holder.in_subquery(reached.clone())).filter(C::Claimant.in_subquery(reached));
    }
    let mut cursor = found.cursor_by(C::ConflictNo);
    cursor.desc();
    if let Some(before) = before {
        cursor.after(before);
    }
    let rows = cursor.first(limit).all(reader).await?;
    Ok(rows.into_iter().map(|row| (row.conflict_no, message(tenant, row))).collect())
}

fn message(tenant: &TenantName, row: identity_conflict::Model) -> IdentityConflict {
    IdentityConflict {
        key: Some(DeviceKey { kind: row.kind, value: row.value }),
        holder: format!("{tenant}/devices/{}", row.holder),
        claimant: format!("{tenant}/devices/{}", row.claimant),
        claimant_source: row.source,
        claimant_record: row.record_key,
        explanation: row.explanation,
        first_seen: Some(timestamp_of_nanos(row.first_seen)),
    }
}
