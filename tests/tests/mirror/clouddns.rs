use tests::fakes::clouddns::FakeCloudDns;
use tests::google::{Google, service_account};
use tests::scene::ManagedZone;
use tests::suite::Test;

/// A Service from its first address to its end, beside what others have.
mod life;

/// Others change the zone, records are bad, calls fail.
mod trouble;

/// The server is killed in the middle of a call.
mod crashes;

/// Who asks, with which rights, and which zone is meant.
mod access;

/// How often the service is called.
mod calls;

pub(crate) fn tests() -> Vec<Test> {
    let all = [life::tests(), trouble::tests(), crashes::tests(), access::tests(), calls::tests()];
    all.into_iter().flatten().collect()
}

const DOMAIN: &str = "fed.example.com";
/// The zone's name in the project.
const ID: &str = "fed-example-com";
const CREATE: &str = "changes.create";

type Scene = tests::scene::Scene<ManagedZone>;

/// At something that asks nobody who they are.
fn prepared_at(google: Google) -> Scene {
    Scene::prepared(ManagedZone::create(google, DOMAIN))
}

/// At our fake, with the key of a service account, which tells the project.
fn prepared(fake: &FakeCloudDns) -> Scene {
    let account = service_account();
    fake.trust(&account);
    with_key(fake, account.file())
}

fn with_key(fake: &FakeCloudDns, file: String) -> Scene {
    let host = ManagedZone {
        entry: ", configFile: ./key.json".into(),
        files: vec![("key.json", file)],
        ..ManagedZone::create(fake.google(), DOMAIN)
    };
    Scene::prepared(host)
}

const GLOBAL: &str = "nginx.default.fed.svc.fed.example.com. A 180 203.0.113.1 203.0.113.2";
const HANGZHOU: [&str; 2] = [
    "nginx.default.fed.svc.cn-hangzhou.fed.example.com. A 180 203.0.113.1",
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.fed.example.com. A 180 203.0.113.1",
];
const BEIJING: [&str; 2] = [
    "nginx.default.fed.svc.cn-beijing.fed.example.com. A 180 203.0.113.2",
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com. A 180 203.0.113.2",
];
/// Once Beijing has no address any more.
const FAILED_OVER: [&str; 5] = [
    "nginx.default.fed.svc.fed.example.com. A 180 203.0.113.1",
    HANGZHOU[0],
    HANGZHOU[1],
    "nginx.default.fed.svc.cn-beijing.fed.example.com. CNAME 180 nginx.default.fed.svc.fed.example.com.",
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com. CNAME 180 \
     nginx.default.fed.svc.cn-beijing.fed.example.com.",
];

fn both<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&[GLOBAL][..], &HANGZHOU, &BEIJING, more].concat()
}
