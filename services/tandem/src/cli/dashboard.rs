//! `tandem dashboard`: how the fleet is doing, and which devices are behind each figure.

use tandem_contracts::monitoring::v1::{
    Figure, GetDashboardRequest, GetDashboardResponse, ListFigureDevicesRequest, ListFigureDevicesResponse,
    Tile,
};
use tandem_contracts::r#type::v1::DeviceFilter;

use super::failure::CliError;
use super::filter::FilterArgs;
use super::listing::{Limit, list};
use super::screen::{Column, Row, Screen};
use super::session::Session;
use super::words;

/// The figures, or the devices behind one.
#[derive(Debug, clap::Args)]
// The devices behind a figure are chosen as the figure was: before or after the word `devices`.
#[command(mut_args(|arg| arg.global(true)))]
pub(crate) struct DashboardArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(subcommand)]
    command: Option<DashboardCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum DashboardCommand {
    /// List the devices that a figure counts
    Devices {
        /// The figure's tile
        #[arg(value_parser = words::tiles(), hide_possible_values = false)]
        tile: Tile,
        /// The figure's key, as the dashboard shows it
        key: String,
        #[command(flatten)]
        limit: Limit,
    },
}

/// Answers.
pub(crate) async fn run(args: DashboardArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    args.filter.check(session).await?;
    let filter = args.filter.message(&session.tenant);
    match args.command {
        None => {
            let request = GetDashboardRequest { parent: session.parent(), filter, ..Default::default() };
            let answer = session.connection.monitoring().get_dashboard(request).await?.into_inner();
            session.screen.show(&answer, show)
        }
        Some(DashboardCommand::Devices { tile, key, limit }) => {
            show_devices(tile, key, filter, limit, session).await
        }
    }
}

fn show(screen: &mut Screen<'_>, answer: &GetDashboardResponse) -> Result<(), CliError> {
    screen.line(&format!("Counted at {}", words::moment(answer.counted_at)))?;
    for figures in answer.figures.chunk_by(|a, b| a.tile == b.tile) {
        let (columns, rows) = tile(figures);
        screen.section(&words::tile(figures[0].tile), &columns, rows)?;
    }
    Ok(())
}

/// A tile as a table; what a figure means and what mends it have columns only where some figure says so.
fn tile(figures: &[Figure]) -> (Vec<Column>, Vec<Row>) {
    type Said = fn(&Figure) -> &str;
    let optional: [(&'static str, Said); 4] = [
        ("LABEL", |figure| &figure.label),
        ("SEVERITY", |figure| &figure.severity),
        ("MEANING", |figure| &figure.meaning),
        ("WHAT MENDS IT", |figure| &figure.remediation),
    ];
    let said = optional.into_iter().filter(|(_, said)| figures.iter().any(|figure| !said(figure).is_empty()));
    let said: Vec<_> = said.collect();
    let mut columns = vec![Column::Text("KEY"), Column::Number("DEVICES")];
    columns.extend(said.iter().map(|(name, _)| Column::Text(name)));
    let rows = figures.iter().map(|figure| {
        let mut row = vec![figure.key.clone(), figure.devices.to_string()];
        row.extend(said.iter().map(|(_, said)| words::text(said(figure))));
        row
    });
    (columns, rows.collect())
}

async fn show_devices(
    tile: Tile,
    key: String,
    filter: Option<DeviceFilter>,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let parent = session.parent();
    let mut client = session.connection.monitoring();
    let mut cursor = String::new();
    let columns = ["DEVICE", "NAME"].map(Column::Text);
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListFigureDevicesRequest {
            parent: parent.clone(),
            tile: tile.into(),
            key: key.clone(),
            filter: filter.clone(),
            page_size,
            page_token,
            cursor: cursor.clone(),
            ..Default::default()
        };
        let answer = client.list_figure_devices(request).await?;
        answer.get_ref().cursor.clone_into(&mut cursor);
        Ok(answer)
    })
    .await
}

fn rows(page: &ListFigureDevicesResponse) -> Vec<Row> {
    let devices = page.devices.iter();
    devices.map(|of| vec![words::last_part(&of.device), words::text(&of.display_name)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::monitoring::v1::FigureDevice;

    fn figure(tile: Tile, key: &str, devices: u64) -> Figure {
        Figure { tile: tile.into(), key: key.into(), devices, ..Default::default() }
    }

    #[test]
    fn each_tile_is_a_table_with_the_columns_that_it_needs() {
        let blocker = Figure {
            meaning: "Windows is serviced".into(),
            remediation: "update Windows".into(),
            severity: "blocking".into(),
            ..figure(Tile::Blocker, "win.serviced_version", 12)
        };
        let answer = GetDashboardResponse {
            figures: vec![
                figure(Tile::State, "co_managed", 120),
                figure(Tile::State, "unmanaged", 7),
                blocker,
            ],
            counted_at: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            ..Default::default()
        };
        let expected = [
            "Counted at 2025-11-20T12:00:00Z",
            "",
            "state",
            " KEY          DEVICES",
            "──────────────────────",
            " co_managed       120",
            " unmanaged          7",
            "",
            "blocker",
            " KEY                    DEVICES   SEVERITY   MEANING               WHAT MENDS IT",
            "──────────────────────────────────────────────────────────────────────────────────",
            " win.serviced_version        12   blocking   Windows is serviced   update Windows",
            "",
        ];
        assert_eq!(shown(Output::Table, |screen| screen.show(&answer, show)), expected.join("\n"));
    }

    #[test]
    fn devices_behind_a_figure_are_shown_by_id_and_name() {
        let device = |id: &str, name: &str| FigureDevice {
            device: format!("tenants/t/devices/{id}"),
            display_name: name.into(),
        };
        let page = ListFigureDevicesResponse {
            devices: vec![device("d1", "OSL-LT-0417"), device("d2", "")],
            ..Default::default()
        };
        assert_eq!(rows(&page), [["d1", "OSL-LT-0417"], ["d2", "–"]]);
    }
}
