use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::port::free_port;
use tests::process::{Process, Signal};
use tests::suite::Test;

use super::stage::{CONFIG, DELETE, DOMAIN, Stage};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            nothing_of_a_federation_is_left_anywhere,
            a_member_that_is_gone_stops_nothing_and_is_cleaned_when_it_is_back,
            what_a_deleted_namespace_leaves_behind_is_found,
            an_interrupted_delete_is_carried_on_by_the_next;
    }
}

const BEIJING: &str = "beijing --cluster-context=beijing --bound-token --dns-server=192.0.2.53";
const COREFILE: &str = ".:53 {\n    errors\n}\n";
pub(super) const NOBODY: &str =
    "there is no federation federation here, and nothing is left of one: ";

fn corefile(stage: &Stage) -> String {
    let map = stage.beijing.kubectl().json("-n kube-system get configmap coredns");
    map["data"]["Corefile"].as_str().unwrap_or_default().to_owned()
}

/// A copy, and an object that was there before.
fn put_objects(stage: &Stage) {
    let beijing = stage.beijing.kubectl();
    beijing.run("create namespace theirs");
    beijing.run("-n theirs create configmap own");
    beijing.run("-n theirs create configmap copy");
    beijing.run("-n theirs label configmap copy fedns.io/federation=fed");
}

fn roles(stage: &Stage) -> String {
    let all = "get clusterroles,clusterrolebindings -o name";
    let both = stage.beijing.kubectl().run(all) + &stage.host().run(all);
    both.lines().filter(|line| line.contains("federation-controller-manager")).collect()
}

