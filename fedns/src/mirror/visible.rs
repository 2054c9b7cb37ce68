//! Asks a provider's own name servers whether they show what it has taken, and counts how long that took.
//! They are asked while something waits and never otherwise.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Name, Rdata};
use providers::question::{Transport, ask};
use providers::rfc2136::Server;
use providers::sync::change::Change;
use providers::sync::engine::Landed;
use providers::visibility::{Expected, NAMES_MAX, Outcome, Visibility};
use tokio::net::lookup_host;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};
use tracing::{debug, warn};

use crate::metrics::{Metrics, MirrorLabels};

/// So many name servers are asked, each at one address.
const SERVERS_MAX: usize = 4;
/// How long the system's resolver may take for one of them, and how long its answer holds.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
const RESOLVED_FOR: Duration = Duration::from_secs(600);
/// One that does not answer is left alone for so long.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// A change that the provider has taken, on its way to whoever looks at it.
#[derive(Debug)]
pub(super) struct Taken {
    change: Change,
    since: Instant,
    at: Instant,
}

/// Those who answer for the zone; empty while they are not known, or where nobody is to be asked.
pub(super) type Servers = watch::Receiver<Vec<Server>>;

pub(super) struct Watch {
    pub(super) mirror: MirrorLabels,
    pub(super) metrics: Arc<Metrics>,
    pub(super) servers: Servers,
}

/// Counts what lands, and hands it on: `Sender` to [`Watch::run`]. Where too much lands at once, not all
/// of it is looked at.
pub(super) fn observe(
    mirror: MirrorLabels,
    metrics: Arc<Metrics>,
) -> (impl FnMut(Landed<'_>) + Send + 'static, mpsc::Receiver<Taken>) {
    let (sender, receiver) = mpsc::channel(NAMES_MAX);
    let observe = move |landed: Landed<'_>| {
        let Landed { change, since, at } = landed;
        metrics.mirror_taken(&mirror, at.saturating_duration_since(since));
        // What is not looked at is not counted as visible, and nothing else comes of it.
        let _ = sender.try_send(Taken { change: change.clone(), since, at });
    };
    (observe, receiver)
}

// === impl Watch ===

impl Watch {
    /// Until the mirror is gone.
    pub(super) async fn run(self, mut taken: mpsc::Receiver<Taken>) {
        let Self { mirror, metrics, servers } = self;
        let mut visibility = Visibility::default();
        let mut asked = Asked::default();
        let mut is_told = false;
        loop {
            tokio::select! {
                biased;
                it = taken.recv() => {
                    let Some(Taken { change, since, at }) = it else { return };
                    visibility.landed(&change, since, at);
                    continue;
                }
                () = until(visibility.next()) => {}
            }
            let now = Instant::now();
            let Some((name, expected)) = visibility.due(now) else { continue };
            let named = servers.borrow().clone();
            asked.resolve(&named, now).await;
            let Some(is_visible) = asked.show(&expected).await else {
                visibility.forget();
                continue;
            };
            match visibility.looked(&name, is_visible, Instant::now()) {
                Outcome::Visible(lag) => {
                    metrics.mirror_visible(&mirror, lag);
                    is_told = false;
                }
                Outcome::Waits => {}
                Outcome::GivenUp => {
                    metrics.mirror_unseen(&mirror);
                    if !is_told {
                        let MirrorLabels { provider, zone } = &mirror;
                        warn!(
                            provider, zone, %name,
                            "the provider took a change, and its name servers have not shown it for ten \
                             minutes; ask its support, or compare nameServers with what the zone has"
                        );
                    }
                    is_told = true;
                }
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// Name servers with their addresses.
#[derive(Default)]
struct Asked {
    named: Vec<Server>,
    addresses: Vec<SocketAddr>,
    resolved: Option<Instant>,
    silent_until: BTreeMap<SocketAddr, Instant>,
}

impl Asked {
    async fn resolve(&mut self, named: &[Server], now: Instant) {
        let is_fresh = self.resolved.is_some_and(|at| now < at + RESOLVED_FOR);
        if is_fresh && self.named == named {
            return;
        }
        let mut addresses = Vec::new();
        for Server { host, port } in named.iter().take(SERVERS_MAX) {
            let found = timeout(RESOLVE_TIMEOUT, lookup_host((host.as_str(), *port))).await;
            match found {
                Ok(Ok(mut found)) => addresses.extend(found.next()),
                Ok(Err(error)) => debug!(%host, %error, "a name server's address is not known"),
                Err(_) => debug!(%host, "a name server's address is not known in time"),
            }
        }
        *self = Self { named: named.to_vec(), addresses, resolved: Some(now), ..Self::default() };
    }

    /// Whether all of them that answer show it; `None` where none does.
    async fn show(&mut self, expected: &[Expected]) -> Option<bool> {
        let mut are_visible = None;
        for server in self.addresses.clone() {
            if self.silent_until.get(&server).is_some_and(|until| Instant::now() < *until) {
                continue;
            }
            match shows(server, expected).await {
                Ok(is_visible) => are_visible = Some(are_visible != Some(false) && is_visible),
                Err(error) => {
                    debug!(%server, %error, "a name server of the provider does not answer");
                    self.silent_until.insert(server, Instant::now() + SILENT_FOR);
                }
            }
            if are_visible == Some(false) {
                break;
            }
        }
        are_visible
    }
}

async fn shows(server: SocketAddr, expected: &[Expected]) -> std::io::Result<bool> {
    for expected in expected {
        let question = (&expected.name, expected.record_type);
        let answer = ask(server, question, false, Transport::Any).await?;
        let is_it = |name: &Name, record_type| {
            *name == expected.name && record_type == expected.record_type
        };
        let records = answer.answers.into_iter().filter(|it| is_it(&it.name, it.record_type));
        let values: Vec<Rdata> = records.map(|record| record.rdata).collect();
        if !answer.is_authoritative || !expected.is_met(values) {
            return Ok(false);
        }
    }
    Ok(true)
}
