use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clusters::federation::listed::listed;
use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config, ResourceExt};
use kube_runtime::watcher::{self, Event};
use serde_json::{Value, json};
use tests::eventually::GENEROUS;
use tests::fakes::http_server::{HttpServer, Reply, Request};
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_watch_that_ends_goes_on_where_it_was,
            versions_that_went_back_are_listed_anew,
            an_event_of_the_past_is_listed_anew,
            a_list_in_pages_is_one_list;
    }
}

/// What the server says, one after the other: `(what is asked, the answer)`.
type Script = Vec<(&'static str, String)>;

fn map(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "resourceVersion": version}})
}

fn list(version: &str, token: &str, items: &[Value]) -> String {
    let metadata = json!({"resourceVersion": version, "continue": token});
    json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": items})
        .to_string()
}

fn event(kind: &str, object: &Value) -> String {
    let mut object = object.clone();
    (object["kind"], object["apiVersion"]) = ("ConfigMap".into(), "v1".into());
    json!({"type": kind, "object": object}).to_string() + "\n"
}

/// `list`, `one` (of a list), `page TOKEN`, `watch VERSION`.
fn asked(request: &Request) -> String {
    let of = |key: &str| {
        let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(found, _)| *found == key).map(|(_, value)| value.to_owned())
    };
    match (of("watch"), of("continue"), of("limit").as_deref()) {
        (Some(_), ..) => format!("watch {}", of("resourceVersion").unwrap_or_default()),
        (_, Some(token), _) => format!("page {token}"),
        (.., Some("1")) => "one".into(),
        _ => "list".into(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The events that a server of this script leads to, as words, until it has nothing more to say.
fn events(script: Script, count: usize) -> Vec<String> {
    let expected = Arc::new(Mutex::new(script.into_iter()));
    let wrong = Arc::new(Mutex::new(Vec::new()));
    let (said, seen) = (Arc::clone(&expected), Arc::clone(&wrong));
    let server = HttpServer::start(move |request| {
        let asked = asked(request);
        let Some((wanted, body)) = lock(&said).next() else { return Reply::Silence };
        if asked != wanted {
            lock(&seen).push(format!("{asked} instead of {wanted}"));
        }
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply::Answer { status: 200, headers, body }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let told = runtime.expect("a runtime starts").block_on(async {
        let config = Config::new(server.url().parse().expect("a URL"));
        let client = Client::try_from(config).expect("a client is made");
        let stream =
            listed(Api::<ConfigMap>::default_namespaced(client), watcher::Config::default());
        pin_mut!(stream);
        let mut told = Vec::new();
        while told.len() < count {
            let next = tokio::time::timeout(GENEROUS, stream.next()).await;
            let next = next.unwrap_or_else(|_| panic!("nothing after {told:?}"));
            told.push(words(next.expect("it never ends")));
        }
        told
    });
    assert_eq!(*lock(&wrong), Vec::<String>::new());
    told
}

fn words(event: watcher::Result<Event<ConfigMap>>) -> String {
    match event {
        Ok(Event::Init) => "begin".into(),
        Ok(Event::InitApply(map)) => format!("has {}", map.name_any()),
        Ok(Event::InitDone) => "end".into(),
        Ok(Event::Apply(map)) => format!("changed {}", map.name_any()),
        Ok(Event::Delete(map)) => format!("deleted {}", map.name_any()),
        Err(error) => error.to_string(),
    }
}

fn bookmark(version: &str) -> String {
    event("BOOKMARK", &json!({"metadata": {"resourceVersion": version}}))
}

fn a_watch_that_ends_goes_on_where_it_was() {
    let script = vec![
        ("list", list("100", "", &[map("a", "7")])),
        ("watch 100", event("MODIFIED", &map("a", "120")) + &bookmark("130")),
        ("one", list("130", "", &[])),
        ("watch 130", event("DELETED", &map("a", "131"))),
    ];
    assert_eq!(events(script, 5), ["begin", "has a", "end", "changed a", "deleted a"]);
}

fn versions_that_went_back_are_listed_anew() {
    let script = vec![
        ("list", list("100", "", &[map("a", "7")])),
        ("watch 100", String::new()),
        ("one", list("99", "", &[map("b", "8")])),
        ("list", list("99", "", &[map("b", "8")])),
        ("watch 99", event("ADDED", &map("c", "101"))),
    ];
    let expect = ["begin", "has a", "end", "begin", "has b", "end", "changed c"];
    assert_eq!(events(script, expect.len()), expect);
}

fn an_event_of_the_past_is_listed_anew() {
    for past in [event("ADDED", &map("b", "50")), bookmark("50")] {
        let script = vec![
            ("list", list("100", "", &[])),
            ("watch 100", past),
            ("list", list("51", "", &[map("b", "50")])),
        ];
        assert_eq!(events(script, 5), ["begin", "end", "begin", "has b", "end"]);
    }
}

fn a_list_in_pages_is_one_list() {
    let script = vec![
        ("list", list("100", "more", &[map("a", "7")])),
        ("page more", list("100", "", &[map("b", "8")])),
        ("watch 100", event("ADDED", &map("c", "101"))),
    ];
    assert_eq!(events(script, 5), ["begin", "has a", "has b", "end", "changed c"]);
}
