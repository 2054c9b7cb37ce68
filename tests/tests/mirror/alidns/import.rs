use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};

use tests::fakes::alidns::{NewRecord, Plan};
use tests::product;
use tests::suite::Test;

use super::{DOMAIN, Scene, both, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => what_external_dns_wrote_becomes_ours,
            what_kubefed_wrote_becomes_ours_where_it_is_the_same,
            a_name_that_is_listed_is_imported_whatever_it_holds,
            a_name_outside_the_pattern_follows_the_static_records,
            without_an_answer_nothing_is_imported,
            what_moved_while_somebody_thought_is_not_written;
    }
}

const GLOBAL: &str = "nginx.default.fed.svc";
const BEIJING: &str = "nginx.default.fed.svc.cn-beijing";

fn put(scene: &Scene, name: &str, record_type: &str, value: &str) {
    scene.host.put(DOMAIN, NewRecord::new(name, record_type, 180, value));
}

fn external_dns(owner: &str, resource: &str) -> String {
    format!(
        "heritage=external-dns,external-dns/owner={owner},external-dns/resource={resource}/default/nginx"
    )
}

fn import(scene: &Scene, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        scene.fedns.command(&[&["import", "-c", "fedns.yaml"], words].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// The server has nothing to do, and its plan has no conflict.
#[track_caller]
fn is_at_rest(scene: &mut Scene) {
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(writes(scene), 0);
}

fn what_external_dns_wrote_becomes_ours() {
    let mut scene = prepared(Plan::custom(120, 6));
    for address in ["203.0.113.1", "203.0.113.2"] {
        put(&scene, GLOBAL, "A", address);
    }
    put(&scene, &format!("a-{GLOBAL}"), "TXT", &external_dns("old", "service"));
    // As it wrote them before version 0.12.
    put(&scene, BEIJING, "A", "203.0.113.2");
    put(&scene, BEIJING, "TXT", &external_dns("old", "service"));
    // Somebody else's, and one of theirs that nobody gives any more.
    put(&scene, "mail.default.fed.svc", "A", "198.51.100.1");
    put(&scene, "a-mail.default.fed.svc", "TXT", &external_dns("others", "service"));
    put(&scene, "gone.default.fed.svc", "A", "198.51.100.2");
    put(&scene, "a-gone.default.fed.svc", "TXT", &external_dns("old", "service"));

    let (code, text, error) = import(&scene, &["--from-owner", "old"]);
    assert_eq!(code, Some(2), "{error}");
    assert_eq!(writes(&scene), 0);
    assert!(text.starts_with("alidns for spacexnice.xyz.: 2 names to take over, plan "), "{text}");
    let old = "180 \"heritage=external-dns,external-dns/owner=old,external-dns/resource=service/default/nginx\"";
    let new = old.replace("owner=old", "owner=shop");
    for line in [
        format!("  ~ a-{GLOBAL}.{DOMAIN}. TXT {old} -> {new}\n"),
        format!("  + a-{BEIJING}.{DOMAIN}. TXT {new}\n"),
        format!("  - {BEIJING}.{DOMAIN}. TXT {old}\n"),
        format!("  ! gone.default.fed.svc.{DOMAIN}.: no Service gives it; "),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }

    let (code, _, error) = import(&scene, &["--from-owner", "old", "--yes"]);
    assert_eq!(code, Some(0), "{error}");
    let (code, text, _) = import(&scene, &["--from-owner", "old", "--yes"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("alidns for spacexnice.xyz.: nothing to take over\n"), "{text}");
    scene.start();
    let theirs = [
        "mail.default.fed.svc A default 180 198.51.100.1",
        "gone.default.fed.svc A default 180 198.51.100.2",
    ];
    scene.holds(both().into_iter().chain(theirs));
    scene.is_in_sync();
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(theirs);
}

fn what_kubefed_wrote_becomes_ours_where_it_is_the_same() {
    let mut scene = prepared(Plan::custom(120, 6));
    put(&scene, GLOBAL, "A", "203.0.113.1");
    put(&scene, BEIJING, "CNAME", &format!("{GLOBAL}.{DOMAIN}"));
    put(&scene, "nginx.default.fed.svc.cn-hangzhou", "A", "203.0.113.1");
    let (code, text, error) = import(&scene, &["--kubefed", "--yes"]);
    assert_eq!(code, Some(0), "{error}");
    let update =
        format!("  ~ {GLOBAL}.{DOMAIN}. A 180 203.0.113.1 -> 180 203.0.113.1 203.0.113.2\n");
    let left = format!(
        "  ! {BEIJING}.{DOMAIN}.: CNAME {GLOBAL}.{DOMAIN}. is not what would be written; name it to take it \
         over all the same\n"
    );
    for line in [&update, &left] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, text, error) = import(&scene, &["--kubefed", "-y", &format!("{BEIJING}.{DOMAIN}")]);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains(&format!("  - {BEIJING}.{DOMAIN}. CNAME ")), "{text}");
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
}

/// Left behind by a cluster that has gone.
fn a_name_that_is_listed_is_imported_whatever_it_holds() {
    let scene = prepared(Plan::custom(120, 6));
    let name = "nginx.default.fed.svc.cn-shanghai";
    put(&scene, name, "CNAME", &format!("{GLOBAL}.{DOMAIN}"));
    put(&scene, name, "TXT", "v=hand");
    let (code, text, error) = import(&scene, &["--kubefed", "-y", &format!("{name}.{DOMAIN}")]);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains(&format!("  - {name}.{DOMAIN}. CNAME ")), "{text}");
    let lines = scene.host.lines(DOMAIN);
    assert!(lines.iter().all(|line| !line.contains("cn-shanghai CNAME")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("v=hand")), "{lines:?}");
    let (code, _, error) = import(&scene, &["--kubefed", "www.example.org"]);
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
}

