//! A server in a process of its own, on a core of its own, which says where it listens: for what is measured.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Pinned {
    child: Child,
    said: Vec<String>,
}

impl Pinned {
    /// Runs a command on that core, and reads the lines that it prints up to `ready`.
    ///
    /// # Errors
    /// It cannot be started, or ends before.
    pub fn start(command: &Command, core: usize) -> Result<Self, Failure> {
        let mut under = Command::new("taskset");
        under.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => under.env(name, value),
                None => under.env_remove(name),
            };
        }
        let mut child = under.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take();
        let mut started = Self { child, said: Vec::new() };
        for line in BufReader::new(out.ok_or("it says nothing")?).lines() {
            let line = line?;
            if line == "ready" {
                return Ok(started);
            }
            started.said.push(line);
        }
        Err("the server ended before it was ready".into())
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address that it printed after that word.
    ///
    /// # Errors
    /// It printed none.
    pub fn address(&self, word: &str) -> Result<SocketAddr, Failure> {
        let line = self.said.iter().find_map(|line| line.strip_prefix(word)?.strip_prefix(" http://"));
        Ok(line.ok_or_else(|| format!("the server printed no address of its {word}"))?.parse()?)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
