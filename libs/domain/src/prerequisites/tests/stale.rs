//! Evidence that is older than its tenant believes.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::cases::{World, as_of, at, satisfied, unknown};
use super::properties::worlds;
use crate::facts::{Fact, JoinType, OsKind, OsVersion, SectionStamp};
use crate::id::HierarchyId;
use crate::prerequisites::{DeviceCheck, Freshness, MaximumAges, Outcome, Path, Report, Verdict};
use crate::section::{SectionKind, Source, SourceKind};

fn stamp(source: Source, kind: SectionKind, observed_at: &str) -> SectionStamp {
    SectionStamp { source, kind, key: "1".into(), observed_at: at(observed_at) }
}

/// A good device of which Configuration Manager said everything on 2026-11-20 at 4, but for the Windows version and the join type, which
/// Intune said on 2026-11-01.
fn world() -> World {
    let mut world = World::good();
    let site = Source::ConfigMgr(HierarchyId::parse("PS1").unwrap());
    world.device.sections = vec![
        stamp(site, SectionKind::Discovery, "2026-11-20T04:00:00Z"),
        stamp(Source::Intune, SectionKind::ManagedDeviceV1, "2026-11-01T00:00:00Z"),
    ];
    world.device.os_version = Some(Fact::new(OsVersion::parse("10.0.26100.2033").unwrap(), 1));
    world.device.join_type = Some(Fact::new(JoinType::HybridJoined, 1));
    world
}

fn ages<const N: usize>(days: [(SourceKind, i64); N]) -> MaximumAges {
    MaximumAges(days.map(|(kind, days)| (kind, SignedDuration::from_hours(24 * days))).into())
}

fn judged(world: &World, ages: &MaximumAges, as_of: Timestamp) -> Report {
    let surroundings = world.surroundings();
    let report = DeviceCheck::new(&world.device, &surroundings, as_of).report(Path::Path1);
    Freshness::of(&world.device, ages, as_of).weighed(report, &surroundings, as_of)
}

#[test]
fn nothing_grows_stale_unless_a_tenant_says_so() {
    let world = world();
    let report = judged(&world, &MaximumAges::default(), as_of());
    assert_eq!(report.verdict(), Verdict::Ready);
    // A device that reports to Intune is Intune's word alone: the site's may be as old as it is.
    assert_eq!(judged(&world, &ages([(SourceKind::Entra, 1)]), as_of()), report);
}

#[test]
fn what_a_source_said_too_long_ago_decides_nothing() {
    let report = judged(&world(), &ages([(SourceKind::Intune, 14)]), as_of());
    assert_eq!(report.outcome("win.serviced_version"), Some(&unknown(&["device.os_build"])));
    assert_eq!(report.outcome("entra.joined"), Some(&unknown(&["device.join_type"])));
    // The site's word is hours old.
    assert_eq!(report.outcome("cm.client_installed"), Some(&satisfied()));
    assert_eq!(report.verdict(), Verdict::Unknown);
}

#[test]
fn what_fresh_evidence_decides_alone_stays_decided() {
    let mut world = world();
    world.device.client_installed = Some(Fact::new(false, 0));
    let report = judged(&world, &ages([(SourceKind::Intune, 14)]), as_of());
    assert!(matches!(report.outcome("cm.client_installed"), Some(Outcome::Unsatisfied { .. })), "{report:?}");
    assert_eq!(report.verdict(), Verdict::Blocked);
}

#[test]
fn word_is_believed_up_to_its_last_moment_and_then_no_more() {
    let (world, ages) = (world(), ages([(SourceKind::Intune, 14)]));
    let last = at("2026-11-15T00:00:00Z");
    let believed = judged(&world, &ages, last);
    assert_eq!(believed.verdict(), Verdict::Ready);
    assert_eq!(believed.valid_until, Some(last + SignedDuration::from_nanos(1)));
    let after = judged(&world, &ages, last + SignedDuration::from_nanos(1));
    assert_eq!(after.verdict(), Verdict::Unknown);
    // It may speak again, which nothing else tells.
    assert_eq!(after.valid_until, Some(at("2026-11-15T01:00:00.000000001Z")));
}

