//! How many files the process may have open, which connections are.
//!
//! Many systems begin at 1024 and let a process raise that, which it must do by itself. One that runs out of files can neither accept
//! nor open its database, so connections are fewer where the rest would not have enough.

/// Files that connections leave for everything else: databases, their connections, logs, certificates, the operations listener.
const OTHERS: u64 = 256;

/// So many connections, or fewer where the process may not open so many files.
pub(super) fn room_for(connections: u64) -> u64 {
    let Some(files) = most() else { return connections };
    let room = files.saturating_sub(OTHERS).max(files / 2);
    if room < connections {
        tracing::warn!(
            files,
            connections = room,
            wanted = connections,
            "fewer connections: raise the number of open files"
        );
    }
    connections.min(room)
}

/// As many files as may be open, after asking for as many as the system allows. `None`: it does not say.
#[cfg(unix)]
fn most() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if now < most && setrlimit(Resource::RLIMIT_NOFILE, most, most).is_ok() {
        return Some(most);
    }
    Some(now)
}

#[cfg(not(unix))]
const fn most() -> Option<u64> {
    None
}
