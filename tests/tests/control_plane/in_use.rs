use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::api_server::Options;
use tests::door::Door;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET, Plan};
use tests::images::{CONTROL_PLANE, POD};
use tests::kubectl::{Kubectl, Node};
use tests::kwok::KwokCluster;
use tests::need::Need;
use tests::suite::Test;

use super::asked::{SILENCE, answer, answers_during, dns_server};
use super::init::Host;
use super::stage::User;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] =>
            kills_another_version_and_another_key_lose_nothing;
    }
}

const DOMAIN: &str = "example.com";
const FIRST: &str = "--federation-name=fed --config=fedns.yaml --dns-zone-name=example.com. \
    --dns-service-type=NodePort --api-server-service-type=NodePort";
const KEY_FILE: &str = "--dns-provider=alidns --dns-provider-config=alidns.yaml";
const OTHER_KEY: [&str; 2] = ["otherid", "othersecret"];
const SYSTEM: &str = "-n federation-system";
/// Of each object its UID, and how often somebody has changed what is wanted of it.
const STATE: &str = "get deployment/web service/web configmap/settings --no-headers -o \
    custom-columns=KIND:.kind,UID:.metadata.uid,GENERATION:.metadata.generation";
const PODS: &str =
    "get pods -l app=web --sort-by=.metadata.name -o jsonpath={.items[*].metadata.uid}";

/// A host whose containers run, and which is a member; and another member.
struct Stage {
    user: User,
    beijing: KwokCluster,
    host: Host,
    /// Open as long as pods go through it; closes before what is behind it.
    _door: Door,
    alidns: FakeAliDns,
}

impl Stage {
    fn new() -> Self {
        let host = Host::start();
        let hangzhou = host.cluster();
        host.kubectl().run(
            "label node hangzhou topology.kubernetes.io/region=cn-hangzhou \
             topology.kubernetes.io/zone=cn-hangzhou-b",
        );
        for (_, image) in CONTROL_PLANE {
            hangzhou.tag_image(image, &tagged(image, "next"));
        }
        let address = hangzhou.outer_address();
        let nodes = [Node::new("beijing-1", "cn-beijing", "cn-beijing-a")];
        let reached = Options { address: Some(address), ..Options::default() };
        let beijing = KwokCluster::start_with("beijing", &nodes, reached);
        let alidns = FakeAliDns::start();
        alidns.add_domain(DOMAIN, None, Plan::custom(60, 7));
        let door = Door::open(address, alidns.port());
        let user = User::new(&[hangzhou.api.context(), beijing.api.context()]);
        user.write(
            "fedns.yaml",
            format!(
                "resolver: {{servers: [\"127.0.0.1:1\"]}}\n\
                 providers: [{{kind: alidns, endpoint: \"{}\", nameServers: []}}]\n",
                door.url()
            ),
        );
        user.write("alidns.yaml", key_file([KEY_ID, KEY_SECRET]));
        let stage = Self { user, beijing, host, _door: door, alidns };
        stage.give_volume();
        stage
    }

