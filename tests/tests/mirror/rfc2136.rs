use std::fs;

use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::name_server::{Key, NameServer, Software};
use tests::scene::Host;

tests::on_each_name_server![
    every_name_stands_there_and_goes_again,
    an_empty_level_becomes_an_alias_and_back,
    what_others_change_is_not_overwritten_but_put_right,
    a_wrong_key_is_told_and_the_right_one_taken,
    a_restart_writes_nothing,
    one_record_marks_many_names,
    records_and_explain_tell_how_a_name_stands_there,
    a_server_that_is_away_shows_at_once_and_fails_nothing_else,
    another_key_in_the_file_is_taken_at_once,
    how_long_a_change_takes_is_counted_until_it_is_visible,
    two_owners_share_a_zone,
    preflight_proves_rights_and_changes_nothing,
];

type Scene = tests::scene::Scene<NameServer>;

/// What stands in the zone and is nobody's of ours.
const OTHERS: &str = "@ 600 MX 10 ns1\n* 600 A 198.51.100.9\nwww 600 A 198.51.100.1\n";

fn prepared(software: Software, others: &str) -> Scene {
    Scene::prepared(NameServer::start(software, others))
}

const GLOBAL: [&str; 2] = [
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.2",
];
const HANGZHOU: [&str; 2] = [
    "nginx.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.1",
];
const BEIJING: [&str; 2] = [
    "nginx.default.fed.svc.cn-beijing.example.com. 180 A 203.0.113.2",
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 A 203.0.113.2",
];
/// As a transfer shows them.
const OTHERS_SHOWN: [&str; 3] = [
    "example.com. 600 MX 10 ns1.example.com.",
    "*.example.com. 600 A 198.51.100.9",
    "www.example.com. 600 A 198.51.100.1",
];

fn all() -> impl Iterator<Item = &'static str> {
    GLOBAL.into_iter().chain(HANGZHOU).chain(BEIJING)
}

fn every_name_stands_there_and_goes_again(software: Software) {
    let foreign = "nginx.default.fed.svc.cn-beijing.example.com. 600 A 198.51.100.2";
    let text = format!("long 600 TXT \"{}\" \"more\"\n", "x".repeat(255));
    let others = format!("{OTHERS}{text}nginx.default.fed.svc.cn-beijing 600 A 198.51.100.2\n");
    let mut scene = prepared(software, &others);
    let before = scene.host.records();
    scene.start();
    let long = format!("long.example.com. 600 TXT \"{}\" \"more\"", "x".repeat(255));
    let mut expect: Vec<String> = all()
        .filter(|line| *line != BEIJING[0])
        .chain(OTHERS_SHOWN)
        .chain([foreign])
        .map(str::to_owned)
        .chain([long])
        .collect();
    expect.sort();
    eventually_equal(GENEROUS, "what the server holds", &expect, || scene.host.data());
    scene.is(" Incomplete, ");
    let markers: Vec<String> =
        scene.host.records().into_iter().filter(|line| line.contains("external-dns")).collect();
    assert_eq!(markers.len(), 4, "{markers:?}");
    assert!(markers.iter().all(|line| line.contains(
        "heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/nginx"
    )));
    let plan = scene.fedns.printed(&["plan"]);
    let conflict =
        "  ! nginx.default.fed.svc.cn-beijing.example.com. A: a record set without a marker";
    assert!(plan.contains(conflict), "{plan}");

    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "what the server holds", &before, || scene.host.records());
    let log = scene.fedns.process().log();
    assert!(!log.contains(scene.host.secret(Key::Fed)), "{log}");
}

fn an_empty_level_becomes_an_alias_and_back(software: Software) {
    let mut scene = prepared(software, OTHERS);
    scene.start();
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.remove("beijing", "nginx");
    let aliases = [
        "nginx.default.fed.svc.cn-beijing.example.com. 180 CNAME nginx.default.fed.svc.example.com.",
        "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 CNAME nginx.default.fed.svc.cn-beijing.example.com.",
    ];
    scene.holds([GLOBAL[0]].into_iter().chain(HANGZHOU).chain(aliases).chain(OTHERS_SHOWN));
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(all().chain(OTHERS_SHOWN));
}

