//! Plans as text: `ACTION NAME TYPE: OLD -> NEW`, names without what all of them end with.

use model::{Label, Levels, Rdata, RecordType};

use super::*;
use crate::sync::plan::{hash_of, rows};
use crate::sync::registry::Registry;
use crate::txt;

const TAIL: &str = ".default.fed.svc.example.com.";

pub(super) fn name(text: &str) -> Name {
    match text.split_once('@') {
        // Region names: web@cn.
        Some((service, region)) => {
            Name::parse(&format!("{service}.default.fed.svc.{region}.example.com")).unwrap()
        }
        None => Name::parse(&format!("{text}{TAIL}")).unwrap(),
    }
}

/// `180 A 192.0.2.1 192.0.2.2`
pub(super) fn set(text: &str) -> RecordSet {
    let mut words = text.splitn(3, ' ');
    let ttl = words.next().unwrap().parse().unwrap();
    let record_type: RecordType = words.next().unwrap().parse().unwrap();
    let rest = words.next().unwrap();
    let values: Vec<Rdata> = match record_type {
        RecordType::TXT => vec![txt::rdata(rest.as_bytes())],
        RecordType::A => rest.split(' ').map(|it| Rdata::a(it.parse().unwrap())).collect(),
        RecordType::AAAA => rest.split(' ').map(|it| Rdata::aaaa(it.parse().unwrap())).collect(),
        RecordType::CNAME => vec![Rdata::name(&name(rest))],
        RecordType::MX => vec![Rdata::from_wire([&[0, 10], name(rest).wire()].concat())],
        other => panic!("{other}"),
    };
    RecordSet::new(record_type, ttl, values).unwrap()
}

pub(super) fn sets(texts: &[&str]) -> Vec<RecordSet> {
    texts.iter().map(|text| set(text)).collect()
}

pub(super) fn hosted(lines: &[(&str, &str)]) -> Vec<HostedSet> {
    lines.iter().map(|(at, text)| HostedSet::plain(name(at), set(text))).collect()
}

pub(super) fn settings(registry: Registry) -> MirrorSettings {
    let domain = Name::parse("example.com").unwrap();
    MirrorSettings {
        scope: Scope {
            federation: Label::new("fed").unwrap(),
            hosted: domain.clone(),
            domain,
            levels: Levels::ALL,
            types: Scope::default_types(),
            ttl: None,
            filters: Default::default(),
        },
        identity: Identity { owner: "eu".into(), registry },
        policy: Policy::Sync,
        writer: None,
    }
}

pub(super) fn mirror(listing: &[(&str, &str)]) -> Mirror {
    let mut mirror = Mirror::new(settings(Registry::Compact), false);
    mirror.listed(hosted(listing), UnixTime(0));
    mirror
}

pub(super) fn text_of(plan: &Plan) -> String {
    let mut text = String::new();
    for row in plan.changes.iter().flat_map(rows) {
        let side = |row: Option<crate::sync::plan::SetRow>| match row {
            Some(row) => format!("{} {}", row.ttl, row.values.join(" ")),
            None => "-".into(),
        };
        let name = row.name.replace(TAIL, "").replace(".default.fed.svc.cn.example.com.", "@cn");
        let (old, new) = (side(row.old), side(row.new));
        text += &format!("{} {name} {}: {old} -> {new}\n", row.action, row.record_type);
    }
    text.replace(TAIL, "")
}

#[track_caller]
pub(super) fn plans(mirror: &mut Mirror, expect: &str) {
    let plan = mirror.plan(UnixTime(0));
    let expect: String = expect
        .lines()
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .map(|it| format!("{it}\n"))
        .collect();
    assert_eq!(text_of(&plan), expect);
}

/// Carries out whatever is planned.
pub(super) fn apply(mirror: &mut Mirror) {
    for change in mirror.plan(UnixTime(0)).changes {
        mirror.applied(&change, UnixTime(0));
    }
}

pub(super) const MARKER: &str = "300 TXT heritage=fedns;owner=eu;resource=service/default/web";
pub(super) const OTHER: &str = "300 TXT heritage=external-dns,external-dns/owner=us";

#[test]
fn a_new_name_gets_its_marker_first_and_what_others_point_at_comes_first() {
    let mut mirror = mirror(&[]);
    mirror.want(&name("web@cn"), &sets(&["180 CNAME web"]));
    mirror.want(&name("web"), &sets(&["180 A 192.0.2.1", "180 AAAA 2001:db8::1"]));
    plans(
        &mut mirror,
        r#"
        create fedns-web TXT: - -> 180 "heritage=fedns;owner=eu;resource=service/default/web"
        create web A: - -> 180 192.0.2.1
        create web AAAA: - -> 180 2001:db8::1
        create fedns-web@cn TXT: - -> 180 "heritage=fedns;owner=eu;resource=service/default/web"
        create web@cn CNAME: - -> 180 web
        "#,
    );
    apply(&mut mirror);
    plans(&mut mirror, "");
    assert_eq!(mirror.owned(), 2);
}

