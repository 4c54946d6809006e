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

/// What to watch, and from where.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Go on after the bookmark of an earlier watch with the same options; unset: start with every device
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    /// End after the first bookmark instead of waiting for changes
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
    let mut changes = session.connection.devices().watch_devices(request).await?.into_inner();
    if !session.screen.is_json() {
        session.screen.line(&columns("CHANGE", "REVISION", "STATE", "DEVICE", "NAME"))?;
    }
    while let Some(batch) = changes.message().await? {
        let bookmark = batch.bookmark.clone();
        for change in single(batch) {
            show(&mut session.screen, &change)?;
        }
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

fn show(screen: &mut Screen<'_>, change: &WatchDevicesResponse) -> Result<(), CliError> {
    if screen.is_json() {
        return screen.line(&json::line(change)?);
    }
    for device in &change.changed {
        let name = device.facts.as_ref().and_then(|facts| facts.display_name.as_deref());
        let state = words::word(device.state, ManagementState::id);
        let id = words::last_part(&device.name);
        let name = printable(name.unwrap_or(NOTHING));
        screen.line(&columns("changed", &device.revision.to_string(), state, &id, &name))?;
    }
    for device in &change.left {
        let id = words::last_part(&device.name);
        screen.line(&columns("left", &device.revision.to_string(), NOTHING, &id, NOTHING))?;
    }
    if change.bookmark.as_ref().is_some_and(|bookmark| bookmark.snapshot_complete) {
        screen.note("the snapshot is complete")?;
    }
    Ok(())
}

/// Columns of a fixed width, since later lines are not known: the longest state and the length of a device id.
fn columns(change: &str, revision: &str, state: &str, device: &str, name: &str) -> String {
    format!(" {change:<7}  {revision:>10}  {state:<24}  {device:<36}  {name}")
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
    fn changes_are_shown_one_a_line() {
        let text =
            shown(Output::Table, |screen| single(batch()).try_for_each(|change| show(screen, &change)));
        let expected = [
            format!(" changed          41  enrolled_not_provisioned  {ID}  OSL\\u{{7}}1\n"),
            format!(" left             42  –                         {ID}  –\n"),
        ];
        assert_eq!(text, expected.concat());
    }

    #[test]
    fn changes_are_one_object_a_line_for_programs() {
        let text = shown(Output::Json, |screen| single(batch()).try_for_each(|change| show(screen, &change)));
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
