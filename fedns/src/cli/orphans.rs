//! `fedns adopt` and `fedns prune`: copies in members whose object the federation has lost.

mod selection;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use ::clap::Args;
use clusters::federation::enabled;
use clusters::federation::orphans::{Orphan, Search};
use clusters::federation::steps::{Party, Told};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DynamicObject, PostParams};
use model::ClusterName;
use propagator::adoption::{Adopted, adopt};

use super::everywhere::{Everywhere, Parties, failure};
use super::steps::{self, Teller};
use super::{CommandResult, Failure, print};
use crate::output;
use selection::Selection;

/// Make objects of the federation anew from the copies that members have
///
/// For copies whose object is in the federation no more, though nobody deleted it: its etcd was lost, or
/// set back to a backup. The object becomes what was applied to the copies, so that none of them changes:
/// replicas are their sum, what differs becomes overrides, and where only some members have a copy the
/// object selects these. What the federation alone knew is lost: preferences, and labels of clusters by
/// which it was placed.
///
/// Not to be confused with the annotation fedns.io/adopt, by which an object of the federation takes over
/// objects of members that were never its copies.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns adopt --all --context=federation --host-cluster-context=hangzhou
  fedns adopt deployments/nginx services/nginx -n default --host-cluster-context=hangzhou
  fedns adopt --all --dry-run --host-cluster-context=hangzhou")]
pub struct Adopt {
    #[command(flatten)]
    selection: Selection,
    /// All orphans
    #[arg(long, conflicts_with = "objects")]
    all: bool,
    /// Print what would be made, and make nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    everywhere: Everywhere,
}

/// Delete copies in members whose object is in the federation no more
///
/// Shows them and asks. A copy whose deletion is owed to its member anyway is none of them. A namespace
/// goes with all that is in it. With kinds and names only these, else all.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns prune --dry-run --context=federation --host-cluster-context=hangzhou
  fedns prune --host-cluster-context=hangzhou
  fedns prune configmaps/old -n default --yes --host-cluster-context=hangzhou")]
pub struct Prune {
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    everywhere: Everywhere,
}

/// What was found.
struct Found {
    parties: Parties,
    /// Those that could be asked.
    members: BTreeMap<String, Party>,
    orphans: Vec<Orphan>,
}

// === impl Adopt ===

impl Adopt {
    pub fn run(self) -> CommandResult {
        let teller = Teller::default();
        finish(steps::run(self.adopt(&teller))?, &teller)
    }

