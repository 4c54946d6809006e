//! A hierarchy as the generator needs it: its collections in a fixed order, and who decides what in it.

use tandem_domain::capability::Layout;
use tandem_domain::configmgr;
use tandem_domain::id::{CollectionId, InvalidId, SiteCode};
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, WorkloadSetting};
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};

use crate::spec::HierarchySpec;

/// Position of All Systems among the collections: every record is a member.
pub(crate) const ALL_SYSTEMS: u32 = 0;
/// Position of the Intune Auto Enrollment collection.
pub(crate) const AUTO_ENROLLMENT: u32 = 1;

/// Numbers of collection ids behind the site code.
const AUTO_ENROLLMENT_NUMBER: u32 = 0x10;
const FIRST_PILOT_NUMBER: u32 = 0x20;
const FIRST_ORDINARY_NUMBER: u32 = 0x100;

/// What ordinary collections are for.
const PURPOSES: [&str; 5] = ["Deploy", "Updates ring", "Department", "Location", "Hardware model"];

/// A site version from which resource access is fixed at Intune (`workloads.toml`).
const RESOURCE_ACCESS_FIXED_SINCE: u32 = 2403;
/// The version from which clients report the newer capability baseline (`configmgr_versions.csv`, 2111).
const SPLIT_BASELINE_SINCE: u32 = 2111;

/// A collection of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id, unique within the hierarchy.
    pub id: CollectionId,
    /// Its name.
    pub name: String,
}

/// A hierarchy of a fleet, checked and laid out.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    code: SiteCode,
    version: String,
    policy: CoManagementPolicy,
    collections: Vec<Collection>,
    pilots: PerWorkload<Option<u32>>,
    first_ordinary: u32,
    resource_access_fixed: bool,
    layout: Layout,
}

impl Hierarchy {
    pub(crate) fn new(spec: &HierarchySpec, ordinary: u32) -> Result<Self, InvalidId> {
        let code = &spec.code;
        let mut collections = vec![
            Collection { id: CollectionId::parse("SMS00001")?, name: "All Systems".to_owned() },
            Collection { id: id(code, AUTO_ENROLLMENT_NUMBER)?, name: "Intune Auto Enrollment".to_owned() },
        ];
        let mut pilots = PerWorkload::default();
        let mut settings =
            PerWorkload::from_fn(|w| WorkloadSetting { slider: spec.sliders[w], pilot_collection: None });
        for workload in Workload::ALL {
            if spec.sliders[workload] == SliderPosition::PilotIntune {
                let id = id(code, FIRST_PILOT_NUMBER + workload.index() as u32)?;
                let name = format!("Co-management pilot - {}", workload.display_name());
                pilots[workload] = Some(collections.len() as u32);
                settings[workload].pilot_collection = Some(id.clone());
                collections.push(Collection { id, name });
            }
        }
        let first_ordinary = collections.len() as u32;
        for n in 0..ordinary {
            let purpose = PURPOSES[n as usize % PURPOSES.len()];
            let name = format!("{purpose} {:04}", n / PURPOSES.len() as u32 + 1);
            collections.push(Collection { id: id(code, FIRST_ORDINARY_NUMBER + n)?, name });
        }
        let pilot_mode = spec.auto_enrollment == AutoEnrollment::Pilot;
        let era = configmgr::era(&spec.version).unwrap_or_default();
        Ok(Self {
            code: code.clone(),
            version: spec.version.clone(),
            policy: CoManagementPolicy {
                enabled: Some(true),
                auto_enrollment: Some(spec.auto_enrollment),
                auto_enrollment_collection: pilot_mode
                    .then(|| collections[AUTO_ENROLLMENT as usize].id.clone()),
                workloads: settings,
            },
            collections,
            pilots,
            first_ordinary,
            resource_access_fixed: era >= RESOURCE_ACCESS_FIXED_SINCE,
            layout: if era >= SPLIT_BASELINE_SINCE { Layout::Current } else { Layout::Legacy },
        })
    }

    /// Code of the site, and the hierarchy's name.
    #[must_use]
    pub fn code(&self) -> &SiteCode {
        &self.code
    }

    /// The site's version, as a build of four numbers.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the co-management object says.
    #[must_use]
    pub fn policy(&self) -> &CoManagementPolicy {
        &self.policy
    }

