//! Wildcards (RFC 4592).

use super::{check, example};

const WILD: &str = "
    *.wild A 192.0.2.4
    *.wild TXT \"w\"
    x.wild AAAA 2001:db8::1
    a.ent.wild A 192.0.2.5
    *.alias CNAME www
    www A 192.0.2.1
    sub.wild NS ns.example.net.
";

#[test]
fn rfc4592_3_3_1_a_wildcard_stands_in_for_names_that_do_not_exist() {
    let zone = example(WILD);
    check(
        &zone,
        "y.wild.example.com A",
        "
        NOERROR aa
        an y.wild.example.com. 300 A 192.0.2.4
    ",
    );
    check(
        &zone,
        "a.b.c.wild.example.com A",
        "
        NOERROR aa
        an a.b.c.wild.example.com. 300 A 192.0.2.4
    ",
    );
    check(&zone, "y.wild.example.com AAAA", "NOERROR aa\nSOA!");
}

#[test]
fn rfc4592_2_2_1_names_that_exist_block_it() {
    let zone = example(WILD);
    check(&zone, "x.wild.example.com A", "NOERROR aa\nSOA!");
    check(&zone, "ent.wild.example.com A", "NOERROR aa\nSOA!");
    check(&zone, "b.ent.wild.example.com A", "NXDOMAIN aa\nSOA!");
    check(&zone, "b.x.wild.example.com A", "NXDOMAIN aa\nSOA!");
    check(&zone, "wild.example.com A", "NOERROR aa\nSOA!");
    check(
        &zone,
        "y.sub.wild.example.com A",
        "
        NOERROR
        au sub.wild.example.com. 300 NS ns.example.net.
    ",
    );
}

#[test]
fn rfc4592_2_3_the_wildcard_itself_can_be_asked_for() {
    let zone = example(WILD);
    check(
        &zone,
        "*.wild.example.com A",
        "
        NOERROR aa
        an *.wild.example.com. 300 A 192.0.2.4
    ",
    );
    check(&zone, "y.*.wild.example.com A", "NXDOMAIN aa\nSOA!");
}

#[test]
fn rfc4592_3_3_3_a_wildcard_may_be_an_alias() {
    check(
        &example(WILD),
        "any.thing.alias.example.com A",
        "
        NOERROR aa
        an any.thing.alias.example.com. 300 CNAME www.example.com.
        an www.example.com. 300 A 192.0.2.1
    ",
    );
}

#[test]
fn rfc4592_4_1_a_wildcard_at_the_apex_covers_the_zone() {
    let zone = example("* A 192.0.2.9\nwww TXT \"t\"");
    check(
        &zone,
        "a.b.example.com A",
        "
        NOERROR aa
        an a.b.example.com. 300 A 192.0.2.9
    ",
    );
    check(&zone, "a.www.example.com A", "NXDOMAIN aa\nSOA!");
}

#[test]
fn rfc4592_2_2_1_an_empty_wildcard_is_a_name_too() {
    let zone = example("a.*.wild A 192.0.2.1");
    check(&zone, "x.wild.example.com A", "NOERROR aa\nSOA!");
    check(
        &zone,
        "a.*.wild.example.com A",
        "
        NOERROR aa
        an a.*.wild.example.com. 300 A 192.0.2.1
    ",
    );
}
