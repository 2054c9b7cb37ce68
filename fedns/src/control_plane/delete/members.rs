//! What the federation has in its members, and its removal.

use std::collections::{BTreeMap, BTreeSet};

use clusters::KubeconfigAccess;
use clusters::federation::cluster_object::ClusterObject;
use clusters::federation::coredns;
use clusters::federation::enabled::EnabledKind;
use clusters::federation::steps::{Party, Tell, Told};
use clusters::federation::unjoin::Leftover;
use clusters::federation::unjoin::inventory::{self, Inventory};
use clusters::federation::unjoin::remote::{self, Leaver, PATIENCE};
use futures::future::join_all;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::{Fate, Plan};

const FLAG: &str = "--members";

/// A cluster that is or was a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// In the federation; `None` where nobody knows.
    pub name: Option<String>,
    pub context: String,
}

/// What `--members` says of one cluster: `CONTEXT` or `NAME=CONTEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub name: Option<String>,
    pub context: String,
}

/// A member, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPlan {
    pub target: Target,
    /// Why it is not known, where it is not.
    pub found: Result<Inventory, String>,
}

/// By what members know a federation, and what it brings them.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    pub federation: &'a str,
    pub host_uid: &'a str,
    pub enabled: &'a [EnabledKind],
}

/// Removes what the plan found.
pub struct Cleaner<'a> {
    plan: &'a Plan,
    access: &'a (dyn Fn(&str) -> KubeconfigAccess + Sync),
    /// Those in which a step has failed, and why.
    failed: BTreeMap<Target, String>,
}

/// Those that the control plane knows, by contexts of their names or of what was asked for, and all others
/// that were asked for.
pub fn targets(known: &BTreeSet<String>, asked: &[Asked]) -> Vec<Target> {
    let context_of = |name: &String| {
        let said = asked.iter().find(|it| it.name.as_ref() == Some(name));
        said.map_or_else(|| name.clone(), |it| it.context.clone())
    };
    let of_known =
        known.iter().map(|name| Target { name: Some(name.clone()), context: context_of(name) });
    let mut targets: Vec<Target> = of_known.collect();
    for Asked { name, context } in asked {
        if !targets.iter().any(|target| target.context == *context) {
            targets.push(Target { name: name.clone(), context: context.clone() });
        }
    }
    targets
}

/// The names of all `Cluster` objects; none where the federation's API does not answer at once.
pub async fn cluster_names(access: &KubeconfigAccess) -> BTreeSet<String> {
    let party = Party::new("the federation".to_owned(), "NAME", access).await;
    let Ok(party) = party else { return BTreeSet::new() };
    let api = Api::<ClusterObject>::all(party.client());
    let listed = tokio::time::timeout(PATIENCE, api.list_metadata(&ListParams::default())).await;
    let objects = listed.ok().and_then(Result::ok).map(|list| list.items).unwrap_or_default();
    objects.iter().map(ResourceExt::name_any).collect()
}

/// Looks at all of them at the same time. One that does not answer is given up after a few seconds.
pub async fn look(
    targets: Vec<Target>,
    access: &(dyn Fn(&str) -> KubeconfigAccess + Sync),
    whose: Whose<'_>,
) -> Vec<MemberPlan> {
    let one = |target: Target| async move {
        let found = async {
            let member = party(&target, access).await?;
            member.answers(PATIENCE).await.map_err(|failure| failure.to_string())?;
            let leaver = target.leaver(whose);
            inventory::take(&member, &leaver).await.map_err(|failure| failure.to_string())
        };
        let found = found.await;
        MemberPlan { target, found }
    };
    join_all(targets.into_iter().map(one)).await
}

async fn party(
    target: &Target,
    access: &(dyn Fn(&str) -> KubeconfigAccess + Sync),
) -> Result<Party, String> {
    let party = Party::new(target.words(), FLAG, &access(&target.context)).await;
    party.map_err(|error| error.line)
}

// === impl Target ===

impl Target {
    pub fn words(&self) -> String {
        format!("cluster {}", self.name.as_ref().unwrap_or(&self.context))
    }

    fn leaver<'a>(&'a self, whose: Whose<'a>) -> Leaver<'a> {
        let Whose { federation, host_uid, enabled } = whose;
        let cluster = self.name.as_deref();
        Leaver { cluster, federation, host_uid, context: &self.context, enabled }
    }
}

// === impl Asked ===

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, context) = match text.split_once('=') {
            Some((name, context)) => (Some(name), context),
            None => (None, text),
        };
        if context.is_empty() || name == Some("") {
            return Err("wanted CONTEXT, or NAME=CONTEXT".to_owned());
        }
        Ok(Self { name: name.map(str::to_owned), context: context.to_owned() })
    }
}

