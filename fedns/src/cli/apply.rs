use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::clap::Args;
use providers::sync::progress::Report;
use serde::Deserialize;
use tokio::runtime::Runtime;

use super::{CommandResult, ConfigFile, Failure, print};
use crate::config::{self, Config, ProviderConfig, ZoneConfig};
use crate::mirror::alone::{self, AlonePlan, Outcome, Purpose, Seen};
use crate::output::chain_text;
use crate::state::StateFolder;
use crate::terminal;

/// Apply a plan that `fedns plan --config` saved, or become the writer
///
/// Clusters and providers are looked at again, and the plan is carried out only where it is still the
/// same: where anything moved since, nothing is written, and a new plan is needed. What serve would
/// hold is carried out too, since somebody has seen it.
///
/// With --take-over this stateDir becomes the one that writes for the owner, in the place of a process
/// that is gone for good and has left its id at the provider. Not while a server runs on the same
/// stateDir.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns plan --config fedns.yaml -o json > plan.json
  fedns apply --config fedns.yaml --plan plan.json
  fedns apply --take-over")]
pub struct Apply {
    #[command(flatten)]
    file: ConfigFile,
    /// The plan, as JSON
    #[arg(long, value_name = "FILE", required_unless_present = "take_over")]
    plan: Option<PathBuf>,
    /// Replace the id of another writer
    #[arg(long)]
    take_over: bool,
}

/// What a saved plan is recognised by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Saved {
    provider: String,
    #[serde(default)]
    place: String,
    hash: String,
}

impl Apply {
    pub fn run(self) -> CommandResult {
        let approved = self.plan.as_deref().map(approved).transpose()?;
        let config = config::load(&config::locate(self.file.config.as_deref())?)?;
        if self.take_over && config.leader_election.is_some() {
            let line = "leaderElection says who writes, so there is nothing to take over";
            return Err(Failure::one(format!("{}: {line}", config.file.display())));
        }
        let purpose = match (self.take_over, &approved) {
            (false, _) => Purpose::Sync,
            (true, Some(_)) => Purpose::SyncAndTakeOver,
            (true, None) => Purpose::TakeOver,
        };
        let runtime = runtime()?;
        let Writer { id, folder: _folder } = Writer::new(&config)?;
        let (planned, failures) = planned(&runtime, &config, id, purpose)?;
        if !failures.is_empty() {
            // All or nothing: what was approved is a plan for every provider.
            return Err(Failure { lines: failures });
        }
        if let Some(approved) = approved {
            still_approved(&planned, &approved)?;
        }
        for AlonePlan { title, replaced, .. } in &planned {
            match replaced {
                Some(found) => print(format!("{title}: takes the place of {found}\n"))?,
                None if self.take_over => print(format!("{title}: no other writer\n"))?,
                None => ExitCode::SUCCESS,
            };
        }
        carry_out(&runtime, planned)
    }
}

/// A plan that was saved.
struct Approved<'a> {
    file: &'a Path,
    /// One for each provider.
    plans: BTreeSet<Saved>,
}

fn approved(file: &Path) -> Result<Approved<'_>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let file = file.display();
        Failure::one(format!(
            "{file}: {error}; wanted what fedns plan --config FILE -o json prints"
        ))
    };
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    let saved: Vec<Saved> = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
    Ok(Approved { file, plans: saved.into_iter().collect() })
}

fn still_approved(planned: &[AlonePlan], approved: &Approved<'_>) -> Result<(), Failure> {
    let saved = |it: &AlonePlan| {
        let AlonePlan { title, place, hash, .. } = it;
        Saved { provider: title.clone(), place: place.clone(), hash: hash.clone() }
    };
    let now: BTreeSet<Saved> = planned.iter().map(saved).collect();
    let file = approved.file.display().to_string();
    difference(&now, &approved.plans, &file).map_or(Ok(()), |why| {
        Err(Failure::one(format!(
            "{why}; nothing was written, so make a new plan: fedns plan --config FILE -o json"
        )))
    })
}

/// How what would be done now is not exactly what was saved in `file`.
fn difference(now: &BTreeSet<Saved>, saved: &BTreeSet<Saved>, file: &str) -> Option<String> {
    if let Some(Saved { provider, place, hash }) = now.difference(saved).next() {
        let at = if place.is_empty() { String::new() } else { format!(" ({place})") };
        let has_one = saved.iter().any(|it| it.provider == *provider && it.place == *place);
        let holds = if has_one { "another one" } else { "none for it" };
        return Some(format!("{provider}{at}: the plan is now {hash}, and {file} holds {holds}"));
    }
    let Saved { provider, .. } = saved.difference(now).next()?;
    Some(format!("{provider}: {file} holds a plan for it, and the config does not name it"))
}

/// The writer that this process is at providers.
pub(super) struct Writer {
    /// `None` where a lease decides who writes, and not the claim at the provider.
    pub(super) id: Option<String>,
    /// Kept until the end: a server on the same folder would be a second writer.
    pub(super) folder: StateFolder,
}

