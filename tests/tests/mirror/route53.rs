use std::fs;

use tests::botocore::Botocore;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::serving::Fedns;
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
        self.start_as(self.aws.key, &[]);
    }

    /// With a key in the environment, and nothing of this machine's own settings.
    fn start_as(&mut self, [id, secret]: [&str; 2], more: &[(&str, &str)]) {
        let environment = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ];
        self.fedns.start_in(&[&environment, more].concat());
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

    /// Waits until the log holds these words.
    #[track_caller]
    fn logs(&self, words: &str) {
        eventually(GENEROUS, words, || {
            let log = self.fedns.process().log();
            if log.contains(words) { Ok(()) } else { Err(log) }
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
