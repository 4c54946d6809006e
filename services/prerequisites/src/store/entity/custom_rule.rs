//! A rule of a tenant's own.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "custom_rules")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) rule: String,
    pub(crate) display_name: String,
    pub(crate) expression: String,
    /// It blocks; else it warns.
    pub(crate) blocking: bool,
    pub(crate) remediation: String,
    pub(crate) enabled: bool,
    /// The tenant's revision of the last change: no other rule, and no earlier state of this one, has it.
    pub(crate) revision: i64,
    /// In microseconds since 1970.
    pub(crate) create_time: i64,
    pub(crate) created_by: String,
    pub(crate) update_time: i64,
    pub(crate) updated_by: String,
}

impl Model {
    /// What people call it: its id, unless they say otherwise.
    pub(crate) fn shown_as(&self) -> &str {
        if self.display_name.is_empty() { &self.rule } else { &self.display_name }
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
