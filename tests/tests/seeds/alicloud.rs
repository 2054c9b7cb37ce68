use tests::door::Door;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::alidns::{FakeAliDns, Plan};
use tests::kubectl::Kubectl;
use tests::need::{self, Need};
use tests::real_cluster::RealCluster;
use tests::suite::Test;

use super::cluster::{
    PROGRESS, admin_conf, give_address, give_control_plane_addresses, host, member,
    of_this_machine, traces,
};
use super::user::{User, columns, rows};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes, need::NGINX, need::CURL] =>
            hangzhou_and_beijing_are_one;
    }
}

const DOMAIN: &str = "spacexnice.xyz";
const INIT: &str = "fedns init federation --federation-name=fed --host-cluster-context=hangzhou \
                    --dns-provider=alidns --dns-zone-name=spacexnice.xyz. \
                    --dns-provider-config=alidns.yaml --dns-service-type=LoadBalancer \
                    --etcd-persistent-storage=false";
const ZONE_NAME: &str = "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou";
const NAME: &str = "nginx.default.fed.svc";

/// Of the kubeconfig, before and after.
const CONTEXTS: [&str; 2] = [
    "* beijing kubernetes-beijing kubernetes-admin-beijing",
    "hangzhou kubernetes-hangzhou kubernetes-admin-hangzhou",
];

/// The parts of the story that are not typed.
struct Stage {
    hangzhou: RealCluster,
    beijing: RealCluster,
    /// Closes before what is behind it.
    door: Door,
    alidns: FakeAliDns,
}

fn hangzhou_and_beijing_are_one() {
    let stage = Stage::new();
    let mut user = User::with_page("alicloud");
    stage.one_kubeconfig(&mut user);
    let kubeconfig = user.kubeconfig_text();
    let dns = stage.a_control_plane(&mut user);
    stage.members(&mut user);
    user.resolves_with(&dns);
    let addresses = stage.a_service_in_both(&mut user);
    stage.records(&addresses);
    stage.where_and_how_many(&mut user);
    stage.one_leaves(&mut user, &addresses);
    stage.nothing_is_left(&mut user);
    assert_eq!(user.kubeconfig_text(), kubeconfig);
    user.has_typed_all();
}

impl Stage {
    fn new() -> Self {
        let hangzhou = host("hangzhou", "cn-hangzhou", "cn-hangzhou-b");
        let beijing = member("beijing", "cn-beijing", "cn-beijing-a");
        let alidns = FakeAliDns::start();
        // What stands in the example's alidns.yaml.
        alidns.add_key("LTAI5tExampleKeyOfYours", "SecretOfThatKeyGoesHere");
        alidns.add_domain(DOMAIN, None, Plan::free());
        let door = Door::open(hangzhou.outer_address(), alidns.port());
        Self { hangzhou, beijing, door, alidns }
    }

    fn one_kubeconfig(&self, user: &mut User) {
        for cluster in [&self.hangzhou, &self.beijing] {
            let file = format!("{}.conf", cluster.api.name());
            user.home().write(&file, admin_conf(&cluster.api.context()));
        }
        let merged =
            user.types("fedns kubeconfig merge hangzhou=hangzhou.conf beijing=beijing.conf");
        let file = user.kubeconfig();
        let expected = format!("Info: file {} successfully generated.", file.display());
        assert!(merged.ends_with(&format!("{expected}\n")), "{merged}");
        let contexts = user.types("kubectl config get-contexts");
        assert_eq!(columns(&contexts, 4), CONTEXTS, "{contexts}");
    }

