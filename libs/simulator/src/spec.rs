//! What a fleet is asked to be.

use jiff::civil::{Date, date};
use tandem_domain::configmgr;
use tandem_domain::id::{InvalidId, SiteCode};
use tandem_domain::policy::AutoEnrollment;
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};

/// Most devices of a fleet. Names and ids are laid out for seven digits; Graph counts no further either (scale: 9,999,999).
pub const MAX_DEVICES: u64 = 10_000_000;
/// Most hierarchies. Estates have a handful; each costs an open file per class while exports are written.
pub const MAX_HIERARCHIES: usize = 16;
/// Most collection memberships per device on average.
pub const MAX_MEMBERSHIPS_PER_DEVICE: f64 = 100.0;

/// Earliest and latest day of the exports: dates of a decade around it must fit the sources' formats.
const DAYS: (Date, Date) = (date(2020, 1, 1), date(2099, 12, 31));
/// A weight is a relative size; more digits would say nothing.
const MAX_WEIGHT: u32 = 10_000;

/// A fleet. Equal specifications give equal bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetSpec {
    /// Number of devices, 1 to [`MAX_DEVICES`]. Default 1,000.
    pub devices: u64,
    /// Start of all chance. Default 1.
    pub seed: u64,
    /// 1 to [`MAX_HIERARCHIES`], with codes that differ also without regard to case. Default [`HierarchySpec::ps1`] and
    /// [`HierarchySpec::eu1`]. With a single one no device has moved, and the average is 1.9 instead of 2 facets.
    pub hierarchies: Vec<HierarchySpec>,
    /// The day on which the exports were made (at 18:00 UTC), 2020 to 2099. Default 2026-11-20. The mix of Windows releases
    /// does not follow it.
    pub as_of: Date,
    /// Collection memberships per device on average, over all devices, 0 to [`MAX_MEMBERSHIPS_PER_DEVICE`]. Default 15. All
    /// Systems, the Intune Auto Enrollment collection and the pilots count, and are there in any case: below about 6 the
    /// average comes out higher.
    pub memberships_per_device: f64,
}

impl Default for FleetSpec {
    fn default() -> Self {
        Self {
            devices: 1_000,
            seed: 1,
            hierarchies: vec![HierarchySpec::ps1(), HierarchySpec::eu1()],
            as_of: date(2026, 11, 20),
            memberships_per_device: 15.0,
        }
    }
}

/// A hierarchy with one primary site.
#[derive(Debug, Clone, PartialEq)]
pub struct HierarchySpec {
    /// Code of its site, and the hierarchy's name. Not `SMS`, which marks built-in collections.
    pub code: SiteCode,
    /// The site's version as a build of four numbers, such as `5.00.9141.1000`.
    pub version: String,
    /// Its share of the devices, relative to the others', 1 to 10,000.
    pub weight: u32,
    /// Who is enrolled automatically. The Intune Auto Enrollment collection exists in any case.
    pub auto_enrollment: AutoEnrollment,
    /// Where the sliders stand; at Pilot Intune a workload has a pilot collection.
    pub sliders: PerWorkload<SliderPosition>,
}

impl HierarchySpec {
    /// Three fifths of the devices, site version 2509, in the middle of its pilots.
    #[must_use]
    pub fn ps1() -> Self {
        Self {
            code: code("PS1"),
            version: "5.00.9141.1000".to_owned(),
            weight: 60,
            auto_enrollment: AutoEnrollment::Pilot,
            sliders: PerWorkload::from_fn(|workload| match workload {
                Workload::CompliancePolicies | Workload::ClientApps | Workload::EndpointProtection => {
                    SliderPosition::PilotIntune
                }
                Workload::WindowsUpdatePolicies | Workload::OfficeClickToRunApps => SliderPosition::Intune,
                _ => SliderPosition::ConfigurationManager,
            }),
        }
    }

    /// Two fifths of the devices, site version 2309, out of support since 2025-04-09; everybody is enrolled.
    #[must_use]
    pub fn eu1() -> Self {
        Self {
            code: code("EU1"),
            version: "5.00.9122.1000".to_owned(),
            weight: 40,
            auto_enrollment: AutoEnrollment::All,
            sliders: PerWorkload::from_fn(|workload| match workload {
                Workload::CompliancePolicies => SliderPosition::Intune,
                Workload::DeviceConfiguration | Workload::OfficeClickToRunApps => SliderPosition::PilotIntune,
                _ => SliderPosition::ConfigurationManager,
            }),
        }
    }
}

/// For the constants above.
fn code(text: &str) -> SiteCode {
    SiteCode::parse(text).expect("three letters or digits")
}

