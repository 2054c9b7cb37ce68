//! Clients that others wrote and that no other test has, each with the words that people type.

use std::fmt::Write as _;
use std::process::{Command, Output, Stdio};

use tests::need::{DNSPERF, DRILL, find_program};
use tests::serving::Fedns;
use tests::suite::Test;

use crate::serve::folder::{WEB, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [DRILL] => drill_asks_over_udp_and_tcp;
        [DNSPERF] => dnsperf_gets_every_answer;
    }
}

fn run(program: &str, words: &[&str]) -> Output {
    let mut command = Command::new(find_program(program).expect("it is here"));
    command.args(words).stdin(Stdio::null()).output().expect("start a client")
}

fn drill(fedns: &Fedns, words: &[&str]) -> String {
    let port = fedns.dns_port().to_string();
    let output = run("drill", &[&["-p", &port], words, &["@127.0.0.1"]].concat());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn drill_asks_over_udp_and_tcp() {
    let (fedns, _folder) = serving("");
    let port = "_http._tcp.web.default.fed.svc.example.com";
    for carried in [&[][..], &["-t"], &["-b", "1232"]] {
        for (name, kind, code, expect) in [
            (WEB, "A", "rcode: NOERROR", format!("{WEB}.\t180\tIN\tA\t192.0.2.1")),
            (port, "SRV", "rcode: NOERROR", format!("{port}.\t180\tIN\tSRV\t0 1 80 {WEB}.")),
            (WEB, "AAAA", "rcode: NOERROR", "ANSWER: 0, AUTHORITY: 1".to_owned()),
            ("nope.example.com", "A", "rcode: NXDOMAIN", "ANSWER: 0, AUTHORITY: 1".to_owned()),
        ] {
            let text = drill(&fedns, &[carried, &[name, kind]].concat());
            assert!(text.contains(code) && text.contains(&expect), "{carried:?} {name}\n{text}");
            assert!(text.contains(";; flags: qr aa rd ; "), "{text}");
        }
    }
}

/// A fixed number of queries, and of those under way at once.
fn dnsperf_gets_every_answer() {
    let (fedns, _folder) = serving("");
    let mut questions = String::new();
    for number in 0..20 {
        writeln!(questions, "{WEB} A\nn{number}.example.com A\n{WEB} AAAA\n{WEB} SRV")
            .expect("a String takes all text");
    }
    let file = fedns.home().join("logs").join("questions");
    std::fs::write(&file, questions).expect("write a file");
    let (file, port) = (file.display().to_string(), fedns.dns_port().to_string());
    for carried in ["udp", "tcp"] {
        let words = ["-s", "127.0.0.1", "-p", &port, "-d", &file, "-m", carried];
        // Each line of the file so often; a client's own limit is no measure of the server.
        let bounds = ["-n", "25", "-c", "4", "-q", "20", "-t", "60"];
        let output = run("dnsperf", &[&words[..], &bounds].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        for expect in [
            "Queries completed:    2000 (100.00%)",
            "Queries lost:         0 (0.00%)",
            "Response codes:       NOERROR 1500 (75.00%), NXDOMAIN 500 (25.00%)",
        ] {
            assert!(text.contains(expect), "{carried}: {expect}\n{text}");
        }
    }
}
