use std::fs;

use tests::eventually::{GENEROUS, eventually};
use tests::fakes::alidns::{Fault, Injection, NewRecord, Plan};
use tests::process::Signal;
use tests::scene::Host;
use tests::scene::{NO_RESOLVER, service};
use tests::serving::Fedns;
use tests::suite::Test;

use super::{DOMAIN, FAILED_OVER, Scene, both, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => what_is_not_ours_stays,
            drift_made_by_hand_is_put_back,
            where_another_process_writes_nothing_is_written,
            a_writer_that_is_gone_for_good_is_replaced,
            what_the_config_leaves_behind_is_told,
            two_owners_leave_one_another_alone,
            the_addresses_above_stand_in_for_an_alias_that_cannot_stand;
    }
}

fn what_is_not_ours_stays() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.host.put(DOMAIN, NewRecord::new("www", "A", 600, "198.51.100.1"));
    scene
        .host
        .put(DOMAIN, NewRecord::new("nginx.default.fed.svc.cn-beijing", "A", 600, "198.51.100.2"));
    scene.start();
    let mut expect = both();
    expect.retain(|line| !line.starts_with("nginx.default.fed.svc.cn-beijing "));
    expect.push("www A default 600 198.51.100.1");
    expect.push("nginx.default.fed.svc.cn-beijing A default 600 198.51.100.2");
    scene.holds(&expect);
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    let conflict =
        "  ! nginx.default.fed.svc.cn-beijing.spacexnice.xyz. A: a record set without a marker";
    assert!(plan.contains(conflict), "{plan}");

    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds([
        "www A default 600 198.51.100.1",
        "nginx.default.fed.svc.cn-beijing A default 600 198.51.100.2",
    ]);
}

fn drift_made_by_hand_is_put_back() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    assert!(scene.fedns.stop().success());
    let global = |record: &&tests::fakes::alidns::FakeRecord| {
        record.record.value == "203.0.113.1" && record.record.rr == "nginx.default.fed.svc"
    };
    let records = scene.host.records(DOMAIN);
    let id = records.iter().find(global).expect("the record").id.clone();
    scene.host.domains(|domains| domains.remove(&id));
    scene.host.inject(Injection::of(Fault::Throttle { retry_after: None }).on("AddDomainRecord"));
    scene.start();
    scene.holds(both());
}

fn where_another_process_writes_nothing_is_written() {
    let mut scene = prepared(Plan::custom(120, 6));
    let claim =
        NewRecord::new("_fedns-shop.fed.svc", "TXT", 3600, "heritage=fedns;owner=shop;writer=0");
    scene.host.put(DOMAIN, claim);
    let preflight = scene.fedns.printed(&["preflight", "-c", "fedns.yaml"]);
    assert!(preflight.contains("  warning  writer: another process writes here"), "{preflight}");
    let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml"]).stdout;
    let plan = String::from_utf8(plan).expect("text");
    assert!(plan.contains("\n  ! another process writes here"), "{plan}");
    scene.start();
    scene.logs("another process writes here for owner \"shop\"");
    scene.is(" MayNotWrite, ");
    assert_eq!(writes(&scene), 0);
}

/// Filters, another owner, no provider any more: nothing is deleted, and nothing is silent.
fn what_the_config_leaves_behind_is_told() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.put("hangzhou", "web", "203.0.113.3");
    scene.start();
    scene.is(" InSync, 10 names");
    let held = scene.host.data();
    scene.configure(", filters: {services: [default/n*]}");
    scene.is(" Incomplete, 10 names: 5 names orphaned");
    scene.logs("5 names are orphaned, fedns plan lists them: filters leave its Service out");
    let plan = scene.fedns.printed(&["plan"]);
    let line = "  ! web.default.fed.svc.spacexnice.xyz.: orphaned: filters leave its Service out";
    assert!(plan.contains(line), "{plan}");
    let metrics = scene.fedns.page("/metrics").expect("a page").body;
    let line = "\nfedns_mirror_orphaned_names{provider=\"alidns\",zone=\"spacexnice.xyz.\"} 5\n";
    assert!(metrics.contains(line), "{metrics}");
    assert_eq!(scene.host.data(), held);
    scene.configure("");
    scene.is(" InSync, 10 names");

    let config = fs::read_to_string(scene.fedns.home().join("fedns.yaml")).expect("a config");
    scene.write("fedns.yaml", config.replace("owner: shop", "owner: market"));
    scene.logs("10 names are orphaned, fedns plan lists them: it is of owner \"shop\"");
    assert_eq!(scene.host.data(), held);
    assert!(scene.fedns.stop().success());
    scene.fedns.printed(&["import", "-c", "fedns.yaml", "--from-owner", "shop", "--yes"]);
    scene.start();
    scene.is(" InSync, 10 names");
    assert_eq!(scene.host.data(), held);

    let without = |line: &&str| !line.starts_with("providers: ");
    let rest: Vec<&str> = config.lines().filter(without).collect();
    scene.write("fedns.yaml", rest.join("\n") + "\n");
    scene.logs("this provider is not in the config any more: its names stay there");
    assert_eq!(scene.host.data(), held);
}

