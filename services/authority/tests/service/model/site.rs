//! The hierarchy as it is, and what the inventory was told of it: devices, collections, reports, each at its time.

use std::collections::BTreeSet;

use tandem_contracts::inventory::v1::{Collection, Device as Message};
use tandem_contracts::r#type::v1::{MdmProvider, TenantFacts};
use tandem_domain::facts::{DeviceFacts, Fact, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::section::{ClientFeatures, SectionKind, Source};

use super::deed::Trait;
use super::spec::{Moved, Seen, SeenDevice};
use super::table::{self, Decided, Policy, Traits};
use crate::fleet;
use crate::inventory::Inventory;
use crate::rollouts::estate::{HIERARCHY, at, device as name};
use tandem_contracts::convert::time;

/// Devices that there may be, from 1. The last two come later.
pub(super) const DEVICES: u32 = 8;
pub(super) const AT_FIRST: u32 = 6;

/// Collections that there are: two pilots, one whose members nobody read, and one that waves choose by.
pub(super) const COLLECTIONS: [&str; 4] = ["PS100030", "PS100031", "PS100032", "PS100033"];
pub(super) const UNREAD: usize = 2;
pub(super) const CHOSEN: usize = 3;

/// What an MDM that is not Intune calls itself.
const OTHER_MDM: &str = "AirWatch";

/// What one source last said of where two workloads are.
#[derive(Debug, Clone, Copy)]
struct Said {
    minute: i64,
    apps: bool,
    configuration: bool,
}

impl Said {
    const fn of(self, moved: Moved) -> bool {
        match moved {
            Moved::Apps => self.apps,
            Moved::Configuration => self.configuration,
        }
    }
}

/// A device. Reports are in no order between the two sources; what one source says late of an earlier moment the inventory drops.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) is_there: bool,
    pub(super) traits: Traits,
    /// The collections that it truly is in.
    pub(super) within: BTreeSet<usize>,
    /// Those that the inventory was told.
    read: BTreeSet<usize>,
    by_site: Said,
    failed: bool,
    by_cloud: Option<Said>,
    /// The inventory's revision of it.
    pub(super) revision: u64,
}

/// The hierarchy, and the inventory that knows some of it.
pub(super) struct Site {
    inventory: Inventory,
    pub(super) devices: Vec<Device>,
    /// Whether resource access is fixed at Intune by the version; `None`: nobody said the version.
    pub(super) fixed: Option<bool>,
    /// When the members of each collection were read. `None`: never completely.
    read_at: [Option<i64>; 4],
}

/// What a device reports, and by whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) by_cloud: bool,
    pub(super) apps: bool,
    pub(super) configuration: bool,
    pub(super) failed: bool,
}

impl Site {
    /// Six co-managed devices in no collection but the one that waves choose by, as of minute 0.
    pub(super) fn new(inventory: Inventory) -> Self {
        let traits = Traits {
            client: Some(true),
            enrolled: Some(true),
            other_mdm: false,
            record: true,
            policy: Some(true),
            provisioned: Some(true),
            overridden: None,
        };
        let device = |number: u32| Device {
            is_there: number <= AT_FIRST,
            traits,
            within: if number <= 3 { [CHOSEN].into() } else { BTreeSet::new() },
            read: if number <= 3 { [CHOSEN].into() } else { BTreeSet::new() },
            by_site: Said { minute: 0, apps: false, configuration: false },
            failed: false,
            by_cloud: None,
            revision: 0,
        };
        let devices = (1..=DEVICES).map(device).collect();
        let read_at = [Some(0), Some(0), None, Some(0)];
        let mut site = Self { inventory, devices, fixed: Some(false), read_at };
        site.inventory.world().devices.clear();
        site.inventory.world().tenant = TenantFacts {
            authority_texts: [(OTHER_MDM.to_owned(), MdmProvider::ThirdParty.into())].into(),
            ..Default::default()
        };
        for number in 1..=AT_FIRST {
            site.tell(number);
        }
        site.surround(Some(false));
        for (collection, read_at) in site.read_at.into_iter().enumerate() {
            site.describe(collection, read_at);
        }
        site
    }

    pub(super) fn device(&mut self, number: u32) -> &mut Device {
        &mut self.devices[number as usize - 1]
    }

