//! One optional value of the domain as one field of a message, whatever its type.

use jiff::Timestamp;
use tandem_domain::facts::{JoinType, MdmProvider, OsKind, OsVersion, Owner};
use tandem_domain::id::{HierarchyId, InvalidId, SiteCode};
use tandem_domain::section::ClientFeatures;
use tandem_domain::site::ClientAuth;
use tandem_domain::tenant::{
    Cloud, EntraPlan, HybridIdentityMethod, MdmAuthority, SubscriptionState, UserScope,
};

use super::enums::{Enumerated, number_or_unspecified, unknown};
use super::{Violations, time};
use crate::r#type::v1;

/// Longest text that a source may say, in characters: a distinguished name has some 2000 at most.
const LONGEST_TEXT: usize = 4096;

/// A value that a message carries in one optional field.
pub(super) trait Field: Sized {
    /// The field's type.
    type Proto;

    /// The field for a value, or for none.
    fn write(value: Option<&Self>) -> Self::Proto;

    /// The field's value; the error says what was expected and found.
    fn read(proto: Self::Proto) -> Result<Option<Self>, String>;
}

impl Violations {
    /// The field's value, or `None` after keeping what is wrong with it.
    pub(super) fn field<F: Field>(&mut self, name: &str, proto: F::Proto) -> Option<F> {
        F::read(proto).unwrap_or_else(|description| {
            self.add(name, description);
            None
        })
    }
}

impl Violations {
    /// A text of which "empty" is an answer of its own.
    pub(super) fn told(&mut self, name: &str, proto: Option<String>) -> Option<String> {
        match proto.as_deref().map(check_text).transpose() {
            Ok(_) => proto,
            Err(description) => {
                self.add(name, description);
                None
            }
        }
    }
}

/// What is wrong with an id, without naming what the field's path names already.
pub(super) fn invalid_id(error: &InvalidId) -> String {
    format!("must be {}; found {:?}", error.expected, error.found)
}

impl Field for bool {
    type Proto = Option<bool>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.copied()
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        Ok(proto)
    }
}

impl Field for u32 {
    type Proto = Option<u32>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.copied()
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        Ok(proto)
    }
}

impl Field for String {
    type Proto = Option<Self>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.cloned()
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        let text = proto.filter(|text| !text.is_empty());
        text.as_deref().map(check_text).transpose()?;
        Ok(text)
    }
}

fn check_text(text: &str) -> Result<(), String> {
    // Hardly ever is a text longer in bytes than it may be in characters, so that these are hardly ever counted.
    if text.len() > LONGEST_TEXT {
        let found = text.chars().count();
        if found > LONGEST_TEXT {
            return Err(format!("must have at most {LONGEST_TEXT} characters; found {found}"));
        }
    }
    // PostgreSQL's texts cannot hold it.
    if text.contains('\0') {
        return Err("must not contain U+0000; found one".to_owned());
    }
    Ok(())
}

impl Field for SiteCode {
    type Proto = Option<String>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.map(|code| code.as_str().to_owned())
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        let text = proto.filter(|text| !text.is_empty());
        text.map(|text| Self::parse(&text).map_err(|e| invalid_id(&e))).transpose()
    }
}

impl Field for HierarchyId {
    type Proto = String;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.map_or_else(String::new, |id| id.as_str().to_owned())
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        if proto.is_empty() { Ok(None) } else { Self::parse(&proto).map(Some).map_err(|e| invalid_id(&e)) }
    }
}

impl Field for Timestamp {
    type Proto = Option<prost_types::Timestamp>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.copied().map(time::to_proto)
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        proto.map(time::read).transpose()
    }
}

impl Field for OsVersion {
    type Proto = Option<v1::OsVersion>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.map(|v| v1::OsVersion { major: v.major, minor: v.minor, build: v.build, revision: v.revision })
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        Ok(proto.map(|v| Self { major: v.major, minor: v.minor, build: v.build, revision: v.revision }))
    }
}

impl Field for ClientFeatures {
    type Proto = Option<v1::ClientFeatures>;

    fn write(value: Option<&Self>) -> Self::Proto {
        value.map(|f| v1::ClientFeatures {
            inventory: f.inventory,
            compliance_policy: f.compliance_policy,
            device_configuration: f.device_configuration,
            modern_apps: f.modern_apps,
            resource_access: f.resource_access,
            windows_update_for_business: f.windows_update_for_business,
            endpoint_protection: f.endpoint_protection,
            office_apps: f.office_apps,
        })
    }

    fn read(proto: Self::Proto) -> Result<Option<Self>, String> {
        Ok(proto.map(|f| Self {
            inventory: f.inventory,
            compliance_policy: f.compliance_policy,
            device_configuration: f.device_configuration,
            modern_apps: f.modern_apps,
            resource_access: f.resource_access,
            windows_update_for_business: f.windows_update_for_business,
            endpoint_protection: f.endpoint_protection,
            office_apps: f.office_apps,
        }))
    }
}

macro_rules! words_as_fields {
    ($($word:ty),+ $(,)?) => {
        $(impl Field for $word {
            type Proto = i32;

            fn write(value: Option<&Self>) -> i32 {
                number_or_unspecified(value.copied())
            }

            fn read(proto: i32) -> Result<Option<Self>, String> {
                <Self as Enumerated>::Proto::try_from(proto)
                    .map(<Self as Enumerated>::from_proto)
                    .map_err(|_| unknown(proto))
            }
        })+
    };
}

words_as_fields!(
    OsKind,
    JoinType,
    Owner,
    MdmProvider,
    EntraPlan,
    MdmAuthority,
    SubscriptionState,
    UserScope,
    Cloud,
    HybridIdentityMethod,
    ClientAuth,
);
