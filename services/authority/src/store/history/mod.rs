//! What devices were when, and how far that is kept.
//!
//! Versions of one device follow one another: whoever adds to a tenant's locks the tenant's row of `history_cursors`, every moment that is
//! written is later than all before, and an older revision than was kept changes nothing. The inventory's feed is followed up to the cursor, which moves in the transaction that keeps what it
//! passes: a process that dies leaves nothing half kept and keeps nothing twice.
//!
//! - `cursor`: how far, and which process keeps it.
//! - `keep`: adds to it. `past`: reads it. `forget`: drops what is too old.

pub(crate) mod cursor;
pub(crate) mod forget;
pub(crate) mod keep;
pub(crate) mod past;
#[cfg(test)]
mod tests;
