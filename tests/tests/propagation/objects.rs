use tests::need::Need;
use tests::suite::Test;

use super::federation::Federation;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_config_map_is_made_changed_and_deleted_in_every_member;
    }
}

const COLOUR: &str = "get configmap web -o jsonpath={.data.colour}";

fn a_config_map_is_made_changed_and_deleted_in_every_member() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create configmap web --from-literal=colour=red --from-literal=size=1");
    federation.in_every_member(COLOUR, "red");
    federation.in_every_member(
        "get configmap web -o jsonpath={.metadata.labels}",
        r#"{"fedns.io/federation":"fed"}"#,
    );
    federation.event("CreateInCluster", r#"Created ConfigMap "default/web" in cluster beijing"#);
    federation.event("CreateInCluster", r#"Created ConfigMap "default/web" in cluster hangzhou"#);

    kubectl.args(&["patch", "configmap", "web", "-p", r#"{"data":{"colour":"blue","size":null}}"#]);
    federation.in_every_member("get configmap web -o jsonpath={.data}", r#"{"colour":"blue"}"#);
    federation.event("UpdateInCluster", r#"Updated ConfigMap "default/web" in cluster beijing"#);

    kubectl.run("delete configmap web");
    federation.in_no_member("get configmap web");
}
