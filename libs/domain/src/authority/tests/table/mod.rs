//! Every combination of what decides an authority: the code against tables that are written from states.md 8, and those against
//! what `docs/effective_authority.md` publishes.
//!
//! Not tested here: what is read off a device's raw facts (the merge), and what each reason says.

mod grid;
mod written;

use super::*;
use crate::authority::strategies::{co_managed_client, collection, said, setting};
use crate::authority::{Decision, EffectiveAuthority};
use crate::policy::{CoManagementPolicy, WorkloadSetting};
use crate::workload::{SliderPosition, Workload};

use grid::{Dimension, Grid, Outcome};

const TERNARY: &[&str] = &["yes", "no", "unknown"];
const POSITIONS: &[&str] =
    &["Configuration Manager", "pilot, outside", "pilot, unread", "pilot, inside", "Intune"];

/// What is known of the device itself, in the order of the table's columns.
const DEVICE: &[Dimension] = &[
    Dimension { name: "client", values: TERNARY },
    Dimension { name: "enrolled", values: TERNARY },
    Dimension { name: "MDM", values: &["Intune", "other", "unknown"] },
    Dimension { name: "site record", values: &["yes", "no"] },
    Dimension { name: "policy", values: TERNARY },
    Dimension { name: "provisioned", values: TERNARY },
    Dimension { name: "override", values: TERNARY },
];

const HIERARCHY: Dimension =
    Dimension { name: "hierarchy", values: &["set up", "not set up", "unsaid", "unknown"] };
const OWN: Dimension = Dimension { name: "own slider", values: POSITIONS };
const CARRIER: Dimension = Dimension { name: "device configuration", values: POSITIONS };
const VERSION: Dimension = Dimension { name: "site version", values: &["before 2403", "2403 on", "unknown"] };

/// What decides a workload that nothing carries along.
const ALONE: &[Dimension] = &[HIERARCHY, OWN];
/// What decides Endpoint Protection.
const CARRIED: &[Dimension] = &[HIERARCHY, CARRIER, OWN];
/// What decides resource access.
const FIXED: &[Dimension] = &[VERSION, HIERARCHY, CARRIER, OWN];

/// The word of the device's table for "co-managed, and its sliders decide".
const SLIDERS: &str = "the sliders";

/// The four tables, as written.
struct Written {
    device: Grid,
    alone: Grid,
    carried: Grid,
    fixed: Grid,
}

impl Written {
    fn new() -> Self {
        Self {
            device: Grid::decided(DEVICE, written::DEVICE),
            alone: Grid::decided(ALONE, written::ALONE),
            carried: Grid::decided(CARRIED, written::CARRIED),
            fixed: Grid::decided(FIXED, written::FIXED),
        }
    }

    fn markdown(&self) -> String {
        let mut text = written::INTRODUCTION.to_owned();
        for (heading, grid) in [
            (written::OF_DEVICE, &self.device),
            (written::OF_ALONE, &self.alone),
            (written::OF_CARRIED, &self.carried),
            (written::OF_FIXED, &self.fixed),
        ] {
            text.push_str(heading);
            text.push_str(&grid.markdown());
        }
        text
    }

    /// What the tables say of a workload on a device.
    fn outcome(&self, device: &[usize], world: Place, workload: Workload) -> &Outcome {
        let by_device = self.device.at(device);
        if by_device.reason != SLIDERS {
            return by_device;
        }
        let Place { hierarchy, carrier, own, version } = world;
        match workload {
            Workload::DeviceConfiguration => self.alone.at(&[hierarchy, carrier]),
            Workload::EndpointProtection => self.carried.at(&[hierarchy, carrier, own]),
            Workload::ResourceAccessPolicies => self.fixed.at(&[version, hierarchy, carrier, own]),
            _ => self.alone.at(&[hierarchy, own]),
        }
    }
}

/// Where a hierarchy is in the tables: device configuration in one position, every other workload in another.
#[derive(Debug, Clone, Copy)]
struct Place {
    hierarchy: usize,
    carrier: usize,
    own: usize,
    version: usize,
}

