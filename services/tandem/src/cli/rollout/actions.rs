//! `tandem authority rollout actions`: what is to be done in the hierarchy, as a table, as a sheet and as scripts.

use std::path::{Path, PathBuf};

use tandem_contracts::authority::v1::{
    ListRolloutActionsRequest, ListRolloutActionsResponse, MembershipChange, RolloutAction,
};
use tonic::Status;

use super::step::Step;
use super::{RolloutRef, spec};
use crate::cli::failure::CliError;
use crate::cli::listing::{Limit, list};
use crate::cli::screen::{Column, Row};
use crate::cli::session::Session;
use crate::cli::words::{self, NOTHING};

/// Actions of a page: the contract's maximum.
const PAGE_SIZE: i32 = 20;

/// Devices of an action that its line names: enough to recognise it.
const NAMED: usize = 3;

/// The columns of [`row`].
pub(super) const COLUMNS: [Column; 6] = [
    Column::Number("ACTION"),
    Column::Number("WAVE"),
    Column::Text("WHAT TO DO"),
    Column::Text("DEVICES"),
    Column::Text("GIVEN OUT"),
    Column::Text("STATE"),
];

/// Which actions, and where they go.
#[derive(Debug, clap::Args)]
pub(crate) struct ActionsArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// Also those that are not to be done now: confirmed, seen to be done, withdrawn or held
    #[arg(long)]
    all: bool,
    /// Write what is to be done to this file as a sheet (CSV), one row a device, in the order in which it is to be done
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "limit"])]
    csv: Option<PathBuf>,
    /// Write the PowerShell script of what is to be done to this file; of several actions, one script each, with the action's number in the
    /// file's name, to be run in that order
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "limit"])]
    script: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
}

/// Lists them, or writes what is to be done.
pub(super) async fn run(args: ActionsArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = args.rollout.name(&session.tenant);
    if args.csv.is_some() || args.script.is_some() {
        return write(&args, &name, session).await;
    }
    let mut client = session.connection.rollouts();
    let (mut open, mut unknown) = (Vec::new(), 0);
    let rows = |page: &ListRolloutActionsResponse| page.actions.iter().map(row).collect();
    list(&mut session.screen, args.limit, &COLUMNS, rows, async |page_size, page_token| {
        let request = ListRolloutActionsRequest {
            parent: name.clone(),
            page_size: page_size.min(PAGE_SIZE),
            page_token,
            all: args.all,
        };
        let answer = client.list_rollout_actions(request).await?;
        for action in answer.get_ref().actions.iter().filter(|action| action.open) {
            open.push(action.sequence);
            unknown += action.unknown_members.len();
        }
        Ok(answer)
    })
    .await?;
    if session.screen.is_json() {
        return Ok(());
    }
    tell_unknown(unknown, session)?;
    match &open[..] {
        [] => Ok(()),
        open => Step::Confirm(numbers(open)).show(&mut session.screen, &name, ""),
    }
}

/// An action on one line.
pub(super) fn row(action: &RolloutAction) -> Row {
    let (first, state) = (action.members.iter().take(NAMED), state(action));
    let names: Vec<&str> = first.map(|member| member.device_name.as_str()).collect();
    let count = action.members.len() + action.unknown_members.len();
    let more = if count > names.len() { ", …" } else { "" };
    let devices = match (count, names.join(", ")) {
        (0, _) => NOTHING.to_owned(),
        (count, names) if names.is_empty() => count.to_string(),
        (count, names) => format!("{count}: {names}{more}"),
    };
    vec![
        action.sequence.to_string(),
        action.wave.to_string(),
        what(action),
        devices,
        words::moment(action.give_time),
        state,
    ]
}

fn what(action: &RolloutAction) -> String {
    let change = match action.change() {
        MembershipChange::Remove => "remove from",
        MembershipChange::Add | MembershipChange::Unspecified => "add to",
    };
    let back = if action.takes_back { ", to take them back" } else { "" };
    format!("{change} {}{back}", action.collection)
}

fn state(action: &RolloutAction) -> String {
    match (action.open, action.confirm_time) {
        (true, _) => "to be done".to_owned(),
        (false, Some(time)) => {
            format!("confirmed {} by {}", words::moment(Some(time)), words::text(&action.confirmed_by))
        }
        // Its effect was seen, or the rollout is held, over, or rolled back since.
        (false, None) => "not to be done".to_owned(),
    }
}

