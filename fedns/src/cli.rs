//! The command line.

mod apply;
mod check;
mod client;
mod clusters;
mod completion;
mod config;
#[cfg(feature = "federation")]
mod delete;
#[cfg(feature = "federation")]
mod everywhere;
mod explain;
mod get;
mod import;
#[cfg(feature = "federation")]
mod init;
#[cfg(feature = "federation")]
mod kubeconfig;
#[cfg(feature = "federation")]
mod join;
#[cfg(feature = "federation")]
mod kinds;
#[cfg(feature = "federation")]
mod orphans;
mod plan;
mod preflight;
mod query;
#[cfg(feature = "federation")]
mod reach;
mod records;
mod serve;
mod status;
#[cfg(feature = "federation")]
mod steps;
#[cfg(feature = "federation")]
mod unjoin;
mod version;

use std::fmt::Display;
use std::io::Write;
#[cfg(feature = "federation")]
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
#[cfg(feature = "federation")]
use std::time::Duration;

use ::clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::output;

/// Federated DNS for Services that run in several Kubernetes clusters.
///
/// fedns watches the LoadBalancer addresses of the same Service in every cluster and answers
/// SERVICE.NAMESPACE.FEDERATION.svc.ZONE authoritatively, at zone, region and global level.
#[derive(Debug, Parser)]
#[command(name = "fedns", version, disable_help_subcommand = true, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Records(records::Records),
    Clusters(clusters::Clusters),
    Explain(explain::Explain),
    Plan(plan::Plan),
    Preflight(preflight::Preflight),
    Apply(apply::Apply),
    Import(import::Import),
    Query(query::Query),
    Config(config::ShowConfig),
    Status(status::ShowStatus),
    #[cfg(feature = "federation")]
    Kubeconfig(kubeconfig::Kubeconfig),
    #[cfg(feature = "federation")]
    Init(Box<init::Init>),
    #[cfg(feature = "federation")]
    Delete(Box<delete::Delete>),
    Completion(completion::Completion),
    Version(version::Version),
    #[cfg(feature = "federation")]
    Join(Box<join::Join>),
    #[cfg(feature = "federation")]
    Unjoin(unjoin::Unjoin),
    #[cfg(feature = "federation")]
    Enable(kinds::Enable),
    #[cfg(feature = "federation")]
    Disable(kinds::Disable),
    #[cfg(feature = "federation")]
    Adopt(orphans::Adopt),
    #[cfg(feature = "federation")]
    Prune(orphans::Prune),
    #[command(subcommand, after_help = GET_EXAMPLES)]
    Get(get::Get),
}

/// How long a listener of this machine may take to accept a connection.
#[cfg(feature = "federation")]
const LISTENER_LIMIT: Duration = Duration::from_secs(1);

/// How kubectl calls its plugins.
const PLUGIN: &str = "kubectl-fedns";

const GET_EXAMPLES: &str = "Examples:
  fedns get clusters
  fedns get clusters -o wide";

/// The config file that commands take.
#[derive(Debug, Args)]
struct ConfigFile {
    /// Config file [default: ./fedns.yaml, then /etc/fedns/fedns.yaml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where a running server is asked.
#[derive(Debug, Args)]
struct Admin {
    #[command(flatten)]
    address: AdminAddress,
    #[cfg(feature = "federation")]
    #[command(flatten)]
    reach: reach::Reach,
}

#[derive(Debug, Args)]
struct AdminAddress {
    /// Admin address of the running server, https://HOST:PORT for TLS [default: 127.0.0.1:8053]
    #[arg(long, env = "FEDNS_ADMIN", value_name = "ADDRESS")]
    admin: Option<String>,
    /// File with the token of the server's adminTokenFile, to give orders over TLS
    #[arg(long, value_name = "FILE", requires = "admin")]
    token_file: Option<PathBuf>,
    /// File with the authority, in PEM, of the server's certificate [default: those of this machine]
    #[arg(long, value_name = "FILE", requires = "admin")]
    certificate_authority: Option<PathBuf>,
}

impl AdminAddress {
    fn text(&self) -> &str {
        self.admin.as_deref().unwrap_or("127.0.0.1:8053")
    }

