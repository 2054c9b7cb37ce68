//! A zone and one below it, both ours.

use model::{Serial, ZoneContents};

use super::{check_in, example};
use crate::respond::{Client, Transport, respond};
use crate::testing::{self, Query, name};

fn child() -> ZoneContents {
    testing::zone(
        "sub.example.com",
        "
@ 3600 SOA ns hostmaster 1 900 300 604800 30
@ NS ns
ns A 192.0.2.70
www A 192.0.2.71
",
    )
}

const PARENT: &str = "
    sub NS ns.sub
    ns.sub A 192.0.2.70
    old.sub A 192.0.2.99
    sub DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766
    to CNAME www.sub
";
const CHILD_SOA: &str = "au sub.example.com. 30 SOA ns.sub.example.com. hostmaster.sub.example.com. 7 900 300 604800 30";

#[track_caller]
fn check_both_orders(parent: &str, question: &str, expect: &str) {
    check_in(&[example(parent), child()], question, expect);
    check_in(&[child(), example(parent)], question, expect);
}

#[test]
fn rfc1034_4_3_2_step_2_the_nearest_zone_answers() {
    check_both_orders(
        PARENT,
        "www.sub.example.com A",
        "
        NOERROR aa
        an www.sub.example.com. 300 A 192.0.2.71
    ",
    );
    check_both_orders(
        PARENT,
        "sub.example.com NS",
        "
        NOERROR aa
        an sub.example.com. 300 NS ns.sub.example.com.
        ad ns.sub.example.com. 300 A 192.0.2.70
    ",
    );
    check_both_orders(PARENT, "sub.example.com TXT", &format!("NOERROR aa\n{CHILD_SOA}"));
    check_both_orders(PARENT, "nope.sub.example.com A", &format!("NXDOMAIN aa\n{CHILD_SOA}"));
    check_both_orders(
        PARENT,
        "to.example.com A",
        "
        NOERROR aa
        an to.example.com. 300 CNAME www.sub.example.com.
        an www.sub.example.com. 300 A 192.0.2.71
    ",
    );
}

#[test]
fn the_parents_data_below_the_child_is_hidden() {
    let expect = format!("NXDOMAIN aa\n{CHILD_SOA}");
    check_both_orders(PARENT, "old.sub.example.com A", &expect);
    // No delegation is needed for that.
    check_both_orders("old.sub A 192.0.2.99", "old.sub.example.com A", &expect);
    check_both_orders("* A 192.0.2.98", "old.sub.example.com A", &expect);
}

#[test]
fn rfc4035_3_1_4_1_ds_at_the_childs_apex_is_the_parents() {
    check_both_orders(PARENT, "sub.example.com DS", "
        NOERROR aa
        an sub.example.com. 300 DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766
    ");
    check_both_orders("sub NS ns.sub", "sub.example.com DS", "NOERROR aa\nSOA!");
    check_both_orders("", "sub.example.com DS", "NXDOMAIN aa\nSOA!");
    check_in(&[child()], "sub.example.com DS", &format!("NOERROR aa\n{CHILD_SOA}"));
}

#[test]
fn a_child_that_goes_leaves_the_parents_view() {
    for parent in [PARENT, "old.sub A 192.0.2.99"] {
        let (mut writer, reader) = testing::store(&[example(parent)]);
        let ask = || {
            ["old.sub.example.com A", "www.sub.example.com A", "sub.example.com A"].map(
                |question| {
                    let mut out = [0; 512];
                    let query = Query::parse(question).bytes();
                    let reply = respond(
                        &reader.snapshot(),
                        &query,
                        &Client::anyone(Transport::Udp),
                        &mut out,
                    )
                    .unwrap();
                    testing::text_of(&out[..reply.length])
                },
            )
        };
        let alone = ask();
        for _ in 0..3 {
            let _ = writer.publish(&child(), Serial(7)).unwrap();
            assert_ne!(ask(), alone);
            writer.remove_zone(&name("sub.example.com")).unwrap();
            assert_eq!(ask(), alone);
        }
    }
}

#[test]
fn three_zones_in_a_row() {
    let grandchild = testing::zone(
        "a.sub.example.com",
        "
@ 3600 SOA ns hostmaster 1 900 300 604800 30
x A 192.0.2.80
",
    );
    let zones = [example("x.a.sub A 192.0.2.1"), child(), grandchild];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let zones = order.map(|at| zones[at].clone());
        check_in(
            &zones,
            "x.a.sub.example.com A",
            "
            NOERROR aa
            an x.a.sub.example.com. 300 A 192.0.2.80
        ",
        );
        check_in(&zones, "b.sub.example.com A", &format!("NXDOMAIN aa\n{CHILD_SOA}"));
    }
}
