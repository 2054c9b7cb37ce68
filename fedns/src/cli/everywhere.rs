//! What commands share that go to the federation, its host and all members.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;

use ::clap::Args;
use clusters::KubeconfigAccess;
use clusters::federation::account::Account;
use clusters::federation::host::{self, HostedFederation};
use clusters::federation::names::SYSTEM_NAMESPACE;
use clusters::federation::roster::{self, Listed};
use clusters::federation::steps::{Party, REQUEST_LIMIT};
use clusters::federation::tie;
use clusters::federation::unjoin::remote::PATIENCE;
use clusters::identity::{Identity, identify};
use futures::future::join_all;

use super::Failure;

/// Where federation, host and members are.
#[derive(Clone, Debug, Args)]
pub struct Everywhere {
    /// Context of the federation's API [default: the current context]
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
    /// Context of the host cluster, which holds the control plane
    #[arg(long, value_name = "CONTEXT")]
    pub host_cluster_context: String,
    /// Contexts of members that have other names than the members
    #[arg(long, value_name = "CLUSTER=CONTEXT", value_delimiter = ',', value_parser = pair)]
    pub cluster_context: Vec<(String, String)>,
    /// Kubeconfig with all contexts [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace of the control plane in the host cluster
    #[arg(long, value_name = "NAMESPACE", default_value = SYSTEM_NAMESPACE)]
    pub federation_system_namespace: String,
    /// The federation's label, where the host cluster does not tell it
    #[arg(long, value_name = "LABEL")]
    pub federation_name: Option<String>,
}

/// All that could be reached.
pub struct Parties {
    pub federation: Party,
    pub host: Party,
    /// Of the control plane in the host.
    pub namespace: String,
    pub hosted: HostedFederation,
    /// The federation's label.
    pub label: String,
    /// Sorted by name.
    pub members: Vec<MemberParty>,
}

/// A member by its context.
pub struct MemberParty {
    pub name: String,
    pub context: String,
    /// Or why it cannot be asked.
    pub party: Result<Party, String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (cluster, context) = text.split_once('=').ok_or("it is CLUSTER=CONTEXT")?;
    Ok((cluster.to_owned(), context.to_owned()))
}

pub fn failure(error: &dyn Display) -> Failure {
    Failure::one(error.to_string())
}

// === impl Everywhere ===

impl Everywhere {
    /// Reaches for all of them, members at the same time.
    pub async fn reach(&self) -> Result<Parties, Failure> {
        let federation = self.access(self.context.clone());
        let federation = Party::new("the federation".to_owned(), "--context", &federation).await;
        let federation = federation.map_err(|error| failure(&error))?;
        let host = self.access(Some(self.host_cluster_context.clone()));
        let words = "the host cluster".to_owned();
        let host = Party::new(words, "--host-cluster-context", &host).await;
        let host = host.map_err(|error| failure(&error))?;
        let namespace = self.federation_system_namespace.clone();
        let hosted = host::look(&host, &namespace).await.map_err(|error| failure(&error))?;
        tie::check(&federation, &host, &hosted).await.map_err(|error| failure(&error))?;
        let label = self.label(&hosted)?;
        let listed = roster::list(&federation, &host, &namespace, &hosted.host_uid).await;
        let listed = listed.map_err(|error| failure(&error))?;
        self.check_names(&listed)?;
        let members = join_all(listed.into_iter().map(|(name, it)| self.member(name, it))).await;
        Ok(Parties { federation, host, namespace, hosted, label, members })
    }

    fn label(&self, hosted: &HostedFederation) -> Result<String, Failure> {
        let missing =
            "the host does not say which federation it holds; name it with --federation-name";
        let label = hosted.name.clone().or_else(|| self.federation_name.clone());
        label.ok_or_else(|| Failure::one(missing))
    }

    fn check_names(&self, listed: &BTreeMap<String, Listed>) -> Result<(), Failure> {
        match self.cluster_context.iter().find(|(cluster, _)| !listed.contains_key(cluster)) {
            None => Ok(()),
            Some((cluster, _)) => Err(Failure::one(format!(
                "--cluster-context: cluster {cluster:?} is no member of the federation"
            ))),
        }
    }

    async fn member(&self, name: String, listed: Listed) -> MemberParty {
        let named = self.cluster_context.iter().find(|(cluster, _)| *cluster == name);
        let context = named.map_or_else(|| name.clone(), |(_, context)| context.clone());
        let party = self.member_party(&name, &context, listed.uid.as_deref()).await;
        MemberParty { name, context, party }
    }

    async fn member_party(
        &self,
        name: &str,
        context: &str,
        uid: Option<&str>,
    ) -> Result<Party, String> {
        let access = self.access(Some(context.to_owned()));
        let party = Party::new(format!("cluster {name}"), "--cluster-context", &access).await;
        let party = party.map_err(|error| error.to_string())?;
        party.answers(PATIENCE).await.map_err(|failure| failure.to_string())?;
        let Some(uid) = uid else { return Ok(party) };
        let identity = tokio::time::timeout(REQUEST_LIMIT, identify(&party.client())).await;
        match identity.map_err(|_| format!("{}: no answer in time", party.words))? {
            Ok(Identity::Uid(there)) if there != uid => {
                Err(format!("--cluster-context: context {context} is another cluster than {name}"))
            }
            // Who may not read it has said which cluster it is.
            Ok(_) => Ok(party),
            Err(failure) => Err(failure.to_string()),
        }
    }

    fn access(&self, context: Option<String>) -> KubeconfigAccess {
        KubeconfigAccess { path: self.kubeconfig.clone(), context }
    }
}

// === impl Parties ===

impl Parties {
    /// Whose things in a member are fedns's for this federation.
    pub fn account(&self, cluster: &str) -> Account {
        Account {
            federation: self.label.clone(),
            host_uid: self.hosted.host_uid.clone(),
            cluster: cluster.to_owned(),
            name: String::new(),
        }
    }
}
