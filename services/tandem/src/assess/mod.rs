//! `tandem assess`: exports of the two systems in, one assessment out.
//!
//! `docs/assessment.md` is the contract: what is read, what is answered, and in which words. [`model`] is that answer as
//! types; [`table`] and [`html`] show it to people. None of the three decides anything about a device: they present.

pub mod collect;
pub mod command;
pub mod html;
pub mod model;
pub mod run;
pub mod table;

#[cfg(test)]
pub(crate) mod example;
mod findings;
mod head;
pub(crate) mod words;
