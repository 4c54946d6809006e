//! The command line: verbs in, tables or JSON out.
//!
//! Each verb has a file; none decides anything: a verb asks the services and shows their answers. Tables are for people,
//! `-o json` is for programs: an answer is one object in the protobuf JSON mapping (a resource where one was asked for, the
//! contract's list where many were), and `watch` and `authority list` print one object a line.
//!
//! Answers go to standard output; remarks, progress and errors to standard error, an error as one line. Exit codes: see
//! [`EXIT_CODES`].

mod apply;
mod approvals;
mod audit;
mod authority;
mod check;
mod collections;
mod completions;
mod credentials;
mod dashboard;
mod decommission;
mod desired;
mod device_facts;
mod devices;
mod document;
mod drift;
mod failure;
mod filter;
mod freeze;
mod handover;
mod history;
mod import;
mod json;
mod listing;
mod names;
mod plan;
mod plans;
mod policy;
mod position;
mod prerequisites;
mod progress;
mod reading;
mod reference;
mod rollout;
mod screen;
mod session;
mod setting;
mod simulate;
mod surroundings;
#[cfg(test)]
mod tests;
mod waiting;
mod watch;
mod why;
mod words;

use std::env;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use tandem_client::TlsFiles;
use tandem_domain::id::TenantId;

use crate::assess::command::{self as assess, AssessArgs};
use crate::serve::{self, ServeArgs};

use authority::AuthorityCommand;
use failure::CliError;
use rollout::RolloutCommand;
use screen::Screen;
use session::{ServerAddress, Session};

pub use screen::Output;

/// The command's name.
const NAME: &str = "tandem";

/// What scripts can rely on.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the server or the work failed
  2  the command was written wrongly
  3  some input was refused (assess, import); the rest was taken
  4  what was asked for is not there
  5  not allowed (authority check), or not known whether it is
  6  something would change (authority plan) or differs (authority diff), where --detailed-exitcode asks for it
  130  interrupted (assess); nothing was kept";

/// The control plane for Windows devices that Configuration Manager and Intune manage together
#[derive(Debug, clap::Parser)]
#[command(name = NAME, version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options of every verb.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Options {
    /// The server to ask; of a system whose services have an address each, `SERVICE=URL` for each of them, separated by commas
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TANDEM_SERVER",
        default_value = "http://127.0.0.1:50051"
    )]
    server: ServerAddress,
    /// A file that holds the caller's token
    #[arg(long, global = true, value_name = "FILE", env = "TANDEM_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The authority of an `https` server's certificate, in PEM; without it those that this system trusts
    #[arg(long, global = true, value_name = "FILE", env = "TANDEM_CA")]
    ca: Option<PathBuf>,
    /// The tenant to ask about
    #[arg(long, global = true, value_name = "ID", env = "TANDEM_TENANT", default_value = "default")]
    tenant: TenantId,
    /// The shape of the answer
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Output,
}

/// The verbs.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Assess a fleet from what its two managers export
    Assess(AssessArgs),
    /// Serve the whole system from this process
    Serve(ServeArgs),
    /// Import what the two managers export into a server
    Import(import::ImportArgs),
    /// The tenants of a server, and what is known of them
    #[command(subcommand)]
    Tenants(surroundings::TenantsCommand),
    /// The hierarchies of a tenant
    #[command(subcommand)]
    Hierarchies(surroundings::HierarchiesCommand),
    /// The sites of a hierarchy, and what is known of them
    #[command(subcommand)]
    Sites(surroundings::SitesCommand),
    /// What is known of devices, and who said so
    #[command(subcommand)]
    Devices(devices::DevicesCommand),
    /// Collections of the hierarchies, and Tandem's own
    #[command(subcommand)]
    Collections(collections::CollectionsCommand),
    /// What stops co-management, and what mends it
    #[command(subcommand)]
    Prerequisites(prerequisites::PrerequisitesCommand),
    /// Which manager decides each workload, and why
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// How the fleet is doing, and the devices behind each figure
    Dashboard(dashboard::DashboardArgs),
    /// Show the devices that are there, then their changes as they come
    Watch(watch::WatchArgs),
    /// Write the exports of a generated fleet
    Simulate(simulate::SimulateArgs),
    /// Make certificates, keys and tokens for a development system of several processes
    Credentials(credentials::CredentialsArgs),
    /// Print a script that lets a shell complete commands
    Completions(completions::CompletionsArgs),
}

