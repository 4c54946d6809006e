//! A site of a hierarchy.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sites")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hierarchy: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) site: String,
    #[sea_orm(column_type = "Blob")]
    pub(crate) facts: Vec<u8>,
    pub(crate) etag: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
