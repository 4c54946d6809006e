//! A collection; `hierarchy` is empty for Tandem's own.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "collections")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) collection_no: i64,
    pub(crate) hierarchy: String,
    pub(crate) collection: String,
    pub(crate) display_name: String,
    #[sea_orm(column_type = "Blob", nullable)]
    pub(crate) rule: Option<Vec<u8>>,
    pub(crate) limiting_collection: String,
    pub(crate) site_member_count: Option<i64>,
    pub(crate) members_complete: bool,
    pub(crate) observed_at: Option<i64>,
    pub(crate) etag: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
