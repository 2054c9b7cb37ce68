//! What load balancers' host names resolve to: one table for all clusters.
//!
//! A cluster's watcher subscribes and says which host names it uses; each of them is looked up
//! again whenever its TTL ends, by one task for all. Whoever uses a host name is told when what is
//! known of it changes. A host name that nobody uses any more is forgotten.
//!
//! ```text
//!  [ Subscription ] -- use, release --> [ table ] <-- state -- [ task ] --> name servers
//!         ^------------------- what changed ----------------------'
//! ```

mod host;
mod lookup;
mod task;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use host::Resolution;

use host::HostState;
use lookup::Lookup;

/// Looks host names up for every watcher. Dropping it ends its task.
#[derive(Debug)]
pub struct Resolver {
    table: Arc<Table>,
    wanted: mpsc::UnboundedSender<Wanted>,
    subscription_count: AtomicU64,
    task: JoinHandle<()>,
}

/// Where host names are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolverSettings {
    /// Empty: those of the system (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
}

/// What a watcher hears of the host names that it uses. Dropping it releases all of them.
#[derive(Debug)]
pub struct Subscription {
    id: u64,
    resolver: Arc<Resolver>,
    changes: mpsc::UnboundedReceiver<HostChange>,
    sender: mpsc::UnboundedSender<HostChange>,
}

/// What is now known of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostChange {
    pub host: Arc<str>,
    pub resolution: Resolution,
}

type Table = DashMap<Arc<str>, TableEntry>;

#[derive(Debug)]
struct TableEntry {
    state: HostState,
    /// What the users were told last.
    told: Resolution,
    users: Vec<(u64, mpsc::UnboundedSender<HostChange>)>,
    /// Tells this entry from one that stood here before: what was scheduled for that is void.
    generation: u64,
}

/// A host name is to be looked up now.
#[derive(Debug)]
struct Wanted {
    host: Arc<str>,
    generation: u64,
}

// === impl Resolver ===

impl Resolver {
    /// Must be called inside a tokio runtime. Asks nobody until a host name is used.
    pub fn new(settings: &ResolverSettings) -> Arc<Self> {
        let table = Arc::new(Table::default());
        let (wanted, inbox) = mpsc::unbounded_channel();
        let lookup = Lookup::new(settings);
        let task = tokio::spawn(task::run(table.clone(), lookup, inbox));
        Arc::new(Self { table, wanted, subscription_count: AtomicU64::new(0), task })
    }

    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        let id = self.subscription_count.fetch_add(1, Ordering::Relaxed);
        let (sender, changes) = mpsc::unbounded_channel();
        Subscription { id, resolver: self.clone(), changes, sender }
    }

    /// How many host names are in use.
    pub fn host_count(&self) -> usize {
        self.table.len()
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Subscription ===

impl Subscription {
    /// Begins to use `host`; `seed` is what was known of it before a restart. If the host name is
    /// known already, a change with what is known comes at once.
    pub fn use_host(&self, host: &Arc<str>, seed: &[IpAddr]) {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        let user = (self.id, self.sender.clone());
        match self.resolver.table.entry(host.clone()) {
            Entry::Occupied(mut occupied) => {
                let entry = occupied.get_mut();
                entry.users.push(user);
                if entry.told.is_attempted {
                    entry.tell_last(host, &self.sender);
                }
            }
            Entry::Vacant(vacant) => {
                let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
                let state = HostState::seeded(seed);
                let told = state.resolution();
                vacant.insert(TableEntry { state, told, users: vec![user], generation });
                let wanted = Wanted { host: host.clone(), generation };
                // The task lives as long as the resolver, which this subscription keeps.
                let _ = self.resolver.wanted.send(wanted);
            }
        }
    }

    pub fn release_host(&self, host: &Arc<str>) {
        if let Entry::Occupied(mut occupied) = self.resolver.table.entry(host.clone()) {
            occupied.get_mut().users.retain(|(id, _)| *id != self.id);
            if occupied.get().users.is_empty() {
                occupied.remove();
            }
        }
    }

    /// The next change; waits for it. May be dropped at any time without losing one.
    pub async fn changed(&mut self) -> HostChange {
        match self.changes.recv().await {
            Some(change) => change,
            // Never: this subscription holds a sender itself.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.resolver.table.retain(|_, entry| {
            entry.users.retain(|(id, _)| *id != self.id);
            !entry.users.is_empty()
        });
    }
}

// === impl TableEntry ===

impl TableEntry {
    fn tell_last(&self, host: &Arc<str>, user: &mpsc::UnboundedSender<HostChange>) {
        let change = HostChange { host: host.clone(), resolution: self.told.clone() };
        // A user that is gone releases the host name by itself.
        let _ = user.send(change);
    }
}

#[cfg(test)]
mod tests;
