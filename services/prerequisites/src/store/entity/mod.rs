//! The rows of this service's tables.

pub(crate) mod custom_rule;
pub(crate) mod evaluation_settings;
