use std::fs;

use tests::api_server::{Options, User};
use tests::certificates::{ServerCertificate, server_certificate};
use tests::kubeconfig::kubeconfig;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

use super::stage::{Host, Stage, copy, holds};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            what_init_renews_is_taken_up_while_serving;
    }
}

/// As `fedns init` again does it: the API server gets another certificate of the same authority and
/// starts anew, and fedns's kubeconfig gets other credentials while the old ones end.
fn what_init_renews_is_taken_up_while_serving() {
    let user = |name: &str| User::new(name, &["system:masters"]);
    let options = Options { users: vec![user("of-last-year")], ..Options::default() };
    let mut stage = Stage::of(Host::start(), options);
    let before = stage.federation.context_of(&user("of-last-year"));
    let fedns = Fedns::of_federation(&before, &stage.host_context(), "");
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
    stage.federation.kubectl().run("create configmap first --from-literal=colour=red");
    holds(&stage.beijing, "first", "red");

    let ServerCertificate { chain, key } = server_certificate();
    stage.federation.scratch().write("server.crt", chain);
    stage.federation.scratch().write("server.key", key);
    stage.federation.set_users(vec![user("of-this-year")]);
    stage.federation.kubectl().run("create configmap second --from-literal=colour=red");
    let after = stage.federation.context_of(&user("of-this-year"));
    let text = kubeconfig(&[after, stage.host_context()]);
    fs::write(fedns.home().join("kubeconfig"), text).expect("write the kubeconfig");
    holds(&stage.beijing, "second", "red");
    assert_eq!(fedns.ask("web.default.fed.svc.example.com"), "NOERROR 192.0.2.1");
    stage.federation.kubectl().run("delete configmap second --timeout=60s");
    // Its status is written with the new ones, too.
    stage.federation.kubectl().run("delete cluster beijing --timeout=60s");
    fedns.answers("web.default.fed.svc.example.com", "NXDOMAIN");
}
