//! `fedns enable` and `fedns disable`: which kinds are propagated beside those that always are.

use std::process::ExitCode;
use std::time::Duration;

use ::clap::Args;
use clusters::Failure as RequestFailure;
use clusters::federation::discovery::{self, Meaning, Served, ServedKind};
use clusters::federation::enabled::grant::{self, Granted};
use clusters::federation::enabled::{self, EnabledKind, policies};
use clusters::federation::kinds::{FEDERATED, Unfit, unfit_for};
use clusters::federation::names::{FEDERATION_LABEL, PROPAGATED_FINALIZER};
use clusters::federation::steps::{Change, Told};
use kube::api::{Api, DynamicObject, ListParams};
use tokio::time::{Instant, sleep};

use super::everywhere::{Everywhere, MemberParty, Parties, failure};
use super::steps::{self, Teller};
use super::{CommandResult, Failure, print};

/// Between two looks at whether all objects are let go.
const PERIOD: Duration = Duration::from_millis(500);
const VERBS: [&str; 5] = ["get", "list", "watch", "create", "patch"];

/// Propagate a further kind, of a CustomResourceDefinition, too
///
/// Copied is all of an object but its metadata and status; of the metadata its labels and annotations,
/// without those that tell of the object in the federation. Its status is not merged: what members say
/// stays in them. Placement (cluster-selector), overrides, adopting, deleting and Events work as for
/// all kinds; nothing is divided among members.
///
/// fedns's account in each member is given the right to write the kind, with your rights there: no
/// account may give itself more than it has. Members that cannot be reached are listed; the same
/// command goes on. Clusters that join later get the right when they join. A running fedns takes the
/// kind up without a restart.
///
/// A member must know the kind. Of a definition of your own, make the CustomResourceDefinition in each
/// member, or enable customresourcedefinitions first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns enable networkpolicies --context=federation --host-cluster-context=hangzhou
  fedns enable customresourcedefinitions widgets.example.com --host-cluster-context=hangzhou
  fedns enable pdb --host-cluster-context=hangzhou --cluster-context=beijing=admin@beijing")]
pub struct Enable {
    /// As kubectl names them: PLURAL, singular or short name, with .GROUP where several groups have it
    #[arg(value_name = "KIND", required = true)]
    kinds: Vec<String>,
    #[command(flatten)]
    everywhere: Everywhere,
}

/// Propagate a kind no more; its copies stay
///
/// The objects stay in the federation, and their copies in the members, as they are: nothing holds them
/// together any more. To remove the copies, delete the objects before.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns disable networkpolicies --context=federation --host-cluster-context=hangzhou")]
pub struct Disable {
    /// As `fedns status` names it, or its plural
    #[arg(value_name = "KIND")]
    kind: String,
    #[command(flatten)]
    everywhere: Everywhere,
    /// How long the control plane may take to let go of the objects
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = steps::duration)]
    timeout: Duration,
}

// === impl Enable ===

impl Enable {
    pub fn run(self) -> CommandResult {
        let teller = Teller::default();
        finish(steps::run(self.enable(&teller))?, &teller)
    }

    async fn enable(&self, teller: &Teller) -> CommandResult {
        let parties = self.everywhere.reach().await?;
        let Parties { federation, host, namespace, .. } = &parties;
        let served = discovery::served(federation).await.map_err(|error| failure(&error))?;
        let chosen: Vec<EnabledKind> =
            self.kinds.iter().map(|word| choose(&served, word)).collect::<Result<_, _>>()?;
        let mut enabled = enabled::get(host, namespace).await.map_err(|error| failure(&error))?;
        enabled.retain(|kind| chosen.iter().all(|it| it.name() != kind.name()));
        enabled.extend(chosen.iter().cloned());
        let left = grant_all(&parties, &enabled, teller).await?;
        for kind in &chosen {
            teller.tell(Told::Begun(format!("Enabling {} in {}", kind.name(), host.words)));
            let change = enabled::put(host, namespace, kind).await;
            teller.tell(Told::Done(change.map_err(|error| failure(&error))?));
        }
        let mut text = chosen.iter().map(what_it_means).collect::<String>();
        for kind in &chosen {
            text += &missing_in(&parties, kind).await;
        }
        print(text + &left)
    }
}

/// What the word means, if it can be propagated.
fn choose(served: &Served, word: &str) -> Result<EnabledKind, Failure> {
    let kind = match served.resolve(word) {
        Meaning::One(kind) => kind,
        Meaning::Several(kinds) => {
            let names: Vec<String> = kinds.iter().map(|kind| kind.name()).collect();
            return Err(Failure::one(format!("{word:?} is one of {}: name it", names.join(", "))));
        }
        Meaning::Unknown => {
            let mut lines = vec![format!(
                "the federation serves no {word:?}; a kind of your own needs its \
                 CustomResourceDefinition there first"
            )];
            lines.extend(served.silent.iter().cloned());
            return Err(Failure { lines });
        }
    };
    if let Some(refusal) = refusal(kind) {
        return Err(Failure::one(refusal));
    }
    Ok(EnabledKind {
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
        is_namespaced: kind.is_namespaced,
        is_leaving: false,
    })
}

