use std::fs;
use std::path::{Path, PathBuf};

use tests::api_server::{ApiServer, Options, User};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

/// The units, on a machine where systemd runs.
mod systemd;

pub(crate) fn tests() -> Vec<Test> {
    let of_kubernetes = tests::tests! {
        [Need::Kubernetes] => the_manifests_of_deploy_server_apply_and_grant_what_is_needed;
    };
    [of_kubernetes, systemd::tests()].into_iter().flatten().collect()
}

/// As the Deployment would make one.
const POD: &str = r#"{
    "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "fedns", "name": "fedns-0"},
    "spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "fedns", "image": "fedns",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}
        }]
    }
}"#;

const USER: &str = "system:serviceaccount:fedns:fedns";

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn folder() -> PathBuf {
    deploy().join("server")
}

/// The API server takes the files as they are, and with their rights alone fedns is live and has the
/// Lease.
fn the_manifests_of_deploy_server_apply_and_grant_what_is_needed() {
    let user = User::new(USER, &["system:serviceaccounts", "system:authenticated"]);
    let options = Options { users: vec![user.clone()], ..Options::default() };
    let api = ApiServer::start_with("deploy", options);
    for file in ["namespace.yaml", "rbac.yaml", "config.yaml", "deployment.yaml"] {
        let path = folder().join(file);
        let path = path.to_str().expect("a path of this machine");
        api.kubectl().args(&["apply", "--validate=strict", "-f", path]);
    }
    let can = |verb: &str, what: &str| {
        let line = format!(
            "auth can-i {verb} {what} -n fedns --as={USER} --as-group=system:authenticated"
        );
        // Exit code 1 means no.
        api.kubectl().try_run(&line).is_ok()
    };
    for (verb, what) in [("list", "services"), ("watch", "endpointslices.discovery.k8s.io")] {
        assert!(can(verb, what), "{verb} {what}");
    }
    for (verb, what) in [
        ("list", "secrets"),
        ("get", "configmaps"),
        ("update", "services"),
        ("delete", "leases.coordination.k8s.io/fedns"),
        ("update", "leases.coordination.k8s.io/other"),
        ("get", "pods"),
        ("delete", "pods"),
        ("get", "namespaces/default"),
    ] {
        assert!(!can(verb, what), "{verb} {what}");
    }

    let more = "lameDuck: 0s\n\
                leaderElection: {kubeconfig: ./kubeconfig, context: deploy, namespace: fedns, name: fedns}\n";
    let cluster = "{name: local, kubeconfig: ./kubeconfig, context: deploy}".to_owned();
    let mut fedns = Fedns::prepared(&[cluster], more);
    let context = api.context_of(&user);
    fs::write(fedns.home().join("kubeconfig"), kubeconfig(&[context])).expect("write a kubeconfig");
    api.kubectl().apply(POD);
    fedns.launch(&[], &[("POD_NAMESPACE", "fedns"), ("POD_NAME", "fedns-0")]);
    fedns.sees("local", "Live");
    eventually(GENEROUS, "the Lease is held", || {
        let line = "get lease fedns -n fedns -o jsonpath={.spec.holderIdentity}";
        let holder = api.kubectl().try_run(line)?;
        let id = fs::read_to_string(fedns.home().join("state/writer-id"));
        let id = id.map_err(|error| error.to_string())?;
        if holder.ends_with(id.trim()) { Ok(()) } else { Err(holder) }
    });
    eventually_equal(GENEROUS, "the pods that write", &"fedns-0".to_owned(), || {
        api.kubectl()
            .run("get pods -n fedns -l fedns.io/leader=true -o jsonpath={.items[*].metadata.name}")
    });
}
