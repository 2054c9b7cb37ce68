//! `init` on a host without nodes: it makes all that is to stand there, and nothing of it runs.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::api_server::ApiServer;
use tests::certificates::{ServerCertificate, authority_certificate, server_certificate};
use tests::etcd::Etcd;
use tests::eventually::{GENEROUS, eventually};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::parts;
use tests::port::HeldPort;
use tests::process::Process;
use tests::scratch::Scratch;
use tests::suite::Test;

use super::stage::User;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            another_image_and_certificates_that_end_soon_leave_etcd_alone,
            an_etcd_that_is_there_is_used,
            an_etcd_that_wants_certificates_gets_those_of_the_files,
            without_a_load_balancer_the_way_on_is_told;
    }
}

const INIT: &str = "init federation --host-cluster-context=hangzhou --timeout=1s";
/// What only the first `init` is told. The federation's API is nowhere: the last step ends in vain.
const FIRST: &str = "--dns-zone-name=example.com --dns-service-type=ClusterIP \
    --api-server-service-type=NodePort --api-server-advertise-address=127.0.0.1 --api-server-port=30443";
const SYSTEM: &str = "-n federation-system";
const DAY: u64 = 24 * 60 * 60;

struct Stage {
    host: ApiServer,
    user: User,
}

impl Stage {
    fn new() -> Self {
        let host = ApiServer::start("hangzhou");
        let user = User::new(&[host.context()]);
        Self { host, user }
    }

    /// All steps but the wait.
    #[track_caller]
    fn init(&self, words: &str) {
        let errors = self.user.refused(&format!("{INIT} {words}"));
        assert!(errors.contains("the same command goes on where this one ended"), "{errors}");
    }

    fn get(&self, what: &str) -> Value {
        self.host.kubectl().json(&format!("{SYSTEM} get {what}"))
    }

    fn generation(&self, what: &str) -> u64 {
        self.get(what)["metadata"]["generation"].as_u64().expect("a number")
    }

