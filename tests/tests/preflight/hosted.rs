use tests::external_dns::{Backend, Webhook};
use tests::fakes::clouddns::FakeCloudDns;
use tests::fakes::route53::FakeRoute53;
use tests::google::service_account;
use tests::name_server::{NameServer, Software, ZONE};
use tests::need::{DIG, NAMED, NSD, Need};
use tests::scene::{Host, HostedZone, ManagedZone, NO_RESOLVER, Scene};
use tests::suite::Test;
use tests::webhook::StrictWebhook;

use super::Parent;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers, NSD, DIG] => a_route53_zone_whose_parent_leads_elsewhere_is_told,
            a_cloud_dns_zone_whose_parent_leads_there_is_fine;
        [Need::Peers] => a_private_route53_zone_is_left_out,
            a_private_cloud_dns_zone_is_left_out,
            a_parent_that_cannot_be_asked_is_a_warning_and_everything_is_written;
        [NAMED, NSD, DIG] => a_zone_at_a_name_server_is_compared_with_its_own_name_servers;
        [Need::ExternalDns] => a_webhook_that_tells_no_name_servers_is_a_warning;
    }
}

const DOMAIN: &str = "fed.example";
const ROUTE53_SERVERS: &str = "ns-1.awsdns-01.org., ns-2.awsdns-02.co.uk.";

/// The exit code, and the line of `fedns preflight` about the delegation; the parent is at 127.0.0.2.
#[track_caller]
fn delegation<H: Host>(scene: &Scene<H>, more: &[&str]) -> String {
    let output = scene.command(&[&["preflight", "-c", "fedns.yaml"], more].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("delegation: ")).collect();
    let [line] = lines.as_slice() else { panic!("not one line about the delegation: {text}") };
    line.trim().to_owned()
}

/// Asks the parent there alone.
#[track_caller]
fn delegation_at<H: Host>(scene: &Scene<H>, port: u16) -> String {
    let (resolver, port) = (format!("127.0.0.2:{port}"), port.to_string());
    delegation(scene, &["--resolver", &resolver, "--port", &port])
}

fn route53(fake: &FakeRoute53) -> Scene<HostedZone> {
    Scene::prepared(HostedZone::create(fake.botocore(), DOMAIN))
}

fn cloud_dns(fake: &FakeCloudDns) -> Scene<ManagedZone> {
    let account = service_account();
    fake.trust(&account);
    let host = ManagedZone {
        entry: ", configFile: ./key.json".into(),
        files: vec![("key.json", account.file())],
        ..ManagedZone::create(fake.google(), DOMAIN)
    };
    Scene::prepared(host)
}

fn a_route53_zone_whose_parent_leads_elsewhere_is_told() {
    let fake = FakeRoute53::start();
    let scene = route53(&fake);
    let port = scene.fedns.dns_port();
    {
        let _parent = Parent::start(port, "fed NS ns1.old.net.\nfed NS ns-1.awsdns-01.org.\n");
        assert_eq!(
            delegation_at(&scene, port),
            format!(
                "warning  delegation: the parent of fed.example. names ns1.old.net., ns-1.awsdns-01.org., and \
                 the provider answers at {ROUTE53_SERVERS}: enter these NS records at the registrar or in \
                 the parent zone; until then not every client sees these records"
            )
        );
    }
    {
        let _parent = Parent::start(port, "");
        assert_eq!(
            delegation_at(&scene, port),
            format!(
                "warning  delegation: the parent of fed.example. names none, and the provider answers at \
                 {ROUTE53_SERVERS}: enter these NS records at the registrar or in the parent zone; until \
                 then clients do not see these records"
            )
        );
    }
    let _parent = Parent::start(port, "fed NS ns-1.awsdns-01.org.\nfed NS ns-2.awsdns-02.co.uk.\n");
    let expect = format!("ok       delegation: the parent of fed.example. names {ROUTE53_SERVERS}");
    assert_eq!(delegation_at(&scene, port), expect);
    // The parent's name server named by hand, with no resolver that answers.
    assert_eq!(delegation(&scene, &["--parent", &format!("127.0.0.2:{port}")]), expect);
}