    /// The address of fedns.
    fn a_control_plane(&self, user: &mut User) -> String {
        user.home().write(
            "fedns.yaml",
            format!(
                "resolver: {{servers: [\"127.0.0.1:1\"]}}\n\
                 providers: [{{kind: alidns, endpoint: \"{}\", nameServers: []}}]\n",
                self.door.url()
            ),
        );
        let more = of_this_machine("fedns.yaml");
        let refused = user.tries(INIT, &more).failed().errors;
        for remedy in ["upgrade", "levels: [global, region]", "ttl: 600"] {
            assert!(refused.contains(remedy), "{remedy}: {refused}");
        }
        assert_eq!(traces(&self.hangzhou), "");
        self.alidns.domains(|domains| domains.change_plan(DOMAIN, Plan::enterprise_standard()));

        let mut init = user.begins(INIT, &more);
        let [api, dns] = give_control_plane_addresses(&self.hangzhou);
        let status = init.wait(GENEROUS * 3);
        let log = init.log();
        assert!(status.success(), "{log}");
        assert!(log.contains(&format!("{PROGRESS}{api}\n")), "{log}");
        dns
    }

    fn members(&self, user: &mut User) {
        let mut ready = Vec::new();
        for name in ["hangzhou", "beijing"] {
            let joined = user.types(&format!(
                "fedns join {name} --context=federation --cluster-context={name} \
                 --host-cluster-context=hangzhou"
            ));
            let expected = format!("cluster {name} joined federation fed\n");
            assert!(joined.contains(&expected), "{joined}");
            assert!(joined.contains(&format!("sees cluster {name}... done\n")), "{joined}");
            let clusters = user.types("kubectl get cluster --context=federation");
            assert!(clusters.starts_with("NAME       STATUS   AGE\n"), "{clusters}");
            ready.push(format!("{name} Ready"));
            ready.sort();
            assert_eq!(columns(&clusters, 2), ready, "{clusters}");
        }
    }

    /// Addresses in Beijing and in Hangzhou.
    fn a_service_in_both(&self, user: &mut User) -> [String; 2] {
        user.types("kubectl create deployment nginx --image=nginx:stable --context=federation");
        user.types(
            "kubectl expose deploy nginx --port=80 --target-port=80 --type=LoadBalancer \
             --context=federation",
        );
        let [beijing, hangzhou] =
            [&self.beijing, &self.hangzhou].map(|it| give_address(it, "default", "nginx"));
        user.types("kubectl scale deploy nginx --replicas=3 --context=federation");
        user.types("kubectl rollout status deploy nginx --context=federation");
        let mut ready = Vec::new();
        for name in ["beijing", "hangzhou"] {
            let deployments = user.types(&format!("kubectl get deploy --context={name}"));
            ready.push(rows(&deployments)[0][1].clone());
        }
        ready.sort();
        assert_eq!(ready, ["1/1", "2/2"]);
        let services =
            user.types_until("kubectl get svc --context=federation", &[&beijing, &hangzhou]);
        assert!(services.contains("LoadBalancer"), "{services}");
        user.types("kubectl create -f deployment-nginx.yaml --context=federation");
        let annotation = format!(
            "federation.kubernetes.io/service-ingresses:\n{}{{\"items\":[\
             {{\"cluster\":\"beijing\",\"items\":[{{\"ip\":\"{beijing}\"}}]}},\
             {{\"cluster\":\"hangzhou\",\"items\":[{{\"ip\":\"{hangzhou}\"}}]}}]}}\n",
            " ".repeat(28)
        );
        let shown = [annotation.as_str(), "LoadBalancer Ingress: "];
        let described = user.types_until("kubectl describe svc nginx --context=federation", &shown);
        assert!(described.contains(&format!("{beijing} (VIP)")), "{described}");
        assert!(described.contains(&format!("{hangzhou} (VIP)")), "{described}");
        let page =
            user.types_until("curl nginx.default.fed.svc.spacexnice.xyz", &["Welcome to nginx!"]);
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        // Each cluster's own name leads to a web server, too.
        for (place, address) in
            [("cn-beijing-a.cn-beijing", &beijing), ("cn-hangzhou-b.cn-hangzhou", &hangzhou)]
        {
            let line = format!("curl {NAME}.{place}.{DOMAIN} --write-out %{{remote_ip}}");
            let page = user.tries(&line, &[]).succeeded().out;
            assert!(page.ends_with(address.as_str()), "{page}");
        }
        [beijing, hangzhou]
    }

