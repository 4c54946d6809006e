//! What each tenant asks for.

use jiff::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, EntityTrait};
use tandem_contracts::authority::v1::UpdateApprovalRulesResponse;
use tandem_contracts::r#type::v1::{AuditEvent, Justification};
use tandem_domain::approval::ApprovalRules;
use tandem_domain::id::TenantId;
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::{Rows, StoreError};

use super::message::{rules_message, rules_name};
use super::{read, written};
use crate::store::audit::audit_append;
use crate::store::entity::approval_rules;
use crate::store::{Store, lock_tenant};

/// Rules to be set.
#[derive(Debug, Clone)]
pub(crate) struct NewRules {
    pub(crate) tenant: TenantId,
    pub(crate) rules: ApprovalRules,
    /// The etag that the caller has seen; empty: whichever.
    pub(crate) etag: String,
    pub(crate) updated_by: String,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// A tenant's rules, and their row; without one they are the defaults.
pub(crate) async fn rules_fetch(
    store: &Store,
    tenant: &TenantId,
) -> Result<(ApprovalRules, Option<approval_rules::Model>), StoreError> {
    let row = approval_rules::Entity::find_by_id(tenant.to_string());
    let row = row.one(&store.reader(tenant.as_str())).await?;
    Ok((rules_of(row.as_ref())?, row))
}

pub(crate) fn rules_of(row: Option<&approval_rules::Model>) -> Result<ApprovalRules, StoreError> {
    row.map_or_else(|| Ok(ApprovalRules::default()), |row| read("approval rules", &row.body))
}

/// Sets a tenant's rules, unless the request was served already.
pub(crate) async fn rules_update(
    store: &Store,
    new: NewRules,
    once: Once,
) -> Result<UpdateApprovalRulesResponse, Failure> {
    let tenant = new.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (new, once) = (new.clone(), once.clone());
        Box::pin(async move { rules_set(tx, new, &once).await })
    });
    commit.await
}

async fn rules_set(
    tx: &DatabaseTransaction,
    new: NewRules,
    once: &Once,
) -> Result<UpdateApprovalRulesResponse, Failure> {
    let tenant = new.tenant.as_str();
    if let Some(answer) = once.answered(tx, tenant).await? {
        audit::recorded();
        return Ok(answer);
    }
    lock_tenant(tx, tenant).await?;
    let old = approval_rules::Entity::find_by_id(tenant.to_owned()).one(tx).await?;
    let current = old.as_ref().map(|row| row.etag.to_string()).unwrap_or_default();
    Failure::check_etag(rules_name(tenant), &new.etag, &current)?;
    let row = approval_rules::Model {
        tenant: tenant.to_owned(),
        body: written(&new.rules)?,
        etag: old.as_ref().map_or(0, |row| row.etag) + 1,
        update_time: new.at.as_microsecond(),
        updated_by: new.updated_by,
    };
    let replace = OnConflict::column(approval_rules::Column::Tenant)
        .update_columns([
            approval_rules::Column::Body,
            approval_rules::Column::Etag,
            approval_rules::Column::UpdateTime,
            approval_rules::Column::UpdatedBy,
        ])
        .to_owned();
    let upsert = approval_rules::Entity::insert(approval_rules::ActiveModel::from(row.clone()));
    upsert.on_conflict(replace).exec_without_returning(tx).await?;
    let event = AuditEvent {
        before: old.map(|row| row.body).unwrap_or_default(),
        after: row.body.clone(),
        justification: new.why,
        ..audit::event(tenant, &rules_name(tenant))
    };
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    let rules = rules_message(tenant, &new.rules, Some(&row))?;
    let answer = UpdateApprovalRulesResponse { rules: Some(rules) };
    once.remember(tx, tenant, &answer).await?;
    Ok(answer)
}
