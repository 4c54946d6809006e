//! Maintenance windows: the hours of the week in which a device may be handed over, in its own time zone.
//!
//! A window opens at a local time on certain days and stays open for a length of time that passes, so an hour that a change of
//! clocks skips or repeats neither shortens nor prolongs it. A start that is skipped is put off by what was skipped.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rollout::zone::Zone;
use crate::rollout::{Minutes, later};

/// The longest window, which never closes if it opens every week.
pub const LONGEST_WINDOW: Minutes = Minutes(7 * 24 * 60);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it all")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    /// All seven, as weeks are counted in ISO 8601.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A window that opens every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyWindow {
    /// The days on which it opens.
    pub days: BTreeSet<Day>,
    /// The local time at which it opens.
    pub opens: Time,
    /// How long it stays open; it may end on a later day.
    pub length: Minutes,
}

impl WeeklyWindow {
    /// The moment at which it opens on a day. `None`: not on that day, or beyond the end of time.
    fn opens_on(&self, day: Date, zone: &Zone) -> Option<Timestamp> {
        let opens = self.days.contains(&Day::from(day.weekday()));
        opens.then(|| zone.rules().to_timestamp(day.to_datetime(self.opens)).ok()).flatten()
    }
}

/// When devices may be handed over. At least one window must be open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceWindows {
    /// The windows.
    pub weekly: Vec<WeeklyWindow>,
    /// The zone of devices whose own is not known.
    pub fallback: Zone,
}

impl MaintenanceWindows {
    /// Whether one of them is open somewhere. `zone`: the device's, `None` if it is not known.
    #[must_use]
    pub fn is_open(&self, zone: Option<&Zone>, now: Timestamp) -> bool {
        let zone = zone.unwrap_or(&self.fallback);
        // A window of a week that opened eight local days ago may be open still: the days need not be 24 hours long.
        self.openings(zone, now, -8..=0)
            .any(|(opens, window)| opens <= now && now < later(opens, window.length))
    }

    /// When the next one opens, after now. `None`: never.
    #[must_use]
    pub fn next_opening(&self, zone: Option<&Zone>, now: Timestamp) -> Option<Timestamp> {
        let zone = zone.unwrap_or(&self.fallback);
        // Eight days and not seven: today's window may be over, and a zone may leave a day out.
        self.openings(zone, now, 0..=8).map(|(opens, _)| opens).filter(|&opens| opens > now).min()
    }

    /// What opens on those days, counted from today.
    fn openings(
        &self,
        zone: &Zone,
        now: Timestamp,
        days: std::ops::RangeInclusive<i64>,
    ) -> impl Iterator<Item = (Timestamp, &WeeklyWindow)> {
        let today = zone.rules().to_datetime(now).date();
        let days = days.filter_map(move |days| today.checked_add(Span::new().days(days)).ok());
        days.flat_map(move |day| {
            self.weekly.iter().filter_map(move |window| Some((window.opens_on(day, zone)?, window)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn windows(days: &[Day], opens: Time, minutes: u32) -> MaintenanceWindows {
        let window = WeeklyWindow { days: days.iter().copied().collect(), opens, length: Minutes(minutes) };
        MaintenanceWindows { weekly: vec![window], fallback: zone("America/New_York") }
    }

    /// Saturdays from 22:00 for four hours.
    fn saturday_night() -> MaintenanceWindows {
        windows(&[Day::Saturday], Time::constant(22, 0, 0, 0), 240)
    }

    #[test]
    fn window_opens_by_the_devices_own_clock_and_ends_on_the_next_day() {
        // 2026-11-28 is a Saturday; Oslo is at +01:00, India at +05:30.
        for (name, before, first, last, after) in [
            ("Europe/Oslo", "20:59:59Z", "21:00Z", "2026-11-29T00:59:59Z", "2026-11-29T01:00Z"),
            ("+05:30", "16:29:59Z", "16:30Z", "2026-11-28T20:29:59Z", "2026-11-28T20:30Z"),
        ] {
            let on_saturday = |time| at(&format!("2026-11-28T{time}"));
            let moments = [on_saturday(before), on_saturday(first), at(last), at(after)];
            let open = moments.map(|now| saturday_night().is_open(Some(&zone(name)), now));
            assert_eq!(open, [false, true, true, false], "{name}");
        }
    }

    #[test]
    fn device_of_unknown_zone_goes_by_the_fallback() {
        let new_york = at("2026-11-29T03:00Z");
        assert!(saturday_night().is_open(None, new_york));
        assert!(!saturday_night().is_open(Some(&zone("Europe/Oslo")), new_york));
    }

    #[test]
    fn start_that_the_clocks_skip_is_put_off_and_the_length_stays() {
        // On 2026-03-29 Oslo goes from 02:00 to 03:00.
        let nights = windows(&Day::ALL, Time::constant(2, 30, 0, 0), 60);
        let oslo = zone("Europe/Oslo");
        assert_eq!(nights.next_opening(Some(&oslo), at("2026-03-28T12:00Z")), Some(at("2026-03-29T01:30Z")));
        assert!(nights.is_open(Some(&oslo), at("2026-03-29T02:29Z")));
        assert!(!nights.is_open(Some(&oslo), at("2026-03-29T02:30Z")));
    }

    #[test]
    fn day_that_a_zone_left_out_is_survived() {
        // Samoa had no 2011-12-30, a Friday.
        let fridays = windows(&[Day::Friday], Time::constant(1, 0, 0, 0), 60);
        let apia = zone("Pacific/Apia");
        let next = fridays.next_opening(Some(&apia), at("2011-12-24T00:00Z"));
        assert!(next.is_some());
    }

    #[test]
    fn window_without_days_never_opens() {
        let never = windows(&[], Time::constant(1, 0, 0, 0), 60);
        let now = at("2026-11-28T12:00Z");
        assert_eq!((never.is_open(None, now), never.next_opening(None, now)), (false, None));
    }

    fn any_zone() -> impl Strategy<Value = Zone> {
        const NAMES: [&str; 7] =
            ["Europe/Oslo", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "UTC", "-12:00", "+14:00"];
        proptest::sample::select(&NAMES).prop_map(zone)
    }

    proptest! {
        /// A week holds each window once, and it is open from its opening on.
        #[test]
        fn next_opening_comes_within_eight_days_and_is_open(
            days in proptest::collection::btree_set(proptest::sample::select(&Day::ALL), 1..4),
            (hour, minute) in (0..24_i8, 0..60_i8),
            length in 1..=LONGEST_WINDOW.0,
            zone in any_zone(),
            now in 1_600_000_000..2_000_000_000_i64,
        ) {
            let weekly = vec![WeeklyWindow { days, opens: Time::constant(hour, minute, 0, 0), length: Minutes(length) }];
            let windows = MaintenanceWindows { weekly, fallback: Zone::utc() };
            let now = Timestamp::from_second(now).unwrap();
            let next = windows.next_opening(Some(&zone), now).unwrap();
            prop_assert!(next > now && next <= later(now, Minutes(8 * 24 * 60)));
            prop_assert!(windows.is_open(Some(&zone), next));
            prop_assert!(windows.is_open(Some(&zone), later(next, Minutes(length - 1))));
            if !windows.is_open(Some(&zone), now) {
                let just_before = Timestamp::from_second(next.as_second() - 1).unwrap();
                prop_assert!(!windows.is_open(Some(&zone), just_before));
            }
        }
    }
}
