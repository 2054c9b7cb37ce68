//! While a cluster has neither been listed nor saved, what it may have given stays.

use super::tests::{MARKER, apply, hosted, name, plans, sets, settings, text_of};
use super::*;
use crate::sync::registry::Registry;

#[test]
fn what_may_belong_to_an_unknown_cluster_stays() {
    let mut mirror = Mirror::new(settings(Registry::Compact), true);
    mirror.listed(
        hosted(&[
            ("web", "300 A 192.0.2.1 192.0.2.2"),
            ("fedns-web", MARKER),
            ("gone", "300 A 192.0.2.3"),
            ("fedns-gone", "300 TXT heritage=fedns;owner=eu;resource=service/default/gone"),
        ]),
        UnixTime(0),
    );
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    plans(&mut mirror, "");
    // What was given in this run and taken back is known to be gone; the other stays.
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.4"]));
    plans(&mut mirror, "update web A: 300 192.0.2.1 192.0.2.2 -> 300 192.0.2.2 192.0.2.4");
    mirror.clusters_known();
    let plan = mirror.plan(UnixTime(0));
    let text = text_of(&plan);
    assert!(text.contains("update web A: 300 192.0.2.1 192.0.2.2 -> 300 192.0.2.4\n"), "{text}");
    assert!(text.contains("delete gone A: 300 192.0.2.3 -> -\n"), "{text}");
}

/// The region's own cluster has it no more, and one that nobody has seen yet keeps the global name.
#[test]
fn a_name_below_one_that_stays_leads_there() {
    let mut mirror = Mirror::new(settings(Registry::Compact), true);
    let region = "300 TXT heritage=fedns;owner=eu;resource=service/default/web";
    mirror.listed(
        hosted(&[
            ("web", "300 A 192.0.2.1 192.0.2.2"),
            ("fedns-web", MARKER),
            ("web@cn", "300 A 192.0.2.1"),
            ("fedns-web@cn", region),
        ]),
        UnixTime(0),
    );
    mirror.want(&name("web"), &sets(&["300 A 192.0.2.1"]));
    mirror.want(&name("web@cn"), &sets(&["300 A 192.0.2.1"]));
    plans(&mut mirror, "");
    assert!(mirror.incomplete(&Plan::default()).is_some_and(|it| it.starts_with("ClusterUnknown")));
    mirror.want(&name("web"), &[]);
    mirror.want(&name("web@cn"), &[]);
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("update web A: 300 192.0.2.1 192.0.2.2 -> 300 192.0.2.2\n"), "{text}");
    assert!(text.contains("create web@cn CNAME: - -> 300 web\n"), "{text}");
    assert!(!text.contains("fedns-web"), "the markers stay: {text}");
    // It turns out that nobody has it.
    apply(&mut mirror);
    mirror.clusters_known();
    let text = text_of(&mirror.plan(UnixTime(0)));
    assert!(text.contains("delete web A: 300 192.0.2.2 -> -\n"), "{text}");
    assert!(text.contains("delete web@cn CNAME: 300 web -> -\n"), "{text}");
}
