//! The story of the AliCloud seed from `join` on, against a control plane that the test puts together: the
//! federation's API is an API server, and fedns runs beside it.

use tests::api_server::ApiServer;
use tests::by_hand;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::{Kubectl, Node};
use tests::kwok::KwokCluster;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] => two_clusters_join_serve_and_one_leaves;
    }
}

const NAME: &str = "nginx.default.fed.svc.example.com";
const ZONE_NAME: &str = "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com";

fn two_clusters_join_serve_and_one_leaves() {
    let federation = ApiServer::start("federation");
    let hangzhou =
        KwokCluster::start("hangzhou", &[Node::new("hangzhou-1", "cn-hangzhou", "cn-hangzhou-b")]);
    let beijing =
        KwokCluster::start("beijing", &[Node::new("beijing-1", "cn-beijing", "cn-beijing-a")]);
    by_hand::prepare(&federation, &hangzhou.api);
    let host = hangzhou.api.kubectl();
    host.run(
        "annotate namespace federation-system federation.alpha.kubernetes.io/federation-name=fed \
         federation.alpha.kubernetes.io/dns-zone-name=example.com",
    );
    let fedns = Fedns::of_federation(&federation.context(), &hangzhou.api.context(), "");
    let contexts = [federation.context(), hangzhou.api.context(), beijing.api.context()];
    let file = fedns.home().join("config");
    std::fs::write(&file, kubeconfig(&contexts)).expect("write the user's kubeconfig");
    let user = Kubectl::new(file.clone()).context("federation");
    let environment = [("KUBECONFIG", file.to_str().expect("a path of UTF-8"))];
    let run = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = fedns.command_in(&words, &environment);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {errors}");
        String::from_utf8(output.stdout).expect("fedns prints UTF-8")
    };

    for cluster in ["hangzhou", "beijing"] {
        let joined = run(&format!(
            "join {cluster} --context=federation --cluster-context={cluster} --host-cluster-context=hangzhou"
        ));
        assert!(joined.contains(&format!("cluster {cluster} joined federation fed\n")), "{joined}");
        let listed = user.run(&format!("get cluster {cluster} --no-headers"));
        assert!(listed.starts_with(&format!("{cluster} ")) && listed.contains("Ready"), "{listed}");
    }

    user.run("create deployment nginx --image=nginx");
    user.run("expose deployment nginx --port=80 --target-port=80 --type=LoadBalancer");
    user.run("scale deployment nginx --replicas=3");
    user.run("rollout status deployment nginx --timeout=60s");
    let members = [(&hangzhou, "198.51.100.1"), (&beijing, "198.51.100.2")];
    for (member, address) in members {
        let kubectl = member.api.kubectl();
        eventually(GENEROUS, "the member has the Service", || kubectl.try_run("get service nginx"));
        kubectl.set_load_balancer("default", "nginx", &[address]);
    }
    let replicas = || -> Vec<String> {
        let of = |member: &KwokCluster| {
            member.api.kubectl().run("get deployment nginx -o jsonpath={.status.readyReplicas}")
        };
        let mut replicas = vec![of(&hangzhou), of(&beijing)];
        replicas.sort();
        replicas
    };
    let expected = vec!["1".to_owned(), "2".to_owned()];
    eventually_equal(GENEROUS, "three replicas are spread", &expected, replicas);
    fedns.answers(NAME, "NOERROR 198.51.100.1 198.51.100.2");
    fedns.answers(ZONE_NAME, "NOERROR 198.51.100.1");
    let annotation = r#"{"items":[{"cluster":"beijing","items":[{"ip":"198.51.100.2"}]},{"cluster":"hangzhou","items":[{"ip":"198.51.100.1"}]}]}"#;
    eventually_equal(GENEROUS, "the Service tells all ingresses", &annotation.to_owned(), || {
        let path = r"jsonpath={.metadata.annotations.federation\.kubernetes\.io/service-ingresses}";
        user.args(&["get", "service", "nginx", "-o", path])
    });
    let described = user.run("describe service nginx");
    assert!(described.contains("198.51.100.1"), "{described}");
    assert!(described.contains("198.51.100.2"), "{described}");
    let status = run("status");
    assert!(status.contains("federation fed: this server writes"), "{status}");
    assert!(status.contains("beijing    Ready"), "{status}");

    run("unjoin beijing --host-cluster-context=hangzhou --context=federation");
    fedns.answers(NAME, "NOERROR 198.51.100.1");
    fedns.answers("nginx.default.fed.svc.cn-beijing.example.com", "NXDOMAIN");
    assert_eq!(user.run("get clusters -o name"), "cluster.fedns.io/hangzhou\n");
    // What runs there runs on.
    beijing.api.kubectl().run("get deployment nginx");
    user.run("delete service,deployment nginx --timeout=60s");
    fedns.answers(NAME, "NXDOMAIN");
    eventually(GENEROUS, "nothing is left in hangzhou", || {
        match hangzhou
            .api
            .kubectl()
            .run("get service,deployment -l fedns.io/federation=fed -o name")
            .as_str()
        {
            "" => Ok(()),
            left => Err(left.to_owned()),
        }
    });
}
