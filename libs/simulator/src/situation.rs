//! How far a device has come on its way into co-management (fact pack, states.md 5), and what follows for its records.

use tandem_domain::facts::JoinType;

use crate::shares::{self, Share, Windows};

/// Where a device stands. One per device; its records at both systems follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Situation {
    /// Enrolled, policy present, provisioned.
    CoManaged,
    /// The site has scheduled its enrolment.
    Scheduled,
    /// An attempt ended with a code that passes by itself; the client tries again.
    Enrolling,
    /// Enrolment failed with a code of the published table.
    Failed,
    /// Enrolment waits for somebody to sign in.
    PendingSignIn,
    /// Enrolled and policy present, but not provisioned (1/1/0): the gap between the two vendor rules.
    EnrolledNotProvisioned,
    /// Client and enrolment, but the policy has not reached the client (1/0/1).
    MdmPlusClient,
    /// The client beside a third-party MDM.
    Coexistence,
    /// A joined client that the roll-out has not reached.
    JoinedClient,
    /// A client that the directory does not know as joined.
    ClientOnly,
    /// Enrolled in Intune, unknown to every site.
    MdmOnly,
    /// A server with the client. Not uploaded to Intune.
    Server,
    /// Found by Active Directory discovery; no client.
    Unmanaged,
}

impl Situation {
    /// A site has a record of it.
    #[must_use]
    pub const fn at_site(self) -> bool {
        !matches!(self, Self::MdmOnly)
    }

    /// The Configuration Manager client is installed.
    #[must_use]
    pub const fn has_client(self) -> bool {
        !matches!(self, Self::MdmOnly | Self::Unmanaged)
    }

    /// Intune has a record of it: enrolled, or uploaded by tenant attach.
    #[must_use]
    pub const fn at_intune(self) -> bool {
        !matches!(self, Self::Server | Self::Unmanaged)
    }

    /// Its Intune record is an enrolment.
    #[must_use]
    pub const fn enrolled_in_intune(self) -> bool {
        matches!(self, Self::CoManaged | Self::EnrolledNotProvisioned | Self::MdmPlusClient | Self::MdmOnly)
    }

    /// A member of the Intune Auto Enrollment collection, and so perhaps of pilot collections: that collection should contain
    /// them all (`workloads.toml`, `switching`).
    #[must_use]
    pub const fn in_enrollment_scope(self) -> bool {
        matches!(
            self,
            Self::CoManaged
                | Self::Scheduled
                | Self::Enrolling
                | Self::Failed
                | Self::PendingSignIn
                | Self::EnrolledNotProvisioned
                | Self::MdmPlusClient
        )
    }

    /// How the directory knows such devices.
    #[must_use]
    pub const fn joins(self) -> &'static [Share<JoinType>] {
        match self {
            Self::CoManaged | Self::EnrolledNotProvisioned | Self::MdmPlusClient => {
                &shares::JOINS_OF_ENROLLED
            }
            Self::Scheduled | Self::Enrolling | Self::JoinedClient => &shares::JOINS_OF_WAITING,
            Self::Failed => &shares::JOINS_OF_FAILED,
            Self::PendingSignIn => &shares::JOINS_OF_PENDING,
            Self::Coexistence => &shares::JOINS_OF_COEXISTENCE,
            Self::ClientOnly => &shares::JOINS_OF_CLIENT_ONLY,
            Self::MdmOnly => &shares::JOINS_OF_MDM_ONLY,
            Self::Server | Self::Unmanaged => &shares::JOINS_OF_UNREGISTERED,
        }
    }

    /// Which Windows such devices run.
    #[must_use]
    pub const fn windows(self) -> &'static [Share<Windows>] {
        match self {
            Self::MdmOnly => shares::WINDOWS_OF_MDM_ONLY,
            Self::ClientOnly | Self::Unmanaged => shares::WINDOWS_OUTSIDE,
            Self::Server => shares::WINDOWS_OF_SERVERS,
            _ => shares::WINDOWS_OF_MANAGED,
        }
    }

    /// Personally owned, in parts of [`shares::WHOLE`].
    #[must_use]
    pub const fn personal(self) -> u32 {
        match self {
            Self::MdmOnly => shares::PERSONAL_OF_MDM_ONLY,
            Self::Server | Self::Unmanaged => 0,
            _ => shares::PERSONAL_OF_CLIENTS,
        }
    }
}