/// Why a kind is not to be enabled.
fn refusal(kind: &ServedKind) -> Option<String> {
    let name = kind.name();
    let is_it = |it: &clusters::federation::kinds::Kind| {
        (it.group, it.plural) == (&kind.group, &kind.plural)
    };
    if FEDERATED.iter().any(is_it) {
        return Some(format!("{name} are always propagated"));
    }
    if let Some(Unfit { why, runs_nothing, .. }) = unfit_for(&kind.group, &kind.plural) {
        let make = if *runs_nothing { "make " } else { "" };
        return Some(format!("{name} cannot be propagated: {make}{why}"));
    }
    let has = |verb: &str| kind.verbs.iter().any(|it| it == verb);
    let missing: Vec<&str> = VERBS.into_iter().filter(|verb| !has(verb)).collect();
    (!missing.is_empty()).then(|| {
        format!("{name} cannot be propagated: its API does not know {}", missing.join(", "))
    })
}

fn what_it_means(kind: &EnabledKind) -> String {
    format!(
        "{} ({}) are propagated
  copied: all but metadata and status; of metadata, labels and annotations
  status: not merged; each member's copy has its own
",
        kind.name(),
        kind.version
    )
}

/// The members that do not know a kind.
async fn missing_in(parties: &Parties, kind: &EnabledKind) -> String {
    let EnabledKind { group, version, plural, .. } = kind;
    let mut text = String::new();
    for MemberParty { name, party, .. } in &parties.members {
        let Ok(party) = party else { continue };
        if let Ok(false) = discovery::is_served(party, group, version, plural).await {
            text += &format!(
                "  cluster {name} does not serve {} in {version}: make its CustomResourceDefinition there, or \
                 in the federation after `fedns enable customresourcedefinitions`\n",
                kind.name()
            );
        }
    }
    text
}

/// Lets fedns do what these kinds need, and no more; returns the members where it could not be done.
async fn grant_all(
    parties: &Parties,
    enabled: &[EnabledKind],
    teller: &Teller,
) -> Result<String, Failure> {
    let tell = |told: Told| teller.tell(told);
    let granted = grant::in_federation(&parties.federation, enabled, &tell).await;
    granted.map_err(|error| failure(&error))?;
    let told = policies::in_federation(&parties.federation, enabled, &tell).await;
    told.map_err(|error| failure(&error))?;
    let mut left = Vec::new();
    for member in &parties.members {
        let why = match &member.party {
            Err(why) => why.clone(),
            Ok(party) => {
                let account = parties.account(&member.name);
                match grant::in_member(party, &account, enabled, &tell).await {
                    Ok(Granted::Done) => continue,
                    Ok(Granted::NoAccount) => no_account(enabled),
                    Err(failure) => {
                        teller.close();
                        failure.to_string()
                    }
                }
            }
        };
        let MemberParty { name, context, .. } = member;
        left.push(format!("  cluster {name} (context {context}): {why}\n"));
    }
    Ok(match left.as_slice() {
        [] => String::new(),
        left => format!(
            "fedns's rights stay as they are in these members; the same command goes on (--cluster-context=\
             CLUSTER=CONTEXT where a context has another name):\n{}",
            left.concat()
        ),
    })
}

fn no_account(enabled: &[EnabledKind]) -> String {
    let names: Vec<String> = enabled.iter().map(EnabledKind::name).collect();
    format!(
        "fedns has no account there that `fedns join` made; whoever made its credentials must allow get, \
         list, watch, create, patch, update and delete of {}",
        names.join(", ")
    )
}

// === impl Disable ===

impl Disable {
    pub fn run(self) -> CommandResult {
        let teller = Teller::default();
        finish(steps::run(self.disable(&teller))?, &teller)
    }