    /// Its devices that are there, by number.
    pub(super) fn there(&self) -> impl Iterator<Item = (u32, &Device)> {
        (1..).zip(&self.devices).filter(|(_, device)| device.is_there)
    }

    /// The inventory is told what a device is, and who it says that it is a member of.
    pub(super) fn tell(&mut self, number: u32) {
        let device = self.device(number);
        if device.is_there {
            let message = device.message(number);
            self.inventory.change(message);
            let revision = self.inventory.world().revision;
            self.device(number).revision = revision;
        }
    }

    /// A device comes, or goes.
    pub(super) fn come_or_go(&mut self, number: u32) {
        let device = self.device(number);
        device.is_there = !device.is_there;
        if device.is_there {
            device.read = device.within.clone();
            self.tell(number);
        } else {
            self.inventory.remove(&name(number));
        }
    }

    /// A device is another one.
    pub(super) fn become_so(&mut self, number: u32, what: Trait) {
        let traits = &mut self.device(number).traits;
        match what {
            Trait::Client(is) => traits.client = is,
            Trait::Enrolled(is) => traits.enrolled = is,
            Trait::OtherMdm(is) => traits.other_mdm = is,
            Trait::Record(is) => traits.record = is,
            Trait::Policy(is) => traits.policy = is,
            Trait::Provisioned(is) => traits.provisioned = is,
            Trait::Overridden(is) => traits.overridden = is,
        }
        self.tell(number);
    }

    /// It is in a collection from now on, or no longer. Nobody reads that yet.
    pub(super) fn member(&mut self, number: u32, collection: usize, is_member: bool) {
        let within = &mut self.device(number).within;
        if is_member {
            within.insert(collection)
        } else {
            within.remove(&collection)
        };
    }

    /// The inventory is told which collections a device is in, but not that anybody read any as a whole.
    pub(super) fn read_device(&mut self, number: u32) {
        let device = self.device(number);
        if device.read != device.within {
            device.read = device.within.clone();
            self.tell(number);
        }
    }

    /// All members of a collection are read.
    pub(super) fn read(&mut self, collection: usize, minute: i64) {
        for number in 1..=DEVICES {
            let device = self.device(number);
            let (is, was) = (device.within.contains(&collection), device.read.contains(&collection));
            if is != was {
                if is {
                    device.read.insert(collection)
                } else {
                    device.read.remove(&collection)
                };
                self.tell(number);
            }
        }
        if collection != UNREAD {
            self.read_at[collection] = Some(minute);
            self.describe(collection, Some(minute));
        }
    }

    fn describe(&self, collection: usize, minute: Option<i64>) {
        self.inventory.describe(Collection {
            name: format!("{HIERARCHY}/collections/{}", COLLECTIONS[collection]),
            members_complete: minute.is_some(),
            observed_at: minute.map(|minute| time::to_proto(at(minute))),
            ..Collection::default()
        });
    }

    /// The site's version, and what the inventory says of collections.
    pub(super) fn surround(&mut self, fixed: Option<bool>) {
        self.fixed = fixed;
        let mut world = self.inventory.world();
        world.revision += 1;
        world.surroundings_revision = world.revision;
        let complete = (0..4).filter(|collection| self.read_at[*collection].is_some());
        let complete = complete.map(|collection| COLLECTIONS[collection].to_owned()).collect();
        let hierarchy = world.hierarchies.iter_mut().find(|known| known.hierarchy == "PS1").unwrap();
        let version = fixed.map(|fixed| if fixed { "2403" } else { "2309" }.to_owned());
        hierarchy.sites.get_mut("PS1").unwrap().version = version;
        hierarchy.complete_collections = complete;
        drop(world);
        // Watches hear of the new revision.
        self.describe(CHOSEN, self.read_at[CHOSEN]);
    }

    /// A device reports. What is older than what the same source said before changes nothing.
    pub(super) fn report(&mut self, number: u32, report: Report, minute: i64) {
        let device = self.device(number);
        let said = Said { minute, apps: report.apps, configuration: report.configuration };
        if report.by_cloud {
            if device.by_cloud.is_none_or(|known| known.minute < minute) {
                device.by_cloud = Some(said);
                self.tell(number);
            }
        } else if device.by_site.minute < minute {
            device.by_site = said;
            device.failed = report.failed;
            self.tell(number);
        }
    }

