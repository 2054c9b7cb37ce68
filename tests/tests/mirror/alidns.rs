use std::fs;

use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::fakes::alidns::{FakeAliDns, Fault, Injection, KEY_ID, KEY_SECRET, NewRecord, Plan};
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => the_smallest_config_holds_every_name_at_the_provider,
            a_plan_that_is_too_small_stops_before_any_write,
            check_reads_the_file_with_the_key,
            fewer_levels_or_a_longer_ttl_fit_a_smaller_plan,
            what_is_not_ours_stays,
            an_empty_level_becomes_an_alias_and_never_nothing,
            a_restart_writes_nothing,
            drift_made_by_hand_is_put_back,
            too_much_that_would_vanish_is_held,
            a_crash_at_any_call_is_healed,
            a_crash_in_a_failover_is_healed,
            where_another_process_writes_nothing_is_written,
            secrets_are_in_no_output,
            preflight_tells_what_the_plan_allows,
            metrics_tell_how_a_mirror_stands,
            a_saved_plan_is_applied_exactly_and_then_nothing_is_left,
            a_saved_plan_is_refused_when_something_moved,
            two_owners_leave_one_another_alone,
            a_service_named_like_a_marker_has_its_names,
            a_restart_does_not_forget_what_is_held,
            an_alias_that_cannot_stand_leaves_the_addresses;
    }
}

const DOMAIN: &str = "spacexnice.xyz";

/// Two clusters and no control plane, as folders.
struct Scene {
    alidns: FakeAliDns,
    fedns: Fedns,
}

