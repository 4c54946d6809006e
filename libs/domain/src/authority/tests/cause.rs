//! The likely cause of a drift, by hand in the order of precedence; and what holds for every drift.

use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::option;
use proptest::prelude::*;

use crate::authority::strategies::{World, co_managed_client, device_facts, said, setting, world};
use crate::authority::{
    Drift, DriftCause, DriftExplanation, DriftTimes, NotReceived, drift, effective_authority, explain_drift,
};
use crate::citation::tests::assert_exists;
use crate::facts::{DeviceFacts, Fact};
use crate::section::ClientFeatures;
use crate::workload::SliderPosition::Intune;
use crate::workload::Workload;

use DriftCause::{NotCheckedInSince, Override, PolicyNotReceived, ThirdPartyMdm, Unknown};

/// The site reports at 06:00, Intune at 09:30; now it is noon.
const SITE_REPORT: &str = "2026-11-20T06:00:00Z";
const CLOUD_REPORT: &str = "2026-11-20T09:30:00Z";
const NOON: &str = "2026-11-20T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn on_the_day(time: &str) -> Timestamp {
    at(&format!("2026-11-20T{time}:00Z"))
}

/// Client apps moved; the site's report has them at Configuration Manager, and the device was in contact until then.
fn behind() -> (DeviceFacts, World) {
    let facts = DeviceFacts {
        capability_text: said("8193".to_owned()),
        last_site_contact: said(at(SITE_REPORT)),
        last_intune_sync: said(at(CLOUD_REPORT)),
        ..co_managed_client()
    };
    (facts, World::with_site_version(Some("2509")).slider(Workload::ClientApps, setting(Intune, None)))
}

/// Nothing moved; the site's report has everything at Intune: 8192 + 128 + 64 + 32 + 16 + 8 + 2 + 1 + 4096.
fn ahead() -> (DeviceFacts, World) {
    let (facts, _) = behind();
    let facts = DeviceFacts { capability_text: said("12539".to_owned()), ..facts };
    (facts, World::with_site_version(Some("2509")))
}

fn times(changed_at: Option<&str>) -> DriftTimes {
    DriftTimes { changed_at: changed_at.map(on_the_day), first_seen: None, as_of: at(NOON) }
}

fn drifts(facts: &DeviceFacts, world: &World) -> Vec<Drift> {
    let effective = effective_authority(facts, &world.surroundings());
    drift(facts, &world.surroundings(), &effective)
}

/// The first drift's explanation.
fn explained(facts: &DeviceFacts, world: &World, times: &DriftTimes) -> DriftExplanation {
    explain_drift(facts, &world.surroundings(), &drifts(facts, world)[0], times)
}

fn cause(facts: &DeviceFacts, world: &World, changed_at: Option<&str>) -> DriftCause {
    explained(facts, world, &times(changed_at)).cause
}

#[test]
fn report_from_before_the_change_explains_itself_whatever_else_is_the_matter() {
    let (facts, world) = behind();
    let old = |changed: &str, word: &str| NotCheckedInSince {
        changed_at: on_the_day(changed),
        last_word: on_the_day(word),
    };
    assert_eq!(cause(&facts, &world, Some("08:00")), old("08:00", "06:00"));
    assert_eq!(cause(&facts, &world, Some("06:00")), old("06:00", "06:00"));
    // Read at six, but the client was last heard of at five.
    let silent = DeviceFacts { last_site_contact: said(on_the_day("05:00")), ..facts.clone() };
    assert_eq!(cause(&silent, &world, Some("05:30")), old("05:30", "05:00"));
    // Contact after the report does not make the report newer.
    let talking = DeviceFacts { last_site_contact: said(on_the_day("11:00")), ..facts.clone() };
    assert_eq!(cause(&talking, &world, Some("08:00")), old("08:00", "06:00"));
    let everything = DeviceFacts {
        authority_text: said("Some other MDM".to_owned()),
        client_health_flags: said(19),
        client_active: said(false),
        ..facts
    };
    assert_eq!(cause(&everything, &world, Some("08:00")), old("08:00", "06:00"));
}

#[test]
fn unexplained_authority_goes_before_override_and_policy() {
    let (facts, world) = ahead();
    let unlisted = DeviceFacts { authority_text: said("Some other MDM".to_owned()), ..facts.clone() };
    assert_eq!(cause(&unlisted, &world, Some("05:00")), ThirdPartyMdm { known: false });
    assert_eq!(cause(&unlisted, &world, None), ThirdPartyMdm { known: false });
    let at_intune = DeviceFacts { intune_mdm_record: said(true), ..unlisted };
    assert_eq!(cause(&at_intune, &world, None), Override { known: false });
    // A device without the client is in no coexistence, and its site may still count it as co-managed.
    let other = DeviceFacts {
        authority_text: said("VMware AirWatch".to_owned()),
        client_installed: said(false),
        ..facts
    };
    let drift = &drifts(&ahead().0, &world)[0];
    let found = explain_drift(&other, &world.surroundings(), drift, &times(None)).cause;
    assert_eq!(found, ThirdPartyMdm { known: true });
}