impl Place {
    fn all() -> impl Iterator<Item = Self> {
        grid::combinations(&[HIERARCHY, CARRIER, OWN, VERSION]).map(|at| Self {
            hierarchy: at[0],
            carrier: at[1],
            own: at[2],
            version: at[3],
        })
    }

    fn world(self) -> World {
        let version = [Some("2309"), Some("2403"), None][self.version];
        let mut world = World::with_site_version(version);
        world.complete_collections = ["IN", "OUT"].map(collection).into();
        let at = |workload| if workload == Workload::DeviceConfiguration { self.carrier } else { self.own };
        let policy = |enabled| CoManagementPolicy {
            enabled,
            workloads: PerWorkload::from_fn(|workload| position(at(workload))),
            ..CoManagementPolicy::default()
        };
        world.policy = match HIERARCHY.values[self.hierarchy] {
            "set up" => Some(policy(Some(true))),
            "not set up" => Some(policy(Some(false))),
            "unsaid" => Some(policy(None)),
            _ => None,
        };
        world
    }
}

fn position(place: usize) -> WorkloadSetting {
    match POSITIONS[place] {
        "Configuration Manager" => setting(SliderPosition::ConfigurationManager, None),
        "pilot, outside" => setting(SliderPosition::PilotIntune, Some("OUT")),
        "pilot, unread" => setting(SliderPosition::PilotIntune, Some("UNREAD")),
        "pilot, inside" => setting(SliderPosition::PilotIntune, Some("IN")),
        _ => setting(SliderPosition::Intune, None),
    }
}

/// A device at that place of the table, in the collection `IN`.
fn device(at: &[usize]) -> DeviceFacts {
    let ternary = |dimension: usize| match DEVICE[dimension].values[at[dimension]] {
        "yes" => said(true),
        "no" => said(false),
        _ => None,
    };
    let authority_text = match DEVICE[2].values[at[2]] {
        "Intune" => said("Microsoft Intune".to_owned()),
        "other" => said("VMware AirWatch".to_owned()),
        _ => None,
    };
    let ordinary = co_managed_client();
    DeviceFacts {
        client_installed: ternary(0),
        mdm_enrolled: ternary(1),
        authority_text,
        hierarchy: ordinary.hierarchy.clone().filter(|_| DEVICE[3].values[at[3]] == "yes"),
        policy_present: ternary(4),
        mdm_provisioned: ternary(5),
        autopilot_override: ternary(6),
        collections: vec![collection("IN")],
        ..ordinary
    }
}

#[test]
fn every_combination_is_decided_as_the_tables_say() {
    let written = Written::new();
    let worlds: Vec<_> = Place::all().map(|place| (place, place.world())).collect();
    let mut combinations = 0;
    for at in grid::combinations(DEVICE) {
        let facts = device(&at);
        let by_sliders = written.device.at(&at).reason == SLIDERS;
        let unsaid = by_sliders && facts.autopilot_override.is_none();
        for (place, world) in &worlds {
            let found: EffectiveAuthority = effective_authority(&facts, &world.surroundings());
            for (workload, Decision { authority, reason }) in found.workloads.iter() {
                let expected = written.outcome(&at, *place, workload);
                assert_eq!(
                    (reason.id(), authority.id()),
                    (expected.reason, expected.authority),
                    "{workload}: {}, {place:?}",
                    written.device.describe(&at)
                );
            }
            assert_eq!(found.autopilot_override_unknown, unsaid);
            combinations += 1;
        }
    }
    // 3 · 3 · 3 · 2 · 3 · 3 · 3 devices in 4 · 5 · 5 · 3 hierarchies.
    assert_eq!(combinations, 1_458 * 300);
}

/// To publish changed tables, write what this test prints.
#[test]
fn published_table_is_the_written_one() {
    let published = include_str!("../../../../docs/effective_authority.md");
    let written = Written::new().markdown();
    assert!(published == written, "docs/effective_authority.md differs; it should read:\n{written}");
}

#[test]
fn every_reason_is_in_a_table() {
    let Written { device, alone, carried, fixed } = Written::new();
    let grids = [device, alone, carried, fixed];
    for reason in Reason::ALL {
        assert!(grids.iter().any(|grid| grid.reasons().contains(reason.id())), "{reason}");
    }
}
