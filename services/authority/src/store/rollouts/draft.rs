//! Makes a rollout.

use jiff::Timestamp;
use sea_orm::{DatabaseTransaction, EntityTrait};
use tandem_contracts::authority::v1::{CreateRolloutResponse, Rollout as RolloutMessage};
use tandem_contracts::r#type::v1::{AuditEvent, Justification};
use tandem_domain::rollout::Rollout;
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::Rows;

use super::row::{Part, filled, line, message_of, moving, workload_moving};
use super::{ROLLOUT_TYPE, RolloutKey, lease};
use crate::store::Store;
use crate::store::audit::audit_append;
use crate::store::entity::rollout;

/// A rollout to be kept as a draft.
#[derive(Debug, Clone)]
pub(crate) struct NewRollout {
    pub(crate) key: RolloutKey,
    pub(crate) rollout: Rollout,
    /// How many devices each wave would take. `None`: nobody can say.
    pub(crate) sizes: Vec<Option<u64>>,
    pub(crate) created_by: String,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// Keeps a draft, unless the request was served already.
pub(crate) async fn rollout_keep(
    store: &Store,
    new: NewRollout,
    once: Once,
) -> Result<RolloutMessage, Failure> {
    let tenant = new.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (new, once) = (new.clone(), once.clone());
        Box::pin(async move { kept(tx, new, &once).await })
    });
    commit.await
}

async fn kept(tx: &DatabaseTransaction, new: NewRollout, once: &Once) -> Result<RolloutMessage, Failure> {
    let NewRollout { key, rollout, sizes, created_by, why, at } = new;
    let tenant = key.tenant.as_str();
    if let Some(answer) = once.answered::<CreateRolloutResponse>(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer.rollout.unwrap_or_default());
    }
    lease::lock(tx, tenant).await?;
    if rollout::Entity::find_by_id(key.id()).one(tx).await?.is_some() {
        return Err(Failure::AlreadyExists { resource_type: ROLLOUT_TYPE, name: key.name() });
    }
    let workload = rollout.spec().workload;
    if let Some(found) = moving(tx, (tenant, key.hierarchy.as_str()), workload).await? {
        return Err(workload_moving(&key, workload, &found));
    }
    let (tenant, hierarchy, id) = key.id();
    let empty = rollout::Model {
        tenant,
        hierarchy,
        rollout: id,
        workload: String::new(),
        phase: String::new(),
        moving: false,
        revision: 1,
        etag: 1,
        state: String::new(),
        approval: None,
        shown: Vec::new(),
        create_time: at.as_microsecond(),
        created_by,
        update_time: at.as_microsecond(),
    };
    let row = filled(empty, Part::Frame(&rollout), None, &sizes, at)?;
    rollout::Entity::insert(rollout::ActiveModel::from(row.clone())).exec_without_returning(tx).await?;
    let message = message_of(&row)?;
    let event = AuditEvent {
        after: line(&message)?,
        justification: why,
        ..audit::event(key.tenant.as_str(), &message.name)
    };
    audit_append(tx, key.tenant.as_str(), &[event]).await?;
    audit::recorded();
    let answer = CreateRolloutResponse { rollout: Some(message.clone()) };
    once.remember(tx, key.tenant.as_str(), &answer).await?;
    Ok(message)
}
