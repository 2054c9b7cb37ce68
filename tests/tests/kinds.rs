use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Kubectl;
use tests::kwok::KwokCluster;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_kind_is_enabled_in_members_of_now_and_later,
            what_stays_in_the_federation_is_told_at_once,
            copies_without_an_object_are_adopted_or_pruned;
    }
}

const DEFINITION: &str = include_str!("../../clusters/src/federation/cluster-crd.json");
const PLACE: &str = "--context=federation --host-cluster-context=hangzhou";

/// A federation's API with fedns beside it, and two clusters of which the first is the host, too.
struct Stage {
    fedns: Fedns,
    federation: ApiServer,
    hangzhou: KwokCluster,
    beijing: ApiServer,
}

impl Stage {
    fn start() -> Self {
        let federation = ApiServer::start("federation");
        federation.kubectl().apply(DEFINITION);
        federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
        let hangzhou = KwokCluster::start("hangzhou", &[]);
        let beijing = ApiServer::start("beijing");
        let host = hangzhou.api.kubectl();
        host.run("create namespace federation-system");
        host.run(
            "annotate namespace federation-system federation.alpha.kubernetes.io/federation-name=fed",
        );
        let fedns = Fedns::of_federation(&federation.context(), &hangzhou.api.context(), "");
        let contexts = [federation.context(), hangzhou.api.context(), beijing.context()];
        std::fs::write(fedns.home().join("config"), kubeconfig(&contexts)).expect("write it");
        Self { fedns, federation, hangzhou, beijing }
    }

    fn members(&self) -> [&Kubectl; 2] {
        [self.hangzhou.api.kubectl(), self.beijing.kubectl()]
    }

    fn join(&self, cluster: &str) {
        // Nobody makes tokens in beijing.
        let bound = if cluster == "beijing" { " --bound-token" } else { "" };
        self.printed(&format!("join {cluster} {PLACE} --cluster-context={cluster}{bound}"));
    }

    fn run(&self, line: &str) -> Output {
        let file = self.fedns.home().join("config");
        let environment = [("KUBECONFIG", file.to_str().expect("a path of UTF-8"))];
        let words: Vec<&str> = line.split_whitespace().collect();
        self.fedns.command_in(&words, &environment)
    }

    #[track_caller]
    fn printed(&self, line: &str) -> String {
        let output = self.run(line);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = String::from_utf8(output.stdout).expect("fedns prints UTF-8");
        assert!(output.status.success(), "{line}: {errors}{text}");
        text
    }

    #[track_caller]
    fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        String::from_utf8(output.stderr).expect("fedns prints UTF-8")
    }

    /// Of the Deployment in each member, sorted.
    fn replicas(&self) -> Vec<u64> {
        let line = "-n shop get deployment web -o jsonpath={.spec.replicas}";
        let told = self.members().into_iter().filter_map(|member| member.try_run(line).ok());
        let mut replicas: Vec<u64> = told.filter_map(|text| text.parse().ok()).collect();
        replicas.sort_unstable();
        replicas
    }

    #[track_caller]
    fn in_every_member(&self, line: &str, expect: &str) {
        for member in self.members() {
            answers(member, line, expect);
        }
    }
}

#[track_caller]
fn answers(kubectl: &Kubectl, line: &str, expect: &str) {
    eventually(GENEROUS, &format!("{line} answers {expect}"), || {
        let seen = kubectl.try_run(line)?;
        if seen == expect { Ok(()) } else { Err(seen) }
    });
}

