use tests::fakes::alidns::{FakeAliDns, Plan};
use tests::scene::ALIDNS_ZONE as DOMAIN;
use tests::suite::Test;

/// A Service from its first address to its end.
mod life;

/// What others have in the domain, and what they do to ours.
mod others;

/// What the domain's plan allows.
mod limits;

/// What waits for somebody's word.
mod guard;

/// The server is killed at any moment.
mod crashes;

/// Plans that are saved and applied.
mod plans;

/// What other tools wrote becomes ours.
mod import;

/// Where markers stand.
mod registry;

/// What a person sees of a server on a terminal.
mod terminal;

pub(crate) fn tests() -> Vec<Test> {
    let all = [
        life::tests(),
        others::tests(),
        limits::tests(),
        guard::tests(),
        crashes::tests(),
        plans::tests(),
        import::tests(),
        registry::tests(),
        terminal::tests(),
    ];
    all.into_iter().flatten().collect()
}

type Scene = tests::scene::Scene<FakeAliDns>;

/// A domain with this plan and nothing in it.
pub(super) fn prepared(plan: Plan) -> Scene {
    let alidns = FakeAliDns::start();
    alidns.add_domain(DOMAIN, None, plan);
    Scene::prepared(alidns)
}

/// Calls that change something.
pub(super) fn writes(scene: &Scene) -> usize {
    calls_that_write(&scene.host)
}

pub(super) fn calls_that_write(alidns: &FakeAliDns) -> usize {
    let actions = ["AddDomainRecord", "UpdateDomainRecord", "DeleteDomainRecord"];
    actions.iter().map(|action| alidns.count(action)).sum()
}

const BOTH: [&str; 5] = [
    "nginx.default.fed.svc A default 180 203.0.113.1",
    "nginx.default.fed.svc A default 180 203.0.113.2",
    "nginx.default.fed.svc.cn-beijing A default 180 203.0.113.2",
    "nginx.default.fed.svc.cn-hangzhou A default 180 203.0.113.1",
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing A default 180 203.0.113.2",
];
const HANGZHOU_ZONE: &str =
    "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou A default 180 203.0.113.1";

/// Beijing has no healthy address.
const FAILED_OVER: [&str; 5] = [
    "nginx.default.fed.svc A default 180 203.0.113.1",
    "nginx.default.fed.svc.cn-beijing CNAME default 180 nginx.default.fed.svc.spacexnice.xyz",
    "nginx.default.fed.svc.cn-beijing-b.cn-beijing CNAME default 180 nginx.default.fed.svc.cn-beijing.spacexnice.xyz",
    "nginx.default.fed.svc.cn-hangzhou A default 180 203.0.113.1",
    HANGZHOU_ZONE,
];

pub(super) fn both() -> Vec<&'static str> {
    BOTH.into_iter().chain([HANGZHOU_ZONE]).collect()
}