fn service(name: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{type: LoadBalancer, ports: [{{name: http, port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

impl Scene {
    fn prepared(plan: Plan) -> Self {
        let alidns = FakeAliDns::start();
        alidns.add_domain(DOMAIN, None, plan);
        let cluster = |name: &str| {
            format!(
                "{{name: {name}, manifests: ./{name}, region: cn-{name}, availabilityZones: [cn-{name}-b]}}"
            )
        };
        let fedns = Fedns::prepared(&[cluster("hangzhou"), cluster("beijing")], "");
        let scene = Self { alidns, fedns };
        for (cluster, address) in [("hangzhou", "203.0.113.1"), ("beijing", "203.0.113.2")] {
            fs::create_dir(scene.fedns.home().join(cluster)).expect("make a folder");
            scene.put(cluster, "nginx", address);
        }
        let file = format!(
            "[Global]\naccess-key-id = {KEY_ID}\naccess-key-secret = {KEY_SECRET}\nzones = {DOMAIN}.\n"
        );
        fs::write(scene.fedns.home().join("alidns.yaml"), file).expect("write the key");
        scene.configure("");
        scene
    }

    /// The config of the issue: no port for DNS, and nothing that is not needed.
    fn configure(&self, more: &str) {
        let (endpoint, admin) = (self.alidns.endpoint(), self.fedns.admin_port());
        let text = format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\n\
             listen: {{admin: \"127.0.0.1:{admin}\"}}\nlameDuck: 0s\n\
             services: {{publish: all, privateAddresses: publish}}\n\
             providers: [{{kind: alidns, configFile: ./alidns.yaml, owner: shop, endpoint: \"{endpoint}\"{more}}}]\n\
             clusters:\n\
             - {{name: hangzhou, manifests: ./hangzhou, region: cn-hangzhou, availabilityZones: [cn-hangzhou-b]}}\n\
             - {{name: beijing, manifests: ./beijing, region: cn-beijing, availabilityZones: [cn-beijing-b]}}\n"
        );
        fs::write(self.fedns.home().join("fedns.yaml"), text).expect("write the config");
    }

    fn put(&self, cluster: &str, name: &str, address: &str) {
        let folder = self.fedns.home().join(cluster);
        fs::write(folder.join(format!("{name}.yaml")), service(name, address))
            .expect("write a manifest");
    }

    fn remove(&self, cluster: &str, name: &str) {
        let path = self.fedns.home().join(cluster).join(format!("{name}.yaml"));
        fs::remove_file(path).expect("remove a manifest");
    }

    /// What AliDNS holds besides markers, one line for each record, sorted.
    fn data(&self) -> Vec<String> {
        let mut lines = self.alidns.lines(DOMAIN);
        lines.retain(|line| !line.contains(" TXT "));
        lines.sort();
        lines
    }

    #[track_caller]
    fn holds(&self, expect: &[&str]) {
        let mut expect: Vec<String> = expect.iter().map(|line| (*line).to_owned()).collect();
        expect.sort();
        eventually_equal(GENEROUS, "what AliDNS holds", &expect, || self.data());
    }

    /// Waits until the mirror has nothing to do.
    #[track_caller]
    fn is_in_sync(&self) {
        self.is(" InSync, ");
    }

    #[track_caller]
    fn is(&self, words: &str) {
        eventually(GENEROUS, words, || {
            let page = self.fedns.page("/readyz?verbose")?.body;
            let line = page.lines().find(|line| line.starts_with("[+]mirror "));
            match line.is_some_and(|line| line.contains(words)) {
                true => Ok(()),
                false => Err(page),
            }
        });
    }

    fn writes(&self) -> usize {
        ["AddDomainRecord", "UpdateDomainRecord", "DeleteDomainRecord"]
            .map(|action| self.alidns.count(action))
            .iter()
            .sum()
    }
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

fn both() -> Vec<&'static str> {
    BOTH.into_iter().chain([HANGZHOU_ZONE]).collect()
}

fn the_smallest_config_holds_every_name_at_the_provider() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.fedns.start();
    scene.holds(&both());
    scene.is_in_sync();
    let is_marker = |line: &String| line.contains(" TXT ") && !line.starts_with("_fedns-");
    let markers: Vec<String> = scene.alidns.lines(DOMAIN).into_iter().filter(is_marker).collect();
    assert_eq!(markers.len(), 5, "{markers:?}");
    assert!(markers.iter().all(|line| line.contains(
        "heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/nginx"
    )));

    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "what AliDNS holds", &Vec::<String>::new(), || {
        scene.alidns.lines(DOMAIN)
    });
}

fn check_reads_the_file_with_the_key() {
    let scene = Scene::prepared(Plan::free());
    let check = || {
        let output = scene.fedns.command(&["check", "-c", "fedns.yaml"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check().0, Some(0));
    fs::write(scene.fedns.home().join("alidns.yaml"), "[Global]\nacess-key-id = x\n")
        .expect("write");
    let (code, errors) = check();
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("fedns.yaml:8:") && errors.contains("line 2"), "{errors}");
    fs::remove_file(scene.fedns.home().join("alidns.yaml")).expect("remove the key");
    let (code, errors) = check();
    assert_eq!((code, errors.lines().count()), (Some(1), 1), "{errors}");
}

fn a_plan_that_is_too_small_stops_before_any_write() {
    let mut scene = Scene::prepared(Plan::free());
    scene.fedns.start();
    scene.is(" MayNotWrite, ");
    let log = scene.fedns.process().log();
    for words in [
        "names of 6 levels below spacexnice.xyz. are needed",
        "or set levels: [global, region] for this provider",
        "TTL 180 is wanted",
        "or set ttl: 600s for this provider",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert_eq!(scene.writes(), 0);
    assert!(!log.contains(KEY_SECRET), "{log}");
}

fn fewer_levels_or_a_longer_ttl_fit_a_smaller_plan() {
    let mut scene = Scene::prepared(Plan::custom(180, 5));
    scene.fedns.start();
    scene.is(" MayNotWrite, ");
    assert_eq!(scene.writes(), 0);
    scene.configure(", levels: [global, region]");
    scene.holds(&BOTH[..4]);
    scene.is_in_sync();
}

fn what_is_not_ours_stays() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.alidns.put(DOMAIN, NewRecord::new("www", "A", 600, "198.51.100.1"));
    scene
        .alidns
        .put(DOMAIN, NewRecord::new("nginx.default.fed.svc.cn-beijing", "A", 600, "198.51.100.2"));
    scene.fedns.start();
    let mut expect = both();
    expect.retain(|line| !line.starts_with("nginx.default.fed.svc.cn-beijing "));
    expect.push("www A default 600 198.51.100.1");
    expect.push("nginx.default.fed.svc.cn-beijing A default 600 198.51.100.2");
    scene.holds(&expect);
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    let conflict =
        "  ! nginx.default.fed.svc.cn-beijing.spacexnice.xyz. A: a record set without a marker";
    assert!(plan.contains(conflict), "{plan}");

    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(&[
        "www A default 600 198.51.100.1",
        "nginx.default.fed.svc.cn-beijing A default 600 198.51.100.2",
    ]);
}

fn an_empty_level_becomes_an_alias_and_never_nothing() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.fedns.start();
    scene.holds(&both());
    scene.alidns.forget_calls();
    scene.remove("beijing", "nginx");
    scene.holds(&FAILED_OVER);
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(&both());
}

fn a_restart_writes_nothing() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.fedns.start();
    scene.holds(&both());
    scene.is_in_sync();
    scene.fedns.kill();
    scene.alidns.forget_calls();
    scene.fedns.start();
    scene.is_in_sync();
    assert_eq!(scene.writes(), 0);
    assert_eq!(scene.alidns.count("DescribeDomainRecords"), 1);
}

fn drift_made_by_hand_is_put_back() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.fedns.start();
    scene.holds(&both());
    scene.is_in_sync();
    assert!(scene.fedns.stop().success());
    let global = |record: &&tests::fakes::alidns::FakeRecord| {
        record.record.value == "203.0.113.1" && record.record.rr == "nginx.default.fed.svc"
    };
    let records = scene.alidns.records(DOMAIN);
    let id = records.iter().find(global).expect("the record").id.clone();
    scene.alidns.domains(|domains| domains.remove(&id));
    scene.alidns.inject(Injection::of(Fault::Throttle { retry_after: None }).on("AddDomainRecord"));
    scene.fedns.start();
    scene.holds(&both());
}

fn too_much_that_would_vanish_is_held() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    for number in 1..=4 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.1{number}"));
    }
    scene.fedns.start();
    eventually_equal(GENEROUS, "how much AliDNS holds", &26, || scene.data().len());
    scene.is_in_sync();
    for number in 1..=4 {
        scene.remove("hangzhou", &format!("s{number}"));
    }
    scene.is("; held: ");
    let plan = scene.fedns.command(&["plan"]);
    assert_eq!(plan.status.code(), Some(2));
    let text = String::from_utf8(plan.stdout).expect("text");
    let hash = text.trim_end().rsplit(' ').next().expect("a hash").to_owned();
    assert!(scene.data().len() > 6, "{:?}", scene.data());
    scene.fedns.printed(&["plan", "approve", &hash]);
    scene.holds(&both());
}

