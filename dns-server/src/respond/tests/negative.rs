//! What is not there, and what is not ours.

use super::{ask, check, check_in, example};
use crate::respond::{Client, Rcode, Transport, respond};
use crate::testing::{self, Query, name};

#[test]
fn rfc2308_2_1_a_name_that_is_not_there() {
    check(&example("www A 192.0.2.1"), "nope.example.com A", "NXDOMAIN aa\nSOA!");
    check(&example("www A 192.0.2.1"), "a.b.c.www.example.com A", "NXDOMAIN aa\nSOA!");
}

#[test]
fn rfc2308_2_2_a_type_that_is_not_there() {
    check(&example("www A 192.0.2.1"), "www.example.com AAAA", "NOERROR aa\nSOA!");
    check(&example(""), "example.com TXT", "NOERROR aa\nSOA!");
}

#[test]
fn rfc2308_5_the_ttl_of_no_is_the_smaller_of_two() {
    let zone = testing::zone("example.com", "@ 30 SOA ns hostmaster 1 900 300 604800 60");
    check(
        &zone,
        "nope.example.com A",
        "
        NXDOMAIN aa
        au example.com. 30 SOA ns.example.com. hostmaster.example.com. 7 900 300 604800 60
    ",
    );
}

#[test]
fn rfc8020_2_what_stands_above_a_name_exists() {
    let zone = example("a.b.c A 192.0.2.1");
    check(&zone, "b.c.example.com A", "NOERROR aa\nSOA!");
    check(&zone, "c.example.com A", "NOERROR aa\nSOA!");
    check(&zone, "x.c.example.com A", "NXDOMAIN aa\nSOA!");
}

#[test]
fn rfc8020_2_an_empty_name_comes_and_goes_with_what_is_below() {
    let before = example("a.b.c A 192.0.2.1\nx.c A 192.0.2.2");
    let after = example("a.b.c.d A 192.0.2.1");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&before));
    let code = |question: &str| {
        let mut out = [0; 512];
        let query = Query::parse(question).bytes();
        respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out)
            .unwrap()
            .rcode
            .to_string()
    };
    assert_eq!(code("b.c.example.com"), "NOERROR");
    assert_eq!(code("c.d.example.com"), "NXDOMAIN");
    let _ = writer.commit(&name("example.com"), &before.diff(&after), testing::SERIAL).unwrap();
    assert_eq!(code("b.c.example.com"), "NXDOMAIN");
    assert_eq!(code("c.example.com"), "NXDOMAIN");
    assert_eq!(code("c.d.example.com"), "NOERROR");
    assert_eq!(code("d.example.com"), "NOERROR");
    assert_eq!(code("a.b.c.d.example.com"), "NOERROR");
}

#[test]
fn a_zone_that_comes_back_counts_its_names_anew() {
    let zone = example("a.b A 192.0.2.1\nc.b A 192.0.2.2");
    let without = example("");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&zone));
    writer.remove_zone(&zone.apex).unwrap();
    let _ = writer.publish(&zone, testing::SERIAL).unwrap();
    let _ = writer.commit(&zone.apex, &zone.diff(&without), testing::SERIAL).unwrap();
    let mut out = [0; 512];
    let query = Query::parse("b.example.com").bytes();
    let reply =
        respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out).unwrap();
    assert_eq!(reply.rcode, Rcode::NXDOMAIN);
}

#[test]
fn names_outside_of_our_zones_are_refused() {
    for question in ["example.org", "com", ".", "badexample.com"] {
        check(&example(""), question, "REFUSED");
    }
    // The bytes of "example.com" end this name, but not at a label.
    check(&example(""), r"a\007example.com", "REFUSED");
    check_in(&[], "example.com", "REFUSED");
}

#[test]
fn rfc5936_2_2_transfers_are_refused() {
    for question in ["example.com AXFR", "example.com IXFR", "www.example.com AXFR"] {
        check(&example(""), question, "REFUSED");
    }
    let query = Query::parse("example.com AXFR").bytes();
    let answer = ask(&[example("")], Transport::Tcp, &query);
    assert_eq!(testing::text_of(&answer), "REFUSED\n");
}

#[test]
fn rfc6895_3_1_types_that_are_no_data_are_not_there() {
    for question in
        ["example.com TYPE0", "example.com OPT", "example.com MAILB", "example.com TSIG"]
    {
        check(&example(""), question, "NOERROR aa\nSOA!");
    }
}

#[test]
fn a_zone_without_contents_is_not_denied() {
    let (mut writer, reader) = testing::store(&[]);
    let apex = name("example.com");
    writer.announce(&apex).unwrap();
    let answer = |question: &str| {
        let mut out = [0; 512];
        let query = Query::parse(question).bytes();
        let reply =
            respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out).unwrap();
        testing::text_of(&out[..reply.length])
    };
    assert_eq!(answer("example.com SOA"), "SERVFAIL\n");
    assert_eq!(answer("a.b.example.com"), "SERVFAIL\n");
    assert_eq!(answer("example.com DS"), "SERVFAIL\n");
    let _ = writer.publish(&example(""), testing::SERIAL).unwrap();
    assert!(answer("a.b.example.com").starts_with("NXDOMAIN aa"));
    writer.remove_zone(&apex).unwrap();
    assert_eq!(answer("example.com SOA"), "REFUSED\n");
}

/// As Knot and NSD have it: a type that no record can have is one that the name does not have.
#[test]
fn rfc6895_3_1_meta_types_have_no_data() {
    for record_type in ["OPT", "TYPE128", "TYPE249", "TYPE250", "TYPE253", "TYPE254"] {
        check(
            &example("www A 192.0.2.1"),
            &format!("www.example.com {record_type}"),
            "NOERROR aa\nSOA!",
        );
    }
}
