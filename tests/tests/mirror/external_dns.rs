use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::external_dns::{Backend, ExternalDns, Webhook, endpoint};
use tests::name_server::{NameServer, Software, ZONE};
use tests::need::{NAMED, Need};
use tests::process::Signal;
use tests::scene::{Host, Scene};
use tests::suite::Test;
use tests::webhook::StrictWebhook;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => its_registry_reads_the_owner_and_resource_of_every_name,
            names_that_it_cannot_mark_itself_are_left_alone_by_it,
            both_work_in_one_zone_in_memory,
            a_name_wanted_by_both_is_of_whoever_had_it_first;
        [Need::ExternalDns, NAMED] => both_work_in_one_zone_of_bind;
    }
}

/// The owner that ExternalDNS runs for.
const THEM: &str = "market";
const OURS: &str = ".fed.svc.";

fn memory() -> Scene<StrictWebhook> {
    let server = Webhook::start(Backend::Memory { zone: ZONE }, "");
    Scene::prepared(StrictWebhook::before(server))
}

fn is_ours(endpoint: &Value) -> bool {
    endpoint["dnsName"].as_str().is_some_and(|name| name.contains(OURS))
}

/// `A web.default.fed.svc.example.com shop service/default/web` of each set that is no marker.
fn owners(them: ExternalDns) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |it: &Value| {
        let labels = [&it["labels"]["owner"], &it["labels"]["resource"]];
        let [owner, resource] = labels.map(text);
        format!("{} {} {owner} {resource}", text(&it["recordType"]), text(&it["dnsName"]))
    };
    let mut lines: Vec<String> = them.registry(THEM).iter().map(line).collect();
    lines.sort();
    lines
}

/// Services with addresses of both families, alone in a region, and with names that look like markers.
fn its_registry_reads_the_owner_and_resource_of_every_name() {
    let mut scene = memory();
    let them = scene.host.server.external_dns();
    let theirs = endpoint("www.example.com", "A", 300, &["198.51.100.1"]);
    let unmarked = endpoint("mail.example.com", "A", 300, &["198.51.100.2"]);
    them.round(THEM, &json!([theirs]));
    scene.host.server.change(&json!({ "create": [unmarked] }));
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    for name in ["a-web", "cname-a", "web"] {
        scene.put("hangzhou", name, "203.0.113.1}, {ip: 2001:db8::1");
    }
    scene.start();
    let mut expect: Vec<String> = ["a-web", "cname-a", "web"]
        .into_iter()
        .flat_map(|service| {
            let line = move |record_type: &str, place: &str| {
                format!(
                    "{record_type} {service}.default.fed.svc{place}.example.com shop service/default/{service}"
                )
            };
            let addresses = ["", ".cn-hangzhou", ".cn-hangzhou-b.cn-hangzhou"]
                .map(|place| [line("A", place), line("AAAA", place)]);
            let aliases = [".cn-beijing", ".cn-beijing-b.cn-beijing"]
                .map(|place| line("CNAME", place));
            addresses.into_iter().flatten().chain(aliases)
        })
        .chain(["A www.example.com market -", "A mail.example.com - -"].map(str::to_owned))
        // The record that says who writes is no marker to it.
        .chain(["TXT _fedns-shop.fed.svc.example.com - -".to_owned()])
        .collect();
    expect.sort();
    eventually(GENEROUS, "what the registry reads", || {
        let found = owners(them);
        if found == expect { Ok(()) } else { Err(format!("{found:#?}")) }
    });
    scene.is_in_sync();
}

/// A label without room for a marker's prefix, and another form of markers.
fn names_that_it_cannot_mark_itself_are_left_alone_by_it() {
    for registry in ["external-dns", "compact"] {
        let mut scene = memory();
        let them = scene.host.server.external_dns();
        scene.configure(&format!(", registry: {registry}"));
        scene.put("hangzhou", &"x".repeat(63), "203.0.113.3");
        scene.start();
        eventually(GENEROUS, "ten names", || {
            let data = scene.host.data();
            if data.len() == 6 + 5 { Ok(()) } else { Err(format!("{data:?}")) }
        });
        scene.is_in_sync();
        let before = scene.host.server.records();
        let long = format!("{}.default.fed.svc.example.com", "x".repeat(63));
        let wanted = endpoint(&long, "A", 60, &["198.51.100.1"]);
        for desired in [json!([]), json!([wanted])] {
            them.round(THEM, &desired);
            assert_eq!(scene.host.server.records(), before, "{registry}");
        }
    }
}

fn both_work_in_one_zone_in_memory() {
    let scene = memory();
    let them = scene.host.server.external_dns();
    both_work_in_one_zone(scene, them);
}

/// fedns with dynamic updates of its own, ExternalDNS with those of its provider.
fn both_work_in_one_zone_of_bind() {
    let name_server = NameServer::start(Software::Bind, "");
    let server = Webhook::start(Backend::NameServer(&name_server), "");
    both_work_in_one_zone(Scene::prepared(name_server), server.external_dns());
}

