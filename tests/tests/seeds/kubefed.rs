use tests::botocore::Botocore;
use tests::door::Door;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::moto::{self, Moto};
use tests::need::{self, Need};
use tests::real_cluster::RealCluster;
use tests::suite::Test;

use super::cluster::{
    PROGRESS, give_address, give_control_plane_addresses, host, member, of_this_machine, traces,
};
use super::user::{User, columns, rows};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes, Need::Peers, need::NGINX, need::CURL] =>
            clusters_of_two_clouds_are_one_and_one_is_lost;
    }
}

const INIT: &str = "fedns init master-control --host-cluster-context=gcek8s \
                    --dns-zone-name=mydomain.com --dns-provider=aws-route53 \
                    --dns-provider-config=aws.credentials --dns-service-type=LoadBalancer \
                    --etcd-persistent-storage=false";
const DOMAIN: &str = "mydomain.com";
/// Id and secret.
const EXAMPLE_KEY: [&str; 2] = ["AKIAIOSFODNN7EXAMPLE", "SecretOfThatKeyGoesHere"];
const CURL: &str = "curl web.default.master-control.svc.mydomain.com";
const FEDERATION: &str = "kubectl config use-context master-control";
const GCE: &str = "kubectl config use-context gcek8s";
const AWS: &str = "kubectl config use-context awsk8s";

/// The parts of the story that are not typed.
struct Stage {
    gce: RealCluster,
    aws: RealCluster,
    /// Closes before what is behind it.
    door: Door,
    moto: Moto,
    zone: String,
}

fn clusters_of_two_clouds_are_one_and_one_is_lost() {
    let mut stage = Stage::new();
    let mut user = User::with_page("kubefed");
    let dns = stage.a_control_plane(&mut user);
    user.resolves_with(&dns);
    stage.members(&mut user);
    stage.a_deployment_in_both(&mut user);
    stage.settings_for_all(&mut user);
    let addresses = stage.a_name(&mut user);
    stage.one_is_lost(&mut user, &addresses);
    stage.nothing_is_left(&mut user);
    user.has_typed_all();
}

impl Stage {
    fn new() -> Self {
        let gce = host("gcek8s", "europe-west3", "europe-west3-a");
        let aws = member("awsk8s", "eu-central-1", "eu-central-1b");
        let moto = Moto::start();
        let zone = moto.botocore().create_zone(DOMAIN);
        let door = Door::open(gce.outer_address(), moto.port());
        Self { gce, aws, door, moto, zone }
    }

    /// The address of fedns.
    fn a_control_plane(&self, user: &mut User) -> String {
        user.replaces("aws.credentials", EXAMPLE_KEY, moto::KEY);
        user.home().write(
            "fedns.yaml",
            format!(
                "resolver: {{servers: [\"127.0.0.1:1\"]}}\nproviders: \
                 [{{kind: route53, endpoint: \"{}\", region: us-east-1, nameServers: []}}]\n",
                self.door.url()
            ),
        );
        std::fs::create_dir(user.home().path().join(".kube")).expect("make a folder");
        let contexts = [self.aws.api.context(), self.gce.api.context()];
        user.home().write(".kube/config", kubeconfig(&contexts));

        let contexts = user.types("kubectl config get-contexts");
        assert_eq!(columns(&contexts, 2), ["* awsk8s", "gcek8s gcek8s"], "{contexts}");
        user.types(GCE);
        let mut init = user.begins(INIT, &of_this_machine("fedns.yaml"));
        let [api, dns] = give_control_plane_addresses(&self.gce);
        let status = init.wait(GENEROUS * 3);
        let log = init.log();
        assert!(status.success(), "{log}");
        assert!(log.contains(&format!("{PROGRESS}{api}\n")), "{log}");

        let contexts = user.types("kubectl config get-contexts");
        let expected = ["awsk8s awsk8s", "* gcek8s", "master-control master-control"];
        assert_eq!(columns(&contexts, 2), expected, "{contexts}");
        let pods = user.types("kubectl get pods --namespace=federation-system");
        let parts = ["apiserver", "controller-manager", "etcd", "fedns"];
        for (row, part) in rows(&pods).iter().zip(parts) {
            assert!(row[0].starts_with(part), "{pods}");
            assert_eq!(row[1..3], ["1/1", "Running"], "{pods}");
        }
        assert_eq!(rows(&pods).len(), parts.len(), "{pods}");
        user.types(FEDERATION);
        dns
    }

    fn members(&self, user: &mut User) {
        for (name, secret) in [("gcek8s", "fed-secret-gce"), ("awsk8s", "fed-secret-aws")] {
            let joined = user.types(&format!(
                "fedns join {name} --host-cluster-context=gcek8s --secret-name={secret}"
            ));
            let expected = format!("cluster {name} joined federation master-control\n");
            assert!(joined.contains(&expected), "{joined}");
            assert!(joined.contains(&format!("sees cluster {name}... done\n")), "{joined}");
            let host = self.gce.api.kubectl();
            host.run(&format!("-n federation-system get secret {secret}"));
        }
        let clusters = user.types("kubectl get clusters");
        assert_eq!(columns(&clusters, 2), ["awsk8s Ready", "gcek8s Ready"], "{clusters}");
    }

