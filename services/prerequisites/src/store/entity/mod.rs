//! The rows of this service's tables.

pub(crate) mod custom_rule;
