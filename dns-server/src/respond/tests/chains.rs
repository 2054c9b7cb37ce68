//! CNAME and DNAME.

use super::{check, check_in, example};
use crate::testing;

#[test]
fn rfc1034_3_6_2_a_chain_is_followed() {
    let zone = example(
        "
        www A 192.0.2.1
        alias CNAME www
        chain CNAME alias
        away CNAME www.example.org.
    ",
    );
    check(
        &zone,
        "chain.example.com A",
        "
        NOERROR aa
        an alias.example.com. 300 CNAME www.example.com.
        an chain.example.com. 300 CNAME alias.example.com.
        an www.example.com. 300 A 192.0.2.1
    ",
    );
    check(
        &zone,
        "chain.example.com CNAME",
        "
        NOERROR aa
        an chain.example.com. 300 CNAME alias.example.com.
    ",
    );
    check(
        &zone,
        "away.example.com A",
        "
        NOERROR aa
        an away.example.com. 300 CNAME www.example.org.
    ",
    );
}

#[test]
fn rfc6604_3_the_end_of_the_chain_gives_the_code() {
    let zone = example(
        "
        dangling CNAME nope
        typed CNAME www
        www A 192.0.2.1
    ",
    );
    check(
        &zone,
        "dangling.example.com A",
        "
        NXDOMAIN aa
        an dangling.example.com. 300 CNAME nope.example.com.
        SOA!
    ",
    );
    check(
        &zone,
        "typed.example.com AAAA",
        "
        NOERROR aa
        an typed.example.com. 300 CNAME www.example.com.
        SOA!
    ",
    );
}

#[test]
fn rfc6604_3_a_chain_ends_in_the_zone_where_its_end_is() {
    let other = testing::zone(
        "example.org",
        "
@ 3600 SOA ns hostmaster 1 900 300 604800 30
www A 192.0.2.9
",
    );
    let zone = example("away CNAME www.example.org.\nlost CNAME nope.example.org.");
    check_in(
        &[zone.clone(), other.clone()],
        "away.example.com A",
        "
        NOERROR aa
        an away.example.com. 300 CNAME www.example.org.
        an www.example.org. 300 A 192.0.2.9
    ",
    );
    check_in(
        &[zone, other],
        "lost.example.com A",
        "
        NXDOMAIN aa
        an lost.example.com. 300 CNAME nope.example.org.
        au example.org. 30 SOA ns.example.org. hostmaster.example.org. 7 900 300 604800 30
    ",
    );
}

#[test]
fn rfc1034_5_2_2_loops_end() {
    let zone = example(
        "
        loop1 CNAME loop2
        loop2 CNAME loop1
        self CNAME self
        *.wild CNAME a.wild
    ",
    );
    check(
        &zone,
        "loop1.example.com A",
        "
        NOERROR aa
        an loop1.example.com. 300 CNAME loop2.example.com.
        an loop2.example.com. 300 CNAME loop1.example.com.
    ",
    );
    check(
        &zone,
        "self.example.com A",
        "
        NOERROR aa
        an self.example.com. 300 CNAME self.example.com.
    ",
    );
    check(
        &zone,
        "x.wild.example.com A",
        "
        NOERROR aa
        an a.wild.example.com. 300 CNAME a.wild.example.com.
        an x.wild.example.com. 300 CNAME a.wild.example.com.
    ",
    );
}

#[test]
fn a_long_chain_is_cut_and_the_client_goes_on() {
    let chain: String = (0..40).map(|link| format!("c{link} CNAME c{}\n", link + 1)).collect();
    let links =
        (0..17).map(|link| format!("an c{link}.example.com. 300 CNAME c{}.example.com.", link + 1));
    let mut links: Vec<String> = links.collect();
    links.sort();
    check(&example(&chain), "c0.example.com A", &format!("NOERROR aa\n{}", links.join("\n")));
}

#[test]
fn a_long_chain_of_dnames_is_cut_as_well() {
    let chain: String = (0..40).map(|link| format!("d{link} DNAME d{}\n", link + 1)).collect();
    let links = (0..17).flat_map(|link| {
        let next = link + 1;
        [
            format!("an d{link}.example.com. 300 DNAME d{next}.example.com."),
            format!("an x.d{link}.example.com. 300 CNAME x.d{next}.example.com."),
        ]
    });
    let mut links: Vec<String> = links.collect();
    links.sort();
    check(&example(&chain), "x.d0.example.com A", &format!("NOERROR aa\n{}", links.join("\n")));
}

