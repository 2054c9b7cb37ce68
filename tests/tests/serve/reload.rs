use std::fs;
use std::os::unix::fs::symlink;

use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::process::Signal;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, entries, prepared, service, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_changed_file_is_taken_over,
            a_hangup_reads_static_records_anew,
            a_warning_is_logged_once_for_as_long_as_it_stands,
            a_file_that_is_swapped_by_links_is_followed,
            a_bad_file_keeps_the_old_config_running,
            keys_of_the_start_wait_for_the_next_one,
            a_reload_that_empties_too_much_is_held_and_another_is_not,
            a_reload_of_few_names_is_never_held,
            zones_come_and_go,
            a_zone_below_another_is_there_for_all_once_it_is_delegated;
    }
}

/// Waits until the log of the server has these words.
#[track_caller]
fn logs(fedns: &Fedns, words: &str) {
    eventually(GENEROUS, &format!("{words:?} is logged"), || {
        let log = fedns.process().log();
        if log.contains(words) { Ok(()) } else { Err(log) }
    });
}

fn ttl_is(fedns: &Fedns, ttl: &str) {
    eventually_equal(GENEROUS, "the TTL", &format!("NOERROR {WEB}. {ttl} A 192.0.2.1"), || {
        fedns
            .query(WEB, "A")
            .map_or_else(String::new, |reply| format!("{} {}", reply.code, reply.records.join(" ")))
    });
}

fn a_changed_file_is_taken_over() {
    let (fedns, _folder) = serving("");
    ttl_is(&fedns, "180");
    let serial = fedns.serial();
    fedns.configure(&entries(&["a"]), "ttl: 60s\n");
    ttl_is(&fedns, "60");
    assert!(fedns.serial().0 > serial.0);
    logs(&fedns, "the config is reloaded");
}

fn a_hangup_reads_static_records_anew() {
    let records = "staticRecords: [./static.zone]\n";
    let (mut fedns, _folders) = prepared(&["a"], records);
    let file = fedns.home().join("static.zone");
    fs::write(&file, "www IN A 192.0.2.80\n").expect("write the static file");
    fedns.start();
    fedns.answers("www.example.com", "NOERROR 192.0.2.80");

    fs::write(&file, "www IN A 192.0.2.81\n").expect("write the static file");
    fedns.process().signal(Signal::HUP);
    fedns.answers("www.example.com", "NOERROR 192.0.2.81");

    fs::write(&file, "www IN A 192.0.2.256\n").expect("write the static file");
    fedns.process().signal(Signal::HUP);
    let place = file.display();
    logs(&fedns, &format!("the old one runs on: {place}:1:10: found \"192.0.2.256\""));
    assert_eq!(fedns.ask("www.example.com"), "NOERROR 192.0.2.81");
}

fn a_warning_is_logged_once_for_as_long_as_it_stands() {
    let (mut fedns, _folders) = prepared(&["a"], "staticRecords: [./static.zone]\n");
    let file = fedns.home().join("static.zone");
    let write = |text: &str| fs::write(&file, text).expect("write the static file");
    write("loop IN CNAME loop\nsvc IN NS ns.example.org.\n");
    fedns.start();
    fedns.is_ready();
    let first = warnings_of_check(&fedns);
    assert_eq!(first.map(|line| times_logged(&fedns, &line)), [1, 1]);

    let reload = |times| {
        fedns.process().signal(Signal::HUP);
        eventually_equal(GENEROUS, "reloads", &times, || {
            times_logged(&fedns, "config is reloaded")
        });
    };
    write("loop IN CNAME loop\nmail IN MX 10 192.0.2.1\n");
    reload(1);
    let [kept, new] = warnings_of_check(&fedns);
    assert_eq!(times_logged(&fedns, &kept), 1, "{kept}");
    assert_eq!(times_logged(&fedns, &new), 1, "{new}");

    write("www IN A 192.0.2.80\n");
    reload(2);
    write("loop IN CNAME loop\nmail IN MX 10 192.0.2.1\n");
    reload(3);
    assert_eq!(times_logged(&fedns, &kept), 2, "it was gone in between");
}