fn a_name_outside_the_pattern_follows_the_static_records() {
    let mut scene = prepared(Plan::custom(120, 6));
    put(&scene, "www", "A", "198.51.100.1");
    put(&scene, "a-www", "TXT", &external_dns("old", "ingress"));
    put(&scene, "www", "MX", "mail.example.org");
    let www = format!("www.{DOMAIN}");
    let (code, text, _) = import(&scene, &["--from-owner", "old", "--yes", &www]);
    assert_eq!(code, Some(0));
    assert!(text.contains(&format!("  ! {www}.: it is no name of the federation")), "{text}");
    assert_eq!(writes(&scene), 0);

    let config = std::fs::read_to_string(scene.fedns.home().join("fedns.yaml")).expect("a config");
    scene.write("fedns.yaml", format!("{config}staticRecords: [./static.zone]\n"));
    scene.write("static.zone", "www 180 A 198.51.100.1\nother 180 A 198.51.100.3\n");
    let (code, text, error) = import(&scene, &["--from-owner", "old", "--yes", &www]);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains("external-dns/imported=true,external-dns/owner=shop"), "{text}");
    let with = |address: &str| {
        let line = format!("www A default 180 {address}");
        let mail = "www MX default 180 mail.example.org".to_owned();
        both().into_iter().map(str::to_owned).chain([line, mail]).collect::<Vec<_>>()
    };
    scene.start();
    scene.holds(with("198.51.100.1"));
    scene.is_in_sync();
    scene.write("static.zone", "www 180 A 198.51.100.2\nother 180 A 198.51.100.3\n");
    scene.fedns.process().signal(tests::process::Signal::HUP);
    scene.holds(with("198.51.100.2"));
    scene.write("static.zone", "other 180 A 198.51.100.3\n");
    scene.fedns.process().signal(tests::process::Signal::HUP);
    let rest = both().into_iter().chain(["www MX default 180 mail.example.org"]);
    scene.holds(rest);
}

/// `fedns import` on a terminal, after it has asked.
struct Asking {
    script: Child,
    shown: String,
}

impl Asking {
    fn start(scene: &Scene, words: &str) -> Self {
        let fedns = product::fedns();
        let fedns = fedns.get_program().to_str().expect("a path of text");
        let line = format!("{fedns} import -c fedns.yaml {words}");
        let mut script = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(scene.fedns.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start script");
        let mut shown = Vec::new();
        let output = script.stdout.as_mut().expect("it is piped");
        while !shown.ends_with(b"[y/N] ") {
            let mut byte = [0];
            output.read_exact(&mut byte).expect("it asks before it ends");
            shown.extend(byte);
        }
        Self { script, shown: String::from_utf8(shown).expect("text") }
    }

    fn answer(mut self, line: &str) -> (Option<i32>, String) {
        let input = self.script.stdin.as_mut().expect("it is piped");
        input.write_all(line.as_bytes()).expect("it reads");
        let output = self.script.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    }
}

fn without_an_answer_nothing_is_imported() {
    let mut scene = prepared(Plan::custom(120, 6));
    put(&scene, GLOBAL, "A", "203.0.113.1");
    for answer in ["n\n", "\n", "\u{4}"] {
        let asking = Asking::start(&scene, "--kubefed");
        assert!(asking.shown.contains("alidns for spacexnice.xyz.: 1 names to take over"));
        let (code, text) = asking.answer(answer);
        assert_eq!((code, writes(&scene)), (Some(2), 0), "{text}");
    }
    let (code, text) = Asking::start(&scene, "--kubefed").answer("y\n");
    assert_eq!(code, Some(0), "{text}");
    assert!(writes(&scene) > 0);
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    assert!(scene.fedns.stop().success());
    is_at_rest(&mut scene);
}

fn what_moved_while_somebody_thought_is_not_written() {
    let scene = prepared(Plan::custom(120, 6));
    put(&scene, GLOBAL, "A", "203.0.113.1");
    let asking = Asking::start(&scene, "--kubefed");
    put(&scene, GLOBAL, "A", "203.0.113.2");
    let (code, text) = asking.answer("y\n");
    assert_eq!((code, writes(&scene)), (Some(1), 0), "{text}");
    assert!(
        text.contains("something moved since the plan was shown; nothing was written"),
        "{text}"
    );
}
