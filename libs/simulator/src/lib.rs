//! A generated fleet: devices that never existed, told by the two systems in their own shapes.
//!
//! [`Fleet::device`] is a pure function of the fleet's specification and a device's index: no state, no order, a few kilobytes
//! of memory. Any range of a fleet can be made anywhere and in parallel, and is the same every time. [`write_exports`] streams a
//! whole fleet into export files as `tandem assess` reads them.
//!
//! The mix of devices is in [`shares`]: constants that benches and tests can rely on. It is a plausible mid-size estate in the
//! middle of its transition and no statistic of any real one; nothing here says what a device *should* be assessed as.
//!
//! | module | what is in it |
//! |---|---|
//! | [`shares`] | how often everything occurs |
//! | `spec` | what a fleet is asked to be, its defaults and bounds |
//! | `draw` | chance without state |
//! | `hierarchy` | sites, sliders, collections |
//! | `situation` | how far a device has come, and what follows for the two systems' records |
//! | `fleet`, `device` | index to device |
//! | `export` | device to files |
//!
//! The fact pack, cited by file and section, is `libs/domain/data`.

mod device;
mod draw;
mod export;
mod fleet;
mod hierarchy;
mod records;
pub mod shares;
mod situation;
mod spec;

pub use device::{CoManagementRow, IntuneRecord, Serial, SimulatedDevice, SiteRecord};
pub use export::{SimulateError, Written, write_exports};
pub use fleet::Fleet;
pub use hierarchy::{Collection, Hierarchy};
pub use shares::Windows;
pub use situation::Situation;
pub use spec::{
    FleetSpec, HierarchySpec, InvalidSpec, MAX_DEVICES, MAX_HIERARCHIES, MAX_MEMBERSHIPS_PER_DEVICE,
};
