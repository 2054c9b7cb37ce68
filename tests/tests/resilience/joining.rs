use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::fakes::http_server::{HttpServer, Reply};
use tests::fault_proxy::{Fault, FaultProxy, Request};
use tests::kubeconfig::Context;
use tests::need::Need;
use tests::process::{Process, Signal};
use tests::suite::Test;

use super::stage::{Stage, copy};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            an_interrupted_join_is_carried_on_by_the_next,
            a_join_again_tells_only_what_was_seen_since,
            an_old_server_and_a_clock_that_is_off_are_told;
    }
}

const JOIN: &str =
    "join beijing --context=federation --host-cluster-context=hangzhou --bound-token";

/// At the first, at one in the middle and at the last of the API servers that a join writes to.
fn an_interrupted_join_is_carried_on_by_the_next() {
    let stage = Stage::new();
    let fedns = stage.serve("");
    let through = |context: Context| {
        let proxy = FaultProxy::start(&context);
        (context.through(proxy.url()), proxy)
    };
    let (beijing, member) = through(stage.beijing.context());
    let (hangzhou, host) = through(stage.hangzhou.api().context());
    let (federation, federation_proxy) = through(stage.federation.context());
    stage.contexts(&[beijing, hangzhou, federation]);
    let writes = |resource: &'static str| {
        move |request: &Request| {
            let is_tried = request.query.contains("dryRun");
            request.method != "GET" && !is_tried && request.concerns(resource)
        }
    };
    let steps = [
        (&member, "clusterrolebindings", "Creating cluster role binding"),
        (&host, "secrets", "Creating secret federation-system/beijing in"),
        (&federation_proxy, "clusters", "Creating cluster beijing in"),
    ];
    for (proxy, resource, step) in steps {
        proxy.inject_where(writes(resource), Fault::Silence);
        let folder = stage.home().path().join(resource);
        std::fs::create_dir_all(&folder).expect("make a folder");
        let mut join = Process::start("join", &stage.command(JOIN), &folder);
        eventually(GENEROUS, step, || {
            let log = join.log();
            if log.contains(step) { Ok(()) } else { Err(log) }
        });
        join.signal(Signal::INT);
        let status = join.wait(GENEROUS);
        let log = join.log();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("interrupted"), "{log}");
        assert!(log.contains("of the steps above stand; the same command goes on"), "{log}");
        assert_eq!(
            stage.federation.kubectl().run("get clusters -o name"),
            "",
            "half a member is none"
        );
        proxy.heal();
        proxy.cut();
    }
    let joined = stage.printed(JOIN);
    assert!(joined.contains("... unchanged"), "{joined}");
    assert!(joined.contains("cluster beijing is Ready"), "{joined}");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
}

/// What the control plane saw before it ended is no answer to a join.
fn a_join_again_tells_only_what_was_seen_since() {
    let stage = Stage::new();
    let mut fedns = stage.serve("");
    let joined = stage.printed(JOIN);
    assert!(joined.contains("cluster beijing is Ready"), "{joined}");
    assert!(fedns.stop().success());
    let output = stage.output(&format!("{JOIN} --timeout=1s"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("has not told what it sees with what this join wrote"), "{error}");
    let status = stage.federation.kubectl().run("get cluster beijing -o jsonpath={.status.phase}");
    assert_eq!(status, "Ready", "it says so still");
    fedns.start();
    let joined = stage.printed(JOIN);
    assert!(joined.contains("cluster beijing is Ready"), "{joined}");
    assert!(joined.contains("(context federation)... unchanged"), "{joined}");
}

/// An API server that tells its version, and the time where `date` is one.
fn stub(version: &'static str, date: Option<&'static str>) -> HttpServer {
    HttpServer::start_tls(move |request| {
        if request.path != "/version" {
            return Reply::Answer { status: 404, headers: vec![], body: "{}".to_owned() };
        }
        let body = json!({
            "major": "1", "minor": "0", "gitVersion": version, "gitCommit": "", "gitTreeState": "",
            "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
        });
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(date.map(|date| ("date", date.to_owned())));
        Reply::Answer { status: 200, headers, body: body.to_string() }
    })
}

fn an_old_server_and_a_clock_that_is_off_are_told() {
    let stage = Stage::new();
    let old = stub("v1.28.15-eks-1a2b3c", None);
    let late = stub("v1.36.3", Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let context = |name: &str, server: &HttpServer| Context {
        name: name.to_owned(),
        server: server.url(),
        token: "admin-token".to_owned(),
    };
    stage.contexts(&[context("old", &old), context("late", &late)]);
    let check = |cluster: &str, expect: &str| {
        let line = format!("join {cluster} --context=federation --host-cluster-context=hangzhou");
        let output = stage.output(&line);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(expect), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    };
    check("old", "cluster old runs Kubernetes v1.28.15-eks-1a2b3c; a member needs v1.29 at least");
    check("late", "the clocks of cluster late and the host cluster (context hangzhou) differ by");
    check("late", "tokens and certificates would not hold; set them right");
    assert_eq!(stage.federation.kubectl().run("get clusters -o name"), "");
}
