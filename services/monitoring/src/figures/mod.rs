//! What the dashboard counts.
//!
//! - [`Figure`]: the vocabulary. Every figure of the contract is one value of it, with its tile and key.
//! - [`contribution`]: which figures one device counts in, from its facts and the answers of authority and prerequisites.
//! - [`describe`]: what people read beside a figure.

mod contribution;
mod describe;
mod figure;

pub(crate) use contribution::{Evidence, contribution};
pub(crate) use describe::describe;
pub(crate) use figure::Figure;
