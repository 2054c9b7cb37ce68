//! The same zones in fedns, BIND, Knot and NSD, all asked the same, over UDP and TCP.
//!
//! What the answers must have in common is in `differential/compare.rs`, and every difference that may
//! be, with what allows it, in `differential/rules.rs`. Anything else fails.

mod compare;
mod message;
mod queries;
mod rules;
mod zones;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::thread;

use model::RecordType;
use tests::authority::{Authority, IDENTITY};
use tests::eventually::{GENEROUS, eventually};
use tests::exchange::{ask_over_tcp, ask_over_udp};
use tests::name_daemon::Software;
use tests::need::{KNOTD, NAMED, NSD};
use tests::port::free_port;
use tests::process::Process;
use tests::serving::Fedns;
use tests::suite::Test;

use compare::Case;
use message::Answer;
use queries::{Generator, Query};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! { [NAMED, KNOTD, NSD] => answers_are_those_of_others; }
}

const QUERIES: usize = 120_000;
/// So many go to all servers before the answers are compared; fewer than there are identifiers.
const ROUND: usize = 5_000;
const SEED: u64 = 53;
const PEERS: [Software; 3] = [Software::Bind, Software::Knot, Software::Nsd];
/// Kinds of faults that are told.
const TOLD: usize = 200;

/// What came of all comparisons so far.
#[derive(Default)]
struct Findings {
    /// How often each rule explained something of a server's answers, by what it says and why.
    allowed: BTreeMap<(&'static str, &'static str, Software), usize>,
    equal: usize,
    /// How many of each kind, and the first of them.
    faults: BTreeMap<String, (usize, String)>,
}

/// A query and what all servers answered, ours first.
struct Exchange<'a> {
    query: &'a Query,
    answers: [Option<Vec<u8>>; 4],
}

fn answers_are_those_of_others() {
    let zones = zones::texts();
    let (fedns, peers) = stage(&zones);
    let port = fedns.dns_port();
    let servers = [loopback(port), peers[0].address(), peers[1].address(), peers[2].address()];
    let mut generator = Generator::new(SEED, &zones);
    let findings = Mutex::new(Findings::default());
    thread::scope(|scope| {
        for _ in 0..QUERIES.div_ceil(ROUND) {
            let round: Vec<Query> = (0..ROUND).map(|_| generator.query()).collect();
            let answers = ask_all(servers, &round);
            // The next round is on its way while this one is compared.
            scope.spawn(|| judge_all(round, answers, &findings));
        }
    });
    fedns.process().assert_running();
    let findings = findings.into_inner().expect("no thread has panicked");
    println!("{}", findings.table());
    assert!(findings.faults.is_empty(), "{}", findings.told());
    let unused: Vec<&str> = rules::RULES
        .iter()
        .flat_map(|rule| rule.servers.iter().map(move |server| (rule.what, rule.why, *server)))
        .filter(|key| !findings.allowed.contains_key(key))
        .map(|(what, ..)| what)
        .collect();
    assert_eq!(unused, [""; 0], "what does not occur needs no permission");
}

// === the servers ===