/// Where a process is killed: before the provider carries a call out, or before its answer.
fn crash_points() -> [Fault; 2] {
    [Fault::SilenceBefore, Fault::SilenceAfter]
}

/// Does something, and kills the server in the middle of its nth call of this action after that.
fn crash_at(
    scene: &mut Scene,
    (fault, action, nth): (Fault, &'static str, usize),
    begin: impl FnOnce(&mut Scene),
) {
    scene.alidns.forget_calls();
    scene.alidns.inject(Injection::of(fault).on(action).after(nth));
    begin(scene);
    eventually(GENEROUS, "the call", || match scene.alidns.count(action) {
        made if made > nth => Ok(()),
        made => Err(format!("{made} calls of {action}")),
    });
    scene.fedns.kill();
}

fn a_crash_at_any_call_is_healed() {
    for fault in crash_points() {
        // The claim, and for each of five names a marker and its addresses.
        for nth in 0..12 {
            let mut scene = Scene::prepared(Plan::custom(120, 6));
            let point = (fault.clone(), "AddDomainRecord", nth);
            crash_at(&mut scene, point, |scene| scene.fedns.start());
            scene.fedns.start();
            scene.holds(&both());
            scene.is_in_sync();
            assert_eq!(scene.alidns.lines(DOMAIN).len(), 12, "{nth}");
        }
    }
}

fn a_crash_in_a_failover_is_healed() {
    let calls = [("AddDomainRecord", 2), ("UpdateDomainRecord", 2), ("DeleteDomainRecord", 3)];
    for fault in crash_points() {
        for (action, count) in calls {
            for nth in 0..count {
                let mut scene = Scene::prepared(Plan::custom(120, 6));
                scene.fedns.start();
                scene.holds(&both());
                scene.is_in_sync();
                let point = (fault.clone(), action, nth);
                crash_at(&mut scene, point, |scene| scene.remove("beijing", "nginx"));
                scene.fedns.start();
                scene.holds(&FAILED_OVER);
                scene.is_in_sync();
                assert_eq!(scene.alidns.lines(DOMAIN).len(), 11, "{action} {nth}");
            }
        }
    }
}

fn where_another_process_writes_nothing_is_written() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    let claim =
        NewRecord::new("_fedns-shop.fed.svc", "TXT", 3600, "heritage=fedns;owner=shop;writer=0");
    scene.alidns.put(DOMAIN, claim);
    scene.fedns.start();
    scene.is(" MayNotWrite, ");
    let log = scene.fedns.process().log();
    assert!(log.contains("another process writes here for owner \"shop\""), "{log}");
    assert_eq!(scene.writes(), 0);
}

