//! Which records describe one device.
//!
//! A record (what a source keeps under one key) carries identity keys. [`place`] decides, from the keys of one record and the
//! devices that already hold them, where the record belongs. It is pure and never fails: a second claimant of a key becomes a
//! [`Conflict`] that says what was expected and what was found.
//!
//! # Rules
//!
//! 1. A record that was placed stays on its device.
//! 2. A new record joins the device that holds its strongest strong key and is compatible with it. Strength: directory device id,
//!    client id, Intune id (fact pack, graph_managed_device.md 6). Compatible: no other record of the same source (hierarchy),
//!    no different value of a strong kind.
//! 3. Other strong keys of the record, held by further compatible devices, merge those devices into the first. The same goes for
//!    a key that a placed record brings late.
//! 4. Hardware keys come after the strong ones and only where these are in no conflict: a new record joins by them only when no
//!    strong key found a device; otherwise they may merge a further device. Same conditions, and only if exactly one device holds
//!    the key and it is not ambiguous. A hardware key found on two incompatible devices becomes ambiguous: it still belongs to
//!    its first holder, but never joins anything again.
//! 5. A key of the record that is held elsewhere and led to no join or merge is a conflict; the claimant does not get it.
//!
//! Invariants: a device has at most one record of each source, and at most one value of each strong kind; junk values are no
//! keys. Records with strong keys that do not contradict each other end up in the same groups in whatever order they arrive;
//! a hardware key that several devices share may be decided by who comes first.
//!
//! # In batches: what to look up, what to write
//!
//! Rows: `(tenant, kind, value) -> device, ambiguous`, unique by the first three; `(tenant, source, key) -> device, keys` for
//! records, where `keys` are what the record brings, granted or not; conflicts by claimant `(tenant, source, key)`. Under the
//! tenant's lock:
//!
//! 1. Make a [`RecordIdentity::of_sections`] of each record that is new, or whose keys differ from the stored ones, or that has
//!    conflicts open: from all its sections as they will stand after the batch, not only from the one that arrived. Any other
//!    record keeps its place without asking.
//! 2. Look up these records by `(source, key)`, and their keys by `(kind, value)`. Load each device so found as a [`Holder`]: the
//!    key rows that point at it, its records with their keys, its ambiguous key rows.
//! 3. Call [`place`] record by record, in order of arrival, with the holders of that record's keys and its current device.
//!    Before the next call, apply the answer to the holders in memory: later records of the batch must see it.
//! 4. Applying means, in this order: `releases` (delete the key rows); `merge` (point key rows, records and conflicts at the
//!    surviving device, leave tombstones for the merged ones); the record's row with its keys; `claims` (upsert key rows);
//!    `ambiguous` (mark the rows); `conflicts` (replace the claimant's; a conflict whose key ends up on the claimant's own
//!    device is settled: delete it). The database needs only the difference between the batch's first and last state:
//!    deletions, then upserts.
//! 5. When a record is removed, delete the key rows that [`released`] names, and place again the claimants that have a conflict
//!    with its device: what stood between them may be gone.

mod key;
mod place;
mod placement;
mod record;
#[cfg(test)]
mod tests;

pub use key::{IdentityKey, KeyKind, NotAKey, NotAKeyReason, Strength, UnknownKeyKind};
pub use place::{place, released};
pub use placement::{Conflict, ConflictReason, Decision, Holder, Placement};
pub use record::{RecordIdentity, keys_of};
