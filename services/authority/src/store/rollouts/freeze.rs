//! The stop of everything in a tenant. Freezing writes one row and reads no rollout, so that it works whatever else is wrong.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use tandem_contracts::authority::v1::{Freeze as FreezeMessage, GetFreezeResponse};
use tandem_contracts::convert::time;
use tandem_contracts::json;
use tandem_contracts::r#type::v1::{AuditEvent, Justification};
use tandem_domain::id::{PrincipalId, TenantId};
use tandem_domain::rollout::{Freeze, Observations, RolloutPhase, step};
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::{Rows, StoreError};

use super::lease;
use super::row::{self, Part, damaged, moment};
use crate::grpc::freeze_refused;
use crate::store::Store;
use crate::store::audit::audit_append;
use crate::store::entity::{freeze, rollout};

const FREEZE_TYPE: &str = "tandem.authority.v1.Freeze";

/// The name of a tenant's freeze.
pub(crate) fn freeze_name(tenant: &str) -> String {
    format!("tenants/{tenant}/freeze")
}

/// A tenant to be frozen, or to be thawed.
#[derive(Debug, Clone)]
pub(crate) struct FreezeOrder {
    pub(crate) tenant: TenantId,
    /// It is to be frozen, and why; `None`: it is to be thawed.
    pub(crate) freeze: Option<String>,
    pub(crate) by: PrincipalId,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// The freeze of a tenant, while it holds.
pub(in crate::store) async fn find(
    db: &impl ConnectionTrait,
    tenant: &str,
) -> Result<Option<Freeze>, StoreError> {
    let Some(row) = freeze::Entity::find_by_id(tenant).one(db).await? else { return Ok(None) };
    let by = PrincipalId::parse(&row.frozen_by).map_err(|error| damaged("freeze", error))?;
    Ok(Some(Freeze { by, why: row.why, since: moment(row.since)? }))
}

/// The freeze of a tenant, while it holds.
pub(crate) async fn freeze_fetch(store: &Store, tenant: &TenantId) -> Result<Option<Freeze>, StoreError> {
    find(&store.reader(tenant.as_str()), tenant.as_str()).await
}

/// A freeze as its message; `frozen`: whether it holds.
pub(crate) fn freeze_message(tenant: &str, freeze: Option<&Freeze>, frozen: bool) -> FreezeMessage {
    let name = freeze_name(tenant);
    match freeze {
        None => FreezeMessage { name, ..FreezeMessage::default() },
        Some(Freeze { by, why, since }) => FreezeMessage {
            name,
            frozen,
            by: by.to_string(),
            why: why.clone(),
            since: Some(time::to_proto(*since)),
        },
    }
}

/// Freezes or thaws a tenant, unless the request was served already.
pub(crate) async fn freeze_set(
    store: &Store,
    order: FreezeOrder,
    once: Once,
) -> Result<FreezeMessage, Failure> {
    let tenant = order.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (order, once) = (order.clone(), once.clone());
        Box::pin(async move { set(tx, &order, &once).await })
    });
    commit.await
}

async fn set(tx: &DatabaseTransaction, order: &FreezeOrder, once: &Once) -> Result<FreezeMessage, Failure> {
    let tenant = order.tenant.as_str();
    if let Some(answer) = once.answered::<GetFreezeResponse>(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer.freeze.unwrap_or_default());
    }
    lease::lock(tx, tenant).await?;
    let current = find(tx, tenant).await?;
    // As it is kept.
    let at = moment(order.at.as_microsecond())?;
    let refused = |error| freeze_refused(tenant, &error);
    let before = freeze_message(tenant, current.as_ref(), true);
    let after = match &order.freeze {
        Some(why) => {
            let freeze = Freeze::begin(current.as_ref(), order.by.clone(), why, at).map_err(refused)?;
            begin(tx, tenant, &freeze).await?;
            freeze_message(tenant, Some(&freeze), true)
        }
        None => {
            let freeze = Freeze::end(current).map_err(refused)?;
            end(tx, tenant, &freeze, at).await?;
            freeze_message(tenant, Some(&freeze), false)
        }
    };
    let told = |message: &FreezeMessage| {
        json::line(FREEZE_TYPE, message).map_err(|error| StoreError::corrupt(error.to_string()))
    };
    let event = AuditEvent {
        before: told(&before)?,
        after: told(&after)?,
        justification: order.why.clone(),
        ..audit::event(tenant, &after.name)
    };
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    once.remember(tx, tenant, &GetFreezeResponse { freeze: Some(after.clone()) }).await?;
    Ok(after)
}

async fn begin(tx: &DatabaseTransaction, tenant: &str, freeze: &Freeze) -> Result<(), StoreError> {
    let row = freeze::Model {
        tenant: tenant.to_owned(),
        frozen_by: freeze.by.to_string(),
        why: freeze.why.clone(),
        since: freeze.since.as_microsecond(),
    };
    freeze::Entity::insert(freeze::ActiveModel::from(row)).exec_without_returning(tx).await?;
    Ok(())
}

/// A rollout whose last step was before the freeze does not know of it yet: its clocks are to be put off all the same.
async fn end(
    tx: &DatabaseTransaction,
    tenant: &str,
    freeze: &Freeze,
    at: Timestamp,
) -> Result<(), StoreError> {
    use rollout::Column as C;
    let running = rollout::Entity::find()
        .filter(C::Tenant.eq(tenant))
        .filter(C::Phase.eq(RolloutPhase::Running.id()))
        .all(tx)
        .await?;
    for row in running {
        let (_, rollout) = row::known(&row)?;
        let seen = Observations { freeze: Some(freeze.clone()), ..Observations::default() };
        let held = step(&rollout, &seen, at).rollout;
        if held != rollout {
            let (approving, sizes) = (row::approving(&row)?, row::sizes(&row)?);
            let (read, revision) = (row.revision, row.revision + 1);
            let next = row::filled(row, Part::Frame(&held), approving.as_ref(), &sizes, at)?;
            row::replace(tx, read, &rollout::Model { revision, ..next }).await?;
        }
    }
    freeze::Entity::delete_by_id(tenant).exec(tx).await?;
    Ok(())
}