#[test]
fn failure_that_fresh_evidence_shows_too_stays_one_in_its_words() {
    let mut world = world();
    world.device.os_kind = Some(Fact::new(OsKind::Server, 1));
    world.device.os_version = Some(Fact::new(OsVersion::parse("6.1.7601").unwrap(), 0));
    let rule = "cm.policy_applies_to_os";
    let before = judged(&world, &MaximumAges::default(), as_of());
    let after = judged(&world, &ages([(SourceKind::Intune, 14)]), as_of());
    for report in [&before, &after] {
        assert!(matches!(report.outcome(rule), Some(Outcome::Unsatisfied { .. })), "{report:?}");
    }
    assert_ne!(before.outcome(rule), after.outcome(rule));
}

#[test]
fn stale_blocker_is_unknown_too() {
    let mut world = world();
    world.device.os_version = Some(Fact::new(OsVersion::parse("10.0.15063.0").unwrap(), 1));
    let found = judged(&world, &MaximumAges::default(), as_of());
    assert!(matches!(found.outcome("win.minimum_1709"), Some(Outcome::Unsatisfied { .. })), "{found:?}");
    let report = judged(&world, &ages([(SourceKind::Intune, 14)]), as_of());
    assert_eq!(report.outcome("win.minimum_1709"), Some(&unknown(&["device.os_build"])));
}

proptest! {
    /// Whatever is stale: a rule is as it was, or unknown for want of something; and never passed without it.
    #[test]
    fn stale_evidence_makes_rules_unknown_and_nothing_else(
        mut world in worlds(),
        old in prop::array::uniform3(any::<bool>()),
        of in prop::collection::vec(0_u8..3, 8),
    ) {
        let observed = |old: bool| if old { "2026-10-01T00:00:00Z" } else { "2026-11-20T00:00:00Z" };
        let site = Source::ConfigMgr(HierarchyId::parse("PS1").unwrap());
        world.device.sections = vec![
            stamp(site, SectionKind::Discovery, observed(old[0])),
            stamp(Source::Intune, SectionKind::ManagedDeviceV1, observed(old[1])),
            stamp(Source::Probe, SectionKind::Discovery, observed(old[2])),
        ];
        let sections = &mut of.into_iter();
        let mut move_to = |section: &mut u8| *section = sections.next().unwrap_or(0);
        let device = &mut world.device;
        if let Some(fact) = &mut device.client_installed { move_to(&mut fact.section) }
        if let Some(fact) = &mut device.os_version { move_to(&mut fact.section) }
        if let Some(fact) = &mut device.join_type { move_to(&mut fact.section) }
        if let Some(fact) = &mut device.mdm_enrolled { move_to(&mut fact.section) }
        if let Some(fact) = &mut device.ad_joined { move_to(&mut fact.section) }
        let surroundings = world.surroundings();
        let month = [SourceKind::ConfigMgr, SourceKind::Intune, SourceKind::Probe].map(|kind| (kind, 30));
        for path in Path::ALL {
            let before = DeviceCheck::new(&world.device, &surroundings, as_of()).report(path);
            let freshness = Freshness::of(&world.device, &ages(month), as_of());
            let after = freshness.weighed(before.clone(), &surroundings, as_of());
            for (before, after) in before.findings.iter().zip(&after.findings) {
                let is_unknown = matches!(&after.outcome, Outcome::Unknown { missing } if !missing.is_empty());
                let same = std::mem::discriminant(&before.outcome) == std::mem::discriminant(&after.outcome);
                prop_assert!(same || is_unknown, "{before:?} became {after:?}");
            }
            if !old.contains(&true) {
                prop_assert_eq!(&before.findings, &after.findings);
            }
        }
    }
}
