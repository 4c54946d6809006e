//! A key that a second record claimed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_conflicts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) conflict_no: i64,
    pub(crate) kind: i32,
    pub(crate) value: String,
    pub(crate) holder: String,
    pub(crate) claimant: String,
    pub(crate) source: String,
    pub(crate) record_key: String,
    pub(crate) explanation: String,
    pub(crate) first_seen: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