/// In turns, each with changes in each turn.
fn both_work_in_one_zone<H: Host>(mut scene: Scene<H>, them: ExternalDns) {
    let app = |number: u32, turn: u32| {
        let address = format!("198.51.100.{}", 10 * number + turn);
        endpoint(&format!("app{number}.example.com"), "A", 300, &[&address])
    };
    scene.start();
    for turn in 1..=4 {
        // One stays and moves, one comes, one goes.
        let theirs = [app(0, turn), app(turn, turn)];
        changes_theirs_only(&them.round(THEM, &json!(theirs)));
        let beijing = format!("203.0.113.{turn}");
        let ours = match turn % 2 == 0 {
            true => {
                scene.put("beijing", "nginx", &beijing);
                BOTH.map(|line| line.replace("203.0.113.2", &beijing)).to_vec()
            }
            false => {
                scene.remove("beijing", "nginx");
                service_lines("nginx", "203.0.113.1")
            }
        };
        let lines = theirs.iter().map(|it| {
            let [name, target] = [&it["dnsName"], &it["targets"][0]];
            format!("{}. 300 A {}", name.as_str().unwrap(), target.as_str().unwrap())
        });
        let expect: Vec<String> = lines.chain(ours).collect();
        scene.holds(&expect);
        scene.is_in_sync();
        // Once more each: nothing is left to do.
        assert_eq!(them.round(THEM, &json!(theirs)), json!({}));
        look_again(&scene);
        scene.holds(&expect);
        scene.is_in_sync();
    }
    let ours: Vec<String> =
        scene.host.data().into_iter().filter(|line| line.contains(OURS)).collect();
    changes_theirs_only(&them.round(THEM, &json!([])));
    scene.holds(&ours);
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    changes_theirs_only(&them.round(THEM, &json!([app(7, 1)])));
    scene.holds(["app7.example.com. 300 A 198.51.100.71"]);
    let page = scene.fedns.page("/metrics").expect("a page").body;
    let drifted = page.lines().find(|line| line.starts_with("fedns_mirror_drifted_names"));
    assert!(drifted.is_some_and(|line| line.ends_with(" 0")), "{drifted:?}");
}

#[track_caller]
fn changes_theirs_only(changes: &Value) {
    let lists = changes.as_object().expect("changes").values();
    let endpoints: Vec<&Value> = lists.flat_map(|it| it.as_array().expect("a list")).collect();
    assert!(!endpoints.is_empty(), "{changes}");
    assert!(!endpoints.iter().any(|it| is_ours(it)), "{changes}");
}

/// Has the provider looked at now.
fn look_again<H: Host>(scene: &Scene<H>) {
    let count = || scene.fedns.process().log().matches("nothing to reload").count();
    let before = count();
    scene.fedns.process().signal(Signal::HUP);
    eventually(GENEROUS, "the order is taken", || match count() {
        now if now > before => Ok(()),
        now => Err(now),
    });
}

const BOTH: [&str; 6] = [
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 A 203.0.113.2",
    "nginx.default.fed.svc.cn-beijing.example.com. 180 A 203.0.113.2",
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.2",
];

/// Of a Service that has an address in Hangzhou alone.
fn service_lines(service: &str, address: &str) -> Vec<String> {
    let name = |place: &str| format!("{service}.default.fed.svc{place}.example.com.");
    let [global, hangzhou, hangzhou_b] =
        ["", ".cn-hangzhou", ".cn-hangzhou-b.cn-hangzhou"].map(name);
    let [beijing, beijing_b] = [".cn-beijing", ".cn-beijing-b.cn-beijing"].map(name);
    let mut lines =
        [&global, &hangzhou, &hangzhou_b].map(|it| format!("{it} 180 A {address}")).to_vec();
    lines.push(format!("{beijing} 180 CNAME {global}"));
    lines.push(format!("{beijing_b} 180 CNAME {beijing}"));
    lines
}

/// With few names, so that none is held back when it goes.
fn a_name_wanted_by_both_is_of_whoever_had_it_first() {
    let mut scene = memory();
    scene.configure(", levels: [global]");
    let them = scene.host.server.external_dns();
    let [nginx, web] = ["nginx", "web"].map(|it| format!("{it}.default.fed.svc.example.com"));
    let (want_nginx, want_web) =
        (endpoint(&nginx, "A", 60, &["198.51.100.5"]), endpoint(&web, "A", 60, &["198.51.100.6"]));
    let their_nginx = format!("{nginx}. 60 A 198.51.100.5");
    let their_web = format!("{web}. 60 A 198.51.100.6");
    let our_nginx = ["203.0.113.1", "203.0.113.2"].map(|it| format!("{nginx}. 180 A {it}"));
    let our_web = format!("{web}. 180 A 203.0.113.7");
    them.round(THEM, &json!([want_web]));
    scene.put("hangzhou", "web", "203.0.113.7");
    scene.start();
    scene.holds([&our_nginx[0], &our_nginx[1], &their_web]);
    scene.logs(&format!("{web}. A: it belongs to owner \"{THEM}\""));
    scene.is(": 1 name in conflict");
    // They want one of ours, too.
    assert_eq!(them.round(THEM, &json!([want_web, want_nginx])), json!({}));
    // They let go of theirs.
    assert_ne!(them.round(THEM, &json!([want_nginx])), json!({}));
    look_again(&scene);
    scene.holds([&our_nginx[0], &our_nginx[1], &our_web]);
    scene.is_in_sync();
    // We let go of ours, and want it again.
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds([&our_web]);
    assert_ne!(them.round(THEM, &json!([want_nginx])), json!({}));
    scene.put("hangzhou", "nginx", "203.0.113.1");
    scene.logs(&format!("{nginx}. A: it belongs to owner \"{THEM}\""));
    scene.is(": 1 name in conflict");
    scene.holds([&their_nginx, &our_web]);
}
