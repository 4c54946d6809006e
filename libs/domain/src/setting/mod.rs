//! What governs this setting? From a kind of policy, feature or setting to the workload whose slider governs
//! it, and on a device to who holds it, with every documented exception.
//!
//! The kinds are data (`data/setting_kinds.csv`); an exception is a typed [`SettingException`], because
//! whether it applies on a device is a rule. A feature that no workload covers stays with Configuration
//! Manager; where the fact pack does not say what governs a kind, the answer is [`GovernedBy::NotDocumented`]
//! and never a guess.
//!
//! Invariants, each tested: a setting governed by a workload is held by whom [`crate::authority`] decided for
//! that workload; a second manager is named only where a documented exception lets both act on this device;
//! unknown is never read as "does not apply".
//!
//! Not for: deciding authority ([`crate::authority`]), or which single setting a policy contains.

mod exception;
mod kind;
mod on_device;
#[cfg(test)]
mod tests;

pub use exception::SettingException;
pub use kind::{GovernedBy, SettingKind, UnknownSettingKind, resolve_setting, setting_kinds};
pub use on_device::{Applicability, Because, ExceptionOnDevice, SettingOnDevice, setting_on_device};
