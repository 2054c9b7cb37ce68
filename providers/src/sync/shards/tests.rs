use std::collections::BTreeSet;

use super::*;
use crate::hosted::HostedSet;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn origin() -> Name {
    name("fed.svc.example.com")
}

/// A zone that holds what these changes leave.
fn applied(changes: &[Change]) -> Vec<HostedSet> {
    let sets = changes.iter().flat_map(|change| &change.sets);
    let standing =
        sets.filter_map(|set| Some(HostedSet::plain(set.name.clone(), set.after.clone()?)));
    standing.collect()
}

fn entering(hosted: &HostedZone, names: impl IntoIterator<Item = Name>) -> Vec<Change> {
    let moves = Moves { enter: names.into_iter().collect(), ..Moves::default() };
    changes(hosted, "shop", &origin(), &moves)
}

fn text(change: &Change) -> String {
    change.sets[0].after.as_ref().map_or("-".into(), |set| set.value_texts().collect())
}

#[test]
fn places_stand_with_their_service() {
    let names = [
        "web.shop.fed.svc.example.com",
        "web.shop.fed.svc.eu.example.com",
        "web.shop.fed.svc.a.eu.example.com",
        "_http._tcp.web.shop.fed.svc.example.com",
        "www.example.com",
        "*.a=b.example.com",
        "example.com",
    ];
    let names: BTreeSet<Name> = names.map(name).into();
    let zone = HostedZone::new("shop", Vec::new());
    let changes = entering(&zone, names.clone());
    assert_eq!(changes.len(), 1);
    let change = &changes[0];
    assert_eq!(
        (change.kind, &change.name),
        (ChangeKind::Register, &name("_fedns0-shop.fed.svc.example.com"))
    );
    assert_eq!(
        text(change),
        r#""heritage=fedns;owner=shop;names=:*.a=3db+.+www/_http._tcp.web.shop:./web.shop:.+a.eu+eu""#
    );
    let zone = HostedZone::new("shop", applied(&changes));
    assert_eq!(zone.our_names().cloned().collect::<BTreeSet<_>>(), names);
    let imported =
        zone.our_names().filter(|it| zone.our_markers(it).all(|it| it.marker.is_imported));
    assert_eq!(imported.count(), 3);
}

#[test]
fn records_stay_small_and_few() {
    let service = |number| {
        [
            "",
            "cn-hangzhou.",
            "cn-hangzhou-b.cn-hangzhou.",
            "cn-beijing.",
            "cn-beijing-b.cn-beijing.",
        ]
        .map(|place| name(&format!("service-{number}.default.fed.svc.{place}example.com")))
    };
    let names: BTreeSet<Name> = (0..2_000).flat_map(service).collect();
    let zone = HostedZone::new("shop", Vec::new());
    let changes = entering(&zone, names.clone());
    assert!(changes.iter().all(|change| text(change).len() <= TEXT_MAX + 2 * 3));
    assert!(
        changes.len() < names.len() / 20,
        "{} records for {} names",
        changes.len(),
        names.len()
    );
    let zone = HostedZone::new("shop", applied(&changes));
    assert_eq!((zone.owned(), zone.our_shards().count()), (names.len(), changes.len()));
    // One more finds room, and touches one record.
    assert_eq!(entering(&zone, [name("new.default.fed.svc.example.com")]).len(), 1);
}

#[test]
fn a_place_that_others_hold_is_not_taken() {
    let at = name("_fedns0-shop.fed.svc.example.com");
    let theirs = RecordSet::single(RecordType::TXT, 60, txt::rdata(b"v=hand"));
    let zone = HostedZone::new("shop", vec![HostedSet::plain(at, theirs)]);
    let changes = entering(&zone, [name("web.shop.fed.svc.example.com")]);
    assert_eq!(changes[0].name, name("_fedns1-shop.fed.svc.example.com"));
}

#[test]
fn names_leave_and_an_empty_record_goes() {
    let names = ["web.shop.fed.svc.example.com", "mail.shop.fed.svc.example.com"].map(name);
    let zone = HostedZone::new("shop", Vec::new());
    let standing = applied(&entering(&zone, names.clone()));
    let zone = HostedZone::new("shop", standing);
    let leave = |names: &[Name]| {
        let shards = |name: &Name| zone.shards_of(name).cloned().collect();
        let leave = names.iter().map(|name| (name.clone(), shards(name))).collect();
        changes(&zone, "shop", &origin(), &Moves { leave, ..Moves::default() })
    };
    let one = leave(&names[..1]);
    assert_eq!(text(&one[0]), r#""heritage=fedns;owner=shop;names=mail.shop:.""#);
    assert_eq!(one[0].kind, ChangeKind::Tidy);
    assert_eq!(text(&leave(&names)[0]), "-");
}

#[test]
fn owners_that_no_label_can_tell_are_hashed() {
    let zone = HostedZone::new("a.b", Vec::new());
    let moves = Moves { enter: [name("web.shop.fed.svc.example.com")].into(), ..Moves::default() };
    let change = &changes(&zone, "a.b", &origin(), &moves)[0];
    let label = change.name.labels().next().unwrap();
    assert!(label.starts_with(b"_fedns0-") && !label.contains(&b'.'), "{}", change.name);
    assert!(text(change).contains(";owner=a.b;"));
}
