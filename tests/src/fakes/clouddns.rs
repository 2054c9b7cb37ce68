//! Cloud DNS, in memory, one project.
//!
//! ```text
//!  request ─> [ token ] ─> [ rights, faults ] ─> [ call ] ─> answer
//!                 │                                  │
//!            [ identity ]                   zones: [ change ] ─> [ rules ]
//! ```
//!
//! Strict where the service is lenient: each parameter and each key of a change must be known. Reasons and
//! statuses are the service's own. A change lands as a whole or not at all, and is pending for a while: until
//! it is done no listing shows it.

mod change;
mod faults;
mod identity;
mod query;
mod rules;
mod server;
mod zones;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::Value;

pub use faults::Fault;
pub use identity::{REFRESH_TOKEN, ServiceAccount, WORKLOAD_TOKEN};

use super::http_server::HttpServer;
use crate::google::Google;
use crate::lock::lock;
use server::State;

/// The only project.
pub const PROJECT: &str = "fed-project";
/// May do everything.
pub const TOKEN: &str = "a-token-for-all";
/// May list and get, and nothing else.
pub const READER: &str = "a-token-to-look";

/// A running Cloud DNS, with what gives tokens to its clients. Dropping it closes everything.
pub struct FakeCloudDns {
    state: Arc<Mutex<State>>,
    server: HttpServer,
}

// === impl FakeCloudDns ===

impl FakeCloudDns {
    /// One project without zones.
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

    /// The vendor's client with the token that may do everything.
    pub fn google(&self) -> Google {
        Google { port: self.port(), project: PROJECT, token: Some(TOKEN) }
    }

    /// Tokens that this account signs are good from now on.
    pub fn trust(&self, account: &ServiceAccount) {
        lock(&self.state).trust(account);
    }

    /// A key of the project's quota, like `rrsetAdditionsPerChange`, is this from now on.
    pub fn set_quota(&self, key: &'static str, value: usize) {
        lock(&self.state).set_quota(key, value);
    }

    /// From now on a change is pending until it has been asked for so often.
    pub fn delay(&self, asked: usize) {
        lock(&self.state).delay = asked;
    }

    /// The clock of the service is so many seconds ahead of the machine's.
    pub fn set_clock_ahead(&self, seconds: i64) {
        lock(&self.state).clock_ahead = seconds;
    }

    /// From now on no change may touch this set: `("www.example.com.", "A")`.
    pub fn protect(&self, name: &str, record_type: &str) {
        lock(&self.state).protect(name, record_type);
    }

    /// The next calls like `changes.create` meet these, one after the other.
    pub fn inject(&self, action: &'static str, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state).inject(action, faults);
    }

    /// How many calls of this action there were, those that were refused included.
    pub fn count(&self, action: &str) -> usize {
        lock(&self.state).calls.iter().filter(|called| **called == action).count()
    }

    /// How many calls of any action there were.
    pub fn calls(&self) -> usize {
        lock(&self.state).calls.len()
    }

    /// All actions that were called.
    pub fn called(&self) -> BTreeSet<&'static str> {
        lock(&self.state).calls.iter().copied().collect()
    }

    pub fn forget_calls(&self) {
        lock(&self.state).calls.clear();
    }

    /// How many sets a zone has, those of the service's own included.
    pub fn set_count(&self, zone: &str) -> usize {
        lock(&self.state).set_count(zone)
    }

    /// Applies a change as if by hand: a body of `changes.create`.
    #[track_caller]
    pub fn change_by_hand(&self, zone: &str, change: &Value) {
        lock(&self.state).change_by_hand(zone, change);
    }
}
