//! A resolver that others wrote finds federated names from the root: in a network of its own, where
//! every name server has port 53, through delegations with glue.

use std::process::{Command, Stdio};

use tests::authority::Authority;
use tests::dns::{Reply, read_dig};
use tests::eventually::{GENEROUS, eventually};
use tests::name_daemon::Software;
use tests::need::{DIG, DRILL, IP, KNOTD, NSD, Need, UNBOUND, find_program};
use tests::network::Network;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;
use tests::suite::Test;

use crate::serve::folder::service;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Root, IP, NSD, KNOTD, UNBOUND, DIG] => unbound_finds_every_name_from_its_root_hints;
        [Need::Root, IP, NSD, KNOTD, DRILL] => drill_traces_a_name_from_the_root;
    }
}

const ROOT: &str = "127.0.0.2:53";
const COM: &str = "127.0.0.3:53";

const ROOT_HINTS: &str = "\
. 3600000 NS a.root-servers.test.
a.root-servers.test. 3600000 A 127.0.0.2
";

const ROOT_ZONE: &str = "\
$TTL 86400
. SOA a.root-servers.test. hostmaster.root-servers.test. 1 1800 900 604800 86400
. NS a.root-servers.test.
a.root-servers.test. A 127.0.0.2
com. NS ns.nic.com.
ns.nic.com. A 127.0.0.3
";

/// One of our servers has only an IPv4 address there, the other only an IPv6 address.
const COM_ZONE: &str = "\
$ORIGIN com.
$TTL 86400
@ SOA ns.nic hostmaster.nic 1 1800 900 604800 86400
@ NS ns.nic
ns.nic A 127.0.0.3
example NS ns1.example
example NS ns2.example
ns1.example A 127.0.0.4
ns2.example AAAA ::1
";

