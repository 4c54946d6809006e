//! What time alone changes.

use jiff::civil::date;
use proptest::prelude::*;

use super::cases::{World, as_of, at, os, said, word};
use super::properties::worlds;
use crate::facts::OsKind;
use crate::prerequisites::{
    Outcome, Path, Report, SupportEnd, evaluate_device, forecast, site_support_end, windows_support_end,
};

fn days(count: i64, step: i64) -> Vec<jiff::Timestamp> {
    (0..count).map(|day| as_of() + jiff::SignedDuration::from_hours(24 * step * day)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn forecast_is_the_answer_of_each_moment(world in worlds(), path in prop::sample::select(Path::ALL.to_vec())) {
        let moments = days(40, 17);
        let surroundings = world.surroundings();
        let mut seen: Vec<(usize, Report)> = Vec::new();
        forecast(&world.device, &surroundings, path, &moments, |at, report| seen.push((at, report.clone())));
        prop_assert_eq!(seen.len(), moments.len());
        for (index, report) in seen {
            let asked = evaluate_device(&world.device, &surroundings, path, moments[index]);
            prop_assert_eq!(report.findings, asked.findings, "{}", moments[index]);
        }
    }
}

#[test]
fn windows_that_leaves_servicing_is_foretold_to_the_day() {
    let mut world = World::good();
    world.device.os_version = os("10.0.22631.3447");
    world.device.os_edition = word("Enterprise");
    let moments = [at("2026-11-10T23:59:59Z"), at("2026-11-11T00:00:00Z")];
    let mut serviced = Vec::new();
    forecast(&world.device, &world.surroundings(), Path::Path1, &moments, |_, report| {
        serviced.push(report.outcome("win.serviced_version").map(Outcome::is_satisfied));
    });
    assert_eq!(serviced, [Some(true), Some(false)]);
}

#[test]
fn support_ends_as_the_tables_print_it() {
    let mut world = World::good();
    let device = &mut world.device;
    device.os_version = os("10.0.22631.3447");
    device.os_edition = word("Enterprise");
    let on = date(2026, 1, 1);
    let end = |group| SupportEnd {
        last_day: date(2026, 11, 10),
        version: "Windows 11 23H2".to_owned(),
        edition_group: group,
    };
    assert_eq!(windows_support_end(device, on), Some(end(Some("enterprise_education"))));
    // Afterwards it is the day that it was.
    assert_eq!(windows_support_end(device, date(2027, 1, 1)), Some(end(Some("enterprise_education"))));
    // Without the edition the first that ends counts: that of Home and Pro.
    device.os_edition = None;
    let first = SupportEnd { last_day: date(2025, 11, 11), ..end(None) };
    assert_eq!(windows_support_end(device, date(2025, 11, 11)), Some(first));
    // That has ended: the last one is left, of Enterprise.
    assert_eq!(windows_support_end(device, on), Some(end(None)));
    device.os_kind = said(OsKind::Server);
    assert_eq!(windows_support_end(device, on), None);

    let site = SupportEnd { last_day: date(2027, 5, 12), version: "2509".to_owned(), edition_group: None };
    assert_eq!(site_support_end("5.00.9141.1000", on), Some(site));
    assert_eq!(site_support_end("2609", on), None);
}
