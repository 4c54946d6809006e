//! When time alone changes an answer.

use jiff::{SignedDuration, Timestamp};

use super::cases::{World, as_of, at, attestation, good_policy, good_site, good_tenant, os, said, word};
use crate::facts::OsVersion;
use crate::prerequisites::{Path, evaluate_site, evaluate_tenant};
use crate::site::SiteFacts;

fn device_valid_until(path: Path, spoil: impl FnOnce(&mut World)) -> Option<Timestamp> {
    let mut world = World::good();
    world.tenant.attestations.clear();
    spoil(&mut world);
    world.device_report(path, as_of()).valid_until
}

fn no_health(world: &mut World) {
    world.device.client_health_sync = None;
}

#[test]
fn device_report_lasts_through_the_last_day_of_servicing() {
    assert_eq!(device_valid_until(Path::Path1, no_health), Some(at("2027-10-13T00:00:00Z")));
}

#[test]
fn device_report_lasts_until_health_grows_stale() {
    // Flags 7 of 2026-11-19T12:00 stay fresh for 30 days, others for 48 hours; unknown ones may be 7.
    assert_eq!(device_valid_until(Path::Path1, |_| ()), Some(at("2026-12-19T12:00:00.000000001Z")));
    assert_eq!(
        device_valid_until(Path::Path1, |w| w.device.client_health_flags = said(19)),
        Some(at("2026-11-21T12:00:00.000000001Z"))
    );
    assert_eq!(
        device_valid_until(Path::Path1, |w| w.device.client_health_flags = None),
        Some(at("2026-12-19T12:00:00.000000001Z"))
    );
}

#[test]
fn autopatch_report_lasts_28_days_from_the_last_sync() {
    assert_eq!(device_valid_until(Path::Autopatch, |_| ()), Some(at("2026-12-18T04:00:00.000000001Z")));
    assert_eq!(
        device_valid_until(Path::Autopatch, |w| w.device.last_intune_sync = said(at("2026-01-01T00:00:00Z"))),
        None
    );
}

#[test]
fn report_of_an_unserviced_windows_lasts_while_extended_updates_run() {
    let with = |version: &str, edition: &str| {
        device_valid_until(Path::Path1, |w| {
            no_health(w);
            w.device.os_version = os(version);
            w.device.os_edition = word(edition);
        })
    };
    assert_eq!(with("10.0.19045", "Pro"), Some(at("2028-10-11T00:00:00Z")));
    assert_eq!(with("10.0.19044", "Pro"), None);
}

#[test]
fn site_report_lasts_through_the_last_day_of_support_or_until_an_attestation_expires() {
    let (mut tenant, policy) = (good_tenant(), good_policy());
    let mut site = good_site();
    let until = |site: &SiteFacts, tenant: &_| {
        evaluate_site(site, Some(&policy), tenant, Path::Path1, as_of()).valid_until
    };
    assert_eq!(until(&site, &tenant), Some(at("2027-05-13T00:00:00Z")));
    let mut word = attestation(true);
    word.expires = Some(at("2027-01-01T00:00:00Z"));
    tenant.attestations.insert("cm.resource_access_policies_removed".to_owned(), word);
    assert_eq!(until(&site, &tenant), Some(at("2027-01-01T00:00:00Z")));
    tenant.attestations.clear();
    site.version = Some("2403".to_owned());
    assert_eq!(until(&site, &tenant), None);
}

#[test]
fn tenant_report_lasts_until_the_attestation_expires() {
    let mut tenant = good_tenant();
    let until = |tenant: &_| evaluate_tenant(tenant, Path::Path1, as_of()).valid_until;
    assert_eq!(until(&tenant), Some(at("2027-10-01T00:00:00Z")));
    tenant.attestations.get_mut("lic.configmgr_rights").unwrap().expires = None;
    assert_eq!(until(&tenant), None);
}

/// Versions with every kind of release row, with and without edition.
#[test]
fn servicing_answer_stays_the_same_until_valid_until_and_changes_then() {
    for version in
        ["10.0.14393", "10.0.17763", "10.0.19044", "10.0.19045", "10.0.26100", "10.0.26300", "6.1.7601"]
    {
        for edition in [None, Some("Pro"), Some("Enterprise"), Some("Enterprise LTSC"), Some("Team")] {
            let mut world = World::silent();
            world.device.os_version = said(OsVersion::parse(version).unwrap());
            world.device.os_edition = edition.and_then(word);
            let mut moment = at("2016-01-01T00:00:00Z");
            while let Some(until) = world.device_report(Path::Path1, moment).valid_until {
                let answers = |at: Timestamp| world.device_report(Path::Path1, at).findings;
                let last = until.checked_sub(SignedDuration::from_nanos(1)).unwrap();
                assert_eq!(answers(moment), answers(last), "{version} {edition:?} {moment}");
                assert_ne!(answers(last), answers(until), "{version} {edition:?} {until}");
                moment = until;
            }
            let forever = at("2099-01-01T00:00:00Z");
            assert_eq!(
                world.device_report(Path::Path1, moment).findings,
                world.device_report(Path::Path1, forever).findings,
                "{version} {edition:?}"
            );
        }
    }
}