    fn certificates(&self) -> Value {
        let secret = self.get("secret federation-certificates");
        let bytes = decoded(&secret["data"]["certificates.json"]);
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn write_certificates(&self, certificates: &Value) {
        let data = json!({"stringData": {"certificates.json": certificates.to_string()}});
        let target = ["-n", "federation-system", "patch", "secret", "federation-certificates"];
        let patch = ["--type=merge", "-p", &data.to_string()];
        self.host.kubectl().args(&[&target[..], &patch].concat());
    }
}

fn decoded(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().expect("a text")).expect("base64")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn another_image_and_certificates_that_end_soon_leave_etcd_alone() {
    const PARTS: [&str; 4] = [
        "statefulset etcd",
        "deployment controller-manager",
        "deployment apiserver",
        "deployment fedns",
    ];
    let stage = Stage::new();
    stage.init(&format!("{FIRST} --image=localhost/fedns:one"));
    let mut certificates = stage.certificates();
    for name in ["apiserver", "admin"] {
        certificates["issued"][name]["expires"] = (now() + 29 * DAY).into();
    }
    stage.write_certificates(&certificates);
    let before = PARTS.map(|part| stage.generation(part));
    let image = "deployment fedns -o jsonpath={.spec.template.spec.containers[0].image}";
    let get_image = || stage.host.kubectl().run(&format!("{SYSTEM} get {image}"));
    assert_eq!(get_image(), "localhost/fedns:one");

    stage.init("--image=localhost/fedns:two");
    let renewed = stage.certificates();
    for name in ["apiserver", "admin"] {
        let [old, new] = [&certificates, &renewed].map(|it| it["issued"][name].clone());
        assert_ne!(old["certificate"], new["certificate"], "{name}");
        assert!(new["expires"].as_u64().is_some_and(|at| at > now() + 360 * DAY), "{name}");
        certificates["issued"][name] = new;
    }
    assert!(renewed == certificates, "all others are good, and stay");
    let after = PARTS.map(|part| stage.generation(part));
    // Certificates are read again by who runs.
    assert_eq!(after, [before[0], before[1], before[2], before[3] + 1]);
    assert_eq!(get_image(), "localhost/fedns:two");

    // What parts and people show is the new one.
    let shown = stage.get("secret apiserver-credentials")["data"]["server.crt"].clone();
    let text = |pair: &Value| pair["certificate"].as_str().expect("PEM").to_owned().into_bytes();
    assert_eq!(decoded(&shown), text(&renewed["issued"]["apiserver"]));
    let kubectl = Kubectl::new(stage.user.path().join("config")).context("federation");
    let user = kubectl.json("config view --raw --minify")["users"][0]["user"].clone();
    assert_eq!(decoded(&user["client-certificate-data"]), text(&renewed["issued"]["admin"]));
}

/// The federation's API server as it stands in the host, but for the place of its files, and its port.
struct Running {
    _process: Process,
    _port: HeldPort,
    kubectl: Kubectl,
    server: String,
    arguments: Value,
    _folder: Scratch,
}

impl Running {
    fn start(stage: &Stage) -> Self {
        let (folder, port) = (Scratch::new("federation"), HeldPort::new());
        let credentials = stage.get("secret apiserver-credentials")["data"].clone();
        for (file, content) in credentials.as_object().expect("files") {
            folder.write(file, decoded(content));
        }
        let deployment = stage.get("deployment apiserver");
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let place = container["volumeMounts"][0]["mountPath"].as_str().expect("a folder");
        let mut command = parts::kubernetes("kube-apiserver");
        for argument in container["args"].as_array().expect("arguments") {
            let argument = argument.as_str().expect("a text").replace("$(POD_IP)", "192.0.2.1");
            command.arg(argument.replace(place, &folder.path().display().to_string()));
        }
        command.args(["--bind-address=127.0.0.1", "--permit-port-sharing"]);
        command.arg(format!("--secure-port={}", port.number()));
        let process = Process::start("kube-apiserver", &command, folder.path());
        let kubectl = Kubectl::new(stage.user.path().join("config")).context("federation");
        let server = format!("--server=https://127.0.0.1:{}", port.number());
        let arguments = container["args"].clone();
        let running =
            Self { _process: process, _port: port, kubectl, server, arguments, _folder: folder };
        eventually(GENEROUS, "the API answers", || {
            running.kubectl.try_run(&format!("get namespace kube-system {}", running.server))
        });
        running
    }

    fn run(&self, line: &str) -> String {
        self.kubectl.run(&format!("{line} {}", self.server))
    }
}

fn an_etcd_that_is_there_is_used() {
    let (stage, etcd) = (Stage::new(), Etcd::start());
    stage.init(&format!("{FIRST} --etcd-servers={}", etcd.url()));
    let kinds = "statefulsets,services,secrets,persistentvolumeclaims,poddisruptionbudgets";
    let names = stage.host.kubectl().run(&format!("{SYSTEM} get {kinds} -o name"));
    assert!(names.contains("secret/apiserver-credentials") && !names.contains("etcd"), "{names}");
    let running = Running::start(&stage);
    running.run("create configmap web");

    // It is not to be said again, and is not exchanged.
    stage.init("");
    let standing = stage.get("deployment apiserver");
    assert_eq!(standing["spec"]["template"]["spec"]["containers"][0]["args"], running.arguments);
}

/// An etcd that speaks to those alone whom the run's authority knows.
struct GuardedEtcd {
    _process: Process,
    _ports: [HeldPort; 2],
    url: String,
    folder: Scratch,
}

impl GuardedEtcd {
    fn start() -> Self {
        let folder = Scratch::new("guarded-etcd");
        for name in ["server", "client"] {
            let ServerCertificate { chain, key } = server_certificate();
            folder.write(&format!("{name}.crt"), chain);
            folder.write(&format!("{name}.key"), key);
        }
        folder.write("ca.crt", authority_certificate());
        let ports = [HeldPort::new(), HeldPort::new()];
        let [client, peer] = [("https", &ports[0]), ("http", &ports[1])]
            .map(|(scheme, port)| format!("{scheme}://127.0.0.1:{}", port.number()));
        let file = |name: &str| folder.path().join(name);
        let mut command = parts::kubernetes("etcd");
        command.args(["--unsafe-no-fsync", "--socket-reuse-port", "--log-level", "warn"]);
        command.arg("--data-dir").arg(file("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}"), "--client-cert-auth"]);
        command.arg("--cert-file").arg(file("server.crt"));
        command.arg("--key-file").arg(file("server.key"));
        command.arg("--trusted-ca-file").arg(file("ca.crt"));
        let process = Process::start("etcd", &command, folder.path());
        Self { _process: process, _ports: ports, url: client, folder }
    }

