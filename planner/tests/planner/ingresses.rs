use model::ClusterName;
use planner::annotations::SERVICE_INGRESSES;
use planner::ingresses::{Ingress, MemberService, ServiceIngresses, load_balancer_ingress};

/// An address, or a host name where it holds a letter.
fn ingress(text: &str) -> Ingress {
    match text.contains(|char: char| char.is_ascii_alphabetic()) {
        true => Ingress { hostname: text.into(), ..Ingress::default() },
        false => Ingress { ip: text.into(), ..Ingress::default() },
    }
}

fn member(cluster: &str, ingresses: &[&str], has_ready_address: bool) -> MemberService {
    MemberService {
        cluster: ClusterName::new(cluster),
        ready: true,
        ingress: ingresses.iter().map(|text| ingress(text)).collect(),
        has_ready_address,
    }
}

fn unready(cluster: &str) -> MemberService {
    MemberService { ready: false, ..member(cluster, &[], false) }
}

fn annotation(members: &[MemberService], previous: &str) -> String {
    let previous = ServiceIngresses::parse(previous).unwrap();
    ServiceIngresses::new(members, &previous).to_json()
}

fn status(members: &[MemberService], previous: &str) -> Vec<String> {
    let previous = ServiceIngresses::parse(previous).unwrap();
    let all = load_balancer_ingress(members, &previous);
    all.into_iter().map(|ingress| ingress.ip + &ingress.hostname).collect()
}