#[test]
fn what_goes_goes_data_first_and_from_narrow_to_wide() {
    let mut mirror = mirror(&[]);
    mirror.want(&name("web@cn"), &sets(&["300 CNAME web"]));
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    apply(&mut mirror);
    mirror.want(&name("web"), &[]);
    mirror.want(&name("web@cn"), &[]);
    plans(
        &mut mirror,
        r#"
        delete web@cn CNAME: 300 web -> -
        delete fedns-web@cn TXT: 300 "heritage=fedns;owner=eu;resource=service/default/web" -> -
        delete web A: 300 192.0.2.1 -> -
        delete fedns-web TXT: 300 "heritage=fedns;owner=eu;resource=service/default/web" -> -
        "#,
    );
    apply(&mut mirror);
    assert_eq!(mirror.owned(), 0);
}

#[test]
fn another_type_is_an_update_and_external_dns_gets_a_marker_for_each() {
    let mut mirror = Mirror::new(settings(Registry::ExternalDns), false);
    mirror.listed(Vec::new(), UnixTime(0));
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    apply(&mut mirror);
    mirror.want(&name("web"), &sets(&["300 CNAME other"]));
    let plan = mirror.plan(UnixTime(0));
    assert_eq!(plan.changes[0].kind, crate::sync::change::ChangeKind::Update);
    let marker = r#""heritage=external-dns,external-dns/owner=eu,external-dns/resource=service/default/web""#;
    plans(
        &mut mirror,
        &format!(
            "create cname-web TXT: - -> 300 {marker}
            delete web A: 300 192.0.2.1 -> -
            create web CNAME: - -> 300 other
            delete a-web TXT: 300 {marker} -> -"
        ),
    );
}

#[test]
fn what_is_not_ours_is_left_alone() {
    for (what, listing) in [
        ("a set without a marker", vec![("web", "300 A 192.0.2.9")]),
        ("another owner's", vec![("web", "300 A 192.0.2.9"), ("a-web", OTHER)]),
        ("an alias", vec![("web", "300 CNAME other")]),
        (
            "a marker of both",
            vec![("web", "300 A 192.0.2.9"), ("a-web", OTHER), ("fedns-web", MARKER)],
        ),
    ] {
        let mut mirror = mirror(&listing);
        mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
        let plan = mirror.plan(UnixTime(0));
        let data: Vec<_> =
            plan.changes.iter().flat_map(rows).filter(|row| row.record_type != "TXT").collect();
        assert_eq!(data, [], "{what}");
        assert_eq!(plan.conflicts.len(), 1, "{what}");
    }
}

#[test]
fn what_was_never_wanted_is_not_deleted_unless_it_has_our_marker() {
    let listing = [
        ("mail", "300 A 192.0.2.9"),
        ("theirs", "300 A 192.0.2.8"),
        ("a-theirs", OTHER),
        ("web", "300 A 192.0.2.7"),
        ("fedns-web", MARKER),
    ];
    plans(
        &mut mirror(&listing),
        r#"
        delete web A: 300 192.0.2.7 -> -
        delete fedns-web TXT: 300 "heritage=fedns;owner=eu;resource=service/default/web" -> -
        "#,
    );
}

#[test]
fn a_name_outside_the_pattern_is_never_touched_whatever_its_marker_says() {
    let www = Name::parse("www.example.com").unwrap();
    let marker = Name::parse("fedns-www.example.com").unwrap();
    let mut mirror = mirror(&[]);
    mirror.listed(
        vec![
            HostedSet::plain(www.clone(), set("300 A 192.0.2.9")),
            HostedSet::plain(marker, set("300 TXT heritage=fedns;owner=eu")),
        ],
        UnixTime(0),
    );
    mirror.want(&www, &sets(&["180 A 192.0.2.1"]));
    plans(&mut mirror, "");
}

/// The marker was written, and then the process died.
#[test]
fn a_crash_between_two_calls_is_healed() {
    let wanted = sets(&["300 A 192.0.2.1"]);
    let mut after_marker = mirror(&[("fedns-web", MARKER)]);
    after_marker.want(&name("web"), &wanted);
    plans(&mut after_marker, "create web A: - -> 300 192.0.2.1");
    // Data is gone, and the marker stayed.
    let marker = MARKER.replace("300 TXT ", "300 \"") + "\"";
    plans(&mut mirror(&[("fedns-web", MARKER)]), &format!("delete fedns-web TXT: {marker} -> -"));
}

