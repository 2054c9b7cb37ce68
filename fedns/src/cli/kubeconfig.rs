mod merge;
mod sources;
mod ssh;

use ::clap::{Args, Subcommand};

use super::CommandResult;

/// Put kubeconfig files together
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns kubeconfig merge hangzhou=hangzhou.conf beijing=beijing.conf
  fedns kubeconfig merge -H hangzhou:root@192.0.2.1,beijing:root@192.0.2.2")]
pub struct Kubeconfig {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Merge(merge::Merge),
}

impl Kubeconfig {
    pub fn run(self) -> CommandResult {
        match self.command {
            Command::Merge(merge) => merge.run(),
        }
    }
}
