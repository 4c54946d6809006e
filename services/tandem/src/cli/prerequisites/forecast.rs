//! `tandem prerequisites forecast`.

use tandem_connectors::AsOf;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{ForecastFleetRequest, ForecastFleetResponse, Path, Verdict};
use tandem_domain::id::HierarchyId;

use super::{of_hierarchy, tables};
use crate::assess::command::as_of;
use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::Session;
use crate::cli::words;

/// Of which devices, and from when until when.
#[derive(Debug, clap::Args)]
pub(crate) struct ForecastArgs {
    /// The last day or instant
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    until: AsOf,
    /// The first day or instant; unset: now
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    from: Option<AsOf>,
    /// Days between two points
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i32).range(1..=366))]
    step: i32,
    /// The path whose rules are judged; unset: path1
    #[arg(long, value_parser = words::paths())]
    path: Option<Path>,
    /// Only devices of this hierarchy
    #[arg(long)]
    hierarchy: Option<HierarchyId>,
}

/// Answers.
pub(super) async fn run(args: ForecastArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let request = ForecastFleetRequest {
        parent: session.parent(),
        path: args.path.unwrap_or(Path::Unspecified).into(),
        filter: of_hierarchy(args.hierarchy, session).await?,
        from: args.from.map(|from| time::to_proto(from.instant())),
        until: Some(time::to_proto(args.until.instant())),
        step_days: args.step,
        ..ForecastFleetRequest::default()
    };
    let answer = session.connection.prerequisites().forecast_fleet(request).await?.into_inner();
    session.screen.show(&answer, show)
}

fn show(screen: &mut Screen<'_>, forecast: &ForecastFleetResponse) -> Result<(), CliError> {
    screen.details(vec![["Devices".to_owned(), forecast.devices.to_string()]])?;
    let columns = [
        Column::Text("LAST DAY"),
        Column::Text("WHAT"),
        Column::Text("VERSION"),
        Column::Text("EDITIONS"),
        Column::Number("DEVICES"),
    ];
    let ends = forecast.support_ends.iter().map(|end| {
        vec![
            end.last_day.clone(),
            words::support_kind(end.kind),
            end.version.clone(),
            words::text(&end.edition_group),
            end.devices.to_string(),
        ]
    });
    screen.section("Leaves support", &columns, ends.collect())?;
    let columns = [
        Column::Text("AT"),
        Column::Number("READY"),
        Column::Number("BLOCKED"),
        Column::Number("UNKNOWN"),
        Column::Number("NOT APPLICABLE"),
    ];
    let points = forecast.points.iter().map(|point| {
        let devices = |verdict: Verdict| {
            let count = point.verdicts.iter().find(|count| count.verdict == i32::from(verdict));
            count.map_or(0, |count| count.devices).to_string()
        };
        let verdicts =
            [Verdict::Ready, Verdict::Blocked, Verdict::Unknown, Verdict::NotApplicable].map(devices);
        std::iter::once(words::moment(point.at)).chain(verdicts).collect::<Row>()
    });
    screen.section("Verdicts", &columns, points.collect())?;
    let Some(last) = forecast.points.last().filter(|_| forecast.points.len() > 1) else { return Ok(()) };
    let title = format!("Rules that stop others than at first, at {}", words::moment(last.at));
    screen.section(&title, &tables::RULES, last.rules.iter().map(tables::rule).collect())
}
