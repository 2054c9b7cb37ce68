//! The federation's leader, asked from afar with the user's own rights: over a port-forward, and orders
//! through its own socket, by a command in its pod.

use std::time::Duration;

use ::clap::Args;
use clusters::federation::cluster_object::ClusterObject;
use clusters::federation::names::SYSTEM_NAMESPACE;
use clusters::holder_pod::{LEADER, LEADER_LABEL};
use clusters::{Connection, KubeconfigAccess};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams, ListParams};
use kube::client::UpgradeConnectionError;
use kube::{Client, Resource, ResourceExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::Failure;
use crate::control_plane::server_config::{ADMIN_PORT, LEASE};

/// For one request.
const LIMIT: Duration = Duration::from_secs(10);
/// Of the container's port, and of the container.
const ADMIN_PORT_NAME: &str = "admin";
const CONTAINER: &str = "fedns";

/// Where the leader is.
#[derive(Clone, Debug, Args)]
pub struct Reach {
    /// Context of the host cluster: asks the pod there that writes, with your rights
    #[arg(long, value_name = "CONTEXT", group = "host")]
    pub host_cluster_context: Option<String>,
    /// The host's context by a shorter name: the federation's own API has no pod to ask
    #[arg(long, value_name = "CONTEXT", group = "host")]
    pub context: Option<String>,
    /// Kubeconfig with the context [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", requires = "host")]
    pub kubeconfig: Option<std::path::PathBuf>,
    /// Namespace of the control plane in the host cluster
    #[arg(long, value_name = "NAMESPACE", default_value = SYSTEM_NAMESPACE, requires = "host")]
    pub federation_system_namespace: String,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            host_cluster_context: None,
            context: None,
            kubeconfig: None,
            federation_system_namespace: SYSTEM_NAMESPACE.to_owned(),
        }
    }
}

// === impl Reach ===

impl Reach {
    /// The context that is named.
    pub fn host(&self) -> Option<&str> {
        self.host_cluster_context.as_deref().or(self.context.as_deref())
    }
}

/// A forwarded connection.
pub trait Forwarded: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Forwarded for T {}

/// A pod that answers for the federation.
pub struct Leader {
    pods: Api<Pod>,
    /// For people: `context hangzhou`.
    words: String,
    namespace: String,
    pod: String,
    container: String,
    /// How the image names the program.
    program: String,
    port: u16,
}

// === impl Leader ===

impl Leader {
    /// Finds the pod that has the label of the one that writes.
    pub async fn find(reach: &Reach) -> Result<Self, Failure> {
        let Reach { kubeconfig, federation_system_namespace: namespace, .. } = reach;
        let (namespace, context) = (namespace.clone(), reach.host().map(str::to_owned));
        let access = KubeconfigAccess { path: kubeconfig.clone(), context: context.clone() };
        let connection = Connection::new(&access.into()).await;
        let connection = connection.map_err(|error| Failure::one(error.line()))?;
        let words = match context {
            Some(context) => format!("context {context}"),
            None => "the current context".to_owned(),
        };
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &namespace);
        let found = list(&pods, &words, &namespace).await?;
        let Some(pod) = pick(found, &connection.client, &namespace).await else {
            let why = why_none(&connection.client, &words, &namespace).await;
            return Err(Failure::one(why));
        };
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
        let container = fedns_container(containers.unwrap_or_default());
        let (pod_name, command) = (pod.name_any(), container.and_then(|it| it.command.clone()));
        Ok(Self {
            pods,
            words,
            namespace,
            pod: pod_name,
            container: container.map_or_else(|| CONTAINER.into(), |it| it.name.clone()),
            program: command.and_then(|it| it.into_iter().next()).unwrap_or_else(|| "fedns".into()),
            port: container.and_then(admin_port).unwrap_or(ADMIN_PORT),
        })
    }

    /// For people.
    pub fn name(&self) -> String {
        format!("{}, pod {}", self.words, self.pod)
    }

    /// A connection to its admin address, and what its node says where that leads nowhere.
    pub async fn connect(
        &self,
    ) -> Result<(impl Forwarded, impl Future<Output = Option<String>>), Failure> {
        let ports = [self.port];
        let forwarding = self.pods.portforward(&self.pod, &ports);
        let mut forwarder = self.upgraded("port-forward", "portforward", forwarding).await?;
        let ends = forwarder.take_stream(self.port).zip(forwarder.take_error(self.port));
        ends.ok_or_else(|| Failure::one(format!("{}: no port {}", self.name(), self.port)))
    }

    /// Runs its program in its container; what was done comes back in one line.
    pub async fn execute(&self, words: &[&str]) -> Result<String, Failure> {
        let admin = format!("--admin=127.0.0.1:{}", self.port);
        let command = [&[self.program.as_str()], words, &[admin.as_str()]].concat();
        let parameters = AttachParams::default().container(&self.container).stdin(false);
        let executing = self.pods.exec(&self.pod, command, &parameters);
        let mut process = self.upgraded("exec", "exec", executing).await?;
        let status = process.take_status();
        let (mut out, mut errors) = (String::new(), String::new());
        let (stdout, stderr) = (process.stdout(), process.stderr());
        let read = async {
            let read_out = async {
                match stdout {
                    Some(mut stdout) => stdout.read_to_string(&mut out).await.map(drop),
                    None => Ok(()),
                }
            };
            let read_errors = async {
                match stderr {
                    Some(mut stderr) => stderr.read_to_string(&mut errors).await.map(drop),
                    None => Ok(()),
                }
            };
            tokio::try_join!(read_out, read_errors)
        };
        read.await.map_err(|error| Failure::one(format!("{}: exec: {error}", self.name())))?;
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        self.outcome(status, out.trim(), errors.trim())
    }

    fn outcome(&self, status: Option<Status>, out: &str, errors: &str) -> Result<String, Failure> {
        if status.as_ref().is_some_and(|it| it.status.as_deref() == Some("Success")) {
            return Ok(out.to_owned());
        }
        let lines: Vec<String> = errors
            .lines()
            .map(|line| line.strip_prefix("fedns: ").unwrap_or(line).to_owned())
            .collect();
        if !lines.is_empty() {
            return Err(Failure { lines });
        }
        let why = status.and_then(|status| status.message);
        let why = why.unwrap_or_else(|| "it ended without a word".into());
        Err(Failure::one(format!("{}: {}: {why}", self.name(), self.program)))
    }

    /// The answer to a request for another protocol, or why there is none.
    async fn upgraded<T>(
        &self,
        what: &str,
        subresource: &str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        let name = self.name();
        let error = match tokio::time::timeout(LIMIT, request).await {
            Ok(Ok(answer)) => return Ok(answer),
            Err(_) => {
                let seconds = LIMIT.as_secs();
                return Err(Failure::one(format!("{name}: {what}: no answer within {seconds} s")));
            }
            Ok(Err(error)) => error,
        };
        let failure = match error {
            kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => {
                let line = format!("{name}: {what}: the API server answers {status}");
                match status.as_u16() {
                    403 => clusters::Failure::Forbidden(line),
                    _ => clusters::Failure::NotReady(line),
                }
            }
            error => clusters::Failure::new(&format!("{name}: {what}"), &error),
        };
        let rule = format!("get and create on pods/{subresource}");
        Err(Failure::one(with_rule(&failure, &rule, &self.namespace)))
    }
}

