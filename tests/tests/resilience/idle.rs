use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::{FaultProxy, Request};
use tests::need::Need;
use tests::suite::Test;

use super::stage::{ELECTION, Stage, holds};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            with_nothing_to_do_only_the_lease_and_one_status_a_minute_are_written;
    }
}

/// The Lease is renewed every two seconds: that often in a little less than a minute.
const RENEWALS: usize = 28;

/// All that was written so far, wherever.
#[derive(Clone, Debug, Default, PartialEq)]
struct Writes {
    lease: usize,
    statuses: usize,
    others: Vec<String>,
}

impl Writes {
    fn of(proxies: &[&FaultProxy]) -> Self {
        let mut writes = Self::default();
        let requests = proxies.iter().flat_map(|proxy| proxy.requests());
        for Request { method, path, .. } in requests.filter(|it| it.method != "GET") {
            match path.as_str() {
                lease if lease.contains("/leases") => writes.lease += 1,
                "/apis/fedns.io/v1alpha1/clusters/beijing/status" => writes.statuses += 1,
                _ => writes.others.push(format!("{method} {path}")),
            }
        }
        writes
    }
}

fn with_nothing_to_do_only_the_lease_and_one_status_a_minute_are_written() {
    let stage = Stage::new();
    let federation = FaultProxy::start(&stage.federation.context());
    let member = FaultProxy::start(&stage.beijing.context());
    let fedns = stage.serve_through(&federation, ELECTION);
    stage.join("beijing", &format!("--bound-token --cluster-server={}", member.url()));
    let kubectl = stage.federation.kubectl();
    kubectl.run("create configmap web --from-literal=colour=red");
    kubectl.run("create deployment web --image=web --replicas=2");
    // It selects nothing, so that its address is published.
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]}});
    kubectl.apply(&service.to_string());
    holds(&stage.beijing, "web", "red");
    eventually(GENEROUS, "the Service is copied", || {
        stage.beijing.kubectl().try_run("get service web")
    });
    stage.beijing.kubectl().set_load_balancer("default", "web", &["192.0.2.1"]);
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");

    let proxies = [&stage.host_proxy, &federation, &member];
    let mut before = Writes::of(&proxies);
    eventually(4 * GENEROUS, "nothing else is written for a minute", || {
        let now = Writes::of(&proxies);
        let is_idle = now.others == before.others && now.statuses <= before.statuses + 1;
        match (is_idle, now.lease - before.lease) {
            (true, RENEWALS..) => Ok(()),
            (true, renewals) => Err(format!("{renewals} renewals")),
            (false, _) => {
                let was = std::mem::replace(&mut before, now);
                Err(format!("{was:?}, and then {before:?}"))
            }
        }
    });
}
