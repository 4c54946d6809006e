//! A plan that waits, or waited, for approvals.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "approval_requests")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hierarchy: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) plan: String,
    pub(crate) body: String,
    pub(crate) reasons: String,
    pub(crate) why: String,
    pub(crate) ticket: String,
    pub(crate) create_time: i64,
    pub(crate) apply_when_approved: bool,
    pub(crate) apply_problem: String,
    pub(crate) applied: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
