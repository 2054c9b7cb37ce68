//! A cluster that is described in a few words, and what its index tells, as text.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use model::{Observed, ServiceShard, Topology, UnixTime};

use super::super::{Change, HostRequest, Index, IndexOptions, Missing};
use crate::manifests::parse_yaml;
use crate::memory::Saved;
use crate::object::{Kind, ObjectKey};
use crate::reading::{Reader, Reading};
use crate::resolver::Resolution;
use crate::settings::ServiceSettings;

pub(super) struct Cluster {
    pub(super) index: Index,
    reader: Reader,
    now: UnixTime,
}

/// A LoadBalancer with a selector; `ingress` are addresses and host names, separated by spaces.
pub(super) fn lb(name: &str, ingress: &str) -> String {
    lb_with(name, "", "selector: {app: web}", ingress)
}

/// `metadata` and `spec` go into the flow maps as they are.
pub(super) fn lb_with(name: &str, metadata: &str, spec: &str, ingress: &str) -> String {
    let points = ingress.split_whitespace().map(|point| match point.parse::<IpAddr>() {
        Ok(_) => format!("{{ip: '{point}'}}"),
        Err(_) => format!("{{hostname: '{point}'}}"),
    });
    let points: Vec<String> = points.collect();
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, {metadata}}}\nspec: {{type: LoadBalancer, {spec}}}\nstatus: {{loadBalancer: {{ingress: [{}]}}}}\n",
        points.join(", ")
    )
}

/// A slice of `service` with one endpoint for each word: `ready`, `unready` or `unknown`.
pub(super) fn slice(name: &str, service: &str, endpoints: &str) -> String {
    let endpoints = endpoints.split_whitespace().map(|endpoint| match endpoint {
        "ready" => "{conditions: {ready: true}}",
        "unready" => "{conditions: {ready: false}}",
        "unknown" => "{conditions: {}}",
        other => panic!("{other}"),
    });
    let endpoints: Vec<&str> = endpoints.collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: {name}, labels: {{kubernetes.io/service-name: {service}}}}}\nendpoints: [{}]\n",
        endpoints.join(", ")
    )
}

pub(super) fn node(name: &str, region: &str, zone: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{topology.kubernetes.io/region: '{region}', topology.kubernetes.io/zone: '{zone}'}}}}\n"
    )
}

impl Cluster {
    /// Nothing listed yet.
    pub(super) fn new(settings: ServiceSettings, saved: Saved) -> Self {
        Self::with(IndexOptions { settings: Arc::new(settings), ..Default::default() }, saved)
    }

    pub(super) fn with(options: IndexOptions, saved: Saved) -> Self {
        let reader = Reader::new(options.settings.clone());
        Self { index: Index::new(options, saved), reader, now: UnixTime(100) }
    }

    /// All three kinds listed, and told.
    pub(super) fn listed(documents: &[String]) -> Self {
        Self::listed_with(ServiceSettings::default(), documents)
    }

    pub(super) fn listed_with(settings: ServiceSettings, documents: &[String]) -> Self {
        let mut cluster = Self::new(settings, Saved::default());
        cluster.list_all(documents);
        cluster.told();
        cluster
    }

    pub(super) fn at(&mut self, second: u64) -> &mut Self {
        self.now = UnixTime(second);
        self.index.expire(self.now);
        self
    }

    pub(super) fn apply(&mut self, document: &str) -> &mut Self {
        for reading in self.read(&[document.to_owned()]) {
            self.index.apply(reading, self.now);
        }
        self
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str) -> &mut Self {
        let namespace = if kind == Kind::Node { "" } else { "default" };
        let key = ObjectKey { kind, namespace: namespace.into(), name: name.into() };
        self.index.delete(&key, self.now);
        self
    }

    /// A complete list of one kind.
    pub(super) fn list(&mut self, kind: Kind, documents: &[String]) -> &mut Self {
        let readings = self.read(documents).into_iter().filter(|reading| reading.key.kind == kind);
        self.index.replace(kind, readings.collect(), self.now);
        self
    }

    pub(super) fn list_all(&mut self, documents: &[String]) -> &mut Self {
        for kind in Kind::ALL {
            self.list(kind, documents);
        }
        self
    }

    pub(super) fn open_folder(&mut self, documents: &[String], is_partial: bool) -> &mut Self {
        let readings = self.read(documents);
        self.index.open_folder(readings, is_partial, self.now);
        self
    }

    pub(super) fn settle_folder(&mut self, is_partial: bool) -> &mut Self {
        self.index.settle_folder(is_partial, self.now);
        self
    }

