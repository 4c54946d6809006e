//! Asking for approvals, giving them, and what they grant.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{PlanHash, PrincipalId};

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: PrincipalId,
    /// When.
    pub at: Timestamp,
}

/// Somebody went ahead without the approvals. To be shown wherever the plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Who; the requester may.
    pub by: PrincipalId,
    /// Why, in their words; never blank.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Somebody's no, which ends the request. The requester's own takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Who.
    pub by: PrincipalId,
    /// Why, in their words; never blank.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// A plan that waits for approvals, and those that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    plan: PlanHash,
    requester: PrincipalId,
    required: u8,
    expires_at: Timestamp,
    approvals: Vec<Approval>,
    break_glass: Option<BreakGlass>,
    rejection: Option<Rejection>,
}

/// Why an approval, or a broken glass, does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefused {
    /// The requester approves.
    #[error("expected an approver other than the requester; found {by}")]
    SelfApproval {
        /// The requester.
        by: PrincipalId,
    },
    /// It comes too late.
    #[error("expected an answer before {expires_at}; found one at {at}")]
    Expired {
        /// From then on the request grants nothing.
        expires_at: Timestamp,
        /// When the answer came.
        at: Timestamp,
    },
    /// The approver saw another content.
    #[error("expected the plan with hash {expected}; found {found}")]
    PlanChanged {
        /// The content that was asked about.
        expected: PlanHash,
        /// The content that the approver saw.
        found: PlanHash,
    },
    /// The same person approved before.
    #[error("expected somebody who has not approved yet; found {by}, who did at {at}")]
    AlreadyApproved {
        /// Who.
        by: PrincipalId,
        /// When they did.
        at: Timestamp,
    },
    /// Somebody said no.
    #[error("expected a request that nobody rejected; found it rejected by {by} at {at}")]
    Rejected {
        /// Who.
        by: PrincipalId,
        /// When.
        at: Timestamp,
    },
    /// There is nothing left to approve.
    #[error("expected a plan that waits for approval; found {found} of {required} approvals given")]
    NoApprovalNeeded {
        /// How many it needs.
        required: u8,
        /// How many it has.
        found: usize,
    },
    /// The glass is broken, or the request rejected, without a word why.
    #[error("expected a reason; found none")]
    ReasonMissing,
}

impl ApprovalRefused {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::SelfApproval { .. } => "SELF_APPROVAL",
            Self::Expired { .. } => "APPROVAL_EXPIRED",
            Self::PlanChanged { .. } => "APPROVAL_PLAN_CHANGED",
            Self::AlreadyApproved { .. } => "ALREADY_APPROVED",
            Self::Rejected { .. } => "APPROVAL_REJECTED",
            Self::NoApprovalNeeded { .. } => "NO_APPROVAL_NEEDED",
            Self::ReasonMissing => "APPROVAL_REASON_MISSING",
        }
    }
}

/// Why a request grants nothing yet, or any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// Somebody said no.
    #[error("expected a request that nobody rejected; found it rejected at {at}")]
    Rejected {
        /// When.
        at: Timestamp,
    },
    /// Approvals are missing.
    #[error("expected {expected} approvals; found {found}")]
    ApprovalsMissing {
        /// How many are needed.
        expected: u8,
        /// How many there are.
        found: usize,
    },
    /// It was not used in time.
    #[error("expected use before {expires_at}; found {at}")]
    Expired {
        /// From then on the request grants nothing.
        expires_at: Timestamp,
        /// When it was to be used.
        at: Timestamp,
    },
}

impl NotGranted {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "APPROVAL_REJECTED",
            Self::ApprovalsMissing { .. } => "APPROVALS_MISSING",
            Self::Expired { .. } => "APPROVAL_EXPIRED",
        }
    }
}

/// The proof that one content may be carried out. Only [`ApprovalRequest::granted`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    plan: PlanHash,
    approvers: Vec<PrincipalId>,
    break_glass: Option<BreakGlass>,
}

impl Granted {
    /// The content that may be carried out, and no other.
    #[must_use]
    pub const fn plan(&self) -> &PlanHash {
        &self.plan
    }

    /// Who approved, in the order in which they did.
    #[must_use]
    pub fn approvers(&self) -> &[PrincipalId] {
        &self.approvers
    }

    /// Who went ahead without the approvals; `None`: nobody did.
    #[must_use]
    pub const fn break_glass(&self) -> Option<&BreakGlass> {
        self.break_glass.as_ref()
    }
}

