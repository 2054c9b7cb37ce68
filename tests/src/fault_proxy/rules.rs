//! What the proxy was told, shared between its owner and its thread.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use super::request::Request;
use crate::lock::lock;
use crate::port::HeldPort;

/// What happens to a request in place of a faithful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status, with the `Status` object that an API server would send.
    Status(u16),
    /// Lists succeed and hold nothing; all other requests pass. Streaming lists are watches.
    EmptyList,
    /// The answer comes that much later.
    Delay(Duration),
    /// The request goes on when the proxy is healed, even if its client is gone by then.
    Hold,
    /// No answer ever comes, until the connection is cut.
    Silence,
}

/// What happens to connections, at once.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Cut,
    Refuse,
    Listen,
    End,
}

type Selector = Box<dyn Fn(&Request) -> bool + Send>;

/// What the proxy's thread and its owner both touch.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) port: HeldPort,
    /// The first rule that selects a request decides.
    rules: Mutex<Vec<(Selector, Fault)>>,
    requests: Mutex<Vec<Request>>,
    healed: watch::Sender<()>,
}

impl Shared {
    pub(super) fn add_rule(&self, selects: Selector, fault: Fault) {
        lock(&self.rules).push((selects, fault));
    }

    pub(super) fn clear_rules(&self) {
        lock(&self.rules).clear();
        self.healed.send_replace(());
    }

    /// Told of each time that the rules end from now on.
    pub(super) fn healed(&self) -> watch::Receiver<()> {
        self.healed.subscribe()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    /// Notes the request and says which fault it meets.
    pub(super) fn meet(&self, request: &Request) -> Option<Fault> {
        lock(&self.requests).push(request.clone());
        let rules = lock(&self.rules);
        let rule = rules.iter().find(|(selects, _)| selects(request));
        rule.map(|(_, fault)| fault.clone())
    }
}
