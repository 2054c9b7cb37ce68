use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::Rdata;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn servers(entries: &[(&str, &str)]) -> NameServers {
    let mut servers = NameServers::new();
    for (server, address) in entries {
        servers.entry(name(server)).or_default().extend(address.parse::<IpAddr>());
    }
    servers
}

const TWO: [(&str, &str); 2] = [("ns1.a.example", "192.0.2.1"), ("ns2.a.example", "192.0.2.2")];

fn own(entries: &[(&str, &str)]) -> OwnZone {
    OwnZone { zone: name("a.example"), name_servers: servers(entries) }
}

fn delegates(entries: &[(&str, &str)]) -> Parent {
    Parent::Delegates { parent: Some(name("example")), name_servers: servers(entries) }
}

fn soa(serial: u32, refresh: u32) -> Rdata {
    Rdata::soa(&name("ns1.a.example"), &name("h.a.example"), serial, [refresh, 2, 3, 4])
}

fn reply(soa: Option<Rdata>) -> Reply {
    Reply { rcode: 0, is_authoritative: soa.is_some(), offers_recursion: false, soa }
}

fn asked((server, address): (&str, &str), reply: &Result<Reply, String>) -> Asked {
    let address = SocketAddr::new(address.parse().unwrap(), 53);
    Asked { name_server: name(server), address, udp: reply.clone(), tcp: reply.clone() }
}

fn both(first: Reply, second: Reply) -> Vec<Asked> {
    vec![asked(TWO[0], &Ok(first)), asked(TWO[1], &Ok(second))]
}

/// What is not fine of a zone with two name servers.
#[track_caller]
fn check(parent: Parent, asked: Vec<Asked>, expect: &[&str]) {
    let found = judge(&own(&TWO), &Seen { parent, asked, unresolved: BTreeMap::new() });
    let wrong = found.iter().filter(|finding| finding.severity > Severity::Fine);
    let lines = wrong.map(|it| format!("{:?} {it}", it.severity)).collect::<Vec<_>>();
    assert_eq!(lines, expect);
}

fn fine() -> Vec<Asked> {
    both(reply(Some(soa(1, 1))), reply(Some(soa(1, 1))))
}

#[test]
fn two_name_servers_that_agree_with_the_parent_are_fine() {
    check(delegates(&TWO), fine(), &[]);
    let found = judge(
        &own(&TWO),
        &Seen { parent: delegates(&TWO), asked: fine(), unresolved: BTreeMap::new() },
    );
    let subjects: Vec<&str> = found.iter().map(|it| it.subject).collect();
    assert_eq!(
        subjects,
        ["delegation", "glue", "secondary", "name server", "name server", "soa", "recursion"]
    );
}

#[test]
fn other_name_servers_and_addresses_at_the_parent_are_wrong() {
    check(
        delegates(&[("ns1.a.example", "192.0.2.9"), ("ns.b.example", "192.0.2.2")]),
        fine(),
        &[
            "Blocking delegation: the parent zone example. names ns1.a.example., ns.b.example., and the \
             config ns1.a.example., ns2.a.example.: enter NS records for ns1.a.example., ns2.a.example. \
             there, or correct nameServers",
            "Blocking glue: ns1.a.example. has 192.0.2.9 there, and 192.0.2.1 in the config: enter the \
             right addresses at the parent",
        ],
    );
}

#[test]
fn a_parent_that_has_nothing_or_is_not_reached_warns_with_the_remedy() {
    check(
        Parent::Silent { parent: Some(name("example")) },
        fine(),
        &[
            "Warning delegation: the parent zone example. has nothing of a.example., so only those who ask \
           its name servers themselves get answers; enter there: a.example. NS ns1.a.example., a.example. \
           NS ns2.a.example., ns1.a.example. A 192.0.2.1, ns2.a.example. A 192.0.2.2",
        ],
    );
    check(
        Parent::Unknown("resolver 192.0.2.9:53: no answer within 2 s".into()),
        fine(),
        &[
            "Warning delegation: what the parent of a.example. holds is not known: resolver 192.0.2.9:53: \
           no answer within 2 s",
        ],
    );
}

#[test]
fn silence_foreign_answers_and_recursion_are_told() {
    let silent = Asked { tcp: Err("refused".into()), ..fine().remove(0) };
    let lame = asked(TWO[1], &Ok(Reply { offers_recursion: true, rcode: 5, ..reply(None) }));
    check(
        delegates(&TWO),
        vec![silent, lame],
        &[
            "Blocking name server: ns1.a.example. at 192.0.2.1:53 does not answer over TCP: refused; start \
             fedns serve there, and let port 53 through",
            "Blocking name server: ns2.a.example. at 192.0.2.2:53 has no SOA record of a.example. over UDP \
             (rcode 5): it does not serve the zone; see that fedns runs there with this config, and has \
             published it",
            "Blocking name server: ns2.a.example. at 192.0.2.2:53 has no SOA record of a.example. over TCP \
             (rcode 5): it does not serve the zone; see that fedns runs there with this config, and has \
             published it",
            "Warning recursion: ns2.a.example. at 192.0.2.2:53 offers recursion: it looks up names for \
             strangers; switch that off there",
        ],
    );
}

#[test]
fn serials_of_servers_that_watch_themselves_may_differ_and_nothing_else() {
    check(delegates(&TWO), both(reply(Some(soa(1, 1))), reply(Some(soa(2, 1)))), &[]);
    check(
        delegates(&TWO),
        both(reply(Some(soa(1, 1))), reply(Some(soa(1, 2)))),
        &[
            "Warning soa: the name servers have different SOA records of a.example.: give all of them the \
           same config",
        ],
    );
}

#[test]
fn one_name_server_warns_with_the_way_to_add_another() {
    let one = &TWO[..1];
    let seen =
        Seen { parent: delegates(one), asked: fine()[..1].to_vec(), unresolved: BTreeMap::new() };
    let found = judge(&own(one), &seen);
    let warning = found.iter().find(|it| it.severity > Severity::Fine).unwrap();
    assert_eq!(
        warning.to_string(),
        "secondary: a.example. has 1 name server at 1 address, and needs two at different ones (RFC 2182): \
         run a second fedns with the same config on another machine, and add it to nameServers and at the \
         parent"
    );
}
