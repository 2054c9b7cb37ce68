//! Cuts, glue, and what hides below them.

use model::Serial;

use super::{check, example};
use crate::respond::{Client, Transport, respond};
use crate::testing::{self, Query, name};

const SUB: &str = "
    sub NS ns1.sub
    sub NS ns.other
    ns1.sub A 192.0.2.60
    ns1.sub AAAA 2001:db8::60
    hidden.sub A 192.0.2.61
    other NS ns.other
    ns.other A 192.0.2.62
    tosub CNAME x.sub
    sub DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766
";
const REFERRAL: &str = "
    au sub.example.com. 300 NS ns.other.example.com.
    au sub.example.com. 300 NS ns1.sub.example.com.
    ad ns.other.example.com. 300 A 192.0.2.62
    ad ns1.sub.example.com. 300 A 192.0.2.60
    ad ns1.sub.example.com. 300 AAAA 2001:db8::60
";

#[test]
fn rfc1034_4_3_2_step_3b_below_a_cut_there_are_only_referrals() {
    let zone = example(SUB);
    for question in [
        "sub.example.com A",
        "sub.example.com NS",
        "sub.example.com SOA",
        "sub.example.com ANY",
        "a.b.sub.example.com A",
        "ns1.sub.example.com A",
        "hidden.sub.example.com A",
        "hidden.sub.example.com DS",
    ] {
        check(&zone, question, &format!("NOERROR\n{REFERRAL}"));
    }
}

#[test]
fn rfc1034_4_3_2_a_chain_may_end_at_a_cut() {
    check(
        &example(SUB),
        "tosub.example.com A",
        &format!(
            "
        NOERROR aa
        an tosub.example.com. 300 CNAME x.sub.example.com.
        {REFERRAL}
    "
        ),
    );
}

#[test]
fn rfc4035_3_1_4_1_ds_is_the_parents() {
    check(&example(SUB), "sub.example.com DS", "
        NOERROR aa
        an sub.example.com. 300 DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766
    ");
    check(&example(SUB), "other.example.com DS", "NOERROR aa\nSOA!");
    check(&example(SUB), "example.com DS", "NOERROR aa\nSOA!");
}

#[test]
fn a_cut_below_a_cut_is_hidden() {
    let zone = example("sub NS ns.example.net.\ndeep.sub NS ns.example.org.");
    check(
        &zone,
        "x.deep.sub.example.com A",
        "
        NOERROR
        au sub.example.com. 300 NS ns.example.net.
    ",
    );
}

#[test]
fn glue_at_the_cut_itself_is_glue() {
    check(
        &example("sub NS sub\nsub A 192.0.2.1"),
        "sub.example.com A",
        "
        NOERROR
        au sub.example.com. 300 NS sub.example.com.
        ad sub.example.com. 300 A 192.0.2.1
    ",
    );
}

/// Names that were there before the delegation, and stay after it, change what they are.
#[test]
fn a_delegation_hides_older_names_and_gives_them_back() {
    let plain = example("x.sub A 192.0.2.1\nsub TXT \"t\"");
    let cut = example("x.sub A 192.0.2.1\nsub TXT \"t\"\nsub NS x.sub");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&plain));
    let ask = || {
        let mut out = [0; 512];
        let query = Query::parse("x.sub.example.com A").bytes();
        let reply =
            respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out).unwrap();
        testing::text_of(&out[..reply.length])
    };
    let answer = "NOERROR aa\nan x.sub.example.com. 300 A 192.0.2.1\n";
    let referral = "NOERROR\nau sub.example.com. 300 NS x.sub.example.com.\n\
                    ad x.sub.example.com. 300 A 192.0.2.1\n";
    for round in 0..3 {
        assert_eq!(ask(), answer, "round {round}");
        let _ = writer.commit(&name("example.com"), &plain.diff(&cut), Serial(8)).unwrap();
        assert_eq!(ask(), referral, "round {round}");
        let _ = writer.commit(&name("example.com"), &cut.diff(&plain), Serial(9)).unwrap();
    }
}

#[test]
fn names_may_come_in_any_order() {
    let zone = example(SUB);
    let mut names: Vec<_> = zone.iter().map(|(name, sets)| (name.clone(), sets.to_vec())).collect();
    names.reverse();
    let (mut writer, reader) = testing::store(&[]);
    let _ = writer.load(&name("example.com"), testing::SERIAL, names).unwrap();
    let mut out = [0; 1232];
    let query = Query::parse("hidden.sub.example.com A").bytes();
    let reply =
        respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out).unwrap();
    let expect = testing::lines(&format!("NOERROR\n{REFERRAL}"));
    assert_eq!(testing::text_of(&out[..reply.length]), expect);
}
