//! The shared messages of `tandem.type.v1`, to and from the domain.
//!
//! To the message is always possible. From the message reports every field that breaks its documented shape, as [`Violation`]s
//! whose paths are relative to the message: put the path of the message in front with [`Violation::under`].
//!
//! An unset field, and an empty text in an optional field, mean "not said" and become `None`; only where the contract says what
//! an empty text means is it kept. Numbers of enumerations that this
//! release does not know are violations, never guesses.
//!
//! Not for: a service's own messages, and rules about several fields (whether a policy needs a collection). The domain has them.

mod bodies;
mod enums;
pub mod facts;
mod field;
pub mod filter;
pub mod key;
pub mod policy;
pub mod section;
pub mod site;
pub mod tenant;
#[cfg(test)]
mod tests;
pub mod time;

pub use enums::{Enumerated, enum_optional, enum_required, number, number_or_unspecified};

/// A field that breaks its documented shape: one entry of a `google.rpc.BadRequest`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct Violation {
    /// Path of the field, such as `sections[2].observed_at`. Empty: the value as a whole.
    pub field: String,
    /// What was expected and what was found.
    pub description: String,
}

impl Violation {
    /// A violation of the field at that path.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// The same violation, seen from the message that holds this one in its field `parent`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.field = match (parent, self.field.as_str()) {
            (_, "") => parent.to_owned(),
            ("", _) => self.field,
            _ => format!("{parent}.{}", self.field),
        };
        self
    }
}

/// Violations as they are found, so that a caller hears of all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(Violation::new(field, description));
    }

    /// The value, or `None` after keeping what is wrong with it.
    pub fn keep<T>(&mut self, outcome: Result<T, Violation>) -> Option<T> {
        outcome.map_err(|violation| self.0.push(violation)).ok()
    }

    /// The value of the message in field `parent`, or `None` after keeping everything that is wrong with it.
    pub fn keep_under<T>(&mut self, parent: &str, outcome: Result<T, Vec<Violation>>) -> Option<T> {
        outcome.map_err(|found| self.0.extend(found.into_iter().map(|v| v.under(parent)))).ok()
    }

    /// The value, if nothing was found and it could be built.
    ///
    /// # Errors
    /// Everything that was found.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }

    /// A text of at most `most` characters.
    fn at_most(&mut self, field: &str, text: &str, most: usize) {
        let found = text.chars().count();
        if found > most {
            self.add(field, format!("must have at most {most} characters; found {found}"));
        }
        if text.contains('\0') {
            self.add(field, "must not contain U+0000; found one");
        }
    }
}