    async fn disable(&self, teller: &Teller) -> CommandResult {
        let parties = self.everywhere.reach().await?;
        let Parties { federation, host, namespace, label, .. } = &parties;
        let mut enabled = enabled::get(host, namespace).await.map_err(|error| failure(&error))?;
        let mut kind = self.find(&enabled)?;
        let name = kind.name();
        kind.is_leaving = true;
        teller.tell(Told::Begun(format!("Disabling {name} in {}", host.words)));
        let change = enabled::put(host, namespace, &kind).await;
        teller.tell(Told::Done(change.map_err(|error| failure(&error))?));
        enabled.retain(|it| it.name() != name);
        // As long as fedns looks at the kind, it answers deletions that were taken before.
        let tell = |told: Told| teller.tell(told);
        let told = policies::in_federation(federation, &enabled, &tell).await;
        told.map_err(|error| failure(&error))?;
        teller.tell(Told::Begun(format!("Letting go of {name} in {}", federation.words)));
        self.wait(&parties, &kind).await?;
        teller.tell(Told::Done(Change::Seen));
        enabled::remove(host, namespace, &kind).await.map_err(|error| failure(&error))?;
        let left = grant_all(&parties, &enabled, teller).await?;
        print(format!(
            "{name} are propagated no more; the copies stay in the members, with the label \
             {FEDERATION_LABEL}={label}\n{left}"
        ))
    }

    fn find(&self, enabled: &[EnabledKind]) -> Result<EnabledKind, Failure> {
        let word = self.kind.to_ascii_lowercase();
        let is_it = |kind: &&EnabledKind| {
            kind.name() == word || kind.plural == word || kind.kind.to_ascii_lowercase() == word
        };
        if let Some(kind) = enabled.iter().find(is_it) {
            return Ok(kind.clone());
        }
        let names: Vec<String> = enabled.iter().map(EnabledKind::name).collect();
        let those = if names.is_empty() { "none is".to_owned() } else { names.join(", ") };
        Err(Failure::one(format!("{:?} is not enabled ({those})", self.kind)))
    }

    /// Until no object of the kind is held any more.
    async fn wait(&self, parties: &Parties, kind: &EnabledKind) -> Result<(), Failure> {
        let api = Api::<DynamicObject>::all_with(parties.federation.client(), &kind.resource());
        let end = Instant::now() + self.timeout;
        loop {
            let held = match api.list_metadata(&ListParams::default()).await {
                Ok(objects) => {
                    let is_held = |finalizers: &Vec<String>| {
                        finalizers.iter().any(|it| it == PROPAGATED_FINALIZER)
                    };
                    let finalizers =
                        objects.items.iter().filter_map(|it| it.metadata.finalizers.as_ref());
                    finalizers.filter(|it| is_held(it)).count()
                }
                Err(error) => match RequestFailure::new(&format!("list {}", kind.plural), &error) {
                    // Its definition is gone, and all objects with it.
                    RequestFailure::NotFound(_) => 0,
                    error => return Err(failure(&error)),
                },
            };
            if held == 0 {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Failure::one(format!(
                    "{held} objects are still held after {} s: does fedns run in the control plane? the same \
                     command goes on",
                    self.timeout.as_secs()
                )));
            }
            sleep(PERIOD).await;
        }
    }
}

fn finish(result: Option<CommandResult>, teller: &Teller) -> Result<ExitCode, Failure> {
    match result {
        Some(Ok(code)) => Ok(code),
        Some(Err(failure)) => {
            teller.close();
            Err(failure)
        }
        None => {
            teller.close();
            Err(Failure::one("interrupted; the same command goes on"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &str, kind: &str, plural: &str, verbs: &[&str]) -> Served {
        let kind = ServedKind {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            plural: plural.into(),
            is_namespaced: true,
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            ..ServedKind::default()
        };
        Served { kinds: vec![kind], silent: vec![] }
    }

    #[track_caller]
    fn refused(served: Served, expect: &str) {
        let word = served.kinds[0].plural.clone();
        let failure = choose(&served, &word).expect_err("it is refused");
        assert_eq!(failure.lines, [expect]);
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_make() {
        refused(
            served("", "Pod", "pods", &VERBS),
            "pods cannot be propagated: make a Deployment (or a Job, DaemonSet or StatefulSet): its pods \
             run in the members",
        );
        refused(
            served("coordination.k8s.io", "Lease", "leases", &VERBS),
            "leases.coordination.k8s.io cannot be propagated: a lease is held in one cluster",
        );
        refused(
            served("apps", "Deployment", "deployments", &VERBS),
            "deployments.apps are always propagated",
        );
        refused(
            served("example.com", "Review", "reviews", &["create"]),
            "reviews.example.com cannot be propagated: its API does not know get, list, watch, patch",
        );
        let failure = choose(&Served::default(), "widgets").expect_err("nobody serves it");
        assert!(failure.lines[0].starts_with("the federation serves no \"widgets\""));
    }

    #[test]
    fn what_can_be_propagated_is_taken_in_the_version_that_is_served() {
        let kind = choose(
            &served("networking.k8s.io", "NetworkPolicy", "networkpolicies", &VERBS),
            "networkpolicies",
        )
        .unwrap();
        assert_eq!(
            (kind.name().as_str(), kind.version.as_str()),
            ("networkpolicies.networking.k8s.io", "v1")
        );
    }
}
