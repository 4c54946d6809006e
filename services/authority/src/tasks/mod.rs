//! What runs beside the calls.

pub(crate) mod forget_requests;