#[test]
fn rfc6672_3_2_a_dname_that_redirects_below_itself() {
    let target = |depth: usize| "x.".repeat(depth);
    let mut links: Vec<String> = (0..17)
        .map(|link| {
            format!(
                "an q.{}old.example.com. 300 CNAME q.{}old.example.com.",
                target(link),
                target(link + 1)
            )
        })
        .collect();
    links.push("an old.example.com. 300 DNAME x.old.example.com.".to_owned());
    links.sort();
    let expect = format!("NOERROR aa\n{}", links.join("\n"));
    check(&example("old DNAME x.old"), "q.old.example.com A", &expect);
}

#[test]
fn rfc6672_3_2_dname_makes_cnames() {
    let zone = example(
        "
        old DNAME new
        host.new A 192.0.2.1
        away DNAME example.org.
    ",
    );
    check(
        &zone,
        "Host.old.example.com A",
        "
        NOERROR aa
        an host.new.example.com. 300 A 192.0.2.1
        an host.old.example.com. 300 CNAME host.new.example.com.
        an old.example.com. 300 DNAME new.example.com.
    ",
    );
    check(
        &zone,
        "a.b.away.example.com A",
        "
        NOERROR aa
        an a.b.away.example.com. 300 CNAME a.b.example.org.
        an away.example.com. 300 DNAME example.org.
    ",
    );
    check(
        &zone,
        "host.old.example.com CNAME",
        "
        NOERROR aa
        an host.old.example.com. 300 CNAME host.new.example.com.
        an old.example.com. 300 DNAME new.example.com.
    ",
    );
    check(
        &zone,
        "nope.old.example.com A",
        "
        NXDOMAIN aa
        an nope.old.example.com. 300 CNAME nope.new.example.com.
        an old.example.com. 300 DNAME new.example.com.
        SOA!
    ",
    );
}

#[test]
fn rfc6672_2_3_the_owner_of_a_dname_is_not_redirected() {
    let zone = example("old DNAME new\nold A 192.0.2.1");
    check(
        &zone,
        "old.example.com A",
        "
        NOERROR aa
        an old.example.com. 300 A 192.0.2.1
    ",
    );
    check(
        &zone,
        "old.example.com DNAME",
        "
        NOERROR aa
        an old.example.com. 300 DNAME new.example.com.
    ",
    );
    check(&zone, "old.example.com AAAA", "NOERROR aa\nSOA!");
}

#[test]
fn rfc6672_2_4_what_is_below_a_dname_is_hidden() {
    check(
        &example("old DNAME new\nx.old A 192.0.2.1\nx.new A 192.0.2.2"),
        "x.old.example.com A",
        "
        NOERROR aa
        an old.example.com. 300 DNAME new.example.com.
        an x.new.example.com. 300 A 192.0.2.2
        an x.old.example.com. 300 CNAME x.new.example.com.
    ",
    );
}

#[test]
fn rfc6672_2_2_a_name_that_gets_too_long() {
    let [long, tail] = ["l".repeat(60), "t".repeat(60)];
    let zone = example(&format!("old DNAME {tail}.{tail}.{tail}"));
    check(
        &zone,
        &format!("{long}.old.example.com A"),
        &format!(
            "
        YXDOMAIN aa
        an old.example.com. 300 DNAME {tail}.{tail}.{tail}.example.com.
    "
        ),
    );
}

#[test]
fn rfc6672_3_2_dnames_in_a_row_and_in_a_ring() {
    let zone = example(
        "
        a DNAME b
        b DNAME c
        x.c A 192.0.2.1
        r1 DNAME r2
        r2 DNAME r1
    ",
    );
    check(
        &zone,
        "x.a.example.com A",
        "
        NOERROR aa
        an a.example.com. 300 DNAME b.example.com.
        an b.example.com. 300 DNAME c.example.com.
        an x.a.example.com. 300 CNAME x.b.example.com.
        an x.b.example.com. 300 CNAME x.c.example.com.
        an x.c.example.com. 300 A 192.0.2.1
    ",
    );
    check(
        &zone,
        "x.r1.example.com A",
        "
        NOERROR aa
        an r1.example.com. 300 DNAME r2.example.com.
        an r2.example.com. 300 DNAME r1.example.com.
        an x.r1.example.com. 300 CNAME x.r2.example.com.
        an x.r2.example.com. 300 CNAME x.r1.example.com.
    ",
    );
}