/// The lines with which `fedns check` warns of the config of a server.
#[track_caller]
fn warnings_of_check(fedns: &Fedns) -> [String; 2] {
    let output = fedns.command(&["check", "--config", "fedns.yaml"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines = errors.lines().map(|line| {
        line.strip_prefix("fedns: warning: ").unwrap_or_else(|| panic!("{errors}")).to_owned()
    });
    lines.collect::<Vec<_>>().try_into().expect("two warnings")
}

fn times_logged(fedns: &Fedns, words: &str) -> usize {
    fedns.process().log().lines().filter(|line| line.contains(words)).count()
}

/// Kubernetes mounts a ConfigMap so: the file is a link through `..data`, which is replaced.
fn a_file_that_is_swapped_by_links_is_followed() {
    let (mut fedns, folders) = prepared(&["a"], "");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    let home = fedns.home().to_owned();
    let text = fs::read_to_string(home.join("fedns.yaml")).expect("read the config");
    let publish = |version: &str, text: &str| {
        fs::create_dir(home.join(version)).expect("make a folder");
        fs::write(home.join(version).join("fedns.yaml"), text).expect("write the config");
        symlink(version, home.join("..new")).expect("make a link");
        fs::rename(home.join("..new"), home.join("..data")).expect("swap the link");
    };
    publish("..1", &text);
    fs::remove_file(home.join("fedns.yaml")).expect("remove the config");
    symlink("..data/fedns.yaml", home.join("fedns.yaml")).expect("make a link");
    fedns.start();
    ttl_is(&fedns, "180");
    publish("..2", &format!("{text}ttl: 60s\n"));
    ttl_is(&fedns, "60");
}

fn a_bad_file_keeps_the_old_config_running() {
    let (fedns, _folder) = serving("");
    fedns.configure(&entries(&["a"]), "tll: 60s\n");
    let config = fedns.home().join("fedns.yaml");
    let expected = format!(
        "config not reloaded, the old one runs on: {}:8:1: unknown key \"tll\"; did you mean \"ttl\"?",
        config.display()
    );
    logs(&fedns, &expected);
    let page = fedns.page("/readyz?verbose").expect("a page");
    let line = expected.split_once("runs on: ").expect("a line").1;
    assert!(page.body.contains(&format!("\n[+]config not reloaded: {line}\n")), "{}", page.body);
    fs::remove_file(&config).expect("remove the config");
    fedns.process().signal(Signal::HUP);
    logs(&fedns, "the old one runs on: ");
    logs(&fedns, "fedns.yaml: cannot be read: No such file or directory");
    ttl_is(&fedns, "180");
    assert!(metrics(&fedns).contains("\nfedns_reload_failed_total 2\n"));

    fedns.configure(&entries(&["a"]), "ttl: 60s\n");
    ttl_is(&fedns, "60");
    assert!(!fedns.page("/readyz?verbose").expect("a page").body.contains("not reloaded"));
    fedns.process().signal(Signal::HUP);
    logs(&fedns, "nothing to reload: the config is what it was");
}

fn keys_of_the_start_wait_for_the_next_one() {
    let (fedns, _folder) = serving("");
    fedns.configure(&entries(&["a"]), "ttl: 60s\nworkers: 7\n");
    ttl_is(&fedns, "60");
    logs(&fedns, "this key takes effect at the next start");
    logs(&fedns, "key=\"workers\"");
}

fn a_reload_that_empties_too_much_is_held_and_another_is_not() {
    let (mut fedns, folders) = prepared(&["a", "b"], "");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    for n in 1..=9 {
        let name = format!("only-b-{n}");
        folders[1].write(&format!("{name}.yaml"), &service(&name, &format!("192.0.2.1{n}")));
    }
    fedns.start();
    fedns.is_ready();
    let name = "only-b-1.default.fed.svc.example.com";
    fedns.answers(name, "NOERROR 192.0.2.11");

    fedns.configure(&entries(&["a"]), "");
    logs(&fedns, "the reload is held, the old config runs on: ");
    assert_eq!(fedns.ask(name), "NOERROR 192.0.2.11");
    let ready = fedns.page("/readyz?verbose").expect("a page");
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("\n[+]reload held: "), "{}", ready.body);
    assert!(!metrics(&fedns).contains("\nfedns_reload_held_names 0\n"));

    fedns.configure(&entries(&["a", "b"]), "ttl: 60s\n");
    ttl_is(&fedns, "60");
    assert_eq!(fedns.ask(name), "NOERROR 192.0.2.11");
    assert!(metrics(&fedns).contains("\nfedns_reload_held_names 0\n"));
}

fn metrics(fedns: &Fedns) -> String {
    fedns.page("/metrics").expect("a page").body
}

fn a_reload_of_few_names_is_never_held() {
    let (fedns, _folder) = serving("levels: [global]\n");
    fedns.configure(&[], "levels: [global]\n");
    fedns.answers(WEB, "NXDOMAIN");
}

fn zones_come_and_go() {
    // With so few names, a zone may go.
    let (fedns, _folder) = serving("levels: [global]\n");
    let other = WEB.replace("example.com", "example.net");
    assert_eq!(fedns.ask(&other), "REFUSED");
    let one = fs::read_to_string(fedns.home().join("fedns.yaml")).expect("read the config");
    let two = one.replace(
        "zone: example.com.\n",
        "zones: [{name: example.com.}, {name: example.net., nameServers: [ns1.example.com.]}]\n",
    );
    fs::write(fedns.home().join("fedns.yaml"), two).expect("write the config");
    fedns.answers(&other, "NOERROR 192.0.2.1");
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    fs::write(fedns.home().join("fedns.yaml"), one).expect("write the config");
    fedns.answers(&other, "REFUSED");
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
}

fn a_zone_below_another_is_there_for_all_once_it_is_delegated() {
    let (mut fedns, _folders) = prepared(&["a"], "staticRecords: [./static.zone]\n");
    let config = fedns.home().join("fedns.yaml");
    let text = fs::read_to_string(&config).expect("read the config");
    let zones = "zones: [{name: example.com.}, {name: sub.example.com., staticRecords: []}]\n";
    fs::write(&config, text.replace("zone: example.com.\n", zones)).expect("write the config");
    let file = fedns.home().join("static.zone");
    fs::write(&file, "www IN A 192.0.2.80\n").expect("write the static file");
    let code = |fedns: &Fedns, record_type| {
        fedns.query("sub.example.com", record_type).map_or_else(String::new, |reply| reply.code)
    };
    fedns.start();
    fedns.is_ready();
    let answers = ["SOA", "DS"].map(|record_type| code(&fedns, record_type));
    assert_eq!(answers, ["NOERROR", "NXDOMAIN"]);
    assert_eq!(times_logged(&fedns, "zone sub.example.com. lies below zone example.com."), 1);

    fs::write(&file, "sub IN NS ns1.example.com.\n").expect("write the static file");
    fedns.process().signal(Signal::HUP);
    eventually_equal(GENEROUS, "DS", &"NOERROR".to_owned(), || code(&fedns, "DS"));
    assert_eq!(code(&fedns, "SOA"), "NOERROR");
    assert_eq!(times_logged(&fedns, "zone sub.example.com. lies below zone example.com."), 1);
}
