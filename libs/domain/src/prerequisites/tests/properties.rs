//! What holds for every device: verdicts follow from findings, and the same question has the same answer.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::cases::{World, as_of, at, collection, os, said, word};
use crate::benefit::{benefits, reaches};
use crate::facts::{JoinType, OsKind, Owner, SectionStamp};
use crate::policy::AutoEnrollment;
use crate::prerequisites::{
    DeviceCheck, Finding, Freshness, Judged, MaximumAges, Outcome, Path, Report, Severity, Verdict,
};
use crate::section::{SectionKind, Source, SourceKind};
use crate::state::{eligibility, eligibility_of, is_unverified};
use crate::workload::{SliderPosition, Workload};

fn flag() -> impl Strategy<Value = Option<bool>> {
    prop::option::of(any::<bool>())
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    prop::option::of(prop::sample::select(values.to_vec()))
}

prop_compose! {
    fn surroundings()(
        policy in flag(),
        mode in prop::sample::select(vec![AutoEnrollment::None, AutoEnrollment::Pilot, AutoEnrollment::All]),
        pilot in any::<bool>(),
        version in one_of(&["2403", "2509", "2609"]),
        complete in any::<bool>(),
        attested in any::<bool>(),
    ) -> World {
        let mut world = World::good();
        world.device = crate::facts::DeviceFacts::default();
        let site = world.site.as_mut().unwrap();
        site.version = version.map(str::to_owned);
        let settings = world.policy.as_mut().unwrap();
        settings.auto_enrollment = mode.into();
        settings.auto_enrollment_collection = Some(collection("PS10003F"));
        if pilot {
            let setting = &mut settings.workloads[Workload::WindowsUpdatePolicies];
            setting.slider = SliderPosition::PilotIntune;
            setting.pilot_collection = Some(collection("PS10003F"));
        }
        if policy.is_none() {
            world.policy = None;
        }
        if complete {
            world.complete_collections = [collection("PS10003F")].into();
        }
        if !attested {
            world.tenant.attestations.clear();
        }
        world
    }
}

prop_compose! {
    pub(super) fn worlds()(
        mut world in surroundings(),
        (client, enrolled, provisioned, policy) in (flag(), flag(), flag(), flag()),
        (ad, record, registered, blocked) in (flag(), flag(), flag(), flag()),
        (trusts, settings, esp, push) in (flag(), flag(), flag(), flag()),
        join in one_of(&[JoinType::None, JoinType::EntraJoined, JoinType::EntraRegistered, JoinType::HybridJoined]),
        version in one_of(&["6.1.7601", "10.0", "10.0.16298", "10.0.19045.1", "10.0.26100.1", "10.0.27999"]),
        edition in one_of(&["Enterprise", "Pro", "Home", "Team", "Enterprise LTSC"]),
        kind in one_of(&[OsKind::Client, OsKind::Server, OsKind::Other]),
        (hardware, model) in (one_of(&["PF3X", ""]), flag()),
        owner in one_of(&[Owner::Company, Owner::Personal]),
        flags in one_of(&[0_u32, 7, 19]),
        sync in one_of(&["2026-11-20T00:00:00Z", "2026-11-01T00:00:00Z", "2025-11-01T00:00:00Z"]),
        mode in one_of(&["user_driven", "pre_provisioning"]),
        profile_join in one_of(&["entra_join", "hybrid_join"]),
        member in any::<bool>(),
    ) -> World {
        let device = &mut world.device;
        device.hierarchy = Some("PS1".parse().unwrap());
        device.client_installed = client.and_then(said);
        device.mdm_enrolled = enrolled.and_then(said);
        device.mdm_provisioned = provisioned.and_then(said);
        device.policy_present = policy.and_then(said);
        device.ad_joined = ad.and_then(said);
        device.intune_mdm_record = record.and_then(said);
        device.autopilot_registered = registered.and_then(said);
        device.mdm_blocked_by_policy = blocked.and_then(said);
        device.trusts_cmg_certificate = trusts.and_then(said);
        device.assigned_comgmt_settings_policy = settings.and_then(said);
        device.assigned_esp_profile_with_progress = esp.and_then(said);
        device.dmwappushservice_present = push.and_then(said);
        device.join_type = join.and_then(said);
        device.os_version = version.and_then(os);
        device.os_edition = edition.and_then(word);
        device.os_kind = kind.and_then(said);
        device.owner = owner.and_then(said);
        device.serial_number = hardware.and_then(word);
        device.manufacturer = hardware.and_then(word);
        device.model = model.and_then(|_| word("21CB"));
        device.client_health_flags = flags.and_then(said);
        device.client_health_sync = sync.map(at).and_then(said);
        device.last_intune_sync = sync.map(at).and_then(said);
        device.autopilot_profile_mode = mode.and_then(word);
        device.autopilot_profile_join = profile_join.and_then(word);
        device.collections = member.then(|| collection("PS10003F")).into_iter().collect();
        world
    }
}

fn blocking(report: &Report, is: fn(&Outcome) -> bool) -> bool {
    report.findings.iter().any(|f| f.rule.severity == Severity::Blocking && is(&f.outcome))
}

