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

/// Some devices of a cohort, made up only where that is needed: most are only counted.
enum Devices<'a> {
    /// All of it.
    All(&'a RoaringBitmap),
    /// Those of it that are in one collection.
    Inside(&'a RoaringBitmap),
    /// Those of the first, which is all of it, that are not among the second, which are inside.
    Outside(&'a RoaringBitmap, &'a RoaringBitmap),
    /// These.
    These(RoaringBitmap),
}

impl<'a> Devices<'a> {
    fn len(&self) -> u64 {
        match self {
            Self::All(devices) | Self::Inside(devices) => devices.len(),
            Self::Outside(all, inside) => all.len() - inside.len(),
            Self::These(devices) => devices.len(),
        }
    }

    fn made_up(self) -> Cow<'a, RoaringBitmap> {
        match self {
            Self::All(devices) | Self::Inside(devices) => Cow::Borrowed(devices),
            Self::Outside(all, inside) => Cow::Owned(all - inside),
            Self::These(devices) => Cow::Owned(devices),
        }
    }

    fn how_many_of(&self, others: &RoaringBitmap) -> u64 {
        match self {
            Self::All(_) => others.len(),
            Self::Inside(devices) => devices.intersection_len(others),
            Self::Outside(_, inside) => others.difference_len(inside),
            Self::These(devices) => devices.intersection_len(others),
        }
    }
}

/// Devices of one cohort that are in the same of the collections that were asked about.
struct Piece<'a> {
    devices: Devices<'a>,
    memberships: Vec<(&'a CollectionId, Membership)>,
}

impl<'a> Piece<'a> {
    fn known(&self, collection: &CollectionId) -> Option<Membership> {
        let known = self.memberships.iter().find(|(id, _)| *id == collection);
        known.map(|(_, membership)| *membership)
    }

    /// All of it, of which is known whether it is in the collection.
    fn with(mut self, collection: &'a CollectionId, membership: Membership) -> Self {
        self.memberships.push((collection, membership));
        self
    }

    /// Those inside of the collection and those outside; none of them empty. `inside`: the devices of the whole cohort that are in it.
    fn cut(
        self,
        collection: &'a CollectionId,
        inside: &'a RoaringBitmap,
        outside: Membership,
    ) -> impl Iterator<Item = Self> {
        let Self { devices, memberships } = self;
        let parts = match devices {
            Devices::All(all) => [Devices::Inside(inside), Devices::Outside(all, inside)],
            devices => {
                let devices = devices.made_up();
                [Devices::These(devices.as_ref() & inside), Devices::These(devices.as_ref() - inside)]
            }
        };
        let parts = parts.into_iter().zip([Membership::Member, outside]);
        parts.filter(|(devices, _)| devices.len() > 0).map(move |(devices, membership)| {
            Self { devices, memberships: memberships.clone() }.with(collection, membership)
        })
    }
}

/// What is known of a collection while cohorts are counted.
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

    /// How many of a piece are in it. `inside`: the devices of the whole cohort that are; `None`: all of it is, or nothing.
    fn of(&self, cohort: Cohort<'_>, piece: &Piece<'_>, inside: Option<&RoaringBitmap>) -> u64 {
        let membership = piece.known(self.collection);
        match inside {
            _ if cohort.within.contains(self.collection) => piece.devices.len(),
            Some(_) if membership == Some(Membership::Member) => piece.devices.len(),
            Some(inside) if membership.is_none() => piece.devices.how_many_of(inside),
            Some(_) | None => 0,
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

/// Of a cohort, the devices that are in each collection that it is not sorted by.
type Inside<'a> = BTreeMap<&'a CollectionId, RoaringBitmap>;

struct Count<'a, 'm, F> {
    policies: Policies<'a>,
    members: &'m F,
    sorted_by: &'m BTreeSet<CollectionId>,
    collections: Vec<CollectionCount<'a>>,
    workloads: PerWorkload<BTreeMap<ImpactRow, u64>>,
    affected: u64,
    torn: u64,
}

impl<'a, 'd, F: Fn(&CollectionId) -> Members<'d>> Count<'a, '_, F> {
    fn cohort(&mut self, cohort: Cohort<'_>) {
        let Cohort { devices, within, .. } = cohort;
        let mut inside = Inside::new();
        for count in &mut self.collections {
            if within.contains(count.collection) {
                count.within += devices.len();
            } else if !self.sorted_by.contains(count.collection) {
                let of_it = devices & count.members.devices;
                count.within += of_it.len();
                inside.insert(count.collection, of_it);
            }
        }
        let mut affected: Option<Cow<'_, RoaringBitmap>> = None;
        for workload in Workload::ALL {
            if self.policies.decide_alike(workload) {
                continue;
            }
            for piece in self.pieces(workload, cohort, &inside) {
                if self.piece(cohort, workload, &piece, &inside) {
                    affected = Some(match affected {
                        None => piece.devices.made_up(),
                        Some(others) if others.len() == devices.len() => others,
                        Some(others) => Cow::Owned(others.into_owned() | piece.devices.made_up().as_ref()),
                    });
                }
            }
        }
        self.affected += affected.map_or(0, |devices| devices.len());
    }

    /// The cohort, cut so that the workload is decided alike within each piece.
    fn pieces<'p>(&self, workload: Workload, cohort: Cohort<'p>, inside: &'p Inside<'a>) -> Vec<Piece<'p>>
    where
        'a: 'p,
    {
        let mut pieces = vec![Piece { devices: Devices::All(cohort.devices), memberships: Vec::new() }];
        for collection in self.policies.asked(workload) {
            let outside = (self.members)(collection).outside();
            let cut = pieces.into_iter();
            pieces = match inside.get(collection) {
                _ if cohort.within.contains(collection) => {
                    cut.map(|piece| piece.with(collection, Membership::Member)).collect()
                }
                None => cut.map(|piece| piece.with(collection, outside)).collect(),
                Some(inside) => cut.flat_map(|piece| piece.cut(collection, inside, outside)).collect(),
            };
        }
        pieces
    }

    /// Counts a piece; answers whether the holder changes on it.
    fn piece(
        &mut self,
        cohort: Cohort<'_>,
        workload: Workload,
        piece: &Piece<'_>,
        inside: &Inside<'a>,
    ) -> bool {
        let Policies { base, proposed } = self.policies;
        let membership = |collection: &CollectionId| piece.known(collection).unwrap_or(Membership::Unknown);
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
                count.changing[workload] += count.of(cohort, piece, inside.get(count.collection));
            }
        }
        row.changes_holder()
    }
}
