//! By what else a tenant's devices are judged.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "evaluation_settings")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    /// The encoded message with what a caller set, and nothing of ours.
    pub(crate) body: Vec<u8>,
    /// The tenant's revision of the last change.
    pub(crate) revision: i64,
    /// In microseconds since 1970.
    pub(crate) update_time: i64,
    pub(crate) updated_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