/// A fleet that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidSpec {
    /// Too few or too many devices.
    #[error("expected 1 to {MAX_DEVICES} devices, found {0}")]
    Devices(u64),
    /// Too few or too many hierarchies.
    #[error("expected 1 to {MAX_HIERARCHIES} hierarchies, found {0}")]
    Hierarchies(usize),
    /// A code that is taken.
    #[error("expected every hierarchy's code once and none of them SMS, found {0}")]
    Code(SiteCode),
    /// A version that says too little.
    #[error(
        "expected the version of {code} as a known build of four numbers such as 5.00.9141.1000, found {version:?}"
    )]
    Version {
        /// Whose.
        code: SiteCode,
        /// The text as given.
        version: String,
    },
    /// A weight out of range.
    #[error("expected a weight of 1 to {MAX_WEIGHT} for {code}, found {weight}")]
    Weight {
        /// Whose.
        code: SiteCode,
        /// The number as given.
        weight: u32,
    },
    /// A day out of range.
    #[error("expected a day from {first} to {last}, found {found}", first = DAYS.0, last = DAYS.1)]
    AsOf {
        /// The day as given.
        found: Date,
    },
    /// Memberships out of range.
    #[error("expected 0 to {MAX_MEMBERSHIPS_PER_DEVICE} memberships per device, found {0}")]
    Memberships(f64),
    /// A code that no collection id can be made of.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

impl FleetSpec {
    pub(crate) fn check(&self) -> Result<(), InvalidSpec> {
        if !(1..=MAX_DEVICES).contains(&self.devices) {
            return Err(InvalidSpec::Devices(self.devices));
        }
        if !(1..=MAX_HIERARCHIES).contains(&self.hierarchies.len()) {
            return Err(InvalidSpec::Hierarchies(self.hierarchies.len()));
        }
        if !(DAYS.0..=DAYS.1).contains(&self.as_of) {
            return Err(InvalidSpec::AsOf { found: self.as_of });
        }
        if !(0.0..=MAX_MEMBERSHIPS_PER_DEVICE).contains(&self.memberships_per_device) {
            return Err(InvalidSpec::Memberships(self.memberships_per_device));
        }
        let mut taken = vec!["SMS".to_owned()];
        for hierarchy in &self.hierarchies {
            hierarchy.check()?;
            // Codes become folder names, and some file systems ignore case.
            let code = hierarchy.code.as_str().to_uppercase();
            if taken.contains(&code) {
                return Err(InvalidSpec::Code(hierarchy.code.clone()));
            }
            taken.push(code);
        }
        Ok(())
    }
}

impl HierarchySpec {
    fn check(&self) -> Result<(), InvalidSpec> {
        if !(1..=MAX_WEIGHT).contains(&self.weight) {
            return Err(InvalidSpec::Weight { code: self.code.clone(), weight: self.weight });
        }
        let is_build =
            self.version.split('.').count() == 4 && configmgr::site_version(&self.version).is_some();
        if is_build {
            Ok(())
        } else {
            Err(InvalidSpec::Version { code: self.code.clone(), version: self.version.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut FleetSpec)) -> String {
        let mut spec = FleetSpec::default();
        change(&mut spec);
        spec.check().unwrap_err().to_string()
    }

    #[test]
    fn default_spec_is_accepted() {
        assert_eq!(FleetSpec::default().check(), Ok(()));
    }

    #[test]
    fn spec_out_of_bounds_is_refused_with_expected_and_found() {
        let expected = [
            (refused(|s| s.devices = 0), "expected 1 to 10000000 devices, found 0"),
            (refused(|s| s.devices = 10_000_001), "expected 1 to 10000000 devices, found 10000001"),
            (refused(|s| s.hierarchies.clear()), "expected 1 to 16 hierarchies, found 0"),
            (
                refused(|s| s.hierarchies[1].code = code("ps1")),
                "expected every hierarchy's code once and none of them SMS, found ps1",
            ),
            (
                refused(|s| s.hierarchies[0].version = "2509".to_owned()),
                "expected the version of PS1 as a known build of four numbers such as 5.00.9141.1000, found \"2509\"",
            ),
            (refused(|s| s.hierarchies[0].weight = 0), "expected a weight of 1 to 10000 for PS1, found 0"),
            (
                refused(|s| s.as_of = date(2019, 12, 31)),
                "expected a day from 2020-01-01 to 2099-12-31, found 2019-12-31",
            ),
            (
                refused(|s| s.memberships_per_device = f64::NAN),
                "expected 0 to 100 memberships per device, found NaN",
            ),
        ];
        for (found, expected) in expected {
            assert_eq!(found, expected);
        }
    }
}
