use std::process::ExitCode;

use ::clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::{Admin, CommandResult, Failure, client, print};
use crate::output::{self, Format};

/// Show what the server holds back, or let it go ahead
///
/// Exit code 2 means that something is held.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  fedns plan
  fedns plan -o json
  fedns plan approve 5f2d8c11a90be374"
)]
pub struct Plan {
    #[command(subcommand)]
    command: Option<PlanCommand>,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    Approve(Approve),
}

#[derive(Debug, Args)]
struct Show {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    admin: Admin,
}

/// Carry out a held reload of the config
///
/// A reload that would make more than 30 % of 10 or more served names vanish is held, and the old
/// config runs on; so is one that looks at clusters in another way while one of them cannot be seen.
/// `fedns plan`, the log and `/readyz?verbose` tell the hash. An approval is good for exactly what
/// the hash stands for.
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

#[derive(Deserialize)]
struct Held {
    what: String,
    reason: String,
    vanishing: Vec<String>,
}

impl Plan {
    pub fn run(self) -> CommandResult {
        match self.command {
            Some(PlanCommand::Approve(approve)) => approve.run(),
            None => self.show.run(),
        }
    }
}

impl Approve {
    fn run(self) -> CommandResult {
        let path = format!("/api/v1/plan/approve?hash={}", client::encode(&self.hash));
        print(client::order(&self.admin, &path)? + "\n")
    }
}

impl Show {
    fn run(self) -> CommandResult {
        #[derive(Deserialize)]
        struct Page {
            held: Vec<Held>,
        }
        let value: Value = client::get_json(&self.admin, "/api/v1/plan")?;
        let Page { held } = Page::deserialize(&value)
            .map_err(|error| Failure::one(format!("{}: {error}", self.admin.admin)))?;
        print(match self.output {
            Format::Json => output::json(&value),
            Format::Yaml => output::yaml(&value),
            _ => text(&held),
        })?;
        Ok(if held.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}

fn text(held: &[Held]) -> String {
    if held.is_empty() {
        return "nothing is held\n".into();
    }
    let mut text = String::new();
    for Held { what, reason, vanishing } in held {
        text.extend(vanishing.iter().map(|name| format!("- {name}\n")));
        text += &format!("{what} held: {reason}\n");
    }
    text
}