    async fn adopt(&self, teller: &Teller) -> CommandResult {
        let found = find(&self.everywhere, &self.selection).await?;
        // A member that was not asked may have copies that would not be counted, or be deleted.
        if let Some(line) = unreached(&found.parties).first() {
            return Err(Failure::one(format!(
                "{line}; to adopt, all members must be read (--cluster-context=CLUSTER=CONTEXT where a \
                 context has another name; a member that is gone for good leaves by fedns unjoin)"
            )));
        }
        if found.orphans.is_empty() {
            return print("no orphans\n");
        }
        if self.selection.is_empty() && !self.all {
            print(table(&found.orphans))?;
            return Err(Failure::one("name some of them, or adopt --all"));
        }
        let all: BTreeSet<ClusterName> =
            found.members.keys().map(|name| ClusterName::new(name)).collect();
        for orphan in &found.orphans {
            let Some(adopted) = object_of(orphan, &all, &found.parties.label) else { continue };
            if self.dry_run {
                print(format!("---\n{}", output::yaml(&adopted.object)))?;
                continue;
            }
            make(&found, orphan, &adopted, teller).await?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn object_of(orphan: &Orphan, all: &BTreeSet<ClusterName>, label: &str) -> Option<Adopted> {
    let copies = orphan.copies.iter().map(|(name, copy)| (ClusterName::new(name), copy.clone()));
    adopt(&orphan.resource, &copies.collect(), all, label)
}

async fn make(
    found: &Found,
    orphan: &Orphan,
    adopted: &Adopted,
    teller: &Teller,
) -> Result<(), Failure> {
    let federation = &found.parties.federation;
    let words = orphan.words();
    // It may have been deleted, or made, since it was found.
    if orphan.is_known(federation).await.map_err(|error| failure(&error))? {
        teller.tell(Told::Note(format!("{words} is in the federation by now")));
        return Ok(());
    }
    for (cluster, copy) in &orphan.copies {
        let Some(member) = found.members.get(cluster) else { continue };
        let now = orphan.api(member).get_metadata_opt(&orphan.name).await;
        let now = now.map_err(|error| failure(&error))?.map(|now| now.metadata);
        let is_same = |now: &kube::api::ObjectMeta| {
            now.uid == copy.metadata.uid && now.deletion_timestamp.is_none()
        };
        if !now.as_ref().is_some_and(is_same) {
            teller.tell(Told::Note(format!("{words} is going in cluster {cluster}: left alone")));
            return Ok(());
        }
    }
    make_namespace(federation, &orphan.namespace, teller).await?;
    let clusters: Vec<&str> = orphan.copies.keys().map(String::as_str).collect();
    teller.tell(Told::Begun(format!("Adopting {words} of {}", clusters.join(", "))));
    let object: DynamicObject = serde_json::from_value(adopted.object.clone())
        .map_err(|error| Failure::one(format!("{words}: {error}")))?;
    let parameters =
        PostParams { field_manager: Some("fedns".to_owned()), ..PostParams::default() };
    let made = orphan.api(federation).create(&parameters, &object).await;
    made.map_err(|error| {
        let request = format!("{}: create {}", federation.words, orphan.resource.plural);
        failure(&clusters::Failure::new(&request, &error))
    })?;
    teller.tell(Told::Done(clusters::federation::steps::Change::Created));
    if !adopted.overridden.is_empty() {
        let names: Vec<&str> = adopted.overridden.iter().map(ClusterName::as_str).collect();
        teller.tell(Told::Note(format!(
            "what differs in {} stands in its overrides now",
            names.join(", ")
        )));
    }
    if adopted.is_selective {
        teller.tell(Told::Note(format!("{words} selects {} only", clusters.join(", "))));
    }
    Ok(())
}

/// One that is shared in members was nobody's copy, and is not found among the orphans.
async fn make_namespace(federation: &Party, name: &str, teller: &Teller) -> Result<(), Failure> {
    if name.is_empty() {
        return Ok(());
    }
    let api = Api::<Namespace>::all(federation.client());
    let known = api.get_metadata_opt(name).await.map_err(|error| failure(&error))?;
    if known.is_some() {
        return Ok(());
    }
    teller.tell(Told::Begun(format!("Creating namespace {name} in {}", federation.words)));
    let metadata = kube::api::ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    api.create(&PostParams::default(), &namespace).await.map_err(|error| failure(&error))?;
    teller.tell(Told::Done(clusters::federation::steps::Change::Created));
    Ok(())
}

// === impl Prune ===

impl Prune {
    pub fn run(self) -> CommandResult {
        let teller = Teller::default();
        finish(steps::run(self.prune(&teller))?, &teller)
    }

    async fn prune(&self, teller: &Teller) -> CommandResult {
        let found = find(&self.everywhere, &self.selection).await?;
        for line in unreached(&found.parties) {
            teller.tell(Told::Note(line));
        }
        if found.orphans.is_empty() {
            return print("no orphans\n");
        }
        print(table(&found.orphans))?;
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        let count: usize = found.orphans.iter().map(|orphan| orphan.copies.len()).sum();
        if !self.yes && !agrees(count)? {
            return Ok(ExitCode::from(2));
        }
        let mut lines = Vec::new();
        // What is in a namespace goes before it.
        for orphan in found.orphans.iter().rev() {
            lines.extend(remove(&found, orphan, teller).await?);
        }
        if lines.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure { lines }) }
    }
}

/// Returns what could not be deleted.
async fn remove(found: &Found, orphan: &Orphan, teller: &Teller) -> Result<Vec<String>, Failure> {
    let federation = &found.parties.federation;
    if orphan.is_known(federation).await.map_err(|error| failure(&error))? {
        let words = orphan.words();
        teller.tell(Told::Note(format!("{words} is in the federation by now: left alone")));
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for cluster in orphan.copies.keys() {
        let Some(member) = found.members.get(cluster) else { continue };
        teller.tell(Told::Begun(format!("Deleting {} in {}", orphan.words(), member.words)));
        match orphan.delete(cluster, member).await {
            Ok(change) => teller.tell(Told::Done(change)),
            Err(failure) => {
                teller.close();
                lines.push(failure.to_string());
            }
        }
    }
    Ok(lines)
}

/// Without a terminal nobody can agree.
fn agrees(count: usize) -> Result<bool, Failure> {
    let failed = |error| Failure::one(format!("the terminal: {error}"));
    let mut stderr = std::io::stderr();
    if !std::io::stdin().is_terminal() || !stderr.is_terminal() {
        return Ok(false);
    }
    write!(stderr, "Delete these {count} copies? [y/N] ").map_err(failed)?;
    stderr.flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

async fn find(everywhere: &Everywhere, selection: &Selection) -> Result<Found, Failure> {
    let parties = everywhere.reach().await?;
    let Parties { federation, host, namespace, label, .. } = &parties;
    let enabled = enabled::get(host, namespace).await.map_err(|error| failure(&error))?;
    let reached = parties.members.iter();
    let members: BTreeMap<String, Party> = reached
        .filter_map(|member| Some((member.name.clone(), member.party.as_ref().ok()?.clone())))
        .collect();
    let enabled = enabled.as_slice();
    let search = Search { federation, host, namespace, label, enabled, members: members.clone() };
    let orphans = search.find().await.map_err(|error| failure(&error))?;
    let orphans = selection.of(orphans)?;
    Ok(Found { parties, members, orphans })
}

fn unreached(parties: &Parties) -> Vec<String> {
    let failed = parties.members.iter().filter_map(|member| {
        let why = member.party.as_ref().err()?;
        Some(format!("cluster {} (context {}): {why}", member.name, member.context))
    });
    failed.collect()
}

fn table(orphans: &[Orphan]) -> String {
    let row = |orphan: &Orphan| {
        let Orphan { resource, namespace, name, copies } = orphan;
        let clusters: Vec<&str> = copies.keys().map(String::as_str).collect();
        vec![resource.kind.clone(), namespace.clone(), name.clone(), clusters.join(",")]
    };
    let rows: Vec<Vec<String>> = orphans.iter().map(row).collect();
    output::table(&["KIND", "NAMESPACE", "NAME", "CLUSTERS"], &rows)
}

fn finish(result: Option<CommandResult>, teller: &Teller) -> CommandResult {
    match result {
        Some(Ok(code)) => Ok(code),
        Some(Err(mut failure)) => {
            if !teller.close().is_empty() {
                failure.lines.push("the same command goes on".to_owned());
            }
            Err(failure)
        }
        None => {
            teller.close();
            Err(Failure::one("interrupted; the same command goes on"))
        }
    }
}
