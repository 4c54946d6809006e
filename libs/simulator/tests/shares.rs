//! The mix of a generated fleet is the mix that the constants say.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::{BTreeMap, HashSet};

use tandem_domain::facts::{JoinType, Owner};
use tandem_domain::policy::AutoEnrollment;
use tandem_simulator::shares::{self, Share, WHOLE};
use tandem_simulator::{Fleet, FleetSpec, HierarchySpec, Serial, SimulatedDevice, Situation};

const DEVICES: u64 = 20_000;

fn fleet(seed: u64) -> Fleet {
    Fleet::new(FleetSpec { devices: DEVICES, seed, ..FleetSpec::default() }).unwrap()
}

fn devices(fleet: &Fleet) -> Vec<SimulatedDevice> {
    (0..fleet.spec().devices).map(|index| fleet.device(index)).collect()
}

/// Within four standard deviations of a binomial draw: one wrong alarm in 16,000 draws, and the seed is fixed.
fn assert_share(found: usize, of: usize, share: f64, what: &str) {
    let expected = share * of as f64;
    let tolerance = 4.0 * (expected * (1.0 - share)).sqrt() + 1.0;
    let off = (found as f64 - expected).abs();
    assert!(off <= tolerance, "{what}: expected {expected:.0} of {of} within {tolerance:.0}, found {found}");
}

fn assert_table<T: Copy + Ord + std::fmt::Debug>(found: &[T], table: &[Share<T>], what: &str) {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in found {
        *counts.entry(*value).or_default() += 1;
    }
    for (value, share) in table {
        let count = counts.remove(value).unwrap_or_default();
        assert_share(count, found.len(), f64::from(*share) / f64::from(WHOLE), &format!("{what} {value:?}"));
    }
    assert!(counts.is_empty(), "{what}: found values that the table lacks: {counts:?}");
}

#[test]
fn situations_and_what_follows_from_them_occur_in_their_shares() {
    let all = devices(&fleet(1));
    let situations: Vec<Situation> = all.iter().map(|d| d.situation).collect();
    assert_table(&situations, &shares::SITUATIONS, "situation");
    for (situation, _) in shares::SITUATIONS {
        let such: Vec<&SimulatedDevice> = all.iter().filter(|d| d.situation == situation).collect();
        let windows: Vec<_> = such.iter().map(|d| d.windows).collect();
        assert_table(&windows, situation.windows(), &format!("{situation:?}"));
        let join_id = |join: JoinType| join.id();
        let joins: Vec<&str> = such.iter().map(|d| join_id(d.join)).collect();
        let table: Vec<Share<&str>> =
            situation.joins().iter().map(|(j, share)| (join_id(*j), *share)).collect();
        assert_table(&joins, &table, &format!("{situation:?}"));
        let personal = such.iter().filter(|d| d.owner == Owner::Personal).count();
        let share = f64::from(situation.personal()) / f64::from(WHOLE);
        assert_share(personal, such.len(), share, &format!("personally owned {situation:?}"));
    }
}

#[test]
fn untidy_corners_occur_in_their_shares() {
    let all = devices(&fleet(2));
    let part = |share: u32| f64::from(share) / f64::from(WHOLE);
    let count = |holds: &dyn Fn(&SimulatedDevice) -> bool| all.iter().filter(|d| holds(d)).count();

    assert_share(count(&|d| d.stale), all.len(), part(shares::STALE), "stale");
    let shared = count(&|d| matches!(d.serial, Serial::Shared(_)));
    let pairs = all.chunks_exact(2).filter(|pair| pair.iter().all(|d| d.situation.at_intune())).count();
    assert_share(shared, pairs, part(shares::SHARED_SERIAL), "shared serial");
    let placeholder = count(&|d| matches!(d.serial, Serial::Placeholder(_)));
    let in_shared_pairs = 2.0 * shared as f64 / all.len() as f64;
    let share = part(shares::PLACEHOLDER_SERIAL) * (1.0 - in_shared_pairs);
    assert_share(placeholder, all.len(), share, "placeholder serial");

    let co_managed = count(&|d| d.situation == Situation::CoManaged);
    assert_share(count(&|d| d.drift.is_some()), co_managed, part(shares::DRIFT), "drift");
    assert_eq!(count(&|d| d.drift.is_some() && d.situation != Situation::CoManaged), 0);

    let enrolled = count(&|d| d.situation.enrolled_in_intune());
    let leaving = count(&|d| d.intune.as_ref().is_some_and(|r| r.management_state != "managed"));
    assert_share(leaving, enrolled, part(shares::LEAVING), "leaving");

    let codes: Vec<u32> = all
        .iter()
        .filter(|d| d.situation == Situation::Failed)
        .filter_map(|d| d.site.as_ref()?.co_management.map(|row| row.status_code))
        .collect();
    assert_table(&codes, &shares::FAILURE_CODES, "failure code");

    let at_site = count(&|d| d.site.is_some());
    let at_ps1 = count(&|d| d.site.as_ref().is_some_and(|site| site.hierarchy == 0));
    assert_share(at_ps1, at_site, 0.6, "hierarchy PS1");
}

#[test]
fn fleet_of_two_hierarchies_has_two_facets_and_fifteen_memberships_per_device() {
    let all = devices(&fleet(3));
    let per_device = |total: usize| total as f64 / all.len() as f64;
    let facets = per_device(all.iter().map(SimulatedDevice::facets).sum());
    assert!((facets - 2.0).abs() < 0.02, "{facets} facets");
    let rows: usize = all.iter().flat_map(SimulatedDevice::site_records).map(|r| r.collections.len()).sum();
    let memberships = per_device(rows);
    assert!((memberships - 15.0).abs() < 0.15, "{memberships} memberships");
}