#[test]
fn the_other_registry_is_read_and_written_anew() {
    let external = "300 TXT heritage=external-dns,external-dns/owner=eu,external-dns/resource=service/default/web";
    let mut mirror = mirror(&[("web", "300 A 192.0.2.1"), ("a-web", external)]);
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    let plan = mirror.plan(UnixTime(0));
    assert_eq!(plan.changes[0].kind, crate::sync::change::ChangeKind::Rewrite);
    plans(
        &mut mirror,
        r#"
        create fedns-web TXT: - -> 300 "heritage=fedns;owner=eu;resource=service/default/web"
        delete a-web TXT: 300 "heritage=external-dns,external-dns/owner=eu,external-dns/resource=service/default/web" -> -
        "#,
    );
}

fn many(count: u8) -> Mirror {
    let mut mirror = mirror(&[]);
    for number in 0..count {
        mirror.want(&name(&format!("s{number}")), &sets(&[&format!("300 A 192.0.2.{number}")]));
    }
    apply(&mut mirror);
    mirror
}

#[test]
fn too_much_that_would_vanish_is_held_until_approved() {
    let mut mirror = many(20);
    for number in 0..10 {
        mirror.want(&name(&format!("s{number}")), &[]);
    }
    let plan = mirror.plan(UnixTime(0));
    assert_eq!((plan.changes.len(), plan.held.len()), (6, 4));
    apply(&mut mirror);
    let held = mirror.plan(UnixTime(1)).held;
    assert_eq!(held.len(), 4);
    // A name that is wanted again is held no more, and the hash is another one.
    let hash = hash_of(&held);
    mirror.approve(&hash, UnixTime(1));
    assert_eq!(mirror.plan(UnixTime(1)).changes.len(), 4);
    apply(&mut mirror);
    assert_eq!(mirror.owned(), 10);
}

/// A cluster leaves because somebody said so: what goes with it is neither held nor counted.
#[test]
fn what_somebody_asked_for_is_not_held() {
    let mut mirror = many(20);
    for number in 0..10 {
        mirror.want(&name(&format!("s{number}")), &[]);
        mirror.ask_for(&name(&format!("s{number}")), true);
    }
    let plan = mirror.plan(UnixTime(0));
    assert_eq!((plan.changes.len(), plan.held.len()), (10, 0));
    apply(&mut mirror);
    assert_eq!(mirror.owned(), 10);
    // What goes by itself then has the whole of its part of the hour.
    for number in 10..13 {
        mirror.want(&name(&format!("s{number}")), &[]);
    }
    let plan = mirror.plan(UnixTime(1));
    assert_eq!((plan.changes.len(), plan.held.len()), (3, 0));
}

/// One cluster of two fails: every name keeps answering.
#[test]
fn a_failover_is_never_held() {
    let mut mirror = many(100);
    for number in 0..100 {
        let sets = sets(&["300 CNAME web"]);
        mirror.want(&name(&format!("s{number}")), &sets);
    }
    let plan = mirror.plan(UnixTime(0));
    assert_eq!((plan.changes.len(), plan.held.len()), (100, 0));
}

#[test]
fn a_refused_change_is_set_aside_and_tried_again() {
    let mut mirror = many(2);
    for number in 0..2 {
        mirror.want(&name(&format!("s{number}")), &sets(&["300 A 192.0.2.99"]));
    }
    let plan = mirror.plan(UnixTime(0));
    mirror.refused(&plan.changes[0], "no".into(), UnixTime(0));
    assert_eq!(mirror.plan(UnixTime(0)).changes.len(), 1);
    assert_eq!(mirror.next_retry(), Some(UnixTime(60)));
    assert_eq!(mirror.plan(UnixTime(60)).changes.len(), 2);
    mirror.refused(&plan.changes[0], "no".into(), UnixTime(60));
    assert_eq!(mirror.next_retry(), Some(UnixTime(180)));
    // Another state is tried at once.
    mirror.want(&name("s0"), &sets(&["300 A 192.0.2.98"]));
    assert_eq!(mirror.plan(UnixTime(61)).changes.len(), 2);
}

