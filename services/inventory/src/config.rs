//! What can be configured of the inventory.