fn what_others_change_is_not_overwritten_but_put_right(software: Software) {
    let mut scene = prepared(software, OTHERS);
    scene.start();
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.is_in_sync();
    // At a name of ours, and a set that is not ours where a new one of ours is to be.
    scene.host.update(
        "update delete nginx.default.fed.svc.example.com. A\n\
         update add nginx.default.fed.svc.example.com. 180 A 198.51.100.3\n\
         update add web.default.fed.svc.example.com. 180 A 198.51.100.4",
    );
    scene.put("hangzhou", "web", "203.0.113.3");
    scene.put("beijing", "nginx", "203.0.113.4");
    let expect = [
        "nginx.default.fed.svc.example.com. 180 A 203.0.113.1",
        "nginx.default.fed.svc.example.com. 180 A 203.0.113.4",
        "nginx.default.fed.svc.cn-beijing.example.com. 180 A 203.0.113.4",
        "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 A 203.0.113.4",
        "web.default.fed.svc.example.com. 180 A 198.51.100.4",
        "web.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.3",
        "web.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.3",
        "web.default.fed.svc.cn-beijing.example.com. 180 CNAME web.default.fed.svc.example.com.",
        "web.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 CNAME web.default.fed.svc.cn-beijing.example.com.",
    ];
    scene.holds(expect.into_iter().chain(HANGZHOU).chain(OTHERS_SHOWN));
    scene.logs("something else stands there than was listed");
    scene.logs("web.default.fed.svc.example.com. A: a record set without a marker");
}

fn a_wrong_key_is_told_and_the_right_one_taken(software: Software) {
    let mut scene = prepared(software, OTHERS);
    let before = scene.host.records();
    let [right, other] = [Key::Fed, Key::Reader].map(|key| scene.host.secret(key).to_owned());
    let text = scene.host.key_text(Key::Fed);
    let file = scene.fedns.home().join("tsig.key");
    fs::write(&file, text.replace(&right, "not base64")).expect("write the key");
    scene.start_with(&["--log", "trace"], &[]);
    scene.logs("tsig.key: line 3: the secret is not base64");
    fs::write(&file, text.replace(&right, &other)).expect("write the key");
    scene.logs(match software {
        Software::Bind | Software::Knot => "it has another secret for key fed.",
        // It says so without a word of the key.
        Software::PowerDns => {
            "is answered with NOTAUTH: let it answer queries that are signed with key fed."
        }
    });
    assert_eq!(scene.host.records(), before);
    fs::write(&file, text).expect("write the key");
    scene.holds(all().chain(OTHERS_SHOWN));
    let log = scene.fedns.process().log();
    assert!(!log.contains(&right) && !log.contains(&other), "{log}");
}

fn a_restart_writes_nothing(software: Software) {
    let mut scene = prepared(software, OTHERS);
    scene.start();
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.is_in_sync();
    let serial = scene.host.serial();
    scene.fedns.kill();
    scene.host.stop();
    scene.host.resume();
    scene.start();
    scene.is_in_sync();
    assert_eq!(scene.host.serial(), serial);
}

