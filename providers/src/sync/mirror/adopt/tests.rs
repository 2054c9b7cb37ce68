//! What is taken over, as texts of plans; names without what all of them end with.

use model::UnixTime;

use super::super::tests::{OTHER, apply, hosted, mirror, name, plans, sets, settings, text_of};
use super::*;
use crate::sync::hosted_zone::HostedZone;
use crate::sync::registry::Registry;

const OWNED: &str =
    "300 TXT heritage=external-dns,external-dns/owner=us,external-dns/resource=service/default/web";

fn from_us(names: &[&str]) -> Adoption {
    Adoption {
        from: FromWhom::Owner("us".into()),
        names: names.iter().map(|it| name(it)).collect(),
    }
}

fn unmarked(names: &[&str]) -> Adoption {
    Adoption { from: FromWhom::Unmarked, names: names.iter().map(|it| name(it)).collect() }
}

fn left(adopted: &Adopted) -> Vec<String> {
    adopted.left.iter().map(|left| left.why.clone()).collect()
}

#[test]
fn a_marker_of_another_tool_makes_room_for_ours() {
    for (what, at) in [("with a type", "a-web"), ("of older versions", "web")] {
        let mut mirror = mirror(&[("web", "180 A 192.0.2.1"), (at, OWNED)]);
        mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
        let adopted = mirror.adopt(&from_us(&[]));
        assert_eq!(adopted.names.len(), 1, "{what}");
        let old = OWNED.replace("300 TXT ", "300 \"") + "\"";
        plans(
            &mut mirror,
            &format!(
                "create fedns-web TXT: - -> 180 \"heritage=fedns;owner=eu;resource=service/default/web\"
                delete {at} TXT: {old} -> -"
            ),
        );
        apply(&mut mirror);
        plans(&mut mirror, "");
        assert_eq!(mirror.owned(), 1);
    }
}

#[test]
fn what_differs_is_changed_in_the_same_step_and_the_rest_waits() {
    let mut mirror = mirror(&[
        ("web", "180 A 192.0.2.9"),
        ("a-web", OWNED),
        ("mail", "180 A 192.0.2.8"),
        ("a-mail", OTHER),
    ]);
    mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
    mirror.want(&name("new"), &sets(&["180 A 192.0.2.2"]));
    let adopted = mirror.adopt(&from_us(&[]));
    assert_eq!(left(&adopted), ["no Service gives it; name it, and it is taken over and deleted"]);
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("update web A: 180 192.0.2.9 -> 180 192.0.2.1\n"), "{text}");
    assert!(!text.contains("new") && !text.contains("mail"), "{text}");
}

#[test]
fn what_kubefed_wrote_is_known_by_what_it_holds() {
    let mut mirror = mirror(&[
        ("web", "180 A 192.0.2.1"),
        ("web@cn", "180 CNAME web"),
        ("mail", "180 A 192.0.2.1 192.0.2.9"),
        ("shop", "180 A 192.0.2.3"),
        ("a-shop", OTHER),
    ]);
    mirror.want(&name("web"), &sets(&["180 A 192.0.2.1 192.0.2.2", "180 AAAA 2001:db8::1"]));
    mirror.want(&name("web@cn"), &sets(&["180 CNAME web"]));
    mirror.want(&name("mail"), &sets(&["180 A 192.0.2.1"]));
    mirror.want(&name("shop"), &sets(&["180 A 192.0.2.3"]));
    let adopted = mirror.adopt(&unmarked(&[]));
    let names: Vec<Name> = adopted.names.iter().cloned().collect();
    assert_eq!(names, [name("web@cn"), name("web")]);
    assert_eq!(
        left(&adopted),
        [
            "A 192.0.2.1 192.0.2.9 is not what would be written; name it to take it over all the same"
        ]
    );
    plans(
        &mut mirror,
        r#"
        create fedns-web TXT: - -> 180 "heritage=fedns;owner=eu;resource=service/default/web"
        update web A: 180 192.0.2.1 -> 180 192.0.2.1 192.0.2.2
        create web AAAA: - -> 180 2001:db8::1
        create fedns-web@cn TXT: - -> 180 "heritage=fedns;owner=eu;resource=service/default/web"
        "#,
    );
    apply(&mut mirror);
    plans(&mut mirror, "");
}

#[test]
fn what_is_named_is_taken_whatever_it_holds() {
    let listing = [("gone", "180 A 192.0.2.9"), ("web", "180 A 192.0.2.9")];
    let mut mirror = mirror(&listing);
    mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
    let adopted = mirror.adopt(&unmarked(&["gone", "web", "absent"]));
    assert_eq!(adopted.names.len(), 2);
    assert_eq!(left(&adopted), ["nothing without a marker stands there"]);
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("delete gone A: 180 192.0.2.9 -> -\n"), "{text}");
    assert!(text.contains("update web A: 180 192.0.2.9 -> 180 192.0.2.1\n"), "{text}");
}

