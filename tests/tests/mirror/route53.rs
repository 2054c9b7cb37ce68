use std::fs;

use tests::botocore::{Botocore, set};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::moto::{KEY, Moto};
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => every_name_stands_fails_over_and_goes_at_moto;
    }
}

const DOMAIN: &str = "fed.example.com";

/// Two clusters and no control plane, as folders, and a zone at something that speaks Route53.
struct Scene {
    /// What others make of it.
    aws: Botocore,
    zone: String,
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
    fn prepared(aws: Botocore) -> Self {
        let zone = aws.create_zone(DOMAIN);
        let fedns = Fedns::prepared(&[], "");
        let scene = Self { aws, zone, fedns };
        for (cluster, address) in [("hangzhou", "203.0.113.1"), ("beijing", "203.0.113.2")] {
            fs::create_dir(scene.fedns.home().join(cluster)).expect("make a folder");
            scene.put(cluster, "nginx", address);
        }
        scene.configure("");
        scene
    }

    fn configure(&self, more: &str) {
        let (port, admin) = (self.aws.port, self.fedns.admin_port());
        let text = format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\n\
             listen: {{admin: \"127.0.0.1:{admin}\"}}\nlameDuck: 0s\n\
             services: {{publish: all, privateAddresses: publish}}\n\
             providers: [{{kind: route53, owner: shop, endpoint: \"http://127.0.0.1:{port}\"{more}}}]\n\
             clusters:\n\
             - {{name: hangzhou, manifests: ./hangzhou, region: cn-hangzhou, availabilityZones: [cn-hangzhou-b]}}\n\
             - {{name: beijing, manifests: ./beijing, region: cn-beijing, availabilityZones: [cn-beijing-b]}}\n"
        );
        fs::write(self.fedns.home().join("fedns.yaml"), text).expect("write the config");
    }

    fn start(&mut self) {
        self.start_as(KEY);
    }

    /// With a key in the environment, and nothing else of this machine's.
    fn start_as(&mut self, [id, secret]: [&str; 2]) {
        self.fedns.start_in(&[
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ]);
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

    /// What the vendor's client reads besides markers.
    #[track_caller]
    fn holds(&self, expect: &[&str]) {
        let mut expect: Vec<String> = expect.iter().map(|line| (*line).to_owned()).collect();
        expect.sort();
        eventually_equal(GENEROUS, "what Route53 holds", &expect, || {
            let mut lines = self.aws.lines(&self.zone);
            lines.retain(|line| !line.contains(" TXT "));
            lines
        });
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

fn every_name_stands_fails_over_and_goes_at_moto() {
    let moto = Moto::start();
    let aws = moto.botocore();
    stands_fails_over_and_goes(Scene::prepared(aws));
}

/// The life of a Service, beside what others have in the zone.
fn stands_fails_over_and_goes(mut scene: Scene) {
    let foreign = [
        ("CREATE", set("www.fed.example.com", "A", 600, &["198.51.100.1"])),
        ("CREATE", set("fed.example.com", "TXT", 300, &["\"v=spf1 -all\" \"a\\075b\""])),
    ];
    let result = scene.aws.change(&scene.zone, &foreign);
    assert!(result.get("answer").is_some(), "{result}");
    scene.start();
    let www = "www.fed.example.com. A 600 198.51.100.1";
    scene.holds(&both(&[www]));
    scene.is_in_sync();
    let lines = scene.aws.lines(&scene.zone);
    let marker = "TXT 180 \"heritage=external-dns,external-dns/owner=shop,\
                  external-dns/resource=service/default/nginx\"";
    assert_eq!(lines.iter().filter(|line| line.ends_with(marker)).count(), 5, "{lines:?}");

    scene.remove("beijing", "nginx");
    let global = "nginx.default.fed.svc.fed.example.com.";
    let region = "nginx.default.fed.svc.cn-beijing.fed.example.com.";
    let zone = "nginx.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com.";
    let aliases = [
        format!("{global} A 180 203.0.113.1"),
        format!("{region} CNAME 180 {global}"),
        format!("{zone} CNAME 180 {region}"),
        www.to_owned(),
    ];
    let mut failed_over: Vec<&str> = aliases.iter().map(String::as_str).collect();
    failed_over.extend(HANGZHOU);
    scene.holds(&failed_over);

    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(&both(&[www]));
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    let foreign = ["fed.example.com. TXT 300 \"v=spf1 -all\" \"a\\075b\"", www].map(str::to_owned);
    eventually_equal(GENEROUS, "what Route53 holds", &foreign.to_vec(), || {
        scene.aws.lines(&scene.zone)
    });
    let log = scene.fedns.process().log();
    assert!(!log.contains(KEY[1]), "{log}");
}
