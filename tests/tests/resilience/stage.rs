//! What `init` would leave behind, as far as members and servers see it, and people who join.

use std::process::{Command, Output};

use serde_json::json;
use tests::api_server::{ApiServer, Options};
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::FaultProxy;
use tests::kubeconfig::{Context, kubeconfig};
use tests::kubectl::Kubectl;
use tests::kwok::KwokCluster;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;
use tests::serving::Fedns;

const DEFINITION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../clusters/src/federation/cluster-crd.json"
));

/// The namespace of the control plane, in front of what is done there.
pub(super) const SYSTEM: &str = "-n federation-system";

/// Config of a server that is one among several.
pub(super) const ELECTION: &str = "lameDuck: 0s\nleaderElection: {kubeconfig: ./kubeconfig, \
    context: hangzhou, namespace: federation-system, name: fedns}\n";

/// Fields drop in order: what talks to an API server ends before it.
pub(super) struct Stage {
    /// Between servers of fedns and the host cluster.
    pub(super) host_proxy: FaultProxy,
    /// Holds the control plane, and may be a member: context `hangzhou`.
    pub(super) hangzhou: Host,
    /// A member: context `beijing`. Nobody makes tokens here.
    pub(super) beijing: ApiServer,
    /// The federation's own API: context `federation`.
    pub(super) federation: ApiServer,
    home: Scratch,
}

/// The host cluster, perhaps with controllers, which make tokens for the Secrets of accounts. What
/// talks to the API ends before it.
pub(super) struct Host {
    _controllers: Vec<Process>,
    api: ApiServer,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::of(Host::start(), Options::default())
    }

    pub(super) fn with_controllers() -> Self {
        Self::of(Host::with_controllers(), Options::default())
    }

    /// The federation's API server differs from the usual one.
    pub(super) fn of(hangzhou: Host, federation: Options) -> Self {
        let federation = ApiServer::start_with("federation", federation);
        federation.kubectl().apply(DEFINITION);
        federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
        let host = hangzhou.api().kubectl();
        host.run("create namespace federation-system");
        host.run(
            "annotate namespace federation-system federation.alpha.kubernetes.io/federation-name=fed \
             federation.alpha.kubernetes.io/dns-zone-name=example.com",
        );
        let host_proxy = FaultProxy::start(&hangzhou.api().context());
        let beijing = ApiServer::start("beijing");
        let home = Scratch::new("resilience");
        let stage = Self { host_proxy, hangzhou, beijing, federation, home };
        stage.contexts(&[]);
        stage
    }

    /// Writes the user's kubeconfig: the three contexts, and these before them under the same names.
    pub(super) fn contexts(&self, instead: &[Context]) {
        let standing = [&self.federation, self.hangzhou.api(), &self.beijing];
        let standing = standing.map(ApiServer::context).into_iter();
        let replaced = |context: &Context| instead.iter().any(|it| it.name == context.name);
        let contexts: Vec<Context> =
            standing.filter(|it| !replaced(it)).chain(instead.iter().cloned()).collect();
        self.home.write("config", kubeconfig(&contexts));
    }

    pub(super) fn host(&self) -> &Kubectl {
        self.hangzhou.api().kubectl()
    }

    /// A server of the federation, which reaches the host through the proxy.
    pub(super) fn serve(&self, more: &str) -> Fedns {
        Fedns::of_federation(&self.federation.context(), &self.host_context(), more)
    }

    /// The same, which reaches the federation through a proxy of its own.
    pub(super) fn serve_through(&self, federation: &FaultProxy, more: &str) -> Fedns {
        let context = self.federation.context().through(federation.url());
        Fedns::of_federation(&context, &self.host_context(), more)
    }

    pub(super) fn host_context(&self) -> Context {
        self.hangzhou.api().context().through(self.host_proxy.url())
    }

    /// fedns as a person runs it.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = product::fedns();
        command.args(line.split_whitespace()).env("KUBECONFIG", self.home.path().join("config"));
        command.current_dir(self.home.path());
        command
    }

    pub(super) fn output(&self, line: &str) -> Output {
        self.command(line).output().expect("run fedns")
    }

    /// stdout of a command that succeeds.
    #[track_caller]
    pub(super) fn printed(&self, line: &str) -> String {
        let output = self.output(line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {errors}");
        String::from_utf8(output.stdout).expect("fedns prints UTF-8")
    }

    /// Joins a cluster and waits until it is Ready.
    #[track_caller]
    pub(super) fn join(&self, cluster: &str, more: &str) -> String {
        self.printed(&format!(
            "join {cluster} --context=federation --host-cluster-context=hangzhou {more}"
        ))
    }

    pub(super) fn home(&self) -> &Scratch {
        &self.home
    }
}

impl Host {
    /// Only an API.
    pub(super) fn start() -> Self {
        Self { _controllers: Vec::new(), api: ApiServer::start("hangzhou") }
    }

    fn with_controllers() -> Self {
        let KwokCluster { kwok, scheduler, controller_manager, api } =
            KwokCluster::start("hangzhou", &[]);
        Self { _controllers: vec![kwok, scheduler, controller_manager], api }
    }

    pub(super) fn api(&self) -> &ApiServer {
        &self.api
    }
}

/// A Service with an address, as the federation makes it in a member.
pub(super) fn copy(member: &ApiServer, name: &str, address: &str) {
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "default", "name": name, "labels": {"fedns.io/federation": "fed"}},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]},
    });
    member.kubectl().apply(&object.to_string());
    member.kubectl().set_load_balancer("default", name, &[address]);
}

/// Waits until a ConfigMap of the member has this colour; empty: none.
#[track_caller]
pub(super) fn holds(member: &ApiServer, name: &str, colour: &str) {
    let line = format!("get configmap {name} -o jsonpath={{.data.colour}}");
    eventually(GENEROUS, &format!("{name} is {colour:?}"), || {
        match member.kubectl().try_run(&line)? {
            seen if seen == colour => Ok(()),
            seen => Err(seen),
        }
    });
}
