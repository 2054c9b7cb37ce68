use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::alidns::{Fault, Injection, KEY_ID, KEY_SECRET, Plan};
use tests::suite::Test;

use super::{DOMAIN, FAILED_OVER, both, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => the_smallest_config_holds_every_name_at_the_provider,
            an_empty_level_becomes_an_alias_and_never_nothing,
            a_service_named_like_a_marker_has_its_names,
            a_restart_writes_nothing,
            metrics_tell_how_a_mirror_stands,
            secrets_are_in_no_output;
    }
}

fn the_smallest_config_holds_every_name_at_the_provider() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    let is_marker = |line: &String| line.contains(" TXT ") && !line.starts_with("_fedns-");
    let markers: Vec<String> = scene.host.lines(DOMAIN).into_iter().filter(is_marker).collect();
    assert_eq!(markers.len(), 5, "{markers:?}");
    assert!(markers.iter().all(|line| line.contains(
        "heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/nginx"
    )));

    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "what AliDNS holds", &Vec::<String>::new(), || {
        scene.host.lines(DOMAIN)
    });
}

fn an_empty_level_becomes_an_alias_and_never_nothing() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.host.forget_calls();
    scene.remove("beijing", "nginx");
    scene.holds(FAILED_OVER);
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(both());
}

/// The marker of `web` would stand where Service `a-web` is an alias.
fn a_service_named_like_a_marker_has_its_names() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.remove("beijing", "nginx");
    scene.remove("hangzhou", "nginx");
    scene.put("hangzhou", "a-web", "203.0.113.3");
    scene.put("beijing", "web", "203.0.113.4");
    scene.start();
    let expect = [
        "a-web.default.fed.svc A default 180 203.0.113.3",
        "a-web.default.fed.svc.cn-beijing CNAME default 180 a-web.default.fed.svc.spacexnice.xyz",
        "a-web.default.fed.svc.cn-beijing-b.cn-beijing CNAME default 180 a-web.default.fed.svc.cn-beijing.spacexnice.xyz",
        "a-web.default.fed.svc.cn-hangzhou A default 180 203.0.113.3",
        "a-web.default.fed.svc.cn-hangzhou-b.cn-hangzhou A default 180 203.0.113.3",
        "web.default.fed.svc A default 180 203.0.113.4",
        "web.default.fed.svc.cn-beijing A default 180 203.0.113.4",
        "web.default.fed.svc.cn-beijing-b.cn-beijing A default 180 203.0.113.4",
        "web.default.fed.svc.cn-hangzhou CNAME default 180 web.default.fed.svc.spacexnice.xyz",
        "web.default.fed.svc.cn-hangzhou-b.cn-hangzhou CNAME default 180 web.default.fed.svc.cn-hangzhou.spacexnice.xyz",
    ];
    scene.holds(expect);
    scene.is_in_sync();
    scene.fedns.kill();
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(writes(&scene), 0);
    // Each becomes what the other was.
    scene.put("hangzhou", "web", "203.0.113.5");
    scene.remove("beijing", "web");
    scene.put("beijing", "a-web", "203.0.113.6");
    scene.remove("hangzhou", "a-web");
    let swap = |line: &&str| {
        line.replace("203.0.113.3", "@")
            .replace("203.0.113.4", "203.0.113.5")
            .replace('@', "203.0.113.6")
    };
    let places = |line: String| {
        line.replace("cn-beijing", "@")
            .replace("cn-hangzhou", "cn-beijing")
            .replace('@', "cn-hangzhou")
    };
    let swapped: Vec<String> = expect.iter().map(swap).map(places).collect();
    scene.holds(&swapped);
    scene.is_in_sync();
}

fn a_restart_writes_nothing() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    scene.fedns.kill();
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(writes(&scene), 0);
    assert_eq!(scene.host.count("DescribeDomainRecords"), 1);
}

fn metrics_tell_how_a_mirror_stands() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    let page = scene.fedns.page("/metrics").expect("a page").body;
    let labels = "{provider=\"alidns\",zone=\"spacexnice.xyz.\"}";
    for line in [
        format!("\nfedns_mirror_in_sync{labels} 1\n"),
        format!("\nfedns_mirror_owned_names{labels} 5\n"),
        format!("\nfedns_mirror_held_changes{labels} 0\n"),
        format!("\nfedns_mirror_applied_changes_total{labels} 6\n"),
    ] {
        assert!(page.contains(&line), "{line}: {page}");
    }
}

/// At the most verbose level, with every sort of failure.
fn secrets_are_in_no_output() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.host.inject(Injection::of(Fault::BadGateway).on("AddDomainRecord"));
    scene.host.inject(Injection::of(Fault::CloseAfter).on("AddDomainRecord").after(2));
    scene.start_with(&["--log", "trace"], &[]);
    scene.holds(both());
    scene.is_in_sync();
    scene.host.remove_key(KEY_ID);
    scene.remove("beijing", "nginx");
    scene.is(" Failing, ");
    let pages = ["/metrics", "/readyz?verbose", "/api/v1/plan", "/api/v1/server"]
        .map(|path| scene.fedns.page(path).expect("a page").body);
    let config = scene.fedns.command(&["config", "-c", "fedns.yaml"]).stdout;
    let outputs = [scene.fedns.process().log(), String::from_utf8_lossy(&config).into_owned()];
    for text in outputs.iter().chain(&pages) {
        assert!(!text.contains(KEY_SECRET), "{text}");
    }
}
