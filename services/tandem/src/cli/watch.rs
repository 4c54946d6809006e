//! `tandem watch`: changes of devices as they come.

use tandem_contracts::inventory::v1::{
    Bookmark, Device, DeviceLeft, WatchDevicesRequest, WatchDevicesResponse,
};
use tandem_domain::state::ManagementState;

use super::failure::CliError;
use super::filter::FilterArgs;
use super::json;
use super::screen::Screen;
use super::session::Session;
use super::words::{self, NOTHING};
use crate::printable::printable;

/// What the lines of a watch say.
pub(crate) const LINES: &str = "\
Each line is one device and what happened to it:
  present  it is there as the watch begins, in the state that is shown
  changed  it is new, or something of it changed: the line shows how it is now
  left     it was removed, turned out to be another device, or no longer meets the options

REVISION counts the changes of the tenant: a higher one came later. Standard error tells when everything that is there has been
shown and, at the end, how to go on from there with --resume.

With -o json each line is one message with `changed`, `left` or `bookmark`: what comes before the bookmark with
`snapshotComplete` is what is there.";

/// What to watch, and from where.
#[derive(Debug, clap::Args)]
#[command(after_long_help = LINES, after_help = LINES)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Go on after where an earlier watch with the same options ended; unset: begin with every device that is there
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    /// End when everything up to now is shown, instead of waiting for changes
    #[arg(long)]
    once: bool,
}

/// Shows changes until the first bookmark (`--once`), the server's end, or Ctrl-C; the last bookmark goes to standard error.
pub(crate) async fn run(args: WatchArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    args.filter.check(session).await?;
    let request = WatchDevicesRequest {
        parent: session.parent(),
        filter: args.filter.message(&session.tenant),
        resume_token: args.resume.unwrap_or_default(),
        snapshot_only: args.once,
        ..Default::default()
    };
    let mut last = None;
    let ended = tokio::select! {
        ended = follow(request, session, &mut last) => ended,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    };
    if let Some(token) = last {
        session.screen.note(&format!("to go on from here: --resume {token}"))?;
    }
    ended
}

async fn follow(
    request: WatchDevicesRequest,
    session: &mut Session<'_>,
    last: &mut Option<String>,
) -> Result<(), CliError> {
    let once = request.snapshot_only;
    let mut of_the_snapshot = request.resume_token.is_empty();
    let mut changes = session.connection.devices().watch_devices(request).await?.into_inner();
    if !session.screen.is_json() {
        session.screen.line(&columns("EVENT", "REVISION", "STATE", "DEVICE", "NAME"))?;
    }
    while let Some(batch) = changes.message().await? {
        let bookmark = batch.bookmark.clone();
        for change in single(batch) {
            show(&mut session.screen, &change, of_the_snapshot)?;
        }
        of_the_snapshot &= bookmark.as_ref().is_none_or(|bookmark| !bookmark.snapshot_complete);
        session.screen.flush()?;
        if let Some(bookmark) = bookmark {
            *last = Some(bookmark.resume_token);
        }
    }
    match once && last.is_some() {
        true => Ok(()),
        false => Err(CliError::Failed("the server ended the watch; start it again to go on".to_owned())),
    }
}

/// A batch as messages that each hold one thing: one line each for programs.
fn single(batch: WatchDevicesResponse) -> impl Iterator<Item = WatchDevicesResponse> {
    let changed = |device: Device| WatchDevicesResponse { changed: vec![device], ..Default::default() };
    let left = |device: DeviceLeft| WatchDevicesResponse { left: vec![device], ..Default::default() };
    let mark = |bookmark: Bookmark| WatchDevicesResponse { bookmark: Some(bookmark), ..Default::default() };
    let changed = batch.changed.into_iter().map(changed);
    changed.chain(batch.left.into_iter().map(left)).chain(batch.bookmark.into_iter().map(mark))
}

/// `of_the_snapshot`: the devices are those that were there when the watch began, not changes.
fn show(
    screen: &mut Screen<'_>,
    change: &WatchDevicesResponse,
    of_the_snapshot: bool,
) -> Result<(), CliError> {
    let event = if of_the_snapshot { "present" } else { "changed" };
    if screen.is_json() {
        return screen.line(&json::line(change)?);
    }
    for device in &change.changed {
        let name = device.facts.as_ref().and_then(|facts| facts.display_name.as_deref());
        let state = words::word(device.state, ManagementState::id);
        let id = words::last_part(&device.name);
        let name = printable(name.unwrap_or(NOTHING));
        screen.line(&columns(event, &device.revision.to_string(), state, &id, &name))?;
    }
    for device in &change.left {
        let id = words::last_part(&device.name);
        screen.line(&columns("left", &device.revision.to_string(), NOTHING, &id, NOTHING))?;
    }
    if change.bookmark.as_ref().is_some_and(|bookmark| bookmark.snapshot_complete) {
        screen.note("these devices are there; changes follow")?;
    }
    Ok(())
}

/// Columns of a fixed width, since later lines are not known: the longest state and the length of a device id.
fn columns(event: &str, revision: &str, state: &str, device: &str, name: &str) -> String {
    format!(" {event:<7}  {revision:>10}  {state:<24}  {device:<36}  {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};
    use tandem_contracts::r#type::v1::DeviceFacts;

    const ID: &str = "0b5e7a52-6d0c-5c39-9a51-6f3f2f0d9a11";

    fn batch() -> WatchDevicesResponse {
        let facts = DeviceFacts { display_name: Some("OSL\u{7}1".into()), ..Default::default() };
        let name = format!("tenants/t/devices/{ID}");
        WatchDevicesResponse {
            changed: vec![Device {
                name: name.clone(),
                revision: 41,
                state: 4,
                facts: Some(facts),
                ..Default::default()
            }],
            left: vec![DeviceLeft { name, revision: 42 }],
            bookmark: Some(Bookmark { resume_token: "r42".into(), revision: 42, ..Default::default() }),
        }
    }

    #[test]
    fn devices_that_are_there_changes_and_leavings_are_shown_one_a_line() {
        for (of_the_snapshot, event) in [(true, "present"), (false, "changed")] {
            let text = shown(Output::Table, |screen| {
                single(batch()).try_for_each(|change| show(screen, &change, of_the_snapshot))
            });
            let expected = [
                format!(" {event}          41  enrolled_not_provisioned  {ID}  OSL\\u{{7}}1\n"),
                format!(" left             42  –                         {ID}  –\n"),
            ];
            assert_eq!(text, expected.concat());
        }
    }

    #[test]
    fn changes_are_one_object_a_line_for_programs() {
        let text =
            shown(Output::Json, |screen| single(batch()).try_for_each(|change| show(screen, &change, true)));
        let things: Vec<Vec<String>> = text
            .lines()
            .map(|line| {
                let object: serde_json::Map<_, serde_json::Value> = serde_json::from_str(line).unwrap();
                let said = object.into_iter().filter(|(_, value)| *value != serde_json::json!([]));
                said.map(|(name, _)| name).collect()
            })
            .collect();
        assert_eq!(things, [["changed"], ["left"], ["bookmark"]]);
    }
}