    /// Nobody named one, and nobody listens where a server on this machine would.
    #[cfg(feature = "federation")]
    fn is_vain(&self) -> bool {
        let Ok(mut addresses) = self.text().to_socket_addrs() else { return false };
        self.admin.is_none()
            && !addresses.any(|it| TcpStream::connect_timeout(&it, LISTENER_LIMIT).is_ok())
    }
}

#[cfg(feature = "federation")]
impl Admin {
    /// As a plugin of kubectl, the current context is meant where nothing is named.
    fn asks_leader(&self) -> bool {
        self.reach.host().is_some() || (is_plugin() && self.address.admin.is_none())
    }
}

/// Commands of a federation with an API of its own.
#[cfg(not(feature = "federation"))]
const FEDERATION_COMMANDS: [&str; 9] =
    ["adopt", "delete", "disable", "enable", "init", "join", "kubeconfig", "prune", "unjoin"];

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    #[cfg(not(feature = "federation"))]
    if let Some(word) = std::env::args().nth(1).filter(|it| FEDERATION_COMMANDS.contains(&&**it)) {
        return fail(&[format!(
            "{word:?}: this build of fedns has no federation; build it with --features federation"
        )]);
    }
    let parsed = command_line().try_get_matches();
    let command = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli.command,
        Err(error) => return tell_usage(&error),
    };
    if !matches!(command, Command::Serve(_)) {
        restore_sigpipe();
    }
    let result = match command {
        Command::Serve(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Records(command) => command.run(),
        Command::Clusters(command) => command.run(),
        Command::Get(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Join(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Unjoin(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Enable(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Disable(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Adopt(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Prune(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Preflight(command) => command.run(),
        Command::Apply(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Query(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Status(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Kubeconfig(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Init(command) => command.run(),
        #[cfg(feature = "federation")]
        Command::Delete(command) => command.run(),
        Command::Completion(command) => command.run(),
        Command::Version(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(Failure { lines }) => fail(&lines),
    }
}

/// True where kubectl runs this program for `kubectl fedns`.
fn is_plugin() -> bool {
    let program = std::env::args_os().next().unwrap_or_default();
    Path::new(&program).file_stem().is_some_and(|name| name == PLUGIN)
}

/// With the words that are typed in usage lines and examples.
fn command_line() -> ::clap::Command {
    let command = Cli::command();
    match is_plugin() {
        true => as_plugin(command.bin_name("kubectl fedns")),
        false => command,
    }
}

fn as_plugin(command: ::clap::Command) -> ::clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    let command = match examples {
        Some(text) => command.after_help(text.replace("  fedns ", "  kubectl fedns ")),
        None => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, as_plugin))
}

/// Help and version were asked for; anything else is an error like any other, for 2 has a meaning
/// of its own.
fn tell_usage(error: &::clap::Error) -> ExitCode {
    // A closed stream leaves nobody to tell.
    let _ = error.print();
    if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn fail(lines: &[String]) -> ExitCode {
    for line in lines {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "fedns: {line}");
    }
    ExitCode::FAILURE
}

/// `fedns records | head` ends quietly, as other tools do. Not for a server: a client of the admin
/// pages that hangs up early would end it.
fn restore_sigpipe() {
    // SAFETY: no other thread runs yet, and SIG_DFL is a valid disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Why a command failed, one line for each thing that is wrong.
#[derive(Debug)]
pub struct Failure {
    lines: Vec<String>,
}

pub type CommandResult = Result<ExitCode, Failure>;

impl Failure {
    fn one(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()] }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self { lines: error.lines }
    }
}

/// Whole output at once; fails where stdout is closed or full.
pub fn print(text: impl Display) -> CommandResult {
    output::print(text).map_err(|error| Failure::one(format!("stdout: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Help is 100 columns wide, and a line that is broken there cannot be copied into a shell.
    fn check(command: &::clap::Command) {
        let command = as_plugin(command.clone());
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in examples.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= 100, "{line}");
        }
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn no_line_of_an_example_is_broken() {
        check(&Cli::command());
    }
}
