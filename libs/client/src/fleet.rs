//! What decisions about many devices need: the devices, what surrounds them, and the policies of their hierarchies.
//!
//! The latter two change seldom and are needed for every device, so a service keeps the last reading of each tenant and answers
//! from it for up to [`TRUSTED_FOR`]; devices come from the device-state cache under the same promise. A caller that passes a
//! consistency token never gets an older world than that of the token.
//!
//! - [`DeviceReader`] asks the device-state cache and the inventory: devices by name.
//! - [`SurroundingsReader`] asks the inventory: tenant, sites, collections whose members are known.
//! - [`PolicyReader`] asks the authority: the policies as configured.
//!
//! Consistency tokens are opaque here. Whoever makes a reader says how a token is read ([`WorldOf`]) and written ([`TokenOf`]).

mod devices;
mod kept;
mod policies;
mod surroundings;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use devices::{DeviceReader, HeldDevice, NamedDevices};
pub use kept::Dated;
pub use policies::{Policies, PolicyReader, TenantPolicies};
pub use surroundings::{HierarchySurroundings, SurroundingsReader, TenantSurroundings};

/// How old a reading may be without being asked for anew: as long as a cache entry of the device state may lag.
pub const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Tenants of which a reader keeps the last reading, some 100 kB each at most; beyond, those used longest ago are read anew.
pub const TENANTS_KEPT: u64 = 1000;

/// How far the service that is asked was. Worlds of different incarnations cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// Which life of its database.
    pub incarnation: u64,
    /// The tenant's revision.
    pub revision: u64,
}

impl World {
    /// Whether this world holds everything that `asked` does.
    #[must_use]
    pub fn covers(self, asked: Self) -> bool {
        self.incarnation == asked.incarnation && self.revision >= asked.revision
    }
}

/// Reads from a consistency token how far the service that is asked was; `None`: the token says nothing of it.
pub type WorldOf = fn(&str) -> Option<World>;

/// Writes the consistency token of a world of the service that is asked.
pub type TokenOf = fn(World) -> String;
