//! Orders over TLS, for whoever has the token of `adminTokenFile`.

use std::fs;
use std::process::{Command, Stdio};

use tests::certificates::{ServerCertificate, authority_certificate, server_certificate};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::http;
use tests::need::{CURL, find_program};
use tests::serving::Fedns;
use tests::suite::Test;

use super::{KEPT, LEAVING, held, manifests};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [CURL] =>
            an_order_over_tls_needs_the_token,
            a_held_reload_is_approved_from_afar,
            a_token_is_rolled_in_its_file_alone,
            a_reload_opens_and_closes_the_way;
    }
}

const TOKEN: &str = "kF3v9aQ1-8sLw0pZ";
const OTHER: &str = "Zp0wLs8_1Qa9v3Fk";
const OPEN: &str = "lameDuck: 0s\ntls: {certFile: ./keys/tls.crt, keyFile: ./keys/tls.key}\n\
                    adminTokenFile: ./keys/token\n";
const CLOSED: &str = "lameDuck: 0s\n";
const APPROVE: &str = "/api/v1/plan/approve?hash=1";

/// The way is open if `more` says so; twelve Services of which all but one go with a cluster.
fn serving(more: &str) -> Fedns {
    let mut fedns = Fedns::prepared(&both(), more);
    fs::create_dir(fedns.home().join("keys")).expect("make a folder");
    let ServerCertificate { chain, key } = server_certificate();
    for (file, text) in [("tls.crt", chain), ("tls.key", key), ("ca.crt", authority_certificate())]
    {
        fs::write(fedns.home().join("keys").join(file), text).expect("write a file");
    }
    roll(&fedns, TOKEN);
    manifests(&fedns, "kept", 1..2);
    manifests(&fedns, "leaving", 1..13);
    fedns.start();
    fedns.is_ready();
    fedns
}

fn both() -> [String; 2] {
    [KEPT.to_owned(), LEAVING.to_owned()]
}

fn roll(fedns: &Fedns, token: &str) {
    let file = fedns.home().join("keys/token");
    fs::write(file, format!("{token}\n")).expect("write a file");
}

fn authority(fedns: &Fedns) -> String {
    fedns.home().join("keys/ca.crt").display().to_string()
}