/// A refusal, with what would help.
fn with_rule(failure: &clusters::Failure, verbs: &str, namespace: &str) -> String {
    match failure {
        clusters::Failure::Forbidden(line) => {
            format!("{line}; your account needs {verbs} in namespace {namespace}")
        }
        failure => failure.to_string(),
    }
}

async fn list(pods: &Api<Pod>, words: &str, namespace: &str) -> Result<Vec<Pod>, Failure> {
    let parameters = ListParams::default().labels(&format!("{LEADER_LABEL}={LEADER}"));
    let request = format!("{words}: list pods in {namespace}");
    let listed = match tokio::time::timeout(LIMIT, pods.list(&parameters)).await {
        Ok(listed) => listed.map_err(|error| clusters::Failure::new(&request, &error)),
        Err(_) => Err(clusters::Failure::timed_out(&request)),
    };
    let refused = |failure| Failure::one(with_rule(&failure, "list on pods", namespace));
    listed.map(|list| list.items).map_err(refused)
}

/// A pod that was lost with its node keeps its label; then the Lease says which one it is.
async fn pick(found: Vec<Pod>, client: &Client, namespace: &str) -> Option<Pod> {
    let mut running: Vec<Pod> = found.into_iter().filter(is_running).collect();
    if running.len() > 1
        && let Some(holder) = holder(client, namespace).await
        && let Some(at) =
            running.iter().position(|pod| holder.starts_with(&format!("{}_", pod.name_any())))
    {
        return Some(running.swap_remove(at));
    }
    running.into_iter().next()
}

fn is_running(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && phase == Some("Running")
}

async fn holder(client: &Client, namespace: &str) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    // It only helps to choose, and to tell.
    let lease = tokio::time::timeout(LIMIT, leases.get_opt(LEASE)).await.ok()?.ok()??;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

/// Where there is no leader: which context was named, as far as it can be told.
async fn why_none(client: &Client, words: &str, namespace: &str) -> String {
    if let Some(holder) = holder(client, namespace).await {
        return format!(
            "{words}: no pod of namespace {namespace} is the leader now; the Lease {LEASE} is held by \
             {holder}: try again, and see `kubectl get pods -n {namespace}`"
        );
    }
    let version = ClusterObject::api_version(&());
    let kinds = tokio::time::timeout(LIMIT, client.list_api_group_resources(&version)).await;
    if matches!(kinds, Ok(Ok(list)) if list.resources.iter().any(|it| it.name == "clusters")) {
        return format!(
            "{words} is the federation's own API, which runs no pods: name the context of its host cluster, \
             that of `fedns init`, with --host-cluster-context"
        );
    }
    format!(
        "{words}: no fedns in namespace {namespace}: name the context of the host cluster, and its namespace \
         with --federation-system-namespace if it is another"
    )
}

fn fedns_container(containers: &[Container]) -> Option<&Container> {
    let named = containers.iter().find(|container| container.name == CONTAINER);
    named.or_else(|| containers.first())
}

fn admin_port(container: &Container) -> Option<u16> {
    let ports = container.ports.as_deref().unwrap_or_default();
    let port = ports.iter().find(|port| port.name.as_deref() == Some(ADMIN_PORT_NAME))?;
    u16::try_from(port.container_port).ok()
}
