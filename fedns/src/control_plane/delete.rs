//! The steps of `fedns delete`, each of which may be done again: what is gone already is passed over.
//!
//! - `look`: what stands in the host cluster; `contents`: whose what is in its namespace is
//! - `members`, `records`: what stands in members and at providers, and its removal
//! - `host`: what ends the control plane
//! - `text`: the plan as a person reads it; pure
//!
//! The order leaves no answer that leads nowhere, and nobody who would write back what is removed:
//!
//! ```text
//! members' CoreDNS -> fedns stops -> records at providers -> members -> host cluster -> local kubeconfig
//! ```

pub mod contents;
mod host;
pub mod look;
pub mod members;
pub mod records;
pub mod text;

use std::time::Duration;

use clusters::federation::names::SYSTEM_NAMESPACE;
use clusters::federation::steps::{Change, Party, Tell, Told};
use clusters::federation::unjoin::Leftover;
use clusters::kubeconfig::{Change as FileChange, LocalKubeconfig};

use self::look::Standing;
use self::members::MemberPlan;
use self::records::RecordsPlan;
use super::host::Host;
use crate::config::Config;
use crate::output::chain_text;

const WITHOUT_RECORDS: &str =
    "fedns is stopped, so nobody writes back what is gone; --records=keep goes on without";

/// Everything that is known before the first step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What init called it.
    pub name: String,
    /// The federation's label.
    pub federation: String,
    /// Context of the host cluster.
    pub host: String,
    pub namespace: String,
    pub standing: Standing,
    pub records: Records,
    /// What the parent zone holds, where fedns is the name server.
    pub delegation: Vec<String>,
    pub members: Vec<MemberPlan>,
    /// Members may be known: there is a control plane, or somebody named them.
    pub has_members_list: bool,
    pub objects: Fate,
    pub keeps_volumes: bool,
    pub context: Context,
}

/// The records at providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// Nothing says whether there is a provider.
    Unknown,
    /// They stay.
    Kept,
    /// Of each zone at each of its providers.
    Found(Vec<RecordsPlan>),
}

/// What becomes of copies in members, or of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Fate {
    #[default]
    Keep,
    Delete,
}

/// The context of that name in the local kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    Absent,
    /// It goes, out of this file.
    Ours(String),
    /// It leads elsewhere, and stays: why.
    Others(String),
}

/// What becomes of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is not there.
    Absent,
    /// It goes with all that is in it.
    Whole,
    /// What is ours goes out of it, and it stays.
    Objects,
}

/// Whom the steps need.
pub struct Parties<'a> {
    pub host: &'a Host,
    pub host_party: &'a Party,
    /// Of a member's context.
    pub access: &'a (dyn Fn(&str) -> clusters::KubeconfigAccess + Sync),
    pub kubeconfig: &'a LocalKubeconfig,
    /// Whose providers hold records.
    pub config: Option<&'a Config>,
    /// For each wait.
    pub timeout: Duration,
}

/// The flag for the control plane's namespace in a command for people; empty for the usual one.
pub fn namespace_words(namespace: &str) -> String {
    match namespace {
        SYSTEM_NAMESPACE => String::new(),
        other => format!(" --federation-system-namespace={other}"),
    }
}

// === impl Plan ===

impl Plan {
    /// True where nothing is left of the federation, as far as anybody looked.
    pub fn is_empty(&self) -> bool {
        let has_records = match &self.records {
            Records::Found(plans) => plans.iter().any(|plan| !plan.is_empty()),
            Records::Unknown | Records::Kept => false,
        };
        let has_member = self.members.iter().any(|member| !member.is_clean());
        let has_context = matches!(self.context, Context::Ours(_));
        self.standing.system.is_none() && !has_records && !has_member && !has_context
    }

    pub fn end(&self) -> End {
        match &self.standing.system {
            None => End::Absent,
            Some(system) if system.is_terminating => End::Whole,
            Some(system) => {
                let keeps_claims = self.keeps_volumes && !system.claims.is_empty();
                match keeps_claims || !system.contents.others.is_empty() {
                    true => End::Objects,
                    false => End::Whole,
                }
            }
        }
    }

