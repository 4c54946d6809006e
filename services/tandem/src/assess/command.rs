//! `tandem assess`: arguments, progress, output, exit code.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tandem_connectors::AsOf;
use tandem_server::failure::{BoxError, chain};
use tandem_server::tasks::shutdown_signal;

use super::model::{DeviceAssessment, RefusedInput, write_json};
use super::run::{AssessError, Assessment, Doing, Started, open};
use super::{html, table};
use crate::printable::printable;

/// Everything was read.
const READ: u8 = 0;
/// The work failed.
const FAILED: u8 = 1;
/// The command line cannot be followed.
const USAGE: u8 = 2;
/// Some input was refused.
const REFUSED: u8 = 3;
/// The user ended it, as shells number it.
const INTERRUPTED: u8 = 130;

/// Devices that the page lists; the JSON has all of them.
const DEVICES_ON_PAGE: usize = 2_000;

/// Pages of devices between the services and the output: so that neither waits for the other.
const PAGES_AHEAD: usize = 2;

/// Assess a fleet from what its two managers export.
#[derive(Debug, Clone, clap::Args)]
pub struct AssessArgs {
    /// The folder of exports: *.json and *.toml, told apart by content.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// When the exports were made, as a date or an instant. Default: `as_of` of the tenant facts, else now.
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    pub as_of: Option<AsOf>,
    /// Also write the assessment as a page with charts.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Reads `2026-11-20` or `2026-11-20T08:00:00Z`.
///
/// # Errors
/// The text is neither.
pub fn as_of(text: &str) -> Result<AsOf, String> {
    let day = text.parse().map(AsOf::Day);
    day.or_else(|_| text.parse().map(AsOf::Instant)).map_err(|_| {
        format!(
            "expected a date such as 2026-11-20 or an instant such as 2026-11-20T08:00:00Z, found `{text}`"
        )
    })
}

/// Runs the command. `json`: print JSON in place of tables.
pub async fn run(arguments: AssessArgs, json: bool) -> ExitCode {
    if let Some(file) = &arguments.html
        && let Err(error) = check_writable(file)
    {
        return fail_with(&error, FAILED);
    }
    let mut interrupt = pin!(shutdown_signal());
    let exports = tokio::select! {
        // First, so that an interrupt is listened for from the beginning.
        biased;
        _ = &mut interrupt => interrupted(),
        exports = open(&arguments.folder) => exports,
    };
    // Starting takes no time to speak of; an interrupt that comes meanwhile is heard after it.
    let started = match exports {
        Ok(exports) => Started::over(exports, arguments.as_of).await,
        Err(error) => Err(error),
    };
    let started = match started {
        Ok(started) => started,
        Err(error) => return not_assessed(&error),
    };
    tokio::select! {
        code = assessed(started, &arguments, json) => code,
        // What was under way is dropped by now, and its databases with it.
        _ = &mut interrupt => interrupted(),
    }
}

fn interrupted() -> ! {
    // Without standard error nobody can be told.
    let _ = writeln!(io::stderr(), "tandem: interrupted, nothing was kept");
    // A thread may still be reading a file, or writing to somebody who no longer reads: nobody waits for it.
    std::process::exit(INTERRUPTED.into())
}

fn not_assessed(error: &AssessError) -> ExitCode {
    let usage = matches!(error, AssessError::Open(_));
    fail(error, if usage { USAGE } else { FAILED })
}

async fn assessed(started: Started, arguments: &AssessArgs, json: bool) -> ExitCode {
    let bar = progress_bar();
    let doing = |doing| show(&bar, doing);
    let assessment = match Box::pin(started.assess(&doing)).await {
        Ok(assessment) => assessment,
        Err(error) => {
            bar.finish_and_clear();
            return not_assessed(&error);
        }
    };
    let written = write(&assessment, arguments, json, &doing).await;
    bar.finish_and_clear();
    let refused = assessment.refused_input();
    say_refused(io::stderr().lock(), &assessment.head.inputs.refused);
    let stopped = Box::pin(assessment.finish()).await;
    match written.and(stopped) {
        // Who reads through `head` has what they wanted.
        Err(error) if !reader_went_away(&*error) => fail(&*error, FAILED),
        _ => ExitCode::from(if refused { REFUSED } else { READ }),
    }
}

/// Writes what was asked for.
async fn write(
    assessment: &Assessment,
    arguments: &AssessArgs,
    json: bool,
    doing: &(dyn Fn(Doing) + Send + Sync),
) -> Result<(), BoxError> {
    let page = match &arguments.html {
        Some(file) => write_page(assessment, file).await,
        None => Ok(()),
    };
    // A page that cannot be written takes nothing of the answer away.
    let printed = if json {
        write_devices(assessment, doing).await
    } else {
        let style = table::Style { colour: io::stdout().is_terminal() };
        let out = BufWriter::new(io::stdout().lock());
        table::write_table(out, &assessment.head, style).map_err(BoxError::from)
    };
    page.and(printed)
}

/// Whether a page can be written there: asked before the work, which may be long. What lies there stays as it is.
fn check_writable(file: &Path) -> Result<(), String> {
    let is_new = !file.exists();
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    let checked = opened.and_then(|_| if is_new { std::fs::remove_file(file) } else { Ok(()) });
    checked.map_err(|error| cannot_write(file, &error))
}

fn cannot_write(file: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", file.display())
}

async fn write_page(assessment: &Assessment, file: &Path) -> Result<(), BoxError> {
    let mut devices = Vec::new();
    let mut reader = assessment.devices();
    while devices.len() < DEVICES_ON_PAGE {
        let Some(page) = reader.page().await? else { break };
        devices.extend(page);
    }
    devices.truncate(DEVICES_ON_PAGE);
    let cannot = |error: io::Error| cannot_write(file, &error);
    let out = std::fs::File::create(file).map_err(cannot)?;
    Ok(html::write_page(BufWriter::new(out), &assessment.head, &devices).map_err(cannot)?)
}

/// Prints the whole answer as JSON, devices as they come.
async fn write_devices(
    assessment: &Assessment,
    doing: &(dyn Fn(Doing) + Send + Sync),
) -> Result<(), BoxError> {
    type Page = Result<Vec<DeviceAssessment>, super::collect::CollectError>;
    let (pages, mut arriving) = tokio::sync::mpsc::channel::<Page>(PAGES_AHEAD);
    let head = assessment.head.clone();
    let writer = tokio::task::spawn_blocking(move || {
        let pages = std::iter::from_fn(|| arriving.blocking_recv());
        let devices = pages.flat_map(|page| match page {
            Ok(devices) => devices.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        write_json(BufWriter::new(io::stdout().lock()), &head, devices)
    });
    let mut reader = assessment.devices();
    let mut written = 0;
    while let Some(page) = reader.page().await.transpose() {
        written += page.as_ref().map_or(0, Vec::len) as u64;
        let failed = page.is_err();
        if pages.send(page).await.is_err() || failed {
            break;
        }
        doing(Doing::Writing(written, assessment.head.totals.devices));
    }
    drop(pages);
    Ok(writer.await??)
}

/// A bar on standard error, if somebody looks at it.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(120));
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

fn show(bar: &ProgressBar, doing: Doing) {
    bar.set_message(match doing {
        Doing::Reading(sections) => format!("reading the exports: {sections} sections taken"),
        Doing::Counting => "counting the fleet".to_owned(),
        Doing::Writing(written, all) => format!("writing devices: {written} of {all}"),
    });
}

/// One line for each refused input: names and values in it are the input's own.
fn say_refused(mut out: impl Write, refused: &[RefusedInput]) {
    for line in refused {
        // Without standard error nobody can be told; the answer lists the lines too.
        let _ = writeln!(out, "{}", printable(&line.line()));
    }
}

/// Says why the work failed, in one line with every cause.
/// The answer could not be written because nobody takes it any more.
fn reader_went_away(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.into_iter().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let kind = kind.or_else(|| cause.downcast_ref::<serde_json::Error>()?.io_error_kind());
        kind == Some(io::ErrorKind::BrokenPipe)
    })
}

fn fail(error: &(dyn std::error::Error + 'static), code: u8) -> ExitCode {
    fail_with(&chain(error), code)
}

fn fail_with(line: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "tandem: {}", printable(line));
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_that_went_away_is_told_from_a_full_disk() {
        let of = |kind: io::ErrorKind| {
            let of_json = serde_json::Error::io(io::Error::from(kind));
            (reader_went_away(&io::Error::from(kind)), reader_went_away(&of_json))
        };
        assert_eq!(of(io::ErrorKind::BrokenPipe), (true, true));
        assert_eq!(of(io::ErrorKind::StorageFull), (false, false));
    }

    #[test]
    fn refused_lines_spell_out_what_a_terminal_would_obey() {
        let line = |file: &str, reason: &str| RefusedInput {
            file: file.into(),
            place: String::new(),
            reason: reason.into(),
        };
        let mut out = Vec::new();
        say_refused(&mut out, &[line("a\u{1b}[2J.json", "found `x\ny\u{9b}31m`"), line("", "plain")]);
        let expected = "refused: a\\u{1b}[2J.json: found `x\\ny\\u{9b}31m`\nrefused: plain\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn page_that_cannot_be_written_is_known_beforehand_and_nothing_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new.html"), folder.path().join("old.html"));
        std::fs::write(&old, "as it was").unwrap();
        assert_eq!((check_writable(&new), check_writable(&old)), (Ok(()), Ok(())));
        assert!(!new.exists());
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "as it was");
        let nowhere = folder.path().join("no/such/page.html");
        let expected = format!("cannot write {}: No such file or directory (os error 2)", nowhere.display());
        assert_eq!(check_writable(&nowhere), Err(expected));
    }

    #[test]
    fn as_of_is_a_date_or_an_instant() {
        assert_eq!(as_of("2026-11-20"), Ok(AsOf::Day("2026-11-20".parse().unwrap())));
        let instant = "2026-11-20T08:00:00Z";
        assert_eq!(as_of(instant), Ok(AsOf::Instant(instant.parse().unwrap())));
        assert_eq!(
            as_of("soon").unwrap_err(),
            "expected a date such as 2026-11-20 or an instant such as 2026-11-20T08:00:00Z, found `soon`"
        );
    }
}
