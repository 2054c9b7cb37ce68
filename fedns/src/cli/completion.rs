use ::clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, CommandResult, print};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(fedns completion bash)
  fedns completion fish > ~/.config/fish/completions/fedns.fish")]
pub struct Completion {
    shell: Shell,
}

impl Completion {
    pub fn run(self) -> CommandResult {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "fedns", &mut script);
        print(String::from_utf8_lossy(&script))
    }
}