fn a_cloud_dns_zone_whose_parent_leads_there_is_fine() {
    let fake = FakeCloudDns::start();
    let scene = cloud_dns(&fake);
    let port = scene.fedns.dns_port();
    let right = "fed NS ns-cloud-a1.googledomains.com.\nfed NS ns-cloud-a2.googledomains.com.\n";
    let _parent = Parent::start(port, right);
    assert_eq!(
        delegation_at(&scene, port),
        "ok       delegation: the parent of fed.example. names ns-cloud-a1.googledomains.com., \
         ns-cloud-a2.googledomains.com."
    );
}

const LEFT_OUT: &str =
    "ok       delegation: fed.example. is a private zone, to which no parent leads: not looked at";

fn a_private_route53_zone_is_left_out() {
    let fake = FakeRoute53::start();
    let scene = route53(&fake);
    let results = scene.host.aws.understands(&[tests::botocore::call(
        "create_hosted_zone",
        serde_json::json!({
            "Name": DOMAIN, "CallerReference": "private",
            "HostedZoneConfig": { "PrivateZone": true },
            "VPC": { "VPCRegion": "us-east-1", "VPCId": "vpc-1" },
        }),
    )]);
    let id =
        tests::peer::answer(&results[0])["HostedZone"]["Id"].as_str().expect("an id").to_owned();
    scene.configure(&format!(", zoneId: {id}"));
    assert_eq!(delegation(&scene, &[]), LEFT_OUT);
}

fn a_private_cloud_dns_zone_is_left_out() {
    let fake = FakeCloudDns::start();
    let scene = cloud_dns(&fake);
    scene.host.google.create_zone("private", "fed.example.", "private");
    scene.configure(", zoneId: private");
    assert_eq!(delegation(&scene, &[]), LEFT_OUT);
}

fn a_parent_that_cannot_be_asked_is_a_warning_and_everything_is_written() {
    let fake = FakeRoute53::start();
    let mut scene = route53(&fake);
    let expect = format!(
        "whether the parent of fed.example. leads to the provider is not known: resolver {NO_RESOLVER}: \
         Connection refused (os error 111); "
    );
    let line = delegation(&scene, &[]);
    assert!(line.starts_with(&format!("warning  delegation: {expect}")), "{line}");
    scene.start();
    scene.logs(&format!("preflight: delegation: {expect}"));
    scene.is_in_sync();
    // Both wait for nobody: five names stand, beside their markers and the zone's own sets.
    assert_eq!(scene.host.data().iter().filter(|line| line.contains(" A ")).count(), 5);
}

fn a_zone_at_a_name_server_is_compared_with_its_own_name_servers() {
    let scene = Scene::prepared(NameServer::start(Software::Bind, ""));
    let port = scene.fedns.dns_port();
    {
        let _parent = Parent::of("com", port, "example NS ns1.old.net.\n");
        assert_eq!(
            delegation_at(&scene, port),
            "warning  delegation: the parent of example.com. names ns1.old.net., and the provider answers at \
             ns1.example.com.: enter these NS records at the registrar or in the parent zone; until then \
             clients do not see these records"
        );
    }
    let _parent = Parent::of("com", port, "example NS ns1.example\nns1.example A 127.0.0.1\n");
    assert_eq!(
        delegation_at(&scene, port),
        "ok       delegation: the parent of example.com. names ns1.example.com."
    );
    // Who answers for the zone itself shows no parent, and whoever is led there gets the zone.
    let same = format!("127.0.0.1:{}", scene.host.port());
    assert_eq!(
        delegation(&scene, &["--parent", &same]),
        format!(
            "ok       delegation: {same}, which answers for example.com. itself, names ns1.example.com."
        )
    );
}

fn a_webhook_that_tells_no_name_servers_is_a_warning() {
    let server = Webhook::start(Backend::Memory { zone: ZONE }, "");
    let scene = Scene::prepared(StrictWebhook::before(server));
    assert_eq!(
        delegation(&scene, &[]),
        "warning  delegation: which name servers answer for example.com. at the provider, it does not \
         tell: see that the parent names them, or clients do not see these records"
    );
}