impl ApprovalRequest {
    /// Asks for approvals of one content, until a moment.
    #[must_use]
    pub const fn ask(plan: PlanHash, requester: PrincipalId, required: u8, expires_at: Timestamp) -> Self {
        let approvals = Vec::new();
        Self { plan, requester, required, expires_at, approvals, break_glass: None, rejection: None }
    }

    /// The content that was asked about.
    #[must_use]
    pub const fn plan(&self) -> &PlanHash {
        &self.plan
    }

    /// Who asked.
    #[must_use]
    pub const fn requester(&self) -> &PrincipalId {
        &self.requester
    }

    /// How many approvals are needed.
    #[must_use]
    pub const fn required(&self) -> u8 {
        self.required
    }

    /// From then on it grants nothing.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The approvals so far.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// Who went ahead without the approvals; `None`: nobody did.
    #[must_use]
    pub const fn break_glass(&self) -> Option<&BreakGlass> {
        self.break_glass.as_ref()
    }

    /// Who said no; `None`: nobody did.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// Adds a person's approval of the content that they saw.
    ///
    /// # Errors
    /// The first of: expired, another content, rejected, nothing left to approve, their own request, approved before.
    pub fn approve(&self, by: &PrincipalId, seen: &PlanHash, at: Timestamp) -> Result<Self, ApprovalRefused> {
        self.still_open(seen, at)?;
        if *by == self.requester {
            return Err(ApprovalRefused::SelfApproval { by: by.clone() });
        }
        if let Some(before) = self.approvals.iter().find(|approval| approval.by == *by) {
            return Err(ApprovalRefused::AlreadyApproved { by: by.clone(), at: before.at });
        }
        let mut next = self.clone();
        next.approvals.push(Approval { by: by.clone(), at });
        Ok(next)
    }

    /// Ends the request with a no: nothing of it is granted, whatever was approved before.
    ///
    /// # Errors
    /// The first of: expired, another content, rejected before, nothing left to approve, no reason.
    pub fn reject(
        &self,
        by: &PrincipalId,
        seen: &PlanHash,
        why: &str,
        at: Timestamp,
    ) -> Result<Self, ApprovalRefused> {
        self.still_open(seen, at)?;
        let why = said(why)?;
        Ok(Self { rejection: Some(Rejection { by: by.clone(), why, at }), ..self.clone() })
    }

    /// Goes ahead without the approvals that are missing.
    ///
    /// # Errors
    /// The first of: expired, another content, rejected, nothing left to approve, no reason.
    pub fn break_the_glass(
        &self,
        by: &PrincipalId,
        seen: &PlanHash,
        why: &str,
        at: Timestamp,
    ) -> Result<Self, ApprovalRefused> {
        self.still_open(seen, at)?;
        let why = said(why)?;
        Ok(Self { break_glass: Some(BreakGlass { by: by.clone(), why, at }), ..self.clone() })
    }

    /// What the request grants at a moment.
    ///
    /// # Errors
    /// It was rejected, it expired, or approvals are missing.
    pub fn granted(&self, at: Timestamp) -> Result<Granted, NotGranted> {
        if let Some(rejection) = &self.rejection {
            return Err(NotGranted::Rejected { at: rejection.at });
        }
        if at >= self.expires_at {
            return Err(NotGranted::Expired { expires_at: self.expires_at, at });
        }
        if !self.is_satisfied() {
            return Err(NotGranted::ApprovalsMissing {
                expected: self.required,
                found: self.approvals.len(),
            });
        }
        Ok(Granted {
            plan: self.plan.clone(),
            approvers: self.approvals.iter().map(|approval| approval.by.clone()).collect(),
            break_glass: self.break_glass.clone(),
        })
    }

    fn is_satisfied(&self) -> bool {
        self.break_glass.is_some() || self.approvals.len() >= usize::from(self.required)
    }

    fn still_open(&self, seen: &PlanHash, at: Timestamp) -> Result<(), ApprovalRefused> {
        if at >= self.expires_at {
            return Err(ApprovalRefused::Expired { expires_at: self.expires_at, at });
        }
        if *seen != self.plan {
            return Err(ApprovalRefused::PlanChanged { expected: self.plan.clone(), found: seen.clone() });
        }
        if let Some(Rejection { by, at, .. }) = &self.rejection {
            return Err(ApprovalRefused::Rejected { by: by.clone(), at: *at });
        }
        if self.is_satisfied() {
            let found = self.approvals.len();
            return Err(ApprovalRefused::NoApprovalNeeded { required: self.required, found });
        }
        Ok(())
    }
}

fn said(why: &str) -> Result<String, ApprovalRefused> {
    match why.trim() {
        "" => Err(ApprovalRefused::ReasonMissing),
        why => Ok(why.to_owned()),
    }
}
