//! `tandem dashboard`: how the fleet is doing, which devices are behind each figure, and how the figures move.

use tandem_contracts::monitoring::v1::{
    Figure, GetDashboardRequest, GetDashboardResponse, ListFigureDevicesRequest, ListFigureDevicesResponse,
    Tile, WatchDashboardRequest, WatchDashboardResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;

use super::failure::CliError;
use super::filter::FilterArgs;
use super::json;
use super::listing::{Limit, list};
use super::screen::{Column, Row, Screen};
use super::session::Session;
use super::words;
use crate::printable::printable;

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
    /// Show the figures and then each one whose number changes, until Ctrl-C
    #[command(after_long_help = LINES, after_help = LINES)]
    Watch {
        /// End when the figures of now are shown, instead of waiting for changes
        #[arg(long)]
        once: bool,
    },
}

/// What the lines of a watch say.
const LINES: &str = "\
Each line is one figure and the devices that it counts now: first every figure that counts a device, then those whose number changed. A
figure that counts nobody any more is shown with 0.

With -o json each line is one message with what `changed`; one without it says that nothing did for ten seconds.";

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
        Some(DashboardCommand::Watch { once }) => {
            let request = WatchDashboardRequest {
                parent: session.parent(),
                filter,
                snapshot_only: once,
                ..Default::default()
            };
            tokio::select! {
                ended = watch(request, session) => ended,
                interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            }
        }
    }
}

async fn watch(request: WatchDashboardRequest, session: &mut Session<'_>) -> Result<(), CliError> {
    let once = request.snapshot_only;
    let mut answers = session.connection.monitoring().watch_dashboard(request).await?.into_inner();
    if !session.screen.is_json() {
        session.screen.line(&line_of("DEVICES", "TILE", "KEY"))?;
    }
    while let Some(answer) = answers.message().await? {
        show_changed(&mut session.screen, &answer)?;
        session.screen.flush()?;
    }
    match once {
        true => Ok(()),
        false => Err(CliError::Failed("the server ended the watch; start it again".to_owned())),
    }
}

fn show_changed(screen: &mut Screen<'_>, answer: &WatchDashboardResponse) -> Result<(), CliError> {
    if screen.is_json() {
        return screen.line(&json::line(answer)?);
    }
    for figure in &answer.changed {
        let (devices, tile) = (figure.devices.to_string(), words::tile(figure.tile));
        screen.line(&line_of(&devices, &tile, &printable(&figure.key)))?;
    }
    Ok(())
}

/// Columns of a fixed width, since later lines are not known: ten million devices and the longest name of a tile.
fn line_of(devices: &str, tile: &str, key: &str) -> String {
    format!(" {devices:>9}  {tile:<19}  {key}")
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
    fn figure_that_changed_is_a_line_with_its_number() {
        let answer = WatchDashboardResponse {
            changed: vec![
                figure(Tile::State, "co_managed", 1_204_211),
                figure(Tile::Drift, "client_apps", 0),
            ],
            ..Default::default()
        };
        let lines = [
            "   1204211  state                co_managed",
            "         0  drift                client_apps",
            "",
        ];
        assert_eq!(shown(Output::Table, |screen| show_changed(screen, &answer)), lines.join("\n"));
        let json = shown(Output::Json, |screen| show_changed(screen, &answer));
        assert!(
            json.starts_with(r#"{"changed":[{"tile":"TILE_STATE","key":"co_managed","devices":"1204211""#),
            "{json}"
        );
        assert_eq!(json.lines().count(), 1);
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