/// fedns chooses its serials, which the others then have, too.
fn stage(zones: &[(&str, String)]) -> (Fedns, Vec<Authority>) {
    let mut fedns = Fedns::prepared(&[], "");
    let mut config = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nstateDir: ./state\n\
         listen: {{dns: [\"127.0.0.1:{}\"], admin: \"127.0.0.1:{}\"}}\nclusters: []\n\
         nsid: {IDENTITY}\nidentity: {{version: {IDENTITY}, id: {IDENTITY}}}\nzones:\n",
        fedns.dns_port(),
        fedns.admin_port()
    );
    for (number, (zone, text)) in zones.iter().enumerate() {
        let file = format!("{number}.zone");
        fs::write(fedns.home().join(&file), text).expect("write a file");
        writeln!(config, "  - {{name: {zone}, staticRecords: [./{file}]}}")
            .expect("a String takes all text");
    }
    fs::write(fedns.home().join("fedns.yaml"), config).expect("write a file");
    fedns.start();
    await_zones(loopback(fedns.dns_port()), fedns.process(), zones);
    let served: Vec<(&str, String)> = zones
        .iter()
        .map(|(zone, text)| {
            (*zone, zones::with_serial(text, serial(loopback(fedns.dns_port()), zone)))
        })
        .collect();
    let served: Vec<(&str, &str)> = served.iter().map(|(zone, text)| (*zone, &**text)).collect();
    let start = |software| {
        let peer = Authority::start(software, &served, loopback(free_port()));
        await_zones(peer.address(), peer.process(), zones);
        peer
    };
    (fedns, PEERS.map(start).into_iter().collect())
}

fn await_zones(server: SocketAddr, process: &Process, zones: &[(&str, String)]) {
    for (zone, _) in zones {
        eventually(GENEROUS, &format!("{zone} is answered"), || {
            process.assert_running();
            soa(server, zone).map(|_| ())
        });
    }
}

fn serial(server: SocketAddr, zone: &str) -> u32 {
    let soa = soa(server, zone).expect("it is answered");
    let serial = soa.rsplit(' ').nth(4).and_then(|word| word.parse().ok());
    serial.unwrap_or_else(|| panic!("{soa}"))
}

/// The record as text.
fn soa(server: SocketAddr, zone: &str) -> Result<String, String> {
    let query = Query::plain(zone, RecordType::SOA);
    let answer = ask_over_udp(server, &[&query.bytes(1)]).remove(0).ok_or("silence")?;
    let answer = Answer::parse(&answer).map_err(|_| "no message")?;
    answer.sections[0].first().map(ToString::to_string).ok_or_else(|| answer.to_string())
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

// === asking ===

/// What each server answered to each query, every server asked by a thread of its own.
fn ask_all(servers: [SocketAddr; 4], queries: &[Query]) -> [Vec<Option<Vec<u8>>>; 4] {
    let bytes: Vec<Vec<u8>> =
        queries.iter().enumerate().map(|(id, query)| query.bytes(id as u16)).collect();
    thread::scope(|scope| {
        let bytes = &bytes;
        let askers = servers.map(|server| scope.spawn(move || ask(server, queries, bytes)));
        askers.map(|asker| asker.join().expect("the asker has not panicked"))
    })
}

fn ask(server: SocketAddr, queries: &[Query], bytes: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let mut answers = vec![None; queries.len()];
    for over_tcp in [false, true] {
        let chosen: Vec<usize> =
            (0..queries.len()).filter(|number| queries[*number].over_tcp == over_tcp).collect();
        let bytes: Vec<&[u8]> = chosen.iter().map(|number| &*bytes[*number]).collect();
        let found =
            if over_tcp { ask_over_tcp(server, &bytes) } else { ask_over_udp(server, &bytes) };
        for (number, answer) in chosen.into_iter().zip(found) {
            answers[number] = answer;
        }
    }
    answers
}

// === judging ===

fn judge_all(
    round: Vec<Query>,
    [ours, bind, knot, nsd]: [Vec<Option<Vec<u8>>>; 4],
    findings: &Mutex<Findings>,
) {
    let answers = ours.into_iter().zip(bind).zip(knot.into_iter().zip(nsd));
    for (query, ((ours, bind), (knot, nsd))) in round.iter().zip(answers) {
        Exchange { query, answers: [ours, bind, knot, nsd] }.judge(findings);
    }
}

impl Exchange<'_> {
    fn judge(&self, findings: &Mutex<Findings>) {
        let parsed = self.answers.each_ref().map(|bytes| {
            let bytes = bytes.as_deref()?;
            Answer::parse(bytes).ok()
        });
        let [Some(ours), theirs @ ..] = &parsed else {
            let mut findings = findings.lock().expect("no thread has panicked");
            return self.tell(vec!["no answer of ours".to_owned()], &mut findings);
        };
        let mut faults = self.faults_of_ours(ours);
        let mut allowed = Vec::new();
        for (peer, theirs) in PEERS.into_iter().zip(theirs) {
            let Some(theirs) = theirs else {
                faults.push(format!("no answer of {peer:?}"));
                continue;
            };
            match (Case { peer, query: self.query, ours, theirs }).explain() {
                Ok(rules) => allowed.push((peer, rules)),
                Err(parts) => faults.push(format!("{peer:?} differs in {parts:?}")),
            }
        }
        let mut findings = findings.lock().expect("no thread has panicked");
        for (peer, rules) in allowed {
            findings.equal += usize::from(rules.is_empty());
            for rule in rules {
                *findings.allowed.entry((rule.what, rule.why, peer)).or_default() += 1;
            }
        }
        self.tell(faults, &mut findings);
    }

    /// What nobody's answer is needed for.
    fn faults_of_ours(&self, ours: &Answer) -> Vec<String> {
        let length = self.answers[0].as_ref().map_or(0, Vec::len);
        let limit = match (&self.query.edns, self.query.over_tcp) {
            (_, true) => 65_535,
            (None, false) => 512,
            (Some(edns), false) => usize::from(edns.udp_size).clamp(512, 1232),
        };
        let mut faults = Vec::new();
        if length > limit {
            faults.push(format!("{length} bytes, but only {limit} were asked for"));
        }
        if ours.is_repetitive {
            faults.push("a record is there twice".to_owned());
        }
        if !ours.question.is_empty() && ours.question != self.query.question() {
            faults.push("the question is not echoed".to_owned());
        }
        faults
    }

    fn tell(&self, faults: Vec<String>, findings: &mut Findings) {
        for fault in faults {
            let (count, _) = findings.faults.entry(fault).or_insert_with(|| (0, self.to_string()));
            *count += 1;
        }
    }
}

/// The query as a line for dig, and all answers.
impl fmt::Display for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}\n  {:02x?}", self.query.dig_line(), self.query)?;
        for (server, answer) in ["fedns", "BIND", "Knot", "NSD"].iter().zip(&self.answers) {
            let answer = match answer.as_deref().map(Answer::parse) {
                Some(Ok(answer)) => answer.to_string(),
                Some(Err(_)) => format!("    no message: {answer:02x?}\n"),
                None => "    nothing\n".to_owned(),
            };
            write!(f, "  {server}\n{answer}")?;
        }
        Ok(())
    }
}

impl Findings {
    fn told(&self) -> String {
        let mut text = format!("{} kinds of faults\n", self.faults.len());
        for (fault, (count, first)) in self.faults.iter().take(TOLD) {
            writeln!(text, "{count} times: {fault}\n{first}").expect("a String takes all text");
        }
        text
    }

    /// For people.
    fn table(&self) -> String {
        let mut text =
            format!("{QUERIES} queries, {} of {} answers equal\n", self.equal, 3 * QUERIES);
        for ((what, why, server), count) in &self.allowed {
            writeln!(text, "{count:>8} {server:?}: {what} ({why})")
                .expect("a String takes all text");
        }
        text
    }
}