fn a_kind_is_enabled_in_members_of_now_and_later() {
    let stage = Stage::start();
    stage.join("hangzhou");
    let user = stage.federation.kubectl();
    user.apply(&definition());
    user.run("wait --for=condition=Established crd/widgets.example.com");
    let error = stage.refused(&format!("enable pods {PLACE}"));
    assert!(error.contains("pods cannot be propagated: make a Deployment"), "{error}");
    let error = stage.refused(&format!("enable gadgets {PLACE}"));
    assert!(error.contains("the federation serves no \"gadgets\""), "{error}");

    let text = stage.printed(&format!("enable netpol Widget crd {PLACE}"));
    assert!(text.contains("networkpolicies.networking.k8s.io (v1) are propagated"), "{text}");
    assert!(text.contains("status: not merged"), "{text}");
    assert!(text.contains("cluster hangzhou does not serve widgets.example.com in v1"), "{text}");
    let again = stage.printed(&format!("enable netpol widgets.example.com crd {PLACE}"));
    assert!(!again.contains("... changed") && again.contains("... unchanged"), "{again}");

    stage.join("beijing");
    user.apply(&widget());
    user.apply(&policy());
    let colour = "get widgets.example.com web -o jsonpath={.spec.colour}";
    stage.in_every_member(colour, "red");
    let policies = "get networkpolicy web -o jsonpath={.metadata.name}";
    stage.in_every_member(policies, "web");
    let status = stage.printed("status");
    let names = "customresourcedefinitions.apiextensions.k8s.io, networkpolicies.networking.k8s.io, \
                 widgets.example.com";
    assert!(status.contains(&format!("enabled kinds: {names}")), "{status}");

    let text = stage.printed(&format!("disable networkpolicies {PLACE}"));
    assert!(text.contains("the copies stay in the members"), "{text}");
    user.run("delete networkpolicy web --timeout=30s");
    stage.in_every_member(policies, "web");
    for member in stage.members() {
        assert!(granted(member).contains(&"widgets".to_owned()));
        assert!(!granted(member).contains(&"networkpolicies".to_owned()));
    }
    let error = stage.refused(&format!("disable networkpolicies {PLACE}"));
    assert!(error.contains("is not enabled"), "{error}");

    stage.printed(&format!("unjoin beijing {PLACE} --objects=delete"));
    let left = stage.beijing.kubectl().run("get crd -l fedns.io/federation=fed -o name");
    assert_eq!(left, "");
    let text =
        stage.printed(&format!("enable limitranges {PLACE} --cluster-context=hangzhou=federation"));
    assert!(text.contains("context federation is another cluster than hangzhou"), "{text}");
}

