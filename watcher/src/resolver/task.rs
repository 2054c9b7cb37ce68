//! The task that looks host names up when their time has come.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::proto::rr::RecordType;
use tokio::sync::mpsc;

use super::host::Answer;
use super::lookup::Lookup;
use super::{HostChange, Table, Wanted};

/// So many host names are looked up at a time.
const LOOKUPS_MAX: usize = 64;

struct Done {
    wanted: Wanted,
    v4: Answer,
    v6: Answer,
}

struct Schedule {
    table: Arc<Table>,
    lookup: Arc<Lookup>,
    /// What comes later, the soonest on top.
    later: BinaryHeap<Reverse<(Instant, u64, Arc<str>)>>,
    /// What waits for a place among [`LOOKUPS_MAX`].
    ready: VecDeque<Wanted>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
}

pub(super) async fn run(
    table: Arc<Table>,
    lookup: Lookup,
    mut inbox: mpsc::UnboundedReceiver<Wanted>,
) {
    let mut schedule = Schedule {
        table,
        lookup: Arc::new(lookup),
        later: BinaryHeap::new(),
        ready: VecDeque::new(),
        running: FuturesUnordered::new(),
    };
    loop {
        schedule.start();
        let next = schedule.later.peek().map(|Reverse((at, ..))| *at);
        tokio::select! {
            wanted = inbox.recv() => match wanted {
                Some(wanted) => schedule.ready.push_back(wanted),
                None => return,
            },
            Some(done) = schedule.running.next() => schedule.take(done),
            () = sleep_until(next) => schedule.wake(),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

// === impl Schedule ===

impl Schedule {
    fn start(&mut self) {
        while self.running.len() < LOOKUPS_MAX {
            let Some(wanted) = self.ready.pop_front() else { return };
            if self.is_current(&wanted) {
                self.running.push(Box::pin(ask(self.lookup.clone(), wanted)));
            }
        }
    }

    fn wake(&mut self) {
        let now = Instant::now();
        while self.later.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((_, generation, host))) = self.later.pop() else { break };
            self.ready.push_back(Wanted { host, generation });
        }
    }

    /// Takes an answer in, tells whoever uses the host name, and plans the next look-up.
    fn take(&mut self, done: Done) {
        let Done { wanted, v4, v6 } = done;
        let Wanted { host, generation } = wanted;
        let Some(mut entry) = self.table.get_mut(&host) else { return };
        if entry.generation != generation {
            return;
        }
        let now = Instant::now();
        let delay = entry.state.take(v4, v6, now);
        let resolution = entry.state.resolution();
        if resolution != entry.told {
            entry.told = resolution.clone();
            for (_, user) in &entry.users {
                // A user that is gone releases the host name by itself.
                let _ =
                    user.send(HostChange { host: host.clone(), resolution: resolution.clone() });
            }
        }
        drop(entry);
        self.later.push(Reverse((now + delay, generation, host)));
    }

    fn is_current(&self, wanted: &Wanted) -> bool {
        let entry = self.table.get(&wanted.host);
        entry.is_some_and(|entry| entry.generation == wanted.generation)
    }
}

async fn ask(lookup: Arc<Lookup>, wanted: Wanted) -> Done {
    let v4 = lookup.ask(&wanted.host, RecordType::A);
    let v6 = lookup.ask(&wanted.host, RecordType::AAAA);
    let (v4, v6) = futures::future::join(v4, v6).await;
    Done { wanted, v4, v6 }
}