#[test]
fn policies_leave_out_what_they_forbid() {
    for (policy, expect) in [(Policy::Sync, 3), (Policy::UpsertOnly, 2), (Policy::CreateOnly, 1)] {
        let mut mirror = many(2);
        mirror.settings.policy = policy;
        mirror.want(&name("s0"), &[]);
        mirror.want(&name("s1"), &sets(&["300 CNAME web"]));
        mirror.want(&name("s2"), &sets(&["300 A 192.0.2.2"]));
        assert_eq!(mirror.plan(UnixTime(0)).changes.len(), expect, "{policy:?}");
    }
}

#[test]
fn drift_by_hand_is_told_and_put_back() {
    let mut mirror = many(2);
    let mut listing = hosted(&[("s0", "300 A 192.0.2.77"), ("s1", "300 A 192.0.2.1")]);
    for number in 0..2 {
        let text = format!("300 TXT heritage=fedns;owner=eu;resource=service/default/s{number}");
        listing.push(HostedSet::plain(name(&format!("fedns-s{number}")), set(&text)));
    }
    assert_eq!(mirror.listed(listing, UnixTime(0)), [name("s0")]);
    plans(&mut mirror, "update s0 A: 300 192.0.2.77 -> 300 192.0.2.0");
}

fn claiming(listing: &[(&str, &str)]) -> Mirror {
    let settings = MirrorSettings { writer: Some("w1".into()), ..settings(Registry::Compact) };
    let mut mirror = Mirror::new(settings, false);
    let mut sets = hosted(listing);
    for set in &mut sets {
        if let Some(claim) = set.name.to_string().strip_prefix("claim.") {
            assert_eq!(claim, &TAIL[1..]);
            set.name = Name::parse("_fedns-eu.fed.svc.example.com").unwrap();
        }
    }
    mirror.listed(sets, UnixTime(0));
    mirror
}

#[test]
fn the_claim_comes_before_the_first_change_and_goes_after_the_last() {
    let mut mirror = claiming(&[]);
    plans(&mut mirror, "");
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    let claim = "_fedns-eu.fed.svc.example.com. TXT";
    let text = r#""heritage=fedns;owner=eu;writer=w1""#;
    let plan = mirror.plan(UnixTime(0));
    assert!(text_of(&plan).starts_with(&format!("create {claim}: - -> 3600 {text}\n")));
    apply(&mut mirror);
    assert_eq!((mirror.blocked(), mirror.owned()), (None, 1));
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.2"]));
    plans(&mut mirror, "update web A: 300 192.0.2.1 -> 300 192.0.2.2");
    apply(&mut mirror);
    mirror.want(&name("web"), &[]);
    apply(&mut mirror);
    plans(&mut mirror, &format!("delete {claim}: 3600 {text} -> -"));
    apply(&mut mirror);
    plans(&mut mirror, "");
}

#[test]
fn where_another_writer_claims_nothing_may_be_written() {
    let mut mirror = claiming(&[("claim", "3600 TXT heritage=fedns;owner=eu;writer=w2")]);
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    let blocked = mirror.blocked().unwrap();
    assert!(blocked.contains("writer=w2"), "{blocked}");
    assert_eq!(
        claiming(&[("claim", "3600 TXT heritage=fedns;owner=eu;writer=w1")]).blocked(),
        None
    );
}

#[test]
fn a_claim_is_taken_over_before_anything_else() {
    let mut mirror = claiming(&[("claim", "3600 TXT heritage=fedns;owner=eu;writer=w2")]);
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    assert_eq!(mirror.take_over().as_deref(), Some("heritage=fedns;owner=eu;writer=w2"));
    assert_eq!(mirror.blocked(), None);
    let text = text_of(&mirror.plan(UnixTime(0)));
    let claim = r#"update _fedns-eu.fed.svc.example.com. TXT: 3600 "heritage=fedns;owner=eu;writer=w2" -> 3600 "heritage=fedns;owner=eu;writer=w1""#;
    assert!(text.starts_with(claim), "{text}");
    apply(&mut mirror);
    plans(&mut mirror, "");
    let mut blocked = claiming(&[("claim", "3600 A 192.0.2.1")]);
    assert_eq!(blocked.take_over(), None);
    assert!(blocked.blocked().unwrap().starts_with("a A record stands at _fedns-eu."));
}