#[test]
fn types_that_are_never_mirrored_stay_with_whom_they_are() {
    let mut mirror = mirror(&[("web", "180 A 192.0.2.1"), ("web", "180 MX x"), ("web", OWNED)]);
    mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
    mirror.adopt(&from_us(&[]));
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("create fedns-web ") && !text.contains("MX"), "{text}");
    apply(&mut mirror);
    mirror.want(&name("web"), &[]);
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("delete web A: ") && !text.contains("MX"), "{text}");
}

/// A name outside the pattern, imported and then read again by a process that knows nothing of it.
#[test]
fn a_name_outside_the_pattern_says_so_in_its_marker() {
    let www = Name::parse("www.example.com").unwrap();
    let marker = HostedZone::new("us", hosted(&[("a-web", OWNED)]));
    let owned = marker.at(&name("a-web"))[0].records().unwrap().clone();
    let listing = || {
        let at = Name::parse("a-www.example.com").unwrap();
        vec![
            HostedSet::plain(www.clone(), sets(&["180 A 192.0.2.1"]).remove(0)),
            HostedSet::plain(at, owned.clone()),
        ]
    };
    let adoption = Adoption { names: [www.clone()].into(), ..from_us(&[]) };
    let mut first = mirror(&[]);
    first.listed(listing(), UnixTime(0));
    let adopted = first.adopt(&adoption);
    assert!(left(&adopted)[0].contains("write its records into staticRecords"), "{adopted:?}");
    // The zone has it by now.
    first.want(&www, &sets(&["180 A 192.0.2.1", "180 MX x"]));
    assert_eq!(first.adopt(&adoption).names.len(), 1);
    let plan = first.plan(UnixTime(0));
    let text = text_of(&plan);
    assert!(
        text.starts_with(
            r#"create fedns-www.example.com. TXT: - -> 180 "heritage=fedns;imported=true;owner=eu""#
        ),
        "{text}"
    );
    let mut listing = listing();
    for set in &plan.changes[0].sets {
        listing.retain(|it| (&it.name, it.record_type) != (&set.name, set.record_type));
        listing.extend(set.after.clone().map(|after| HostedSet::plain(set.name.clone(), after)));
    }
    let mut second = mirror(&[]);
    second.listed(listing, UnixTime(0));
    assert_eq!(second.blocked(), None);
    second.want(&www, &sets(&["180 A 192.0.2.2"]));
    plans(&mut second, "update www.example.com. A: 180 192.0.2.1 -> 180 192.0.2.2");
    apply(&mut second);
    second.want(&www, &[]);
    let text = text_of(&second.plan(UnixTime(0)));
    assert!(text.contains("delete www.example.com. A: ") && text.lines().count() == 2, "{text}");
}

/// Another owner's marker of many names: only the name that is taken over leaves it.
#[test]
fn a_name_leaves_the_shard_of_its_old_owner_last() {
    let shard = || {
        let at = Name::parse("_fedns0-us.fed.svc.example.com").unwrap();
        let text = "3600 TXT heritage=fedns;owner=us;names=mail.default:./web.default:.";
        HostedSet::plain(at, sets(&[text]).remove(0))
    };
    for registry in [Registry::ExternalDns, Registry::Compact, Registry::Zone] {
        let mut mirror = Mirror::new(settings(registry), false);
        let mut listing = hosted(&[("web", "180 A 192.0.2.1"), ("mail", "180 A 192.0.2.2")]);
        listing.push(shard());
        mirror.listed(listing, UnixTime(0));
        mirror.want(&name("web"), &sets(&["180 A 192.0.2.1"]));
        assert_eq!(mirror.adopt(&from_us(&[])).names, [name("web")].into());
        let text = text_of(&mirror.plan(UnixTime(0)));
        assert!(!text.contains("_fedns0-us") && text.contains("TXT"), "{registry:?}: {text}");
        apply(&mut mirror);
        plans(
            &mut mirror,
            r#"
            update _fedns0-us.fed.svc.example.com. TXT: 3600 "heritage=fedns;owner=us;names=mail.default:./web.default:." -> 3600 "heritage=fedns;owner=us;names=mail.default:."
            "#,
        );
        apply(&mut mirror);
        plans(&mut mirror, "");
        assert_eq!(mirror.owned(), 1);
    }
}
