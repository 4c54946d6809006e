//! Device rules about Windows: servicing, minimum builds, edition, and the site's support.

use super::cases::{World, as_of, at, device_after, os, said, satisfied, unknown, unsatisfied, word};
use crate::facts::OsKind;
use crate::prerequisites::{DeviceCheck, DeviceRule, Judged, Outcome, Path, Verdict};
use crate::site::SiteFacts;

fn with_windows(rule: &str, version: &str, edition: Option<&str>, day: &str) -> Outcome {
    let mut world = World::good();
    world.device.os_version = os(version);
    world.device.os_edition = edition.and_then(word);
    world.device_outcome_at(rule, at(day))
}

#[test]
fn windows_is_serviced_through_its_last_day() {
    // 24H2 Enterprise: 2027-10-12; 24H2 Pro: 2026-10-13.
    let rule = "win.serviced_version";
    let expected = "a Windows version in servicing";
    let with = |edition, day| with_windows(rule, "10.0.26100.2033", Some(edition), day);
    assert_eq!(with("Enterprise", "2027-10-12T23:59:59Z"), satisfied());
    assert_eq!(
        with("Enterprise", "2027-10-13T00:00:00Z"),
        unsatisfied(expected, "Windows 11 24H2, servicing ended on 2027-10-12")
    );
    assert_eq!(
        with("Pro", "2026-11-20T12:00:00Z"),
        unsatisfied(expected, "Windows 11 24H2, servicing ended on 2026-10-13")
    );
}

#[test]
fn extended_security_updates_are_named_while_they_run_and_do_not_satisfy() {
    let with = |day| with_windows("win.serviced_version", "10.0.19045.5000", Some("Enterprise"), day);
    let expected = "a Windows version in servicing";
    assert_eq!(
        with("2028-10-10T23:00:00Z"),
        unsatisfied(
            expected,
            "Windows 10 22H2, servicing ended on 2025-10-14, Extended Security Updates until 2028-10-10"
        )
    );
    assert_eq!(
        with("2028-10-11T00:00:00Z"),
        unsatisfied(expected, "Windows 10 22H2, servicing ended on 2025-10-14")
    );
}

#[test]
fn servicing_without_edition_is_decided_only_when_all_editions_agree() {
    let with = |version, edition, day| with_windows("win.serviced_version", version, edition, day);
    let now = "2026-11-20T12:00:00Z";
    // 25H2 ends 2027-10-12 and 2028-10-10; 24H2 lasts for Enterprise; 23H2 ended 2025-11-11 and 2026-11-10.
    assert_eq!(with("10.0.26200", None, now), satisfied());
    assert_eq!(with("10.0.26100", None, now), unknown(&["device.os_edition"]));
    assert_eq!(with("10.0.26100", Some("Team"), now), unknown(&["device.os_edition"]));
    assert_eq!(
        with("10.0.22631", None, now),
        unsatisfied("a Windows version in servicing", "Windows 11 23H2, servicing ended on 2026-11-10")
    );
}

#[test]
fn servicing_that_no_table_tells_is_unknown() {
    let with =
        |version, edition| with_windows("win.serviced_version", version, edition, "2026-11-20T12:00:00Z");
    assert_eq!(with("10.0", Some("Enterprise")), unknown(&["device.os_build"]));
    assert_eq!(with("10.0.27999", Some("Enterprise")), unknown(&["device.os_build"]));
    // Windows 11 26H2 Enterprise: the end is printed nowhere.
    assert_eq!(with("10.0.26300", Some("Enterprise")), unknown(&["device.os_build"]));
    // There is no Enterprise LTSC of 25H2.
    assert_eq!(
        with("10.0.26200", Some("Enterprise LTSC")),
        unknown(&["device.os_build", "device.os_edition"])
    );
}

#[test]
fn windows_before_10_is_out_of_service() {
    assert_eq!(
        with_windows("win.serviced_version", "6.1.7601", None, "2026-11-20T12:00:00Z"),
        unsatisfied("a Windows version in servicing", "6.1.7601")
    );
}

#[test]
fn minimum_builds_are_16299_and_17134() {
    for (rule, enough, below, expected) in [
        ("win.minimum_1709", "10.0.16299.15", "10.0.16298", "Windows 10 1709 or later"),
        ("win.device_token_1803", "10.0.17134.1", "10.0.17133", "Windows 10 1803 or later"),
    ] {
        let with = |version: &str| device_after(rule, |w| w.device.os_version = os(version));
        assert_eq!(with(enough), satisfied());
        assert_eq!(with("10.0.26100"), satisfied());
        assert_eq!(with(below), Outcome::unsatisfied(expected, below.to_owned()));
        assert_eq!(with("6.3"), unsatisfied(expected, "6.3"));
        assert_eq!(with("10.0"), unknown(&["device.os_build"]));
    }
}