/// Another team, with a federation of the same name on the same zone.
fn take_over(scene: &Scene) -> (Option<i32>, String) {
    let output = scene.fedns.command(&["apply", "--take-over", "-c", "fedns.yaml"]);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

/// A server whose stateDir was lost.
fn a_writer_that_is_gone_for_good_is_replaced() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    scene.fedns.kill();
    fs::remove_dir_all(scene.fedns.home().join("state")).expect("the folder was there");
    scene.put("beijing", "nginx", "203.0.113.9");
    scene.start();
    scene.is(" MayNotWrite, ");
    scene.logs("fedns apply --take-over");
    let (code, text) = take_over(&scene);
    assert_eq!(code, Some(1), "not beside a server: {text}");
    assert!(scene.fedns.stop().success());
    scene.host.forget_calls();
    let (code, text) = take_over(&scene);
    assert_eq!(code, Some(0), "{text}");
    let line = "alidns for spacexnice.xyz.: takes the place of heritage=fedns;owner=shop;writer=";
    assert!(text.starts_with(line), "{text}");
    assert_eq!(writes(&scene), 1);
    assert!(take_over(&scene).1.starts_with("alidns for spacexnice.xyz.: no other writer\n"));
    scene.start();
    let moved = both().into_iter().map(|line| line.replace("203.0.113.2", "203.0.113.9"));
    scene.holds(moved);
    scene.is_in_sync();
}

fn two_owners_leave_one_another_alone() {
    let mut scene = prepared(Plan::custom(120, 6));
    let mut other = Fedns::prepared(&[], "");
    let (endpoint, admin) = (scene.host.endpoint(), other.admin_port());
    let home = other.home().to_owned();
    let text = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\nlameDuck: 0s\n\
         resolver: {{servers: [\"{NO_RESOLVER}\"]}}\n\
         listen: {{admin: \"127.0.0.1:{admin}\"}}\nservices: {{publish: all, privateAddresses: publish}}\n\
         providers: [{{kind: alidns, configFile: ./alidns.yaml, owner: others, nameServers: [], levels: [global], \
         registry: compact, endpoint: \"{endpoint}\"}}]\n\
         clusters: [{{name: a, manifests: ./a}}]\n"
    );
    fs::write(home.join("fedns.yaml"), text).expect("write the config");
    fs::copy(scene.fedns.home().join("alidns.yaml"), home.join("alidns.yaml"))
        .expect("copy the key");
    fs::create_dir(home.join("a")).expect("make a folder");
    for (name, address) in [("nginx", "198.51.100.1"), ("theirs", "198.51.100.2")] {
        let file = home.join(format!("a/{name}.yaml"));
        fs::write(file, service(name, address)).expect("write a manifest");
    }
    scene.start();
    scene.holds(both());
    scene.is_in_sync();

    other.start();
    let theirs = "theirs.default.fed.svc A default 180 198.51.100.2";
    let with_theirs: Vec<&str> = both().into_iter().chain([theirs]).collect();
    scene.holds(&with_theirs);
    eventually(GENEROUS, "the conflict is told", || {
        let plan = String::from_utf8_lossy(&other.command(&["plan"]).stdout).into_owned();
        let conflict = "nginx.default.fed.svc.spacexnice.xyz. A: it belongs to owner \"shop\"";
        if plan.contains(conflict) { Ok(()) } else { Err(plan) }
    });

    // Each deletes its own.
    for cluster in ["hangzhou", "beijing"] {
        scene.remove(cluster, "nginx");
    }
    scene.holds([theirs]);
    assert!(other.stop().success());
}

/// Somebody put a TXT at the name, and an alias can stand beside nothing.
fn the_addresses_above_stand_in_for_an_alias_that_cannot_stand() {
    let mut scene = prepared(Plan::custom(120, 6));
    let theirs = NewRecord::new("nginx.default.fed.svc.cn-beijing", "TXT", 600, "v=hand");
    let theirs = scene.host.put(DOMAIN, theirs);
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    scene.remove("beijing", "nginx");
    let stand_in = "nginx.default.fed.svc.cn-beijing A default 180 203.0.113.1";
    let mut expect = FAILED_OVER;
    let beijing =
        expect.iter_mut().find(|line| line.starts_with("nginx.default.fed.svc.cn-beijing "));
    *beijing.expect("Beijing's name") = stand_in;
    scene.holds(expect);
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    let told =
        "until then the addresses of nginx.default.fed.svc.spacexnice.xyz. stand in for an alias";
    assert!(plan.contains(told), "{plan}");

    // They have gone, and the next look at the zone sees it.
    scene.host.domains(|domains| domains.remove(&theirs));
    scene.fedns.process().signal(Signal::HUP);
    scene.holds(FAILED_OVER);
    scene.is_in_sync();
}
