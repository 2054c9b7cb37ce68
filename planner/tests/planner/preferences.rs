use model::ClusterName;
use planner::annotations::REPLICA_SET_PREFERENCES;
use planner::replicas::{ClusterPreference, Preferences};

fn parse(text: &str) -> Result<Preferences, String> {
    Preferences::parse(REPLICA_SET_PREFERENCES, text).map_err(|error| error.to_string())
}

#[test]
fn a_full_annotation() {
    let found = parse(
        r#"{"rebalance": true, "clusters": {
            "hangzhou": {"minReplicas": 1, "maxReplicas": 5, "weight": 2}, "*": {"weight": 1}}}"#,
    )
    .unwrap();
    let hangzhou = ClusterPreference { min_replicas: 1, max_replicas: Some(5), weight: 2 };
    let others = ClusterPreference { min_replicas: 0, max_replicas: None, weight: 1 };
    assert!(found.rebalance);
    assert_eq!(found.of(&ClusterName::new("hangzhou")), Some(hangzhou));
    assert_eq!(found.of(&ClusterName::new("beijing")), Some(others));
}

#[test]
fn everything_is_optional() {
    for text in ["{}", r#"{"clusters":null}"#, r#"{"rebalance":false}"#] {
        assert_eq!(parse(text).unwrap(), Preferences::default(), "{text}");
    }
    let only_named = parse(r#"{"clusters":{"a":{}}}"#).unwrap();
    assert_eq!(only_named.of(&ClusterName::new("a")), Some(ClusterPreference::default()));
    assert_eq!(only_named.of(&ClusterName::new("b")), None);
    assert_eq!(parse(r#"{"clusters":{}}"#).unwrap().of(&ClusterName::new("a")), None);
}

#[test]
fn keys_in_any_case() {
    let found =
        parse(r#"{"Rebalance":true,"CLUSTERS":{"*":{"minreplicas":1,"maxReplicas":null}}}"#);
    let found = found.unwrap();
    assert!(found.rebalance);
    assert_eq!(found.others.unwrap().min_replicas, 1);
}

#[test]
fn errors_say_where_and_what() {
    let rows = [
        ("", "line 1 column 0: found nothing, wanted JSON"),
        ("{\"clusters\":\n oops}", "line 2 column 2: found {\"clusters\":  oops}, wanted JSON"),
        ("[]", "the whole: found [], wanted an object"),
        (r#"{"cluster":{}}"#, "the whole: found the key \"cluster\", wanted rebalance or clusters"),
        (r#"{"rebalance":"yes"}"#, "rebalance: found \"yes\", wanted true or false"),
        (r#"{"clusters":[1]}"#, "clusters: found [1], wanted an object"),
        (r#"{"clusters":{"a":3}}"#, "clusters.a: found 3, wanted an object"),
        (
            r#"{"clusters":{"a":{"min":1}}}"#,
            "clusters.a: found the key \"min\", wanted minReplicas, maxReplicas or weight",
        ),
        (
            r#"{"clusters":{"a":{"weight":1,"Weight":2}}}"#,
            "clusters.a: found the key \"weight\" a second time, wanted it once",
        ),
        (
            r#"{"clusters":{"a":{"minReplicas":-1}}}"#,
            "clusters.a.minReplicas: found -1, wanted an integer from 0 to 2147483647",
        ),
        (
            r#"{"clusters":{"a":{"weight":1.5}}}"#,
            "clusters.a.weight: found 1.5, wanted an integer from 0 to 2147483647",
        ),
        (
            r#"{"clusters":{"a":{"weight":2147483648}}}"#,
            "clusters.a.weight: found 2147483648, wanted an integer from 0 to 2147483647",
        ),
        (
            r#"{"clusters":{"*":{"minReplicas":3,"maxReplicas":2}}}"#,
            "clusters.*: found minReplicas 3 above maxReplicas 2, wanted minReplicas at most maxReplicas",
        ),
    ];
    for (text, expect) in rows {
        let error = parse(text).unwrap_err();
        assert_eq!(error, format!("{REPLICA_SET_PREFERENCES}: {expect}"));
        assert_eq!(error.lines().count(), 1);
    }
    let long = parse(&format!("{:?}", "x".repeat(1000))).unwrap_err();
    assert!(long.len() < 200, "{long}");
    assert!(parse(&"[".repeat(100_000)).is_err(), "no depth breaks it");
}