/// Runs a command to its end.
pub async fn run(cli: Cli) -> ExitCode {
    let Cli { options, command } = cli;
    match command {
        Command::Assess(args) => Box::pin(assess::run(args, options.output == Output::Json)).await,
        Command::Serve(args) => Box::pin(serve::run(args)).await,
        command => Box::pin(answer(command, options)).await,
    }
}

/// Runs a verb whose answer goes through the screen.
async fn answer(command: Command, options: Options) -> ExitCode {
    let (mut out, mut notes) = (BufWriter::new(io::stdout()), io::stderr());
    let mut screen = Screen::new(options.output, &mut out, &mut notes).in_colour(shows_colours());
    let answered = dispatch(command, options, &mut screen).await;
    let flushed = screen.flush();
    let Err(error) = answered.and(flushed) else { return ExitCode::SUCCESS };
    if let Some(line) = error.line() {
        // Without standard error nobody can be told; the exit code still says it.
        let _ = writeln!(io::stderr(), "{NAME}: {line}");
    }
    ExitCode::from(error.exit_code())
}

/// Whether standard output is a terminal whose reader wants colours (`NO_COLOR`, by <https://no-color.org>).
fn shows_colours() -> bool {
    let unset = env::var_os("NO_COLOR").is_none_or(|said| said.is_empty());
    unset && env::var_os("TERM").is_none_or(|kind| kind != "dumb") && io::stdout().is_terminal()
}

async fn dispatch(command: Command, options: Options, screen: &mut Screen<'_>) -> Result<(), CliError> {
    match command {
        // None of these asks a server.
        Command::Simulate(args) => simulate::run(args, screen),
        Command::Credentials(args) => credentials::run(&args, screen),
        Command::Completions(args) => completions::run(&args, screen),
        Command::Authority(AuthorityCommand::Rollout(RolloutCommand::States)) => rollout::states(screen),
        Command::Import(args) => {
            let opened = import::open(args).await?;
            import::run(opened, &mut session(options, screen).await?).await
        }
        command => ask(command, &mut session(options, screen).await?).await,
    }
}

/// Runs a verb that asks a server.
async fn ask(command: Command, session: &mut Session<'_>) -> Result<(), CliError> {
    match command {
        Command::Tenants(command) => surroundings::tenants(command, session).await,
        Command::Hierarchies(command) => surroundings::hierarchies(command, session).await,
        Command::Sites(command) => surroundings::sites(command, session).await,
        Command::Devices(command) => devices::run(command, session).await,
        Command::Collections(command) => collections::run(command, session).await,
        Command::Prerequisites(command) => prerequisites::run(command, session).await,
        Command::Authority(command) => authority::run(command, session).await,
        Command::Dashboard(args) => dashboard::run(args, session).await,
        Command::Watch(args) => watch::run(args, session).await,
        // The callers have taken these.
        Command::Assess(_)
        | Command::Serve(_)
        | Command::Import(_)
        | Command::Simulate(_)
        | Command::Credentials(_)
        | Command::Completions(_) => Ok(()),
    }
}

async fn session<'a>(options: Options, screen: &'a mut Screen<'_>) -> Result<Session<'a>, CliError> {
    let tls = TlsFiles { ca: options.ca, ..TlsFiles::default() };
    let connection = session::connect(&options.server, options.token_file.as_deref(), &tls).await?;
    Ok(Session { connection, tenant: options.tenant, screen: screen.reborrow(), person: person() })
}

/// Who sits at the terminal, reads what is asked there and can answer.
fn person() -> Option<Box<dyn BufRead>> {
    let is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    is_there.then(|| Box::new(BufReader::new(io::stdin())) as Box<dyn BufRead>)
}