/// At the most verbose level, with every sort of failure.
fn secrets_are_in_no_output() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.alidns.inject(Injection::of(Fault::BadGateway).on("AddDomainRecord"));
    scene.alidns.inject(Injection::of(Fault::CloseAfter).on("AddDomainRecord").after(2));
    scene.fedns.start_with(&["--log", "trace"]);
    scene.holds(&both());
    scene.is_in_sync();
    scene.alidns.remove_key(KEY_ID);
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

fn preflight_tells_what_the_plan_allows() {
    let scene = Scene::prepared(Plan::free());
    let preflight = || {
        let output = scene.fedns.command(&["preflight", "-c", "fedns.yaml"]);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = preflight();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("alidns for spacexnice.xyz.\n"), "{text}");
    assert!(text.contains("\n  BLOCKED  depth: names of 6 levels"), "{text}");
    assert!(text.contains("\n  BLOCKED  ttl: TTL 180 is wanted"), "{text}");

    scene.alidns.domains(|domains| domains.change_plan(DOMAIN, Plan::custom(120, 6)));
    let (code, text) = preflight();
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("BLOCKED"), "{text}");

    scene.alidns.remove_key(KEY_ID);
    let (code, text) = preflight();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("\n  BLOCKED  provider: "), "{text}");
    assert_eq!(scene.writes(), 0);
}

fn metrics_tell_how_a_mirror_stands() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.fedns.start();
    scene.holds(&both());
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

impl Scene {
    /// Saves a plan, and returns the exit code.
    fn save_plan(&self) -> Option<i32> {
        let plan = self.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "json"]);
        fs::write(self.fedns.home().join("plan.json"), &plan.stdout).expect("write the plan");
        plan.status.code()
    }

    fn apply_plan(&self) -> std::process::Output {
        self.fedns.command(&["apply", "--config", "fedns.yaml", "--plan", "plan.json"])
    }
}

fn a_saved_plan_is_applied_exactly_and_then_nothing_is_left() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    assert_eq!(scene.save_plan(), Some(2));
    assert_eq!(scene.writes(), 0);
    let text = scene.fedns.command(&["plan", "--config", "fedns.yaml"]).stdout;
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("alidns for spacexnice.xyz.: 5 names to change, plan "), "{text}");
    let line = "\n  + nginx.default.fed.svc.spacexnice.xyz. A 180 203.0.113.1 203.0.113.2\n";
    assert!(text.contains(line), "{text}");

    let applied = scene.apply_plan();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(
        String::from_utf8_lossy(&applied.stdout),
        "alidns for spacexnice.xyz.: 6 of 6 names changed\n"
    );
    scene.holds(&both());
    let again = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
    assert_eq!(again, "alidns for spacexnice.xyz.: no changes\n");

    // The server on the same folder is the same writer, and it alone writes while it runs.
    scene.alidns.forget_calls();
    scene.fedns.start();
    scene.is_in_sync();
    assert_eq!(scene.writes(), 0);
    scene.save_plan();
    let refused = scene.apply_plan();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stderr).lines().count(), 1);
}

fn a_saved_plan_is_refused_when_something_moved() {
    let scene = Scene::prepared(Plan::custom(120, 6));
    assert_eq!(scene.save_plan(), Some(2));
    scene.put("beijing", "nginx", "203.0.113.9");
    let refused = scene.apply_plan();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("nothing was written"), "{error}");
    fs::write(scene.fedns.home().join("plan.json"), "[").expect("write the plan");
    let error = String::from_utf8_lossy(&scene.apply_plan().stderr).into_owned();
    assert!(error.contains("plan.json: "), "{error}");
    assert_eq!(scene.writes(), 0);
}

