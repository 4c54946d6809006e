//! The crate graph is the architecture diagram: who may depend on whom, over `cargo metadata`.
//!
//! Every member of the workspace is placed in [`LAYERS`]; a new crate fails here until somebody has thought about its place.
//! Development dependencies do not ship and have looser rules of their own.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What a crate may use of this workspace, in what ships.
enum May {
    Use(&'static [&'static str]),
    /// The front door and the tests see everything but, for the front door, the test kit.
    UseEverythingButTestkit,
    UseEverything,
}

/// What services stand on.
const UNDER_SERVICES: &[&str] = &[
    "tandem-cache",
    "tandem-client",
    "tandem-contracts",
    "tandem-domain",
    "tandem-fleet",
    "tandem-server",
    "tandem-storage",
    "tandem-telemetry",
];

/// The four services. They talk only by gRPC, so none of them may be built on another.
const SERVICES: [&str; 4] =
    ["tandem-authority", "tandem-inventory", "tandem-monitoring", "tandem-prerequisites"];

const FRONT_DOOR: &str = "tandem";
const TESTS: &str = "tandem-tests";
const TESTKIT: &str = "tandem-testkit";

/// Member, folder, allowed edges.
const LAYERS: [(&str, &str, May); 17] = [
    ("tandem-domain", "libs/domain", May::Use(&[])),
    ("tandem-contracts", "libs/contracts", May::Use(&["tandem-domain"])),
    ("tandem-storage", "libs/storage", May::Use(&[])),
    ("tandem-cache", "libs/cache", May::Use(&["tandem-domain"])),
    // A server's process writes logs, and has an operations listener beside its API.
    (
        "tandem-server",
        "libs/server",
        May::Use(&["tandem-contracts", "tandem-domain", "tandem-storage", "tandem-telemetry"]),
    ),
    ("tandem-telemetry", "libs/telemetry", May::Use(&[])),
    // The reader of devices is shared by services: it asks the device-state cache before it asks the inventory. Calls are part of a trace.
    (
        "tandem-client",
        "libs/client",
        May::Use(&["tandem-cache", "tandem-contracts", "tandem-domain", "tandem-telemetry"]),
    ),
    // What services that count devices share: it reads as a client, and answers with the failures of a server.
    (
        "tandem-fleet",
        "libs/fleet",
        May::Use(&[
            "tandem-client",
            "tandem-contracts",
            "tandem-domain",
            "tandem-server",
            "tandem-storage",
            "tandem-telemetry",
        ]),
    ),
    ("tandem-connectors", "libs/connectors", May::Use(&["tandem-contracts", "tandem-domain"])),
    ("tandem-simulator", "libs/simulator", May::Use(&["tandem-contracts", "tandem-domain"])),
    (
        TESTKIT,
        "libs/testkit",
        May::Use(&[
            "tandem-cache",
            "tandem-client",
            "tandem-contracts",
            "tandem-domain",
            "tandem-server",
            "tandem-storage",
        ]),
    ),
    (SERVICES[0], "services/authority", May::Use(UNDER_SERVICES)),
    (SERVICES[1], "services/inventory", May::Use(UNDER_SERVICES)),
    (SERVICES[2], "services/monitoring", May::Use(UNDER_SERVICES)),
    (SERVICES[3], "services/prerequisites", May::Use(UNDER_SERVICES)),
    (FRONT_DOOR, "services/tandem", May::UseEverythingButTestkit),
    (TESTS, "tests", May::UseEverything),
];

/// What the rules of the field must not reach, however far away: runtimes, transports, databases.
const NOT_IN_DOMAIN: [&str; 5] = ["prost", "redis", "sea-orm", "tokio", "tonic"];

/// Only the packages of this machine's platform: others need not be downloaded.
fn metadata() -> Metadata {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .other_options(vec!["--filter-platform".to_owned(), host.to_owned()])
        .exec()
        .unwrap()
}

fn may(package: &str) -> Option<&'static May> {
    LAYERS.iter().find(|(name, _, _)| *name == package).map(|(_, _, may)| may)
}

fn is_ours(name: &str) -> bool {
    may(name).is_some()
}

