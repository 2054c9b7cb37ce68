use tests::need::Need;
use tests::suite::Test;

use super::stage::Stage;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            the_server_block_comes_with_join_and_goes_with_unjoin;
    }
}

const COREFILE: &str = ".:53 {\n    errors\n    forward . /etc/resolv.conf\n    reload\n}\n";
const JOIN: &str = "join beijing --context=federation --host-cluster-context=hangzhou --bound-token \
                    --timeout=0";

fn the_server_block_comes_with_join_and_goes_with_unjoin() {
    let stage = Stage::new();
    let beijing = stage.beijing.kubectl();
    let without = stage.refused(&format!("{JOIN} --configure-dns --dns-server=192.0.2.53"));
    assert!(without.contains("has no ConfigMap kube-system/coredns"), "{without}");
    let joined = stage.federation.kubectl().run("get clusters.fedns.io -o name");
    assert_eq!(joined, "", "what cannot be done whole is not begun");
    beijing.args(&[
        "-n",
        "kube-system",
        "create",
        "configmap",
        "coredns",
        &format!("--from-literal=Corefile={COREFILE}"),
        "--from-literal=other=kept",
    ]);
    let data = || beijing.json("-n kube-system get configmap coredns")["data"].clone();
    let before = data();
    let shown = stage.printed(&format!("{JOIN} --dns-server=192.0.2.53"));
    assert!(
        shown.contains("example.com:53 {\n    errors\n    cache 30\n    forward . 192.0.2.53"),
        "{shown}"
    );
    assert_eq!(data(), before);

    let error = stage.refused(&format!("{JOIN} --configure-dns"));
    assert!(error.contains("name fedns's address with --dns-server"), "{error}");
    stage
        .hangzhou
        .api
        .kubectl()
        .run("-n federation-system create service loadbalancer fedns-dns --tcp=53");
    let host = stage.hangzhou.api.kubectl();
    host.set_load_balancer("federation-system", "fedns-dns", &["192.0.2.54"]);
    stage.printed(&format!("{JOIN} --configure-dns"));
    let with = data();
    let text = with["Corefile"].as_str().unwrap();
    assert!(text.starts_with("# BEGIN fedns fed\nexample.com:53 {"), "{text}");
    assert!(text.contains("forward . 192.0.2.54\n"), "{text}");
    let again = stage.printed(&format!("{JOIN} --configure-dns"));
    assert!(
        again.contains("Configuring CoreDNS for example.com in cluster beijing... unchanged"),
        "{again}"
    );

    stage.printed("unjoin beijing --host-cluster-context=hangzhou --context=federation");
    assert_eq!(data(), before);
}
