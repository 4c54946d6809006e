//! What the fuzz targets share: the whole system in this process, calls with any bytes as message, and messages drawn from bytes.
//!
//! Invariant: whatever the bytes are, the targets end; what they find is a panic, which libFuzzer keeps with the bytes that led to it.
//!
//! Not for: anything that an ordinary test can say in one example.

mod calls;
mod draw;
mod system;
mod wire;

pub use calls::{Method, Methods};
pub use draw::{Draw, bytes_of, descriptor};
pub use system::{Answer, System};

/// The tenant that inputs name. Each input has a tenant of its own, whose name is as long and takes this one's place in what is sent, so
/// that inputs do not meet.
pub const TENANT: &str = "tenants/00000000";

/// The hierarchy that every tenant has.
pub const HIERARCHY: &str = "PS1";
