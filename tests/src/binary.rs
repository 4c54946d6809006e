//! The binaries of the workspace, for tests that run them as their users do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use cargo_metadata::Message;

/// Built as the calling test was, with the workspace's tests, so that cargo finds every dependency built already; for a bench, released.
static BINARIES: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(|| {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--workspace", "--bins"]);
    build.arg("--message-format=json-render-diagnostics");
    build.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    // Benches want no tests built.
    build.arg(if cfg!(debug_assertions) { "--tests" } else { "--release" });
    let built = build.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(built.status.success(), "building the binaries ended with {}", built.status);
    let executable = |message| match message {
        Message::CompilerArtifact(artifact) if artifact.target.is_bin() && !artifact.profile.test => {
            Some((artifact.target.name, artifact.executable?.into_std_path_buf()))
        }
        _ => None,
    };
    let messages = Message::parse_stream(built.stdout.as_slice())
        .map(|message| message.expect("cargo's messages are read"));
    messages.filter_map(executable).collect()
});

/// A command that runs `tandem`, with no configuration from this process's environment.
///
/// # Panics
/// When the binary cannot be built.
#[must_use]
pub fn tandem() -> Command {
    binary("tandem")
}

/// The same of any binary of the workspace.
///
/// # Panics
/// When it cannot be built, or there is none of that name.
#[must_use]
pub fn binary(name: &str) -> Command {
    let path = BINARIES.get(name).unwrap_or_else(|| panic!("no binary is named {name}"));
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TANDEM_") {
            command.env_remove(name);
        }
    }
    command
}
