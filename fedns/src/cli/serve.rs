use std::io::IsTerminal;
use std::process::ExitCode;

use ::clap::{Args, ValueEnum};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use super::{CommandResult, ConfigFile, Failure};
use crate::config;
use crate::terminal::{self, LogWriter};

/// Watch the clusters and answer DNS queries
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns serve
  fedns serve --config /etc/fedns/fedns.yaml --log-format json
  fedns serve --replace                    # in place of the one that runs, no query is lost

SIGHUP, or a change of the file, reloads the config. SIGTERM makes /readyz fail, answers on for
lameDuck if there are addresses in listen.dns, and ends with 0.

--replace is for another version, or keys that a reload does not take: the new process gets the
sockets, serials and histories of the old one, which goes on if the new one fails, and else
answers open connections for up to lameDuck and ends with 0.")]
pub struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// Take over from the fedns that serves from the same stateDir; without one, just start
    #[arg(long)]
    replace: bool,
    /// What to log, as TARGET=LEVEL,… or a level: error, warn, info, debug, trace
    // kube's client calls each request that fails an error and names no cluster; the watchers tell
    // what it means, once.
    #[arg(long, env = "FEDNS_LOG", default_value = "info,kube_client=off", value_name = "FILTER")]
    log: String,
    /// Form of log lines
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Serve {
    pub fn run(self) -> CommandResult {
        self.start_logging()?;
        let file = config::locate(self.file.config.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
        let ended = runtime.block_on(crate::serve::serve(&file, self.replace));
        // A large folder of manifests that is still being read keeps nobody waiting: what is in it is not used any more.
        runtime.shutdown_background();
        ended?;
        Ok(ExitCode::SUCCESS)
    }

    /// Logs go to stderr: stdout has the lines that scripts may read.
    fn start_logging(&self) -> Result<(), Failure> {
        let filter: Targets = self
            .log
            .parse()
            .map_err(|error| Failure::one(format!("--log {:?}: {error}", self.log)))?;
        let is_terminal = std::io::stderr().is_terminal();
        let lines = fmt::layer::<Registry>().with_writer(|| LogWriter).with_ansi(is_terminal);
        if is_terminal && self.log_format == LogFormat::Text {
            terminal::allow_bars();
        }
        let layer = match self.log_format {
            LogFormat::Text => lines.with_target(false).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry().with(layer.with_filter(filter)).init();
        Ok(())
    }
}
