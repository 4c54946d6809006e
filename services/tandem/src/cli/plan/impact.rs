//! What a plan does to devices, as tables.

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::{CollectionImpact, ImpactRow, PlanContent, WorkloadImpact};
use tandem_contracts::convert::enum_optional;
use tandem_domain::authority::Reason;
use tandem_domain::state::ManagementState;
use tandem_domain::workload::{ManagementAuthority, Workload};

use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::words;

/// A table for each workload whose positions move.
pub(super) fn workloads(screen: &mut Screen<'_>, content: &PlanContent) -> Result<(), CliError> {
    let columns = [
        Column::Number("DEVICES"),
        Column::Text("STATE"),
        Column::Text("BEFORE"),
        Column::Text("AFTER"),
        Column::Text("WHAT HAPPENS"),
    ];
    for impact in &content.workloads {
        let rows: Vec<Row> = impact.rows.iter().filter_map(row).collect();
        let title = title(impact, content.devices);
        match rows.is_empty() {
            true => screen.line(&format!("\n{title}"))?,
            false => screen.section(&title, &columns, rows)?,
        }
    }
    Ok(())
}

fn title(impact: &WorkloadImpact, devices: u64) -> String {
    let workload = words::word(impact.workload, Workload::id);
    let held_back = match impact.held_back {
        0 => String::new(),
        held_back => format!(", {held_back} held back"),
    };
    format!("{workload}: {} change holder{held_back}", of(impact.changing, devices))
}

/// A number of devices out of others.
pub(super) fn of(some: u64, devices: u64) -> String {
    let plural = if devices == 1 { "" } else { "s" };
    format!("{some} of {devices} device{plural}")
}

/// Devices that change holder or are held back; of the others, a plan does nothing to tell.
fn row(row: &ImpactRow) -> Option<Row> {
    let what = happens(row)?;
    let held = |authority, reason| {
        format!("{}: {}", words::word(authority, ManagementAuthority::id), words::word(reason, Reason::id))
    };
    let (before, after) = (held(row.before, row.before_reason), held(row.after, row.after_reason));
    let after = if after == before { "as before".to_owned() } else { after };
    let state = words::word(row.state, ManagementState::id).to_owned();
    Some(vec![row.devices.to_string(), state, before, after, what])
}

fn happens(row: &ImpactRow) -> Option<String> {
    let mut what = Vec::new();
    if row.before != row.after {
        what.push("changes holder".to_owned());
    }
    let meant = enum_optional::<Reason>("", row.slider_reason).ok().flatten().map(Reason::authority);
    let after = enum_optional::<ManagementAuthority>("", row.after).ok().flatten();
    if let (Some(meant), Some(after)) = (meant, after)
        && meant != after
    {
        what.push(format!("held back from {}", meant.id()));
        if row.blocked {
            what.push("blocked by prerequisites".to_owned());
        }
    }
    (!what.is_empty()).then(|| what.join(", "))
}

/// The collections that either policy names.
pub(super) fn collections(
    screen: &mut Screen<'_>,
    content: &PlanContent,
    names: &BTreeMap<String, String>,
) -> Result<(), CliError> {
    if content.collections.is_empty() {
        return Ok(());
    }
    let columns = [
        Column::Text("COLLECTION"),
        Column::Text("NAME"),
        Column::Number("MEMBERS"),
        Column::Text("ALL KNOWN"),
        Column::Text("CHANGE HOLDER"),
    ];
    let rows = content.collections.iter().map(|impact| collection(impact, names)).collect();
    screen.section("Collections that the policies name", &columns, rows)
}

fn collection(impact: &CollectionImpact, names: &BTreeMap<String, String>) -> Row {
    let changing = impact
        .changing
        .iter()
        .map(|count| format!("{}: {}", words::word(count.workload, Workload::id), count.devices));
    vec![
        impact.collection.clone(),
        words::text(names.get(&impact.collection).map_or("", String::as_str)),
        impact.members.to_string(),
        words::yes_no(impact.complete),
        words::text(&changing.collect::<Vec<_>>().join(", ")),
    ]
}
