//! A policy as it was recorded once: a row is written with the policy's own, and never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_revisions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hierarchy: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) revision: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) etag: i64,
    pub(crate) update_time: i64,
    pub(crate) updated_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<super::policy::Model> for Model {
    fn from(policy: super::policy::Model) -> Self {
        let super::policy::Model { tenant, hierarchy, body, etag, revision, update_time, updated_by, .. } =
            policy;
        Self { tenant, hierarchy, revision, body, etag, update_time, updated_by }
    }
}

impl From<Model> for super::policy::Model {
    fn from(recorded: Model) -> Self {
        let Model { tenant, hierarchy, revision, body, etag, update_time, updated_by } = recorded;
        // A former policy is not asked when it changed.
        let changes = String::new();
        Self { tenant, hierarchy, body, etag, revision, update_time, updated_by, changes }
    }
}
