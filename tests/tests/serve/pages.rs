use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::http::{self, Answer};
use tests::process::Process;
use tests::product;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, prepared, service, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => every_page_that_is_listed_is_there,
            the_admin_address_is_read_only,
            readiness_tells_zones_and_clusters,
            records_clusters_and_explanations_have_their_fields,
            what_is_left_out_is_listed_with_its_reason,
            a_client_that_hangs_up_does_no_harm,
            json_logs_are_json;
    }
}

#[track_caller]
fn json_of(fedns: &Fedns, path: &str) -> Value {
    let Answer { status, body } = fedns.page(path).expect("a page");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}

fn every_page_that_is_listed_is_there() {
    let (fedns, _folder) = serving("");
    let index = fedns.page("/").expect("a page");
    assert_eq!(index.status, 200);
    let pages: Vec<&str> = index.body.lines().filter(|line| line.starts_with('/')).collect();
    assert!(pages.len() >= 7, "{pages:?}");
    for page in pages.into_iter().chain(["/healthz", "/ready", "/readyz"]) {
        let answer = fedns.page(&page.replace("NAME", WEB)).expect("a page");
        assert_eq!(answer.status, 200, "{page}: {}", answer.body);
    }
    for page in ["/nothing", "/api/v1/nothing", "/api/v1/records?zone=example.net."] {
        assert_eq!(fedns.page(page).expect("a page").status, 404, "{page}");
    }
    let nonsense = fedns.page("/api/v1/explain?name=a..b").expect("a page");
    let said = "\"a..b\" is no domain name: a label is empty\n";
    assert_eq!((nonsense.status, nonsense.body.as_str()), (400, said));
}

fn the_admin_address_is_read_only() {
    let (fedns, _folder) = serving("");
    for path in ["/readyz", "/api/v1/clusters/a/accept", "/api/v1/plan/approve?hash=1"] {
        let answer = http::post(fedns.admin_port(), path, "").expect("an answer");
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.body.contains("read-only"), "{answer:?}");
    }
}

fn readiness_tells_zones_and_clusters() {
    let (fedns, _folder) = serving("");
    fedns.sees("a", "Live");
    let short = fedns.page("/readyz").expect("a page");
    assert_eq!(short, Answer { status: 200, body: "ok\n".into() });
    let long = fedns.page("/readyz?verbose").expect("a page");
    let body = "[+]zone example.com. published\n[+]cluster a live\nreadyz ok\n";
    assert_eq!(long, Answer { status: 200, body: body.into() });
}

fn records_clusters_and_explanations_have_their_fields() {
    let (fedns, _folder) = serving("levels: [global, region]\n");
    fedns.sees("a", "Live");
    let records = json_of(&fedns, "/api/v1/records?filter=web.default.fed.svc.example");
    let service = "default/web";
    let srv = format!("_http._tcp.{WEB}.");
    let expected = json!([
        {"name": format!("{WEB}."), "type": "A", "ttl": 180, "values": ["192.0.2.1"],
         "level": "global", "service": service},
        {"name": srv, "type": "SRV", "ttl": 180, "values": [format!("0 1 80 {WEB}.")],
         "level": "global", "service": service},
    ]);
    assert_eq!(records, expected, "{records:#}");
    let apex = json_of(&fedns, "/api/v1/records?filter=ns1");
    let expected = json!([{"name": "ns1.example.com.", "type": "A", "ttl": 3600,
        "values": ["192.0.2.53"], "level": null, "service": null}]);
    assert_eq!(apex, expected);

    let clusters = json_of(&fedns, "/api/v1/clusters");
    let expected = json!([{"name": "a", "state": "Live", "phase": "Ready", "reason": null,
        "since": null, "region": ["cn-a"], "availabilityZones": ["cn-a-1"], "services": 1,
        "addresses": 1, "notes": [], "problems": []}]);
    assert_eq!(clusters, expected, "{clusters:#}");

    let explained = json_of(&fedns, &format!("/api/v1/explain?name={WEB}"));
    assert_eq!(explained["name"], format!("{WEB}."));
    assert_eq!(explained["published"], true);
    assert_eq!(explained["answer"]["rcode"], "NOERROR");
}

fn what_is_left_out_is_listed_with_its_reason() {
    let (mut fedns, folders) = prepared(&["a"], "staticRecords: [./static.zone]\n");
    fs::write(fedns.home().join("static.zone"), format!("{WEB}. IN A 192.0.2.80\n"))
        .expect("write the static file");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.80");
    let left_out = json_of(&fedns, "/api/v1/leftout");
    let rows = left_out.as_array().expect("a list");
    let row = rows.iter().find(|row| row["name"] == format!("{WEB}."));
    let row = row.unwrap_or_else(|| panic!("{left_out:#}"));
    assert_eq!(row["service"], "default/web");
    let reason = row["reason"].as_str().expect("a reason");
    assert!(reason.contains("static record"), "{reason}");
}

/// The answers to all these questions cannot be written before the client has gone.
fn a_client_that_hangs_up_does_no_harm() {
    let (fedns, _folder) = serving("");
    let questions = "GET /api/v1/records HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    for _ in 0..50 {
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, fedns.admin_port()));
        let mut client = client.expect("the server listens");
        client.write_all(questions.as_bytes()).expect("the server reads");
    }
    assert_eq!(fedns.page("/livez").expect("a page").status, 200);
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
}

fn json_logs_are_json() {
    let (fedns, _folders) = prepared(&["a", "b"], "lameDuck: 0s\n");
    let config = fedns.home().join("fedns.yaml");
    // Only the log; the listeners are told on the other stream.
    let program = product::fedns().get_program().to_owned();
    let mut command = std::process::Command::new("sh");
    let script = "exec \"$0\" serve --log-format json --log debug --config \"$1\" >/dev/null";
    command.args(["-c", script]).arg(program).arg(&config);
    let mut process = Process::start("json", &command, fedns.home());
    fedns.is_ready();
    fs::remove_dir_all(fedns.home().join("b")).expect("remove a folder");
    fs::write(&config, "kind: \"Con\\tfig\"\n").expect("write the config");
    let words = "the old one runs on";
    eventually(GENEROUS, "the bad config is logged", || {
        let log = process.log();
        if log.contains(words) { Ok(()) } else { Err(log) }
    });
    assert!(process.terminate(GENEROUS).success());
    for line in process.log().lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for field in ["timestamp", "level", "message"] {
            assert!(entry[field].is_string(), "no {field}: {line}");
        }
    }
}
