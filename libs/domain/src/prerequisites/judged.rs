//! What a rule answers: its outcome in words, or the kind of it alone.

use std::borrow::Cow;

use super::report::{Outcome, OutcomeKind};
use super::text::Text;

/// What is told of a rule. Rules that are judged of a whole fleet are written once, for whatever is told: an [`Outcome`] says what was expected and found, an [`OutcomeKind`]
/// is enough to count by, and costs no words.
pub trait Judged: Sized {
    /// The condition holds.
    fn satisfied() -> Self;

    /// The condition is known not to hold: what was expected, and what was found.
    fn unsatisfied_by(words: impl FnOnce() -> (Text, Text)) -> Self;

    /// The facts at hand do not decide: the facts that nobody said, or that say too little.
    fn unknown_by(missing: impl FnOnce() -> Cow<'static, [&'static str]>) -> Self;

    /// The rule has a precondition that is known not to hold.
    fn not_applicable(why: &'static str) -> Self;

    /// What was told already.
    fn of(outcome: Outcome) -> Self;

    /// What became of the rule.
    fn kind(&self) -> OutcomeKind;

    /// Known not to hold, in words that are at hand.
    #[must_use]
    fn unsatisfied(expected: impl Into<Text>, found: impl Into<Text>) -> Self {
        Self::unsatisfied_by(|| (expected.into(), found.into()))
    }

    /// Undecided for want of those facts.
    #[must_use]
    fn unknown(facts: &'static [&'static str]) -> Self {
        Self::unknown_by(|| Cow::Borrowed(facts))
    }

    /// Undecided for want of those facts that are marked missing.
    #[must_use]
    fn unknown_of<const N: usize>(facts: [(&'static str, bool); N]) -> Self {
        Self::unknown_by(|| {
            let missing = facts.into_iter().filter(|(_, missing)| *missing).map(|(fact, _)| fact);
            missing.collect::<Vec<_>>().into()
        })
    }

    /// A yes-or-no fact that has to be `wanted`; the texts say what the two values mean.
    #[must_use]
    fn of_bool(
        fact: &'static [&'static str],
        value: Option<bool>,
        wanted: bool,
        expected: &'static str,
        found: &'static str,
    ) -> Self {
        match value {
            None => Self::unknown(fact),
            Some(value) if value == wanted => Self::satisfied(),
            Some(_) => Self::unsatisfied(expected, found),
        }
    }
}

impl Judged for Outcome {
    fn satisfied() -> Self {
        Self::Satisfied
    }

    fn unsatisfied_by(words: impl FnOnce() -> (Text, Text)) -> Self {
        let (expected, found) = words();
        Self::Unsatisfied { expected, found }
    }

    fn unknown_by(missing: impl FnOnce() -> Cow<'static, [&'static str]>) -> Self {
        Self::Unknown { missing: missing() }
    }

    fn not_applicable(why: &'static str) -> Self {
        Self::NotApplicable { why: why.into() }
    }

    fn of(outcome: Outcome) -> Self {
        outcome
    }

    fn kind(&self) -> OutcomeKind {
        match self {
            Self::Satisfied => OutcomeKind::Satisfied,
            Self::Unsatisfied { .. } => OutcomeKind::Unsatisfied,
            Self::Unknown { .. } => OutcomeKind::Unknown,
            Self::NotApplicable { .. } => OutcomeKind::NotApplicable,
        }
    }
}

impl Judged for OutcomeKind {
    fn satisfied() -> Self {
        Self::Satisfied
    }

    fn unsatisfied_by(_: impl FnOnce() -> (Text, Text)) -> Self {
        Self::Unsatisfied
    }

    fn unknown_by(_: impl FnOnce() -> Cow<'static, [&'static str]>) -> Self {
        Self::Unknown
    }

    fn not_applicable(_: &'static str) -> Self {
        Self::NotApplicable
    }

    fn of(outcome: Outcome) -> Self {
        outcome.kind()
    }

    fn kind(&self) -> OutcomeKind {
        *self
    }
}
