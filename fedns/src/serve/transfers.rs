//! Zone transfers while serving: who may have what, and who is told of changes.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use clusters::lease::Holding;
use dns_server::notify::{Notifier, Outcome};
use dns_server::transfer::{NotifyTarget, TransferPolicy, Transfers};
use dns_server::{HistoryLimits, Reader};
use model::{Name, Serial};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::pipeline::unix_now;

/// What is in force.
pub struct ZoneTransfers {
    transfers: Arc<Transfers>,
    reader: Reader,
    /// What secondaries know this server by.
    own_addresses: Vec<IpAddr>,
    /// Ends them all when dropped.
    notifiers: JoinSet<()>,
}

impl ZoneTransfers {
    /// Keeps histories from now on, so before the zones are published. Notices leave from where this
    /// server answers.
    pub fn new(
        reader: Reader,
        policy: TransferPolicy,
        is_elected: bool,
        listen: &[SocketAddr],
    ) -> Self {
        let transfers = Arc::new(Transfers::new(unix_now));
        if is_elected {
            // Until the Lease says otherwise.
            transfers.only_while(Arc::new(|| false));
        }
        let own_addresses = listen.iter().map(SocketAddr::ip).collect();
        let mut all = Self { transfers, reader, own_addresses, notifiers: JoinSet::new() };
        all.apply(policy);
        all
    }

    pub fn shared(&self) -> Arc<Transfers> {
        Arc::clone(&self.transfers)
    }

    /// Only the one that writes transfers zones: the others may be behind it under the same serial.
    pub fn follow(&self, holding: watch::Receiver<Holding>) {
        self.transfers.only_while(Arc::new(
            move || matches!(&*holding.borrow(), Holding::Held { until } if !until.has_passed()),
        ));
    }

    /// A policy that is the same changes nothing.
    pub fn apply(&mut self, policy: TransferPolicy) {
        if *self.transfers.policy() == policy {
            return;
        }
        self.reader.histories().keep(&policy.transferred(), HistoryLimits::default());
        self.notifiers.abort_all();
        self.notifiers = JoinSet::new();
        for (zone, transfer) in &policy.zones {
            for target in &transfer.notify {
                self.notify(zone, target);
            }
        }
        self.transfers.configure(policy);
    }

    fn notify(&mut self, zone: &Name, target: &NotifyTarget) {
        let notifier = Notifier {
            zone: zone.clone(),
            target: target.clone(),
            reader: self.reader.clone(),
            transfers: Arc::clone(&self.transfers),
            own_addresses: self.own_addresses.clone(),
            random_id,
        };
        let (zone, address) = (zone.clone(), target.address);
        let mut last_trouble = None;
        self.notifiers.spawn(notifier.run(move |serial, outcome| {
            let trouble = trouble(&outcome);
            tell(&zone, address, serial, trouble.as_deref(), last_trouble.as_deref());
            last_trouble = trouble;
        }));
    }
}

/// Why the secondary does not know of it.
fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Answered(rcode) if rcode.0 == 0 => None,
        Outcome::Answered(rcode) => Some(format!("it answers {rcode}")),
        Outcome::Unheard { error } => Some(error.clone().unwrap_or_else(|| "no answer".to_owned())),
    }
}

/// The same again is no news: a zone may change many times a minute.
fn tell(
    zone: &Name,
    secondary: SocketAddr,
    serial: Serial,
    trouble: Option<&str>,
    before: Option<&str>,
) {
    match trouble {
        Some(trouble) if before == Some(trouble) => {
            debug!(%zone, %secondary, %serial, trouble, "the secondary was not notified");
        }
        Some(trouble) => {
            warn!(%zone, %secondary, %serial, trouble, "the secondary was not notified; it looks for \
                  itself when its refresh time is over");
        }
        None if before.is_some() => {
            info!(%zone, %secondary, %serial, "the secondary was notified again");
        }
        None => debug!(%zone, %secondary, %serial, "the secondary was notified"),
    }
}

/// The standard library's hashers begin with a secret of the system, and each with another.
fn random_id() -> u16 {
    RandomState::new().hash_one("NOTIFY") as u16
}
