//! A rollout: its state as the domain decides by, and what is shown of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollouts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hierarchy: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) rollout: String,
    pub(crate) workload: String,
    pub(crate) phase: String,
    pub(crate) moving: bool,
    pub(crate) revision: i64,
    pub(crate) etag: i64,
    #[sea_orm(column_type = "Text")]
    pub(crate) state: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) approval: Option<String>,
    pub(crate) shown: Vec<u8>,
    pub(crate) create_time: i64,
    pub(crate) created_by: String,
    pub(crate) update_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