fn nothing_of_a_federation_is_left_anywhere() {
    let stage = Stage::new();
    let beijing = stage.beijing.kubectl();
    beijing.args(&[
        "-n",
        "kube-system",
        "create",
        "configmap",
        "coredns",
        &format!("--from-literal=Corefile={COREFILE}"),
    ]);
    stage.join(&format!("{BEIJING} --configure-dns"));
    // The host can be a member itself.
    stage.join("hangzhou --cluster-context=hangzhou");
    put_objects(&stage);
    let others = stage.put_records();
    let all = stage.alidns.lines(DOMAIN);

    let plan = stage.user.printed(&format!("{DELETE} --dry-run"));
    for line in [
        "\nRecords at alidns for spacexnice.xyz., owner fed-1: 3 names\n",
        "\n  - nginx.default.fed.svc.spacexnice.xyz. A 180 198.51.100.1\n",
        "\n  - the block of \"fed\" in CoreDNS's Corefile\n",
        "\n    1 configmaps with fedns.io/federation=fed stay (--objects=delete)\n",
        "\n  - clusterrole federation-controller-manager:fed-beijing-hangzhou\n",
        "\n  - namespace federation-system with:\n",
        "\n  - Deployment apiserver, controller-manager, fedns\n",
        "\n  - PersistentVolumeClaim apiserver-etcd-claim (10Gi) and all data on it",
        "\n  - context federation with cluster and user\n",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    assert!(!plan.contains("other.default") && !plan.contains("hand.default"), "{plan}");
    let error = stage.user.refused(DELETE);
    assert!(
        error.contains("--yes agrees to what was shown\nfedns: nothing was changed"),
        "{error}"
    );
    assert_eq!(stage.alidns.lines(DOMAIN), all);
    assert_ne!(corefile(&stage), COREFILE);
    assert_eq!(stage.system("deployment fedns"), "deployment.apps/fedns\n");

    // The provider refuses: fedns is stopped, all behind that step stands, and nothing is lost.
    stage.alidns.deny("DeleteDomainRecord");
    let error = stage.user.refused(&format!("{DELETE} --yes"));
    assert!(error.contains("alidns for spacexnice.xyz.: "), "{error}");
    assert!(error.ends_with("the same command goes on where this one ended\n"), "{error}");
    assert_eq!(corefile(&stage), COREFILE);
    let replicas = "-n federation-system get deployment fedns -o jsonpath={.spec.replicas}";
    assert_eq!(stage.host().run(replicas), "0");
    assert!(roles(&stage).contains("fed-beijing-hangzhou"));

    stage.alidns.allow("DeleteDomainRecord");
    let told = stage.user.printed(&format!("{DELETE} --yes"));
    for line in [
        "Stopping fedns in hangzhou... done\n",
        "Deleting records at alidns for spacexnice.xyz.... done\n",
        "Deleting serviceaccount beijing-hangzhou in cluster beijing... done\n",
        "Deleting namespace federation-system in hangzhou... done\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(told.ends_with("federation fed is gone\n"), "{told}");
    assert_eq!(stage.alidns.lines(DOMAIN), others);
    assert_eq!(roles(&stage), "");
    let accounts = "-n federation-system get serviceaccounts,roles,rolebindings -o name";
    assert_eq!(beijing.run(accounts), "");
    // The API alone ends no namespace; that it is ending shows the deletion.
    let namespace = beijing.json("get namespace federation-system");
    assert!(!namespace["metadata"]["deletionTimestamp"].is_null(), "{namespace:#}");
    let kept = beijing.run("-n theirs get configmaps -o name");
    assert!(kept.contains("configmap/copy") && kept.contains("configmap/own"), "{kept}");
    assert_eq!(stage.host().run("get namespace federation-system --ignore-not-found"), "");
    assert_eq!(stage.user.contexts(), ["beijing", "hangzhou"]);

    let error = stage.user.refused(&format!("{DELETE} --yes {CONFIG}"));
    assert!(error.contains(NOBODY), "{error}");
    assert!(error.contains("no records at alidns for spacexnice.xyz. of fed-1"), "{error}");
}

fn a_member_that_is_gone_stops_nothing_and_is_cleaned_when_it_is_back() {
    let stage = Stage::new();
    stage.join(BEIJING);
    put_objects(&stage);
    stage.beijing.pause();
    let told = stage.user.printed(&format!("{DELETE} --objects=delete --yes"));
    assert!(told.contains("\n  beijing: is skipped, and what it has is listed: "), "{told}");
    let (_, left) = told.split_once("federation fed is gone; what is left:\n").expect(&told);
    for line in [
        "cluster role and binding federation-controller-manager:fed-beijing",
        "kubectl --context=beijing delete namespace federation-system",
        "sed '/# BEGIN fedns fed$/,/# END fedns fed$/d'",
        "-A -l fedns.io/federation=fed",
    ] {
        assert!(left.contains(line), "{line}: {left}");
    }
    assert_eq!(stage.host().run("get namespace federation-system --ignore-not-found"), "");
    assert_eq!(stage.user.contexts(), ["beijing", "hangzhou"]);

    stage.beijing.resume();
    // Nobody knows any more what the member was called.
    let again = "--federation-name=fed --members=beijing --objects=delete --records=keep --yes";
    let told = stage.user.printed(&format!("{DELETE} {again}"));
    assert!(told.contains("Deleting configmap theirs/copy in cluster beijing... done\n"), "{told}");
    assert_eq!(roles(&stage), "");
    let kept = stage.beijing.kubectl().run("-n theirs get configmaps -o name");
    assert!(!kept.contains("configmap/copy") && kept.contains("configmap/own"), "{kept}");
}

/// As `init` writes it; nobody answers there any more.
fn dead_context() -> [serde_json::Value; 3] {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "federation control plane");
    let authority = STANDARD.encode(params.self_signed(&key).expect("a certificate").pem());
    let server = format!("https://127.0.0.1:{}", free_port());
    let name = "federation";
    [
        json!({"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}),
        json!({"name": name, "user": {"token": "t"}}),
        json!({"name": name, "context": {"cluster": name, "user": name}}),
    ]
}

fn what_a_deleted_namespace_leaves_behind_is_found() {
    let stage = Stage::new();
    let others = stage.put_records();
    let [cluster, user, context] = dead_context();
    let mut file: serde_json::Value = serde_json::from_str(&tests::kubeconfig::kubeconfig(&[
        stage.hangzhou.api.context(),
        stage.beijing.context(),
    ]))
    .expect("JSON");
    for (list, entry) in [("clusters", cluster), ("users", user), ("contexts", context)] {
        file[list].as_array_mut().expect("a list").push(entry);
    }
    stage.user.write("config", file.to_string());
    stage.host().run("delete namespace federation-system --timeout=120s");

    let plan = stage.user.printed(&format!("{DELETE} --dry-run"));
    assert!(plan.contains("not looked for: nothing says of a provider"), "{plan}");
    assert!(plan.contains("namespace federation-system is not there"), "{plan}");
    assert!(plan.contains("  - context federation with cluster and user\n"), "{plan}");

    let told = stage.user.printed(&format!("{DELETE} {CONFIG} --yes"));
    let (_, left) = told.split_once("federation fed is gone; what is left:\n").expect(&told);
    assert!(left.contains("--members CONTEXT,..."), "{left}");
    assert_eq!(stage.alidns.lines(DOMAIN), others);
    assert_eq!(stage.user.contexts(), ["beijing", "hangzhou"]);
    let error = stage.user.refused(&format!("{DELETE} --yes"));
    assert!(error.contains(NOBODY), "{error}");
    assert!(error.contains("no namespace federation-system in hangzhou"), "{error}");
}

/// The process, once it waits for the end of the namespace.
fn delete_until_the_namespace(stage: &Stage, name: &str) -> Process {
    let folder = stage.user.path().join(name);
    std::fs::create_dir_all(&folder).expect("make a folder");
    let command = stage.user.command(&format!("{DELETE} --yes"));
    let delete = Process::start(name, &command, &folder);
    eventually(GENEROUS, "it waits for the namespace", || match delete.log() {
        log if log.contains("Deleting namespace federation-system in hangzhou...") => Ok(()),
        log => Err(log),
    });
    delete
}

fn an_interrupted_delete_is_carried_on_by_the_next() {
    let stage = Stage::new();
    let others = stage.put_records();
    // Something holds up the end of the namespace.
    let held = |finalizers: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
        let target = ["patch", "serviceaccount", "fedns", "--type=merge", "-p", &patch];
        stage.host().args(&[&["-n", "federation-system"], target.as_slice()].concat());
    };
    held(r#"["example.com/held"]"#);
    let mut delete = delete_until_the_namespace(&stage, "first");
    eventually(GENEROUS, "the rest goes", || match stage.system("configmap fedns").as_str() {
        "" => Ok(()),
        there => Err(there.to_owned()),
    });
    delete.signal(Signal::INT);
    let status = delete.wait(GENEROUS);
    let log = delete.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("fedns: interrupted\n"), "{log}");
    assert!(log.contains("fedns: the same command goes on where this one ended\n"), "{log}");
    assert_eq!(stage.alidns.lines(DOMAIN), others);

    let mut delete = delete_until_the_namespace(&stage, "second");
    held("null");
    let status = delete.wait(GENEROUS);
    let log = delete.log();
    assert!(status.success() && log.contains("federation fed is gone"), "{log}");
    assert_eq!(stage.host().run("get namespace federation-system --ignore-not-found"), "");
}
