//! What an evaluation answers: an outcome per rule with expected against found, and a verdict.

use std::borrow::Cow;

use jiff::Timestamp;

use super::catalogue::{Path, Rule, Severity};
use super::judged::Judged;
use super::moment::earlier;
use super::text::Text;

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The condition holds.
    Satisfied,
    /// The condition is known not to hold.
    Unsatisfied {
        /// What the rule asks for.
        expected: Text,
        /// What there is instead.
        found: Text,
    },
    /// The facts at hand do not decide.
    Unknown {
        /// Ids of the facts that nobody said, or that say too little.
        missing: Cow<'static, [&'static str]>,
    },
    /// The rule has a precondition that is known not to hold.
    NotApplicable {
        /// Why.
        why: Cow<'static, str>,
    },
}

impl Outcome {
    /// The condition holds.
    #[must_use]
    pub const fn is_satisfied(&self) -> bool {
        matches!(self, Self::Satisfied)
    }

    /// The condition is known not to hold.
    #[must_use]
    pub const fn is_unsatisfied(&self) -> bool {
        matches!(self, Self::Unsatisfied { .. })
    }

    /// The facts at hand do not decide.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// `satisfied`, `unsatisfied`, `unknown` or `not_applicable`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.kind().id()
    }
}

/// What became of one rule, without words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutcomeKind {
    /// The condition holds.
    Satisfied,
    /// The condition is known not to hold.
    Unsatisfied,
    /// The facts at hand do not decide.
    Unknown,
    /// The rule has a precondition that is known not to hold.
    NotApplicable,
}

impl OutcomeKind {
    /// `satisfied`, `unsatisfied`, `unknown` or `not_applicable`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Unsatisfied => "unsatisfied",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// An outcome, and the next moment at which time alone changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer<O = Outcome> {
    pub(crate) outcome: O,
    pub(crate) changes_at: Option<Timestamp>,
    /// What failing means here, where that is not what the catalogue says.
    severity: Option<Severity>,
}

impl<O> Answer<O> {
    /// An outcome that holds until then.
    pub(crate) const fn until(outcome: O, changes_at: Option<Timestamp>) -> Self {
        Self { outcome, changes_at, severity: None }
    }

    /// The same, where failing means something else than the catalogue says.
    pub(crate) fn weighing(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }
}

impl<O> From<O> for Answer<O> {
    fn from(outcome: O) -> Self {
        Self::until(outcome, None)
    }
}

/// One rule and what became of it, told as an `O`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<O = Outcome> {
    /// The rule, with its remediation.
    pub rule: &'static Rule,
    /// What failing it means here: the rule's own severity, but for `lic.intune_admin` where a tenant lets unlicensed administrators in.
    pub severity: Severity,
    /// What became of it.
    pub outcome: O,
}

impl Finding {
    /// What became of a rule that weighs what the catalogue says.
    #[must_use]
    pub const fn new(rule: &'static Rule, outcome: Outcome) -> Self {
        Self { rule, severity: rule.severity, outcome }
    }
}

/// The answer about a path as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// No blocking rule is unsatisfied or unknown.
    Ready,
    /// A blocking rule is unsatisfied.
    Blocked,
    /// No blocking rule is unsatisfied, but one is unknown.
    Unknown,
    /// The path is not for this device.
    NotApplicable,
}

impl Verdict {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Ready, Self::Blocked, Self::Unknown, Self::NotApplicable];

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// The rules of one scope on one path, judged for one tenant, site or device; what became of each is told as an `O`.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<O = Outcome> {
    /// The path.
    pub path: Path,
    /// One per rule, in catalogue order.
    pub findings: Vec<Finding<O>>,
    /// The first moment at which an answer is another one although no fact changed (support ends, health grows stale, an
    /// attestation runs out). Unset: time alone changes nothing.
    pub valid_until: Option<Timestamp>,
}

impl<O: Judged> Report<O> {
    /// Collects the answers to rules.
    pub(crate) fn collect(path: Path, answers: impl Iterator<Item = (&'static Rule, Answer<O>)>) -> Self {
        let mut report =
            Self { path, findings: Vec::with_capacity(answers.size_hint().0), valid_until: None };
        for (rule, Answer { outcome, changes_at, severity }) in answers {
            report.valid_until = earlier(report.valid_until, changes_at);
            report.findings.push(Finding { rule, severity: severity.unwrap_or(rule.severity), outcome });
        }
        report
    }

    /// The answer as a whole. A scope without any rule on the path is ready.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut applies = self.findings.is_empty();
        let mut verdict = Verdict::Ready;
        for finding in &self.findings {
            let kind = finding.outcome.kind();
            applies |= kind != OutcomeKind::NotApplicable;
            if finding.severity != Severity::Blocking {
                continue;
            }
            match kind {
                OutcomeKind::Unsatisfied => return Verdict::Blocked,
                OutcomeKind::Unknown => verdict = Verdict::Unknown,
                OutcomeKind::Satisfied | OutcomeKind::NotApplicable => {}
            }
        }
        if applies { verdict } else { Verdict::NotApplicable }
    }

    /// What became of the rule of that id; `None` if it is not on this path and scope.
    #[must_use]
    pub fn outcome(&self, rule_id: &str) -> Option<&O> {
        self.findings.iter().find(|finding| finding.rule.id == rule_id).map(|finding| &finding.outcome)
    }

    /// The findings that are known not to hold, blocking and warning.
    pub fn unsatisfied(&self) -> impl Iterator<Item = &Finding<O>> {
        self.findings.iter().filter(|finding| finding.outcome.kind() == OutcomeKind::Unsatisfied)
    }

    /// The findings that the facts at hand do not decide, blocking and warning.
    pub fn unknown(&self) -> impl Iterator<Item = &Finding<O>> {
        self.findings.iter().filter(|finding| finding.outcome.kind() == OutcomeKind::Unknown)
    }
}
