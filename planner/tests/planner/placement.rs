use model::ClusterName;
use planner::annotations::CLUSTER_SELECTOR;
use planner::placement::{ClusterSelector, Labels, Placement};

fn labels(text: &str) -> Labels {
    let pairs = text.split_whitespace().map(|word| word.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> String {
    format!(r#"{{"key":{key:?},"operator":{operator:?},"values":{values:?}}}"#)
}

fn matches(requirements: &[String]) -> bool {
    let selector = ClusterSelector::parse(&format!("[{}]", requirements.join(","))).unwrap();
    selector.matches(&labels("location=europe environment=prod version=15")).is_ok()
}

/// The rows of the first federation's test.
#[test]
fn golden_rows() {
    let location = || requirement("location", "in", &["europe"]);
    assert!(matches(&[location()]));
    assert!(matches(&[location(), requirement("environment", "==", &["prod"])]));
    assert!(!matches(&[location(), requirement("environment", "==", &["test"])]));
    assert!(ClusterSelector::parse("[{\"key\": \"location\"").is_err());
}

#[test]
fn every_operator() {
    let rows: [(&str, &str, &[&str], bool); 36] = [
        ("location", "in", &["asia", "europe"], true),
        ("location", "In", &["asia"], false),
        ("absent", "In", &["asia"], false),
        ("absent", "In", &[""], false),
        ("location", "notin", &["asia", "europe"], false),
        ("location", "NotIn", &["asia"], true),
        ("absent", "NotIn", &["asia"], true),
        ("location", "exists", &[], true),
        ("location", "Exists", &[], true),
        ("absent", "Exists", &[], false),
        ("location", "!", &[], false),
        ("location", "DoesNotExist", &[], false),
        ("absent", "!", &[], true),
        ("absent", "DoesNotExist", &[], true),
        ("location", "=", &["europe"], true),
        ("location", "=", &["asia"], false),
        ("location", "==", &["europe"], true),
        ("absent", "==", &["europe"], false),
        ("location", "!=", &["europe"], false),
        ("location", "!=", &["asia"], true),
        ("absent", "!=", &["asia"], true),
        ("version", "gt", &["14"], true),
        ("version", "Gt", &["15"], false),
        ("version", ">", &["3"], true),
        ("version", "lt", &["16"], true),
        ("version", "Lt", &["15"], false),
        ("version", "<", &["3"], false),
        ("location", "Gt", &["3"], false),
        ("location", "Lt", &["3"], false),
        ("absent", "Gt", &["3"], false),
        ("absent", "Lt", &["3"], false),
        ("Location", "Exists", &[], false),
        ("fedns.io/Some_key.x", "DoesNotExist", &[], true),
        ("version", "In", &["15", "15"], true),
        ("version", "NotIn", &["15", "15"], false),
        ("version", "=", &["015"], false),
    ];
    for (key, operator, values, expect) in rows {
        let found = matches(&[requirement(key, operator, values)]);
        assert_eq!(found, expect, "{key} {operator} {values:?}");
    }
}

#[test]
fn no_requirement_matches_every_cluster() {
    for text in ["[]", "null", " [ ] "] {
        assert_eq!(ClusterSelector::parse(text).unwrap(), ClusterSelector::default(), "{text}");
    }
    assert!(ClusterSelector::default().matches(&Labels::new()).is_ok());
    assert!(ClusterSelector::parse(r#"[{"Key":"a","Operator":"exists","Values":null}]"#).is_ok());
}

#[test]
fn errors_say_where_and_what() {
    let rows = [
        (
            "federation.kubernetes.io/federation-control-plane=true",
            "line 1 column 2: found federation.kubernetes.io/federation-control-plane=true, wanted JSON",
        ),
        (r#"{"key":"a"}"#, "the whole: found {\"key\":\"a\"}, wanted an array"),
        ("[1]", "[0]: found 1, wanted an object"),
        (r#"[{"operator":"in"}]"#, "[0]: found no key, wanted the key"),
        (r#"[{"key":"a"}]"#, "[0]: found no operator, wanted the operator"),
        (
            r#"[{"key":"a","operator":"in","value":["x"]}]"#,
            "[0]: found the key \"value\", wanted key, operator or values",
        ),
        (
            r#"[{"key":"a","operator":"near"}]"#,
            "[0].operator: found \"near\", wanted In, NotIn, Exists, DoesNotExist, =, ==, !=, Gt or Lt",
        ),
        (
            r#"[{"key":"a","operator":"In"}]"#,
            "[0]: found no values, wanted at least one value with operator \"In\"",
        ),
        (
            r#"[{"key":"a","operator":"=","values":["x","y"]}]"#,
            "[0]: found 2 values, wanted one value with operator \"=\"",
        ),
        (
            r#"[{"key":"a","operator":"Exists","values":["x"]}]"#,
            "[0]: found one value, wanted no values with operator \"Exists\"",
        ),
        (
            r#"[{"key":"a","operator":"Gt","values":["x"]}]"#,
            "[0]: found the value \"x\", wanted an integer",
        ),
        (
            r#"[{"key":"a","operator":"In","values":["x", 3]}]"#,
            "[0].values[1]: found 3, wanted a string",
        ),
        (
            r#"[{"key":"a","operator":"In","values":["x y"]}]"#,
            "[0].values[0]: found \"x y\", wanted the value of a label",
        ),
        (
            r#"[{"key":"-a","operator":"Exists"}]"#,
            "[0].key: found \"-a\", wanted the key of a label",
        ),
        (
            r#"[{"key":"A/a","operator":"Exists"}]"#,
            "[0].key: found \"A/a\", wanted the key of a label",
        ),
    ];
    for (text, expect) in rows {
        let error = ClusterSelector::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("{CLUSTER_SELECTOR}: {expect}"));
    }
}

#[test]
fn clusters_are_selected_or_it_is_said_why_not() {
    let names: Vec<ClusterName> =
        (1..=5).map(|number| ClusterName::new(&format!("c{number}"))).collect();
    let europe = labels("location=europe tier=2");
    let asia = labels("location=asia");
    let clusters = names.iter().zip([&europe, &asia, &asia, &asia, &asia]);
    let select = |text: &str| ClusterSelector::parse(text).unwrap().select(clusters.clone());

    let some = select(r#"[{"key":"location","operator":"in","values":["europe"]}]"#);
    assert_eq!(some.clusters().collect::<Vec<_>>(), [&names[0]]);
    assert_eq!(select("[]").clusters().count(), 5);

    let none = select(
        r#"[{"key":"location","operator":"in","values":["europe","africa"]},
            {"key":"tier","operator":"gt","values":["2"]}]"#,
    );
    assert_eq!(none.clusters().count(), 0);
    let Placement::NoneMatched(reason) = none else { panic!("{none:?}") };
    assert_eq!(
        reason.to_string(),
        "no cluster matches federation.alpha.kubernetes.io/cluster-selector: c1 does not meet \
         tier>2; c2 does not meet location in (africa,europe); c3 does not meet location in \
         (africa,europe); and 2 more"
    );

    let nobody = ClusterSelector::default().select([]);
    let Placement::NoneMatched(reason) = nobody else { panic!("{nobody:?}") };
    assert_eq!(reason.to_string(), "no cluster has joined the federation");
}