// === impl MemberPlan ===

impl MemberPlan {
    /// It was looked at, and has nothing.
    pub fn is_clean(&self) -> bool {
        self.found.as_ref().is_ok_and(Inventory::is_empty)
    }
}

// === impl Plan ===

impl Plan {
    fn whose(&self) -> Whose<'_> {
        let host_uid = self.standing.host_uid.as_deref().unwrap_or_default();
        Whose { federation: &self.federation, host_uid, enabled: self.standing.enabled() }
    }
}

// === impl Cleaner ===

impl<'a> Cleaner<'a> {
    pub fn new(plan: &'a Plan, access: &'a (dyn Fn(&str) -> KubeconfigAccess + Sync)) -> Self {
        let unknown = |member: &MemberPlan| {
            let why = member.found.as_ref().err()?;
            Some((member.target.clone(), why.clone()))
        };
        Self { plan, access, failed: plan.members.iter().filter_map(unknown).collect() }
    }

    /// As long as fedns answers: from then on pods ask the cluster's own servers. Returns the blocks that
    /// stay.
    pub async fn restore_dns(&mut self, tell: Tell<'_>) -> Vec<Leftover> {
        let plan = self.plan;
        let mut left = Vec::new();
        let has_block = |member: &&MemberPlan| {
            member.found.as_ref().is_ok_and(|inventory| inventory.has_server_block)
        };
        for MemberPlan { target, .. } in plan.members.iter().filter(has_block) {
            tell(Told::Begun(format!("Configuring CoreDNS in {} as it was", target.words())));
            match party(target, self.access).await {
                Err(why) => self.give_up(target, why, tell),
                Ok(member) => match coredns::restore(&member, &plan.federation).await {
                    Ok(change) => tell(Told::Done(change)),
                    Err(error) => {
                        tell(Told::Failed);
                        let leaver = target.leaver(plan.whose());
                        left.push(remote::server_block_leftover(&leaver, &error.to_string()));
                    }
                },
            }
        }
        left
    }

    /// Everything else; what stays is listed.
    pub async fn clean(mut self, tell: Tell<'_>) -> Vec<Leftover> {
        for MemberPlan { target, .. } in &self.plan.members {
            if self.failed.contains_key(target) {
                continue;
            }
            if let Err(why) = self.clean_one(target, tell).await {
                self.give_up(target, why, tell);
            }
        }
        let Self { plan, failed, .. } = self;
        let with_copies = plan.objects == Fate::Delete;
        let left = |(target, why): (&Target, &String)| {
            remote::leftovers(&target.leaver(plan.whose()), with_copies, why)
        };
        failed.iter().flat_map(left).collect()
    }

    async fn clean_one(&self, target: &Target, tell: Tell<'_>) -> Result<(), String> {
        let Self { plan, access, .. } = self;
        let leaver = target.leaver(plan.whose());
        let member = party(target, *access).await?;
        let text = |failure: clusters::Failure| failure.to_string();
        member.answers(PATIENCE).await.map_err(text)?;
        if plan.objects == Fate::Delete {
            remote::remove_copies(&member, &leaver, tell).await.map_err(text)?;
        }
        remote::remove_account(&member, &leaver, tell).await.map_err(text)
    }

    fn give_up(&mut self, target: &Target, why: String, tell: Tell<'_>) {
        tell(Told::Failed);
        self.failed.insert(target.clone(), why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Vec<Asked> {
        words.split_whitespace().map(|word| word.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check(known: &str, words: &str, expect: &[(Option<&str>, &str)]) {
        let known = known.split_whitespace().map(str::to_owned).collect();
        let targets = targets(&known, &asked(words));
        let targets: Vec<_> =
            targets.iter().map(|it| (it.name.as_deref(), it.context.as_str())).collect();
        assert_eq!(targets, expect);
    }

    #[test]
    fn members_are_found_by_contexts_of_their_names_or_of_what_is_said() {
        let (a, b) = (Some("a"), Some("b"));
        check("", "", &[]);
        check("a b", "", &[(a, "a"), (b, "b")]);
        check("a b", "b=b-admin", &[(a, "a"), (b, "b-admin")]);
        check("a", "a c", &[(a, "a"), (None, "c")]);
        check("", "a=x c", &[(a, "x"), (None, "c")]);
    }

    #[test]
    fn what_names_no_context_is_refused() {
        for text in ["", "a=", "=x"] {
            assert!(text.parse::<Asked>().is_err(), "{text}");
        }
    }
}
