//! A change of membership that a rollout gave out to be done.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollout_actions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hierarchy: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) rollout: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) sequence: i64,
    pub(crate) action: String,
    pub(crate) wave: i32,
    pub(crate) collection: String,
    pub(crate) adds: bool,
    pub(crate) takes_back: bool,
    #[sea_orm(column_type = "Text")]
    pub(crate) devices: String,
    pub(crate) open: bool,
    pub(crate) give_time: i64,
    pub(crate) confirm_time: Option<i64>,
    pub(crate) confirmed_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
