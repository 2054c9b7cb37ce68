use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tests::botocore::set;
use tests::kubectl::Kubectl;
use tests::kwok::KwokCluster;
use tests::moto::{self, Moto};
use tests::need::Need;
use tests::suite::Test;

use super::delete::NOBODY;
use super::stage::{CONFIG, DELETE, User};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::Peers] =>
            records_at_route53_go_by_the_key_that_init_was_given;
    }
}

const DOMAIN: &str = "mydomain.com";
/// The federation's API is nowhere: the last step ends in vain.
const INIT: &str = "init federation --federation-name=fed --host-cluster-context=hangzhou --timeout=1s \
    --dns-service-type=ClusterIP --api-server-service-type=NodePort \
    --api-server-advertise-address=127.0.0.1 --api-server-port=30443";
/// Followed by the file.
const KEY_OF: &str = "--dns-provider=aws-route53 --dns-provider-config";
const CHANGE: &str = "route53:ChangeResourceRecordSets";
const SYSTEM: &str = "-n federation-system";

struct Stage {
    hangzhou: KwokCluster,
    moto: Moto,
    /// Its id.
    zone: String,
    user: User,
}

impl Stage {
    fn new() -> Self {
        let hangzhou = KwokCluster::start("hangzhou", &[]);
        let moto = Moto::start();
        let zone = moto.botocore().create_zone(DOMAIN);
        let user = User::new(&[hangzhou.api.context()]);
        user.write(
            "fedns.yaml",
            format!(
                "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {DOMAIN}.\n\
                 services: {{publish: all}}\nresolver: {{servers: [\"127.0.0.1:9\"]}}\n\
                 providers: [{{kind: aws-route53, endpoint: \"http://127.0.0.1:{}\", region: us-east-1, \
                 owner: fed-1, nameServers: []}}]\n",
                moto.port()
            ),
        );
        user.write("aws.credentials", credentials(moto::KEY));
        user.write("reader.credentials", credentials(moto::READER));
        Self { hangzhou, moto, zone, user }
    }

    fn host(&self) -> &Kubectl {
        self.hangzhou.api.kubectl()
    }

    /// All steps but the wait.
    #[track_caller]
    fn init(&self, words: &str) {
        let errors = self.user.refused(&format!("{INIT} {words}"));
        assert!(errors.contains("the same command goes on where this one ended"), "{errors}");
    }

    fn namespace(&self) -> String {
        self.host().run("get namespace federation-system --ignore-not-found -o name")
    }

    /// What the pod finds.
    fn provider_file(&self) -> String {
        let file = "federation-dns-provider.conf";
        let secret = self.host().json(&format!("{SYSTEM} get secret {file}"));
        let text = secret["data"][file].as_str().expect("the provider's file");
        String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text")
    }

    fn lines(&self) -> Vec<String> {
        self.moto.botocore().lines(&self.zone)
    }

    fn put(&self, records: &[[&str; 3]]) {
        let record = |[name, record_type, value]: &[&str; 3]| {
            ("CREATE", set(&format!("{name}.{DOMAIN}"), record_type, 180, &[value]))
        };
        let changes: Vec<_> = records.iter().map(record).collect();
        let result = self.moto.botocore().change(&self.zone, &changes);
        assert!(result.get("answer").is_some(), "{result}");
    }

