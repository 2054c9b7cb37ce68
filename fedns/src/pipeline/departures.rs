//! What clients lose by a change, for the log: told once it is published.

use std::net::IpAddr;

use model::{ClusterChange, ClusterName, Health, LeftOut, Observed, ServiceKey};
use planner::Federation;
use tracing::info;

/// So many lines of one batch; the rest is counted.
const LINES_MAX: usize = 20;

/// What left with one batch.
#[derive(Debug, Default)]
pub struct Departures {
    lines: Vec<Departure>,
    more: usize,
}

#[derive(Debug)]
struct Departure {
    cluster: ClusterName,
    service: ServiceKey,
    addresses: Vec<IpAddr>,
    why: Why,
}

#[derive(Debug)]
enum Why {
    ServiceGone,
    NotPublished(LeftOut),
    NotHealthy(Health),
    AddressGone,
    ClusterGone,
}

// === impl Departures ===

impl Departures {
    /// Compares what is known with what is about to be.
    pub fn note(&mut self, federation: &Federation, cluster: &ClusterName, change: &ClusterChange) {
        let Some(id) = federation.cluster_id(cluster) else { return };
        let known = |key: &ServiceKey| federation.service(key).and_then(|it| it.of_cluster(id));
        let keys = || {
            let services = federation.cluster(id).services();
            services.map(|service| &federation.service_by_id(service).key)
        };
        match change {
            ClusterChange::Service(key, now) => {
                self.compare(cluster, key, known(key), now.as_ref())
            }
            ClusterChange::View(view) => {
                for key in keys() {
                    self.compare(cluster, key, known(key), view.services.get(key));
                }
            }
            ClusterChange::Gone => {
                for key in keys() {
                    self.leave(cluster, key, healthy(known(key)).to_vec(), || Why::ClusterGone);
                }
            }
            ClusterChange::Topology(_) | ClusterChange::Freshness(_) => {}
        }
    }

    fn compare(
        &mut self,
        cluster: &ClusterName,
        key: &ServiceKey,
        before: Option<&Observed>,
        now: Option<&Observed>,
    ) {
        let stays = healthy(now);
        let left = healthy(before).iter().filter(|address| !stays.contains(address));
        self.leave(cluster, key, left.copied().collect(), || match now {
            None => Why::ServiceGone,
            Some(Observed::LeftOut(reason)) => Why::NotPublished(reason.clone()),
            Some(Observed::Shard(shard)) if shard.health != Health::Healthy => {
                Why::NotHealthy(shard.health)
            }
            Some(Observed::Shard(_)) => Why::AddressGone,
        });
    }

    fn leave(
        &mut self,
        cluster: &ClusterName,
        service: &ServiceKey,
        addresses: Vec<IpAddr>,
        why: impl FnOnce() -> Why,
    ) {
        if addresses.is_empty() {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.more += 1;
            return;
        }
        let (cluster, service) = (cluster.clone(), service.clone());
        self.lines.push(Departure { cluster, service, addresses, why: why() });
    }

    pub fn log(self) {
        for Departure { cluster, service, addresses, why } in self.lines {
            match why {
                Why::ServiceGone => {
                    info!(%cluster, %service, ?addresses, "left: the Service is gone")
                }
                Why::NotPublished(reason) => {
                    info!(%cluster, %service, ?addresses, %reason, "left: the Service is not published");
                }
                Why::NotHealthy(health) => {
                    info!(%cluster, %service, ?addresses, ?health, "left: the Service is not healthy");
                }
                Why::AddressGone => {
                    info!(%cluster, %service, ?addresses, "left: the load balancer has others");
                }
                Why::ClusterGone => {
                    info!(%cluster, %service, ?addresses, "left: the cluster is gone")
                }
            }
        }
        if self.more > 0 {
            info!(services = self.more, "addresses of more Services left");
        }
    }
}

fn healthy(observed: Option<&Observed>) -> &[IpAddr] {
    observed.and_then(Observed::shard).map_or(&[], |shard| shard.healthy_addresses())
}
