//! The part of a record that was read from one class or entity.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sections")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) record_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: i32,
    pub(crate) observed_at: i64,
    pub(crate) sequence: i64,
    pub(crate) clamped: bool,
    #[sea_orm(column_type = "Blob")]
    pub(crate) body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