    /// Records of the federation, and those that stay when it goes. Returns these, as lines.
    fn put_records(&self) -> Vec<String> {
        let [ours, theirs] = ["fed-1", "fed-2"].map(|owner| {
            format!(
                "\"heritage=external-dns,external-dns/owner={owner},external-dns/resource=service/default/web\""
            )
        });
        self.put(&[
            ["other.default.fed.svc", "A", "198.51.100.3"],
            ["a-other.default.fed.svc", "TXT", &theirs],
            ["hand.default.fed.svc", "A", "198.51.100.4"],
            ["www", "A", "198.51.100.5"],
        ]);
        let others = self.lines();
        self.put(&[
            ["nginx.default.fed.svc", "A", "198.51.100.1"],
            ["a-nginx.default.fed.svc", "TXT", &ours],
            [
                "nginx.default.fed.svc.cn-beijing",
                "CNAME",
                &format!("nginx.default.fed.svc.{DOMAIN}"),
            ],
            ["cname-nginx.default.fed.svc.cn-beijing", "TXT", &ours],
            ["_fedns-fed-1.fed.svc", "TXT", "\"heritage=fedns;owner=fed-1;writer=0\""],
        ]);
        others
    }
}

fn credentials([id, secret]: [&str; 2]) -> String {
    format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

fn records_at_route53_go_by_the_key_that_init_was_given() {
    let stage = Stage::new();
    let user = &stage.user;
    let others = stage.put_records();
    let all = stage.lines();
    user.write("wrong.credentials", credentials([moto::KEY[0], "not-the-secret"]));
    for (file, expected) in [("reader", CHANGE), ("wrong", "SignatureDoesNotMatch")] {
        let refused = user.refused(&format!("{INIT} {CONFIG} {KEY_OF}={file}.credentials"));
        assert!(refused.contains(expected), "{file}: {refused}");
        assert_eq!(stage.namespace(), "", "{file}");
    }
    stage.init(&format!("{CONFIG} {KEY_OF}=aws.credentials"));
    assert_eq!(stage.provider_file(), credentials(moto::KEY));

    // Another file reaches the pod that runs, which is not started anew for it.
    let generation = format!("{SYSTEM} get deployment fedns -o jsonpath={{.metadata.generation}}");
    let before = stage.host().run(&generation);
    let commented = format!("# Of this year.\n{}", credentials(moto::KEY));
    user.write("aws.credentials", &commented);
    stage.init(&format!("{KEY_OF}=aws.credentials"));
    assert_eq!(stage.provider_file(), commented);
    assert_eq!(stage.host().run(&generation), before);
    // Where nobody names a file, that one stays.
    stage.init("");
    assert_eq!(stage.provider_file(), commented);

    let plan = user.printed(&format!("{DELETE} --dry-run"));
    for line in [
        "\nRecords at aws-route53 for mydomain.com., owner fed-1: 3 names\n",
        "\n  - nginx.default.fed.svc.mydomain.com. A 180 198.51.100.1\n",
        "\n  - nginx.default.fed.svc.cn-beijing.mydomain.com. CNAME 180 nginx.default.fed.svc.mydomain.com.\n",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    assert!(!plan.contains("other.default") && !plan.contains("hand.default"), "{plan}");
    assert_eq!(stage.lines(), all);

    // The file that is named is used in place of that in the host cluster.
    let error = user.refused(&format!("{DELETE} --yes {KEY_OF}=reader.credentials"));
    assert!(error.contains("aws-route53 for mydomain.com.: "), "{error}");
    assert!(error.contains(CHANGE), "{error}");
    assert!(error.ends_with("the same command goes on where this one ended\n"), "{error}");
    assert_eq!(stage.lines(), all);
    let told = user.printed(&format!("{DELETE} --yes"));
    let step = "Deleting records at aws-route53 for mydomain.com.... done\n";
    assert!(told.contains(step), "{told}");
    assert!(told.ends_with("federation fed is gone\n"), "{told}");
    assert_eq!(stage.lines(), others);
    assert_eq!(stage.namespace(), "");

    let error = user.refused(&format!("{DELETE} --yes"));
    assert!(error.contains(NOBODY), "{error}");
    let error = user.refused(&format!("{DELETE} --yes {CONFIG} {KEY_OF}=aws.credentials"));
    assert!(error.contains(NOBODY), "{error}");
    assert!(error.contains("no records at aws-route53 for mydomain.com. of fed-1"), "{error}");
    assert_eq!(stage.lines(), others);
}