    /// What the console of AliDNS shows besides markers.
    #[track_caller]
    fn has_records(&self, expected: &[String]) {
        eventually_equal(GENEROUS, "the records at AliDNS", &expected.to_vec(), || {
            let mut lines = self.alidns.lines(DOMAIN);
            lines.retain(|line| !line.contains(" TXT "));
            lines
        });
    }

    fn records(&self, [beijing, hangzhou]: &[String; 2]) {
        assert_eq!(format!("{ZONE_NAME}.{DOMAIN}").split('.').count(), 8);
        let mut expected = vec![
            format!("{NAME} A default 180 {beijing}"),
            format!("{NAME} A default 180 {hangzhou}"),
            format!("{NAME}.cn-beijing A default 180 {beijing}"),
            format!("{NAME}.cn-beijing-a.cn-beijing A default 180 {beijing}"),
            format!("{NAME}.cn-hangzhou A default 180 {hangzhou}"),
            format!("{ZONE_NAME} A default 180 {hangzhou}"),
        ];
        expected.sort();
        self.has_records(&expected);
    }

    fn where_and_how_many(&self, user: &mut User) {
        user.types("kubectl label cluster beijing location=north --context=federation");
        user.types("kubectl create -f deployment-north.yaml --context=federation");
        user.types("kubectl rollout status deploy nginx-north --context=federation");
        let counted = |kubectl: &Kubectl| {
            let line =
                "get deploy nginx-north --ignore-not-found -o jsonpath={.status.readyReplicas}";
            kubectl.run(line)
        };
        assert_eq!(counted(self.beijing.api.kubectl()), "2");
        assert_eq!(counted(self.hangzhou.api.kubectl()), "");
    }

    fn one_leaves(&self, user: &mut User, [_, hangzhou]: &[String; 2]) {
        let left =
            user.types("fedns unjoin beijing --host-cluster-context=hangzhou --context=federation");
        assert!(left.ends_with("cluster beijing has left the federation\n"), "{left}");
        let clusters = user.types("kubectl get clusters --context=federation");
        assert_eq!(columns(&clusters, 2), ["hangzhou Ready"], "{clusters}");
        self.has_records(&[
            format!("{NAME} A default 180 {hangzhou}"),
            format!("{NAME}.cn-hangzhou A default 180 {hangzhou}"),
            format!("{ZONE_NAME} A default 180 {hangzhou}"),
        ]);
        let page = user.tries("curl nginx.default.fed.svc.spacexnice.xyz", &[]).succeeded().out;
        assert!(page.contains("Welcome to nginx!"), "{page}");
        eventually_equal(GENEROUS, "nothing of us is left in beijing", &String::new(), || {
            traces(&self.beijing)
        });
        // What runs there runs on.
        self.beijing.api.kubectl().run("get deployment nginx");
    }

    fn nothing_is_left(&self, user: &mut User) {
        let told = user.types(
            "fedns delete federation --host-cluster-context=hangzhou --objects=delete --yes",
        );
        assert!(told.ends_with("\nfederation fed is gone\n"), "{told}");
        let contexts = user.types("kubectl config get-contexts");
        assert_eq!(columns(&contexts, 4), CONTEXTS, "{contexts}");
        // Neither records nor markers.
        assert_eq!(self.alidns.lines(DOMAIN), [] as [&str; 0]);
        eventually_equal(GENEROUS, "nothing of us is left in hangzhou", &String::new(), || {
            let copies = "get deploy,svc,configmap,secret -A -l fedns.io/federation -o name";
            traces(&self.hangzhou) + &self.hangzhou.api.kubectl().run(copies)
        });
        assert_eq!(traces(&self.beijing), "");
    }
}
