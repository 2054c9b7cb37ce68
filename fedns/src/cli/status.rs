use std::collections::BTreeMap;

use ::clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Server;
use super::{Admin, CommandResult, Failure, print};
use crate::output;

/// Show a federation at one look: control plane, members, what waits, what is in the way
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns status --host-cluster-context hangzhou
  fedns status
  fedns status -o json

COPIES are the federation's objects that stand in a member; WAITING those that are to be written or
deleted there, or tried again; CONFLICTS objects of others that stand where a copy should be; DEBTS
deletions that a member is owed until it can be reached. What is in the way is told line by line below:
also kinds that a member does not serve or does not let fedns see, orphans, copies whose object is in the
federation no more, and what fedns plan holds back.")]
pub struct ShowStatus {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: StatusFormat,
    #[command(flatten)]
    admin: Admin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ::clap::ValueEnum)]
enum StatusFormat {
    #[default]
    Table,
    Json,
    Yaml,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    federation: String,
    members: Vec<Member>,
    members_are_complete: bool,
    troubles: Vec<String>,
    propagation: Propagation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    name: String,
    membership: String,
    unusable: Option<String>,
    unrenewed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Propagation {
    writes: bool,
    federation: Queue,
    clusters: BTreeMap<String, Cluster>,
    /// False for those that are being disabled.
    enabled_kinds: BTreeMap<String, bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    waiting: usize,
    in_flight: usize,
    failures: Vec<Remark>,
    unlisted: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    #[serde(flatten)]
    queue: Queue,
    copies: usize,
    conflicts: Vec<Remark>,
    orphan_count: usize,
    debts: Vec<Object>,
    debts_failure: Option<String>,
}

#[derive(Deserialize)]
struct Remark {
    object: Object,
    detail: String,
}

#[derive(Deserialize)]
struct Object {
    kind: String,
    namespace: String,
    name: String,
}

/// A row of `/api/v1/clusters`.
#[derive(Deserialize)]
struct Watched {
    name: String,
    phase: String,
    reason: Option<String>,
}

/// Of `/api/v1/plan`.
#[derive(Deserialize)]
struct Dns {
    held: Vec<Held>,
    mirrors: Vec<Mirror>,
}

#[derive(Deserialize)]
struct Held {
    what: String,
    provider: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Mirror {
    provider: String,
    reason: Option<String>,
    failing: bool,
}

impl ShowStatus {
    pub fn run(self) -> CommandResult {
        let server = Server::find(&self.admin)?;
        let federation: Value = server.get_json("/api/v1/federation")?;
        if federation.is_null() {
            let name = server.name();
            return Err(Failure::one(format!(
                "{name}: this server serves no federation with an API of its own: its config has no controlPlane; \
                 see fedns clusters"
            )));
        }
        let clusters: Value = server.get_json("/api/v1/clusters")?;
        let plan: Value = server.get_json("/api/v1/plan")?;
        let value = json!({
            "federation": federation,
            "clusters": clusters,
            "held": plan["held"],
            "mirrors": plan["mirrors"],
        });
        match self.output {
            StatusFormat::Json => return print(output::json(&value)),
            StatusFormat::Yaml => return print(output::yaml(&value)),
            StatusFormat::Table => {}
        }
        let unexpected = |error: serde_json::Error| {
            let name = server.name();
            Failure::one(format!("{name}: the answer is not what this version expects: {error}"))
        };
        let page = Page::deserialize(&value["federation"]).map_err(unexpected)?;
        let watched = Vec::<Watched>::deserialize(&value["clusters"]).map_err(unexpected)?;
        let dns = Dns::deserialize(&value).map_err(unexpected)?;
        print(text(&page, &watched, &dns))
    }
}

fn text(page: &Page, watched: &[Watched], dns: &Dns) -> String {
    let Page { federation, members, members_are_complete, troubles, propagation } = page;
    let writer = match propagation.writes {
        true => "this server writes",
        false => "this server stands by",
    };
    let Queue { waiting, in_flight, .. } = &propagation.federation;
    let mut text = format!(
        "federation {federation}: {writer}; {} in its own API\n\n",
        waiting_text(*waiting, *in_flight)
    );
    let rows: Vec<Vec<String>> = members.iter().map(|it| row(it, page, watched)).collect();
    text += &match rows.is_empty() {
        true => "no clusters: add one with fedns join\n".to_owned(),
        false => {
            output::table(&["NAME", "STATUS", "COPIES", "WAITING", "CONFLICTS", "DEBTS"], &rows)
        }
    };
    let mut lines = kind_lines(&propagation.enabled_kinds);
    if !members_are_complete {
        lines.push("the members have not all been read yet".to_owned());
    }
    lines.extend(troubles.iter().cloned());
    lines.extend(dns_lines(dns));
    lines.extend(members.iter().flat_map(|it| member_lines(it, watched)));
    lines.extend(queue_lines("the federation's API", &propagation.federation));
    for (name, cluster) in &propagation.clusters {
        lines.extend(cluster_lines(name, cluster));
    }
    if !lines.is_empty() {
        text += &format!("\n{}\n", lines.join("\n"));
    }
    text
}

fn row(member: &Member, page: &Page, watched: &[Watched]) -> Vec<String> {
    let phase = watched.iter().find(|it| it.name == member.name).map(|it| it.phase.clone());
    let status = match member.membership.as_str() {
        "Leaving" => "Leaving".to_owned(),
        _ => phase.unwrap_or_else(|| "Unknown".into()),
    };
    let mut cells = vec![member.name.clone(), status];
    match page.propagation.clusters.get(&member.name) {
        Some(Cluster { queue, copies, conflicts, debts, .. }) => {
            let counts = [*copies, queue.waiting + queue.in_flight, conflicts.len(), debts.len()];
            cells.extend(counts.map(|count| count.to_string()));
        }
        None => cells.extend(["-"; 4].map(str::to_owned)),
    }
    cells
}

/// What keeps DNS from what the members say.
fn dns_lines(Dns { held, mirrors }: &Dns) -> Vec<String> {
    let held = held.iter().map(|Held { what, provider, reason }| {
        format!("{} held: {reason}", provider.as_ref().unwrap_or(what))
    });
    let failing =
        mirrors.iter().filter(|it| it.failing).map(|Mirror { provider, reason, .. }| {
            format!("{provider}: {}", reason.as_deref().unwrap_or("it fails"))
        });
    held.chain(failing).collect()
}

fn member_lines(member: &Member, watched: &[Watched]) -> Vec<String> {
    let Member { name, membership, unusable, unrenewed } = member;
    let mut lines = Vec::new();
    if membership == "WithoutObject" {
        lines.push(format!(
            "{name}: its Cluster object is not there, and its Secret keeps it a member: run fedns join again, or \
             fedns unjoin"
        ));
    }
    let reason = watched.iter().find(|it| it.name == *name).and_then(|it| it.reason.clone());
    lines.extend(unusable.clone().or(reason).map(|why| format!("{name}: {why}")));
    lines.extend(
        unrenewed.iter().map(|why| format!("{name}: its credential is not renewed: {why}")),
    );
    lines
}

fn cluster_lines(name: &str, cluster: &Cluster) -> Vec<String> {
    let Cluster { queue, conflicts, orphan_count, debts, debts_failure, .. } = cluster;
    let mut lines = queue_lines(name, queue);
    if *orphan_count > 0 {
        let copies = if *orphan_count == 1 { "copy" } else { "copies" };
        lines.push(format!(
            "{name}: {orphan_count} {copies} without an object: `fedns adopt` makes it anew, `fedns prune` \
             deletes them"
        ));
    }
    let conflict = |it: &Remark| format!("{name}: conflict: {}: {}", it.object.text(), it.detail);
    lines.extend(conflicts.iter().map(conflict));
    lines.extend(debts.iter().map(|it| format!("{name}: owed: the deletion of {}", it.text())));
    lines.extend(debts_failure.iter().map(|why| format!("{name}: its debts: {why}")));
    lines
}

fn kind_lines(enabled: &BTreeMap<String, bool>) -> Vec<String> {
    let of = |is_enabled: bool| -> Vec<&str> {
        let named = enabled.iter().filter(|(_, it)| **it == is_enabled);
        named.map(|(name, _)| name.as_str()).collect()
    };
    [("enabled kinds", of(true)), ("kinds that are being disabled", of(false))]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", names.join(", ")))
        .collect()
}

fn queue_lines(name: &str, queue: &Queue) -> Vec<String> {
    let failure = |it: &Remark| format!("{name}: {}: {}", it.object.text(), it.detail);
    let unlisted =
        |(kind, why): (&String, &String)| format!("{name}: {kind} cannot be listed: {why}");
    queue.failures.iter().map(failure).chain(queue.unlisted.iter().map(unlisted)).collect()
}

fn waiting_text(waiting: usize, in_flight: usize) -> String {
    match waiting + in_flight {
        0 => "nothing waits".into(),
        1 => "1 write waits".into(),
        count => format!("{count} writes wait"),
    }
}

// === impl Object ===

impl Object {
    fn text(&self) -> String {
        let Self { kind, namespace, name } = self;
        match namespace.is_empty() {
            true => format!("{kind} {name:?}"),
            false => format!("{kind} \"{namespace}/{name}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_tells_members_and_what_is_in_the_way() {
        let object = json!({"kind": "ConfigMap", "namespace": "default", "name": "c"});
        let page = json!({
            "federation": "fed",
            "members": [
                {"name": "beijing", "membership": "Joined"},
                {"name": "hangzhou", "membership": "WithoutObject"},
            ],
            "membersAreComplete": true,
            "troubles": [],
            "propagation": {
                "writes": true,
                "federation": {"waiting": 0, "inFlight": 0, "failures": [], "unlisted": {}},
                "clusters": {"beijing": {
                    "waiting": 1, "inFlight": 0, "failures": [], "unlisted": {}, "copies": 12,
                    "conflicts": [{"object": object, "detail": "it is not ours"}],
                    "orphanCount": 2, "debts": [object],
                }},
                "enabledKinds": {"widgets.example.com": true, "limitranges": false},
            },
        });
        let page: Page = serde_json::from_value(page).unwrap();
        let watched = |name: &str, phase: &str, reason: Option<&str>| Watched {
            name: name.into(),
            phase: phase.into(),
            reason: reason.map(str::to_owned),
        };
        let watched =
            [watched("beijing", "Ready", None), watched("hangzhou", "Offline", Some("no answer"))];
        let expect = "federation fed: this server writes; nothing waits in its own API

NAME       STATUS    COPIES   WAITING   CONFLICTS   DEBTS
beijing    Ready     12       1         1           1
hangzhou   Offline   -        -         -           -

enabled kinds: widgets.example.com
kinds that are being disabled: limitranges
reload held: 9 of 26 names would vanish
alidns example.com.: the key is refused
hangzhou: its Cluster object is not there, and its Secret keeps it a member: run fedns join again, or fedns unjoin
hangzhou: no answer
beijing: 2 copies without an object: `fedns adopt` makes it anew, `fedns prune` deletes them
beijing: conflict: ConfigMap \"default/c\": it is not ours
beijing: owed: the deletion of ConfigMap \"default/c\"
";
        let dns = json!({
            "held": [{"what": "reload", "provider": null, "reason": "9 of 26 names would vanish"}],
            "mirrors": [
                {"provider": "alidns example.com.", "reason": "the key is refused", "failing": true},
                {"provider": "route53 example.com.", "reason": null, "failing": false},
            ],
        });
        let dns: Dns = serde_json::from_value(dns).unwrap();
        assert_eq!(text(&page, &watched, &dns), expect);
    }
}
