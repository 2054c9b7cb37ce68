//! How many connections may be open, in all and from one client, and how long an idle one is kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The patience with idle connections when most of the permitted ones are open, or the server goes.
const CROWDED_IDLE: Duration = Duration::from_secs(1);

/// What threads that serve the same kind of connections have in common.
pub(crate) struct ConnectionLimits {
    /// Changes with `clients` only, whose lock is held then.
    open: AtomicUsize,
    open_max: usize,
    per_client_max: usize,
    idle: Duration,
    /// The server goes.
    is_draining: AtomicBool,
    /// Looked at when a connection comes and when it goes. No client is here without one.
    clients: Mutex<HashMap<IpAddr, usize>>,
}

/// Why a connection may not be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many as may be open are.
    AllTaken,
    /// So are as many as one client may have.
    ShareTaken,
}

/// One of the connections that may be open.
pub(crate) struct Permit {
    limits: Arc<ConnectionLimits>,
    client: IpAddr,
}

// === impl ConnectionLimits ===

impl ConnectionLimits {
    pub fn new(open_max: usize, per_client_max: usize, idle: Duration) -> Arc<Self> {
        let (open, is_draining) = (AtomicUsize::new(0), AtomicBool::new(false));
        let clients = Mutex::default();
        Arc::new(Self { open, open_max, per_client_max, idle, is_draining, clients })
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub fn permit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Refused> {
        let client = client(address);
        let mut clients = self.clients();
        let of_client = clients.get(&client).copied().unwrap_or(0);
        if of_client >= self.per_client_max {
            return Err(Refused::ShareTaken);
        }
        if self.open() >= self.open_max {
            return Err(Refused::AllTaken);
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        clients.insert(client, of_client + 1);
        drop(clients);
        Ok(Permit { limits: Arc::clone(self), client })
    }

    /// Whether a connection is worth proving that its address is not forged.
    pub fn wants_proof(&self, address: IpAddr) -> bool {
        let of_client = self.clients().get(&client(address)).copied().unwrap_or(0);
        self.open() > self.open_max / 4 || of_client > self.per_client_max / 4
    }

    pub fn idle(&self) -> Duration {
        let crowded = self.open() > self.open_max / 4 * 3;
        if crowded || self.is_draining() { self.idle.min(CROWDED_IDLE) } else { self.idle }
    }

    /// What clients are told: none at all where they should go as soon as they have their answers
    /// (RFC 7828 section 3.3.2).
    pub fn keepalive(&self) -> Duration {
        if self.is_draining() { Duration::ZERO } else { self.idle() }
    }

    /// From now on, for good.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// The longest that [`Self::idle`] is.
    pub fn idle_max(&self) -> Duration {
        self.idle
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Numbers are right whatever happened to another thread.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has an IPv6 address has all of its subnet.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Self { limits, client } = self;
        let mut clients = limits.clients();
        if let Entry::Occupied(mut connections) = clients.entry(*client) {
            *connections.get_mut() -= 1;
            if *connections.get() == 0 {
                connections.remove();
            }
        }
        limits.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_client_leaves_room_for_others_and_all_together_have_a_limit() {
        let limits = ConnectionLimits::new(4, 2, Duration::from_secs(10));
        let greedy: Vec<_> = (0..3).map(|_| limits.permit(address("192.0.2.1"))).collect();
        assert_eq!(greedy.iter().flatten().count(), 2);
        let subnet = ["2001:db8::1", "2001:db8::2", "2001:db8::3"];
        let subnet: Vec<_> = subnet.iter().map(|text| limits.permit(address(text))).collect();
        assert_eq!(subnet.iter().flatten().count(), 2);
        assert_eq!(limits.open(), 4);
        assert_eq!(limits.permit(address("2001:db8::4")).err(), Some(Refused::ShareTaken));
        assert_eq!(limits.permit(address("2001:db8:0:1::1")).err(), Some(Refused::AllTaken));
        drop(greedy);
        assert!(limits.permit(address("2001:db8:0:1::1")).is_ok());
        drop(subnet);
        assert_eq!((limits.open(), limits.clients().len()), (0, 0));
    }

    #[test]
    fn the_patience_ends_with_the_room() {
        let limits = ConnectionLimits::new(4, 4, Duration::from_secs(10));
        let mut permits = Vec::new();
        let idle: Vec<_> = (0..5)
            .map(|_| {
                permits.push(limits.permit(address("192.0.2.1")));
                limits.idle().as_secs()
            })
            .collect();
        assert_eq!(idle, [10, 10, 10, 1, 1]);
        assert!(limits.wants_proof(address("198.51.100.1")));
    }

    #[test]
    fn who_drains_has_less_patience_and_says_so() {
        let limits = ConnectionLimits::new(4, 4, Duration::from_secs(10));
        assert_eq!(limits.keepalive(), limits.idle());
        limits.drain();
        assert_eq!((limits.keepalive(), limits.idle()), (Duration::ZERO, CROWDED_IDLE));
    }
}
