//! The front door: what the `tandem` command does for the person or the script at the terminal.
//!
//! [`assess`] turns exports of the two systems into an assessment, printed as tables, as JSON or as a page. Everything that
//! is decided is decided by the services and the domain; this crate assembles them, asks them and presents their answers.

pub mod assess;
pub mod cli;
pub mod import;
mod printable;
pub mod sandbox;
pub mod serve;
