//! A fleet over days to come or gone by: how its verdicts move as time alone changes them, and which versions leave support.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use tandem_domain::prerequisites::{Path, SupportEnd, forecast, site_support_end, windows_support_end};
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;

use crate::summary::{DEVICES_AT_ONCE, FleetSummary};
use crate::world::{KnownDevice, Snapshot, World};

/// What leaves support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SupportKind {
    /// A release of Windows.
    Windows,
    /// A version of Configuration Manager.
    Site,
}

/// How a fleet stands at each of several moments.
#[derive(Debug)]
pub(crate) struct FleetForecast {
    /// Devices judged.
    pub(crate) devices: u64,
    /// The moments, rising.
    moments: Vec<Timestamp>,
    /// One per moment.
    points: Vec<FleetSummary>,
    support_ends: BTreeMap<(SupportEnd, SupportKind), u64>,
    path: Path,
}

impl FleetForecast {
    /// No device yet.
    pub(crate) fn new(path: Path, moments: Vec<Timestamp>) -> Self {
        let points = moments.iter().map(|_| FleetSummary::new(path)).collect();
        Self { devices: 0, moments, points, support_ends: BTreeMap::new(), path }
    }

    fn add(&mut self, device: &KnownDevice, world: &World) {
        let surroundings = world.around(&device.facts);
        let (points, devices) = (&mut self.points, &mut self.devices);
        *devices += 1;
        forecast(&device.facts, &surroundings, self.path, &self.moments, |at, report| {
            points[at].add_report(report);
        });
        let Some((first, last)) = self.days() else { return };
        let windows = windows_support_end(&device.facts, first).map(|end| (end, SupportKind::Windows));
        let version = surroundings.site.and_then(|site| site.version.as_deref());
        let site = version.and_then(|version| site_support_end(version, first));
        let site = site.map(|end| (end, SupportKind::Site));
        for end in [windows, site].into_iter().flatten() {
            if (first..=last).contains(&end.0.last_day) {
                *self.support_ends.entry(end).or_default() += 1;
            }
        }
    }

    /// The days of the first and of the last moment, in UTC.
    fn days(&self) -> Option<(Date, Date)> {
        let day = |moment: &Timestamp| Offset::UTC.to_datetime(*moment).date();
        Some((self.moments.first().map(day)?, self.moments.last().map(day)?))
    }

    /// Each moment and how the fleet stands then.
    pub(crate) fn points(&self) -> impl Iterator<Item = (Timestamp, &FleetSummary)> {
        self.moments.iter().copied().zip(&self.points)
    }

    /// What leaves support between the first moment and the last, by day, with the devices that it is for.
    pub(crate) fn support_ends(&self) -> impl Iterator<Item = (SupportKind, &SupportEnd, u64)> {
        self.support_ends.iter().map(|((end, kind), devices)| (*kind, end, *devices))
    }
}

/// Looks at every device of a snapshot, batch by batch. Answers the world of the snapshot too.
pub(crate) async fn foresee(
    mut snapshot: Snapshot,
    world: &World,
    mut forecast: FleetForecast,
) -> Result<(FleetForecast, ConsistencyToken), Failure> {
    loop {
        let part = snapshot.next().await?;
        for (at, device) in part.devices.iter().enumerate() {
            forecast.add(device, world);
            // A device takes as long as the moments at which it changes: other requests run in between.
            if at % DEVICES_AT_ONCE == DEVICES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        if let Some(seen) = part.complete {
            return Ok((forecast, seen));
        }
        tokio::task::yield_now().await;
    }
}
