use ::clap::{Args, Subcommand};

use super::{Admin, CommandResult, client, print};

/// Let go ahead what the server holds back
#[derive(Debug, Args)]
pub struct Plan {
    #[command(subcommand)]
    command: PlanCommand,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    Approve(Approve),
}

/// Carry out a held reload of the config
///
/// A reload that would make more than 30 % of 10 or more served names vanish is held, and the old
/// config runs on. The log and `/readyz?verbose` tell the hash. An approval is good for exactly the
/// names that the hash stands for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns plan approve 5f2d8c11a90be374

Works on the server's machine, for the user that it runs as.")]
struct Approve {
    /// Hash of what is held
    hash: String,
    #[command(flatten)]
    admin: Admin,
}

impl Plan {
    pub fn run(self) -> CommandResult {
        let PlanCommand::Approve(Approve { hash, admin }) = self.command;
        let path = format!("/api/v1/plan/approve?hash={}", client::encode(&hash));
        print(client::order(&admin, &path)? + "\n")
    }
}
