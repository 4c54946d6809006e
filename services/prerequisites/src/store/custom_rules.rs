//! A tenant's own rules.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{CustomRule, Severity, UpdateCustomRuleResponse};
use tandem_server::failure::Failure;
use tandem_server::once::Once;
use tandem_storage::{Rows, StoreError, tenants};

use super::entity::custom_rule::{ActiveModel, Column, Entity, Model};
use super::{Store, world};
use crate::custom;

/// What errors call the resource.
const RULE_TYPE: &str = "tandem.prerequisites.v1.CustomRule";

/// Rules that a tenant can have: what one device costs at most is this many times a rule's most.
pub(crate) const MOST_RULES: u64 = 50;

/// A rule's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleKey {
    pub(crate) tenant: String,
    pub(crate) rule: String,
}

impl RuleKey {
    /// Its resource name.
    pub(crate) fn name(&self) -> String {
        rule_name(&self.tenant, &self.rule)
    }

    fn not_found(&self) -> Failure {
        Failure::NotFound { resource_type: RULE_TYPE, name: self.name() }
    }
}

/// The resource name of a rule.
pub(crate) fn rule_name(tenant: &str, rule: &str) -> String {
    format!("tenants/{tenant}/customRules/{rule}")
}

/// What callers set of a rule, read and checked, but for its expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleBody {
    pub(crate) display_name: String,
    pub(crate) expression: String,
    pub(crate) blocking: bool,
    pub(crate) remediation: String,
    pub(crate) enabled: bool,
}

/// What is to be done to a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is made.
    Create(RuleBody),
    /// It is replaced, if it has that etag or none is given. `problem`: why it cannot be read any more, and is kept all the same;
    /// empty: it can.
    Update { body: RuleBody, etag: String, problem: String },
    /// It goes, if it has that etag or none is given.
    Delete { etag: String },
}

/// A change, by whom and when.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) key: RuleKey,
    pub(crate) change: Change,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

/// Rules as their messages, each with why it cannot be read any more. Reading takes a thread a rule: not for where others wait.
pub(crate) fn messages(rows: Vec<Model>) -> Result<Vec<CustomRule>, StoreError> {
    let told = |row: Model| {
        let problem = custom::problem_of(&row.expression).unwrap_or_default();
        message(row, problem)
    };
    rows.into_iter().map(told).collect()
}

/// A rule as its message. `problem`: why it cannot be read any more.
fn message(row: Model, problem: String) -> Result<CustomRule, StoreError> {
    let moment = |at| {
        let at = Timestamp::from_microsecond(at).map_err(|error| StoreError::corrupt(error.to_string()))?;
        Ok::<_, StoreError>(Some(time::to_proto(at)))
    };
    let severity = if row.blocking { Severity::Blocking } else { Severity::Warning };
    Ok(CustomRule {
        name: rule_name(&row.tenant, &row.rule),
        display_name: row.shown_as().to_owned(),
        problem,
        expression: row.expression,
        severity: severity.into(),
        remediation: row.remediation,
        enabled: row.enabled,
        etag: row.revision.to_string(),
        create_time: moment(row.create_time)?,
        created_by: row.created_by,
        update_time: moment(row.update_time)?,
        updated_by: row.updated_by,
    })
}

/// The rule of that name.
pub(crate) async fn rule_fetch(store: &Store, key: &RuleKey) -> Result<Model, Failure> {
    let row = Entity::find_by_id((key.tenant.clone(), key.rule.clone()));
    row.one(&store.reader(&key.tenant)).await?.ok_or_else(|| key.not_found())
}

