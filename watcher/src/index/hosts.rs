//! Which host names the Services of a cluster need, and what they resolve to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::ServiceKey;

use crate::resolver::Resolution;

/// What the resolver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRequest {
    /// Begin to resolve; the addresses are those known from before a restart.
    Use(Arc<str>, Vec<IpAddr>),
    /// Nobody needs it any more.
    Release(Arc<str>),
}

#[derive(Debug, Default)]
pub(crate) struct Hosts {
    uses: BTreeMap<Arc<str>, HostUse>,
    /// In the order in which they arose.
    requests: Vec<HostRequest>,
}

#[derive(Debug, Default)]
struct HostUse {
    /// With the number of its rows: while one view replaces another, a Service has two.
    users: BTreeMap<ServiceKey, u32>,
    resolution: Resolution,
}

// === impl Hosts ===

impl Hosts {
    pub(crate) fn resolution(&self, host: &str) -> Option<&Resolution> {
        self.uses.get(host).map(|host_use| &host_use.resolution)
    }

    /// Notes that `user` needs `hosts`. `seed` gives what was known of a host before.
    pub(crate) fn add(
        &mut self,
        user: &ServiceKey,
        hosts: &[Arc<str>],
        seed: impl Fn(&str) -> Vec<IpAddr>,
    ) {
        for host in hosts {
            let host_use = self.uses.entry(host.clone()).or_insert_with(|| {
                let addresses = seed(host);
                self.requests.push(HostRequest::Use(host.clone(), addresses.clone()));
                let is_settled = !addresses.is_empty();
                let resolution = Resolution { addresses, is_settled, ..Resolution::default() };
                HostUse { users: BTreeMap::new(), resolution }
            });
            *host_use.users.entry(user.clone()).or_default() += 1;
        }
    }

    pub(crate) fn remove(&mut self, user: &ServiceKey, hosts: &[Arc<str>]) {
        for host in hosts {
            let Some(host_use) = self.uses.get_mut(host) else { continue };
            if let Some(count) = host_use.users.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    host_use.users.remove(user);
                }
            }
            if host_use.users.is_empty() {
                self.uses.remove(host);
                self.requests.push(HostRequest::Release(host.clone()));
            }
        }
    }

    /// The Services that need `host`.
    pub(crate) fn users(&self, host: &str) -> Vec<ServiceKey> {
        self.uses
            .get(host)
            .map(|host_use| host_use.users.keys().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn set(&mut self, host: &str, resolution: Resolution) {
        if let Some(host_use) = self.uses.get_mut(host) {
            host_use.resolution = resolution;
        }
    }

    /// True while a first look-up has not ended.
    pub(crate) fn are_awaited(&self) -> bool {
        let awaited = |resolution: &Resolution| !resolution.is_attempted && !resolution.is_settled;
        self.uses.values().any(|host_use| awaited(&host_use.resolution))
    }

    pub(crate) fn take_requests(&mut self) -> Vec<HostRequest> {
        std::mem::take(&mut self.requests)
    }
}