/// Rising numbers, with runs of them joined: `0-3 7`.
pub(super) fn numbers(sequences: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for sequence in sequences {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*sequence) => *last = *sequence,
            _ => runs.push((*sequence, *sequence)),
        }
    }
    let run = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(" ")
}

/// Every action of a rollout, in their order. `enough`: whether no further page is asked for.
pub(super) async fn every(
    rollout: &str,
    all: bool,
    session: &Session<'_>,
    enough: impl Fn(&[RolloutAction]) -> bool,
) -> Result<Vec<RolloutAction>, Status> {
    let mut client = session.connection.rollouts();
    let (mut actions, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            ListRolloutActionsRequest { parent: rollout.to_owned(), page_size: PAGE_SIZE, page_token, all };
        let page = client.list_rollout_actions(request).await?.into_inner();
        actions.extend(page.actions);
        page_token = page.next_page_token;
        if page_token.is_empty() || enough(&actions) {
            return Ok(actions);
        }
    }
}

/// Writes what is to be done, or nothing at all, and shows what it is.
async fn write(args: &ActionsArgs, name: &str, session: &mut Session<'_>) -> Result<(), CliError> {
    let actions = every(name, false, session, |_| false).await?;
    if actions.is_empty() {
        let nothing = "there is nothing to write: nothing is to be done now";
        return Err(CliError::Failed(nothing.to_owned()));
    }
    let scripts = args.script.as_deref().map(|file| scripts(file, &actions)).transpose()?;
    if let Some(file) = &args.csv {
        save(file, &sheet(&actions))?;
    }
    for (file, script) in scripts.iter().flatten() {
        save(file, script)?;
    }
    let open: Vec<u32> = actions.iter().map(|action| action.sequence).collect();
    let unknown = actions.iter().map(|action| action.unknown_members.len()).sum();
    let list = ListRolloutActionsResponse { actions, next_page_token: String::new() };
    session.screen.show(&list, |screen, list| {
        screen.table(&COLUMNS, list.actions.iter().map(row).collect())?;
        Step::Confirm(numbers(&open)).show(screen, name, "")
    })?;
    if let Some(file) = &args.csv {
        session.screen.note(&format!("the sheet is in {}", file.display()))?;
    }
    for (file, _) in scripts.iter().flatten() {
        session.screen.note(&format!("a script is in {}", file.display()))?;
    }
    tell_unknown(unknown, session)
}

/// The sheets of the actions as one, with one header.
fn sheet(actions: &[RolloutAction]) -> String {
    let mut all = String::new();
    for csv in actions.iter().map(|action| action.csv.as_str()).filter(|csv| !csv.is_empty()) {
        match csv.split_once('\n') {
            Some((_, rows)) if !all.is_empty() => all.push_str(rows),
            _ => all.push_str(csv),
        }
    }
    all
}

/// The script of each action, with its file: a script says what it takes in its first statement, so two do not go into one file.
fn scripts(file: &Path, actions: &[RolloutAction]) -> Result<Vec<(PathBuf, String)>, CliError> {
    let last = actions.last().map_or(0, |action| action.sequence).to_string();
    let mut scripts = Vec::new();
    for action in actions {
        if !action.script_obstacle.is_empty() {
            let why = format!(
                "there is no script of action {}: {}; --csv writes a sheet instead",
                action.sequence, action.script_obstacle
            );
            return Err(CliError::Failed(why));
        }
        if !action.script.is_empty() {
            scripts.push((numbered(file, action.sequence, last.len()), action.script.clone()));
        }
    }
    if let [(only, _)] = &mut scripts[..] {
        *only = file.to_owned();
    }
    Ok(scripts)
}

/// The file of one of several: `move.ps1` is `move-007.ps1`, so that names sort as the numbers do.
fn numbered(file: &Path, sequence: u32, digits: usize) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = (part(file.file_stem()), part(file.extension()));
    let dot = if extension.is_empty() { "" } else { "." };
    file.with_file_name(format!("{stem}-{sequence:0digits$}{dot}{extension}"))
}

fn save(file: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(file, text)
        .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", file.display())))
}