fn one_record_marks_many_names(software: Software) {
    let mut scene = prepared(software, OTHERS);
    let before = scene.host.records();
    scene.configure(", registry: zone");
    scene.put_many("hangzhou", 12, "203.0.113.3");
    scene.start();
    let names = |lines: &[String]| {
        lines.iter().filter(|line| line.contains(" A ") && line.contains(".fed.svc.")).count()
    };
    eventually_equal(GENEROUS, "how many records stand", &(6 + 12 * 3), || {
        names(&scene.host.data())
    });
    scene.is_in_sync();
    let is_marker = |line: &String| line.contains(";names=");
    let markers = scene.host.records().into_iter().filter(is_marker).count();
    assert!((1..=5).contains(&markers), "{markers}");
    let serial = scene.host.serial();
    scene.fedns.kill();
    scene.start();
    scene.is_in_sync();
    assert_eq!(scene.host.serial(), serial);
    assert!(scene.fedns.stop().success());

    for registry in ["external-dns", "zone"] {
        scene.configure(&format!(", registry: {registry}"));
        let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "json"]);
        scene.write("plan.json", &plan.stdout);
        scene.fedns.printed(&["apply", "--config", "fedns.yaml", "--plan", "plan.json"]);
        let markers = scene.host.records().into_iter().filter(is_marker).count();
        assert_eq!(markers == 0, registry == "external-dns", "{registry}: {markers}");
        let plan = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
        assert!(plan.ends_with(": no changes\n"), "{plan}");
    }
    for (cluster, file) in [("hangzhou", "many"), ("hangzhou", "nginx"), ("beijing", "nginx")] {
        scene.remove(cluster, file);
    }
    let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "json"]);
    scene.write("plan.json", &plan.stdout);
    scene.fedns.printed(&["apply", "--config", "fedns.yaml", "--plan", "plan.json"]);
    assert_eq!(scene.host.records(), before);
}

fn two_owners_share_a_zone(software: Software) {
    let mut first = prepared(software, OTHERS);
    first.start();
    first.holds(all().chain(OTHERS_SHOWN));
    first.is_in_sync();
    assert!(first.fedns.stop().success());
    let records = first.host.records();
    let mut second = Scene::owned_by("market", first.host);
    second.put("hangzhou", "web", "203.0.113.3");
    second.start();
    second.logs("it belongs to owner \"shop\"");
    let mut expect: Vec<String> = records;
    eventually(GENEROUS, "the second owner's names", || {
        let data = second.host.data();
        let count = data.iter().filter(|line| line.starts_with("web.")).count();
        if count == 5 { Ok(()) } else { Err(format!("{data:?}")) }
    });
    expect.retain(|line| line.contains("nginx."));
    let mut now = second.host.records();
    now.retain(|line| line.contains("nginx."));
    assert_eq!(now, expect);
}

fn preflight_proves_rights_and_changes_nothing(software: Software) {
    let scene = prepared(software, OTHERS);
    let (before, serial) = (scene.host.records(), scene.host.serial());
    let preflight = || {
        let output = scene.fedns.command(&["preflight", "-c", "fedns.yaml"]);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = preflight();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("rfc2136 for example.com.\n"), "{text}");
    assert!(text.contains("the key may transfer the zone, and may update "), "{text}");

    let key = scene.host.key_text(Key::Reader);
    scene.write("tsig.key", key);
    let (code, text) = preflight();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("  BLOCKED  provider: name server 127.0.0.1:"), "{text}");
    assert!(text.contains("let key reader. update the zone (BIND: "), "{text}");
    assert_eq!((scene.host.records(), scene.host.serial()), (before, serial));
}

fn how_long_a_change_takes_is_counted_until_it_is_visible(software: Software) {
    let mut scene = prepared(software, OTHERS);
    scene.start();
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.is_in_sync();
    let counts = |metric: &str| {
        let page = scene.fedns.page("/metrics").expect("a page").body;
        let start = format!("fedns_mirror_{metric}_duration_seconds_count{{provider=\"rfc2136\"");
        let line = page.lines().find(|line| line.starts_with(&start))?;
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    // What stood in the clusters before the start has no beginning.
    assert_eq!((counts("programming"), counts("visible")), (None, None));
    scene.put("beijing", "nginx", "203.0.113.4");
    // The global name, that of the region and that of the zone.
    eventually_equal(GENEROUS, "changes taken", &Some(3), || counts("programming"));
    eventually_equal(GENEROUS, "changes visible", &Some(3), || counts("visible"));
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "changes visible", &Some(6), || counts("visible"));
    let page = scene.fedns.page("/metrics").expect("a page").body;
    assert!(!page.contains("fedns_mirror_unseen_changes_total{"), "{page}");
}

