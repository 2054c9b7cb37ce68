//! AliDNS, in memory, one account.
//!
//! ```text
//!  request ─> [ parameters ] ─> [ signature ] ─> [ rights, throttle ] ─> [ action ] ─> answer
//!                                    │                    │                  │
//!                                 account              faults        domains, records, plan
//! ```
//!
//! Strict where the service is lenient: each parameter must be known to its action and stand once, each
//! `x-acs-` header must be signed. Texts and codes are the service's own.

mod account;
mod actions;
mod answers;
mod call;
mod domains;
mod fault;
mod metadata;
mod plan;
mod refusal;
mod rules;
mod server;
mod signature;

use std::sync::{Arc, Mutex};

use model::UnixTime;
use providers::{Clock, SystemClock};

pub use call::{Call, SignatureVersion};
pub use domains::{Domains, FakeRecord, NewRecord};
pub use fault::{Fault, Injection};
pub use metadata::FakeMetadata;
pub use plan::Plan;

use super::http_server::HttpServer;
use crate::lock::lock;
use account::Key;
use server::State;

/// The key that every fake begins with.
pub const KEY_ID: &str = "testid";
pub const KEY_SECRET: &str = "testsecret";

/// A running AliDNS. Dropping it closes everything.
pub struct FakeAliDns {
    state: Arc<Mutex<State>>,
    server: HttpServer,
}

// === impl FakeAliDns ===

impl FakeAliDns {
    /// One account with the key [`KEY_ID`], no domains, and the machine's clock.
    pub fn start() -> Self {
        Self::start_at(Arc::new(SystemClock))
    }

    /// With a clock of the test's own.
    pub fn start_at(clock: Arc<dyn Clock>) -> Self {
        let state = Arc::new(Mutex::new(State::new(clock)));
        let server = HttpServer::start({
            let state = Arc::clone(&state);
            move |request| lock(&state).reply(request)
        });
        Self { state, server }
    }

    /// Over TLS, with a certificate of the run's authority.
    pub fn start_tls() -> Self {
        let state = Arc::new(Mutex::new(State::new(Arc::new(SystemClock))));
        let server = HttpServer::start_tls({
            let state = Arc::clone(&state);
            move |request| lock(&state).reply(request)
        });
        Self { state, server }
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// A domain that the account holds, `example.com`. Where `main` is given, it is a hosted
    /// sub-domain of that one, and its labels count as levels.
    pub fn add_domain(&self, name: &str, main: Option<&str>, plan: Plan) {
        self.domains(|domains| domains.add(name, main, plan));
    }

    /// Looks at or changes the domains behind AliDNS's back.
    pub fn domains<T>(&self, look: impl FnOnce(&mut Domains) -> T) -> T {
        look(&mut lock(&self.state).domains)
    }

    /// All records of a domain in the order of their addition.
    pub fn records(&self, domain: &str) -> Vec<FakeRecord> {
        self.domains(|domains| domains.records(domain))
    }

    /// `RR TYPE LINE TTL VALUE` of each record, sorted, with ` paused` and ` locked` where so.
    pub fn lines(&self, domain: &str) -> Vec<String> {
        let mut lines: Vec<_> = self.records(domain).iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    }

    /// Puts a record there, as if by hand, and returns its id.
    pub fn put(&self, domain: &str, record: NewRecord) -> String {
        self.domains(|domains| domains.put(domain, record))
    }

    /// A further key that is good for ever.
    pub fn add_key(&self, id: &str, secret: &str) {
        lock(&self.state).account.add_key(id, Key::lasting(secret));
    }

    /// A key that needs its token, until it expires.
    pub fn add_temporary_key(&self, id: &str, secret: &str, token: &str, expires: UnixTime) {
        lock(&self.state).account.add_key(id, Key::temporary(secret, token, expires));
    }

    pub fn remove_key(&self, id: &str) {
        lock(&self.state).account.remove_key(id);
    }

    /// From now on the account lacks the right to this action.
    pub fn deny(&self, action: &str) {
        lock(&self.state).account.deny(action);
    }

    pub fn allow(&self, action: &str) {
        lock(&self.state).account.allow(action);
    }

    /// At most this many calls in a second; None for no limit.
    pub fn limit_calls(&self, calls_per_second: Option<u32>) {
        lock(&self.state).limit_calls(calls_per_second);
    }

    /// Something shall go wrong.
    pub fn inject(&self, injection: Injection) {
        lock(&self.state).faults.push(injection);
    }

    /// Seconds that AliDNS's clock is ahead of the test's.
    pub fn set_clock_ahead(&self, seconds: i64) {
        lock(&self.state).clock_ahead = seconds;
    }

    /// Every call so far, those that were refused included, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// How many calls of this action there were.
    pub fn count(&self, action: &str) -> usize {
        self.calls().iter().filter(|call| call.action == action).count()
    }

    pub fn forget_calls(&self) {
        lock(&self.state).calls.clear();
    }

    /// A metadata service of an ECS instance whose role may use this account, with keys that last
    /// `lifetime_seconds`.
    pub fn metadata_service(&self, role: &str, lifetime_seconds: u64) -> FakeMetadata {
        FakeMetadata::start(Arc::clone(&self.state), role, lifetime_seconds)
    }
}
