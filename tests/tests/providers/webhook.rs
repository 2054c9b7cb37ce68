use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Level, Name, Rdata, RecordSet, RecordType};
use providers::hosted::HostedSet;
use providers::provider::{Failure, FailureKind};
use providers::sync::change::{Change, ChangeKind, Role, SetChange};
use providers::webhook::{Client, Options, WebhookUrl, WebhookZone};
use providers::{Provider, SystemClock};
use tests::eventually::GENEROUS;
use tests::external_dns::{Backend, Webhook};
use tests::fakes::http_server::{HttpServer, Reply, Request};
use tests::name_server::ZONE;
use tests::need::Need;
use tests::suite::Test;
use tests::webhook::{APPLY, Fault, LIST, MEDIA_TYPE, StrictWebhook};
use tokio::runtime::Runtime;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => a_call_that_times_out_was_carried_out_all_the_same,
            what_does_not_land_is_not_taken_for_landed;
        [] => a_webhook_of_another_version_is_told,
            an_answer_without_end_is_not_read,
            lists_that_are_null_are_empty,
            what_no_filter_lets_through_is_not_sent;
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Our client, and what it runs on: its connections stay with it.
struct Connected {
    zone: WebhookZone,
    runtime: Runtime,
}

fn connect(port: u16, timeout: Duration) -> Result<Connected, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("make a runtime");
    let url = WebhookUrl::parse(&format!("http://127.0.0.1:{port}")).expect("a URL");
    let client = Client::new(Options { url, timeout }, Arc::new(SystemClock))?;
    let zone = runtime.block_on(WebhookZone::connect(Arc::new(client), &name(ZONE), None))?;
    Ok(Connected { zone, runtime })
}

impl Connected {
    fn list(&self) -> Result<Vec<HostedSet>, Failure> {
        self.runtime.block_on(self.zone.list())
    }

    fn apply(&self, changes: &[Change]) -> Result<(), Failure> {
        self.runtime.block_on(self.zone.apply(changes))
    }
}

fn creation(at: &str) -> [Change; 1] {
    let set = SetChange {
        name: name(at),
        record_type: RecordType::A,
        role: Role::Data,
        before: None,
        after: Some(RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()))),
    };
    [Change { name: name(at), level: Level::Global, kind: ChangeKind::Create, sets: vec![set] }]
}

fn before_memory() -> StrictWebhook {
    StrictWebhook::before(Webhook::start(Backend::Memory { zone: ZONE }, ""))
}

fn a_call_that_times_out_was_carried_out_all_the_same() {
    let webhook = before_memory();
    let it = connect(webhook.port(), Duration::from_secs(4)).expect("it is there");
    webhook.inject(LIST, [Fault::SilenceBefore]);
    let failure = it.list().expect_err("nobody answers");
    assert_eq!(failure.kind, FailureKind::Later(None), "{failure}");
    webhook.inject(APPLY, [Fault::SilenceAfter]);
    let changes = creation("www.example.com");
    let failure = it.apply(&changes).expect_err("nobody answers");
    assert_eq!(failure.kind, FailureKind::Later(None), "{failure}");
    let words = "POST /records: no answer in time; what stands there is listed anew";
    assert!(failure.line.ends_with(words), "{failure}");
    assert_eq!(it.list().expect("a list").len(), 1);
    let failure = it.apply(&changes).expect_err("it stands there");
    assert_eq!(failure.kind, FailureKind::Moved, "{failure}");
    assert_eq!(webhook.count(APPLY), 1);
}

fn what_does_not_land_is_not_taken_for_landed() {
    let webhook = before_memory();
    let it = connect(webhook.port(), GENEROUS).expect("it is there");
    webhook.inject(APPLY, [Fault::Dry]);
    let failure = it.apply(&creation("www.example.com")).expect_err("it does not stand");
    assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
    it.apply(&creation("www.example.com")).expect("it lands");
    assert_eq!(webhook.server.records(), ["www.example.com. 180 A 192.0.2.1"]);
    assert_eq!(webhook.violations(), [""; 0]);
}

/// A server that answers each call with the same, and the calls that it got.
fn server(media_type: &'static str, body: &'static str) -> (HttpServer, Arc<Mutex<Vec<Request>>>) {
    let calls: Arc<Mutex<Vec<Request>>> = Arc::default();
    let called = Arc::clone(&calls);
    let server = HttpServer::start(move |request| {
        called.lock().expect("no test panics with it").push(request.clone());
        let headers = vec![("content-type", media_type.to_owned())];
        Reply::Answer { status: 200, headers, body: body.to_owned() }
    });
    (server, calls)
}

fn a_webhook_of_another_version_is_told() {
    let other = "application/external.dns.webhook+json;version=2";
    for (media_type, body) in [(other, "{}"), ("text/html", "<p>Hello</p>")] {
        let (server, calls) = server(media_type, body);
        let failure = connect(server.port(), GENEROUS).err().expect("no such webhook");
        assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
        let words = format!("its answer is of type {media_type}, not {MEDIA_TYPE}");
        assert!(failure.line.contains(&words), "{failure}");
        let calls = calls.lock().expect("no test panics with it");
        let [call] = calls.as_slice() else { panic!("{calls:?}") };
        assert_eq!(call.header("accept"), Some(MEDIA_TYPE));
    }
}

fn an_answer_without_end_is_not_read() {
    let long: &'static str = Box::leak(" ".repeat(32 * 1024 * 1024 + 1).into_boxed_str());
    let (server, _) = server(MEDIA_TYPE, long);
    let failure = connect(server.port(), GENEROUS).err().expect("too long");
    let words = "the answer broke off: the answer is longer than 33554432 bytes";
    assert!(failure.line.ends_with(words), "{failure}");
}

fn lists_that_are_null_are_empty() {
    let (server, _) = server(MEDIA_TYPE, "null");
    let it = connect(server.port(), GENEROUS).expect("every domain is served");
    assert_eq!(it.zone.zone(), &name(ZONE));
    assert_eq!(it.list(), Ok(Vec::new()));
}

fn what_no_filter_lets_through_is_not_sent() {
    let filter = r#"{"include": [".com", "example.com"], "exclude": ["x.example.com"]}"#;
    let (server, calls) = server(MEDIA_TYPE, filter);
    let it = connect(server.port(), GENEROUS).expect("it is served");
    let failure = it.apply(&creation("www.x.example.com")).expect_err("it is excluded");
    assert_eq!(failure.kind, FailureKind::Refused, "{failure}");
    let words = "its domain filter, com., example.com. but not x.example.com., does not let \
                 www.x.example.com. through";
    assert!(failure.line.contains(words), "{failure}");
    assert_eq!(calls.lock().expect("no test panics with it").len(), 1);
}