#[test]
fn memberships_per_device_follow_the_specification() {
    for (asked, hierarchies) in [(8.0, 2), (40.0, 2), (15.0, 1), (100.0, 1)] {
        let mut spec = FleetSpec { devices: 5_000, memberships_per_device: asked, ..FleetSpec::default() };
        spec.hierarchies.truncate(hierarchies);
        let fleet = Fleet::new(spec).unwrap();
        let all = devices(&fleet);
        let rows: usize =
            all.iter().flat_map(SimulatedDevice::site_records).map(|r| r.collections.len()).sum();
        let found = rows as f64 / all.len() as f64;
        assert!((found / asked - 1.0).abs() < 0.02, "expected {asked}, found {found}");
    }
}

#[test]
fn ids_are_unique_where_the_systems_make_them_so() {
    let all = devices(&fleet(4));
    fn repeated<T: std::hash::Hash + Eq>(ids: impl Iterator<Item = T>) -> usize {
        let mut seen = HashSet::new();
        ids.filter(|_| true).map(|id| usize::from(!seen.insert(id))).sum()
    }
    assert_eq!(repeated(all.iter().map(|d| &d.name)), 0, "name");
    assert_eq!(repeated(all.iter().filter_map(|d| d.entra_device_id)), 0, "directory id");
    assert_eq!(repeated(all.iter().filter_map(|d| d.sms_id)), 0, "client id");
    assert_eq!(repeated(all.iter().map(|d| d.smbios_guid)), 0, "firmware id");
    assert_eq!(repeated(all.iter().filter_map(|d| d.intune.as_ref().map(|r| r.id))), 0, "Intune id");
    let keys = all.iter().flat_map(SimulatedDevice::site_records).map(|r| (r.hierarchy, r.resource_id));
    assert_eq!(repeated(keys), 0, "hierarchy and ResourceID");
    let own = all.iter().filter(|d| matches!(d.serial, Serial::Own(_))).map(|d| d.serial.text());
    assert_eq!(repeated(own), 0, "own serial number");
    let collections_repeat =
        |d: &SimulatedDevice| d.site_records().any(|r| repeated(r.collections.iter()) > 0);
    assert!(!all.iter().any(collections_repeat), "collection");
}

#[test]
fn hierarchies_use_the_same_resource_ids_for_different_devices() {
    let all = devices(&fleet(4));
    let of = |hierarchy| {
        let records = all.iter().filter_map(|d| d.site.as_ref());
        records.filter(move |r| r.hierarchy == hierarchy).map(|r| r.resource_id).collect::<HashSet<u32>>()
    };
    assert!(of(0).intersection(&of(1)).count() > 1_000);
}

#[test]
fn shared_serial_is_the_own_one_of_the_neighbour() {
    let all = devices(&fleet(5));
    for device in all.iter().filter(|d| matches!(d.serial, Serial::Shared(_))) {
        let neighbour = &all[device.index as usize - 1];
        assert_eq!(neighbour.serial, Serial::Own(device.serial.text().to_owned()));
        // One source has both: else they would be one device.
        assert!(device.intune.is_some() && neighbour.intune.is_some(), "{device:?}");
    }
}

#[test]
fn pilot_members_are_members_of_the_auto_enrollment_collection() {
    let fleet = fleet(6);
    let mut pilots_seen = 0;
    for device in devices(&fleet) {
        let Some(site) = &device.site else { continue };
        let hierarchy = &fleet.hierarchies()[site.hierarchy];
        let names: Vec<&str> =
            site.collections.iter().map(|p| hierarchy.collections()[*p as usize].name.as_str()).collect();
        assert_eq!(names[0], "All Systems");
        let in_scope = names.contains(&"Intune Auto Enrollment");
        let in_pilot = names.iter().any(|name| name.starts_with("Co-management pilot"));
        assert_eq!(in_scope, device.situation.in_enrollment_scope(), "{device:?}");
        assert!(in_scope || !in_pilot, "{device:?}");
        pilots_seen += usize::from(in_pilot);
    }
    assert!(pilots_seen > 0);
}

#[test]
fn device_depends_on_seed_and_index_only() {
    let small = Fleet::new(FleetSpec { devices: 2_000, seed: 7, ..FleetSpec::default() }).unwrap();
    let again = small.clone();
    let forwards: Vec<SimulatedDevice> = devices(&small);
    let mut backwards: Vec<SimulatedDevice> = (0..2_000).rev().map(|index| again.device(index)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let other = Fleet::new(FleetSpec { devices: 2_000, seed: 8, ..FleetSpec::default() }).unwrap();
    assert_ne!(forwards[0].smbios_guid, other.device(0).smbios_guid);
}

#[test]
fn fleet_at_its_bounds_makes_its_last_device() {
    let spec = FleetSpec {
        devices: tandem_simulator::MAX_DEVICES,
        seed: u64::MAX,
        as_of: jiff::civil::date(2099, 12, 31),
        memberships_per_device: 100.0,
        hierarchies: (0..16)
            .map(|n| HierarchySpec {
                code: tandem_domain::id::SiteCode::parse(&format!("P{n:02}")).unwrap(),
                auto_enrollment: AutoEnrollment::None,
                ..HierarchySpec::ps1()
            })
            .collect(),
    };
    let fleet = Fleet::new(spec).unwrap();
    for index in (0..1_000).chain(tandem_simulator::MAX_DEVICES - 1_000..tandem_simulator::MAX_DEVICES) {
        let device = fleet.device(index);
        assert!(device.name.len() <= 15, "{}", device.name);
    }
}