    /// What a cloud would give etcd: a volume of the node, which stays when a pod of it ends.
    fn give_volume(&self) {
        let folder = self.host.cluster().api.scratch().path().join("etcd-volume");
        std::fs::create_dir(&folder).expect("make a folder");
        let node =
            json!({"key": "kubernetes.io/hostname", "operator": "In", "values": ["hangzhou"]});
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "etcd"},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce"],
                "local": {"path": folder},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
            },
        });
        self.host.kubectl().apply(&volume.to_string());
    }

    /// What it prints.
    #[track_caller]
    fn init(&self, tag: &str, words: &str) -> String {
        let images = CONTROL_PLANE.map(|(flag, image)| format!("{flag}={}", tagged(image, tag)));
        self.user.printed(&format!(
            "init federation --host-cluster-context=hangzhou {} {words}",
            images.join(" ")
        ))
    }

    fn join(&self, cluster: &str) {
        let host = "--context=federation --host-cluster-context=hangzhou";
        self.user.printed(&format!("join {cluster} --cluster-context={cluster} {host}"));
    }

    fn federation(&self) -> Kubectl {
        Kubectl::new(self.user.path().join("config")).context("federation")
    }

    fn members(&self) -> [&Kubectl; 2] {
        [self.beijing.api.kubectl(), self.host.kubectl()]
    }

    /// A web server in both, and what it is told.
    fn put_objects(&self) {
        let federation = self.federation();
        federation.run(&format!("create deployment web --image={POD} --replicas=3"));
        federation.run("expose deployment web --port=80 --type=LoadBalancer");
        federation.run("create configmap settings --from-literal=colour=red");
        self.have_colour("settings", "red");
        for (member, address) in self.members().into_iter().zip(["192.0.2.2", "192.0.2.1"]) {
            eventually(GENEROUS, "the member has the Service", || {
                member.try_run("get service web")
            });
            member.set_load_balancer("default", "web", &[address]);
        }
        federation.run("rollout status deployment web --timeout=120s");
    }

    fn have_colour(&self, map: &str, colour: &str) {
        let line = format!("get configmap {map} -o jsonpath={{.data.colour}}");
        for member in self.members() {
            eventually(GENEROUS * 2, &format!("{map} is {colour}"), || {
                match member.try_run(&line)? {
                    seen if seen == colour => Ok(()),
                    seen => Err(seen),
                }
            });
        }
    }

    /// Objects, copies, and what runs of them.
    fn state(&self) -> Vec<String> {
        let [beijing, hangzhou] = self.members();
        // Its one API server may have been started anew just now.
        let states = [&self.federation(), beijing, hangzhou].map(|kubectl| {
            eventually(GENEROUS, "the objects are listed", || kubectl.try_run(STATE))
        });
        states.into_iter().chain([beijing, hangzhou].map(|it| it.run(PODS))).collect()
    }

    /// The pod of each part, once there is no other that stays: image, UID and restarts.
    fn parts(&self) -> Vec<[Value; 3]> {
        eventually(GENEROUS, "there is one pod of each part", || {
            let pods = self.host.kubectl().json(&format!("{SYSTEM} get pods"));
            let mut pods = pods["items"].as_array().cloned().unwrap_or_default();
            // An API server takes its time to end, for those who watch there.
            pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
            let part = |pod: &Value| {
                let container = &pod["status"]["containerStatuses"][0];
                let image = pod["spec"]["containers"][0]["image"].clone();
                [image, pod["metadata"]["uid"].clone(), container["restartCount"].clone()]
            };
            match pods.len() == CONTROL_PLANE.len() {
                true => Ok(pods.iter().map(part).collect()),
                false => Err(pods.len()),
            }
        })
    }

    fn kill(&self, part: &str) {
        let pods = self.host.kubectl().run(&format!("{SYSTEM} get pods -o name"));
        let mut names = pods.lines().filter_map(|pod| pod.strip_prefix("pod/"));
        let pod = names.find(|pod| pod.starts_with(part)).expect("each part has a pod");
        self.host.cluster().kill_container("federation-system", pod);
    }

    /// What AliDNS shows besides markers, of Beijing's address and Hangzhou's.
    #[track_caller]
    fn has_records(&self, [beijing, hangzhou]: [&str; 2]) {
        let name = "web.default.fed.svc";
        let mut expected = vec![
            format!("{name} A default 180 {beijing}"),
            format!("{name} A default 180 {hangzhou}"),
            format!("{name}.cn-beijing A default 180 {beijing}"),
            format!("{name}.cn-beijing-a.cn-beijing A default 180 {beijing}"),
            format!("{name}.cn-hangzhou A default 180 {hangzhou}"),
            format!("{name}.cn-hangzhou-b.cn-hangzhou A default 180 {hangzhou}"),
        ];
        expected.sort();
        eventually_equal(GENEROUS * 2, "the records at AliDNS", &expected, || {
            let mut lines = self.alidns.lines(DOMAIN);
            lines.retain(|line| !line.contains(" TXT "));
            lines
        });
    }
}

fn tagged(image: &str, tag: &str) -> String {
    image.replace(":test", &format!(":{tag}"))
}

fn key_file([id, secret]: [&str; 2]) -> String {
    format!("[Global]\naccess-key-id = {id}\naccess-key-secret = {secret}\n")
}

