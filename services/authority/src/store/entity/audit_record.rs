//! A record of the audit log. The columns beside the entry are for finding it; only the entry is hashed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_records")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) sequence: i64,
    pub(crate) event_id: String,
    pub(crate) time: i64,
    pub(crate) kind: i32,
    pub(crate) method: String,
    pub(crate) principal: String,
    pub(crate) resource: String,
    pub(crate) previous: String,
    pub(crate) entry: String,
    pub(crate) hash: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
