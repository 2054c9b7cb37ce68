use std::net::Ipv4Addr;

use tests::eventually::{GENEROUS, eventually};
use tests::http;
use tests::images;
use tests::need::Need;
use tests::real_cluster::RealCluster;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] =>
            two_clusters_run_containers_that_are_reached_at_addresses_of_load_balancers;
    }
}

fn two_clusters_run_containers_that_are_reached_at_addresses_of_load_balancers() {
    let clusters = ["beijing", "hangzhou"].map(RealCluster::start);
    let addresses = clusters.each_ref().map(serve_web);
    assert_ne!(addresses[0], addresses[1]);
    for (cluster, address) in clusters.iter().zip(addresses) {
        let pods = cluster.ready_pods("default", "app=web", 2);
        let name = cluster.api.name();
        eventually(GENEROUS, "the web server answers", || {
            let answer = http::get_from((address, 80).into(), "/")?;
            let pod = answer.body.trim().strip_prefix(&format!("{name} from ")).unwrap_or("");
            let is_known = pods.iter().any(|known| known == pod);
            if is_known { Ok(()) } else { Err(format!("{answer:?}, pods {pods:?}")) }
        });
        let pod = &pods[0];
        let kubectl = cluster.api.kubectl();
        let said = kubectl.run(&format!("exec {pod} -- pod cat /etc/hostname"));
        assert_eq!(said.trim(), pod);
    }
}

fn serve_web(cluster: &RealCluster) -> Ipv4Addr {
    let name = cluster.api.name();
    let image = images::POD;
    cluster.api.kubectl().apply(&format!(
        "apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata: {{name: web}}\n\
         spec:\n  \
           replicas: 2\n  \
           selector: {{matchLabels: {{app: web}}}}\n  \
           template:\n    \
             metadata: {{labels: {{app: web}}}}\n    \
             spec:\n      \
               containers:\n      \
               - name: web\n        \
                 image: {image}\n        \
                 imagePullPolicy: IfNotPresent\n        \
                 args: [web, '8080', {name}]\n        \
                 ports: [{{containerPort: 8080}}]\n        \
                 readinessProbe: {{httpGet: {{path: /, port: 8080}}}}\n"
    ));
    let expose = "expose deployment web --port=80 --target-port=8080 --type=LoadBalancer";
    cluster.api.kubectl().run(expose);
    cluster.give_address("default", "web")
}
