use tests::by_hand;
use tests::need::Need;
use tests::suite::Test;

use super::stage::{Stage, texts};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            the_command_line_of_the_seed_takes_a_member_out,
            a_dry_run_tells_what_would_go_and_removes_nothing,
            the_secret_that_a_person_wrote_stays_and_is_listed,
            what_is_no_federation_and_who_is_no_member_are_told,
            a_dead_member_stops_nothing_and_its_leftovers_are_listed;
    }
}

const JOIN: &str = "join beijing --context=federation --cluster-context=beijing \
                    --host-cluster-context=hangzhou --bound-token --timeout=0";
const UNJOIN: &str = "unjoin beijing --host-cluster-context=hangzhou --context=federation";

fn the_command_line_of_the_seed_takes_a_member_out() {
    let stage = Stage::new();
    let beijing = stage.beijing.kubectl();
    beijing.run("create namespace theirs");
    stage.printed(JOIN);
    let copies = "-n theirs create configmap";
    beijing.run(&format!("{copies} copy"));
    beijing.run("-n theirs label configmap copy fedns.io/federation=fed");
    beijing.run(&format!("{copies} own"));
    // As fedns does; none runs here to let go.
    let held = r#"{"metadata":{"finalizers":["fedns.io/member"]}}"#;
    stage.federation.kubectl().args(&["patch", "cluster", "beijing", "--type=merge", "-p", held]);

    let output = stage.fedns(&format!("{UNJOIN} --timeout=0"));
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}{out}");
    assert!(error.contains("did not let go of cluster beijing"), "{error}");
    assert!(out.ends_with("cluster beijing has left the federation\n"), "{out}");
    assert_eq!(stage.federation.kubectl().run("get clusters -o name"), "");
    let secrets = stage.hangzhou.api.kubectl();
    assert_eq!(secrets.run("-n federation-system get secrets -o name"), "");
    let roles = beijing.run("get clusterroles,clusterrolebindings -o name");
    assert!(!roles.contains("federation-controller-manager"), "{roles}");
    let accounts =
        beijing.run("-n federation-system get serviceaccounts,roles,rolebindings -o name");
    assert_eq!(accounts, "");
    // The API alone ends no namespace; that it is ending shows the deletion.
    let namespace = beijing.json("get namespace federation-system");
    assert!(!namespace["metadata"]["deletionTimestamp"].is_null(), "{namespace:#}");
    let kept = beijing.run("-n theirs get configmaps -o name");
    assert!(kept.contains("configmap/copy") && kept.contains("configmap/own"), "{kept}");

    let output = stage.fedns(&format!("{UNJOIN} --objects=delete"));
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}{out}");
    assert!(error.contains("cluster \"beijing\" is not in the federation"), "{error}");
    let kept = beijing.run("-n theirs get configmaps -o name");
    assert!(!kept.contains("configmap/copy") && kept.contains("configmap/own"), "{kept}");
}

fn a_dry_run_tells_what_would_go_and_removes_nothing() {
    let stage = Stage::new();
    let beijing = stage.beijing.kubectl();
    beijing.run("create namespace theirs");
    stage.printed(JOIN);
    beijing.run("-n theirs create configmap copy");
    beijing.run("-n theirs label configmap copy fedns.io/federation=fed");
    let standing = || {
        let kinds = "serviceaccounts,roles,rolebindings,secrets,configmaps";
        [
            stage.federation.kubectl().run("get clusters -o yaml"),
            stage.hangzhou.api.kubectl().run("-n federation-system get secrets -o name"),
            beijing.run(&format!("get {kinds} -A -o name")),
            beijing.run("get clusterroles,clusterrolebindings,namespaces -o yaml"),
        ]
    };
    let before = standing();
    let out = stage.printed(&format!("{UNJOIN} --dry-run"));
    for wanted in [
        "nothing was changed:\n",
        "  cluster beijing in the federation, and its share in DNS\n",
        "  secret federation-system/beijing in the host cluster\n",
        "  - clusterrolebinding federation-controller-manager:fed-beijing-hangzhou",
        "  - clusterrole federation-controller-manager:fed-beijing-hangzhou",
        "  - serviceaccount beijing-hangzhou\n",
        "  - namespace federation-system\n",
        "    1 configmaps with fedns.io/federation=fed stay (--objects=delete)\n",
    ] {
        assert!(out.contains(wanted), "{wanted}\n{out}");
    }
    let out = stage.printed(&format!("{UNJOIN} --dry-run --objects=delete"));
    assert!(out.contains("  - 1 configmaps with fedns.io/federation=fed\n"), "{out}");
    stage.beijing.pause();
    let out = stage.printed(&format!("{UNJOIN} --dry-run"));
    assert!(out.contains("  beijing: is skipped, and what it has is listed: "), "{out}");
    stage.beijing.resume();
    assert_eq!(standing(), before);
}

fn the_secret_that_a_person_wrote_stays_and_is_listed() {
    let stage = Stage::new();
    by_hand::join(&stage.federation, &stage.hangzhou.api, &stage.beijing);
    let command = "kubectl --context=hangzhou -n federation-system delete secret beijing";
    for line in [&format!("{UNJOIN} --dry-run"), UNJOIN] {
        let out = stage.printed(line);
        assert!(out.contains("secret federation-system/beijing in the host cluster: "), "{out}");
        assert!(out.contains(command), "{out}");
    }
    assert_eq!(stage.federation.kubectl().run("get clusters -o name"), "");
    stage.hangzhou.api.kubectl().run("-n federation-system get secret beijing");
}

fn what_is_no_federation_and_who_is_no_member_are_told() {
    let stage = Stage::new();
    stage.printed(JOIN);
    // The host's own API: whoever forgets to name the federation's has it as the current context.
    let error = stage.refused("unjoin beijing --host-cluster-context=hangzhou --context=hangzhou");
    assert!(error.contains("has no clusters.fedns.io: it is no federation's API"), "{error}");
    let secrets = stage.hangzhou.api.kubectl().run("-n federation-system get secrets -o name");
    assert_eq!(secrets, "secret/beijing\n");
    stage.beijing.kubectl().run("-n federation-system get serviceaccount beijing-hangzhou");

    let output = stage.fedns("unjoin bejing --host-cluster-context=hangzhou --context=federation");
    let (out, error) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{error}{out}");
    assert!(error.contains("cluster \"bejing\" is not in the federation"), "{error}");
    assert!(!out.contains("has left"), "{out}");
    assert_eq!(
        stage.federation.kubectl().run("get clusters -o name"),
        "cluster.fedns.io/beijing\n"
    );
}

fn a_dead_member_stops_nothing_and_its_leftovers_are_listed() {
    let stage = Stage::new();
    stage.printed(JOIN);
    stage.beijing.pause();
    let out = stage.printed(UNJOIN);
    assert!(out.contains("cluster beijing has left the federation; what is left:"), "{out}");
    assert!(out.contains("no answer in time"), "{out}");
    assert!(out.contains("kubectl --context=beijing delete namespace federation-system"), "{out}");
    assert_eq!(stage.federation.kubectl().run("get clusters -o name"), "");
    stage.beijing.resume();
    let out = stage.printed(UNJOIN);
    assert!(out.ends_with("cluster beijing has left the federation\n"), "{out}");
}