fn what_stays_in_the_federation_is_told_at_once() {
    let stage = Stage::start();
    stage.join("hangzhou");
    let user = stage.federation.kubectl();
    user.apply(&definition());
    user.run("wait --for=condition=Established crd/widgets.example.com");
    let text = stage.printed(&format!("enable widgets {PLACE}"));
    assert!(text.contains("Telling people in the federation what is not propagated"), "{text}");

    let told = "networkpolicies.networking.k8s.io are not propagated: this one stays in the \
                federation; `fedns enable networkpolicies.networking.k8s.io`";
    eventually(GENEROUS, "a policy holds", || match warned(user, &policy()) {
        Some(warning) if warning.contains(told) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let mut meant: Value = serde_json::from_str(&policy()).expect("JSON");
    meant["metadata"]["labels"]["fedns.io/local"] = "".into();
    assert_eq!(warned(user, &meant.to_string()), None);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "web"}, "rules": []});
    assert_eq!(warned(user, &role.to_string()), None);
    assert_eq!(warned(user, &widget()), None);

    // Nobody would take away what the API adds to it.
    user.apply(&policy());
    user.apply(&role.to_string());
    for (object, kind, cascade) in [
        ("networkpolicy web", "networkpolicies.networking.k8s.io", "foreground"),
        ("networkpolicy web", "networkpolicies.networking.k8s.io", "orphan"),
        ("role web", "roles.rbac.authorization.k8s.io", "foreground"),
    ] {
        let line = format!("delete {object} --cascade={cascade} --timeout=30s");
        let error = user.try_run(&line).expect_err("nobody would answer it");
        let words = format!("nothing answers --cascade={cascade} here");
        assert!(error.contains(&words) && error.contains(kind), "{error}");
        assert!(error.contains("delete with --cascade=background"), "{error}");
    }
    user.run("delete networkpolicy,role web --timeout=30s");
    user.apply(&widget());
    user.run("delete widget web --cascade=foreground --timeout=60s");
    user.run("create configmap web");
    user.run("delete configmap web --cascade=orphan --timeout=60s");

    stage.printed(&format!("disable widgets {PLACE}"));
    let told = "widgets.example.com are not propagated";
    eventually(GENEROUS, "a policy is another", || match warned(user, &widget()) {
        Some(warning) if warning.contains(told) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

/// What kubectl is warned of when it makes an object, which is not kept.
fn warned(kubectl: &Kubectl, object: &str) -> Option<String> {
    let line = "create --dry-run=server --warnings-as-errors -f";
    let mut command = kubectl.command(line.split_whitespace().chain(["-"]));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("kubectl runs");
    child.stdin.take().expect("a pipe").write_all(object.as_bytes()).expect("kubectl reads");
    let output = child.wait_with_output().expect("kubectl ends");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What fedns's role in a member names.
fn granted(member: &Kubectl) -> Vec<String> {
    let roles = member.json("get clusterroles");
    let roles = roles["items"].as_array().cloned().unwrap_or_default();
    let is_ours = |role: &&Value| {
        let name = role["metadata"]["name"].as_str().unwrap_or_default();
        name.starts_with("federation-controller-manager:fed-")
    };
    let rules = roles.iter().filter(is_ours).flat_map(|role| role["rules"].as_array());
    let resources = rules.flatten().flat_map(|rule| rule["resources"].as_array()).flatten();
    resources.filter_map(|resource| Some(resource.as_str()?.to_owned())).collect()
}

fn copies_without_an_object_are_adopted_or_pruned() {
    let mut stage = Stage::start();
    stage.join("hangzhou");
    stage.join("beijing");
    let user = stage.federation.kubectl();
    user.run("create namespace shop");
    user.run("-n shop create deployment web --image=web --replicas=3");
    user.run("-n shop create configmap web --from-literal=colour=red");
    let overrides =
        r#"fedns.io/overrides={"beijing":[{"op":"replace","path":"/data/colour","value":"blue"}]}"#;
    user.args(&["-n", "shop", "annotate", "configmap", "web", overrides]);
    user.run("create configmap old");
    user.run("create secret generic only --from-literal=key=value");
    let selector = r#"federation.alpha.kubernetes.io/cluster-selector=[{"key":"fedns.io/cluster","operator":"In","values":["beijing"]}]"#;
    user.args(&["annotate", "secret", "only", selector]);
    answers(
        stage.beijing.kubectl(),
        "-n shop get configmap web -o jsonpath={.data.colour}",
        "blue",
    );
    answers(
        stage.hangzhou.api.kubectl(),
        "-n shop get configmap web -o jsonpath={.data.colour}",
        "red",
    );
    stage.in_every_member("get configmap old -o jsonpath={.metadata.name}", "old");
    answers(stage.beijing.kubectl(), "get secret only -o jsonpath={.metadata.name}", "only");
    eventually(GENEROUS, "hangzhou has no copy", || {
        match stage.hangzhou.api.kubectl().try_run("get secret only") {
            Err(error) if error.contains("NotFound") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    eventually(GENEROUS, "three replicas are spread", || match stage.replicas().as_slice() {
        [1, 2] => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(stage.printed(&format!("prune --dry-run {PLACE}")), "no orphans\n");

    lose_objects(&mut stage);
    eventually(GENEROUS, "the orphans are told", || {
        let output = stage.run("status");
        let status = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let told = status.contains("beijing: 5 copies without an object")
            && status.contains("hangzhou: 4 copies without an object");
        let table = || stage.run("status -o json").stdout;
        if told { Ok(()) } else { Err(status + &String::from_utf8_lossy(&table())) }
    });
    let user = stage.federation.kubectl();
    let table = stage.printed(&format!("prune --dry-run {PLACE}"));
    let rows: Vec<Vec<&str>> = table.lines().map(|it| it.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["ConfigMap", "default", "old", "beijing,hangzhou"]), "{table}");
    assert!(rows.contains(&vec!["Secret", "default", "only", "beijing"]), "{table}");

    let generations = || -> Vec<String> {
        let line = "-n shop get deployment,configmap web -o \
                    jsonpath={range.items[*]}{.metadata.uid}={.metadata.generation}={.data},{end}";
        stage.members().map(|member| member.run(line)).to_vec()
    };
    let before = generations();
    let error = stage.refused(&format!("adopt {PLACE}"));
    assert!(error.contains("name some of them, or adopt --all"), "{error}");
    let text = stage.printed(&format!("adopt deployments/web configmaps/web secrets/only {PLACE}"));
    assert!(
        text.contains("Adopting Deployment \"shop/web\" of beijing, hangzhou... done"),
        "{text}"
    );
    assert!(text.contains("what differs in hangzhou stands in its overrides now"), "{text}");
    assert_eq!(user.run("-n shop get deployment web -o jsonpath={.spec.replicas}"), "3");
    answers(
        user,
        "-n shop get deployment web -o jsonpath={.metadata.finalizers}",
        r#"["fedns.io/propagated"]"#,
    );
    answers(
        user,
        "-n shop get configmap web -o jsonpath={.metadata.finalizers}",
        r#"["fedns.io/propagated"]"#,
    );
    // What comes later shows that all before was decided on.
    user.run("-n shop create configmap later");
    stage.in_every_member("-n shop get configmap later -o jsonpath={.metadata.name}", "later");
    assert_eq!(generations(), before);
    user.run("-n shop scale deployment web --replicas=5");
    eventually(GENEROUS, "five replicas are spread", || {
        let replicas = stage.replicas();
        if replicas.iter().sum::<u64>() == 5 { Ok(()) } else { Err(format!("{replicas:?}")) }
    });
    user.run("delete secret only --timeout=30s");

    let output = stage.run(&format!("prune {PLACE}"));
    assert_eq!(output.status.code(), Some(2), "nobody is there to ask");
    let text = stage.printed(&format!("prune --yes {PLACE}"));
    assert!(
        text.contains("Deleting ConfigMap \"default/old\" in cluster beijing... done"),
        "{text}"
    );
    for member in stage.members() {
        let error = member.try_run("get configmap old").expect_err("it is deleted");
        assert!(error.contains("NotFound"), "{error}");
        answers(member, "-n shop get configmap web -o jsonpath={.metadata.name}", "web");
    }
    assert_eq!(stage.printed(&format!("prune --dry-run {PLACE}")), "no orphans\n");
}

/// All that was made is lost, and nobody sees a deletion.
fn lose_objects(stage: &mut Stage) {
    stage.fedns.kill();
    let user = stage.federation.kubectl();
    for line in ["-n shop deployment web", "-n shop configmap web", "configmap old", "secret only"]
    {
        let (place, object) = match line.strip_prefix("-n shop ") {
            Some(object) => ("-n shop ", object),
            None => ("", line),
        };
        let finalizers = ["--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#];
        let words = format!("{place}patch {object}");
        let words: Vec<&str> = words.split_whitespace().chain(finalizers).collect();
        user.args(&words);
        user.run(&format!("{place}delete {object}"));
    }
    let namespace =
        ["patch", "namespace", "shop", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#];
    user.args(&namespace);
    user.run("delete namespace shop --wait=false");
    // Nobody else ends a namespace here.
    let mut object = user.json("get namespace shop");
    object["spec"]["finalizers"] = json!([]);
    let file = stage.federation.scratch().write("shop.json", object.to_string());
    user.args(&[
        "replace",
        "--raw",
        "/api/v1/namespaces/shop/finalize",
        "-f",
        &file.display().to_string(),
    ]);
    eventually(GENEROUS, "the namespace is gone", || match user.try_run("get namespace shop") {
        Err(error) if error.contains("NotFound") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    stage.fedns.start();
}

fn definition() -> String {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
    let version = json!({"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": schema}});
    object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "widgets.example.com",
        json!({
        "group": "example.com", "scope": "Namespaced", "versions": [version],
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"}}),
    )
}

fn widget() -> String {
    object("example.com/v1", "Widget", "web", json!({"colour": "red"}))
}

fn policy() -> String {
    let spec = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
    object("networking.k8s.io/v1", "NetworkPolicy", "web", spec)
}

fn object(version: &str, kind: &str, name: &str, spec: Value) -> String {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})
        .to_string()
}