#[test]
fn site_supports_windows_as_the_matrix_says() {
    let with = |site: &str, windows: &str| {
        device_after("win.site_supports_windows_version", |w| {
            w.site = w.site.take().map(|s| SiteFacts { version: Some(site.to_owned()), ..s });
            w.device.os_version = os(windows);
        })
    };
    let expected = "a Windows version that the site's version supports";
    assert_eq!(with("2603", "10.0.26300.1"), satisfied());
    assert_eq!(with("2509", "10.0.26300.1"), unsatisfied(expected, "Windows 11 26H2 on site version 2509"));
    assert_eq!(with("2403", "10.0.26100"), unsatisfied(expected, "Windows 11 24H2 on site version 2403"));
    // The matrix does not know 26H1, nor 24H2 on 2503.
    assert_eq!(with("2603", "10.0.28000"), unknown(&["site.version", "device.os_build"]));
    assert_eq!(with("2503", "10.0.26100"), unknown(&["site.version", "device.os_build"]));
}

#[test]
fn home_is_no_edition_for_co_management() {
    let with = |edition: &str| device_after("win.edition", |w| w.device.os_edition = word(edition));
    for edition in [
        "Enterprise",
        "Enterprise multi-session",
        "Education",
        "Pro",
        "Pro Education",
        "Pro for Workstations",
        "IoT Enterprise",
        "Enterprise LTSC",
    ] {
        assert_eq!(with(edition), satisfied(), "{edition}");
    }
    assert_eq!(with("Home"), unsatisfied("an edition that can be managed", "Home"));
    assert_eq!(with("Team"), unknown(&["device.os_edition"]));
}

#[test]
fn autopilot_takes_any_windows_11_and_a_serviced_windows_10() {
    let with = |version, edition| {
        with_windows("autopilot.windows_version", version, edition, "2026-11-20T12:00:00Z")
    };
    let expected = "Windows 11, or Windows 10 in servicing";
    // Windows 11 21H2 is out of service; the rule asks that of Windows 10 only.
    assert_eq!(with("10.0.22000", Some("Pro")), satisfied());
    assert_eq!(with("10.0.19044", Some("Enterprise LTSC")), satisfied());
    assert_eq!(
        with("10.0.19045", None),
        unsatisfied(
            expected,
            "Windows 10 22H2, servicing ended on 2025-10-14, Extended Security Updates until 2028-10-10"
        )
    );
    assert_eq!(with("6.1.7601", None), unsatisfied(expected, "6.1.7601"));
    assert_eq!(with("10.0.19044", None), unknown(&["device.os_edition"]));
}

#[test]
fn tables_of_windows_10_and_11_say_nothing_of_servers_and_other_systems() {
    const BUILD: &[&str] = &["device.os_build"];
    let judged = |kind, version| {
        let mut world = World::good();
        world.device.os_kind = said(kind);
        world.device.os_version = version;
        for path in [Path::Path1, Path::Path2, Path::Autopilot] {
            // None of them is a candidate: cm.policy_applies_to_os.
            assert_eq!(world.device_report(path, as_of()).verdict(), Verdict::Blocked, "{path}");
        }
        [
            "win.serviced_version",
            "win.site_supports_windows_version",
            "autopilot.windows_version",
            "win.minimum_1709",
            "win.device_token_1803",
            "win.edition",
        ]
        .map(|rule| world.device_outcome(rule))
    };
    let none = || unknown(BUILD);
    let server = [none(), none(), none(), satisfied(), satisfied(), satisfied()];
    let other = [none(), none(), none(), none(), none(), unknown(&["device.os_edition"])];
    // Windows Server 2022; Windows Server 2025, which has the build of Windows 11 24H2; an iPhone; nothing said.
    assert_eq!(judged(OsKind::Server, os("10.0.20348.4405")), server);
    assert_eq!(judged(OsKind::Server, os("10.0.26100.2033")), server);
    assert_eq!(judged(OsKind::Other, os("18.7.1")), other);
    assert_eq!(judged(OsKind::Other, None), other);
}

#[test]
fn one_check_answers_alike_for_every_rule_and_order() {
    let world = World::good();
    let surroundings = world.surroundings();
    let check = DeviceCheck::new(&world.device, &surroundings, as_of());
    for rule in DeviceRule::ALL.iter().rev().chain(DeviceRule::ALL) {
        assert_eq!(check.outcome(*rule), world.device_outcome(rule.id()), "{}", rule.id());
    }
}
