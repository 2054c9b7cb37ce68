//! A federation gets another zone, at the provider that it has.

use tests::need::Need;
use tests::suite::Test;

use super::stage::{DELETE, DOMAIN, Stage};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            another_zone_is_tried_before_and_the_records_of_the_one_before_are_told;
    }
}

/// The federation's API is nowhere: the last step ends in vain.
const INIT: &str = "init federation --host-cluster-context=hangzhou --timeout=1s \
    --dns-service-type=ClusterIP --api-server-service-type=NodePort \
    --api-server-advertise-address=127.0.0.1 --api-server-port=30443";

fn another_zone_is_tried_before_and_the_records_of_the_one_before_are_told() {
    let stage = Stage::new();
    let others = stage.put_records();
    let config = || {
        let path = "-o jsonpath={.data.fedns\\.yaml}";
        stage.host().run(&format!("-n federation-system get configmap fedns {path}"))
    };
    let before = config();

    // Nobody says which provider: it is the one that stands, and it has no such zone.
    let refused = stage.user.refused(&format!("{INIT} --dns-zone-name=nowhere.example"));
    assert!(refused.contains("alidns for nowhere.example.: "), "{refused}");
    assert_eq!(config(), before);

    let zone = format!("clusters.{DOMAIN}");
    let told = stage.user.refused(&format!("{INIT} --dns-zone-name={zone}"));
    assert!(told.contains("the same command goes on where this one ended"), "{told}");
    let left = format!(
        "3 names stay at alidns for {DOMAIN}. as they are, with the owner fed-1 \
         (nginx.default.fed.svc.cn-beijing.{DOMAIN}., nginx.default.fed.svc.{DOMAIN}.), and nobody"
    );
    assert!(told.contains(&left), "{told}");
    let command = format!("{DELETE} --former-zone={DOMAIN}.");
    assert!(told.contains(&format!("this removes them: fedns {command}\n")), "{told}");
    assert!(config().contains(&format!("zone: {zone}.")), "{}", config());
    // Used as it was, the provider is not asked again.
    stage.alidns.deny("DescribeDomains");
    let again = stage.user.refused(INIT);
    assert!(!again.contains("alidns"), "{again}");
    stage.alidns.allow("DescribeDomains");

    let is_now = stage.user.refused(&format!("{DELETE} --former-zone={zone} --yes"));
    assert!(is_now.contains("is the federation's zone now"), "{is_now}");
    let all = stage.alidns.lines(DOMAIN);
    let plan = stage.user.printed(&format!("{command} --dry-run"));
    assert!(
        plan.contains(&format!("Records at alidns for {DOMAIN}., owner fed-1: 3 names")),
        "{plan}"
    );
    assert_eq!(stage.alidns.lines(DOMAIN), all);
    stage.user.printed(&format!("{command} --yes"));
    assert_eq!(stage.alidns.lines(DOMAIN), others);
    assert_eq!(stage.system("deployment fedns"), "deployment.apps/fedns\n");
}
