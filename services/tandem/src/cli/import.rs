//! `tandem import`: exports of the two systems into a server.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use tandem_connectors::{AsOf, Exports, OpenError};

use super::failure::CliError;
use super::json;
use super::progress;
use super::screen::{Column, Row, Screen};
use super::session::Session;
use crate::assess::command::as_of;
use crate::assess::model::{InputFile, Inputs};
use crate::assess::run::inputs;
use crate::import::{Documents, ImportError, import};

/// Name and version of the object that programs read.
const SCHEMA: &str = "tandem.import/v1";

/// What to import, and when it was said.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The folder of exports: *.json and *.toml, told apart by content
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// When the exports were made, as a date or an instant; unset: `as_of` of the tenant facts, else now
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    as_of: Option<AsOf>,
}

/// A folder that can be imported.
pub(crate) struct Opened {
    exports: Exports,
    observed_at: Timestamp,
}

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Answer {
    schema: &'static str,
    observed_at: Timestamp,
    sections: u64,
    inputs: Inputs,
    consistency_token: String,
}

/// Opens the folder: before any server is asked.
pub(crate) async fn open(args: ImportArgs) -> Result<Opened, CliError> {
    let folder = args.folder;
    let opened = tokio::task::spawn_blocking(move || {
        let exports = open_folder(&folder)?;
        let said = args.as_of.or_else(|| Documents::read(&exports).as_of);
        Ok::<_, CliError>((exports, said))
    });
    let opened = opened.await;
    let (exports, said) =
        opened.map_err(|error| CliError::Failed(format!("reading the exports stopped: {error}")))??;
    Ok(Opened { exports, observed_at: observed_at(said, Timestamp::now()) })
}

fn open_folder(folder: &Path) -> Result<Exports, CliError> {
    Exports::open(folder).map_err(|error| match &error {
        OpenError::Unreadable { source, .. } => CliError::Failed(format!("{error}: {source}")),
        OpenError::Missing(_) | OpenError::NotAFolder(_) | OpenError::Empty(_) => {
            CliError::Usage(error.to_string())
        }
    })
}

/// A day that is not over yet counts until now: the inventory takes no times that lie ahead.
fn observed_at(said: Option<AsOf>, now: Timestamp) -> Timestamp {
    said.map_or(now, |said| said.instant().min(now))
}

/// Imports, and says what was read and refused.
pub(crate) async fn run(opened: Opened, session: &mut Session<'_>) -> Result<(), CliError> {
    let Opened { exports, observed_at } = opened;
    let bar = progress::sections();
    let taken = |sections| bar.set_position(sections);
    let imported = import(&session.connection, &session.tenant, exports, observed_at, &taken).await;
    bar.finish_and_clear();
    let imported = imported.map_err(failed)?;
    let (total, warned) = (imported.summary.refused.total(), imported.summary.warnings.total());
    let answer = Answer {
        schema: SCHEMA,
        observed_at,
        sections: imported.sections,
        inputs: inputs(imported.summary),
        consistency_token: imported.consistency_token,
    };
    show(&mut session.screen, &answer, total, warned)?;
    for line in &answer.inputs.refused {
        session.screen.note(&line.line())?;
    }
    match total {
        0 => Ok(()),
        1 => Err(CliError::Refused("1 line of input was refused; the rest was imported".to_owned())),
        _ => Err(CliError::Refused(format!("{total} lines of input were refused; the rest was imported"))),
    }
}

fn failed(error: ImportError) -> CliError {
    let text = match error {
        ImportError::Service { during, error } => match CliError::Api(error).line() {
            Some(line) => format!("{during} failed: {line}"),
            None => format!("{during} failed"),
        },
        other => tandem_server::failure::chain(&other),
    };
    CliError::Failed(text)
}

fn show(screen: &mut Screen<'_>, answer: &Answer, refused: u64, warnings: u64) -> Result<(), CliError> {
    if screen.is_json() {
        return screen.line(&json::own(answer)?);
    }
    let skipped = answer.inputs.skipped_records;
    screen.details(vec![
        ["Sections taken".to_owned(), answer.sections.to_string()],
        ["Observed at".to_owned(), answer.observed_at.to_string()],
        ["Lines refused".to_owned(), refused.to_string()],
        ["Warnings".to_owned(), warnings.to_string()],
        ["Obsolete records".to_owned(), skipped.obsolete.to_string()],
        ["Decommissioned records".to_owned(), skipped.decommissioned.to_string()],
        ["Unknown computers".to_owned(), skipped.unknown_computer.to_string()],
        ["Files not needed".to_owned(), answer.inputs.unused.len().to_string()],
    ])?;
    let columns =
        [Column::Text("FILE"), Column::Text("KIND"), Column::Number("RECORDS"), Column::Number("REFUSED")];
    screen.section("Files", &columns, answer.inputs.files.iter().map(row).collect())
}

fn row(file: &InputFile) -> Row {
    vec![file.file.clone(), file.kind.to_string(), file.records.to_string(), file.refused.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_client::ApiError;
    use tandem_server::Failure;
    use tonic::Status;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn day_that_is_not_over_counts_until_now() {
        let now = at("2026-11-20T12:00:00Z");
        let day = |text: &str| Some(AsOf::Day(text.parse().unwrap()));
        assert_eq!(observed_at(None, now), now);
        assert_eq!(observed_at(day("2026-11-20"), now), now);
        assert_eq!(observed_at(day("2026-11-19"), now), at("2026-11-19T23:59:59Z"));
    }

    #[test]
    fn summary_is_shown_with_every_file() {
        let file = InputFile {
            file: "graph/page1.json".into(),
            kind: "graph.managed_devices".into(),
            records: 1000,
            refused: 1,
        };
        let answer = Answer {
            schema: SCHEMA,
            observed_at: at("2026-11-20T12:00:00Z"),
            sections: 999,
            inputs: Inputs { files: vec![file], ..Inputs::default() },
            consistency_token: "t".into(),
        };
        let expected = [
            " Sections taken          999",
            " Observed at             2026-11-20T12:00:00Z",
            " Lines refused           1",
            " Warnings                0",
            " Obsolete records        0",
            " Decommissioned records  0",
            " Unknown computers       0",
            " Files not needed        0",
            "",
            "Files",
            " FILE               KIND                    RECORDS   REFUSED",
            "──────────────────────────────────────────────────────────────",
            " graph/page1.json   graph.managed_devices      1000         1",
            "",
        ];
        assert_eq!(shown(Output::Table, |screen| show(screen, &answer, 1, 0)), expected.join("\n"));
    }

    #[test]
    fn service_that_fails_is_named_with_what_was_being_done() {
        let error = ApiError::from(Status::from(Failure::Unauthenticated("the access token has expired")));
        let error = failed(ImportError::Service { during: "reporting devices", error: Box::new(error) });
        let expected = "reporting devices failed: the call carries no credentials that this server accepts: \
                        the access token has expired (UNAUTHENTICATED); name a file that holds a valid token with --token-file";
        assert_eq!((error.exit_code(), error.line().as_deref()), (1, Some(expected)));
    }

    #[test]
    fn folder_that_is_not_there_is_a_mistake_in_the_command() {
        let error = open_folder(Path::new("/nothing/here")).unwrap_err();
        let expected = "/nothing/here does not exist; expected a folder of exports";
        assert_eq!((error.exit_code(), error.line().as_deref()), (2, Some(expected)));
    }
}
