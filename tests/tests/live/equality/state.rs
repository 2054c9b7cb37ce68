use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use model::service::Protocol;
use model::{
    ClusterChange, ClusterName, ClusterView, EmptyLevels, Health, Label, Level, Levels, Location,
    Name, Observed, ServiceKey, ServicePort, ServiceShard, Topology, ZoneContents,
};
use planner::base::StaticNames;
use planner::{NameServer, Planner, ZoneSettings, base_contents};
use serde_json::{Value, json};

const SERVICES: usize = 200;

/// One cluster, as a folder.
pub(super) struct Source {
    pub(super) name: &'static str,
    number: usize,
    round: usize,
    /// Names of zones below the cluster's one region.
    zones: BTreeSet<&'static str>,
    services: BTreeMap<usize, Shard>,
}

#[derive(Clone, Debug)]
struct Shard {
    addresses: Vec<IpAddr>,
    is_ready: bool,
    /// Of the port `http`.
    port: Option<u16>,
}

impl Source {
    pub(super) fn new(name: &'static str, number: usize) -> Self {
        let zones = [["a", "b"], ["b", "c"]][number].into();
        let mut source = Self { name, number, round: 0, zones, services: BTreeMap::new() };
        (0..SERVICES).for_each(|service| source.renew(service));
        source
    }

    /// The next state: a quarter of the Services comes, goes or changes, and once there are nodes
    /// in a new zone.
    pub(super) fn advance(&mut self) {
        self.round += 1;
        for service in (0..SERVICES).skip(self.round % 4).step_by(4) {
            self.renew(service);
        }
        if self.round == 2 {
            self.zones.insert("d");
        }
    }

    /// Every Service is deleted.
    pub(super) fn clear(&mut self) {
        self.services.clear();
    }

    fn renew(&mut self, service: usize) {
        match Shard::draw(self.number, service, self.round) {
            Some(shard) => self.services.insert(service, shard),
            None => self.services.remove(&service),
        };
    }

    /// Makes the folder below `home` hold this state: each file is replaced in one step.
    pub(super) fn write(&self, home: &Path) {
        let folder = home.join(self.name);
        fs::create_dir_all(&folder).expect("make a folder");
        let files = self.files();
        for file in fs::read_dir(&folder).expect("read a folder") {
            let file = file.expect("read a folder");
            if !files.contains_key(&*file.file_name().to_string_lossy()) {
                fs::remove_file(file.path()).expect("remove a file");
            }
        }
        for (name, content) in files {
            let path = folder.join(&name);
            if fs::read_to_string(&path).ok().as_ref() != Some(&content) {
                let new = folder.join(format!(".{name}"));
                fs::write(&new, content).expect("write a file");
                fs::rename(new, path).expect("rename a file");
            }
        }
    }

    fn files(&self) -> BTreeMap<String, String> {
        let nodes = self.zones.iter().map(|zone| self.node(zone)).collect();
        let services = self.services.iter().map(|(service, shard)| {
            (format!("s{service}.json"), list(shard.manifests(&format!("s{service}"))))
        });
        services.chain([("nodes.json".to_owned(), list(nodes))]).collect()
    }

    fn node(&self, zone: &str) -> Value {
        let labels = json!({
            "topology.kubernetes.io/region": self.region(),
            "topology.kubernetes.io/zone": format!("{}-{zone}", self.region()),
        });
        let name = format!("node-{zone}");
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    }

    fn region(&self) -> String {
        format!("cn-{}", self.name)
    }

    fn view(&self) -> ClusterView {
        let location = |zone: &&str| {
            let zone = format!("{}-{zone}", self.region());
            Location::new(label(&self.region()), Some(label(&zone)))
        };
        let locations = self.zones.iter().map(location).collect();
        let services = self.services.iter().map(|(service, shard)| {
            let key = ServiceKey::new("default", &format!("s{service}"));
            (key, Observed::Shard(shard.value()))
        });
        let topology = Topology { locations, notes: BTreeSet::new() };
        ClusterView { topology, services: services.collect() }
    }
}

impl Shard {
    /// Some mix of everything that a cluster can say of a Service, always the same for the same
    /// numbers.
    fn draw(source: usize, service: usize, round: usize) -> Option<Self> {
        let mixed = (service * 7919 + source * 104_729 + round * 1_299_709) % 10_007;
        let has = |one_in: usize| mixed.is_multiple_of(one_in);
        if has(6) {
            return None;
        }
        let [high, low] = (mixed as u16).to_be_bytes();
        let v4 = |last| IpAddr::from(Ipv4Addr::new(198, 18 + source as u8, high, low ^ last));
        let v6 =
            IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, source as u16, 0, 0, 0, 0, mixed as u16));
        let addresses = match mixed % 7 {
            0 => vec![],
            1 => vec![v6],
            2 => vec![v4(0), v6],
            3 => vec![v4(0), v4(1)],
            _ => vec![v4(0)],
        };
        let port = match mixed % 5 {
            0 => None,
            // Where the other cluster says otherwise, no SRV record can be right for both.
            1 => Some(8080),
            _ => Some(80),
        };
        Some(Self { addresses, is_ready: !has(8), port })
    }

    fn manifests(&self, name: &str) -> Vec<Value> {
        let port = match self.port {
            Some(port) => json!({"name": "http", "port": port}),
            None => json!({"port": 80}),
        };
        let ingress: Vec<Value> = self.addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [port]},
            "status": {"loadBalancer": {"ingress": ingress}},
        });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": format!("{name}-1"), "namespace": "default",
                "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": self.is_ready}}],
        });
        vec![service, slice]
    }

    fn value(&self) -> ServiceShard {
        let mut shard = ServiceShard::healthy(self.addresses.iter().copied());
        shard.health = if self.is_ready { Health::Healthy } else { Health::NoReadyEndpoint };
        let port = |port| ServicePort { name: "http".into(), protocol: Protocol::Tcp, port };
        shard.ports = self.port.map(port).into_iter().collect::<Arc<[ServicePort]>>();
        shard
    }
}

/// What the zone should hold.
pub(super) fn plan(sources: &[Source]) -> ZoneContents {
    let mut planner = Planner::new(vec![settings()]);
    for source in sources {
        planner.absorb(&ClusterName::new(source.name), ClusterChange::View(source.view()));
    }
    planner.absorbed();
    planner.zone_contents(0)
}

/// Those of the config that the harness writes.
fn settings() -> ZoneSettings {
    let name = |text: &str| Name::parse(text).expect("a name");
    let (zone, federation) = (name("example.com."), label("fed"));
    let addresses = vec![Ipv4Addr::new(192, 0, 2, 53).into()];
    let servers = [NameServer { name: name("ns1.example.com."), addresses }];
    let hostmaster = name("hostmaster.example.com.");
    let base = base_contents(&zone, &servers, &hostmaster, None).expect("the zone is complete");
    let static_names = StaticNames::new(&base, &federation, std::slice::from_ref(&zone));
    ZoneSettings {
        zone,
        federation,
        ttl: 180,
        levels: Levels::new(Level::ALL).expect("not empty"),
        empty_levels: EmptyLevels::All,
        has_services: true,
        static_names,
        base: Arc::new(base.into()),
    }
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}

fn list(items: Vec<Value>) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
