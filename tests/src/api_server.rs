//! The smallest cluster: a stock kube-apiserver on a prefix of etcd.
//!
//! There are no controllers: what a test wants in the API it puts there, and nothing else moves.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::certificates::write_server_files;
use crate::etcd::Etcd;
use crate::eventually::{GENEROUS, eventually};
use crate::kubeconfig::{Context, kubeconfig};
use crate::kubectl::Kubectl;
use crate::parts;
use crate::port::HeldPort;
use crate::process::Process;
use crate::scratch::Scratch;

/// Counts clusters of this run: each has its own etcd prefix and address ranges.
static CLUSTERS: AtomicU32 = AtomicU32::new(0);

/// Who may ask. Rights come from groups and from RBAC objects that the test creates.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub token: String,
    pub groups: Vec<String>,
}

/// What differs from the usual API server.
#[derive(Default)]
pub struct Options {
    /// Its own etcd, for tests that break it; else the run's shared one.
    pub etcd: Option<Arc<Etcd>>,
    /// Users beside the admin.
    pub users: Vec<User>,
    /// Pods get the default service account, which needs a controller manager.
    pub with_controllers: bool,
    /// Where it listens in place of loopback: an address that nodes and pods reach, too.
    pub address: Option<Ipv4Addr>,
    /// Further command-line flags.
    pub flags: Vec<String>,
}

/// A running, paused or killed API server. Its address stays its own until it is dropped. Fields
/// drop in order: without its etcd an API server would linger.
pub struct ApiServer {
    process: Option<Process>,
    name: String,
    ranges: AddressRanges,
    etcd_prefix: String,
    options: Options,
    etcd: Arc<Etcd>,
    port: HeldPort,
    kubectl: Kubectl,
    scratch: Scratch,
}

/// Where a cluster's Services and pods take their addresses from.
#[derive(Clone, Debug)]
pub struct AddressRanges {
    pub services: String,
    pub pods: String,
}

impl User {
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            token: format!("{name}-token"),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        }
    }

    fn admin() -> Self {
        Self::new("admin", &["system:masters"])
    }
}