fn a_server_that_is_away_shows_at_once_and_fails_nothing_else(software: Software) {
    let mut scene = prepared(software, OTHERS);
    scene.start();
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.is_in_sync();
    assert_eq!(failing(&scene), Some(false));
    scene.host.stop();
    scene.put("beijing", "nginx", "203.0.113.4");
    scene.is(" Failing, ");
    let page = scene.fedns.page("/readyz?verbose").expect("a page");
    assert_eq!(page.status, 200, "{}", page.body);
    let line = page.body.lines().find(|line| line.starts_with("[-]mirror rfc2136 "));
    let line = line.unwrap_or_else(|| panic!("{}", page.body));
    assert!(
        line.contains("cannot be reached over TCP: ") && line.ends_with("; answers go on"),
        "{line}"
    );
    assert!(page.body.ends_with("\nreadyz ok\n"), "{}", page.body);
    assert_eq!(failing(&scene), Some(true));
    let plan = scene.fedns.command(&["plan"]);
    let text = String::from_utf8_lossy(&plan.stdout);
    assert!(text.contains("  the provider was last read at "), "{text}");
    assert_ne!(plan.status.code(), Some(0), "{text}");
    scene.host.resume();
    let moved = ["203.0.113.4"; 3];
    eventually_equal(GENEROUS, "the new address", &moved.len(), || {
        scene.host.data().iter().filter(|line| line.ends_with(moved[0])).count()
    });
    scene.is_in_sync();
    assert_eq!(scene.fedns.command(&["plan"]).status.code(), Some(0));
}

/// With `zone:` nobody is asked before the first listing, so that it is the listing that fails.
fn another_key_in_the_file_is_taken_at_once(software: Software) {
    let mut scene = prepared(software, OTHERS);
    let (right, other) = (scene.host.secret(Key::Fed), scene.host.secret(Key::Reader));
    let text = scene.host.key_text(Key::Fed);
    scene.write("tsig.key", text.replace(right, other));
    scene.configure(&format!(", zone: {}.", scene.host.zone()));
    scene.start();
    scene.is(" Failing, ");
    // The next attempt by itself would come later than this waits for.
    scene.write("tsig.key", text);
    scene.holds(all().chain(OTHERS_SHOWN));
    scene.is_in_sync();
    scene.logs("a provider's file has changed");
}

/// What the metrics say.
fn failing(scene: &Scene) -> Option<bool> {
    let page = scene.fedns.page("/metrics").expect("a page").body;
    let mut lines = page.lines().filter(|line| line.starts_with("fedns_mirror_failing{"));
    lines.next().map(|line| line.ends_with(" 1"))
}

fn records_and_explain_tell_how_a_name_stands_there(software: Software) {
    let others = format!("{OTHERS}nginx.default.fed.svc.cn-beijing 600 A 198.51.100.2\n");
    let mut scene = prepared(software, &others);
    scene.start();
    scene.is(" Incomplete, ");
    let global = "nginx.default.fed.svc.example.com";
    let beijing = "nginx.default.fed.svc.cn-beijing.example.com";
    let explained = scene.fedns.printed(&["explain", global]);
    for words in [
        "  mirror rfc2136 for example.com.: in sync\n",
        "  no DNS port is open here; with one, the answer would be: NOERROR, authoritative\n",
    ] {
        assert!(explained.contains(words), "{words}\n{explained}");
    }
    let explained = scene.fedns.printed(&["explain", beijing]);
    let conflict = format!(
        "  mirror rfc2136 for example.com.: in conflict: {beijing}. A: a record set without a marker"
    );
    assert!(explained.contains(&conflict), "{explained}");
    let wide = scene.fedns.printed(&["records", "nginx.default", "-o", "wide"]);
    let row = |name: &str| {
        let start = format!("{name}. ");
        let row = wide.lines().find(|line| line.starts_with(&start));
        row.unwrap_or_else(|| panic!("{name}\n{wide}")).trim_end().to_owned()
    };
    assert!(row(global).ends_with("  rfc2136 for example.com. InSync"), "{wide}");
    assert!(row(beijing).ends_with("  rfc2136 for example.com. Conflict"), "{wide}");
    // Nobody answers here, and whoever asks is told where the names are.
    let output = scene.fedns.command(&["query", global, "--server", "127.0.0.1:1"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("opens no DNS port (its config has no listen.dns): name the provider's"),
        "{errors}"
    );
}
