//! A host with what `init` makes there, a member, the federation's own API, and AliDNS. Nothing of it runs:
//! pods stay without nodes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use tests::api_server::ApiServer;
use tests::certificates::authority_certificate;
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET, NewRecord, Plan};
use tests::kubeconfig::{Context, kubeconfig};
use tests::kubectl::Kubectl;
use tests::kwok::KwokCluster;
use tests::product;
use tests::scratch::Scratch;

/// Of `Cluster` objects.
const DEFINITION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../clusters/src/federation/cluster-crd.json"
));
pub(super) const DOMAIN: &str = "spacexnice.xyz";
pub(super) const DELETE: &str = "delete federation --host-cluster-context=hangzhou";
/// The config and the provider's file, beside the user's kubeconfig.
pub(super) const CONFIG: &str = "--config=fedns.yaml";

/// A user's machine.
pub(super) struct User {
    home: Scratch,
}

pub(super) struct Stage {
    /// The federation's own API, context `federation`.
    pub(super) federation: ApiServer,
    /// Context `hangzhou`; its namespaces go when they are deleted.
    pub(super) hangzhou: KwokCluster,
    /// Context `beijing`.
    pub(super) beijing: ApiServer,
    pub(super) alidns: FakeAliDns,
    pub(super) user: User,
}

// === impl User ===

impl User {
    pub(super) fn new(contexts: &[Context]) -> Self {
        let user = Self { home: Scratch::new("user") };
        user.home.write("config", kubeconfig(contexts));
        user
    }

    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = product::fedns();
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", self.home.path().join("config"))
            .current_dir(self.home.path());
        command
    }

    pub(super) fn fedns(&self, line: &str) -> Output {
        self.command(line).output().expect("run fedns")
    }

    /// stdout of a command that succeeds.
    #[track_caller]
    pub(super) fn printed(&self, line: &str) -> String {
        let (out, error, is_good) = self.texts(line);
        assert!(is_good, "{line}: {error}{out}");
        out
    }

    /// stderr of a command that fails.
    #[track_caller]
    pub(super) fn refused(&self, line: &str) -> String {
        let (out, error, is_good) = self.texts(line);
        assert!(!is_good, "{line}: {error}{out}");
        error
    }

    fn texts(&self, line: &str) -> (String, String, bool) {
        let output = self.fedns(line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.success())
    }

    pub(super) fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        self.home.write(file, text);
    }

    /// The user's folder; the kubeconfig is `config` in it.
    pub(super) fn path(&self) -> &Path {
        self.home.path()
    }

    /// The names of all contexts.
    pub(super) fn contexts(&self) -> Vec<String> {
        let kubectl = Kubectl::new(self.home.path().join("config"));
        let names = kubectl.run("config get-contexts -o name");
        names.lines().map(str::to_owned).collect()
    }

    /// Puts what `init` would make into the host, but for what only `init` knows.
    pub(super) fn init(&self, host: &Kubectl, words: &str) {
        let dry_run =
            "init federation --federation-name=fed --host-cluster-context=hangzhou --dry-run";
        host.apply(&self.printed(&format!("{dry_run} {words}")));
    }
}

// === impl Stage ===

impl Stage {
    /// A host with a control plane, and `beijing` its member.
    pub(super) fn new() -> Self {
        let federation = ApiServer::start("federation");
        federation.kubectl().apply(DEFINITION);
        federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
        let hangzhou = KwokCluster::start("hangzhou", &[]);
        let beijing = ApiServer::start("beijing");
        let alidns = FakeAliDns::start();
        alidns.add_domain(DOMAIN, None, Plan::custom(60, 7));
        let host = hangzhou.api.context();
        let user = User::new(&[host.clone(), beijing.context()]);
        let stage = Self { federation, hangzhou, beijing, alidns, user };
        stage.write_config();
        stage.user.init(stage.host(), CONFIG);
        stage.fill_secrets();
        let contexts = [stage.federation.context(), host, stage.beijing.context()];
        stage.user.write("config", kubeconfig(&contexts));
        stage
    }

    pub(super) fn host(&self) -> &Kubectl {
        self.hangzhou.api.kubectl()
    }

    fn write_config(&self) {
        let (endpoint, key) = (self.alidns.endpoint(), "./alidns.yaml");
        self.user.write(
            "fedns.yaml",
            format!(
                "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\n\
                 services: {{publish: all}}\nresolver: {{servers: [\"127.0.0.1:9\"]}}\n\
                 providers: [{{kind: alidns, configFile: {key}, endpoint: \"{endpoint}\", owner: fed-1, \
                 nameServers: []}}]\n"
            ),
        );
        self.user.write("alidns.yaml", key_file());
    }

    /// A dry run says nothing that is secret.
    fn fill_secrets(&self) {
        let authority = json!({
            "certificate": authority_certificate(), "key": "", "expires": 0, "names": [],
        });
        let certificates = json!({
            "authorities": {"federation": authority},
            "issued": {},
            "service_accounts": ["", ""],
            "token": "",
        });
        let fill = |secret: &str, key: &str, text: String| {
            let patch = json!({"stringData": {key: text}}).to_string();
            let target = ["-n", "federation-system", "patch", "secret", secret];
            self.host().args(&[target.as_slice(), &["--type=merge", "-p", &patch]].concat());
        };
        fill("federation-certificates", "certificates.json", certificates.to_string());
        let file = "federation-dns-provider.conf";
        fill(file, file, key_file());
    }

    pub(super) fn join(&self, words: &str) {
        self.user.printed(&format!(
            "join --context=federation --host-cluster-context=hangzhou --timeout=0 {words}"
        ));
    }

    /// Records of the federation, and those that stay when it goes. Returns these, as lines.
    pub(super) fn put_records(&self) -> Vec<String> {
        let put = |rr: &str, record_type: &str, value: &str| {
            self.alidns.put(DOMAIN, NewRecord::new(rr, record_type, 180, value));
        };
        let marker = |owner: &str| {
            format!(
                "heritage=external-dns,external-dns/owner={owner},external-dns/resource=service/default/web"
            )
        };
        put("other.default.fed.svc", "A", "198.51.100.3");
        put("a-other.default.fed.svc", "TXT", &marker("fed-2"));
        put("hand.default.fed.svc", "A", "198.51.100.4");
        put("www", "A", "198.51.100.5");
        let others = self.alidns.lines(DOMAIN);
        put("nginx.default.fed.svc", "A", "198.51.100.1");
        put("a-nginx.default.fed.svc", "TXT", &marker("fed-1"));
        put(
            "nginx.default.fed.svc.cn-beijing",
            "CNAME",
            &format!("nginx.default.fed.svc.{DOMAIN}"),
        );
        put("cname-nginx.default.fed.svc.cn-beijing", "TXT", &marker("fed-1"));
        put("_fedns-fed-1.fed.svc", "TXT", "heritage=fedns;owner=fed-1;writer=0");
        others
    }

    /// `kubectl get` in the host's namespace, or what says that it is not there.
    pub(super) fn system(&self, what: &str) -> String {
        self.host().run(&format!("-n federation-system get {what} -o name --ignore-not-found"))
    }
}

fn key_file() -> String {
    format!(
        "[Global]\naccess-key-id = {KEY_ID}\naccess-key-secret = {KEY_SECRET}\nzones = {DOMAIN}.\n"
    )
}
