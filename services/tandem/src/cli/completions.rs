//! `tandem completions`: what a shell needs to complete commands.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::failure::CliError;
use super::screen::Screen;
use super::{Cli, NAME};

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs, screen: &mut Screen<'_>) -> Result<(), CliError> {
    // Into memory first: the generator panics when its writer fails, and a reader may go away.
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), NAME, &mut script);
    screen.part(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let script = shown(Output::Table, |screen| run(&CompletionsArgs { shell }, screen));
            assert!(script.contains("prerequisites"), "{shell}");
        }
    }
}
