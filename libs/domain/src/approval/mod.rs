//! How many people must agree to a plan before it is carried out, and whether they have.
//!
//! [`ApprovalRules::required`] judges a plan by its blast radius and says why. An [`ApprovalRequest`] collects the answers:
//! it is bound to one plan's content by its hash, expires, and in the end yields a [`Granted`], which nothing else can make.
//! Whoever carries a plan out asks for that and compares the hash.
//!
//! Invariants, each with a test: nobody approves their own request or approves twice; an approval for another content counts
//! for nothing; after it expired a request grants nothing; what was granted without the approvals names who broke the glass
//! and why; a request that somebody rejected grants nothing any more. Not for: who may approve at all (the access layer), and storing requests.

mod request;
mod rules;
#[cfg(test)]
mod tests;

pub use request::{Approval, ApprovalRefused, ApprovalRequest, BreakGlass, Granted, NotGranted, Rejection};
pub use rules::{
    ApprovalReason, ApprovalRules, ApprovalsRequired, DeviceThreshold, InvalidRules, MAX_APPROVALS,
    PlanSummary,
};
