use tests::core_dns::CoreDns;
use tests::dns::dig;
use tests::eventually::{GENEROUS, eventually};
use tests::need::{DIG, Need};
use tests::suite::Test;

use super::stage::{Stage, copy};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::CoreDns, DIG] =>
            a_pod_resolves_the_full_name_through_its_clusters_coredns;
    }
}

/// What a pod gets that asks its cluster's DNS.
fn resolves(coredns: &CoreDns, name: &str, is_it: impl Fn(&str) -> bool) {
    eventually(GENEROUS, name, || {
        let replies = dig(coredns.port(), &[(name.to_owned(), "A".to_owned())])?;
        let reply = replies[0].to_string();
        if is_it(&reply) { Ok(()) } else { Err(reply) }
    });
}

fn a_pod_resolves_the_full_name_through_its_clusters_coredns() {
    const NAME: &str = "web.default.fed.svc.example.com";
    const LOCAL: &str = "kubernetes.default.svc.cluster.local";
    let stage = Stage::new();
    let fedns = stage.serve("");
    let beijing = stage.beijing.kubectl();
    // Of kubeadm's Corefile what a machine without a cluster around it can have.
    let kubeconfig = stage.beijing.scratch().path().join("kubeconfig");
    let corefile = format!(
        ".:53 {{\n    errors\n    kubernetes cluster.local {{\n        kubeconfig {} beijing\n    }}\n    \
         cache 30\n    reload 2s 1s\n    loadbalance\n}}\n",
        kubeconfig.display()
    );
    let literal = format!("--from-literal=Corefile={corefile}");
    beijing.args(&["-n", "kube-system", "create", "configmap", "coredns", &literal]);
    let standing = || {
        let map = beijing.json("-n kube-system get configmap coredns");
        map["data"]["Corefile"].as_str().expect("a Corefile").to_owned()
    };
    let coredns = CoreDns::start(&standing());
    let is_address = |reply: &str| reply.starts_with("NOERROR") && reply.contains(" A 10.");
    resolves(&coredns, LOCAL, is_address);

    let server = format!("127.0.0.1:{}", fedns.dns_port());
    stage.join("beijing", &format!("--bound-token --configure-dns --dns-server={server}"));
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    resolves(&coredns, NAME, |reply| !reply.contains("192.0.2.1"));
    coredns.configure(&standing());
    resolves(&coredns, NAME, |reply| reply.starts_with("NOERROR") && reply.contains("192.0.2.1"));
    resolves(&coredns, "absent.default.fed.svc.example.com", |reply| reply.starts_with("NXDOMAIN"));
    resolves(&coredns, LOCAL, is_address);

    stage.printed("unjoin beijing --context=federation --host-cluster-context=hangzhou");
    assert_eq!(standing(), corefile);
    coredns.configure(&standing());
    resolves(&coredns, NAME, |reply| !reply.contains("192.0.2.1"));
    resolves(&coredns, LOCAL, is_address);
}