impl ApiServer {
    /// Starts an API server and waits until it is ready for Services.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, Options::default())
    }

    pub fn start_with(name: &str, options: Options) -> Self {
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let scratch = Scratch::new(name);
        let port = HeldPort::new();
        let ranges = AddressRanges::of_cluster(number);
        let names = options.address.map(|address| vec![address.to_string(), ranges.api_service()]);
        write_server_files(&scratch, &names.unwrap_or_default());
        let server = url(options.address, &port);
        let admin = context(name, server, &User::admin());
        let kubectl = Kubectl::new(scratch.write("kubeconfig", kubeconfig(&[admin])));
        let mut server = Self {
            process: None,
            name: name.to_owned(),
            ranges,
            etcd_prefix: format!("/{name}-{number}"),
            etcd: options.etcd.clone().unwrap_or_else(Etcd::shared),
            options,
            port,
            kubectl,
            scratch,
        };
        server.restart();
        server
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> String {
        url(self.options.address, &self.port)
    }

    /// kubectl as the admin.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The admin's way in, named like the cluster.
    pub fn context(&self) -> Context {
        context(&self.name, self.url(), &User::admin())
    }

    /// A further user's way in, named like the cluster.
    pub fn context_of(&self, user: &User) -> Context {
        context(&self.name, self.url(), user)
    }

    /// What tells this cluster from any other: the UID of its kube-system namespace.
    pub fn uid(&self) -> String {
        self.kubectl.run("get namespace kube-system -o jsonpath={.metadata.uid}")
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the API server was killed")
    }

    /// A folder that lives as long as the cluster.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    pub fn ranges(&self) -> &AddressRanges {
        &self.ranges
    }

    /// SIGKILL: connections break, then nobody listens.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGSTOP: connections stay and are accepted, and nothing answers.
    pub fn pause(&self) {
        self.process().pause();
    }

    pub fn resume(&self) {
        self.process().resume();
    }

    /// Starts the server on its old address and data, after killing it if it runs.
    pub fn restart(&mut self) {
        self.restart_unready();
        self.wait_until_ready();
    }

    /// The same without waiting, for a caller that watches it become ready.
    pub fn restart_unready(&mut self) {
        self.kill();
        self.process = Some(Process::start("kube-apiserver", &self.command(), self.scratch.path()));
    }

    /// Another, empty cluster takes over the address and accepts the same credentials.
    pub fn replace_by_new_cluster(&mut self) {
        self.kill();
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        self.etcd_prefix = format!("/{}-{number}", self.name);
        self.restart();
    }

    /// From now on a list or watch at a resourceVersion from before answers 410 Gone. The server
    /// restarts, because its memory of recent changes would answer in place of etcd.
    pub fn expire_resource_versions(&mut self) {
        self.kill();
        self.etcd.compact();
        self.restart();
    }

    /// Changes who may ask. The server reads its users at start, so it restarts.
    pub fn set_users(&mut self, users: Vec<User>) {
        self.options.users = users;
        self.restart();
    }

    fn command(&self) -> Command {
        let file = |name: &str| self.scratch.path().join(name);
        let users = self.scratch.write("users.csv", token_file(&self.options.users));
        let mut command = parts::kubernetes("kube-apiserver");
        command
            .args(["--bind-address", &listening(self.options.address), "--permit-port-sharing"])
            .args(["--secure-port", &self.port.number().to_string()])
            .arg("--cert-dir")
            .arg(file("certificates"))
            .arg("--tls-cert-file")
            .arg(file("server.crt"))
            .arg("--tls-private-key-file")
            .arg(file("server.key"))
            .args(["--etcd-servers", &self.etcd.url(), "--etcd-prefix", &self.etcd_prefix])
            .args(["--authorization-mode", "RBAC", "--token-auth-file"])
            .arg(users)
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .arg("--service-account-key-file")
            .arg(file("service-accounts.pub"))
            .arg("--service-account-signing-key-file")
            .arg(file("service-accounts.key"))
            .args(["--service-cluster-ip-range", &self.ranges.services]);
        if self.options.address.is_none() {
            // Nobody reaches the API through its own Service; an address for documentation keeps
            // the server from looking for one of the machine's.
            command.args(["--advertise-address", "192.0.2.1"]);
            command.args(["--endpoint-reconciler-type", "none"]);
        } else {
            command.args(["--kubelet-preferred-address-types", "InternalIP"]);
        }
        if !self.options.with_controllers {
            command.args(["--disable-admission-plugins", "ServiceAccount"]);
        }
        command.args(&self.options.flags);
        command
    }

    /// `/readyz` comes before the first objects; a Service can be created once there is one.
    fn wait_until_ready(&self) {
        eventually(GENEROUS, "the API server is ready", || {
            self.process().assert_running();
            self.kubectl.try_run("get --raw /readyz")?;
            self.kubectl.try_run("get namespace/kube-system service/kubernetes")
        });
    }
}

impl AddressRanges {
    fn of_cluster(number: u32) -> Self {
        let number = number % 256;
        Self { services: format!("10.{number}.0.0/17"), pods: format!("10.{number}.128.0/17") }
    }

    /// The address of the Service `kubernetes`: the first of the range.
    fn api_service(&self) -> String {
        self.services.replace(".0.0/17", ".0.1")
    }
}

fn context(name: &str, server: String, user: &User) -> Context {
    Context { name: name.to_owned(), server, token: user.token.clone() }
}

fn url(address: Option<Ipv4Addr>, port: &HeldPort) -> String {
    format!("https://{}:{}", listening(address), port.number())
}

fn listening(address: Option<Ipv4Addr>) -> String {
    address.unwrap_or(Ipv4Addr::LOCALHOST).to_string()
}

/// One line a user: token, name, uid, groups.
fn token_file(users: &[User]) -> String {
    let admin = User::admin();
    std::iter::once(&admin)
        .chain(users)
        .map(|User { name, token, groups }| {
            format!("{token},{name},{name},\"{}\"\n", groups.join(","))
        })
        .collect()
}
