//! One module per table. Shapes and reasons are in the migrations.

pub(crate) mod policy;
pub(crate) mod policy_revision;
