//! One module per table. Shapes and reasons are in the migrations.

pub(crate) mod collection;
pub(crate) mod device;
pub(crate) mod device_key;
pub(crate) mod hierarchy;
pub(crate) mod identity_conflict;
pub(crate) mod member;
pub(crate) mod own_member;
pub(crate) mod record;
pub(crate) mod site;
pub(crate) mod tenant;