impl Writer {
    pub(super) fn new(config: &Config) -> Result<Self, Failure> {
        let folder = StateFolder::open(&config.state_dir);
        let folder = folder.map_err(|error| Failure::one(chain_text(&error)))?;
        let id = folder.writer_id();
        let id = id.map_err(|error| Failure::one(format!("the writer's id: {error}")))?;
        Ok(Self { id: config.leader_election.is_none().then_some(id), folder })
    }
}

/// Applies plans one after the other, and tells what came of each.
pub(super) fn carry_out(
    runtime: &Runtime,
    planned: impl IntoIterator<Item = AlonePlan>,
) -> CommandResult {
    let mut failures = Vec::new();
    for plan in planned {
        let title = plan.title.clone();
        let outcome = runtime.block_on(plan.apply(show));
        let Outcome { planned, landed, failures: lines, conflicts } = outcome;
        let mut text = format!("{title}: {landed} of {planned} names changed\n");
        text.extend(conflicts.iter().map(|conflict| format!("  ! left as it is: {conflict}\n")));
        print(text)?;
        failures.extend(lines.into_iter().map(|line| format!("{title}: {line}")));
    }
    if failures.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure { lines: failures }) }
}

/// A bar on a terminal, drawn over and over; a line now and then elsewhere.
fn show(report: Report, is_time: bool) {
    let mut stderr = std::io::stderr();
    // A closed stderr leaves nobody to tell.
    let _ = match stderr.is_terminal() {
        true => {
            let end = if report.done < report.total { "" } else { "\n" };
            write!(stderr, "\r{}\x1b[K{end}", terminal::line(report))
        }
        false if is_time => writeln!(stderr, "{}", terminal::text(report)),
        false => Ok(()),
    };
}

/// The plans for the providers of a config, and one line for each that has none. `writer`: under which id
/// they are going to be carried out.
pub fn planned(
    runtime: &Runtime,
    config: &Config,
    writer: Option<String>,
    purpose: Purpose,
) -> Result<(Vec<AlonePlan>, Vec<String>), Failure> {
    let mirrored = mirrored(config)?;
    let seen = look(runtime, config)?;
    let (mut planned, mut failures) = (Vec::new(), Vec::new());
    for (zone, provider) in mirrored {
        let plan = alone::plan(config, &seen, (zone, provider), writer.clone(), purpose);
        match runtime.block_on(plan) {
            Ok(plan) => planned.push(plan),
            Err(failure) => failures.extend(at_provider(zone, provider, &failure).lines),
        }
    }
    Ok((planned, failures))
}

/// Every zone with each of its providers; fails where there is none.
pub(super) fn mirrored<'a>(
    config: &'a Config,
) -> Result<Vec<(&'a ZoneConfig, &'a ProviderConfig)>, Failure> {
    let providers =
        |zone: &'a ZoneConfig| zone.providers.iter().map(move |provider| (zone, provider));
    let mirrored: Vec<_> = config.zones.iter().flat_map(providers).collect();
    if mirrored.is_empty() {
        let file = config.file.display();
        let message =
            "no provider is configured; give providers, like [{kind: alidns, owner: shop}]";
        return Err(Failure::one(format!("{file}: {message}")));
    }
    Ok(mirrored)
}

/// Looks at every cluster once, and tells those that do not show everything.
pub(super) fn look(runtime: &Runtime, config: &Config) -> Result<Seen, Failure> {
    let seen = runtime.block_on(alone::look(config))?;
    for line in seen.missing_lines() {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "fedns: {line}");
    }
    Ok(seen)
}

pub(super) fn at_provider(
    zone: &ZoneConfig,
    provider: &ProviderConfig,
    failure: &dyn std::fmt::Display,
) -> Failure {
    Failure::one(format!("{} for {}: {failure}", provider.kind.word(), zone.name))
}

pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(plans: &[(&str, &str, &str)]) -> BTreeSet<Saved> {
        let saved = |(provider, place, hash): &(&str, &str, &str)| Saved {
            provider: (*provider).into(),
            place: (*place).into(),
            hash: (*hash).into(),
        };
        plans.iter().map(saved).collect()
    }

    fn check(now: &[(&str, &str, &str)], saved: &[(&str, &str, &str)], expect: Option<&str>) {
        let difference = difference(&plans(now), &plans(saved), "plan.json");
        assert_eq!(difference.as_deref(), expect);
    }

    #[test]
    fn a_saved_plan_is_for_exactly_its_providers() {
        let (one, two) = (("rfc2136", "ns1:53", "a"), ("rfc2136", "ns2:53", "a"));
        check(&[one], &[one], None);
        check(&[one, two], &[two, one], None);
        let none = "rfc2136 (ns2:53): the plan is now a, and plan.json holds none for it";
        check(&[two], &[one], Some(none));
        check(&[one, two], &[one], Some(none));
        let gone = "rfc2136: plan.json holds a plan for it, and the config does not name it";
        check(&[one], &[one, two], Some(gone));
        let moved = ("rfc2136", "ns1:53", "b");
        let another = "rfc2136 (ns1:53): the plan is now b, and plan.json holds another one";
        check(&[moved], &[one], Some(another));
    }
}