    /// Carries it out.
    ///
    /// # Errors
    ///
    /// The step that failed, and why, one line each. Those before it are done.
    pub async fn execute(
        &self,
        parties: &Parties<'_>,
        tell: Tell<'_>,
    ) -> Result<Vec<Leftover>, Vec<String>> {
        let one = |line: String| vec![line];
        let mut members = members::Cleaner::new(self, parties.access);
        let mut leftovers = members.restore_dns(tell).await;
        if self.standing.system.is_some() {
            host::stop_fedns(parties.host, &self.namespace, parties.timeout, tell)
                .await
                .map_err(one)?;
        }
        if let (Records::Found(_), Some(config)) = (&self.records, parties.config) {
            let removed = records::remove(config, tell).await;
            leftovers.extend(removed.map_err(|mut lines| {
                lines.push(WITHOUT_RECORDS.to_owned());
                lines
            })?);
        }
        leftovers.extend(members.clean(tell).await);
        host::end(self, parties, tell).await.map_err(one)?;
        leftovers.extend(self.left_in_host());
        if let Context::Ours(file) = &self.context {
            self.remove_context(parties.kubeconfig, file, tell).await.map_err(one)?;
        }
        leftovers.extend(self.not_looked_for());
        Ok(leftovers)
    }

    async fn remove_context(
        &self,
        kubeconfig: &LocalKubeconfig,
        file: &str,
        tell: Tell<'_>,
    ) -> Result<(), String> {
        tell(Told::Begun(format!("Removing context {} from {file}", self.name)));
        let removed = kubeconfig.remove_context(&self.name).await;
        let removed = removed.map_err(|error| chain_text(&error))?;
        tell(Told::Done(match removed.change {
            FileChange::Changed => Change::Removed,
            FileChange::Unchanged => Change::Absent,
        }));
        if removed.was_current {
            let line = "it was the current context; `kubectl config use-context` takes another one";
            tell(Told::Note(line.to_owned()));
        }
        Ok(())
    }

    fn left_in_host(&self) -> Vec<Leftover> {
        let Some(system) = &self.standing.system else { return Vec::new() };
        let (host, namespace) = (&self.host, &self.namespace);
        let mut left = Vec::new();
        let others = system.contents.others_words();
        if self.end() == End::Objects && !others.is_empty() {
            left.push(Leftover {
                what: format!("namespace {namespace} in {host}"),
                why: format!("it holds what is not the federation's: {}", others.join("; ")),
                command: Some(format!("kubectl --context={host} delete namespace {namespace}")),
            });
        }
        for claim in &system.claims {
            if self.keeps_volumes {
                left.push(Leftover {
                    what: format!("volume claim {namespace}/{} in {host}", claim.name),
                    why: "--keep-volumes; `fedns init` goes on with its data".to_owned(),
                    command: Some(self.again()),
                });
            } else if let Some(volume) = claim.volume.as_ref().filter(|_| claim.is_retained) {
                left.push(Leftover {
                    what: format!("volume {volume} in {host}"),
                    why: "its reclaim policy is Retain".to_owned(),
                    command: Some(format!("kubectl --context={host} delete pv {volume}")),
                });
            }
        }
        if !system.etcd_servers.is_empty() {
            left.push(Leftover {
                what: format!(
                    "the federation's objects in the etcd at {}",
                    system.etcd_servers.join(",")
                ),
                why: "it is not the federation's own (--etcd-servers)".to_owned(),
                command: None,
            });
        }
        left
    }

    /// The command that goes on where this one ends.
    fn again(&self) -> String {
        let Self { name, host, namespace, .. } = self;
        let namespace = namespace_words(namespace);
        format!("fedns delete {name} --host-cluster-context={host}{namespace}")
    }

    /// What nobody named, where the namespace does not tell it any more.
    fn not_looked_for(&self) -> Vec<Leftover> {
        let mut left = Vec::new();
        let again = self.again();
        if self.records == Records::Unknown {
            left.push(Leftover {
                what: "records at a provider, if there was one".to_owned(),
                why: "nothing here says of one any more".to_owned(),
                command: Some(format!("{again} --config FILE")),
            });
        }
        if self.records == Records::Kept {
            left.push(Leftover {
                what: "the federation's records at its providers, if it has any".to_owned(),
                why: "--records=keep".to_owned(),
                command: Some(format!("{again} --config FILE")),
            });
        }
        if !self.has_members_list {
            left.push(Leftover {
                what: "fedns's account in members, if there are any".to_owned(),
                why: "nothing here says of them any more".to_owned(),
                command: Some(format!("{again} --members CONTEXT,...")),
            });
        }
        left
    }
}
