//! Names that exist, with what was asked for.

use super::{check, check_in, example};
use crate::testing;

#[test]
fn rfc1034_4_3_2_a_set_is_answered_whole() {
    let zone = example("www A 192.0.2.1\nwww A 192.0.2.2\nwww 60 TXT \"one\" \"two\"");
    check(
        &zone,
        "www.example.com A",
        "
        NOERROR aa
        an www.example.com. 300 A 192.0.2.1
        an www.example.com. 300 A 192.0.2.2
    ",
    );
    check(
        &zone,
        "www.example.com TXT",
        "
        NOERROR aa
        an www.example.com. 60 TXT \"one\" \"two\"
    ",
    );
}

#[test]
fn rfc4343_4_names_are_equal_whatever_their_case() {
    let zone = example("WwW A 192.0.2.1");
    check(
        &zone,
        "wWw.eXample.COM A",
        "
        NOERROR aa
        an www.example.com. 300 A 192.0.2.1
    ",
    );
}

#[test]
fn rfc1035_3_3_13_the_soa_has_the_serial_of_the_publication() {
    check(
        &example(""),
        "example.com SOA",
        "
        NOERROR aa
        an example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 7 900 300 604800 60
    ",
    );
}

#[test]
fn rfc1034_4_3_2_step_6_addresses_of_targets_come_along() {
    let zone = example(
        "
        ns1 AAAA 2001:db8::53
        @ MX 10 mail
        @ MX 20 mail.example.net.
        mail A 192.0.2.25
        _http._tcp SRV 0 1 80 www
        _http._tcp SRV 0 1 81 www
        www A 192.0.2.1
        null MX 0 .
    ",
    );
    check(
        &zone,
        "example.com NS",
        "
        NOERROR aa
        an example.com. 3600 NS ns1.example.com.
        ad ns1.example.com. 300 A 192.0.2.53
        ad ns1.example.com. 300 AAAA 2001:db8::53
    ",
    );
    check(
        &zone,
        "example.com MX",
        "
        NOERROR aa
        an example.com. 300 MX 10 mail.example.com.
        an example.com. 300 MX 20 mail.example.net.
        ad mail.example.com. 300 A 192.0.2.25
    ",
    );
    check(
        &zone,
        "_http._tcp.example.com SRV",
        "
        NOERROR aa
        an _http._tcp.example.com. 300 SRV 0 1 80 www.example.com.
        an _http._tcp.example.com. 300 SRV 0 1 81 www.example.com.
        ad www.example.com. 300 A 192.0.2.1
    ",
    );
    check(
        &zone,
        "null.example.com MX",
        "
        NOERROR aa
        an null.example.com. 300 MX 0 .
    ",
    );
}

#[test]
fn rfc8482_4_1_any_gets_one_set() {
    let zone = example("www A 192.0.2.1\nwww TXT \"x\"\nalias CNAME www\na.ent A 192.0.2.2");
    check(
        &zone,
        "www.example.com ANY",
        "
        NOERROR aa
        an www.example.com. 300 A 192.0.2.1
    ",
    );
    check(
        &zone,
        "alias.example.com ANY",
        "
        NOERROR aa
        an alias.example.com. 300 CNAME www.example.com.
    ",
    );
    check(&zone, "ent.example.com ANY", "NOERROR aa\nSOA!");
}

#[test]
fn rfc3597_3_unknown_types_are_plain_data() {
    check(
        &example(r"www TYPE65280 \# 3 abcdef"),
        "www.example.com TYPE65280",
        r"
        NOERROR aa
        an www.example.com. 300 TYPE65280 \# 3 abcdef
    ",
    );
}

#[test]
fn rfc4035_2_5_rrsig_and_nsec_stand_beside_a_cname() {
    let zone = example(
        r"
        alias CNAME www
        alias NSEC www CNAME
    ",
    );
    check(
        &zone,
        "alias.example.com NSEC",
        "
        NOERROR aa
        an alias.example.com. 300 NSEC www.example.com. CNAME
    ",
    );
    check(&zone, "alias.example.com RRSIG", "NOERROR aa\nSOA!");
}

#[test]
fn the_root_may_be_a_zone() {
    let root = testing::zone(
        ".",
        "
@ 3600 SOA ns.nic. hostmaster.nic. 1 900 300 604800 60
@ 3600 NS ns.nic.
com NS ns.com.
ns.com A 192.0.2.1
",
    );
    check_in(
        std::slice::from_ref(&root),
        "example.com A",
        "
        NOERROR
        au com. 300 NS ns.com.
        ad ns.com. 300 A 192.0.2.1
    ",
    );
    check_in(
        &[root],
        "nope A",
        "
        NXDOMAIN aa
        au . 60 SOA ns.nic. hostmaster.nic. 7 900 300 604800 60
    ",
    );
}
