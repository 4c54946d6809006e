//! The `tandem` binary, for tests that run it as its users do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use cargo_metadata::Message;

/// Built as the calling test was: with the workspace's tests, so that cargo finds every dependency built already.
static TANDEM: LazyLock<PathBuf> = LazyLock::new(|| {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--workspace", "--tests", "--bin", "tandem"]);
    build.arg("--message-format=json-render-diagnostics");
    build.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(built.status.success(), "building tandem ended with {}", built.status);
    let executable = |message| match message {
        Message::CompilerArtifact(artifact) if artifact.target.is_bin() && !artifact.profile.test => {
            artifact.executable.filter(|_| artifact.target.name == "tandem")
        }
        _ => None,
    };
    let mut messages = Message::parse_stream(built.stdout.as_slice())
        .map(|message| message.expect("cargo's messages are read"));
    messages.find_map(executable).expect("cargo names the executable").into_std_path_buf()
});

/// A command that runs the binary, with no configuration from this process's environment.
///
/// # Panics
/// When the binary cannot be built.
#[must_use]
pub fn tandem() -> Command {
    let mut command = Command::new(&*TANDEM);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TANDEM_") {
            command.env_remove(name);
        }
    }
    command
}
