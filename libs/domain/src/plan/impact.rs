//! How many devices a proposed policy moves, and which stay where they are although it means them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use crate::authority::{Reason, Standing};
use crate::id::CollectionId;
use crate::policy::{CoManagementPolicy, Membership};
use crate::prerequisites::Verdict;
use crate::state::ManagementState;
use crate::workload::{ManagementAuthority, PerWorkload, SliderPosition, Workload};

/// What devices have in common that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceClass {
    /// How they stand towards their managers.
    pub state: ManagementState,
    /// What a policy has no say in.
    pub standing: Standing,
    /// Whether they could be co-managed, by the path of existing clients.
    pub verdict: Verdict,
}

/// Devices of one class that are in the same of the collections that the fleet is sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Cohort<'a> {
    /// Their class.
    pub class: DeviceClass,
    /// Of the collections that the fleet is sorted by, those that they are known to be in.
    pub within: &'a BTreeSet<CollectionId>,
    /// The devices; of one hierarchy, each is in one cohort.
    pub devices: &'a RoaringBitmap,
}

/// The devices of one hierarchy, sorted so that a policy that names no other collections is counted by the sizes of cohorts alone.
#[derive(Debug, Clone, Copy)]
pub struct SortedFleet<'a> {
    /// The devices.
    pub cohorts: &'a [Cohort<'a>],
    /// The collections that they are sorted by.
    pub by: &'a BTreeSet<CollectionId>,
}

/// Who is in a collection, as far as anybody said.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    /// Devices that are known to be in it.
    pub devices: &'a RoaringBitmap,
    /// Who is not among them is not in it.
    pub complete: bool,
}

impl Members<'_> {
    /// What is known of a device that is not among them.
    const fn outside(&self) -> Membership {
        if self.complete { Membership::NotMember } else { Membership::Unknown }
    }
}

/// Devices that fare alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImpactRow {
    /// How they stand towards their managers.
    pub state: ManagementState,
    /// Why their holder holds the workload now.
    pub before: Reason,
    /// Why their holder would hold it.
    pub after: Reason,
    /// What the proposed sliders say of them, whatever else keeps the sliders from deciding.
    pub wanted: Reason,
    /// They are not co-managed, and a prerequisite of it is known not to hold.
    pub blocked: bool,
}

impl ImpactRow {
    /// The holder changes.
    #[must_use]
    pub fn changes_holder(&self) -> bool {
        self.before.authority() != self.after.authority()
    }

    /// The proposed sliders say another holder than will hold it: the device is meant, and not reached.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.wanted.authority() != self.after.authority()
    }
}

/// The devices of one collection that change holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionImpact {
    /// The collection.
    pub collection: CollectionId,
    /// How many devices of the hierarchy are in it.
    pub members: u64,
    /// Its members are known completely.
    pub complete: bool,
    /// How many of them change holder, by workload.
    pub changing: PerWorkload<u64>,
}

/// What a proposed policy does to the devices of its hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// Devices of the hierarchy.
    pub devices: u64,
    /// Devices on which any workload changes holder, each once.
    pub affected: u64,
    /// How the devices fare, by workload. None for a workload that the two policies decide alike, as no position changes.
    pub workloads: PerWorkload<BTreeMap<ImpactRow, u64>>,
    /// The collections that either policy names.
    pub collections: Vec<CollectionImpact>,
    /// Devices on which a workload would be at Configuration Manager while the one that carries it is at Intune: there are none, and a
    /// plan says that it looked.
    pub torn: u64,
}

impl Impact {
    /// How many devices change the holder of a workload.
    #[must_use]
    pub fn changing(&self, workload: Workload) -> u64 {
        let rows = self.workloads[workload].iter().filter(|(row, _)| row.changes_holder());
        rows.map(|(_, devices)| devices).sum()
    }

    /// How many devices the proposed position of a workload means and does not reach.
    #[must_use]
    pub fn held_back(&self, workload: Workload) -> u64 {
        let rows = self.workloads[workload].iter().filter(|(row, _)| row.is_held_back());
        rows.map(|(_, devices)| devices).sum()
    }
}

