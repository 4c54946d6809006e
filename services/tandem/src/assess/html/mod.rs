//! The assessment as one page: charts, tables and remedies, readable on a phone, on paper and without scripts.
//!
//! The page is a single file that asks no host for anything: its style, its script and plotly.js stand inside, and its
//! content security policy forbids the browser every other source. All text is escaped; each chart has a table that says
//! the same.

use std::io::{self, Write};

use askama::Template;

use super::model::{AssessmentHead, DeviceAssessment};

mod chart;
mod devices;
mod embed;
mod grid;
mod page;
mod problems;
mod sections;
#[cfg(test)]
mod tests;

/// Devices that the page lists at most. More would make a page that phones cannot scroll; the JSON lists all.
pub const DEVICE_ROWS: usize = 2_000;

/// Lines that a list of conflicts or refusals shows at most.
const LIST_ROWS: usize = 100;

/// Writes the page. Of `devices` the first [`DEVICE_ROWS`] are listed, so a caller need not keep more; the page names
/// the rest by `head.totals.devices`.
///
/// # Errors
///
/// When `out` fails.
pub fn write_page(
    mut out: impl Write,
    head: &AssessmentHead,
    devices: &[DeviceAssessment],
) -> io::Result<()> {
    let library = embed::chart_library().unwrap_or_default();
    let page = page::Page::new(head, devices, &library).map_err(io::Error::from)?;
    page.write_into(&mut out)?;
    out.flush()
}