    fn flags(&self) -> String {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        format!(
            "--etcd-servers={} --etcd-cafile={} --etcd-certfile={} --etcd-keyfile={}",
            self.url,
            file("ca.crt"),
            file("client.crt"),
            file("client.key")
        )
    }
}

fn an_etcd_that_wants_certificates_gets_those_of_the_files() {
    let (stage, etcd) = (Stage::new(), GuardedEtcd::start());
    stage.init(&format!("{FIRST} {}", etcd.flags()));
    let running = Running::start(&stage);
    running.run("create configmap web");
    let before = stage.get("secret apiserver-credentials")["data"].clone();
    let file = |name: &str| std::fs::read(etcd.folder.path().join(name)).expect("a file");
    for (key, name) in [
        ("etcd-ca.crt", "ca.crt"),
        ("etcd-client.crt", "client.crt"),
        ("etcd-client.key", "client.key"),
    ] {
        assert_eq!(decoded(&before[key]), file(name), "{key}");
    }

    // They are kept where nobody names them again, and go by files that somebody names.
    stage.init("");
    assert_eq!(stage.get("secret apiserver-credentials")["data"], before);
    let ServerCertificate { chain, key } = server_certificate();
    etcd.folder.write("client.crt", chain);
    etcd.folder.write("client.key", key);
    stage.init(&etcd.flags());
    let after = stage.get("secret apiserver-credentials")["data"].clone();
    assert_eq!(decoded(&after["etcd-client.crt"]), file("client.crt"));
    assert_ne!(after["etcd-client.crt"], before["etcd-client.crt"]);
}

fn without_a_load_balancer_the_way_on_is_told() {
    let stage = Stage::new();
    let zone = "--dns-zone-name=example.com";
    let refused = || stage.user.refused(&format!("{INIT} {zone}"));
    let of_api = refused();
    for words in [
        "Service federation-system/apiserver (the federation's API) got no load balancer's address within 1 s",
        "--api-server-service-type=NodePort uses the nodes' addresses, --timeout waits longer",
        "the same command goes on where this one ended",
    ] {
        assert!(of_api.contains(words), "{words}: {of_api}");
    }
    stage.host.kubectl().set_load_balancer("federation-system", "apiserver", &["127.0.0.1"]);
    let of_dns = refused();
    for words in [
        "Service federation-system/fedns-dns (DNS) got no load balancer's address within 1 s",
        "--dns-service-type=NodePort uses the nodes' addresses",
    ] {
        assert!(of_dns.contains(words), "{words}: {of_dns}");
    }
    // Nothing that would run has been made so far; with the flag it is.
    let deployments = || stage.host.kubectl().run(&format!("{SYSTEM} get deployments -o name"));
    assert_eq!(deployments(), "");
    stage.init(&format!("{zone} --dns-service-type=ClusterIP"));
    assert!(deployments().contains("deployment.apps/apiserver"), "{}", deployments());
}
