//! By what else a tenant's devices are judged.

use jiff::Timestamp;
use prost::Message;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, EntityTrait};
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{EvaluationSettings, UpdateEvaluationSettingsResponse};
use tandem_server::failure::Failure;
use tandem_server::once::Once;
use tandem_storage::{Rows, StoreError, tenants};

use super::entity::evaluation_settings::{ActiveModel, Column, Entity, Model};
use super::{Store, world};

/// The resource name of a tenant's settings.
pub(crate) fn settings_name(tenant: &str) -> String {
    format!("tenants/{tenant}/evaluationSettings")
}

/// Settings to be kept.
#[derive(Debug, Clone)]
pub(crate) struct NewSettings {
    pub(crate) tenant: String,
    /// What the caller set, checked.
    pub(crate) settings: EvaluationSettings,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

/// A tenant's settings as their message. Without a row nothing was ever set.
fn message(tenant: &str, row: Option<Model>) -> Result<EvaluationSettings, StoreError> {
    let name = settings_name(tenant);
    let Some(row) = row else { return Ok(EvaluationSettings { name, ..EvaluationSettings::default() }) };
    let corrupt = |error: &dyn std::error::Error| StoreError::corrupt(format!("{name}: {error}"));
    let set = EvaluationSettings::decode(row.body.as_slice()).map_err(|error| corrupt(&error))?;
    let at = Timestamp::from_microsecond(row.update_time).map_err(|error| corrupt(&error))?;
    Ok(EvaluationSettings {
        name,
        etag: row.revision.to_string(),
        update_time: Some(time::to_proto(at)),
        updated_by: row.updated_by,
        ..set
    })
}

/// A tenant's settings.
pub(crate) async fn settings_fetch(store: &Store, tenant: &str) -> Result<EvaluationSettings, StoreError> {
    message(tenant, Entity::find_by_id(tenant).one(&store.reader(tenant)).await?)
}

/// Replaces a tenant's settings, unless the request was served already.
pub(crate) async fn settings_update(
    store: &Store,
    new: NewSettings,
    once: Once,
) -> Result<UpdateEvaluationSettingsResponse, Failure> {
    let tenant = new.tenant.clone();
    let commit = store.database.write(Rows::Of(&tenant), |tx| {
        let (store, new, once) = (store.clone(), new.clone(), once.clone());
        Box::pin(async move { updated(tx, &store, new, &once).await })
    });
    commit.await
}

async fn updated(
    tx: &DatabaseTransaction,
    store: &Store,
    NewSettings { tenant, settings, by, at }: NewSettings,
    once: &Once,
) -> Result<UpdateEvaluationSettingsResponse, Failure> {
    // Under the lock: a request and its repetition that arrive together have one effect.
    let revision = tenants::lock(tx, &tenant).await?;
    if let Some(answer) = once.answered(tx, &tenant).await? {
        return Ok(answer);
    }
    let old = Entity::find_by_id(tenant.as_str()).one(tx).await?;
    let current = old.map(|row| row.revision.to_string()).unwrap_or_default();
    Failure::check_etag(settings_name(&tenant), &settings.etag, &current)?;
    let set = EvaluationSettings { maximum_ages: settings.maximum_ages, ..EvaluationSettings::default() };
    let row = Model {
        tenant: tenant.clone(),
        body: set.encode_to_vec(),
        revision,
        update_time: at.as_microsecond(),
        updated_by: by,
    };
    let replace = OnConflict::column(Column::Tenant)
        .update_columns([Column::Body, Column::Revision, Column::UpdateTime, Column::UpdatedBy])
        .to_owned();
    let upsert = Entity::insert(ActiveModel::from(row.clone()));
    upsert.on_conflict(replace).exec_without_returning(tx).await?;
    let answer = UpdateEvaluationSettingsResponse {
        evaluation_settings: Some(message(&tenant, Some(row))?),
        consistency_token: world(store.mark(tenants::revision_of(revision)?)).to_string(),
    };
    once.remember(tx, &tenant, &answer).await?;
    Ok(answer)
}