/// Up to `limit` rules of a tenant after one, by id.
pub(crate) async fn rule_list(
    store: &Store,
    tenant: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Model>, StoreError> {
    let mut found = Entity::find().filter(Column::Tenant.eq(tenant));
    if let Some(after) = after {
        found = found.filter(Column::Rule.gt(after));
    }
    Ok(found.order_by_asc(Column::Rule).limit(limit).all(&store.reader(tenant)).await?)
}

/// The rules of a tenant that are enabled, by id.
pub(crate) async fn rules_enabled(store: &Store, tenant: &str) -> Result<Vec<Model>, StoreError> {
    let found = Entity::find().filter(Column::Tenant.eq(tenant)).filter(Column::Enabled.eq(true));
    Ok(found.order_by_asc(Column::Rule).all(&store.reader(tenant)).await?)
}

/// Changes a rule, unless the request was served already. Answers the rule as it is then; none: it is gone.
pub(crate) async fn rule_change(
    store: &Store,
    order: Order,
    once: Once,
) -> Result<UpdateCustomRuleResponse, Failure> {
    let tenant = order.key.tenant.clone();
    let commit = store.database.write(Rows::Of(&tenant), |tx| {
        let (store, order, once) = (store.clone(), order.clone(), once.clone());
        Box::pin(async move { changed(tx, &store, order, &once).await })
    });
    commit.await
}

async fn changed(
    tx: &DatabaseTransaction,
    store: &Store,
    Order { key, change, by, at }: Order,
    once: &Once,
) -> Result<UpdateCustomRuleResponse, Failure> {
    // Under the lock: a request and its repetition that arrive together have one effect.
    let revision = tenants::lock(tx, &key.tenant).await?;
    if let Some(answer) = once.answered(tx, &key.tenant).await? {
        return Ok(answer);
    }
    let old = Entity::find_by_id((key.tenant.clone(), key.rule.clone())).one(tx).await?;
    let at = at.as_microsecond();
    let changed = match (change, old) {
        (Change::Create(_), Some(_)) => {
            return Err(Failure::AlreadyExists { resource_type: RULE_TYPE, name: key.name() });
        }
        (Change::Create(body), None) => {
            let found = Entity::find().filter(Column::Tenant.eq(&key.tenant)).count(tx).await?;
            if found >= MOST_RULES {
                return Err(Failure::LimitExceeded {
                    limit: "custom_rules",
                    allowed: MOST_RULES,
                    found: found + 1,
                });
            }
            let row = row(&key, body, revision, (at, by.clone()), (at, by));
            Entity::insert(ActiveModel::from(row.clone())).exec_without_returning(tx).await?;
            Some((row, String::new()))
        }
        (Change::Update { .. } | Change::Delete { .. }, None) => return Err(key.not_found()),
        (Change::Update { body, etag, problem }, Some(old)) => {
            Failure::check_etag(key.name(), &etag, &old.revision.to_string())?;
            let row = row(&key, body, revision, (old.create_time, old.created_by), (at, by));
            Entity::update(ActiveModel::from(row.clone()).reset_all()).exec(tx).await?;
            Some((row, problem))
        }
        (Change::Delete { etag }, Some(old)) => {
            Failure::check_etag(key.name(), &etag, &old.revision.to_string())?;
            Entity::delete_by_id((key.tenant.clone(), key.rule.clone())).exec(tx).await?;
            None
        }
    };
    let answer = UpdateCustomRuleResponse {
        custom_rule: changed.map(|(row, problem)| message(row, problem)).transpose()?,
        consistency_token: world(store.mark(tenants::revision_of(revision)?)).to_string(),
    };
    once.remember(tx, &key.tenant, &answer).await?;
    Ok(answer)
}

fn row(
    key: &RuleKey,
    body: RuleBody,
    revision: i64,
    created: (i64, String),
    updated: (i64, String),
) -> Model {
    let RuleBody { display_name, expression, blocking, remediation, enabled } = body;
    let ((create_time, created_by), (update_time, updated_by)) = (created, updated);
    let RuleKey { tenant, rule } = key.clone();
    Model {
        tenant,
        rule,
        display_name,
        expression,
        blocking,
        remediation,
        enabled,
        revision,
        create_time,
        created_by,
        update_time,
        updated_by,
    }
}
