//! Typed names: a value of these types has been checked once, at the edge, and is not checked again.
//!
//! Shapes: tenants and hierarchies are `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 characters; a site code is three letters or
//! digits; a collection id is up to 64 letters, digits, `.`, `_`, `-`; a device id is what the inventory gave out; principals
//! and plan hashes are opaque texts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no name of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {expected}; found {found:?}")]
pub struct InvalidId {
    /// What was being named, in the field's words.
    pub kind: &'static str,
    /// The shape that is accepted.
    pub expected: &'static str,
    /// The text as given, cut to 80 characters.
    pub found: String,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text's shape.
            ///
            /// # Errors
            /// [`InvalidId`] with the shape that is accepted.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(Arc::from(text)))
                } else {
                    Err(InvalidId { kind: $kind, expected: $expected, found: text.chars().take(80).collect() })
                }
            }

            /// The text as given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

fn is_label(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A text that is compared and shown, and never taken apart.
fn is_opaque(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= longest
        && !text.chars().any(char::is_control)
}

text_id!(
    /// A customer: the outermost name of everything, and the first part of every key.
    TenantId,
    "tenant id",
    "1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
    |t| is_label(t, 64)
);
text_id!(
    /// One Configuration Manager hierarchy, named by the code of its top site unless its operator chose otherwise.
    HierarchyId,
    "hierarchy id",
    "1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
    |t| is_label(t, 64)
);
text_id!(
    /// The three-character code of a site, unique within its hierarchy.
    SiteCode,
    "site code",
    "three letters or digits",
    |t| t.len() == 3 && t.chars().all(|c| c.is_ascii_alphanumeric())
);
text_id!(
    /// A collection's id. Ids of Configuration Manager (site code and five hex digits, or `SMS` in front for built-in ones)
    /// repeat across hierarchies, so an id names a collection only together with its hierarchy.
    CollectionId,
    "collection id",
    "1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
    |t| is_label(t, 64)
);
text_id!(
    /// A device, as the inventory named it. Not the id of any source.
    DeviceId,
    "device id",
    "1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
    |t| is_label(t, 64)
);
text_id!(
    /// A rollout, unique within its hierarchy.
    RolloutId,
    "rollout id",
    "1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
    |t| is_label(t, 64)
);
text_id!(
    /// Who asks, approves or commands, as the access layer knows them. Compared as written.
    PrincipalId,
    "principal id",
    "1 to 256 characters, none of them a control character, not blank at either end",
    |t| is_opaque(t, 256)
);
text_id!(
    /// The hash of a plan's content. Opaque: two plans are the same if and only if their hashes are.
    PlanHash,
    "plan hash",
    "1 to 128 characters, none of them a control character, not blank at either end",
    |t| is_opaque(t, 128)
);

/// A point in the order of one service's commits for one tenant: strictly increasing, gaps allowed. 0 is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_code_of_wrong_length_is_refused_with_the_shape() {
        assert_eq!(
            SiteCode::parse("PS10").unwrap_err().to_string(),
            "site code must be three letters or digits; found \"PS10\""
        );
    }

    #[test]
    fn label_with_a_slash_is_refused() {
        assert!(TenantId::parse("a/b").is_err());
        assert!(TenantId::parse("").is_err());
        assert!(TenantId::parse("-a").is_err());
        assert_eq!(TenantId::parse("contoso.eu").unwrap().as_str(), "contoso.eu");
    }

    #[test]
    fn opaque_text_may_hold_anything_printable_and_is_not_trimmed() {
        assert_eq!(PrincipalId::parse("oidc|Åse/1").unwrap().as_str(), "oidc|Åse/1");
        for text in ["", " ", " ada", "ada ", "a\nb"] {
            assert!(PrincipalId::parse(text).is_err(), "{text:?}");
        }
        assert!(PlanHash::parse(&"a".repeat(129)).is_err());
    }
}