/// The sequence of the first federation's own test.
#[test]
fn golden_sequence() {
    const ONE: &str = r#"{"cluster":"cluster1","items":[{"ip":"10.20.30.40"}]}"#;
    const TWO: &str = r#"{"cluster":"cluster2","items":[{"ip":"10.20.30.50"}]}"#;
    let one = |ready| member("cluster1", &["10.20.30.40"], ready);
    let two = |ready| member("cluster2", &["10.20.30.50"], ready);
    let no_address = |cluster| member(cluster, &[], false);
    let steps = [
        (no_address("cluster1"), no_address("cluster2"), "{}".to_owned(), vec![]),
        (
            one(false),
            no_address("cluster2"),
            r#"{"items":[{"cluster":"cluster1","items":null}]}"#.to_owned(),
            vec!["10.20.30.40"],
        ),
        (one(true), no_address("cluster2"), format!(r#"{{"items":[{ONE}]}}"#), vec!["10.20.30.40"]),
        (
            one(true),
            two(false),
            format!(r#"{{"items":[{ONE},{{"cluster":"cluster2","items":null}}]}}"#),
            vec!["10.20.30.40", "10.20.30.50"],
        ),
        (
            one(true),
            two(true),
            format!(r#"{{"items":[{ONE},{TWO}]}}"#),
            vec!["10.20.30.40", "10.20.30.50"],
        ),
        (
            one(false),
            two(true),
            format!(r#"{{"items":[{{"cluster":"cluster1","items":null}},{TWO}]}}"#),
            vec!["10.20.30.40", "10.20.30.50"],
        ),
    ];
    let mut previous = "{}".to_owned();
    for (first, second, expect, addresses) in steps {
        let members = [first, second];
        let found = annotation(&members, &previous);
        assert_eq!(found, expect);
        assert_eq!(status(&members, &previous), addresses);
        assert_eq!(annotation(&members, &found), found, "a second look writes nothing");
        previous = found;
    }
}

#[test]
fn the_bytes_of_the_first_federation() {
    let text = r#"{"items":[{"cluster":"hangzhou","items":[{"ip":"120.55.149.69"}]},{"cluster":"shanghai","items":[{"hostname":"x.elb.example"}]}]}"#;
    let members = [
        member("shanghai", &["x.elb.example"], true),
        member("hangzhou", &["120.55.149.69"], true),
    ];
    assert_eq!(annotation(&members, "{}"), text);
    assert_eq!(ServiceIngresses::parse(text).unwrap().to_json(), text);
}

#[test]
fn addresses_are_sorted_as_bytes() {
    let members = [member("c1", &["9.0.0.1", "b.example", "10.0.0.1", "a.example"], true)];
    assert_eq!(
        annotation(&members, "{}"),
        r#"{"items":[{"cluster":"c1","items":[{"hostname":"a.example"},{"hostname":"b.example"},{"ip":"10.0.0.1"},{"ip":"9.0.0.1"}]}]}"#
    );
    assert_eq!(status(&members, "{}"), ["a.example", "b.example", "10.0.0.1", "9.0.0.1"]);
}

#[test]
fn a_cluster_that_is_not_ready_stays_as_it_was() {
    let rows = [
        (r#"{"cluster":"c1","items":[{"ip":"192.0.2.1"}]}"#, vec!["192.0.2.1"]),
        (r#"{"cluster":"c1","items":null}"#, vec![]),
        (r#"{"cluster":"c1","items":[]}"#, vec![]),
    ];
    for (entry, addresses) in rows {
        let previous = format!(r#"{{"items":[{entry}]}}"#);
        assert_eq!(annotation(&[unready("c1")], &previous), previous);
        assert_eq!(status(&[unready("c1")], &previous), addresses);
    }
    let nothing_remembered = annotation(&[unready("c1")], "{}");
    assert_eq!(nothing_remembered, r#"{"items":[{"cluster":"c1","items":[]}]}"#);
    // What was seen last is better than what is remembered: it has the addresses without endpoints, too.
    let seen = MemberService { ready: false, ..member("c1", &["192.0.2.7"], false) };
    let previous = r#"{"items":[{"cluster":"c1","items":null}]}"#;
    assert_eq!(status(std::slice::from_ref(&seen), previous), ["192.0.2.7"]);
    assert_eq!(annotation(&[seen], previous), previous);
}

#[test]
fn who_left_has_no_entry() {
    let previous = r#"{"items":[{"cluster":"c1","items":[{"ip":"192.0.2.1"}]},{"cluster":"c2","items":null}]}"#;
    assert_eq!(
        annotation(&[unready("c2")], previous),
        r#"{"items":[{"cluster":"c2","items":null}]}"#
    );
    let mut parsed = ServiceIngresses::parse(previous).unwrap();
    assert!(parsed.remove(&ClusterName::new("c2")));
    assert!(!parsed.remove(&ClusterName::new("c2")));
    assert!(parsed.remove(&ClusterName::new("c1")));
    assert_eq!(parsed.to_json(), "{}");
}

#[test]
fn equal_addresses_of_two_clusters_are_told_once() {
    let members = [member("c1", &["192.0.2.1"], true), member("c2", &["192.0.2.1"], true)];
    assert_eq!(status(&members, "{}"), ["192.0.2.1"]);
    let both = Ingress { ip: "192.0.2.1".into(), hostname: "lb.example".into() };
    let mut members = members;
    members[1].ingress = vec![both.clone()];
    let all = load_balancer_ingress(&members, &ServiceIngresses::default());
    assert_eq!(all, [ingress("192.0.2.1"), both]);
}

#[test]
fn what_people_write_is_read() {
    let rows = [
        ("{}", "{}"),
        (r#"{"items":null}"#, "{}"),
        (r#"{"items":[]}"#, "{}"),
        (r#"{"items":[{"cluster":"c1"}]}"#, r#"{"items":[{"cluster":"c1","items":null}]}"#),
        (
            r#"{"items":[{"cluster":"b","items":[]},{"cluster":"a","items":[{"ip":"192.0.2.1","hostname":"x","ipMode":"VIP"}]}],"more":1}"#,
            r#"{"items":[{"cluster":"a","items":[{"ip":"192.0.2.1","hostname":"x"}]},{"cluster":"b","items":[]}]}"#,
        ),
        (
            r#"{"items":[{"cluster":"c1","items":[{"hostname":"a<b>&c"}]}]}"#,
            r#"{"items":[{"cluster":"c1","items":[{"hostname":"a\u003cb\u003e\u0026c"}]}]}"#,
        ),
    ];
    for (text, expect) in rows {
        assert_eq!(ServiceIngresses::parse(text).unwrap().to_json(), expect, "{text}");
    }
}

#[test]
fn errors_say_where_and_what() {
    let rows = [
        ("", "line 1 column 0: found nothing, wanted JSON"),
        ("3", "the whole: found 3, wanted an object"),
        (r#"{"items":{}}"#, "items: found {}, wanted an array"),
        (r#"{"items":[{"items":[]}]}"#, "items[0]: found no cluster, wanted the cluster"),
        (
            r#"{"items":[{"cluster":"c1","items":[{"ip":1}]}]}"#,
            "items[0].items[0].ip: found 1, wanted a string",
        ),
        (
            r#"{"items":[{"cluster":"c1"},{"cluster":"c1"}]}"#,
            "the whole: found cluster \"c1\" a second time, wanted each cluster once",
        ),
    ];
    for (text, expect) in rows {
        let error = ServiceIngresses::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("{SERVICE_INGRESSES}: {expect}"));
    }
}