proptest! {
    #[test]
    fn verdict_follows_from_the_blocking_findings(world in worlds()) {
        for path in Path::ALL {
            let report = world.device_report(path, as_of());
            let all_elsewhere =
                report.findings.iter().all(|f| matches!(f.outcome, Outcome::NotApplicable { .. }));
            let expected = if all_elsewhere {
                Verdict::NotApplicable
            } else if blocking(&report, Outcome::is_unsatisfied) {
                Verdict::Blocked
            } else if blocking(&report, Outcome::is_unknown) {
                Verdict::Unknown
            } else {
                Verdict::Ready
            };
            prop_assert_eq!(report.verdict(), expected);
        }
    }

    #[test]
    fn unknown_outcome_names_facts_that_are_defined(world in worlds()) {
        for path in Path::ALL {
            for finding in world.device_report(path, as_of()).unknown() {
                let Outcome::Unknown { missing } = &finding.outcome else { unreachable!() };
                prop_assert!(!missing.is_empty(), "{}", finding.rule.id);
                for fact in missing.iter() {
                    prop_assert!(
                        crate::prerequisites::fact_definitions().iter().any(|f| f.id == *fact),
                        "{} names {}", finding.rule.id, fact
                    );
                }
            }
        }
    }

    #[test]
    fn same_question_has_the_same_answer_alone_and_with_others(world in worlds()) {
        let surroundings = world.surroundings();
        let check = DeviceCheck::new(&world.device, &surroundings, as_of());
        for path in Path::ALL {
            let report = check.report(path);
            prop_assert_eq!(&report, &world.device_report(path, as_of()));
            prop_assert!(report.valid_until.is_none_or(|until| until > as_of()));
        }
    }

    #[test]
    fn what_is_told_without_words_is_what_is_told_in_words(
        mut world in worlds(),
        hours in prop::option::of(1_i64..3),
    ) {
        // Most was said an hour and a half ago: too long ago, lately enough, or by a source whose word does not age. The rest is fresh.
        let stamp = |minutes| SectionStamp {
            source: Source::ConfigMgr("PS1".parse().unwrap()),
            kind: SectionKind::Discovery,
            key: "1".into(),
            observed_at: as_of() - SignedDuration::from_mins(minutes),
        };
        world.device.sections = vec![stamp(90), stamp(1)];
        if let Some(version) = &mut world.device.os_version {
            version.section = 1;
        }
        if let Some(join) = &mut world.device.join_type {
            join.section = 1;
        }
        let surroundings = world.surroundings();
        let check = DeviceCheck::new(&world.device, &surroundings, as_of());
        let of_configmgr = |hours| (SourceKind::ConfigMgr, SignedDuration::from_hours(hours));
        let ages = MaximumAges(hours.map(of_configmgr).into_iter().collect());
        let freshness = Freshness::of(&world.device, &ages, as_of());
        for path in Path::ALL {
            for (report, kinds) in [
                (check.report(path), check.kinds(path)),
                (
                    freshness.weighed(check.report(path), &surroundings, as_of()),
                    freshness.weighed(check.kinds(path), &surroundings, as_of()),
                ),
            ] {
                let told = |finding: &Finding| Finding {
                    rule: finding.rule,
                    severity: finding.severity,
                    outcome: finding.outcome.kind(),
                };
                let findings = report.findings.iter().map(told).collect();
                prop_assert_eq!(&kinds, &Report { path, findings, valid_until: report.valid_until });
                prop_assert_eq!(kinds.verdict(), report.verdict());
                if path == Path::Path1 {
                    let whole = eligibility(&world.device, &surroundings, &report);
                    let alone = eligibility_of(&world.device, &surroundings, &kinds);
                    prop_assert_eq!(alone, whole.eligibility);
                    prop_assert_eq!(is_unverified(alone, &kinds), !whole.unverified.is_empty());
                }
            }
        }
        let told = benefits(&world.device, &surroundings, as_of()).map(|of| (of.benefit, of.reach()));
        prop_assert_eq!(reaches(&world.device, &surroundings, as_of()), told);
    }

    #[test]
    fn report_stays_the_same_until_valid_until_and_changes_then(world in worlds()) {
        for path in Path::ALL {
            let report = world.device_report(path, as_of());
            let Some(until) = report.valid_until else { continue };
            let last = until.checked_sub(SignedDuration::from_nanos(1)).unwrap();
            prop_assert_eq!(&report, &world.device_report(path, last));
            prop_assert_ne!(&report.findings, &world.device_report(path, until).findings);
        }
    }

    /// Not knowing is no way to pass.
    #[test]
    fn forgetting_facts_never_passes_a_rule_that_failed(world in worlds()) {
        let mut less = world.clone();
        less.device.os_version = None;
        less.device.os_edition = None;
        less.device.join_type = None;
        less.device.client_health_flags = None;
        less.device.autopilot_profile_mode = None;
        for path in [Path::Path1, Path::Path2, Path::Autopilot] {
            let (full, less) = (world.device_report(path, as_of()), less.device_report(path, as_of()));
            for (full, less) in full.findings.iter().zip(&less.findings) {
                prop_assert!(
                    !(full.outcome.is_unsatisfied() && less.outcome.is_satisfied()),
                    "{}", full.rule.id
                );
            }
        }
    }
}
