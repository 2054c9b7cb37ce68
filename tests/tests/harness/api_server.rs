use std::sync::Arc;

use tests::api_server::{ApiServer, Options, User};
use tests::etcd::Etcd;
use tests::eventually::{GENEROUS, eventually};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::process::Process;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_watch_sees_the_address_that_the_cloud_gives,
            clusters_in_one_kubeconfig_keep_apart,
            a_killed_server_returns_with_its_objects,
            a_paused_server_answers_nobody_until_resumed,
            a_server_without_its_etcd_is_up_but_not_ready,
            a_replaced_cluster_has_another_identity_on_the_same_address,
            expired_resource_versions_are_gone,
            a_user_may_do_what_rbac_grants_until_withdrawn;
    }
}

const WEB: &str = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}"#;

fn a_watch_sees_the_address_that_the_cloud_gives() {
    let beijing = ApiServer::start("beijing");
    let kubectl = beijing.kubectl();
    kubectl.apply(WEB);
    let addresses = "jsonpath={.status.loadBalancer.ingress[*]['ip','hostname']}{'\\n'}";
    // By its name alone kubectl would watch from a moment after it was read, and miss what was between.
    let only = "--field-selector=metadata.name=web";
    let command = kubectl.command(["get", "services", only, "--watch", "-o", addresses]);
    let watch = Process::start("watch", &command, beijing.scratch().path());

    kubectl.set_load_balancer("default", "web", &["192.0.2.1", "lb.example.net"]);
    seen(&watch, "192.0.2.1 lb.example.net");
    kubectl.set_load_balancer("default", "web", &["192.0.2.2"]);
    seen(&watch, "192.0.2.2");
    kubectl.set_load_balancer("default", "web", &[]);
    let status = kubectl.json("get service web")["status"]["loadBalancer"].clone();
    assert_eq!(status, serde_json::json!({}));
}

fn clusters_in_one_kubeconfig_keep_apart() {
    let beijing = ApiServer::start("beijing");
    let hangzhou = ApiServer::start("hangzhou");
    let contexts = kubeconfig(&[beijing.context(), hangzhou.context()]);
    let both = Kubectl::new(beijing.scratch().write("both", contexts));
    both.context("hangzhou").apply(WEB);
    let names =
        |context| both.context(context).run("get services -o jsonpath={.items[*].metadata.name}");
    assert_eq!(names("beijing"), "kubernetes");
    assert_eq!(names("hangzhou"), "kubernetes web");
}

fn a_killed_server_returns_with_its_objects() {
    let mut beijing = ApiServer::start("beijing");
    beijing.kubectl().apply(WEB);
    let uid = beijing.uid();
    beijing.kill();
    let error = beijing.kubectl().try_run("get services").expect_err("nobody listens");
    assert!(error.contains("refused"), "{error}");
    beijing.restart();
    assert_eq!(beijing.uid(), uid);
    beijing.kubectl().run("get service web");
}

fn a_paused_server_answers_nobody_until_resumed() {
    let beijing = ApiServer::start("beijing");
    beijing.pause();
    let error = beijing
        .kubectl()
        .try_run("get --raw /readyz --request-timeout=1s")
        .expect_err("nobody answers");
    assert!(error.contains("request canceled") || error.contains("deadline"), "{error}");
    beijing.resume();
    assert_eq!(beijing.kubectl().run("get --raw /readyz"), "ok");
}

fn a_server_without_its_etcd_is_up_but_not_ready() {
    let etcd = Arc::new(Etcd::start());
    let options = Options { etcd: Some(Arc::clone(&etcd)), ..Options::default() };
    let beijing = ApiServer::start_with("beijing", options);
    beijing.kubectl().apply(WEB);
    etcd.kill();
    eventually(GENEROUS, "the server says that it is not ready", || {
        match beijing.kubectl().try_run("get --raw /readyz") {
            Ok(_) => Err("ready".to_owned()),
            Err(error) if error.contains("refused") => Err(error),
            Err(_) => Ok(()),
        }
    });
    etcd.restart();
    eventually(GENEROUS, "the server is itself again", || {
        beijing.kubectl().try_run("get service web")
    });
}

fn a_replaced_cluster_has_another_identity_on_the_same_address() {
    let mut beijing = ApiServer::start("beijing");
    beijing.kubectl().apply(WEB);
    let (url, uid) = (beijing.url(), beijing.uid());
    beijing.replace_by_new_cluster();
    assert_eq!(beijing.url(), url);
    assert_ne!(beijing.uid(), uid);
    let error = beijing.kubectl().try_run("get service web").expect_err("the new one is empty");
    assert!(error.contains("NotFound"), "{error}");
}

fn expired_resource_versions_are_gone() {
    let mut beijing = ApiServer::start("beijing");
    beijing.kubectl().apply(WEB);
    let list = beijing.kubectl().run("get --raw /api/v1/services");
    let list: serde_json::Value = serde_json::from_str(&list).expect("a JSON list");
    let version = list["metadata"]["resourceVersion"].as_str().expect("lists have one");
    let watch =
        format!("get --raw /api/v1/services?watch=true&timeoutSeconds=1&resourceVersion={version}");
    let before = beijing.kubectl().run(&watch);
    assert!(!before.contains("Expired"), "{before}");
    beijing.expire_resource_versions();
    let after = beijing.kubectl().run(&watch);
    assert!(after.contains("Expired"), "{after}");
}

fn a_user_may_do_what_rbac_grants_until_withdrawn() {
    let viewer = User::new("viewer", &["viewers"]);
    let options = Options { users: vec![viewer.clone()], ..Options::default() };
    let mut beijing = ApiServer::start_with("beijing", options);
    let contexts = kubeconfig(&[beijing.context_of(&viewer)]);
    let kubectl = Kubectl::new(beijing.scratch().write("viewer", contexts));

    let error = kubectl.try_run("get services").expect_err("no right yet");
    assert!(error.contains("Forbidden"), "{error}");
    let admin = beijing.kubectl();
    admin.run("create clusterrole see-services --verb=get,list,watch --resource=services");
    admin.run("create clusterrolebinding viewers --clusterrole=see-services --group=viewers");
    eventually(GENEROUS, "the right is granted", || kubectl.try_run("get services"));
    kubectl.try_run("get nodes").expect_err("another right");

    beijing.set_users(Vec::new());
    let error = kubectl.try_run("get services").expect_err("the user is gone");
    assert!(error.contains("Unauthorized") || error.contains("logged in"), "{error}");
}

fn seen(watch: &Process, line: &str) {
    eventually(GENEROUS, "the watch shows the address", || {
        let log = watch.log();
        if log.lines().any(|it| it == line) { Ok(()) } else { Err(log) }
    });
}
