use tests::botocore::Botocore;
use tests::scene::HostedZone;
use tests::suite::Test;

/// A Service from its first address to its end, beside what others have.
mod life;

/// Others change the zone, records are bad, calls fail.
mod trouble;

/// Keys, rights, and which zone is meant.
mod access;

/// How often the service is called.
mod calls;

pub(crate) fn tests() -> Vec<Test> {
    let all = [life::tests(), trouble::tests(), access::tests(), calls::tests()];
    all.into_iter().flatten().collect()
}

const DOMAIN: &str = "fed.example.com";

type Scene = tests::scene::Scene<HostedZone>;

fn prepared(aws: Botocore) -> Scene {
    Scene::prepared(HostedZone::create(aws, DOMAIN))
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

fn both<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&[GLOBAL][..], &HANGZHOU, &BEIJING, more].concat()
}
