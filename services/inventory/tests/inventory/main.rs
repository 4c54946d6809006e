//! The inventory over its real gRPC interface, on a database of its own in a temporary folder.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod collections;
mod identity;
mod reports;
mod resources;
mod sandbox;
mod watch;