/// Devices that are in neither sheet nor script are to be known: they will not arrive.
fn tell_unknown(count: usize, session: &mut Session<'_>) -> Result<(), CliError> {
    if count == 0 {
        return Ok(());
    }
    let (devices, verb) = (spec::devices(count as u64), if count == 1 { "is" } else { "are" });
    session.screen.note(&format!(
        "{devices} {verb} in neither sheet nor script: the inventory knows no resource id there; import the hierarchy's devices \
         anew, or add them by hand; `-o json` lists them as unknownMembers"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::authority::v1::RolloutMember;

    const HEADER: &str = "collection_id,collection_name,action,resource_id,device_name\r\n";

    fn action(sequence: u32, devices: &[&str]) -> RolloutAction {
        let members = devices.iter().zip(1..).map(|(name, id)| RolloutMember {
            device: format!("tenants/t/devices/{name}"),
            resource_id: id,
            device_name: (*name).to_owned(),
        });
        let rows: String = devices.iter().map(|name| format!("PS100043,Pilot,add,1,{name}\r\n")).collect();
        RolloutAction {
            sequence,
            wave: 1,
            collection: "PS100043".into(),
            change: MembershipChange::Add.into(),
            open: true,
            give_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            members: members.collect(),
            csv: format!("{HEADER}{rows}"),
            script: format!("# {sequence}\n"),
            ..RolloutAction::default()
        }
    }

    #[test]
    fn action_is_shown_with_what_to_do_and_the_first_devices() {
        let given = "2025-11-20T12:00:00Z";
        let expected = ["7", "1", "add to PS100043", "2: WS-1, WS-2", given, "to be done"];
        assert_eq!(row(&action(7, &["WS-1", "WS-2"])), expected);
        let back = RolloutAction {
            change: MembershipChange::Remove.into(),
            takes_back: true,
            open: false,
            unknown_members: vec!["tenants/t/devices/x".into()],
            ..action(8, &["a", "b", "c"])
        };
        let what = "remove from PS100043, to take them back";
        assert_eq!(row(&back), ["8", "1", what, "4: a, b, c, …", given, "not to be done"]);
        let done = RolloutAction {
            open: false,
            confirm_time: Some(prost_types::Timestamp { seconds: 1_763_640_060, nanos: 0 }),
            confirmed_by: "ada".into(),
            ..action(7, &[])
        };
        let state = "confirmed 2025-11-20T12:01:00Z by ada";
        assert_eq!(row(&done), ["7", "1", "add to PS100043", "–", given, state]);
    }

    #[test]
    fn sheets_become_one_with_one_header() {
        let actions = [action(0, &["a", "b"]), action(1, &[]), action(2, &["c"])];
        let rows = ["a", "b", "c"].map(|name| format!("PS100043,Pilot,add,1,{name}\r\n"));
        assert_eq!(sheet(&actions), format!("{HEADER}{}", rows.concat()));
        let nobody = RolloutAction { csv: String::new(), ..action(0, &[]) };
        assert_eq!(sheet(&[nobody, action(1, &["a"])]), format!("{HEADER}PS100043,Pilot,add,1,a\r\n"));
    }

    #[test]
    fn each_action_has_its_script_and_the_only_one_the_files_name() {
        let file = Path::new("out/move.ps1");
        let written = |actions: &[RolloutAction]| {
            let scripts = scripts(file, actions).map_err(|error| error.line().unwrap_or_default())?;
            Ok::<_, String>(
                scripts.into_iter().map(|(file, _)| file.display().to_string()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(written(&[action(7, &["a"])]), Ok(vec!["out/move.ps1".to_owned()]));
        let several = written(&[action(9, &["a"]), action(10, &["b"])]);
        assert_eq!(several, Ok(vec!["out/move-09.ps1".to_owned(), "out/move-10.ps1".to_owned()]));
        let obstacle = "expected 2107 or later, found 2010".to_owned();
        let old = RolloutAction { script: String::new(), script_obstacle: obstacle, ..action(9, &["a"]) };
        let expected = "there is no script of action 9: expected 2107 or later, found 2010; --csv writes a sheet instead";
        assert_eq!(written(&[old]), Err(expected.to_owned()));
        assert_eq!(numbered(Path::new("move"), 3, 1), Path::new("move-3"));
    }

    #[test]
    fn runs_of_numbers_are_joined() {
        assert_eq!(numbers(&[0, 1, 2, 3, 7, 9, 10]), "0-3 7 9-10");
        assert_eq!(numbers(&[4]), "4");
    }
}