fn kills_another_version_and_another_key_lose_nothing() {
    let stage = Stage::new();
    stage.init("test", &format!("{FIRST} {KEY_FILE}"));
    ["hangzhou", "beijing"].into_iter().for_each(|cluster| stage.join(cluster));
    stage.put_objects();
    let server = dns_server(&stage.host);
    let both = "NOERROR 192.0.2.1 192.0.2.2".to_owned();
    eventually_equal(GENEROUS, "both are answered", &both, || answer(&server));
    stage.has_records(["192.0.2.2", "192.0.2.1"]);

    each_process_is_killed(&stage, &server, &both);
    another_version(&stage, &server, &both);
    another_key(&stage, &server);
}

/// In the midst of changes.
fn each_process_is_killed(stage: &Stage, server: &str, expected: &str) {
    const PARTS: [&str; 4] = ["apiserver", "controller-manager", "etcd", "fedns"];
    let (before, federation) = (stage.state(), stage.federation());
    let mut answers = answers_during(server, || {
        for part in PARTS {
            federation.run(&format!("create configmap {part} --from-literal=colour=red"));
            stage.kill(part);
            let patch = r#"{"data":{"colour":"blue"}}"#;
            eventually(GENEROUS, "a change is taken", || {
                federation.try_args(["patch", "configmap", part, "-p", patch])
            });
            stage.have_colour(part, "blue");
        }
    });
    // The only fedns was among them; one that starts says that it knows nothing yet.
    answers.remove(SILENCE);
    answers.remove("SERVFAIL");
    assert_eq!(answers, BTreeSet::from([expected.to_owned()]));
    assert_eq!(stage.state(), before);
    federation.run("create namespace shop");
    federation.run("delete namespace shop --timeout=120s");
}

fn another_version(stage: &Stage, server: &str, expected: &str) {
    let before = stage.state();
    let answers = answers_during(server, || {
        let told = stage.init("next", "");
        for part in ["StatefulSet etcd", "Deployment apiserver", "Deployment fedns"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let is_next =
            |[image, ..]: &[Value; 3]| image.as_str().is_some_and(|it| it.ends_with(":next"));
        let parts = stage.parts();
        assert!(parts.iter().all(is_next), "{parts:?}");
    });
    assert_eq!(answers, BTreeSet::from([expected.to_owned()]));
    assert_eq!(stage.state(), before);
    eventually(GENEROUS, "both members are ready", || {
        let clusters = stage.federation().try_run("get clusters --no-headers")?;
        if clusters.matches(" Ready ").count() == 2 { Ok(()) } else { Err(clusters) }
    });

    // It goes on where it was.
    let federation = stage.federation();
    eventually(GENEROUS, "a change is taken", || {
        let patch = r#"{"data":{"colour":"blue"}}"#;
        federation.try_args(["patch", "configmap", "settings", "-p", patch])
    });
    federation.run("create configmap later --from-literal=colour=green");
    stage.have_colour("settings", "blue");
    stage.have_colour("later", "green");
    federation.run("delete configmap later --timeout=60s");
    for member in stage.members() {
        member.try_run("get configmap later").expect_err("deleted with its object");
    }
    let after = stage.state();
    assert_eq!(after, before);
}

fn another_key(stage: &Stage, server: &str) {
    let parts = stage.parts();
    stage.alidns.add_key(OTHER_KEY[0], OTHER_KEY[1]);
    stage.alidns.remove_key(KEY_ID);
    stage.host.kubectl().set_load_balancer("default", "web", &["192.0.2.3"]);
    let both = "NOERROR 192.0.2.2 192.0.2.3".to_owned();
    eventually_equal(GENEROUS, "the new address is answered", &both, || answer(server));

    stage.user.write("alidns.yaml", key_file(OTHER_KEY));
    let told = stage.init("next", KEY_FILE);
    assert!(told.contains("Changed: Secret federation-dns-provider.conf\n"), "{told}");
    stage.has_records(["192.0.2.2", "192.0.2.3"]);
    // Who runs has read it.
    assert_eq!(stage.parts(), parts);
}