/// Counts what `proposed` does to the devices of one hierarchy. `base`: the policy that decides there now; `None`: nobody said.
#[must_use]
pub fn impact<'a>(
    fleet: SortedFleet<'a>,
    members: &impl Fn(&CollectionId) -> Members<'a>,
    base: Option<&CoManagementPolicy>,
    proposed: &CoManagementPolicy,
) -> Impact {
    let named: BTreeSet<&CollectionId> =
        base.into_iter().chain([proposed]).flat_map(|policy| policy.collections()).collect();
    let mut count = Count {
        policies: Policies { base, proposed },
        members,
        sorted_by: fleet.by,
        collections: named.into_iter().map(|id| CollectionCount::new(id, members(id))).collect(),
        workloads: PerWorkload::from_fn(|_| BTreeMap::new()),
        affected: 0,
        torn: 0,
    };
    for cohort in fleet.cohorts {
        count.cohort(*cohort);
    }
    let devices = fleet.cohorts.iter().map(|cohort| cohort.devices.len()).sum();
    let Count { collections, workloads, affected, torn, .. } = count;
    let collections = collections.into_iter().map(CollectionCount::finish).collect();
    Impact { devices, affected, workloads, collections, torn }
}

/// The policies that are compared.
#[derive(Clone, Copy)]
struct Policies<'a> {
    base: Option<&'a CoManagementPolicy>,
    proposed: &'a CoManagementPolicy,
}

impl<'a> Policies<'a> {
    /// Whether nothing that decides the workload is another in the two.
    fn decide_alike(self, workload: Workload) -> bool {
        let Some(base) = self.base else { return false };
        let deciding = [Some(workload), workload.included_in()];
        base.enabled == self.proposed.enabled
            && deciding
                .into_iter()
                .flatten()
                .all(|workload| base.workloads[workload] == self.proposed.workloads[workload])
    }

    /// The collections whose members the workload's decision asks for, in either.
    fn asked(self, workload: Workload) -> BTreeSet<&'a CollectionId> {
        let policies = self.base.into_iter().chain([self.proposed]).filter(|p| p.enabled == Some(true));
        let deciding = [Some(workload), workload.included_in()];
        let settings = policies
            .flat_map(|policy| deciding.into_iter().flatten().map(|workload| &policy.workloads[workload]));
        settings
            .filter(|setting| setting.slider == SliderPosition::PilotIntune)
            .filter_map(|setting| setting.pilot_collection.as_ref())
            .collect()
    }
}

/// Devices of one cohort that are in the same of the collections that were asked about.
struct Piece<'a> {
    devices: Cow<'a, RoaringBitmap>,
    memberships: Vec<(&'a CollectionId, Membership)>,
}

impl<'a> Piece<'a> {
    fn membership(&self, collection: &CollectionId) -> Membership {
        let known = self.memberships.iter().find(|(id, _)| *id == collection);
        known.map_or(Membership::Unknown, |(_, membership)| *membership)
    }

    /// All of it, of which is known whether it is in the collection.
    fn known(mut self, collection: &'a CollectionId, membership: Membership) -> Self {
        self.memberships.push((collection, membership));
        self
    }

    /// Those inside of the collection and those outside; none of them empty.
    fn cut(self, collection: &'a CollectionId, members: Members<'_>) -> impl Iterator<Item = Self> {
        let outside = members.outside();
        let inside = self.devices.as_ref() & members.devices;
        let parts = if inside.is_empty() {
            [(Cow::default(), Membership::Member), (self.devices, outside)]
        } else if inside.len() == self.devices.len() {
            [(self.devices, Membership::Member), (Cow::default(), outside)]
        } else {
            let rest = self.devices.as_ref() - &inside;
            [(Cow::Owned(inside), Membership::Member), (Cow::Owned(rest), outside)]
        };
        let memberships = self.memberships;
        parts.into_iter().filter(|(devices, _)| !devices.is_empty()).map(move |(devices, membership)| {
            Self { devices, memberships: memberships.clone() }.known(collection, membership)
        })
    }
}

/// What is known of a collection while classes are counted.
struct CollectionCount<'a> {
    collection: &'a CollectionId,
    members: Members<'a>,
    within: u64,
    changing: PerWorkload<u64>,
}