#[test]
fn override_is_likely_where_it_is_on_or_where_everything_is_at_intune_and_nobody_said() {
    let (facts, world) = ahead();
    assert_eq!(cause(&facts, &world, Some("05:00")), Override { known: false });
    let denied = DeviceFacts { autopilot_override: said(false), ..facts.clone() };
    assert_eq!(cause(&denied, &world, None), Unknown);
    // 8192 + 64 + 16 + 8 + 1: compliance is at the site.
    let most = DeviceFacts { capability_text: said("8281".to_owned()), ..facts };
    assert_eq!(cause(&most, &world, None), Unknown);
    let (facts, world) = behind();
    assert_eq!(cause(&facts, &world, None), Unknown);
    let on = DeviceFacts { autopilot_override: said(true), ..facts };
    assert_eq!(cause(&on, &world, Some("05:00")), Override { known: true });
}

#[test]
fn override_is_read_from_the_four_flags_that_every_report_carries() {
    let features = |compliance| ClientFeatures {
        inventory: Some(true),
        compliance_policy: compliance,
        device_configuration: Some(true),
        modern_apps: Some(true),
        resource_access: Some(false),
        windows_update_for_business: Some(true),
        endpoint_protection: None,
        office_apps: None,
    };
    let of = |compliance| {
        let client_features = Some(Fact::new(features(compliance), 1));
        let facts = DeviceFacts { client_features, ..co_managed_client() };
        cause(&facts, &World::with_site_version(Some("2509")), None)
    };
    assert_eq!(of(Some(true)), Override { known: false });
    assert_eq!((of(Some(false)), of(None)), (Unknown, Unknown));
}

#[test]
fn signs_of_a_policy_that_was_not_received_have_an_order() {
    type Change = fn(&mut DeviceFacts);
    let received = |sign| PolicyNotReceived(sign);
    let bit: Change = |f| f.capability_text = said("8192".to_owned());
    let health: Change = |f| f.client_health_flags = said(19);
    let inactive: Change = |f| f.client_active = said(false);
    let table: [(&[Change], Option<&str>, DriftCause); 8] = [
        (&[bit, health, inactive], Some("05:30"), received(NotReceived::PolicyBitClear)),
        (&[health, inactive], Some("05:30"), received(NotReceived::CannotReachManagementPoint)),
        (&[inactive], Some("05:30"), received(NotReceived::ClientInactive)),
        (&[], Some("05:30"), received(NotReceived::Overdue { since: on_the_day("06:30") })),
        // What a sign says holds without a known change too.
        (&[bit], None, received(NotReceived::PolicyBitClear)),
        (&[health], None, received(NotReceived::CannotReachManagementPoint)),
        (&[inactive], None, received(NotReceived::ClientInactive)),
        (&[|f| f.client_health_flags = said(7)], None, Unknown),
    ];
    for (changes, changed_at, expected) in table {
        let (mut facts, world) = behind();
        changes.iter().for_each(|change| change(&mut facts));
        assert_eq!(cause(&facts, &world, changed_at), expected, "{changed_at:?}");
    }
}

#[test]
fn change_is_in_time_until_the_usual_delays_are_over() {
    let (facts, world) = behind();
    let of = |facts: &DeviceFacts, changed: &str, now: &str| {
        let times =
            DriftTimes { changed_at: Some(on_the_day(changed)), first_seen: None, as_of: on_the_day(now) };
        explained(facts, &world, &times).cause
    };
    let until = on_the_day("06:30");
    assert_eq!(of(&facts, "05:30", "06:29"), PolicyNotReceived(NotReceived::InTime { until }));
    assert_eq!(of(&facts, "05:30", "06:30"), PolicyNotReceived(NotReceived::Overdue { since: until }));
    // By Intune's report the check-in of about 8 hours comes on top.
    let features = ClientFeatures { modern_apps: Some(false), ..ClientFeatures::default() };
    let cloud = DeviceFacts {
        capability_text: None,
        client_features: Some(Fact::new(features, 1)),
        last_site_contact: said(on_the_day("09:00")),
        ..facts
    };
    let until = on_the_day("17:30");
    assert_eq!(of(&cloud, "08:30", "17:29"), PolicyNotReceived(NotReceived::InTime { until }));
    assert_eq!(of(&cloud, "08:30", "17:30"), PolicyNotReceived(NotReceived::Overdue { since: until }));
    // Intune heard of the device since the change, its site did not.
    let last_contact = on_the_day("09:00");
    let not_heard = PolicyNotReceived(NotReceived::SiteNotHeardSince { last_contact });
    assert_eq!(of(&cloud, "09:00", "12:00"), not_heard);
}

