//! The words of the field as numbers of the contract: one table per enumeration, complete in both directions.

use tandem_domain as domain;

use super::Violation;
use crate::r#type::v1;

/// A word of the domain that has a number in the contract.
pub trait Enumerated: Sized + Copy {
    /// The contract's enumeration.
    type Proto: TryFrom<i32> + Into<i32> + Copy + Default;

    /// The same word in the contract.
    fn to_proto(self) -> Self::Proto;

    /// The same word in the domain; `None` for the unspecified one.
    fn from_proto(proto: Self::Proto) -> Option<Self>;
}

/// The number of a word.
pub fn number<E: Enumerated>(word: E) -> i32 {
    word.to_proto().into()
}

/// The number of a word, or of "unspecified".
pub fn number_or_unspecified<E: Enumerated>(word: Option<E>) -> i32 {
    word.map_or_else(|| E::Proto::default().into(), number)
}

/// The word of a number; `None` when it is unspecified.
///
/// # Errors
/// A violation for numbers that this release does not know.
pub fn enum_optional<E: Enumerated>(field: &str, number: i32) -> Result<Option<E>, Violation> {
    E::Proto::try_from(number).map(E::from_proto).map_err(|_| Violation::new(field, unknown(number)))
}

/// The word of a number.
///
/// # Errors
/// A violation for "unspecified" and for numbers that this release does not know.
pub fn enum_required<E: Enumerated>(field: &str, number: i32) -> Result<E, Violation> {
    enum_optional(field, number)?
        .ok_or_else(|| Violation::new(field, "must be a value of the enumeration; found unspecified"))
}

pub(super) fn unknown(number: i32) -> String {
    format!("must be a value of the enumeration; found the unknown number {number}")
}

macro_rules! words {
    ($domain:ty, $proto:ty { $($word:ident),+ $(,)? }) => {
        impl Enumerated for $domain {
            type Proto = $proto;

            fn to_proto(self) -> $proto {
                match self { $(Self::$word => <$proto>::$word),+ }
            }

            fn from_proto(proto: $proto) -> Option<Self> {
                match proto {
                    <$proto>::Unspecified => None,
                    $(<$proto>::$word => Some(Self::$word)),+
                }
            }
        }

        impl From<$domain> for $proto {
            fn from(word: $domain) -> Self {
                word.to_proto()
            }
        }
    };
}

words!(
    domain::workload::Workload,
    v1::Workload {
        CompliancePolicies,
        WindowsUpdatePolicies,
        ResourceAccessPolicies,
        EndpointProtection,
        DeviceConfiguration,
        OfficeClickToRunApps,
        ClientApps,
    }
);
words!(
    domain::workload::ManagementAuthority,
    v1::ManagementAuthority { ConfigurationManager, Intune, ThirdPartyMdm, None, Unknown }
);
words!(domain::workload::SliderPosition, v1::SliderPosition { ConfigurationManager, PilotIntune, Intune });
words!(
    domain::authority::Reason,
    v1::AuthorityReason {
        ClientUnknown,
        Unmanaged,
        Coexistence,
        MdmOnly,
        NotEnrolled,
        NoSiteRecord,
        PolicyAbsent,
        NotProvisioned,
        AutopilotOverride,
        ResourceAccessFixed,
        BundledWithDeviceConfiguration,
        SliderIntune,
        PilotMember,
        PilotNotMember,
        SliderConfigurationManager,
        PolicyUnknown,
        SiteVersionUnknown,
        MembershipUnknown,
    }
);
words!(
    domain::state::ManagementState,
    v1::ManagementState {
        Unknown,
        Coexistence,
        CoManaged,
        EnrolledNotProvisioned,
        MdmPlusClient,
        MdmOnly,
        PendingSignIn,
        Failed,
        Enrolling,
        Scheduled,
        JoinedClient,
        ClientOnly,
        Unmanaged,
    }
);
words!(domain::facts::JoinType, v1::JoinType { None, EntraJoined, EntraRegistered, HybridJoined });
words!(domain::facts::OsKind, v1::OsKind { Client, Server, Other });
words!(domain::facts::Owner, v1::Owner { Company, Personal });
words!(domain::facts::MdmProvider, v1::MdmProvider { None, Intune, ThirdParty });
words!(
    domain::section::SectionKind,
    v1::SectionKind {
        Discovery,
        Device,
        CombinedDevice,
        CoManagementState,
        ManagedDeviceV1,
        ManagedDeviceBeta,
        DirectoryDevice,
        Probe,
    }
);
words!(
    domain::identity::KeyKind,
    v1::KeyKind { EntraDeviceId, SmsClientId, IntuneDeviceId, SmbiosGuid, SerialNumber }
);
words!(domain::tenant::EntraPlan, v1::EntraPlan { Free, P1, P2 });
words!(domain::tenant::MdmAuthority, v1::MdmAuthority { Intune, Sccm, Office365 });
words!(
    domain::tenant::SubscriptionState,
    v1::SubscriptionState { Pending, Active, Warning, Disabled, Deleted, Blocked, LockedOut }
);
words!(domain::tenant::UserScope, v1::UserScope { None, Some, All });
words!(domain::tenant::Cloud, v1::Cloud { Public, UsGovernment, China });
words!(domain::tenant::HybridIdentityMethod, v1::HybridIdentityMethod { None, PhsSso, PtaSso, Federated });
words!(domain::site::ClientAuth, v1::ClientAuth { Entra, Pki, Token });
words!(domain::policy::AutoEnrollment, v1::AutoEnrollmentMode { None, Pilot, All });