/// The edges of a member to other members, as written in its manifest.
fn edges(package: &Package, development: bool) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(move |d| (d.kind == DependencyKind::Development) == development)
        .map(|d| d.name.as_str())
        .filter(|name| is_ours(name))
}

#[test]
fn every_member_is_placed_and_lies_where_it_says() {
    let metadata = metadata();
    let root = &metadata.workspace_root;
    let found: BTreeSet<(String, String)> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let folder = package.manifest_path.parent().unwrap().strip_prefix(root).unwrap();
            (package.name.to_string(), folder.as_str().replace('\\', "/"))
        })
        .collect();
    let expected: BTreeSet<(String, String)> =
        LAYERS.iter().map(|(name, folder, _)| ((*name).to_owned(), (*folder).to_owned())).collect();
    assert_eq!(found, expected, "a crate that is new, gone or moved: place it in LAYERS");
}

#[test]
fn shipped_edges_are_allowed_ones() {
    let mut forbidden = Vec::new();
    for package in metadata().workspace_packages() {
        let Some(may) = may(&package.name) else { continue };
        for name in edges(package, false) {
            let allowed = match may {
                May::Use(names) => names.contains(&name),
                May::UseEverythingButTestkit => name != TESTKIT && name != TESTS,
                May::UseEverything => true,
            };
            if !allowed {
                forbidden.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert_eq!(forbidden, [""; 0], "edges that the architecture does not allow");
}

#[test]
fn development_edges_stay_below_the_services() {
    let mut forbidden = Vec::new();
    for package in metadata().workspace_packages() {
        let sees_everything = matches!(package.name.as_str(), FRONT_DOOR | TESTS);
        // Domain's tests need no other crate of ours, and so show that the rules stand alone.
        let stands_alone = package.name == "tandem-domain";
        for name in edges(package, true) {
            let above = SERVICES.contains(&name) || matches!(name, FRONT_DOOR | TESTS);
            if stands_alone || (above && !sees_everything) {
                forbidden.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert_eq!(forbidden, [""; 0], "development edges that the architecture does not allow");
}

#[test]
fn domain_reaches_no_runtime_transport_or_database() {
    let metadata = metadata();
    let reached = reached_from(&metadata, "tandem-domain");
    let forbidden: Vec<&str> = NOT_IN_DOMAIN.into_iter().filter(|name| reached.contains(*name)).collect();
    assert_eq!(forbidden, [""; 0], "crates that the domain must not reach");
    assert!(reached.contains("jiff"), "the walk found its direct dependencies");
}

#[test]
fn layers_have_no_cycle_and_name_members_only() {
    let uses: BTreeMap<&str, &[&str]> = LAYERS
        .iter()
        .filter_map(|(name, _, may)| match may {
            May::Use(names) => Some((*name, *names)),
            _ => None,
        })
        .collect();
    // Whatever only uses settled crates is settled; what never settles is in a cycle or uses a stranger.
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    while let Some(next) =
        uses.iter().find(|(name, used)| !settled.contains(*name) && used.iter().all(|u| settled.contains(u)))
    {
        settled.insert(next.0);
    }
    assert_eq!(settled, uses.keys().copied().collect());
}

#[test]
fn opentelemetry_is_known_to_telemetry_alone() {
    let mut knowing = BTreeSet::new();
    for package in metadata().workspace_packages() {
        let names = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        if names
            .into_iter()
            .any(|name| name.starts_with("opentelemetry") || name.starts_with("tracing-opentelemetry"))
        {
            knowing.insert(package.name.to_string());
        }
    }
    // The tests receive what it sends.
    assert_eq!(knowing, BTreeSet::from(["tandem-telemetry".to_owned(), TESTS.to_owned()]));
}

/// Names of every package behind a member, over normal and build edges.
fn reached_from(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let nodes: BTreeMap<&PackageId, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let start = metadata.workspace_packages().into_iter().find(|p| p.name == member).unwrap();
    let mut reached = BTreeSet::new();
    let mut ahead = vec![&start.id];
    while let Some(id) = ahead.pop() {
        for edge in &nodes[id].deps {
            let ships = edge.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if ships && reached.insert(names[&edge.pkg].to_owned()) {
                ahead.push(&edge.pkg);
            }
        }
    }
    reached
}
