//! How often everything occurs in a generated fleet.
//!
//! No public source counts real estates, so the numbers are ours: a company in the middle of its transition, with its untidy
//! corners large enough to be seen at 1,000 devices. Shares are in parts of [`WHOLE`], and every table adds up to it.

use tandem_domain::facts::JoinType;
use tandem_domain::workload::Workload;

use crate::situation::Situation;

/// A value and its share of [`WHOLE`].
pub type Share<T> = (T, u32);

/// All devices.
pub const WHOLE: u32 = 10_000;

/// Where devices stand. Roughly a third of the clients still to go: the phase in which an assessment is asked for.
pub const SITUATIONS: [Share<Situation>; 13] = [
    (Situation::CoManaged, 6_200),
    (Situation::Scheduled, 500),
    (Situation::Enrolling, 100),
    (Situation::Failed, 400),
    (Situation::PendingSignIn, 300),
    (Situation::EnrolledNotProvisioned, 150),
    (Situation::MdmPlusClient, 50),
    (Situation::Coexistence, 150),
    (Situation::JoinedClient, 600),
    (Situation::ClientOnly, 500),
    (Situation::MdmOnly, 600),
    (Situation::Server, 300),
    (Situation::Unmanaged, 150),
];

/// Joins of devices with client and enrolment: hybrid from the past, joined what came through Autopilot.
pub const JOINS_OF_ENROLLED: [Share<JoinType>; 2] =
    [(JoinType::HybridJoined, 7_000), (JoinType::EntraJoined, 3_000)];
/// Joins of clients before enrolment: a joined device is usually enrolled when it gets its client, so few are.
pub const JOINS_OF_WAITING: [Share<JoinType>; 2] =
    [(JoinType::HybridJoined, 9_500), (JoinType::EntraJoined, 500)];
/// Joins of failed enrolments; without a join it is the failure that no tile shows.
pub const JOINS_OF_FAILED: [Share<JoinType>; 3] =
    [(JoinType::HybridJoined, 8_500), (JoinType::EntraJoined, 1_000), (JoinType::None, 500)];
/// Waiting for a sign-in happens to hybrid joined devices whose device token failed.
pub const JOINS_OF_PENDING: [Share<JoinType>; 1] = [(JoinType::HybridJoined, WHOLE)];
/// Coexistence is supported for joined and hybrid joined devices (states.md 7).
pub const JOINS_OF_COEXISTENCE: [Share<JoinType>; 2] =
    [(JoinType::HybridJoined, 6_000), (JoinType::EntraJoined, 4_000)];
/// Clients that are not joined; some have an account added, which is not enough.
pub const JOINS_OF_CLIENT_ONLY: [Share<JoinType>; 2] =
    [(JoinType::None, 7_000), (JoinType::EntraRegistered, 3_000)];
/// Devices that only Intune knows.
pub const JOINS_OF_MDM_ONLY: [Share<JoinType>; 2] =
    [(JoinType::EntraJoined, 8_000), (JoinType::EntraRegistered, 2_000)];
/// Servers and machines that discovery found: in Active Directory only.
pub const JOINS_OF_UNREGISTERED: [Share<JoinType>; 1] = [(JoinType::None, WHOLE)];

/// An installed Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Windows {
    /// Four parts, as Graph's `osVersion` and the site's `DeviceOSBuild` write it.
    pub version: &'static str,
    /// As Graph's `skuFamily` writes it; the site does not know it.
    pub edition: &'static str,
}

const fn windows(version: &'static str, edition: &'static str) -> Windows {
    Windows { version, edition }
}

/// Windows of clients that are enrolled or on their way. By November 2026 this holds releases whose servicing ended for every
/// edition (10 22H2, 11 23H2), for Pro only (11 24H2), and for none.
pub const WINDOWS_OF_MANAGED: &[Share<Windows>] = &[
    (windows("10.0.26300.7309", "Enterprise"), 250),
    (windows("10.0.26300.7309", "Pro"), 50),
    (windows("10.0.26200.7171", "Enterprise"), 1_500),
    (windows("10.0.26200.7171", "Pro"), 450),
    (windows("10.0.26200.7171", "Education"), 150),
    (windows("10.0.26100.7019", "Enterprise"), 2_600),
    (windows("10.0.26100.7019", "Pro"), 900),
    (windows("10.0.26100.7019", "Education"), 250),
    (windows("10.0.26100.7019", "Enterprise LTSC"), 150),
    (windows("10.0.22631.6199", "Enterprise"), 1_100),
    (windows("10.0.22631.6199", "Pro"), 300),
    (windows("10.0.22621.6060", "Enterprise"), 150),
    (windows("10.0.22000.3260", "Enterprise"), 50),
    (windows("10.0.19045.6456", "Enterprise"), 1_200),
    (windows("10.0.19045.6456", "Pro"), 400),
    (windows("10.0.19045.6456", "Education"), 100),
    (windows("10.0.19044.6456", "Enterprise LTSC"), 200),
    (windows("10.0.18363.2274", "Enterprise"), 50),
    (windows("10.0.17763.7919", "Enterprise LTSC"), 150),
];

