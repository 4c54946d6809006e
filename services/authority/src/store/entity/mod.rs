//! One module per table. Shapes and reasons are in the migrations.

pub(crate) mod approval_request;
pub(crate) mod approval_rules;
pub(crate) mod audit_head;
pub(crate) mod audit_record;
pub(crate) mod desired_policy;
pub(crate) mod freeze;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod policy_revision;
pub(crate) mod rollout;
pub(crate) mod rollout_action;