    /// Who decides what on a device, by what the inventory was told.
    pub(super) fn decide(&self, number: u32, policy: Option<&Policy>) -> [Decided; 7] {
        let device = &self.devices[number as usize - 1];
        // Of a device that no site knows no sliders are known.
        let member = |collection: usize| self.member_as_read(device, collection);
        table::decide(&device.traits, policy, self.fixed, member)
    }

    fn member_as_read(&self, device: &Device, collection: usize) -> Option<bool> {
        let is_complete = self.read_at[collection].is_some();
        if device.read.contains(&collection) { Some(true) } else { is_complete.then_some(false) }
    }

    /// What a rollout of that workload by that pilot is told.
    pub(super) fn seen(&self, moved: Moved, pilot: usize) -> Seen {
        let of_hierarchy = self.there().filter(|(_, device)| device.traits.record);
        let devices = of_hierarchy.map(|(number, device)| {
            let seen = SeenDevice {
                co_managed: table::co_managed(&device.traits),
                member: self.member_as_read(device, pilot),
                report: device.newest(moved),
                failed: device.failed.then_some(device.by_site.minute),
                contact: device.by_site.minute.max(device.by_cloud.map_or(i64::MIN, |said| said.minute)),
                within: device.read.clone(),
            };
            (number, seen)
        });
        Seen {
            devices: devices.collect(),
            known: (0..4).filter(|collection| self.read_at[*collection].is_some()).collect(),
            read_at: self.read_at[pilot],
        }
    }
}

impl Device {
    /// Whether the last report, by whichever source, has the workload at Intune. At the same moment the site has the word.
    fn newest(&self, moved: Moved) -> Option<(bool, i64)> {
        let by_site = (self.by_site.of(moved), self.by_site.minute);
        let by_cloud = self.by_cloud.filter(|said| said.minute > self.by_site.minute);
        Some(by_cloud.map_or(by_site, |said| (said.of(moved), said.minute)))
    }

    /// The device as the inventory has it. 8193: the policy is present, in the newer layout; 64 and 8: client apps and device configuration.
    fn message(&self, number: u32) -> Message {
        let said = |value: Option<bool>| value.map(|value| Fact::new(value, 0));
        let site = Source::ConfigMgr(HierarchyId::parse("PS1").unwrap());
        let stamp = |source, kind, key: &str, minute| SectionStamp {
            source,
            kind,
            key: key.into(),
            observed_at: at(minute),
        };
        let cloud_minute = self.by_cloud.map_or(0, |said| said.minute);
        let cloud = stamp(Source::Intune, SectionKind::ManagedDeviceV1, "1", cloud_minute);
        let key = format!("PS1/{}", 16_777_300 + number);
        let record = stamp(site, SectionKind::CoManagementState, &key, self.by_site.minute);
        let is_known = self.traits.record;
        let collections = self.read.iter().filter(|_| is_known);
        let bits = 8193 + u32::from(self.by_site.apps) * 64 + u32::from(self.by_site.configuration) * 8;
        let features = self.by_cloud.map(|said| ClientFeatures {
            modern_apps: Some(said.apps),
            device_configuration: Some(said.configuration),
            ..ClientFeatures::default()
        });
        let facts = DeviceFacts {
            sections: vec![record, cloud],
            name: Some(Fact::new(format!("WS-{number}"), 0)),
            hierarchy: is_known.then(|| HierarchyId::parse("PS1").unwrap()),
            collections: collections.map(|id| CollectionId::parse(COLLECTIONS[*id]).unwrap()).collect(),
            client_installed: said(self.traits.client),
            mdm_enrolled: said(self.traits.enrolled),
            policy_present: said(self.traits.policy),
            mdm_provisioned: said(self.traits.provisioned),
            autopilot_override: said(self.traits.overridden),
            authority_text: self.traits.other_mdm.then(|| Fact::new(OTHER_MDM.to_owned(), 0)),
            capability_text: Some(Fact::new(bits.to_string(), 0)),
            client_features: features.map(|features| Fact::new(features, 1)),
            last_site_contact: Some(Fact::new(at(self.by_site.minute), 0)),
            last_intune_sync: self.by_cloud.map(|said| Fact::new(at(said.minute), 1)),
            enrollment_failed: self.failed.then(|| Fact::new(true, 0)),
            ..DeviceFacts::default()
        };
        fleet::device(&name(number), 0, &facts)
    }
}