#[test]
fn policy_is_lost_after_sixty_days_without_the_site() {
    let (facts, world) = behind();
    let features = ClientFeatures { modern_apps: Some(false), ..ClientFeatures::default() };
    let of = |last_contact: &str| {
        let facts = DeviceFacts {
            capability_text: None,
            client_features: Some(Fact::new(features, 1)),
            last_site_contact: said(at(last_contact)),
            ..facts.clone()
        };
        cause(&facts, &world, None)
    };
    // Sixty days before noon of 20 November.
    assert_eq!(of("2026-09-21T12:00:00Z"), Unknown);
    let last_contact = at("2026-09-21T11:59:59Z");
    assert_eq!(of("2026-09-21T11:59:59Z"), PolicyNotReceived(NotReceived::LostInSilence { last_contact }));
}

#[test]
fn drift_is_known_since_it_was_first_seen_or_since_report_and_change() {
    let (facts, world) = behind();
    let since = |changed_at: Option<Timestamp>, first_seen: Option<&str>| {
        let times = DriftTimes { changed_at, first_seen: first_seen.map(on_the_day), as_of: at(NOON) };
        explained(&facts, &world, &times).since
    };
    let day = |time| Some(on_the_day(time));
    assert_eq!(since(None, None), on_the_day("06:00"));
    assert_eq!(since(day("05:00"), None), on_the_day("06:00"));
    assert_eq!(since(day("08:00"), None), on_the_day("08:00"));
    assert_eq!(since(day("08:00"), Some("08:30")), on_the_day("08:30"));
    // A change that is still to come says nothing.
    assert_eq!(since(day("13:00"), None), on_the_day("06:00"));
    assert_eq!(since(None, Some("13:00")), at(NOON));
}

#[test]
fn causes_cite_the_fact_pack_and_read_as_sentences() {
    let moment = at(NOON);
    let signs = [
        NotReceived::PolicyBitClear,
        NotReceived::CannotReachManagementPoint,
        NotReceived::LostInSilence { last_contact: moment },
        NotReceived::ClientInactive,
        NotReceived::SiteNotHeardSince { last_contact: moment },
        NotReceived::InTime { until: moment },
        NotReceived::Overdue { since: moment },
    ];
    let causes = [
        NotCheckedInSince { changed_at: moment, last_word: moment },
        ThirdPartyMdm { known: true },
        ThirdPartyMdm { known: false },
        Override { known: true },
        Override { known: false },
        Unknown,
    ];
    let causes: Vec<_> = causes.into_iter().chain(signs.map(PolicyNotReceived)).collect();
    causes.iter().filter_map(|cause| cause.source()).for_each(assert_exists);
    let texts: std::collections::BTreeSet<_> = causes.iter().map(|cause| cause.explanation()).collect();
    assert_eq!(texts.len(), causes.len());
    assert_eq!(
        causes.iter().filter(|cause| cause.source().is_none()).map(|cause| cause.id()).collect::<Vec<_>>(),
        ["unknown"]
    );
}

/// Some hours before or after noon.
fn moment() -> impl Strategy<Value = Timestamp> {
    (-24_i64..24).prop_map(|hours| at(NOON) + hours.hours())
}

fn talking_device() -> impl Strategy<Value = DeviceFacts> {
    (device_facts(), option::of(moment()), option::of(moment())).prop_map(|(facts, site, cloud)| {
        DeviceFacts {
            last_site_contact: site.map(|time| Fact::new(time, 0)),
            last_intune_sync: cloud.map(|time| Fact::new(time, 1)),
            ..facts
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn newer_report_with_contact_is_never_called_old(
        facts in talking_device(), world in world(), changed_at in option::of(moment()),
    ) {
        let times = DriftTimes { changed_at, first_seen: None, as_of: at(NOON) };
        for drift in drifts(&facts, &world) {
            let explained = explain_drift(&facts, &world.surroundings(), &drift, &times);
            prop_assert!(explained.since <= times.as_of);
            if let NotCheckedInSince { changed_at: since, last_word } = explained.cause {
                prop_assert_eq!(Some(since), changed_at);
                prop_assert!(last_word <= since && last_word <= drift.observed_at);
            }
        }
    }

    #[test]
    fn time_alone_makes_a_change_overdue_or_a_policy_lost_and_nothing_else(
        facts in talking_device(), world in world(), changed_at in moment(), later in 0_i64..3_000,
    ) {
        prop_assume!(changed_at <= at(NOON));
        let of = |drift: &Drift, as_of| {
            let times = DriftTimes { changed_at: Some(changed_at), first_seen: None, as_of };
            explain_drift(&facts, &world.surroundings(), drift, &times).cause
        };
        for drift in drifts(&facts, &world) {
            let (now, then) = (of(&drift, at(NOON)), of(&drift, at(NOON) + SignedDuration::from_hours(later)));
            match (now, then) {
                (
                    PolicyNotReceived(NotReceived::InTime { until }),
                    PolicyNotReceived(NotReceived::Overdue { since }),
                ) => prop_assert_eq!(until, since),
                (PolicyNotReceived(_) | Unknown, PolicyNotReceived(NotReceived::LostInSilence { .. })) => {
                    prop_assert!(later > 1_400);
                }
                (now, then) => prop_assert_eq!(now, then),
            }
        }
    }
}
