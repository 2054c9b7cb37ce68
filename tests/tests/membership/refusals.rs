use tests::api_server::User;
use tests::need::Need;
use tests::suite::Test;

use super::stage::Stage;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            what_speaks_against_a_join_is_said_in_one_line;
    }
}

/// One stage for all of them: none changes anything.
fn what_speaks_against_a_join_is_said_in_one_line() {
    let mut stage = Stage::new();
    let nobody = User::new("nobody", &[]);
    stage.beijing.set_users(vec![nobody.clone()]);
    let unreachable = stage.beijing.context().renamed("gone").through("https://127.0.0.1:1".into());
    stage.contexts(vec![stage.beijing.context_of(&nobody).renamed("nobody"), unreachable]);
    let check = |line: &str, expect: &str| {
        let error = stage.refused(line);
        assert!(error.contains(expect), "{line}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("-token"), "{error}");
    };
    let host = "--context=federation --host-cluster-context=hangzhou";
    check("join beijing --context=federation", "--host-cluster-context is missing");
    check(&format!("join Beijing {host}"), "must be a DNS label");
    check(&format!("join shanghai {host}"), "there is federation, hangzhou, beijing, nobody, gone");
    check(&format!("join gone {host}"), "onnection refused");
    check(
        &format!("join b --cluster-context=nobody {host}"),
        "may not get namespaces, create namespaces",
    );
    check(
        "join beijing --context=hangzhou --host-cluster-context=hangzhou",
        "no clusters.fedns.io",
    );
    check(
        "join beijing --context=federation --host-cluster-context=beijing",
        "make one with `fedns init`",
    );
    check(&format!("join beijing --federation-name=other {host}"), "holds the federation \"fed\"");

    for (words, expect) in [
        ("--labels=a=b%c", "metadata.labels"),
        ("--region=Mars_1", "spec.region"),
        ("--region= --zone=z1", "--zone: zones are of a region"),
        ("--cluster-server=192.0.2.1", "spec.server"),
        ("--cluster-ca=/dev/null", "--cluster-ca /dev/null: holds no certificate in PEM"),
    ] {
        check(&format!("join beijing {words} {host}"), expect);
    }

    // Two federations, and a slip of the pen: nothing of the one goes into the other.
    let definition = "annotate --overwrite crd clusters.fedns.io";
    let api = stage.federation.kubectl();
    api.run(&format!("{definition} fedns.io/host-uid={}", stage.beijing.uid()));
    for line in ["join beijing", "unjoin beijing", "enable networkpolicies"] {
        check(&format!("{line} {host}"), "federation whose control plane is not in");
    }
    api.run(&format!("{definition} fedns.io/host-uid={}", stage.hangzhou.api.uid()));
    let name = "federation.alpha.kubernetes.io/federation-name";
    api.run(&format!("{definition} {name}=other"));
    check(&format!("join beijing {host}"), "the API of the federation \"other\", and that of");
    api.run(&format!("{definition} {name}=fed"));

    let beijing = stage.beijing.kubectl();
    beijing.run("create namespace federation-system");
    beijing.run("-n federation-system create serviceaccount was-there");
    beijing.run(
        "-n federation-system annotate serviceaccount was-there \
         federation.alpha.kubernetes.io/federation-name=other \
         federation.alpha.kubernetes.io/cluster-name=peking fedns.io/host-uid=1",
    );
    check(
        &format!("join beijing {host}"),
        "a member of the federation \"other\" already, as \"peking\"",
    );
    check(
        &format!("join beijing {host}"),
        "kubectl -n federation-system delete serviceaccount was-there",
    );
    beijing.run("-n federation-system delete serviceaccount was-there");

    let federation = stage.federation.kubectl();
    federation.apply(
        r#"{"apiVersion": "fedns.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "beijing",
        "finalizers": ["fedns.io/member"]}, "spec": {"server": "https://192.0.2.1", "secretRef":
        {"name": "beijing"}}}"#,
    );
    federation.run("delete cluster beijing --wait=false");
    check(&format!("join beijing {host}"), "cluster beijing is just leaving the federation");
    let released = r#"{"metadata":{"finalizers":null}}"#;
    federation.args(&["patch", "cluster", "beijing", "--type=merge", "-p", released]);

    stage.hangzhou.api.kubectl().run("-n federation-system create secret generic beijing");
    check(
        &format!("join beijing {host}"),
        "is not this member's; choose another name with --secret-name",
    );
    // No controller runs here that would end it.
    beijing.run("delete namespace federation-system --wait=false");
    check(&format!("join beijing {host}"), "kubectl --context=beijing wait --for=delete");
    let objects = federation.run("get clusters -o name");
    assert_eq!(objects, "");
    assert_eq!(beijing.run("-n federation-system get serviceaccounts -o name"), "");
}