    /// Every collection; a device names its own by their positions here.
    #[must_use]
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// The provider's host name.
    #[must_use]
    pub fn provider(&self) -> String {
        format!("cm-{}.example.com", self.code.as_str().to_lowercase())
    }

    /// The build of a client that was updated with its site: the same release, a later revision.
    pub(crate) fn client_version(&self) -> String {
        let release = self.version.rsplit_once('.').map_or(self.version.as_str(), |(release, _)| release);
        format!("{release}.1011")
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    pub(crate) fn pilots(&self) -> impl Iterator<Item = (Workload, u32)> {
        self.pilots.iter().filter_map(|(workload, position)| position.map(|position| (workload, position)))
    }

    pub(crate) fn first_ordinary(&self) -> u32 {
        self.first_ordinary
    }

    pub(crate) fn ordinary(&self) -> u32 {
        self.collections.len() as u32 - self.first_ordinary
    }

    /// What Intune decides on a co-managed device of these collections (states.md 8, steps 5 to 9): what its client reports
    /// once it has caught up.
    pub(crate) fn moved(&self, collections: &[u32]) -> PerWorkload<bool> {
        let by_slider = |workload: Workload| match self.policy.workloads[workload].slider {
            SliderPosition::ConfigurationManager => false,
            SliderPosition::Intune => true,
            SliderPosition::PilotIntune => self.pilots[workload].is_some_and(|p| collections.contains(&p)),
        };
        PerWorkload::from_fn(|workload| {
            let fixed = workload == Workload::ResourceAccessPolicies && self.resource_access_fixed;
            fixed || by_slider(workload) || workload.included_in().is_some_and(by_slider)
        })
    }
}

/// Site code and five hex digits (admin_service.md 6.5).
fn id(code: &SiteCode, number: u32) -> Result<CollectionId, InvalidId> {
    CollectionId::parse(&format!("{code}{number:05X}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(spec: &HierarchySpec) -> Hierarchy {
        Hierarchy::new(spec, 2).unwrap()
    }

    #[test]
    fn collections_are_built_in_then_scope_then_pilots_then_ordinary() {
        let laid_out = hierarchy(&HierarchySpec::eu1());
        let found: Vec<(&str, &str)> =
            laid_out.collections().iter().map(|c| (c.id.as_str(), c.name.as_str())).collect();
        let expected = [
            ("SMS00001", "All Systems"),
            ("EU100010", "Intune Auto Enrollment"),
            ("EU100024", "Co-management pilot - Device configuration"),
            ("EU100025", "Co-management pilot - Office Click-to-Run apps"),
            ("EU100100", "Deploy 0001"),
            ("EU100101", "Updates ring 0001"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn default_policies_are_what_the_console_accepts() {
        for spec in [HierarchySpec::ps1(), HierarchySpec::eu1()] {
            assert_eq!(hierarchy(&spec).policy().validate(), Ok(()));
        }
    }

    #[test]
    fn pilot_of_device_configuration_carries_its_sub_workloads() {
        let moved = |collections: &[u32]| {
            let moved = hierarchy(&HierarchySpec::eu1()).moved(collections);
            Workload::ALL.into_iter().filter(|w| moved[*w]).collect::<Vec<_>>()
        };
        assert_eq!(moved(&[ALL_SYSTEMS]), [Workload::CompliancePolicies]);
        assert_eq!(
            moved(&[ALL_SYSTEMS, 2]),
            [
                Workload::CompliancePolicies,
                Workload::ResourceAccessPolicies,
                Workload::EndpointProtection,
                Workload::DeviceConfiguration,
            ]
        );
    }

    #[test]
    fn resource_access_on_2509_is_at_intune_whatever_its_slider_says() {
        let moved = hierarchy(&HierarchySpec::ps1()).moved(&[]);
        let found: Vec<_> = Workload::ALL.into_iter().filter(|w| moved[*w]).collect();
        assert_eq!(
            found,
            [
                Workload::WindowsUpdatePolicies,
                Workload::ResourceAccessPolicies,
                Workload::OfficeClickToRunApps,
            ]
        );
    }

    #[test]
    fn client_version_keeps_the_release_of_the_site() {
        assert_eq!(hierarchy(&HierarchySpec::ps1()).client_version(), "5.00.9141.1011");
    }
}
