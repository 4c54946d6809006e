//! Round trips of whole values, complete tables, and what a broken message is told.

mod draw;
mod enums;
mod round_trips;
mod violations;
