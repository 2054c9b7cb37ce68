use model::ClusterName;
use planner::annotations::OVERRIDES;
use planner::overrides::{OverrideProblem, Overrides};
use serde_json::{Value, json};

fn object() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "default", "uid": "u1", "finalizers": ["fedns.io/members"],
            "labels": {"app": "web"},
            "annotations": {"fedns.io/owner": "fed", "note": "x"},
        },
        "spec": {"replicas": 3, "args": ["a", "b"]},
    })
}

/// Applies one list of operations of cluster `c1`.
fn apply(operations: &str) -> Result<Value, String> {
    let overrides = Overrides::parse(&format!(r#"{{"c1":{operations}}}"#)).unwrap();
    let mut changed = object();
    let done = overrides.apply(&ClusterName::new("c1"), &mut changed);
    let Err(error) = done else { return Ok(changed) };
    assert_eq!(changed, object(), "half of it was applied");
    Err(error.to_string())
}

#[test]
fn operations() {
    let rows = [
        (r#"{"op":"replace","path":"/spec/replicas","value":5}"#, "/spec/replicas", json!(5)),
        (r#"{"op":"add","path":"/spec/paused","value":true}"#, "/spec/paused", json!(true)),
        (r#"{"op":"add","path":"/spec/args/1","value":"x"}"#, "/spec/args", json!(["a", "x", "b"])),
        (r#"{"op":"add","path":"/spec/args/-","value":"x"}"#, "/spec/args", json!(["a", "b", "x"])),
        (r#"{"op":"remove","path":"/spec/args/0"}"#, "/spec/args", json!(["b"])),
        (r#"{"op":"replace","path":"/spec/args","value":null}"#, "/spec/args", json!(null)),
        (
            r#"{"op":"add","path":"/metadata/annotations/example.com~1a~0b","value":"1"}"#,
            "/metadata/annotations/example.com~1a~0b",
            json!("1"),
        ),
    ];
    for (operation, path, expect) in rows {
        let changed = apply(&format!("[{operation}]")).unwrap();
        assert_eq!(changed.pointer(path), Some(&expect), "{operation}");
    }
    assert_eq!(apply(r#"[{"op":"remove","path":"/spec"}]"#).unwrap().get("spec"), None);
    let two = r#"[{"op":"add","path":"/spec/new","value":{}},{"op":"add","path":"/spec/new/x","value":1}]"#;
    assert_eq!(apply(two).unwrap().pointer("/spec/new/x"), Some(&json!(1)));
    assert_eq!(apply("[]").unwrap(), object());
}

#[test]
fn another_cluster_is_left_alone() {
    let overrides = Overrides::parse(r#"{"c1":[{"op":"remove","path":"/spec"}],"c9":[]}"#).unwrap();
    let mut untouched = object();
    overrides.apply(&ClusterName::new("c2"), &mut untouched).unwrap();
    assert_eq!(untouched, object());
    let names: Vec<&str> = overrides.clusters().map(ClusterName::as_str).collect();
    assert_eq!(names, ["c1", "c9"]);
}

#[test]
fn what_does_not_fit_the_object() {
    let fitting = r#"{"op":"replace","path":"/spec/replicas","value":5}"#;
    let rows = [
        r#"{"op":"replace","path":"/spec/nothing","value":1}"#,
        r#"{"op":"remove","path":"/spec/nothing"}"#,
        r#"{"op":"remove","path":"/spec/args/2"}"#,
        r#"{"op":"remove","path":"/spec/args/-"}"#,
        r#"{"op":"remove","path":""}"#,
        r#"{"op":"add","path":"/spec/args/4","value":1}"#,
        r#"{"op":"add","path":"/spec/nothing/deeper","value":1}"#,
        r#"{"op":"add","path":"/kind/x","value":1}"#,
    ];
    for operation in rows {
        let parsed: Value = serde_json::from_str(operation).unwrap();
        let expect = format!(
            "{OVERRIDES}: c1[1]: {} {}: the object has no such path",
            parsed["op"].as_str().unwrap(),
            parsed["path"].as_str().unwrap(),
        );
        assert_eq!(apply(&format!("[{fitting},{operation}]")), Err(expect));
    }
}

#[test]
fn what_may_not_be_overridden() {
    let rows = [
        (r#"{"op":"replace","path":"/apiVersion","value":"v1"}"#, "/apiVersion"),
        (r#"{"op":"replace","path":"/kind","value":"Job"}"#, "/kind"),
        (r#"{"op":"replace","path":"/metadata/name","value":"x"}"#, "/metadata/name"),
        (r#"{"op":"add","path":"/metadata/namespace","value":"x"}"#, "/metadata/namespace"),
        (r#"{"op":"remove","path":"/metadata/uid"}"#, "/metadata/uid"),
        (r#"{"op":"remove","path":"/metadata/finalizers/0"}"#, "/metadata/finalizers"),
        (r#"{"op":"remove","path":"/metadata"}"#, "/metadata/annotations/fedns.io~1owner"),
        (r#"{"op":"replace","path":"","value":{}}"#, "/apiVersion"),
        (
            r#"{"op":"remove","path":"/metadata/annotations"}"#,
            "/metadata/annotations/fedns.io~1owner",
        ),
        (
            r#"{"op":"add","path":"/metadata/annotations/federation.kubernetes.io~1x","value":""}"#,
            "/metadata/annotations/federation.kubernetes.io~1x",
        ),
        (
            r#"{"op":"replace","path":"/metadata/labels","value":{"fedns.io/local":""}}"#,
            "/metadata/labels/fedns.io~1local",
        ),
    ];
    for (operation, protected) in rows {
        let error = apply(&format!("[{operation}]")).unwrap_err();
        let expect = format!(": {protected} may not be overridden");
        assert!(error.ends_with(&expect), "{operation}: {error}");
    }
    let same = r#"[{"op":"replace","path":"/metadata/name","value":"web"}]"#;
    assert_eq!(apply(same).unwrap(), object(), "to say the same is no change");
}

#[test]
fn an_error_has_its_parts() {
    let overrides =
        Overrides::parse(r#"{"c1":[{"op":"replace","path":"/kind","value":"Job"}]}"#).unwrap();
    let error = overrides.apply(&ClusterName::new("c1"), &mut object()).unwrap_err();
    assert_eq!((error.cluster.as_str(), error.index), ("c1", 0));
    assert_eq!((error.verb, error.path.as_str()), ("replace", "/kind"));
    assert_eq!(error.problem, OverrideProblem::Protected("/kind".into()));
}

#[test]
fn errors_say_where_and_what() {
    let rows = [
        ("{", "line 1 column 1: found {, wanted JSON"),
        ("[]", "the whole: found [], wanted an object"),
        (r#"{"c1":{}}"#, "c1: found {}, wanted an array"),
        (r#"{"c1":["x"]}"#, "c1[0]: found \"x\", wanted an object"),
        (r#"{"c1":[{"path":"/a"}]}"#, "c1[0]: found no op, wanted the op"),
        (r#"{"c1":[{"op":"remove"}]}"#, "c1[0]: found no path, wanted the path"),
        (
            r#"{"c1":[{"op":"remove","path":"/a"},{"op":"add","path":"/a"}]}"#,
            "c1[1]: found no value, wanted the value",
        ),
        (
            r#"{"c1":[{"op":"move","path":"/a","from":"/b"}]}"#,
            "c1[0]: found the key \"from\", wanted op, path or value",
        ),
        (
            r#"{"c1":[{"op":"copy","path":"/a"}]}"#,
            "c1[0].op: found \"copy\", wanted add, remove or replace",
        ),
        (
            r#"{"c1":[{"op":"remove","path":"spec"}]}"#,
            "c1[0].path: found \"spec\", wanted a JSON pointer such as /spec/replicas",
        ),
        (
            r#"{"c1":[{"op":"remove","path":"/a~2"}]}"#,
            "c1[0].path: found \"/a~2\", wanted a JSON pointer such as /spec/replicas",
        ),
    ];
    for (text, expect) in rows {
        let error = Overrides::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("{OVERRIDES}: {expect}"));
    }
}
