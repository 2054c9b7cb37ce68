use std::process::ExitCode;

use ::clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::{Admin, CommandResult, Failure, client, print};
use crate::output::{self, Format};

/// Show what is about to happen at providers and what is held back, or let it go ahead
///
/// Exit code 2 means that something is to be done or is held.
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
struct Plans {
    held: Vec<Held>,
    mirrors: Vec<Mirror>,
}

#[derive(Deserialize)]
struct Held {
    what: String,
    provider: Option<String>,
    reason: String,
    vanishing: Vec<String>,
}

#[derive(Deserialize)]
struct Mirror {
    provider: String,
    phase: String,
    reason: Option<String>,
    owned: usize,
    changes: Vec<Change>,
    conflicts: Vec<String>,
    quarantined: Vec<Quarantined>,
}

#[derive(Deserialize)]
struct Change {
    action: String,
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    old: Option<Records>,
    new: Option<Records>,
}

#[derive(Deserialize)]
struct Records {
    ttl: u32,
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Quarantined {
    name: String,
    reason: String,
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
        let value: Value = client::get_json(&self.admin, "/api/v1/plan")?;
        let plans = Plans::deserialize(&value)
            .map_err(|error| Failure::one(format!("{}: {error}", self.admin.admin)))?;
        print(match self.output {
            Format::Json => output::json(&value),
            Format::Yaml => output::yaml(&value),
            _ => text(&plans),
        })?;
        let is_done = plans.held.is_empty() && plans.mirrors.iter().all(|it| it.changes.is_empty());
        Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}

fn text(plans: &Plans) -> String {
    let mut text: String = plans.mirrors.iter().map(mirror_text).collect();
    for Held { what, provider, reason, vanishing } in &plans.held {
        text.extend(vanishing.iter().map(|name| format!("- {name}\n")));
        let what = provider.as_ref().unwrap_or(what);
        text += &format!("{what} held: {reason}\n");
    }
    if plans.held.is_empty() {
        text += "nothing is held\n";
    }
    text
}

fn mirror_text(mirror: &Mirror) -> String {
    let Mirror { provider, phase, reason, owned, changes, conflicts, quarantined } = mirror;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut text = format!("{provider}: {phase}, {owned} names of ours{reason}\n");
    text.extend(changes.iter().map(change_text));
    text.extend(conflicts.iter().map(|conflict| format!("  ! {conflict}\n")));
    text.extend(quarantined.iter().map(|it| format!("  ! {} refused: {}\n", it.name, it.reason)));
    text
}

/// `+` what is new, `-` what goes, `~` what changes.
fn change_text(change: &Change) -> String {
    let Change { action, name, record_type, old, new } = change;
    let records = |records: &Records| format!("{} {}", records.ttl, records.values.join(" "));
    let sign = match action.as_str() {
        "create" => '+',
        "delete" => '-',
        _ => '~',
    };
    let sides: Vec<String> = old.iter().chain(new).map(records).collect();
    format!("  {sign} {name} {record_type} {}\n", sides.join(" -> "))
}