impl<'a> CollectionCount<'a> {
    fn new(collection: &'a CollectionId, members: Members<'a>) -> Self {
        Self { collection, members, within: 0, changing: PerWorkload::from_fn(|_| 0) }
    }

    /// How many of some devices of a cohort are in it.
    fn of(&self, sorted_by: &BTreeSet<CollectionId>, cohort: Cohort<'_>, devices: &RoaringBitmap) -> u64 {
        match cohort.within.contains(self.collection) {
            true => devices.len(),
            false if sorted_by.contains(self.collection) => 0,
            false => self.members.devices.intersection_len(devices),
        }
    }

    fn finish(self) -> CollectionImpact {
        CollectionImpact {
            collection: self.collection.clone(),
            members: self.within,
            complete: self.members.complete,
            changing: self.changing,
        }
    }
}

struct Count<'a, 'm, F> {
    policies: Policies<'a>,
    members: &'m F,
    sorted_by: &'m BTreeSet<CollectionId>,
    collections: Vec<CollectionCount<'a>>,
    workloads: PerWorkload<BTreeMap<ImpactRow, u64>>,
    affected: u64,
    torn: u64,
}

impl<'d, F: Fn(&CollectionId) -> Members<'d>> Count<'_, '_, F> {
    fn cohort(&mut self, cohort: Cohort<'_>) {
        let Cohort { devices, .. } = cohort;
        for count in &mut self.collections {
            count.within += count.of(self.sorted_by, cohort, devices);
        }
        let mut affected: Option<Cow<'_, RoaringBitmap>> = None;
        for workload in Workload::ALL {
            if self.policies.decide_alike(workload) {
                continue;
            }
            for piece in self.pieces(workload, cohort) {
                if self.piece(cohort, workload, &piece) {
                    affected = Some(match affected {
                        None => piece.devices,
                        Some(others) if others.len() == devices.len() => others,
                        Some(others) => Cow::Owned(others.into_owned() | piece.devices.as_ref()),
                    });
                }
            }
        }
        self.affected += affected.map_or(0, |devices| devices.len());
    }

    /// The cohort, cut so that the workload is decided alike within each piece.
    fn pieces<'p>(&self, workload: Workload, cohort: Cohort<'p>) -> Vec<Piece<'p>>
    where
        Self: 'p,
    {
        let mut pieces = vec![Piece { devices: Cow::Borrowed(cohort.devices), memberships: Vec::new() }];
        for collection in self.policies.asked(workload) {
            let members = (self.members)(collection);
            let known = match cohort.within.contains(collection) {
                true => Some(Membership::Member),
                false => self.sorted_by.contains(collection).then(|| members.outside()),
            };
            pieces = match known {
                Some(membership) => {
                    pieces.into_iter().map(|piece| piece.known(collection, membership)).collect()
                }
                None => pieces.into_iter().flat_map(|piece| piece.cut(collection, members)).collect(),
            };
        }
        pieces
    }

    /// Counts a piece; answers whether the holder changes on it.
    fn piece(&mut self, cohort: Cohort<'_>, workload: Workload, piece: &Piece<'_>) -> bool {
        let Policies { base, proposed } = self.policies;
        let membership = |collection: &CollectionId| piece.membership(collection);
        let DeviceClass { state, standing, verdict } = cohort.class;
        let wanted = standing.by_sliders(Some(proposed), membership, workload);
        let after = standing.whole_device.unwrap_or(wanted);
        let before = standing.whole_device.unwrap_or_else(|| standing.by_sliders(base, membership, workload));
        let blocked = state != ManagementState::CoManaged && verdict == Verdict::Blocked;
        let row = ImpactRow { state, before, after, wanted, blocked };
        let devices = piece.devices.len();
        *self.workloads[workload].entry(row).or_default() += devices;
        if let Some(carrier) = workload.included_in() {
            let carried = standing.whole_device;
            let carried = carried.unwrap_or_else(|| standing.by_sliders(Some(proposed), membership, carrier));
            if carried.authority() == ManagementAuthority::Intune
                && after.authority() == ManagementAuthority::ConfigurationManager
            {
                self.torn += devices;
            }
        }
        if row.changes_holder() {
            for count in &mut self.collections {
                count.changing[workload] += count.of(self.sorted_by, cohort, &piece.devices);
            }
        }
        row.changes_holder()
    }
}
