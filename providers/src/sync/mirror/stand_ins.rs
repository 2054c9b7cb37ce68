//! Others have something at a name of ours that becomes an alias.

use super::tests::{MARKER, apply, hosted, mirror, name, plans, set, sets, settings, text_of};
use super::*;
use crate::sync::registry::Registry;

/// Our address at the region, what others have beside it, and the global name with another address.
fn failing_over(beside: &str) -> Mirror {
    let mut mirror = mirror(&[
        ("web", "300 A 192.0.2.1 192.0.2.2"),
        ("fedns-web", MARKER),
        ("web@cn", "300 A 192.0.2.1"),
        ("fedns-web@cn", MARKER),
        ("web@cn", beside),
    ]);
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.2"]));
    mirror.want(&name("web@cn"), &sets(&["300 CNAME web"]));
    mirror
}

#[track_caller]
fn told(mirror: &mut Mirror, expect: &str) {
    let conflicts = mirror.plan(UnixTime(0)).conflicts;
    let lines: Vec<String> = conflicts.iter().map(Conflict::to_string).collect();
    assert!(lines.len() == 1 && lines[0].ends_with(expect), "{lines:?}");
}

#[test]
fn the_addresses_above_stand_in_for_an_alias_beside_what_others_have() {
    let mut mirror = failing_over("600 TXT v=hand");
    let stand_in =
        "until then the addresses of web.default.fed.svc.example.com. stand in for an alias";
    told(&mut mirror, stand_in);
    plans(
        &mut mirror,
        "
        update web A: 300 192.0.2.1 192.0.2.2 -> 300 192.0.2.2
        update web@cn A: 300 192.0.2.1 -> 300 192.0.2.2
        ",
    );
    apply(&mut mirror);
    plans(&mut mirror, "");
    told(&mut mirror, stand_in);
    // They follow what stands above, both families.
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.3", "300 AAAA 2001:db8::3"]));
    plans(
        &mut mirror,
        "
        update web A: 300 192.0.2.2 -> 300 192.0.2.3
        create web AAAA: - -> 300 2001:db8::3
        update web@cn A: 300 192.0.2.2 -> 300 192.0.2.3
        create web@cn AAAA: - -> 300 2001:db8::3
        ",
    );
    apply(&mut mirror);
    // The level has an address of its own again.
    mirror.want(&name("web@cn"), &sets(&["300 A 192.0.2.1"]));
    plans(
        &mut mirror,
        "
        update web@cn A: 300 192.0.2.3 -> 300 192.0.2.1
        delete web@cn AAAA: 300 2001:db8::3 -> -
        ",
    );
    apply(&mut mirror);
    assert_eq!(mirror.plan(UnixTime(0)).conflicts, []);
}

#[test]
fn the_alias_comes_once_the_others_have_gone() {
    let mut mirror = failing_over("600 TXT v=hand");
    apply(&mut mirror);
    mirror.listed(
        hosted(&[
            ("web", "300 A 192.0.2.2"),
            ("fedns-web", MARKER),
            ("web@cn", "300 A 192.0.2.2"),
            ("fedns-web@cn", MARKER),
        ]),
        UnixTime(0),
    );
    plans(
        &mut mirror,
        "
        delete web@cn A: 300 192.0.2.2 -> -
        create web@cn CNAME: - -> 300 web
        ",
    );
}

/// Markers for each type: a compact one would say that both families are ours.
#[test]
fn beside_a_foreign_family_only_the_other_one_stands_in() {
    let ours = "300 TXT heritage=external-dns,external-dns/owner=eu,\
                external-dns/resource=service/default/web";
    let mut mirror = Mirror::new(settings(Registry::ExternalDns), false);
    let listing = [
        ("web", "300 A 192.0.2.1 192.0.2.2"),
        ("a-web", ours),
        ("web@cn", "300 A 192.0.2.1"),
        ("a-web@cn", ours),
        ("web@cn", "600 AAAA 2001:db8::9"),
    ];
    mirror.listed(hosted(&listing), UnixTime(0));
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.2", "300 AAAA 2001:db8::2"]));
    mirror.want(&name("web@cn"), &sets(&["300 CNAME web"]));
    let region = |mirror: &mut Mirror| {
        let text = text_of(&mirror.plan(UnixTime(0)));
        text.lines().filter(|line| line.contains("@cn")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(region(&mut mirror), ["update web@cn A: 300 192.0.2.1 -> 300 192.0.2.2"]);
    // Where neither can stand, the dead one goes.
    mirror.want(&name("web"), &sets(&["300 AAAA 2001:db8::2"]));
    let lines = region(&mut mirror);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "delete web@cn A: 300 192.0.2.1 -> -");
    assert!(lines[1].starts_with("delete a-web@cn TXT: "), "{lines:?}");
}

#[test]
fn without_an_address_above_the_dead_one_goes() {
    let mut mirror = failing_over("600 TXT v=hand");
    mirror.want(&name("web"), &[]);
    plans(
        &mut mirror,
        r#"
        delete web@cn A: 300 192.0.2.1 -> -
        delete fedns-web@cn TXT: 300 "heritage=fedns;owner=eu;resource=service/default/web" -> -
        delete web A: 300 192.0.2.1 192.0.2.2 -> -
        delete fedns-web TXT: 300 "heritage=fedns;owner=eu;resource=service/default/web" -> -
        "#,
    );
    told(&mut mirror, "fedns import --kubefed takes over");
}

#[test]
fn nothing_goes_that_an_unknown_cluster_may_have_given() {
    let mut mirror = Mirror::new(settings(Registry::Compact), true);
    let listing =
        [("web@cn", "300 A 192.0.2.1"), ("fedns-web@cn", MARKER), ("web@cn", "600 TXT v=hand")];
    mirror.listed(hosted(&listing), UnixTime(0));
    mirror.want(&name("web@cn"), &sets(&["300 A 192.0.2.1"]));
    mirror.want(&name("web@cn"), &sets(&["300 CNAME web"]));
    plans(&mut mirror, "");
}

#[test]
fn what_stands_in_does_not_depend_on_what_stood_there_before() {
    let beside = |foreign| {
        let mut mirror = mirror(&[("web@cn", foreign)]);
        mirror.want(&name("web"), &[set("300 A 192.0.2.2")]);
        apply(&mut mirror);
        mirror.want(&name("web@cn"), &sets(&["300 CNAME web"]));
        mirror
    };
    let mut mirror = beside("600 TXT v=hand");
    plans(
        &mut mirror,
        r#"
        create fedns-web@cn TXT: - -> 300 "heritage=fedns;owner=eu;resource=service/default/web"
        create web@cn A: - -> 300 192.0.2.2
        "#,
    );
    // What is somebody else's address or alias, is left to them.
    for foreign in ["600 A 192.0.2.9", "600 CNAME web"] {
        let mut mirror = beside(foreign);
        plans(&mut mirror, "");
        told(&mut mirror, "fedns import --kubefed takes over");
    }
}
