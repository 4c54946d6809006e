//! What was expected and found, written out only where somebody reads it: most findings of a fleet are counted and thrown away.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::facts::OsVersion;
use crate::id::CollectionId;
use crate::windows;

/// A text about a finding. Equal to another that reads alike.
#[derive(Clone)]
pub struct Text(Kind);

#[derive(Clone)]
enum Kind {
    Plain(Cow<'static, str>),
    Version(OsVersion),
    ServicingEnded { version: OsVersion, on: Date, patched_until: Option<Date> },
    Health { flags: Option<u32>, sync: Timestamp },
    MemberOf(CollectionId),
}

impl Text {
    /// A version of Windows, as a number.
    pub(crate) const fn version(version: OsVersion) -> Self {
        Self(Kind::Version(version))
    }

    /// A release whose servicing ended, and until when updates can be bought for it.
    pub(crate) const fn servicing_ended(version: OsVersion, on: Date, patched_until: Option<Date>) -> Self {
        Self(Kind::ServicingEnded { version, on, patched_until })
    }

    /// What a client said of its health.
    pub(crate) const fn health(flags: Option<u32>, sync: Timestamp) -> Self {
        Self(Kind::Health { flags, sync })
    }

    /// That a device is in a collection.
    pub(crate) const fn member_of(collection: CollectionId) -> Self {
        Self(Kind::MemberOf(collection))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Plain(text) => f.write_str(text),
            Kind::Version(version) => write!(f, "{version}"),
            Kind::ServicingEnded { version, on, patched_until } => {
                match windows::os_version_name(*version) {
                    Some(name) => write!(f, "{name}, servicing ended on {on}")?,
                    None => write!(f, "{version}, servicing ended on {on}")?,
                }
                match patched_until {
                    Some(until) => write!(f, ", Extended Security Updates until {until}"),
                    None => Ok(()),
                }
            }
            Kind::Health { flags: Some(flags), sync } => {
                write!(f, "health flags {flags}, last synced at {sync}")
            }
            Kind::Health { flags: None, sync } => write!(f, "health flags unknown, last synced at {sync}"),
            Kind::MemberOf(collection) => write!(f, "member of collection {collection}"),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Plain(one), Kind::Plain(other)) => one == other,
            _ => self.to_string() == other.to_string(),
        }
    }
}

impl Eq for Text {}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Kind::Plain(Cow::Borrowed(text)))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Kind::Plain(Cow::Owned(text)))
    }
}
