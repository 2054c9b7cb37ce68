use std::path::{Path, PathBuf};

use tests::api_server::{ApiServer, Options, User};
use tests::eventually::{GENEROUS, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::need::Need;
use tests::product::{self, Plugin};
use tests::scratch::Scratch;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            what_is_wrong_with_a_context_is_told_in_one_line,
            kubectl_runs_it_as_a_plugin;
    }
}

const DEFINITION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../clusters/src/federation/cluster-crd.json"
));

/// In the host: the leader's pod, which runs nowhere, and two people with less than all rights.
const HOST: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: fedns-0, namespace: federation-system}
spec: {containers: [{name: fedns, image: fedns}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: looks, namespace: federation-system}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: looks, namespace: federation-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looks}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: looks}]
"#;

const LEASE: &str = r#"{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
    "metadata": {"name": "fedns", "namespace": "federation-system"},
    "spec": {"holderIdentity": "fedns-0_c0ffee"}}"#;

/// The one line of a command that fails.
fn failure(file: &Path, line: &str) -> String {
    let mut command = product::fedns();
    command.args(line.split_whitespace()).env("KUBECONFIG", file).env_remove("FEDNS_ADMIN");
    let output = command.output().expect("fedns runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{line}: {errors}");
    assert_eq!(errors.lines().count(), 1, "{line}: {errors}");
    errors.trim_end().to_owned()
}

fn what_is_wrong_with_a_context_is_told_in_one_line() {
    let people = ["nobody", "looks"].map(|name| User::new(name, &["system:authenticated"]));
    let options = Options { users: people.to_vec(), ..Options::default() };
    let host = ApiServer::start_with("hangzhou", options);
    let federation = ApiServer::start("federation");
    federation.kubectl().apply(DEFINITION);
    federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
    let scratch = Scratch::new("reach");
    let named = |name: &str, user: &User| {
        let mut context = host.context_of(user);
        context.name = name.to_owned();
        context
    };
    let [nobody, looks] = [named("nobody", &people[0]), named("looks", &people[1])];
    let contexts = [host.context(), federation.context(), nobody, looks];
    let file: PathBuf = scratch.write("config", kubeconfig(&contexts));
    let check = |line: &str, expect: &str| {
        let told = failure(&file, line);
        assert!(told.contains(expect), "{line}: {told}");
    };

    check("status --context=beijing", "beijing");
    check("status --context=beijing", "hangzhou");
    check(
        "records --context=federation",
        "context federation is the federation's own API, which runs no pods: name the context of its host cluster",
    );
    check(
        "records --context=hangzhou",
        "context hangzhou: no fedns in namespace federation-system",
    );
    host.kubectl().run("create namespace federation-system");
    host.kubectl().apply(HOST);
    host.kubectl().apply(LEASE);
    check(
        "explain web.example.com --context=hangzhou",
        "no pod of namespace federation-system is the leader now; the Lease fedns is held by fedns-0_c0ffee",
    );
    host.kubectl().run("-n federation-system label pod fedns-0 fedns.io/leader=true");
    let running = r#"{"status": {"phase": "Running"}}"#;
    let target = ["-n", "federation-system", "patch", "pod", "fedns-0", "--subresource=status"];
    host.kubectl().args(&[target.as_slice(), &["--type=merge", "-p", running]].concat());
    check(
        "plan --context=nobody",
        "your account needs list on pods in namespace federation-system",
    );
    check("plan --context=looks", "context looks, pod fedns-0: port-forward: 403 ");
    check(
        "plan --context=looks",
        "; your account needs get and create on pods/portforward in namespace federation-system",
    );
    check("plan approve c0ffee --context=looks", "context looks, pod fedns-0: exec: 403 ");
    check(
        "plan approve c0ffee --context=looks",
        "; your account needs get and create on pods/exec in namespace federation-system",
    );
    check("clusters --context=hangzhou", "context hangzhou, pod fedns-0: port-forward: ");
}

fn kubectl_runs_it_as_a_plugin() {
    let federation = ApiServer::start("federation");
    federation.kubectl().apply(DEFINITION);
    federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
    let host = ApiServer::start("hangzhou");
    host.kubectl().run("create namespace federation-system");
    let fedns = Fedns::of_federation(&federation.context(), &host.context(), "");
    let file = fedns.home().join("kubeconfig");
    let plugin = Plugin::install();
    let try_run = |words: &[&str]| {
        let output = plugin.kubectl(&file, words).output().expect("kubectl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(text) } else { Err(errors) }
    };
    let run = |words: &[&str]| try_run(words).unwrap_or_else(|errors| panic!("{errors}"));

    assert!(run(&["plugin", "list"]).contains("kubectl-fedns"));
    assert!(run(&["fedns", "version"]).starts_with("fedns "));
    let help = run(&["fedns", "plan", "approve", "--help"]);
    assert!(help.contains("Usage: kubectl fedns plan approve "), "{help}");
    assert!(help.contains("\n  kubectl fedns plan approve 5f2d8c11a90be374\n"), "{help}");
    let refused = try_run(&["fedns", "statsu"]).unwrap_err();
    assert!(refused.contains("Usage: kubectl fedns "), "{refused}");

    fedns.is_ready();
    let admin = format!("--admin=127.0.0.1:{}", fedns.admin_port());
    eventually_equal(GENEROUS, "kubectl fedns status", &true, || {
        run(&["fedns", "status", &admin]).contains("federation fed: this server writes")
    });
    // Like kubectl it asks the current context where none is named.
    assert_eq!(run(&["fedns", "get", "clusters"]), "No resources found\n");
    let refused = try_run(&["fedns", "status"]).unwrap_err();
    assert!(refused.contains("the current context is the federation's own API"), "{refused}");
}
