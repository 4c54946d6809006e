//! A tenant's fleet as an index in memory, kept at the inventory's feed: whoever counts devices keeps one, and says what it counts.
//!
//! | module | holds |
//! |---|---|
//! | [`index`] | which devices are counted under which key, as bitmaps over dense ordinals; who is in which collection |
//! | [`follow`] | the followers: a snapshot, then every change, and whatever surroundings and time change |
//! | [`wanted`] | whose devices a request asks about, within what its caller may see |
//!
//! A service brings a [`Judge`]: it says which keys count a device. The rest is the same for all of them: a follower per tenant,
//! judging again what surroundings or time changed, readers that wait for a world, numbers and the lists behind them from one bitmap.
//!
//! Invariants: numbers never run ahead of their lists; an answer about an older revision of a device never replaces a newer one; a
//! reader who passes a consistency token never sees an older world.
//!
//! Not for: deciding anything about a device, and keeping anything beyond the process: an index is counted anew at start.

pub mod follow;
pub mod index;
pub mod wanted;

pub use follow::{
    Cause, Counting, FleetCount, FollowMode, FollowerHealth, Followers, Judge, Own, Run, Selection, Sources,
    TenantCount, World,
};
pub use index::{Counted, FleetIndex, ListedDevice, Memberships, Page, Roster};
pub use wanted::{Part, Wanted};
