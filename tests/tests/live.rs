use tests::api_server::ApiServer;
use tests::kubectl::Node;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] => what_the_cloud_gives_is_answered_and_outlives_the_api_server;
    }
}

/// Without a selector a Service needs no endpoint to be healthy.
const WEB: &str = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}"#;

fn what_the_cloud_gives_is_answered_and_outlives_the_api_server() {
    let mut beijing = ApiServer::start("beijing");
    let hangzhou = ApiServer::start("hangzhou");
    for (cluster, region) in [(&beijing, "cn-beijing"), (&hangzhou, "cn-hangzhou")] {
        cluster.kubectl().create_node(Node::new("node-1", region, &format!("{region}-a")));
        cluster.kubectl().apply(WEB);
    }
    let fedns = Fedns::on_contexts(&[beijing.context(), hangzhou.context()], "");
    let global = "web.default.fed.svc.example.com";
    let zone = "web.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
    fedns.answers(zone, "NXDOMAIN");

    hangzhou.kubectl().set_load_balancer("default", "web", &["192.0.2.1"]);
    fedns.answers(zone, "NOERROR 192.0.2.1");
    beijing.kubectl().set_load_balancer("default", "web", &["192.0.2.2"]);
    fedns.answers(zone, "NOERROR 192.0.2.2");
    fedns.answers(global, "NOERROR 192.0.2.1 192.0.2.2");

    beijing.kill();
    hangzhou.kubectl().set_load_balancer("default", "web", &["192.0.2.3"]);
    // The change of the other cluster arrives; the dead one's address stands.
    fedns.answers(global, "NOERROR 192.0.2.2 192.0.2.3");

    beijing.restart();
    beijing.kubectl().run("delete service web");
    fedns.answers(zone, "NOERROR 192.0.2.3");
}
