//! What a change costs a server that runs: its CPU time over many changes, less what it uses at rest.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tests::api_server::ApiServer;
use tests::serving::Fedns;

use crate::api::Api;
use crate::clusters::address;
use crate::pace::pause;
use crate::process_stats::cpu_time;

/// Changes before the first that counts.
const WARM_UP: usize = 10;
/// For so long a server is watched at rest.
const AT_REST: Duration = Duration::from_secs(10);

/// Changes of Services' addresses, one after the other.
pub struct Changes {
    api: Api,
    pub services: usize,
    /// Changes that are measured.
    pub rounds: usize,
    /// Between two changes.
    pub rest: Duration,
    made: usize,
}

// === impl Changes ===

impl Changes {
    pub fn new(cluster: &ApiServer, services: usize, rounds: usize, rest: Duration) -> Self {
        Self { api: Api::new(cluster.context()), services, rounds, rest, made: 0 }
    }

    /// Milliseconds of CPU time that one change costs. `follow` is called after each change that is
    /// measured, with the moment at which it was acknowledged, and `begin` before the first of them.
    pub fn cost(
        &mut self,
        fedns: &Fedns,
        mut begin: impl FnMut(),
        mut follow: impl FnMut(Instant),
    ) -> f64 {
        let process = fedns.process().id();
        for _ in 0..WARM_UP {
            self.change();
            pause(self.rest);
        }
        let (before, begun) = (cpu_time(process), Instant::now());
        pause(AT_REST);
        let at_rest = (cpu_time(process) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        begin();
        let (before, begun) = (cpu_time(process), Instant::now());
        for _ in 0..self.rounds {
            follow(self.change());
            pause(self.rest);
        }
        let used = (cpu_time(process) - before).as_secs_f64();
        (used - at_rest * begun.elapsed().as_secs_f64()) * 1e3 / self.rounds as f64
    }

    /// The Service that was changed last, with its address.
    pub fn last(&self) -> (String, Ipv4Addr) {
        let Self { services, made, .. } = self;
        (format!("s{}", made * 37 % services), address(services + made))
    }

    /// Another Service each time, and an address that it never had.
    fn change(&mut self) -> Instant {
        self.made += 1;
        let (service, address) = self.last();
        self.api.set_addresses(&service, &[address])
    }
}
