//! The service over real gRPC within the process, between a caller and an inventory and an authority service of the tests' own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, also in what it shares with others")]

mod catalogue;
mod custom;
mod devices;
mod evaluation;
mod fakes;
mod fixture;
mod fleet;
mod forecast;
mod person;
mod sandbox;
mod site_and_tenant;
mod whole;