    pub(super) fn nodes_unreadable(&mut self) -> &mut Self {
        self.index.set_nodes_unreadable("403".to_owned(), self.now);
        self
    }

    /// A good answer.
    pub(super) fn resolve(&mut self, host: &str, addresses: &str) -> &mut Self {
        let addresses = addresses.split_whitespace().map(|text| text.parse().unwrap()).collect();
        let resolution =
            Resolution { addresses, failure: None, is_attempted: true, is_settled: true };
        self.index.resolve(host, resolution, self.now);
        self
    }

    /// A look-up that ended with nothing.
    pub(super) fn fail(&mut self, host: &str, failure: &str) -> &mut Self {
        let resolution = Resolution {
            failure: Some(failure.into()),
            is_attempted: true,
            ..Resolution::default()
        };
        self.index.resolve(host, resolution, self.now);
        self
    }

    pub(super) fn missing(&self, kind: Kind, documents: &[String]) -> String {
        let readings = self.read(documents).into_iter().filter(|reading| reading.key.kind == kind);
        let readings: Vec<Reading> = readings.collect();
        let missing =
            self.index.missing(kind, &readings).into_iter().map(|missing| match missing {
                Missing::Object(key) => key.to_string(),
                Missing::SlicesOf(service) => format!("slices of {service}"),
            });
        missing.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn host_requests(&mut self) -> String {
        let requests = self.index.take_host_requests().into_iter().map(|request| match request {
            HostRequest::Use(host, seed) => format!("use {host} {seed:?}"),
            HostRequest::Release(host) => format!("release {host}"),
        });
        requests.collect::<Vec<_>>().join(", ")
    }

    /// Compares everything that is told since the last time, one change a line.
    #[track_caller]
    pub(super) fn check(&mut self, expect: &str) -> &mut Self {
        let (told, expect) = (self.told(), expect.trim());
        let expect: Vec<&str> = expect.lines().map(str::trim).collect();
        assert_eq!(told, expect.join("\n"));
        self
    }

    pub(super) fn told(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(change) = self.index.take_change() {
            match change {
                Change::View(view) => {
                    lines.push("view".to_owned());
                    lines.extend(tell_topology(&view.topology));
                    let services = view.services.iter();
                    lines.extend(services.map(|(key, observed)| tell(&key.name, Some(observed))));
                }
                Change::Topology(topology) => {
                    lines.push("topology".to_owned());
                    lines.extend(tell_topology(&topology));
                }
                Change::Service(key, observed) => lines.push(tell(&key.name, observed.as_ref())),
            }
        }
        lines.join("\n")
    }

    fn read(&self, documents: &[String]) -> Vec<Reading> {
        let objects = documents.iter().flat_map(|document| parse_yaml(document));
        objects.map(|object| self.reader.read(&object)).collect()
    }
}

fn tell_topology(topology: &Topology) -> Vec<String> {
    let locations = topology.locations.iter().map(|location| match &location.availability_zone {
        Some(zone) => format!("at {zone}.{}", location.region),
        None => format!("at {}", location.region),
    });
    locations.chain(topology.notes.iter().map(|note| format!("note: {note}"))).collect()
}

fn tell(name: &str, observed: Option<&Observed>) -> String {
    match observed {
        None => format!("{name}: gone"),
        Some(Observed::LeftOut(reason)) => format!("{name}: left out, {reason}"),
        Some(Observed::Shard(shard)) => format!("{name}: {}", tell_shard(shard)),
    }
}

/// Addresses, health and notes, what is usual left out.
pub(super) fn tell_shard(shard: &ServiceShard) -> String {
    let addresses: Vec<String> = shard.addresses.iter().map(IpAddr::to_string).collect();
    let mut text = format!("[{}] {}", addresses.join(" "), shard.health);
    for port in shard.ports.iter() {
        write!(text, ", {}/{}={}", port.name, port.protocol, port.port).unwrap();
    }
    let Some(notes) = &shard.notes else { return text };
    for host in &notes.hosts {
        let addresses: Vec<String> = host.addresses.iter().map(IpAddr::to_string).collect();
        write!(text, ", {}=[{}]", host.host, addresses.join(" ")).unwrap();
        if let Some(failure) = &host.failure {
            write!(text, " ({failure})").unwrap();
        }
    }
    for note in &notes.left_out {
        write!(text, ", without {}: {}", note.ingress, note.reason).unwrap();
    }
    if let Some(until) = notes.held_until {
        write!(text, ", held until {}", until.0).unwrap();
    }
    text
}
