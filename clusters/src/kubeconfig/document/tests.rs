use super::*;

/// A kubeconfig with what none may lose: comments, unknown keys, odd order, several styles.
const OLD: &str = "\
# mine
kind: Config
users:            # people
  - name: ann
    user:
      # rotated in May
      token: 's3cret'
      x-note: |
        two
        lines

  # the other
  - name: bob
    user: {exec: {command: get-token, args: [\"-x\", 010, yes]}}
clusters:
- cluster:
    server: https://192.0.2.1:6443
    extensions: [{name: e, extension: {provider: minikube, last: 2026-01-01}}]
  name: one
preferences: {}
contexts:
- {name: a, context: {cluster: one, user: ann, namespace: shop}}
current-context: a
";

fn entry(list: List, name: &str) -> Node {
    Node::map([
        (list.item_key(), Node::map([("key", Node::text("12")), ("plain", Node::plain("12"))])),
        ("name", Node::text(name)),
    ])
}

/// Makes a change to a text and compares the text; made again it changes nothing.
#[track_caller]
fn check(
    before: &str,
    edit: impl Fn(&mut Document) -> Result<Change, Fault>,
    expect: Result<&str, &str>,
) {
    let result = Document::new(before.to_owned()).and_then(|mut document| {
        edit(&mut document)?;
        assert_eq!(edit(&mut document), Ok(Change::Unchanged));
        Ok(document.text().to_owned())
    });
    let result = result.map_err(|fault| fault.to_string());
    assert_eq!(result.as_deref(), expect.map_err(str::to_owned).as_ref().copied());
}

fn put(list: List, name: &str) -> impl Fn(&mut Document) -> Result<Change, Fault> {
    let entry = entry(list, name);
    move |document| document.put(list, &entry)
}

fn remove(list: List, name: &str) -> impl Fn(&mut Document) -> Result<Change, Fault> {
    move |document| document.remove(list, name)
}

#[test]
fn an_entry_is_put_behind_all_others_and_no_other_byte_changes() {
    let user = "  - user:\n      key: \"12\"\n      plain: 12\n    name: new\n";
    let cluster = "- cluster:\n    key: \"12\"\n    plain: 12\n  name: new\n";
    let at = |mark: &str, text: &str| OLD.replace(mark, &format!("{text}{mark}"));
    check(OLD, put(List::Users, "new"), Ok(&at("clusters:\n", user)));
    check(OLD, put(List::Clusters, "new"), Ok(&at("preferences", cluster)));
    let context = cluster.replace("cluster", "context");
    check(OLD, put(List::Contexts, "new"), Ok(&at("current-context", &context)));
}

#[test]
fn an_entry_of_the_same_name_is_replaced_in_its_place() {
    let (before, rest) = OLD.split_once("  - name: ann\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let user = "  - user:\n      key: \"12\"\n      plain: 12\n    name: ann\n";
    check(OLD, put(List::Users, "ann"), Ok(&format!("{before}{user}{after}")));
}

#[test]
fn an_entry_is_removed_and_no_other_byte_changes() {
    let (before, rest) = OLD.split_once("  - name: ann\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    check(OLD, remove(List::Users, "ann"), Ok(&format!("{before}{after}")));
    let last = OLD.find("  - name: bob").unwrap()..OLD.find("clusters:\n").unwrap();
    let mut text = OLD.to_owned();
    text.replace_range(last, "");
    check(OLD, remove(List::Users, "bob"), Ok(&text));
    let text = "a: 1\nusers: # people\n# none\n- name: x\nb: 2\n";
    check(text, remove(List::Users, "x"), Ok("a: 1\nusers: [] # people\n# none\nb: 2\n"));
    check(OLD, remove(List::Users, "nobody"), Ok(OLD));
}

#[test]
fn the_first_entry_of_a_list_is_put_wherever_the_list_may_be() {
    let item = "- user:\n    key: \"12\"\n    plain: 12\n  name: u\n";
    let put = || put(List::Users, "u");
    check("", put(), Ok(&format!("apiVersion: v1\nkind: Config\nusers:\n{item}")));
    check("# c", put(), Ok(&format!("# c\napiVersion: v1\nkind: Config\nusers:\n{item}")));
    check("a: 1", put(), Ok(&format!("a: 1\nusers:\n{item}")));
    for nothing in ["", " null", " ~", " []"] {
        let (text, expect) =
            (format!("users:{nothing} # c\na: 1\n"), format!("users: # c\n{item}a: 1\n"));
        check(&text, put(), Ok(&expect));
    }
    check("users:\na: 1\n", put(), Ok(&format!("users:\n{item}a: 1\n")));
    check("users: []", put(), Ok(&format!("users:\n{item}")));
    check("---\na: 1\n...\n", put(), Ok(&format!("---\na: 1\nusers:\n{item}...\n")));
}

#[test]
fn json_stays_json() {
    let json = r#"{"user": {"key": "12", "plain": 12}, "name": "u"}"#;
    let put = || put(List::Users, "u");
    check("{}", put(), Ok(&format!(r#"{{"users": [{json}]}}"#)));
    check(r#"{"a": 1}"#, put(), Ok(&format!(r#"{{"a": 1, "users": [{json}]}}"#)));
    check(r#"{"users": null}"#, put(), Ok(&format!(r#"{{"users": [{json}]}}"#)));
    check(r#"{"users": []}"#, put(), Ok(&format!(r#"{{"users": [{json}]}}"#)));
    let one = r#"{"users": [{"name": "o"}]}"#;
    let two = format!(r#"{{"users": [{{"name": "o"}}, {json}]}}"#);
    check(one, put(), Ok(&two));
    check(&two, remove(List::Users, "u"), Ok(one));
    check(&two, remove(List::Users, "o"), Ok(&format!(r#"{{"users": [{json}]}}"#)));
    check(one, remove(List::Users, "o"), Ok(r#"{"users": []}"#));
}

#[test]
fn the_current_context_is_set_where_it_stands() {
    let set = |document: &mut Document| document.set_current_context("on");
    for before in ["", " \"\"", " null", " a", " 'a'"] {
        let text = format!("current-context:{before} # c\n");
        check(&text, set, Ok("current-context: \"on\" # c\n"));
    }
    check("a: 1\n", set, Ok("a: 1\ncurrent-context: \"on\"\n"));
    check(r#"{"a": 1}"#, set, Ok(r#"{"a": 1, "current-context": "on"}"#));
}

#[test]
fn what_is_no_kubeconfig_is_refused_with_its_place_and_without_its_text() {
    let put = || put(List::Users, "u");
    let cases = [
        ("users: [s3cret", "line 1, column 8: no valid YAML: mend it"),
        ("a: !s3cret 1", "line 1, column 12: a tag (!) has no meaning in a kubeconfig: mend it"),
        ("a: 1\n---\nb: 1\n", "line 3, column 1: a second document begins: mend it"),
        ("a: 1\na: 2\n", "line 2, column 1: a key stands there twice: mend it"),
        ("a: &x {}\nb: {<<: *x}\n", "line 2, column 5: merge keys (<<) are not taken: mend it"),
        (
            "s3cret",
            "it is no map of `clusters`, `contexts` and `users`: mend it, or name another file",
        ),
        (
            "users: {s3cret: 1}",
            "its `users` is no list of entries with a `name`: mend it, or name another file",
        ),
        (
            "users: [{user: {token: s3cret}}]",
            "its `users` is no list of entries with a `name`: mend it, or name another file",
        ),
        (
            "users: [{name: o, user: s3cret}]",
            "its `users` has \"o\", whose `user` is no map: mend it",
        ),
        ("users: [{name: o}, {name: o}]", "its `users` has \"o\" twice: remove one of them"),
    ];
    for (text, line) in cases {
        check(text, put(), Err(line));
    }
}

#[test]
fn a_change_that_would_mean_something_else_is_refused() {
    let form = "its `users` is written in a form that cannot be changed in place: let kubectl write it \
                anew (any `kubectl config set`), and try again";
    let anchored = "users:\n- &o\n  name: o\nclusters: [*o]\n";
    check(anchored, remove(List::Users, "o"), Err(form));
    check("users:\n- # first\n  name: o\n", remove(List::Users, "o"), Err(form));
}

#[test]
fn what_is_written_reads_back_as_the_same() {
    let texts = [
        "",
        "yes",
        "12",
        "1e3",
        "0x1f",
        "2026-01-01",
        "~",
        "null",
        ".inf",
        "a: b",
        "a #b",
        "- a",
        "é",
        "\u{7}\u{85}\u{2028}\"\\\n\t",
        "https://[2001:db8::1]:6443",
        "trailing:",
        "{a}",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        " a ",
    ];
    let values = texts.iter().map(|text| Node::text(*text));
    let plain = ["12", "1.5", "true", "null", ""].iter().map(|text| Node::plain(text));
    let nested =
        Node::List(vec![Node::List(vec![]), Node::List(vec![Node::map([])]), Node::map([])]);
    let values: Vec<Node> = values.chain(plain).chain([nested]).collect();
    let keyed: Vec<_> = texts.iter().map(|text| ((*text).to_owned(), Node::text("v"))).collect();
    let keyed = keyed.into_iter().filter(|(key, _)| key != "<<").collect();
    let entry = Node::map([
        ("name", Node::text("u")),
        (
            "user",
            Node::Map(vec![("list".into(), Node::List(values)), ("map".into(), Node::Map(keyed))]),
        ),
    ]);
    for start in ["", "{}", "users:\n    - {name: o}\n"] {
        let mut document = Document::new(start.into()).unwrap();
        assert_eq!(document.put(List::Users, &entry), Ok(Change::Changed));
        assert!(document.entry(List::Users, "u") == Some(entry.clone()), "{}", document.text());
    }
}
