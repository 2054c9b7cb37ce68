use tests::api_server::ApiServer;
use tests::need::Need;
use tests::suite::Test;

use super::stage::{DELETE, User};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            what_init_did_not_make_is_refused,
            what_others_put_into_the_namespace_stays,
            volumes_stay_if_they_are_to;
    }
}

const ZONE: &str = "--dns-zone-name=example.com";

fn host() -> (ApiServer, User) {
    let host = ApiServer::start("hangzhou");
    let user = User::new(&[host.context()]);
    (host, user)
}

fn what_init_did_not_make_is_refused() {
    let (host, user) = host();
    let check = |line: &str, expect: &str| {
        let error = user.refused(line);
        assert!(error.contains(expect), "{line}: {error}");
    };
    check(&format!("{DELETE} --yes"), "there is no federation federation here");
    check("delete federation --yes", "--host-cluster-context");
    check("delete federation --host-cluster-context=nobody", "nobody");

    let kubectl = host.kubectl();
    kubectl.run("create namespace federation-system");
    check(&format!("{DELETE} --yes"), "was not made by fedns init");
    let annotate = "annotate --overwrite namespace federation-system";
    kubectl.run(&format!("{annotate} federation.alpha.kubernetes.io/federation-name=fed"));
    check(&format!("{DELETE} --yes"), "was not made by fedns init");
    kubectl.run("label namespace federation-system app=federated-cluster");
    check(&format!("{DELETE} --yes"), "holds the federation \"fed\"");
    kubectl.run(&format!("{annotate} fedns.io/context=federation"));
    let other = "delete fed --host-cluster-context=hangzhou --yes";
    check(other, "fedns delete federation --federation-name=fed");
    check(&format!("{DELETE} --federation-name=other --yes"), "with the label \"fed\"");
    kubectl.run(&format!("{annotate} federation.alpha.kubernetes.io/cluster-name=hangzhou"));
    check(&format!("{DELETE} --yes"), "is that of member \"hangzhou\" of \"fed\"");
    let namespace = kubectl.json("get namespace federation-system");
    assert!(namespace["metadata"]["deletionTimestamp"].is_null(), "{namespace:#}");
}

fn what_others_put_into_the_namespace_stays() {
    let (host, user) = host();
    let kubectl = host.kubectl();
    user.init(kubectl, &format!("{ZONE} --etcd-persistent-storage=false"));
    kubectl.run("-n federation-system create configmap notes");
    let plan = user.printed(&format!("{DELETE} --dry-run"));
    assert!(plan.contains("    ConfigMap notes: not the federation's, stays\n"), "{plan}");
    let told = user.printed(&format!("{DELETE} --yes"));
    assert!(told.contains("it holds what is not the federation's: ConfigMap notes\n"), "{told}");
    let kinds = "deployments,statefulsets,services,secrets,configmaps,serviceaccounts,roles,rolebindings,\
                 poddisruptionbudgets";
    let left = kubectl.run(&format!("-n federation-system get {kinds} -o name"));
    assert_eq!(left, "configmap/notes\n");
    let namespace = kubectl.json("get namespace federation-system");
    let name = "federation.alpha.kubernetes.io/federation-name";
    assert!(namespace["metadata"]["annotations"][name].is_null(), "{namespace:#}");
    assert!(namespace["metadata"]["labels"]["app"].is_null(), "{namespace:#}");
    assert!(namespace["metadata"]["deletionTimestamp"].is_null(), "{namespace:#}");
}

fn volumes_stay_if_they_are_to() {
    let (host, user) = host();
    let kubectl = host.kubectl();
    user.init(kubectl, ZONE);
    let told = user.printed(&format!("{DELETE} --keep-volumes --yes"));
    assert!(told.contains("volume claim federation-system/apiserver-etcd-claim"), "{told}");
    let claim = kubectl.json("-n federation-system get pvc apiserver-etcd-claim");
    assert!(claim["metadata"]["deletionTimestamp"].is_null(), "{claim:#}");
    let kinds = "deployments,statefulsets,services,secrets,configmaps";
    assert_eq!(kubectl.run(&format!("-n federation-system get {kinds} -o name")), "");
    // The namespace is the federation's still: init goes on there, and delete finds the rest.
    let plan = user.printed(&format!("{DELETE} --dry-run"));
    assert!(plan.contains("apiserver-etcd-claim (10Gi) and all data on it"), "{plan}");
}
