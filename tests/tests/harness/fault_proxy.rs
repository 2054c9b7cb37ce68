use std::time::{Duration, Instant};

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::fault_proxy::{Fault, FaultProxy};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::process::Process;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            content_faults_replace_answers_until_healed,
            connection_faults_break_what_runs_and_heal,
            a_proxy_outlives_its_server;
    }
}

const LIST: &str = "get --raw /api/v1/namespaces";

/// An API server, a proxy before it, and kubectl through the proxy.
struct Proxied {
    proxy: FaultProxy,
    kubectl: Kubectl,
    server: ApiServer,
}

fn start() -> Proxied {
    let server = ApiServer::start("beijing");
    let proxy = FaultProxy::start(&server.context());
    let through = kubeconfig(&[server.context().through(proxy.url())]);
    let kubectl = Kubectl::new(server.scratch().write("through", through));
    Proxied { proxy, kubectl, server }
}

fn content_faults_replace_answers_until_healed() {
    let Proxied { proxy, kubectl, server: _server } = start();
    assert!(list_length(&kubectl) > 0);

    proxy.inject(Fault::EmptyList);
    assert_eq!(list_length(&kubectl), 0);
    assert!(kubectl.run("get namespace default -o name").contains("default"), "a get passes");
    proxy.heal();
    assert!(list_length(&kubectl) > 0);

    for code in [401, 403, 500] {
        proxy.inject_where(|request| request.lists("namespaces"), Fault::Status(code));
        let error = kubectl.try_run(LIST).expect_err("the proxy refuses");
        assert!(error.contains("fault proxy") || error.contains("logged in"), "{code}: {error}");
        assert_eq!(kubectl.run("get --raw /readyz"), "ok", "other requests pass");
        proxy.heal();
    }

    let lists = proxy.requests().iter().filter(|request| request.lists("namespaces")).count();
    assert_eq!(lists, 6);
}

fn connection_faults_break_what_runs_and_heal() {
    let Proxied { proxy, kubectl, server } = start();
    let command = kubectl.command(["get", "namespaces", "--watch", "-o", "name"]);
    let watch = Process::start("watch", &command, server.scratch().path());
    eventually(GENEROUS, "the proxy sees a watch", || {
        proxy.requests().iter().any(|it| it.watches("namespaces")).then_some(()).ok_or("none")
    });
    // A watch that has shown nothing yet would be begun again.
    kubectl.run("create namespace new");
    eventually(GENEROUS, "the watch shows a change", || {
        let log = watch.log();
        if log.contains("namespace/new") { Ok(()) } else { Err(log) }
    });
    proxy.cut();
    eventually_equal(GENEROUS, "kubectl gives up its watch", &false, || watch.is_running());

    proxy.refuse();
    let error = kubectl.try_run(LIST).expect_err("nobody listens");
    assert!(error.contains("refused"), "{error}");
    proxy.heal();

    proxy.inject(Fault::Silence);
    let error = kubectl.try_run(&format!("{LIST} --request-timeout=1s")).expect_err("silence");
    assert!(error.contains("deadline") || error.contains("canceled"), "{error}");
    proxy.heal();

    proxy.inject(Fault::Delay(Duration::from_millis(700)));
    let started = Instant::now();
    assert!(list_length(&kubectl) > 0);
    assert!(started.elapsed() >= Duration::from_millis(700));
}

fn a_proxy_outlives_its_server() {
    let Proxied { proxy: _proxy, kubectl, mut server } = start();
    server.kill();
    kubectl.try_run(LIST).expect_err("nobody is behind the proxy");
    server.restart();
    assert!(list_length(&kubectl) > 0);
}

fn list_length(kubectl: &Kubectl) -> usize {
    let list: serde_json::Value = serde_json::from_str(&kubectl.run(LIST)).expect("a JSON list");
    list["items"].as_array().expect("items").len()
}
