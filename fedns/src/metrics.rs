//! What is counted: Prometheus names under `fedns_`, with CoreDNS's labels where it has the metric.

pub mod dns;
pub mod mirrors;

use std::time::Duration;

use model::{Freshness, Name, Serial};
use planner::Federation;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use dns::DnsCounts;
use mirrors::MirrorCounts;

/// Counts and gauges of one process. Everything is updated where it happens, except what the
/// pipeline and the listeners know anyway: that is read when somebody scrapes.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    publication: Histogram,
    zone_serial: Family<ZoneLabels, Gauge>,
    cluster_live: Family<ClusterLabels, Gauge>,
    cluster_last_contact: Family<ClusterLabels, Gauge>,
    cluster_services: Family<ClusterLabels, Gauge>,
    left_out: Gauge,
    reload_failed: Counter,
    reload_held: Gauge,
    reload_held_names: Gauge,
    mirror_programming: Family<MirrorLabels, Histogram>,
    mirror_visible: Family<MirrorLabels, Histogram>,
    mirror_unseen: Family<MirrorLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabels {
    zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterLabels {
    cluster: String,
}

/// One zone at one kind of provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MirrorLabels {
    pub provider: &'static str,
    pub zone: String,
}

/// Seconds; from ten milliseconds to a quarter of an hour, about as many for each factor of ten.
const MIRROR_BUCKETS: [f64; 15] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0];

/// Seconds; from a tenth of a millisecond to ten seconds.
const PUBLICATION_BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("fedns");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        let publication = Histogram::new(PUBLICATION_BUCKETS);
        registry.register_with_unit(
            "dns_programming_duration",
            "From the event of a watch to the publication of what it changes",
            Unit::Seconds,
            publication.clone(),
        );
        let metrics = Self {
            publication,
            zone_serial: Family::default(),
            cluster_live: Family::default(),
            cluster_last_contact: Family::default(),
            cluster_services: Family::default(),
            left_out: Gauge::default(),
            reload_failed: Counter::default(),
            reload_held: Gauge::default(),
            reload_held_names: Gauge::default(),
            mirror_programming: mirror_histograms(),
            mirror_visible: mirror_histograms(),
            mirror_unseen: Family::default(),
            registry,
        };
        metrics.register_all()
    }

    fn register_all(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("zone_serial", "The serial that is served", self.zone_serial.clone());
        registry.register(
            "cluster_live",
            "1 while the view of the cluster is live, 0 while it is stale and frozen",
            self.cluster_live.clone(),
        );
        registry.register_with_unit(
            "cluster_last_contact_timestamp",
            "When the view of the cluster was last known to be true; now for a live one",
            Unit::Seconds,
            self.cluster_last_contact.clone(),
        );
        registry.register(
            "cluster_services",
            "Services of the cluster that make a shard",
            self.cluster_services.clone(),
        );
        registry.register(
            "left_out_names",
            "Names that services should have and cannot have",
            self.left_out.clone(),
        );
        registry.register(
            "reload_failed",
            "Reloads of the config that were refused or held",
            self.reload_failed.clone(),
        );
        registry.register(
            "reload_held",
            "1 while a reload of the config waits for an approval",
            self.reload_held.clone(),
        );
        registry.register(
            "reload_held_names",
            "Names that a held reload would make vanish; 0 while none is held",
            self.reload_held_names.clone(),
        );
        registry.register_with_unit(
            "mirror_programming_duration",
            "From the event of a watch to the provider's taking what it changes",
            Unit::Seconds,
            self.mirror_programming.clone(),
        );
        registry.register_with_unit(
            "mirror_visible_duration",
            "From the event of a watch until the provider's own name servers answer with what it changes",
            Unit::Seconds,
            self.mirror_visible.clone(),
        );
        registry.register(
            "mirror_unseen_changes",
            "Changes that the provider's own name servers did not show within ten minutes",
            self.mirror_unseen.clone(),
        );
        self
    }

    /// A provider took a change, so long after the clusters changed.
    pub fn mirror_taken(&self, mirror: &MirrorLabels, duration: Duration) {
        self.mirror_programming.get_or_create(mirror).observe(duration.as_secs_f64());
    }

    /// Its name servers show it, so long after the clusters changed.
    pub fn mirror_visible(&self, mirror: &MirrorLabels, duration: Duration) {
        self.mirror_visible.get_or_create(mirror).observe(duration.as_secs_f64());
    }

    pub fn mirror_unseen(&self, mirror: &MirrorLabels) {
        self.mirror_unseen.get_or_create(mirror).inc();
    }

    /// How long a change took from its watch event to its publication.
    pub fn publication(&self, duration: Duration) {
        self.publication.observe(duration.as_secs_f64());
    }

    pub fn set_serial(&self, zone: &Name, serial: Serial) {
        let labels = ZoneLabels { zone: zone.to_string() };
        self.zone_serial.get_or_create(&labels).set(serial.0.into());
    }

    pub fn forget_zone(&self, zone: &Name) {
        self.zone_serial.remove(&ZoneLabels { zone: zone.to_string() });
    }

    pub fn reload_failed(&self) {
        self.reload_failed.inc();
    }

    /// A reload is held, and would make so many names vanish.
    pub fn set_held(&self, is_held: bool, names: usize) {
        self.reload_held.set(is_held.into());
        self.reload_held_names.set(i64::try_from(names).unwrap_or(i64::MAX));
    }

    /// Takes over what the pipeline knows.
    pub fn set_federation(&self, federation: &Federation, left_out: usize, now: u64) {
        self.left_out.set(i64::try_from(left_out).unwrap_or(i64::MAX));
        self.cluster_live.clear();
        self.cluster_last_contact.clear();
        self.cluster_services.clear();
        for (id, cluster) in federation.clusters() {
            let labels = ClusterLabels { cluster: cluster.name.to_string() };
            let live = i64::from(cluster.freshness.is_live());
            self.cluster_live.get_or_create(&labels).set(live);
            let contact = match &cluster.freshness {
                Freshness::Live => Some(now),
                Freshness::Stale { since, .. } => since.map(|since| since.0),
            };
            if let Some(seconds) = contact {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                self.cluster_last_contact.get_or_create(&labels).set(seconds);
            }
            let shards = cluster
                .services()
                .filter(|service| {
                    let entry = federation.service_by_id(*service);
                    entry.of_cluster(id).is_some_and(|observed| observed.shard().is_some())
                })
                .count();
            let shards = i64::try_from(shards).unwrap_or(i64::MAX);
            self.cluster_services.get_or_create(&labels).set(shards);
        }
    }

    /// The page for a scrape.
    pub fn encode(&self, dns: DnsCounts, mirrors: MirrorCounts) -> Result<String, std::fmt::Error> {
        let mut listeners = Registry::with_prefix("fedns");
        listeners.register_collector(Box::new(dns));
        listeners.register_collector(Box::new(mirrors));
        let mut page = String::new();
        text::encode_registry(&mut page, &self.registry)?;
        text::encode_registry(&mut page, &listeners)?;
        text::encode_eof(&mut page)?;
        Ok(page)
    }
}

fn mirror_histograms() -> Family<MirrorLabels, Histogram> {
    Family::new_with_constructor(|| Histogram::new(MIRROR_BUCKETS))
}
