use serde_json::{Value, json};
use tests::external_dns::{Backend, Webhook, endpoint};
use tests::name_server::ZONE;
use tests::suite::Test;
use tests::webhook::StrictWebhook;

/// A Service from its first address to its end, beside what others have.
mod life;

/// Others change the zone, records are bad, calls fail, processes die.
mod trouble;

/// The provider makes something else of what is wanted.
mod adjusting;

/// What a webhook serves, and what is known before the first write.
mod access;

pub(crate) fn tests() -> Vec<Test> {
    let all = [life::tests(), trouble::tests(), adjusting::tests(), access::tests()];
    all.into_iter().flatten().collect()
}

type Scene = tests::scene::Scene<StrictWebhook>;

/// ExternalDNS's webhook server before its in-memory provider, where others have something.
fn prepared() -> Scene {
    let scene = empty("");
    scene
        .host
        .server
        .change(&json!({ "create": [endpoint("www.example.com", "A", 600, &["198.51.100.1"])] }));
    scene
}

fn empty(filter: &str) -> Scene {
    let server = Webhook::start(Backend::Memory { zone: ZONE }, filter);
    Scene::prepared(StrictWebhook::before(server))
}

fn created(endpoint: &Value) -> Value {
    json!({ "create": [endpoint] })
}

const OTHERS: [&str; 1] = ["www.example.com. 600 A 198.51.100.1"];

const BOTH: [&str; 6] = [
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 A 203.0.113.2",
    "nginx.default.fed.svc.cn-beijing.example.com. 180 A 203.0.113.2",
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.2",
];

/// Beijing has no healthy address.
const FAILED_OVER: [&str; 5] = [
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 CNAME nginx.default.fed.svc.cn-beijing.example.com.",
    "nginx.default.fed.svc.cn-beijing.example.com. 180 CNAME nginx.default.fed.svc.example.com.",
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.1",
    "nginx.default.fed.svc.example.com. 180 A 203.0.113.1",
];

fn with_others(lines: &[&'static str]) -> Vec<&'static str> {
    [lines, &OTHERS].concat()
}
