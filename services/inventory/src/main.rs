//! tandem-inventory
fn main() {}
