use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use ::clap::{ArgGroup, Args};
use model::Name;
use providers::sync::mirror::{Adoption, FromWhom, Left};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::plan::{PlanFormat, alone_value, changes_text};
use super::{CommandResult, Failure, apply, print};
use crate::config::{self, Config, ProviderConfig, ZoneConfig};
use crate::mirror::alone::{self, AlonePlan, ImportPlan, Seen};
use crate::output;

/// Take over records that another tool wrote at the providers
///
/// Without NAME: those of the federation's names that clusters give now, what kubefed wrote only as far
/// as it holds nothing else than what fedns would write. A NAME is taken over whatever it holds; one
/// that no Service gives is deleted, as the plan shows. Names outside the federation's pattern must be
/// named, and stand in staticRecords; they are kept equal to these from then on.
///
/// Shows the plan and asks. Without a terminal and without --yes it only shows, with exit code 2. Stop
/// the other tool first, or take these names out of its hands: two writers undo each other's changes.
/// Not while a server runs on the same stateDir.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("from").required(true),
    after_help = "Examples:
  fedns import --from-owner default
  fedns import --kubefed --yes
  fedns import --from-owner default www.example.com
  fedns import --kubefed -o json"
)]
pub struct Import {
    /// Names to take over, whatever they hold
    #[arg(value_name = "NAME", value_parser = Name::parse)]
    names: Vec<Name>,
    /// Records with this owner in their TXT records, as ExternalDNS (--txt-owner-id) and fedns write them
    #[arg(long, value_name = "ID", group = "from")]
    from_owner: Option<String>,
    /// Records without any TXT record, as kubefed wrote them
    #[arg(long, group = "from")]
    kubefed: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: PlanFormat,
    /// Config file [default: ./fedns.yaml, then /etc/fedns/fedns.yaml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A plan for each provider that one of the names belongs to.
struct Planner<'a> {
    runtime: &'a Runtime,
    config: &'a Config,
    seen: Seen,
    writer: Option<String>,
    from: FromWhom,
    names: BTreeSet<Name>,
}

// === impl Import ===

impl Import {
    pub fn run(self) -> CommandResult {
        let config = config::load(&config::locate(self.config.as_deref())?)?;
        let may_write = self.yes || is_terminal();
        let runtime = apply::runtime()?;
        let writer = may_write.then(|| apply::Writer::new(&config)).transpose()?;
        let planner = Planner {
            seen: apply::look(&runtime, &config)?,
            runtime: &runtime,
            config: &config,
            writer: writer.as_ref().and_then(|writer| writer.id.clone()),
            from: self.from_owner.clone().map_or(FromWhom::Unmarked, FromWhom::Owner),
            names: self.names.iter().cloned().collect(),
        };
        let shown = planner.plans()?;
        let value = Value::Array(shown.iter().map(value).collect());
        print(match self.output {
            PlanFormat::Json => output::json(&value),
            PlanFormat::Yaml => output::yaml(&value),
            format => shown.iter().map(|it| text(it, format)).collect(),
        })?;
        let names: usize = shown.iter().map(|plan| plan.adopted.names.len()).sum();
        if names == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        if !may_write || !(self.yes || agrees(names)?) {
            return Ok(ExitCode::from(2));
        }
        carry_out(&planner, &shown)
    }
}

/// Looks at providers once more: a person may have thought for long.
fn carry_out(planner: &Planner<'_>, shown: &[ImportPlan]) -> CommandResult {
    let again = planner.plans()?;
    for (shown, now) in shown.iter().zip(&again) {
        let AlonePlan { title, hash, .. } = &now.planned;
        if *hash != shown.planned.hash {
            return Err(Failure::one(format!(
                "{title}: something moved since the plan was shown; nothing was written, so run it again"
            )));
        }
    }
    apply::carry_out(planner.runtime, again.into_iter().map(|plan| plan.planned))
}

fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn agrees(names: usize) -> Result<bool, Failure> {
    let failed = |error| Failure::one(format!("the terminal: {error}"));
    let mut stderr = std::io::stderr();
    write!(stderr, "Take over {names} names? [y/N] ").map_err(failed)?;
    stderr.flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

// === impl Planner ===

impl Planner<'_> {
    fn plans(&self) -> Result<Vec<ImportPlan>, Failure> {
        let mirrored = apply::mirrored(self.config)?;
        let has_place =
            |name: &&Name| mirrored.iter().any(|(zone, _)| name.is_at_or_below(&zone.name));
        if let Some(name) = self.names.iter().find(|name| !has_place(name)) {
            return Err(Failure::one(format!("{name} lies in no zone that is mirrored")));
        }
        let plans = mirrored.into_iter().filter_map(|(zone, provider)| self.plan(zone, provider));
        plans.collect()
    }

    /// `None` where none of the names lies in this zone.
    fn plan(
        &self,
        zone: &ZoneConfig,
        provider: &ProviderConfig,
    ) -> Option<Result<ImportPlan, Failure>> {
        let names = self.names.iter().filter(|name| name.is_at_or_below(&zone.name));
        let names: BTreeSet<Name> = names.cloned().collect();
        if names.is_empty() && !self.names.is_empty() {
            return None;
        }
        let adoption = Adoption { from: self.from.clone(), names };
        let (mirrored, writer) = ((zone, provider), self.writer.clone());
        let plan = alone::plan_import(self.config, &self.seen, mirrored, writer, &adoption);
        let plan = self.runtime.block_on(plan);
        Some(plan.map_err(|failure| apply::at_provider(zone, provider, &failure)))
    }
}

fn text(import: &ImportPlan, format: PlanFormat) -> String {
    let ImportPlan { planned: AlonePlan { title, plan, hash, .. }, adopted } = import;
    let title = match adopted.names.len() {
        0 => format!("{title}: nothing to take over\n"),
        count => format!("{title}: {count} names to take over, plan {hash}\n"),
    };
    let mut text = format.remark(&title) + &changes_text(plan, format);
    text.extend(adopted.left.iter().map(|left| format.remark(&format!("  ! {left}\n"))));
    text
}

fn value(import: &ImportPlan) -> Value {
    let left: Vec<Value> = import
        .adopted
        .left
        .iter()
        .map(|Left { name, why }| json!({"name": name, "reason": why}))
        .collect();
    let mut value = alone_value(&import.planned);
    value["names"] = json!(import.adopted.names);
    value["left"] = json!(left);
    value
}