/// Two clusters, of which only the first has the Service `web`.
const CONFIG: &str = "\
apiVersion: fedns.io/v1
kind: Config
federation: fed
zone: example.com.
nameServers:
  - {name: ns1.example.com., addresses: [127.0.0.4]}
  - {name: ns2.example.com., addresses: [\"::1\"]}
listen: {dns: [\"127.0.0.4:53\", \"[::1]:53\"], admin: \"127.0.0.4:8053\"}
stateDir: ./state
lameDuck: 0s
clusters:
  - {name: a, manifests: ./a, region: cn-a, availabilityZones: [cn-a-1]}
  - {name: b, manifests: ./b, region: cn-b, availabilityZones: [cn-b-1]}
";

const UNBOUND_CONFIG: &str = "\
server:
  interface: 127.0.0.1
  port: 53
  username: \"\"
  chroot: \"\"
  pidfile: \"\"
  use-syslog: no
  logfile: \"\"
  do-daemonize: no
  num-threads: 1
  verbosity: 3
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  module-config: \"iterator\"
  directory: FOLDER
  root-hints: root.hints
remote-control:
  control-enable: no
";

/// The root, the zone `com.`, and fedns below it. Fields drop in order.
struct World {
    fedns: Process,
    _authorities: [Authority; 2],
    network: Network,
    home: Scratch,
}

// === impl World ===

impl World {
    fn start() -> Self {
        let network = Network::start();
        let authority = |software, zone, text, address: &str| {
            let address = address.parse().expect("an address");
            let enter = |command| network.inside(&command);
            Authority::start_where(software, &[(zone, text)], address, enter)
        };
        let root = authority(Software::Nsd, ".", ROOT_ZONE, ROOT);
        let com = authority(Software::Knot, "com.", COM_ZONE, COM);
        let home = Scratch::new("resolvers");
        for folder in ["a", "b", "logs"] {
            std::fs::create_dir(home.path().join(folder)).expect("make a folder");
        }
        home.write("root.hints", ROOT_HINTS);
        home.write("a/web.yaml", service("web", "192.0.2.1"));
        let config = home.write("fedns.yaml", CONFIG);
        let mut command = product::fedns();
        command.arg("serve").arg("--config").arg(config);
        let fedns = Process::start("fedns", &network.inside(&command), &home.path().join("logs"));
        let world = Self { fedns, _authorities: [root, com], network, home };
        for (server, zone) in [("127.0.0.2", "."), ("127.0.0.3", "com"), ("127.0.0.4", WEB)] {
            world.hears(server, zone);
        }
        world
    }

    /// Waits until the server has something to say of the name.
    #[track_caller]
    fn hears(&self, server: &str, name: &str) {
        eventually(GENEROUS, &format!("{server} answers for {name}"), || {
            self.fedns.assert_running();
            match self.ask(server, name, "ANY", &["+norecurse"]) {
                Ok(Reply { code, .. }) if code == "NOERROR" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    /// What one server answers to dig.
    fn ask(&self, server: &str, name: &str, kind: &str, more: &[&str]) -> Result<Reply, String> {
        let mut dig = Command::new(find_program("dig").expect("dig is here"));
        dig.arg(format!("@{server}")).args(["+noall", "+comments", "+answer", "+nocl"]);
        dig.args(["+tries=1", "+time=10"]).args(more).args([name, kind]);
        let text = self.output(&dig);
        read_dig(&text).pop().ok_or(text)
    }

    /// What a command in the network prints.
    fn output(&self, command: &Command) -> String {
        let output = self.network.inside(command).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn start_unbound(&self) -> Process {
        let folder = self.home.path().display().to_string();
        let config = self.home.write("unbound.conf", UNBOUND_CONFIG.replace("FOLDER", &folder));
        let mut command = Command::new(find_program("unbound").expect("unbound is here"));
        command.args(["-d", "-c"]).arg(config);
        let command = self.network.inside(&command);
        let unbound = Process::start("unbound", &command, &self.home.path().join("logs"));
        eventually(GENEROUS, "unbound answers", || {
            unbound.assert_running();
            self.ask("127.0.0.1", "version.bind", "TXT", &["-c", "CH"])
        });
        unbound
    }
}

const WEB: &str = "web.default.fed.svc.example.com";
/// Of the cluster without the Service.
const EMPTY_REGION: &str = "web.default.fed.svc.cn-b.example.com";
const EMPTY_ZONE: &str = "web.default.fed.svc.cn-b-1.cn-b.example.com";

fn unbound_finds_every_name_from_its_root_hints() {
    let world = World::start();
    let unbound = world.start_unbound();
    let chain = format!("NOERROR, CNAME {EMPTY_REGION}., CNAME {WEB}., A 192.0.2.1");
    let no_chain = format!("NOERROR, CNAME {EMPTY_REGION}., CNAME {WEB}.");
    let port = format!("NOERROR, SRV 0 1 80 {WEB}.");
    for (name, kind, expect) in [
        // The deepest first: nothing is known yet of the empty names on the way to it.
        ("web.default.fed.svc.cn-a-1.cn-a.example.com", "A", "NOERROR, A 192.0.2.1"),
        ("web.default.fed.svc.cn-a.example.com", "A", "NOERROR, A 192.0.2.1"),
        (WEB, "A", "NOERROR, A 192.0.2.1"),
        (WEB, "AAAA", "NOERROR"),
        (EMPTY_ZONE, "A", &*chain),
        (EMPTY_ZONE, "AAAA", &*no_chain),
        ("_http._tcp.web.default.fed.svc.example.com", "SRV", &*port),
        ("default.fed.svc.example.com", "A", "NOERROR"),
        ("nope.default.fed.svc.example.com", "A", "NXDOMAIN"),
        ("web.default.fed.svc.nope.example.com", "A", "NXDOMAIN"),
    ] {
        for more in [&[][..], &["+tcp"]] {
            let reply = world.ask("127.0.0.1", name, kind, more).expect("an answer");
            assert_eq!(reply.to_string(), expect, "{name} {kind} {more:?}\n{}", unbound.log());
            for record in &reply.records {
                let ttl: u32 = record.split(' ').nth(1).and_then(|ttl| ttl.parse().ok()).unwrap();
                assert!(ttl <= 180, "{record}");
            }
        }
    }
    // It asks for no more than the next label, so names without records were in its way.
    let log = unbound.log();
    for name in ["com.", "example.com.", "cn-a.example.com.", "svc.cn-a-1.cn-a.example.com."] {
        assert!(log.contains(&format!("sending query: {name} A IN")), "{name}\n{log}");
    }
}

fn drill_traces_a_name_from_the_root() {
    let world = World::start();
    let mut drill = Command::new(find_program("drill").expect("drill is here"));
    drill.arg("-T").arg("-r").arg(world.home.path().join("root.hints")).args([WEB, "A"]);
    let text = world.output(&drill);
    let records: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with(';'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let found = format!("{WEB}. 180 IN A 192.0.2.1");
    for expect in
        ["com. 86400 IN NS ns.nic.com.", "example.com. 86400 IN NS ns1.example.com.", &found]
    {
        assert!(records.iter().any(|record| record == expect), "{expect}\n{text}");
    }
}
