//! A tenant, its facts, and the counters that its writers lock.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    pub(crate) display_name: String,
    #[sea_orm(column_type = "Blob")]
    pub(crate) facts: Vec<u8>,
    pub(crate) etag: i64,
    pub(crate) revision: i64,
    pub(crate) surroundings_revision: i64,
    pub(crate) next_number: i64,
    pub(crate) writes: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
