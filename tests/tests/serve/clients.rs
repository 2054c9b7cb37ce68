use std::process::{Command, Stdio};

use tests::eventually::{GENEROUS, eventually};
use tests::need::{DIG, find_program};
use tests::port::free_port;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, entries, prepared, service, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [DIG] => cookies_are_made_of_a_secret_that_can_be_rolled,
            who_may_not_ask_is_refused_until_the_config_says_otherwise,
            the_server_tells_of_itself_what_it_is_asked_to;
    }
}

const FIRST: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const SECOND: &str = "445536bcd2513298075a5d379663c962";

/// All that dig prints.
fn dig(fedns: &Fedns, words: &[&str]) -> String {
    let output = Command::new(find_program("dig").expect("dig is here"))
        .args(["@127.0.0.1", "-p", &fedns.dns_port().to_string(), "+norecurse"])
        .args(["-b", &format!("127.0.0.1#{}", free_port())])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("start dig");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The whole cookie that the server has for dig's address; dig has checked that it is for its own.
fn cookie(fedns: &Fedns, sent: &str) -> String {
    let text = dig(fedns, &[&format!("+cookie={sent}"), WEB]);
    let line = text.lines().find_map(|line| line.strip_prefix("; COOKIE: "));
    let line = line.unwrap_or_else(|| panic!("no cookie: {text}"));
    line.strip_suffix(" (good)").unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn count(fedns: &Fedns, of: &str) -> u64 {
    let text = fedns.page("/metrics").expect("a page").body;
    let lines = text.lines().filter(|line| line.starts_with("fedns_dns_cookies_total{"));
    let lines = lines.filter(|line| line.contains(&format!("cookie=\"{of}\"")));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn cookies_are_made_of_a_secret_that_can_be_rolled() {
    let (mut fedns, folders) = prepared(&["a"], "cookies: {secretFile: ./a/cookie-secrets.txt}\n");
    let folder = &folders[0];
    let client = "0102030405060708";
    let roll = |secrets: &str| folder.replace("cookie-secrets.txt", secrets);
    roll(&format!("# The first.\n{FIRST}\n"));
    folder.write("web.yaml", &service("web", "192.0.2.1"));
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    let is_valid = |cookie_sent: &str| {
        let before = count(&fedns, "valid");
        cookie(&fedns, cookie_sent);
        count(&fedns, "valid") > before
    };
    let first = cookie(&fedns, client);
    assert!(is_valid(&first));
    roll(&format!("{SECOND}\n{FIRST}\n"));
    eventually(GENEROUS, "the new secret makes cookies", || {
        let again = cookie(&fedns, &first);
        if again == first { Err(again) } else { Ok(()) }
    });
    assert!(is_valid(&first), "the old secret is valid for as long as it stands there");
    let second = cookie(&fedns, client);
    roll(&format!("{SECOND}\n"));
    eventually(GENEROUS, "the old secret is gone", || match is_valid(&first) {
        true => Err("it is still valid"),
        false => Ok(()),
    });
    assert!(is_valid(&second));
}

fn who_may_not_ask_is_refused_until_the_config_says_otherwise() {
    let (fedns, _folder) = serving("");
    let closed = "acl: {query: {deny: [127.0.0.0/8]}}\n";
    fedns.configure(&entries(&["a"]), closed);
    eventually(GENEROUS, "the list is taken over", || {
        let text = dig(&fedns, &[WEB]);
        if text.contains("REFUSED") && text.contains("EDE: 18") { Ok(()) } else { Err(text) }
    });
    fedns.configure(&entries(&["a"]), "");
    fedns.answers(WEB, "NOERROR 192.0.2.1");
}

fn the_server_tells_of_itself_what_it_is_asked_to() {
    let (fedns, _folder) = serving("nsid: ns1.hangzhou\nidentity: {id: ns1}\n");
    let text = dig(&fedns, &["+nsid", WEB]);
    assert!(text.contains("(\"ns1.hangzhou\")"), "{text}");
    let text = dig(&fedns, &["CH", "TXT", "id.server"]);
    assert!(text.contains("TXT\t\"ns1\""), "{text}");
    let text = dig(&fedns, &["CH", "TXT", "version.bind"]);
    assert!(text.contains("REFUSED"), "{text}");
    let text = dig(&fedns, &["+tcp", "+keepalive", WEB]);
    assert!(text.contains("TCP KEEPALIVE") || text.contains("TCP-KEEPALIVE"), "{text}");
}
