//! The inventory over its real gRPC interface, on a database of its own in a temporary folder.

mod collections;
mod identity;
mod reports;
mod resources;
mod sandbox;
mod watch;
