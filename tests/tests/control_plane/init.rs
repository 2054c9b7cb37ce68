use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tests::eventually::{GENEROUS, eventually};
use tests::images::{self, CONTROL_PLANE};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::process::Process;
use tests::product::fedns;
use tests::real_cluster::RealCluster;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] =>
            a_control_plane_comes_up_and_the_same_command_again_changes_nothing,
            an_image_that_cannot_be_pulled_ends_the_wait_at_once;
    }
}

const PROGRESS: &str = "\
Creating a namespace federation-system for federation system components... done
Creating federation control plane service... done
Creating federation control plane objects (credentials, persistent volume claim)... done
Creating federation component deployments... done
Updating kubeconfig... done
Waiting for federation control plane to come up... done
Federation API server is running at: ";

/// A host cluster that has the images.
pub(super) struct Host {
    cluster: RealCluster,
}

impl Host {
    pub(super) fn start() -> Self {
        let cluster = RealCluster::start("hangzhou");
        images::control_plane().iter().for_each(|archive| cluster.load_image(archive));
        Self { cluster }
    }

    pub(super) fn cluster(&self) -> &RealCluster {
        &self.cluster
    }

    /// Of the user: the host's context, and after `init` the federation's.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.cluster.api.scratch().path().join("kubeconfig")
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let mut arguments = vec!["init".to_owned(), "federation".to_owned()];
        let is_given = |flag: &str| more.iter().any(|word| word.starts_with(&format!("{flag}=")));
        let images = CONTROL_PLANE.into_iter().filter(|(flag, _)| !is_given(flag));
        arguments.extend(images.map(|(flag, image)| format!("{flag}={image}")));
        arguments.push("--host-cluster-context=hangzhou".to_owned());
        arguments.push(format!("--kubeconfig={}", self.kubeconfig().display()));
        arguments.push("--etcd-persistent-storage=false".to_owned());
        arguments.extend(more.iter().map(|&word| word.to_owned()));
        arguments
    }

    /// Runs to its end.
    pub(super) fn init(&self, more: &[&str]) -> Output {
        let mut command = fedns();
        command.args(self.arguments(more)).output().expect("fedns runs")
    }

    /// Runs on, and leaves its output in a log.
    fn init_in_background(&self, more: &[&str]) -> Process {
        let mut command = fedns();
        command.args(self.arguments(more));
        Process::start("init", &command, self.cluster.api.scratch().path())
    }

    fn delete(&self) -> Output {
        let kubeconfig = self.cluster.api.scratch().path().join("kubeconfig");
        let mut command = fedns();
        command.args(["delete", "federation", "--host-cluster-context=hangzhou", "--yes"]);
        command.arg("--kubeconfig").arg(kubeconfig).output().expect("fedns runs")
    }

    pub(super) fn kubectl(&self) -> &Kubectl {
        self.cluster.api.kubectl()
    }

    fn give_address(&self, service: &str) -> String {
        eventually(GENEROUS, &format!("there is a Service {service}"), || {
            self.kubectl().try_run(&format!("-n federation-system get service {service}"))
        });
        self.cluster.give_address("federation-system", service).to_string()
    }

    /// Generation of every object that makes pods.
    fn generations(&self) -> Vec<Value> {
        let line = "-n federation-system get deployments,statefulsets";
        let items = self.kubectl().json(line)["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["metadata"]["generation"].clone()).collect()
    }
}

pub(super) fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("fedns prints UTF-8")
}

fn a_control_plane_comes_up_and_the_same_command_again_changes_nothing() {
    let host = Host::start();
    let zone = "--dns-zone-name=example.com.";
    let mut init = host.init_in_background(&[zone]);
    let (api, dns) = (host.give_address("apiserver"), host.give_address("fedns-dns"));
    let status = init.wait(GENEROUS * 3);
    let log = init.log();
    assert!(status.success(), "{log}");
    let rest = log.strip_prefix(PROGRESS).unwrap_or_else(|| panic!("{log}"));
    assert!(rest.starts_with(&format!("{api}\n")), "{log}");
    assert!(rest.contains("example.com. NS ns1.example.com."), "{log}");
    assert!(rest.contains(&format!("ns1.example.com. A {dns}")), "{log}");
    assert!(rest.contains("fedns join CLUSTER --context=federation"), "{log}");

    let federation = host.kubectl().context("federation");
    assert!(federation.run("get ns").contains("kube-system"));
    federation.run("get clusters");
    let refused = federation.try_run("run web --image=web").unwrap_err();
    assert!(refused.contains("make a Deployment"), "{refused}");
    federation.run("create deployment web --image=web");
    federation.run("create namespace shop");
    federation.run("delete namespace shop --timeout=60s");
    eventually(GENEROUS, "fedns answers at its address", || {
        let mut command = fedns();
        command.args(["query", "example.com", "SOA", "--server", &format!("{dns}:53")]);
        let output = command.output().expect("fedns runs");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if answer.contains("ns1.example.com.") { Ok(()) } else { Err(format!("{answer}{errors}")) }
    });

    let before = host.generations();
    let again = printed(&host.init(&[]));
    assert!(again.contains("nothing was changed"), "{again}");
    assert_eq!(host.generations(), before);

    let gone = printed(&host.delete());
    assert!(gone.contains("take out of the parent zone first:\n    example.com. NS ns1"), "{gone}");
    assert!(gone.contains("federation federation is gone\n"), "{gone}");
    assert_eq!(host.kubectl().run("get namespace federation-system --ignore-not-found"), "");
    assert_eq!(host.kubectl().run("config get-contexts -o name"), "hangzhou\n");
}

fn an_image_that_cannot_be_pulled_ends_the_wait_at_once() {
    let host = Host::start();
    let bad = ["--dns-zone-name=example.com", "--api-server-service-type=NodePort"];
    let dns = "--dns-service-type=ClusterIP";
    let output = host.init(&[bad[0], bad[1], dns, "--timeout=1h", "--etcd-image=localhost/none:0"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(errors.contains("etcd cannot start: pod etcd-0: Err"), "{errors}");
    assert!(errors.contains("localhost/none:0"), "{errors}");
    assert!(errors.contains("the same command goes on where this one ended"), "{errors}");

    let (_, etcd) = CONTROL_PLANE[3];
    let text = printed(&host.init(&[&format!("--etcd-image={etcd}")]));
    let node = format!("{}:", host.node_address());
    let line = text.lines().find(|line| line.starts_with("Federation API server is running at: "));
    assert!(line.is_some_and(|line| line.contains(&node)), "{text}");
    assert!(text.contains("Changed: "), "{text}");
    assert!(host.kubectl().context("federation").run("get ns").contains("default"));
}

impl Host {
    pub(super) fn node_address(&self) -> String {
        let path = "jsonpath={.items[0].status.addresses[?(@.type==\"InternalIP\")].address}";
        self.kubectl().args(&["get", "nodes", "-o", path])
    }
}
