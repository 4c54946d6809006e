//! Typed names: a value of these types has been checked once, at the edge, and is not checked again. Those of up to 23 bytes, as
//! of collections and hierarchies, lie in the value itself: whoever compares them follows no pointer.
//!
//! Shapes: tenants and hierarchies are `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 characters; a site code is three letters or
//! digits; a collection id is up to 64 letters, digits, `.`, `_`, `-`; a device id is what the inventory gave out; principals
//! and plan hashes are opaque texts.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

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
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks the text's shape.
            ///
            /// # Errors
            /// [`InvalidId`] with the shape that is accepted.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(SmolStr::new(text)))
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

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                in_order(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
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

/// The order of two texts without zero bytes. Most are told apart by their first eight bytes, as one number.
#[inline]
fn in_order(one: &str, other: &str) -> Ordering {
    let first = |text: &str| {
        let bytes = text.as_bytes();
        let mut first = [0; 8];
        match bytes.first_chunk() {
            Some(chunk) => first = *chunk,
            None => first.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte),
        }
        u64::from_be_bytes(first)
    };
    first(one).cmp(&first(other)).then_with(|| match one.len().max(other.len()) {
        ..=8 => Ordering::Equal,
        _ => one.cmp(other),
    })
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_are_in_the_order_of_their_texts(
            one in "[A-Z0-9][a-z0-9._-]{0,2}([0-9A-F]{0,12})?",
            other in "[A-Z0-9][a-z0-9._-]{0,2}([0-9A-F]{0,12})?",
            shared in "[A-Z0-9]{0,10}",
        ) {
            for (one, other) in [(&one, &other), (&format!("{shared}{one}"), &format!("{shared}{other}"))] {
                let [of_one, of_other] = [one, other].map(|text| CollectionId::parse(text).unwrap());
                prop_assert_eq!(of_one.cmp(&of_other), one.cmp(other));
                prop_assert_eq!(of_one == of_other, one == other);
            }
        }

        #[test]
        fn opaque_ids_are_in_the_order_of_their_texts(one in "[aä]{6,7}[aä ]{0,3}b", other in "[aä]{6,7}[aä ]{0,3}b") {
            let [of_one, of_other] = [&one, &other].map(|text| PrincipalId::parse(text).unwrap());
            prop_assert_eq!(of_one.cmp(&of_other), one.cmp(&other));
        }
    }

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