    fn a_deployment_in_both(&self, user: &mut User) {
        user.types("kubectl create -f deployment.yaml");
        assert_eq!(user.types("kubectl get pods"), "");
        user.types("kubectl rollout status deployment web");
        let deployments = user.types("kubectl get deployments");
        assert_eq!(columns(&deployments, 4), ["web 3/3 3 3"], "{deployments}");
        let made = |cluster| format!("Created Deployment \"default/web\" in cluster {cluster}");
        let described = user.types("kubectl describe deployments web");
        let events = user.types("kubectl get events");
        for text in [described, events] {
            for cluster in ["awsk8s", "gcek8s"] {
                assert!(text.contains("CreateInCluster"), "{text}");
                assert!(text.contains(&made(cluster)), "{text}");
            }
        }
        let mut counts = Vec::new();
        for context in [AWS, GCE] {
            user.types(context);
            let pods = user.types("kubectl get pods");
            counts.push(columns(&pods, 3).iter().filter(|it| it.ends_with("1/1 Running")).count());
        }
        counts.sort_unstable();
        assert_eq!(counts, [1, 2]);
    }

    fn settings_for_all(&self, user: &mut User) {
        user.types(FEDERATION);
        user.types("kubectl create -f configmap.yaml");
        let shown = user.types("kubectl get configmap shop-settings -o yaml");
        assert!(shown.contains("  backend.host: backend.shop.internal\n"), "{shown}");
        user.types("kubectl create -f replicaset.yaml");
        user.types(GCE);
        let maps = user.types_until("kubectl get configmaps", &["shop-settings"]);
        assert!(columns(&maps, 2).contains(&"shop-settings 1".to_owned()), "{maps}");
        let count = self.share_of_gce();
        let ready = self.gce.ready_pods("default", "app=web-with-settings", count);
        let pods = user.types("kubectl get pods");
        for pod in ready {
            assert!(columns(&pods, 3).contains(&format!("{pod} 1/1 Running")), "{pods}");
            user.set("POD", pod);
        }
        let value = user.types("kubectl exec -it $POD -- cat /etc/config/backend.host");
        assert_eq!(value, "backend.shop.internal");
    }

    /// How many of three the planner gives it: one or two.
    fn share_of_gce(&self) -> usize {
        let line = "get replicaset web-with-settings -o jsonpath={.spec.replicas}";
        let kubectl = self.gce.api.kubectl();
        tests::eventually::eventually(GENEROUS, "the ReplicaSet is in gcek8s", || {
            let text = kubectl.try_run(line)?;
            text.parse().map_err(|_| text)
        })
    }

    /// Addresses in both clusters.
    fn a_name(&self, user: &mut User) -> [String; 2] {
        user.types(FEDERATION);
        user.types("kubectl expose deployment web --port=80 --type=LoadBalancer");
        let [aws, gce] = [&self.aws, &self.gce].map(|it| give_address(it, "default", "web"));
        user.types_until("kubectl get services", &[&aws, &gce]);
        let page = user.types_until(CURL, &["Welcome to nginx!"]);
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        self.has_addresses(&[&aws, &gce]);
        [aws, gce]
    }

    /// At the global name in Route53, as the vendor's client reads it.
    fn has_addresses(&self, addresses: &[&str]) {
        let mut addresses = addresses.to_vec();
        addresses.sort_unstable();
        let name = format!("web.default.master-control.svc.{DOMAIN}. A 180 ");
        let expected = format!("{name}{}", addresses.join(" "));
        let aws: Botocore = self.moto.botocore();
        eventually_equal(GENEROUS, "the record in Route53", &expected, || {
            let mut lines = aws.lines(&self.zone).into_iter();
            lines.find(|line| line.starts_with(&name)).unwrap_or_default()
        });
    }

    fn one_is_lost(&mut self, user: &mut User, [aws, gce]: &[String; 2]) {
        self.aws.lose();
        let clusters = user.types_until("kubectl get clusters", &["awsk8s   Offline"]);
        assert_eq!(columns(&clusters, 2), ["awsk8s Offline", "gcek8s Ready"], "{clusters}");
        let page = user.types(CURL);
        assert!(page.contains("Welcome to nginx!"), "{page}");
        self.has_addresses(&[aws, gce]);

        let left = user.types("fedns unjoin awsk8s --host-cluster-context=gcek8s");
        assert!(left.contains("has left the federation; what is left:"), "{left}");
        self.has_addresses(&[gce]);
        let page = user.types(CURL);
        assert!(page.contains("Welcome to nginx!"), "{page}");
    }

    /// But for what runs in the member.
    fn nothing_is_left(&self, user: &mut User) {
        user.types(GCE);
        let told = user.types("fedns delete master-control --host-cluster-context=gcek8s --yes");
        assert!(told.ends_with("\nfederation master-control is gone\n"), "{told}");
        let contexts = user.types("kubectl config get-contexts");
        assert_eq!(columns(&contexts, 2), ["awsk8s awsk8s", "* gcek8s"], "{contexts}");
        assert_eq!(self.moto.botocore().lines(&self.zone), [] as [&str; 0]);
        eventually_equal(GENEROUS, "nothing of us is left in gcek8s", &String::new(), || {
            traces(&self.gce)
        });
        let kubectl = self.gce.api.kubectl();
        kubectl.run(
            "get deployment/web replicaset/web-with-settings configmap/shop-settings service/web",
        );
    }
}