/// The status of an order and how it is challenged, then the body; an error where there is no answer.
fn post(fedns: &Fedns, scheme: &str, authorization: &str) -> Result<(String, String), String> {
    let url = format!("{scheme}://127.0.0.1:{}{APPROVE}", fedns.admin_port());
    let output = Command::new(find_program("curl").expect("curl is here"))
        .args(["--silent", "--show-error", "--max-time", "60", "--cacert", &authority(fedns)])
        .args(["--request", "POST", "--header", &format!("Authorization: {authorization}")])
        .args(["--write-out", "%{http_code} %header{www-authenticate}", &url])
        .stdin(Stdio::null())
        .output()
        .expect("start curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.rsplit_once('\n') {
        Some((body, status)) if output.status.success() => {
            Ok((status.trim_end().to_owned(), body.to_owned()))
        }
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The status alone.
fn status_for(fedns: &Fedns, token: &str) -> String {
    let posted = post(fedns, "https", &format!("Bearer {token}"));
    posted.map_or_else(|error| error, |(status, _)| status)
}

const NOT_THAT: &str = "401 Bearer realm=\"fedns\", error=\"invalid_token\"";

fn an_order_over_tls_needs_the_token() {
    let fedns = serving(OPEN);
    let (status, body) = post(&fedns, "https", &format!("bearer {TOKEN}")).expect("an answer");
    assert_eq!((&*status, &*body), ("409", "nothing is held"));
    for authorization in ["", "Basic a0YzdjlhUTE=", TOKEN] {
        let (status, body) = post(&fedns, "https", authorization).expect("an answer");
        assert_eq!(status, "401 Bearer realm=\"fedns\"", "{authorization}");
        assert_eq!(body, "orders need the token of adminTokenFile");
    }
    for wrong in [OTHER, &TOKEN[1..], ""] {
        let (status, body) = post(&fedns, "https", &format!("Bearer {wrong}")).expect("an answer");
        let expect = if wrong.is_empty() { "401 Bearer realm=\"fedns\"" } else { NOT_THAT };
        assert_eq!(status, expect, "{wrong} {body}");
    }
    // In plain text the token is good for nothing, and pages are as they were.
    let (status, body) = post(&fedns, "http", &format!("Bearer {TOKEN}")).expect("an answer");
    assert_eq!((&*status, &*body), ("405", "the admin address is read-only"));
    assert_eq!(http::get(fedns.admin_port(), "/livez").expect("a page").status, 200);
    let log = fedns.process().log();
    assert!(log.contains(&format!("  orders https://127.0.0.1:{}", fedns.admin_port())), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains(OTHER), "{log}");
}

fn approve(fedns: &Fedns, hash: &str, more: &[&str]) -> Result<String, String> {
    let admin = format!("https://127.0.0.1:{}", fedns.admin_port());
    let output = fedns.command(&[&["plan", "approve", hash, "--admin", &admin], more].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

fn a_held_reload_is_approved_from_afar() {
    let fedns = serving(OPEN);
    let leaving = "s12.default.fed.svc.example.com";
    fedns.answers(leaving, "NOERROR 192.0.2.12");
    fedns.configure(&[KEPT.to_owned()], OPEN);
    let hash = held(&fedns);
    let authority = ["--certificate-authority", "keys/ca.crt"];
    let token = ["--token-file", "keys/token"];
    let refused = |more: &[&str], because: &str| {
        let error = approve(&fedns, &hash, more).expect_err("an error");
        assert!(error.contains(because) && error.lines().count() == 1, "{error}");
        assert!(!error.contains(TOKEN), "{error}");
    };
    refused(&authority, "orders need a token");
    refused(&token, "--certificate-authority");
    fs::write(fedns.home().join("other"), OTHER).expect("write a file");
    refused(&[&authority[..], &["--token-file", "other"]].concat(), "the token is not the one");
    refused(&[&authority[..], &["--token-file", "absent"]].concat(), "--token-file absent: ");
    assert_eq!(fedns.ask(leaving), "NOERROR 192.0.2.12");
    approve(&fedns, &hash, &[authority, token].concat()).expect("it is approved");
    assert_eq!(fedns.ask(leaving), "NXDOMAIN");
    // Whoever only reads needs no token.
    let admin = format!("https://127.0.0.1:{}", fedns.admin_port());
    let words = ["clusters", "--admin", &admin, "--certificate-authority", "keys/ca.crt"];
    assert!(fedns.printed(&words).contains("kept"));
}

fn a_token_is_rolled_in_its_file_alone() {
    let fedns = serving(OPEN);
    assert_eq!([status_for(&fedns, TOKEN), status_for(&fedns, OTHER)], ["409", NOT_THAT]);
    roll(&fedns, OTHER);
    eventually_equal(GENEROUS, "the new token", &"409".to_owned(), || status_for(&fedns, OTHER));
    assert_eq!(status_for(&fedns, TOKEN), NOT_THAT);
    // What may be guessed is not taken, and the last one stays.
    roll(&fedns, "short");
    eventually(GENEROUS, "the file is refused", || {
        let log = fedns.process().log();
        if log.contains("found a token that may be guessed") { Ok(()) } else { Err(log) }
    });
    assert_eq!(status_for(&fedns, OTHER), "409");
    assert_eq!(status_for(&fedns, "short"), NOT_THAT);
}

fn a_reload_opens_and_closes_the_way() {
    let fedns = serving(CLOSED);
    assert!(post(&fedns, "https", &format!("Bearer {TOKEN}")).is_err());
    fedns.configure(&both(), OPEN);
    eventually_equal(GENEROUS, "it opens", &"409".to_owned(), || status_for(&fedns, TOKEN));
    fedns.configure(&both(), CLOSED);
    eventually(GENEROUS, "it closes", || match post(&fedns, "https", TOKEN) {
        Ok(answer) => Err(format!("{answer:?}")),
        Err(_) => Ok(()),
    });
    assert_eq!(http::get(fedns.admin_port(), "/livez").expect("a page").status, 200);
}
