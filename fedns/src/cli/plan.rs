/// The rows of a plan as a person reads them.
mod rows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::clap::{Args, Subcommand};
use providers::sync::plan::{ChangeRow, rows};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Order, Server};
use super::{Admin, CommandResult, Failure, apply, print};
use crate::config;
use crate::mirror::alone::{AlonePlan, Purpose};
use crate::output;
pub use rows::PlanFormat;

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
  fedns plan -o diff
  fedns plan --host-cluster-context hangzhou
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
    output: PlanFormat,
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
  fedns plan approve 5f2d8c11a90be374 --host-cluster-context hangzhou
  fedns plan approve 5f2d8c11a90be374 --admin https://ns1:8053 --token-file admin-token

Works on the server's machine, for the user that it runs as. With --host-cluster-context it runs in the leader's pod,
for whoever may exec there; over TLS it works for whoever has the token of the server's adminTokenFile.")]
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
    #[serde(rename = "notAllowed")]
    not_allowed: Vec<String>,
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
        let order = Order::ApprovePlan(&self.hash);
        print(Server::find(&self.admin)?.order(&order)? + "\n")
    }
}

impl Show {
    fn run(self) -> CommandResult {
        if let Some(config) = &self.config {
            return alone(config, self.output);
        }
        let server = Server::find(&self.admin)?;
        let value: Value = server.get_json("/api/v1/plan")?;
        let plans = Plans::deserialize(&value)
            .map_err(|error| Failure::one(format!("{}: {error}", server.name())))?;
        print(match self.output {
            PlanFormat::Json => output::json(&value),
            PlanFormat::Yaml => output::yaml(&value),
            format => text(&plans, format),
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
fn alone(config: &Path, format: PlanFormat) -> CommandResult {
    let config = config::load(config)?;
    let (planned, failures) = apply::planned(&apply::runtime()?, &config, None, Purpose::Sync)?;
    let is_done = planned.iter().all(|it| it.plan.is_empty());
    let value = Value::Array(planned.iter().map(alone_value).collect());
    print(match format {
        PlanFormat::Json => output::json(&value),
        PlanFormat::Yaml => output::yaml(&value),
        format => planned.iter().map(|it| alone_text(it, format)).collect::<String>(),
    })?;
    if !failures.is_empty() {
        // What is to be done at the others has been told.
        return Err(Failure { lines: failures });
    }
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

pub(super) fn alone_value(planned: &AlonePlan) -> Value {
    let AlonePlan { title, place, plan, hash, .. } = planned;
    let rows = |changes: &[providers::sync::change::Change]| -> Value {
        json!(changes.iter().flat_map(rows).collect::<Vec<_>>())
    };
    json!({
        "provider": title,
        "place": place,
        "hash": hash,
        "changes": rows(&plan.changes),
        "held": rows(&plan.held),
        "conflicts": plan.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "notAllowed": planned.mirror.not_allowed().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "orphaned": plan.orphans.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "otherWriter": planned.other_writer.as_ref().map(|finding| &finding.text),
    })
}

fn alone_text(planned: &AlonePlan, format: PlanFormat) -> String {
    let AlonePlan { title, plan, hash, mirror, other_writer, .. } = planned;
    let title = match plan.changes.len() + plan.held.len() {
        0 => format!("{title}: no changes\n"),
        count => format!("{title}: {count} names to change, plan {hash}\n"),
    };
    let mut text = format.remark(&title) + &changes_text(plan, format);
    let not_allowed = mirror.not_allowed().iter().map(|name| not_allowed_line(name));
    let other_writer = other_writer.iter().map(|finding| format!("  ! {}\n", finding.text));
    text.extend(not_allowed.chain(other_writer).map(|line| format.remark(&line)));
    text
}

/// All rows of a plan, and what is in its way.
pub(super) fn changes_text(plan: &providers::sync::plan::Plan, format: PlanFormat) -> String {
    let of = |changes: &[providers::sync::change::Change]| {
        format.rows(&changes.iter().flat_map(rows).collect::<Vec<_>>())
    };
    let mut text = of(&plan.changes);
    if !plan.held.is_empty() {
        let held = format!("  {} names that serve would hold until approved:\n", plan.held.len());
        text += &format.remark(&held);
        text += &of(&plan.held);
    }
    let conflicts = plan.conflicts.iter().map(ToString::to_string);
    let orphans = plan.orphans.iter().map(ToString::to_string);
    text.extend(conflicts.chain(orphans).map(|it| format.remark(&format!("  ! {it}\n"))));
    text
}

fn text(plans: &Plans, format: PlanFormat) -> String {
    let mut text: String = plans.mirrors.iter().map(|it| mirror_text(it, format)).collect();
    for Held { what, provider, reason, vanishing, changes } in &plans.held {
        match provider {
            Some(_) => text += &format.rows(changes),
            None => text.extend(vanishing.iter().map(|name| format!("- {name}\n"))),
        }
        let what = provider.as_ref().unwrap_or(what);
        text += &format.remark(&format!("{what} held: {reason}\n"));
    }
    if plans.held.is_empty() {
        text += &format.remark("nothing is held\n");
    }
    text
}

fn mirror_text(mirror: &Mirror, format: PlanFormat) -> String {
    let Mirror {
        provider,
        phase,
        reason,
        owned,
        changes,
        conflicts,
        quarantined,
        orphaned,
        not_allowed,
        ..
    } = mirror;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let heading = format!("{provider}: {phase}, {owned} names of ours{reason}\n");
    let mut text = format.remark(&(heading + &old_news(mirror)));
    text += &format.rows(changes);
    let conflicts = conflicts.iter().map(|conflict| format!("  ! {conflict}\n"));
    let quarantined =
        quarantined.iter().map(|it| format!("  ! {} refused: {}\n", it.name, it.reason));
    let orphaned = orphaned.iter().map(|it| format!("  ! {}: orphaned: {}\n", it.name, it.reason));
    let not_allowed = not_allowed.iter().map(|name| not_allowed_line(name));
    let remarks = conflicts.chain(quarantined).chain(not_allowed).chain(orphaned);
    text.extend(remarks.map(|line| format.remark(&line)));
    text
}

fn not_allowed_line(name: &dyn std::fmt::Display) -> String {
    format!("  ! {name}: its change is not allowed by policy\n")
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