/// Another team, with a federation of the same name on the same zone.
fn two_owners_leave_one_another_alone() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    let mut other = Fedns::prepared(&[], "");
    let (endpoint, admin) = (scene.alidns.endpoint(), other.admin_port());
    let home = other.home().to_owned();
    let text = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\nlameDuck: 0s\n\
         listen: {{admin: \"127.0.0.1:{admin}\"}}\nservices: {{publish: all, privateAddresses: publish}}\n\
         providers: [{{kind: alidns, configFile: ./alidns.yaml, owner: others, levels: [global], \
         registry: compact, endpoint: \"{endpoint}\"}}]\n\
         clusters: [{{name: a, manifests: ./a}}]\n"
    );
    fs::write(home.join("fedns.yaml"), text).expect("write the config");
    fs::copy(scene.fedns.home().join("alidns.yaml"), home.join("alidns.yaml"))
        .expect("copy the key");
    fs::create_dir(home.join("a")).expect("make a folder");
    for (name, address) in [("nginx", "198.51.100.1"), ("theirs", "198.51.100.2")] {
        let file = home.join(format!("a/{name}.yaml"));
        fs::write(file, service(name, address)).expect("write a manifest");
    }
    scene.fedns.start();
    scene.holds(&both());
    scene.is_in_sync();

    other.start();
    let theirs = "theirs.default.fed.svc A default 180 198.51.100.2";
    let with_theirs: Vec<&str> = both().into_iter().chain([theirs]).collect();
    scene.holds(&with_theirs);
    eventually(GENEROUS, "the conflict is told", || {
        let plan = String::from_utf8_lossy(&other.command(&["plan"]).stdout).into_owned();
        let conflict = "nginx.default.fed.svc.spacexnice.xyz. A: it belongs to owner \"shop\"";
        if plan.contains(conflict) { Ok(()) } else { Err(plan) }
    });

    // Each deletes its own.
    for cluster in ["hangzhou", "beijing"] {
        scene.remove(cluster, "nginx");
    }
    scene.holds(&[theirs]);
    assert!(other.stop().success());
}

/// The marker of `web` would stand where Service `a-web` is an alias.
fn a_service_named_like_a_marker_has_its_names() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    scene.remove("beijing", "nginx");
    scene.remove("hangzhou", "nginx");
    scene.put("hangzhou", "a-web", "203.0.113.3");
    scene.put("beijing", "web", "203.0.113.4");
    scene.fedns.start();
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
    scene.holds(&expect);
    scene.is_in_sync();
    scene.fedns.kill();
    scene.alidns.forget_calls();
    scene.fedns.start();
    scene.is_in_sync();
    assert_eq!(scene.writes(), 0);
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
    scene.holds(&swapped.iter().map(String::as_str).collect::<Vec<_>>());
    scene.is_in_sync();
}

fn a_restart_does_not_forget_what_is_held() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    for number in 1..=4 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.1{number}"));
    }
    scene.fedns.start();
    eventually_equal(GENEROUS, "how much AliDNS holds", &26, || scene.data().len());
    scene.is_in_sync();
    for number in 1..=4 {
        scene.remove("hangzhou", &format!("s{number}"));
    }
    scene.is(" Incomplete, ");
    let held = scene.data();
    assert!(held.len() > 6, "{held:?}");
    for _ in 0..3 {
        scene.fedns.kill();
        scene.fedns.start();
        scene.is(" Incomplete, ");
        assert_eq!(scene.data(), held);
    }
}

/// Somebody put a TXT at the name, and an alias can stand beside nothing.
fn an_alias_that_cannot_stand_leaves_the_addresses() {
    let mut scene = Scene::prepared(Plan::custom(120, 6));
    let theirs = NewRecord::new("nginx.default.fed.svc.cn-beijing", "TXT", 600, "v=hand");
    scene.alidns.put(DOMAIN, theirs);
    scene.fedns.start();
    scene.holds(&both());
    scene.is_in_sync();
    scene.remove("beijing", "nginx");
    scene.is(" Incomplete, ");
    let kept = "nginx.default.fed.svc.cn-beijing A default 180 203.0.113.2";
    assert!(scene.data().contains(&kept.to_owned()), "{:?}", scene.data());
}