/// Windows of devices that only Intune knows: newer, more Pro, some Home, some of the release for new devices.
pub const WINDOWS_OF_MDM_ONLY: &[Share<Windows>] = &[
    (windows("10.0.28000.1340", "Pro"), 200),
    (windows("10.0.26200.7171", "Enterprise"), 2_000),
    (windows("10.0.26200.7171", "Pro"), 2_500),
    (windows("10.0.26200.7171", "Home"), 300),
    (windows("10.0.26100.7019", "Enterprise"), 2_000),
    (windows("10.0.26100.7019", "Pro"), 2_500),
    (windows("10.0.19045.6456", "Pro"), 500),
];

/// Windows of clients and machines outside every programme: the long tail down to Windows 7 and before 1709.
pub const WINDOWS_OUTSIDE: &[Share<Windows>] = &[
    (windows("10.0.26100.7019", "Enterprise"), 3_500),
    (windows("10.0.22631.6199", "Enterprise"), 1_500),
    (windows("10.0.19045.6456", "Enterprise"), 2_500),
    (windows("10.0.19044.6456", "Enterprise LTSC"), 500),
    (windows("10.0.18363.2274", "Enterprise"), 300),
    (windows("10.0.17763.7919", "Enterprise LTSC"), 400),
    (windows("10.0.16299.2166", "Enterprise"), 200),
    (windows("10.0.15063.2679", "Enterprise"), 200),
    (windows("10.0.14393.8519", "Enterprise LTSC"), 400),
    (windows("6.3.9600.20778", "Pro"), 200),
    (windows("6.1.7601.24544", "Pro"), 300),
];

/// Windows of servers; a client's build number can be a server's as well.
pub const WINDOWS_OF_SERVERS: &[Share<Windows>] = &[
    (windows("10.0.26100.7019", "Server"), 500),
    (windows("10.0.20348.4297", "Server"), 5_000),
    (windows("10.0.17763.7919", "Server"), 3_000),
    (windows("10.0.14393.8519", "Server"), 1_500),
];

/// Codes of failed enrolments, all from the published table (`enrollment_errors.csv`): licences and scope first, then the
/// network, then the device.
pub const FAILURE_CODES: [Share<u32>; 10] = [
    (0x8018_0018, 2_500),
    (0x8018_002B, 2_000),
    (0x8018_002A, 1_200),
    (0x8018_0014, 1_000),
    (0x8019_2EE7, 900),
    (0x8018_0026, 800),
    (0xCAA9_001F, 600),
    (0x8018_0023, 500),
    (0x8009_0016, 300),
    (0x8018_0013, 200),
];
/// Codes after which the client tries again by itself: throttled, timed out.
pub const RETRY_CODES: [Share<u32>; 2] = [(0x8019_01AD, 6_000), (0x8019_2EE2, 4_000)];
/// The code that asks for a sign-in.
pub const SIGN_IN_CODE: u32 = 0xCAA1_0001;

/// Silent at both systems for [`STALE_DAYS`]: in drawers, on leave, gone.
pub const STALE: u32 = 600;
/// How many days a stale device has been silent, from and below.
pub const STALE_DAYS: (u32, u32) = (45, 180);

/// Pairs of neighbours (2n, 2n+1) of which the second has the first's serial number, of those that Intune has a record of both:
/// cloned or reworked hardware.
pub const SHARED_SERIAL: u32 = 40;
/// Of the others, those whose firmware carries a placeholder.
pub const PLACEHOLDER_SERIAL: u32 = 80;
/// The placeholders (graph_managed_device.md 7), evenly.
pub const PLACEHOLDER_SERIALS: [&str; 3] = ["To be filled by O.E.M.", "0", "None"];

/// Co-managed devices whose last report differs from what sliders and pilots say, in one workload.
pub const DRIFT: u32 = 400;
/// What drifts. Not the bundled workloads: nobody documents which of their bits follow device configuration.
pub const DRIFT_WORKLOADS: [Workload; 4] = [
    Workload::CompliancePolicies,
    Workload::WindowsUpdatePolicies,
    Workload::OfficeClickToRunApps,
    Workload::ClientApps,
];

