use tests::eventually::{GENEROUS, eventually_equal};
use tests::kubectl::{Kubectl, Node};
use tests::kwok::KwokCluster;
use tests::need::Need;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            pods_of_an_exposed_deployment_become_ready_endpoints,
            controllers_work_again_after_their_api_server_was_killed;
    }
}

const NODES: [Node<'_>; 2] =
    [Node::new("a", "cn-beijing", "cn-beijing-a"), Node::new("b", "cn-beijing", "cn-beijing-b")];

fn pods_of_an_exposed_deployment_become_ready_endpoints() {
    let beijing = KwokCluster::start("beijing", &NODES);
    let kubectl = beijing.api.kubectl();
    let zones = "get nodes -o jsonpath={.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}";
    assert_eq!(kubectl.run(zones), "cn-beijing-a cn-beijing-b");

    kubectl.run("create deployment nginx --image=nginx --replicas=3");
    kubectl.run("expose deployment nginx --port=80 --type=LoadBalancer");
    becomes_ready(kubectl, 3);
    kubectl.run("scale deployment nginx --replicas=0");
    becomes_ready(kubectl, 0);
}

fn controllers_work_again_after_their_api_server_was_killed() {
    let mut beijing = KwokCluster::start("beijing", &NODES);
    beijing.api.kubectl().run("create deployment nginx --image=nginx");
    beijing.api.kubectl().run("expose deployment nginx --port=80");
    becomes_ready(beijing.api.kubectl(), 1);
    beijing.api.restart();
    beijing.api.kubectl().run("scale deployment nginx --replicas=2");
    becomes_ready(beijing.api.kubectl(), 2);
}

#[track_caller]
fn becomes_ready(kubectl: &Kubectl, endpoints: usize) {
    eventually_equal(GENEROUS, "the ready endpoints", &endpoints, || {
        kubectl.ready_endpoints("default", "nginx")
    });
}
