//! The merge of a device's facets, with the columns that filters use.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) device: String,
    pub(crate) revision: i64,
    pub(crate) removed: bool,
    pub(crate) folded_name: String,
    pub(crate) state: i32,
    pub(crate) hierarchy: String,
    pub(crate) site: String,
    pub(crate) join_type: i32,
    pub(crate) os_kind: i32,
    pub(crate) client: i32,
    #[sea_orm(column_type = "Blob")]
    pub(crate) body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
