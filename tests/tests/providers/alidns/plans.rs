use std::collections::BTreeSet;

use model::Name;
use providers::alidns::{Class, Limit, PlanLimits};
use tests::fakes::alidns::{NewRecord, Plan};
use tests::suite::Test;

use super::{Fixture, domain};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_free_plan_tells_its_ttl_and_the_rest_is_documented,
            a_paid_plan_tells_its_limits,
            labels_of_a_hosted_sub_domain_count,
            a_missing_right_makes_a_limit_unknown,
            a_domain_of_another_account_is_an_error,
            name_servers_that_differ_are_told,
            the_longest_domain_hosts_a_name;
    }
}

fn limits(it: &Fixture, domain: &Name) -> PlanLimits {
    it.runtime.block_on(it.client().plan_limits(domain)).expect("limits")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn a_free_plan_tells_its_ttl_and_the_rest_is_documented() {
    let it = Fixture::new(Plan::free());
    it.fake.put("example.com", NewRecord::new("www", "A", 600, "192.0.2.1"));
    let limits = limits(&it, &domain());
    assert_eq!(limits.version_code, Limit::Told("mianfei".to_owned()));
    assert_eq!(limits.ttl_min, Limit::Told(600));
    assert_eq!(limits.levels_max, Limit::Documented(5));
    assert_eq!(limits.levels_used, Limit::Told(0));
    assert_eq!(limits.addresses_max, Limit::Documented(10));
    assert_eq!(limits.records, Limit::Told(1));
    assert_eq!(limits.expired, Limit::Told(false));
}

fn a_paid_plan_tells_its_limits() {
    let it = Fixture::new(Plan { addresses: 42, expired: true, ..Plan::custom(120, 7) });
    let limits = limits(&it, &domain());
    assert_eq!(limits.ttl_min, Limit::Told(120));
    assert_eq!(limits.levels_max, Limit::Told(7));
    assert_eq!(limits.addresses_max, Limit::Told(42));
    assert_eq!(limits.expired, Limit::Told(true));
    assert_eq!(it.fake.calls().len(), 4);
}

fn labels_of_a_hosted_sub_domain_count() {
    let it = Fixture::paid();
    it.fake.add_domain("a.k8s.example.com", Some("example.com"), Plan::free());
    let limits = limits(&it, &name("a.k8s.example.com"));
    assert_eq!(limits.levels_used, Limit::Told(2));
}

fn a_missing_right_makes_a_limit_unknown() {
    let it = Fixture::new(Plan::custom(120, 7));
    it.fake.deny("DescribeDnsProductInstance");
    assert_eq!(limits(&it, &domain()).levels_max, Limit::Told(7), "the list tells it too");

    it.fake.deny("DescribeDnsProductInstances");
    it.fake.deny("DescribeDomainNs");
    let some = limits(&it, &domain());
    assert_eq!(some.ttl_min, Limit::Told(120), "the domain tells it too");
    assert_eq!(some.levels_max, Limit::Documented(10));
    let servers = some.name_servers.value().expect("the domain tells them too");
    assert!(servers.contains(&name("vip1.alidns.com.")), "{servers:?}");
    assert!(some.delegation.value().is_none());

    for action in ["DescribeDomainInfo", "DescribeDomains", "GetMainDomainName"] {
        it.fake.deny(action);
    }
    let PlanLimits { version_code, ttl_min, levels_max, levels_used, name_servers, .. } =
        limits(&it, &domain());
    for (limit, is_unknown) in [
        ("ttl", ttl_min.value().is_none()),
        ("levels", levels_max.value().is_none()),
        ("levels used", levels_used.value().is_none()),
        ("name servers", name_servers.value().is_none()),
    ] {
        assert!(is_unknown, "{limit}");
    }
    let Limit::Unknown(reason) = version_code else { panic!("{version_code:?}") };
    assert!(reason.starts_with("DescribeDomainInfo: Forbidden.RAM: "), "{reason}");
    assert!(reason.ends_with("grant the action to the key's user or role in RAM"), "{reason}");
}

fn a_domain_of_another_account_is_an_error() {
    let it = Fixture::paid();
    let error = it.runtime.block_on(it.client().plan_limits(&name("example.net")));
    let error = error.expect_err("not ours");
    assert_eq!((error.code(), error.class()), (Some("InvalidDomainName.NoExist"), Class::Fatal));
}

fn name_servers_that_differ_are_told() {
    let it = Fixture::paid();
    let look = |it: &Fixture| limits(it, &domain()).delegation.value().cloned().expect("told");
    assert!(look(&it).all_alidns);
    it.fake.domains(|domains| domains.delegate("example.com", &["ns1.example.net"]));
    let servers = look(&it);
    assert!(!servers.all_alidns);
    assert_eq!(servers.found, BTreeSet::from([name("ns1.example.net.")]));
    assert!(servers.expected.contains(&name("vip1.alidns.com.")));
}

fn the_longest_domain_hosts_a_name() {
    let it = Fixture::paid();
    it.fake.add_domain("k8s.example.com", Some("example.com"), Plan::free());
    let client = it.client();
    let hosting = |text: &str| {
        let found = it.runtime.block_on(client.hosting_domain(&name(text))).expect("found out");
        found.map(|domain| domain.name)
    };
    assert_eq!(hosting("fed.k8s.example.com"), Some(name("k8s.example.com")));
    assert_eq!(hosting("k8s.example.com"), Some(name("k8s.example.com")));
    assert_eq!(hosting("evilk8s.example.com"), Some(name("example.com")));
    assert_eq!(hosting("example.net"), None);
}