#[test]
fn what_filters_leave_out_is_told_and_stays() {
    let mut settings = settings(Registry::Compact);
    settings.scope.filters.services = Some(vec!["mail".into()]);
    let mut mirror = Mirror::new(settings, false);
    mirror.listed(
        hosted(&[("web", "300 A 192.0.2.1"), ("fedns-web", MARKER), ("shop", "300 A 192.0.2.2")]),
        UnixTime(0),
    );
    for name in ["web", "shop", "mail"].map(name) {
        mirror.want(&name, &sets(&["300 A 192.0.2.9"]));
    }
    let plan = mirror.plan(UnixTime(0));
    let changed: Vec<&Name> = plan.changes.iter().map(|change| &change.name).collect();
    assert_eq!(changed, [&name("mail")]);
    let orphans: Vec<(&Name, &Why)> = plan.orphans.iter().map(|it| (&it.name, &it.why)).collect();
    assert_eq!(orphans, [(&name("web"), &Why::Filtered)]);
    assert_eq!(mirror.incomplete(&plan).as_deref(), Some("1 name orphaned"));
    // A Service that goes takes nothing along.
    mirror.want(&name("web"), &[]);
    mirror.want(&name("mail"), &[]);
    plans(&mut mirror, "");
}

#[test]
fn what_was_written_for_another_owner_is_told() {
    let old = "300 TXT heritage=fedns;owner=old;resource=service/default/web";
    for (writer, orphans) in [("w1", 1), ("w2", 0)] {
        let mut mirror = claiming(&[("web", "300 A 192.0.2.1"), ("fedns-web", old)]);
        let mut listing = hosted(&[("web", "300 A 192.0.2.1"), ("fedns-web", old)]);
        let claim = set(&format!("3600 TXT heritage=fedns;owner=old;writer={writer}"));
        let at = Name::parse("_fedns-old.fed.svc.example.com").unwrap();
        listing.push(HostedSet::plain(at, claim));
        mirror.listed(listing, UnixTime(0));
        let plan = mirror.plan(UnixTime(0));
        assert_eq!((plan.orphans.len(), plan.changes.len()), (orphans, 0), "{writer}");
    }
}

#[test]
fn an_owner_that_another_tool_uses_stops_everything() {
    let marker = Name::parse("a-www.example.com").unwrap();
    let mut mirror = mirror(&[]);
    let text = "300 TXT heritage=external-dns,external-dns/owner=eu";
    mirror.listed(vec![HostedSet::plain(marker, set(text))], UnixTime(0));
    let blocked = mirror.blocked().unwrap();
    assert!(blocked.contains("www.example.com."), "{blocked}");
}

#[test]
fn what_the_provider_does_not_keep_is_set_aside_after_a_few_tries() {
    let mut mirror = many(1);
    let raised = || {
        let marker = "300 TXT heritage=fedns;owner=eu;resource=service/default/s0";
        hosted(&[("s0", "600 A 192.0.2.0"), ("fedns-s0", marker)])
    };
    for _ in 0..2 {
        assert_eq!(mirror.listed(raised(), UnixTime(0)), [name("s0")]);
        plans(&mut mirror, "update s0 A: 600 192.0.2.0 -> 300 192.0.2.0");
        apply(&mut mirror);
    }
    mirror.listed(raised(), UnixTime(0));
    plans(&mut mirror, "");
    let (_, quarantined) = mirror.quarantined().next().unwrap();
    let reason = &quarantined.reason;
    assert!(reason.contains("written 300 A 192.0.2.0, found 600 A 192.0.2.0"), "{reason}");
}

/// The marker of `web` stands where Service `a-web` becomes an alias.
#[test]
fn a_marker_makes_room_for_an_alias() {
    let mut mirror = Mirror::new(settings(Registry::ExternalDns), false);
    mirror.listed(Vec::new(), UnixTime(0));
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    mirror.want(&name("a-web"), &sets(&["300 A 192.0.2.2"]));
    apply(&mut mirror);
    mirror.want(&name("a-web"), &sets(&["300 CNAME other"]));
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("delete a-web TXT: "), "{text}");
    apply(&mut mirror);
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("delete a-web A: ") && text.contains("create a-web CNAME: "), "{text}");
    apply(&mut mirror);
    plans(&mut mirror, "");
    assert_eq!(mirror.owned(), 2);
}

#[test]
fn a_change_of_addresses_alone_is_looked_at_once() {
    for registry in [Registry::ExternalDns, Registry::Compact, Registry::Zone] {
        let mut mirror = Mirror::new(settings(registry), false);
        mirror.listed(Vec::new(), UnixTime(0));
        mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
        while !mirror.plan(UnixTime(0)).changes.is_empty() {
            apply(&mut mirror);
        }
        mirror.want(&name("web"), &sets(&["180 A 192.0.2.2"]));
        assert!(mirror.is_dirty());
        apply(&mut mirror);
        assert!(!mirror.is_dirty(), "{registry:?}");
        mirror.all_dirty();
        plans(&mut mirror, "");
    }
}
