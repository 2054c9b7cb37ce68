use tests::judge::Judge;

use super::fixture::{Fixture, a, aaaa, cname};

cases! { J: Judge =>
    a_name_stands_with_its_marker_and_goes_with_it,
    the_ttl_changes,
    the_type_changes_there_and_back,
    values_come_and_go,
}

fn a_name_stands_with_its_marker_and_goes_with_it<J: Judge>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    mirror.want([(it.name("web"), vec![a(180, &["192.0.2.1", "192.0.2.2"])])]);
    mirror.is_in_sync();
    assert_eq!(it.ours(), ["web 180 A 192.0.2.1", "web 180 A 192.0.2.2"]);
    let markers: Vec<String> =
        it.judge.records().into_iter().filter(|line| line.contains("heritage=")).collect();
    let [marker] = markers.as_slice() else { panic!("{markers:?}") };
    let value = "TXT \"heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/web\"";
    assert!(marker.ends_with(value), "{marker}");
    assert_eq!(it.listed(&mut Vec::new()), it.judge.records());
    mirror.want([(it.name("web"), Vec::new())]);
    mirror.is_in_sync();
    assert_eq!(it.judge.records(), Vec::<String>::new());
}

fn the_ttl_changes<J: Judge>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    for ttl in [180, 600, 60] {
        mirror.want([(it.name("web"), vec![a(ttl, &["192.0.2.1", "192.0.2.2"])])]);
        mirror.is_in_sync();
        let lines = ["192.0.2.1", "192.0.2.2"].map(|value| format!("web {ttl} A {value}"));
        assert_eq!(it.ours(), lines);
    }
}

fn the_type_changes_there_and_back<J: Judge>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    let web = it.name("web");
    let target = it.name("all");
    mirror.want([(target.clone(), vec![a(180, &["192.0.2.9"])])]);
    let all = "all 180 A 192.0.2.9";
    let steps = [
        (
            vec![a(180, &["192.0.2.1", "192.0.2.2"])],
            vec!["web 180 A 192.0.2.1", "web 180 A 192.0.2.2"],
        ),
        (vec![cname(180, &target)], vec!["web 180 CNAME all"]),
        (vec![aaaa(180, &["2001:db8::1"])], vec!["web 180 AAAA 2001:db8::1"]),
        (
            vec![a(180, &["192.0.2.1"]), aaaa(180, &["2001:db8::1"])],
            vec!["web 180 A 192.0.2.1", "web 180 AAAA 2001:db8::1"],
        ),
        (vec![cname(180, &target)], vec!["web 180 CNAME all"]),
        (Vec::new(), Vec::new()),
    ];
    for (sets, lines) in steps {
        mirror.want([(web.clone(), sets)]);
        mirror.is_in_sync();
        assert_eq!(it.ours(), [vec![all], lines].concat());
    }
}

fn values_come_and_go<J: Judge>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    for addresses in [&["192.0.2.1"][..], &["192.0.2.2", "192.0.2.3"], &["192.0.2.3"]] {
        mirror.want([(it.name("web"), vec![a(180, addresses)])]);
        mirror.is_in_sync();
        let lines: Vec<String> =
            addresses.iter().map(|value| format!("web 180 A {value}")).collect();
        assert_eq!(it.ours(), lines);
    }
}
