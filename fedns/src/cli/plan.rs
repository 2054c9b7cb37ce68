use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::clap::{Args, Subcommand};
use providers::sync::plan::{ChangeRow, SetRow, rows};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, CommandResult, Failure, apply, client, print};
use crate::config;
use crate::mirror::alone::{AlonePlan, Purpose};
use crate::output::{self, Format};

/// Show what is about to happen at providers and what is held back, or let it go ahead
///
/// Asks the running server; with --config it looks at clusters and providers itself, and writes nothing.
///
/// Exit code 2 means that something is to be done or is held; 1 that a provider fails, so that nothing is
/// known to be left.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  fedns plan
  fedns plan -o json
  fedns plan --config fedns.yaml
  fedns plan --config fedns.yaml -o json > plan.json
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
    /// Plan for this config, without a running server
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    admin: Admin,
}

/// Let go ahead what is held: changes at a provider, or a reload of the config
///
/// At a provider, names that vanish and names that are rewritten only because the config changed are
/// counted over an hour; past 30 % of 10 or more the further ones are held, while all that keeps names
/// answering goes on. A reload that would make more than 30 % of 10 or more served names vanish is held,
/// and the old config runs on; so is one that looks at clusters in another way while one of them cannot
/// be seen. `fedns plan`, the log and `/readyz?verbose` tell the hash. An approval is good for exactly
/// what the hash stands for; at a provider, for an hour.
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
    changes: Vec<ChangeRow>,
}

#[derive(Deserialize)]
struct Mirror {
    provider: String,
    phase: String,
    reason: Option<String>,
    failing: bool,
    listed: Option<String>,
    owned: usize,
    changes: Vec<ChangeRow>,
    conflicts: Vec<String>,
    quarantined: Vec<Quarantined>,
    orphaned: Vec<Quarantined>,
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
        if let Some(config) = &self.config {
            return alone(config, self.output);
        }
        let value: Value = client::get_json(&self.admin, "/api/v1/plan")?;
        let plans = Plans::deserialize(&value)
            .map_err(|error| Failure::one(format!("{}: {error}", self.admin.admin)))?;
        print(match self.output {
            Format::Json => output::json(&value),
            Format::Yaml => output::yaml(&value),
            _ => text(&plans),
        })?;
        let is_done = plans.held.is_empty() && plans.mirrors.iter().all(|it| it.changes.is_empty());
        let is_known = !plans.mirrors.iter().any(|mirror| mirror.failing);
        Ok(match (is_done, is_known) {
            (false, _) => ExitCode::from(2),
            (true, true) => ExitCode::SUCCESS,
            (true, false) => ExitCode::FAILURE,
        })
    }
}

/// What is to be done for a config, seen once.
fn alone(config: &Path, format: Format) -> CommandResult {
    let planned = apply::planned(&apply::runtime()?, &config::load(config)?, None, Purpose::Sync)?;
    let is_done = planned.iter().all(|it| it.plan.is_empty());
    let value = Value::Array(planned.iter().map(alone_value).collect());
    print(match format {
        Format::Json => output::json(&value),
        Format::Yaml => output::yaml(&value),
        _ => planned.iter().map(alone_text).collect::<String>(),
    })?;
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

pub(super) fn alone_value(planned: &AlonePlan) -> Value {
    let AlonePlan { title, plan, hash, .. } = planned;
    let rows = |changes: &[providers::sync::change::Change]| -> Value {
        json!(changes.iter().flat_map(rows).collect::<Vec<_>>())
    };
    json!({
        "provider": title,
        "hash": hash,
        "changes": rows(&plan.changes),
        "held": rows(&plan.held),
        "conflicts": plan.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "orphaned": plan.orphans.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn alone_text(planned: &AlonePlan) -> String {
    let AlonePlan { title, plan, hash, .. } = planned;
    let count = plan.changes.len() + plan.held.len();
    let mut text = match count {
        0 => format!("{title}: no changes\n"),
        _ => format!("{title}: {count} names to change, plan {hash}\n"),
    };
    text += &changes_text(plan);
    text
}

/// All rows of a plan, and what is in its way.
pub(super) fn changes_text(plan: &providers::sync::plan::Plan) -> String {
    let mut text = String::new();
    text.extend(plan.changes.iter().flat_map(rows).map(|row| row_text(&row)));
    if !plan.held.is_empty() {
        text += &format!("  {} names that serve would hold until approved:\n", plan.held.len());
        text.extend(plan.held.iter().flat_map(rows).map(|row| row_text(&row)));
    }
    text.extend(plan.conflicts.iter().map(|conflict| format!("  ! {conflict}\n")));
    text.extend(plan.orphans.iter().map(|orphan| format!("  ! {orphan}\n")));
    text
}

fn text(plans: &Plans) -> String {
    let mut text: String = plans.mirrors.iter().map(mirror_text).collect();
    for Held { what, provider, reason, vanishing, changes } in &plans.held {
        match provider {
            Some(_) => text.extend(changes.iter().map(row_text)),
            None => text.extend(vanishing.iter().map(|name| format!("- {name}\n"))),
        }
        let what = provider.as_ref().unwrap_or(what);
        text += &format!("{what} held: {reason}\n");
    }
    if plans.held.is_empty() {
        text += "nothing is held\n";
    }
    text
}

fn mirror_text(mirror: &Mirror) -> String {
    let Mirror {
        provider, phase, reason, owned, changes, conflicts, quarantined, orphaned, ..
    } = mirror;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut text = format!("{provider}: {phase}, {owned} names of ours{reason}\n");
    text += &old_news(mirror);
    text.extend(changes.iter().map(row_text));
    text.extend(conflicts.iter().map(|conflict| format!("  ! {conflict}\n")));
    text.extend(quarantined.iter().map(|it| format!("  ! {} refused: {}\n", it.name, it.reason)));
    text.extend(orphaned.iter().map(|it| format!("  ! {}: orphaned: {}\n", it.name, it.reason)));
    text
}

/// While a provider fails, what is known of it is of earlier.
fn old_news(mirror: &Mirror) -> String {
    match (mirror.failing, &mirror.listed) {
        (false, _) => String::new(),
        (true, Some(at)) => {
            format!("  the provider was last read at {at}: what follows may be old\n")
        }
        (true, None) => {
            "  the provider has not been read yet: what is to be done is not known\n".into()
        }
    }
}

/// `+` what is new, `-` what goes, `~` what changes.
fn row_text(row: &ChangeRow) -> String {
    let ChangeRow { action, name, record_type, old, new } = row;
    let records = |set: &SetRow| format!("{} {}", set.ttl, set.values.join(" "));
    let sign = match action.as_str() {
        "create" => '+',
        "delete" => '-',
        _ => '~',
    };
    let sides: Vec<String> = old.iter().chain(new).map(records).collect();
    format!("  {sign} {name} {record_type} {}\n", sides.join(" -> "))
}