/// Personally owned, of the devices that only Intune knows.
pub const PERSONAL_OF_MDM_ONLY: u32 = 2_000;
/// Personally owned, of the clients.
pub const PERSONAL_OF_CLIENTS: u32 = 50;

/// Enrolled devices that Intune is retiring, wiping or deleting.
pub const LEAVING: u32 = 50;
/// Clients several versions behind their site.
pub const OUTDATED_CLIENT: u32 = 400;
/// Clients outside the programme that have no co-management row; no row is no data (admin_service.md 6.4).
pub const NO_STATE_ROW: u32 = 5_000;
/// Devices without a user: kiosks, meeting rooms.
pub const USERLESS: u32 = 400;
/// Encrypted drives.
pub const ENCRYPTED: u32 = 9_000;

/// Devices in scope that are members of a workload's pilot collection, where its slider is at Pilot Intune. Rings: whoever is
/// in a smaller one is in every larger one.
#[must_use]
pub fn pilot(workload: Workload) -> u32 {
    match workload {
        Workload::CompliancePolicies => 3_000,
        Workload::ClientApps | Workload::OfficeClickToRunApps => 2_000,
        Workload::WindowsUpdatePolicies | Workload::EndpointProtection => 1_500,
        Workload::DeviceConfiguration | Workload::ResourceAccessPolicies => 1_000,
    }
}

/// Compliance of enrolled devices, where Intune decides it.
pub const COMPLIANCE: [Share<&str>; 4] =
    [("compliant", 8_700), ("noncompliant", 800), ("inGracePeriod", 450), ("error", 50)];

/// Makers and models, with Graph's chassis type.
pub const MODELS: [Share<(&str, &str, &str)>; 6] = [
    (("Dell Inc.", "Latitude 5450", "laptop"), 3_000),
    (("HP", "HP EliteBook 840 14 inch G11", "laptop"), 2_400),
    (("LENOVO", "21ML004TMX", "laptop"), 2_000),
    (("Microsoft Corporation", "Surface Pro 11th Edition", "tablet"), 800),
    (("Dell Inc.", "OptiPlex 7020", "desktop"), 1_300),
    (("VMware, Inc.", "VMware20,1", "desktop"), 500),
];

/// The share of devices that such a test holds for.
#[must_use]
pub fn of_situations(holds: impl Fn(Situation) -> bool) -> u32 {
    SITUATIONS.iter().filter(|(situation, _)| holds(*situation)).map(|(_, share)| share).sum()
}

/// Devices known to both systems that another hierarchy still remembers: they moved, and its old record has not aged out.
/// Chosen so that a fleet of several hierarchies has exactly two facets per device on average: every device that only one
/// system knows is made up for by one that a third source knows.
#[must_use]
pub fn moved() -> f64 {
    let both = of_situations(|s| s.at_site() && s.at_intune());
    f64::from(WHOLE - both) / f64::from(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total<T>(table: &[Share<T>]) -> u32 {
        table.iter().map(|(_, share)| share).sum()
    }

    #[test]
    fn every_table_adds_up() {
        assert_eq!(total(&SITUATIONS), WHOLE);
        for (situation, _) in SITUATIONS {
            assert_eq!(total(situation.joins()), WHOLE, "{situation:?}");
            assert_eq!(total(situation.windows()), WHOLE, "{situation:?}");
        }
        assert_eq!(total(&FAILURE_CODES), WHOLE);
        assert_eq!(total(&RETRY_CODES), WHOLE);
        assert_eq!(total(&COMPLIANCE), WHOLE);
        assert_eq!(total(&MODELS), WHOLE);
    }

    #[test]
    fn enrolment_codes_are_published_ones() {
        let codes = FAILURE_CODES.iter().chain(&RETRY_CODES).map(|(code, _)| *code).chain([SIGN_IN_CODE]);
        let unknown: Vec<u32> =
            codes.filter(|code| tandem_domain::enrollment::lookup(*code).is_none()).collect();
        assert_eq!(unknown, [0_u32; 0]);
    }

    #[test]
    fn client_releases_are_in_the_release_table() {
        for (windows, _) in [WINDOWS_OF_MANAGED, WINDOWS_OF_MDM_ONLY, WINDOWS_OUTSIDE].concat() {
            let os = tandem_domain::facts::OsVersion::parse(windows.version).unwrap();
            let known = os.major < 10 || tandem_domain::windows::release_of(os.build.unwrap()).is_some();
            assert!(known, "{}", windows.version);
            assert!(tandem_domain::windows::edition_group(windows.edition).is_some(), "{}", windows.edition);
        }
    }
}
