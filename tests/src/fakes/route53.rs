//! Route53, in memory, one account.
//!
//! ```text
//!  request ─> [ signature ] ─> [ rights, faults ] ─> [ action ] ─> answer
//!                  │                                     │
//!                 keys                         zones: [ batch ] ─> [ rules ]
//! ```
//!
//! Strict where the service is lenient: each element of a change must be known, each header that counts must
//! be signed. Texts and codes are the service's own. A batch lands as a whole or not at all.

mod batch;
mod domain_name;
mod faults;
mod rules;
mod server;
mod signature;
mod xml;
mod zones;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub use faults::Fault;

use super::http_server::HttpServer;
use crate::botocore::Botocore;
use crate::lock::lock;
use server::State;

/// May do everything.
pub const KEY: [&str; 2] = ["AKIDFAKE", "fake-secret"];
/// May list and get, and nothing else.
pub const READER: [&str; 2] = ["AKIDLOOK", "look-secret"];

/// A running Route53. Dropping it closes everything.
pub struct FakeRoute53 {
    state: Arc<Mutex<State>>,
    server: HttpServer,
}

// === impl FakeRoute53 ===

impl FakeRoute53 {
    /// One account without zones.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let server = HttpServer::start({
            let state = Arc::clone(&state);
            move |request| lock(&state).reply(request)
        });
        Self { state, server }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The vendor's client with the key that may do everything.
    pub fn botocore(&self) -> Botocore {
        Botocore { port: self.port(), key: KEY }
    }

    /// From now on no batch may touch this set: `("www.example.com.", "A")`.
    pub fn protect(&self, name: &str, record_type: &str) {
        lock(&self.state).protect(name, record_type);
    }

    /// The next calls of this action meet these, one after the other.
    pub fn inject(&self, action: &'static str, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state).inject(action, faults);
    }

    /// How many calls of this action there were, those that were refused included.
    pub fn count(&self, action: &str) -> usize {
        self.called_at(action).len()
    }

    /// When each call of this action arrived.
    pub fn called_at(&self, action: &str) -> Vec<Instant> {
        let state = lock(&self.state);
        let calls = state.calls.iter().filter(|(called, _)| *called == action);
        calls.map(|(_, at)| *at).collect()
    }

    /// How many calls there were, those that were refused included.
    pub fn calls(&self) -> usize {
        lock(&self.state).calls.len()
    }

    /// All actions that were called.
    pub fn called(&self) -> BTreeSet<&'static str> {
        lock(&self.state).calls.iter().map(|(action, _)| *action).collect()
    }

    pub fn forget_calls(&self) {
        lock(&self.state).calls.clear();
    }

    /// How many sets a zone has, those of the service's own included.
    pub fn set_count(&self, zone: &str) -> usize {
        lock(&self.state).set_count(zone)
    }

    /// Applies a batch as if by hand: `(action, name, type, TTL, values)`.
    #[track_caller]
    pub fn change_by_hand(&self, zone: &str, changes: &[(&str, &str, &str, u32, &[&str])]) {
        lock(&self.state).change_by_hand(zone, changes);
    }
}
