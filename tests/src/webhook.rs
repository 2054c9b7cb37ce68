//! A strict layer before a webhook server that others wrote: every call is held against the protocol's
//! own description, and calls fail as they are told to.

mod description;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use crate::external_dns::Webhook;
use crate::fakes::http_server::{HttpServer, Reply, Request};
use crate::http;
use crate::lock::lock;
use description::Description;

/// Of every call that has a body, and of every answer with one.
pub const MEDIA_TYPE: &str = "application/external.dns.webhook+json;version=1";
pub const APPLY: &str = "POST /records";
pub const LIST: &str = "GET /records";
pub const ADJUST: &str = "POST /adjustendpoints";

/// The layer and the server behind it.
pub struct StrictWebhook {
    pub server: Webhook,
    http: HttpServer,
    shared: Arc<Shared>,
}

/// What happens to a call in place of being passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Pass,
    Status(u16),
    /// The connection ends before the call is carried out, or after.
    CloseBefore,
    CloseAfter,
    /// No answer comes, and nothing is carried out, or all of it.
    SilenceBefore,
    SilenceAfter,
    /// It says that all is done, and does nothing.
    Dry,
}

/// What the provider makes of endpoints.
#[derive(Clone, Debug, Default)]
pub struct Adjusting {
    /// Shorter TTLs become this one.
    pub ttl_min: i64,
    /// It takes no TTL, and lists one of its own.
    pub own_ttl: Option<i64>,
    /// Each endpoint gets it, as some clouds do, and shows it.
    pub property: Option<(&'static str, &'static str)>,
    /// This name is left out.
    pub left_out: Option<String>,
}

struct Shared {
    server: u16,
    description: Description,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: Vec<String>,
    violations: Vec<String>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    /// Whatever names one of these is answered with a status.
    refused: BTreeMap<String, u16>,
    adjusting: Adjusting,
}

// === impl StrictWebhook ===

impl StrictWebhook {
    pub fn before(server: Webhook) -> Self {
        let state = Mutex::default();
        let shared =
            Arc::new(Shared { server: server.port(), description: Description::load(), state });
        let handler = Arc::clone(&shared);
        let http = HttpServer::start(move |request| handler.answer(request));
        Self { server, http, shared }
    }

    pub fn port(&self) -> u16 {
        self.http.port()
    }

    /// The next calls of this sort, `POST /records` for one, meet these.
    pub fn inject(&self, call: &str, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.entry(call.to_owned()).or_default().extend(faults);
    }

    /// From now on a change that makes something at this name is answered so, and not carried out.
    pub fn refuse(&self, name: &str, status: u16) {
        self.shared.state().refused.insert(name.to_owned(), status);
    }

    /// Refuses nothing any more.
    pub fn allow(&self) {
        self.shared.state().refused.clear();
    }

    pub fn adjust(&self, adjusting: Adjusting) {
        self.shared.state().adjusting = adjusting;
    }

    /// How often there was a call of this sort.
    pub fn count(&self, call: &str) -> usize {
        self.shared.state().calls.iter().filter(|it| *it == call).count()
    }

    /// All calls so far.
    pub fn calls(&self) -> usize {
        self.shared.state().calls.len()
    }

    pub fn forget_calls(&self) {
        self.shared.state().calls.clear();
    }

    /// Where calls and answers were not as the protocol describes them.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().violations.clone()
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn answer(&self, request: &Request) -> Reply {
        let call = format!("{} {}", request.method, request.path);
        let fault = {
            let mut state = self.state();
            state.calls.push(call.clone());
            state.violations.extend(self.description.violations(request));
            let fault = state.faults.get_mut(&call).and_then(VecDeque::pop_front);
            fault.or_else(|| state.refusal(request)).unwrap_or(Fault::Pass)
        };
        match fault {
            Fault::Pass => self.pass(&call, request),
            Fault::Status(status) => answer(status, "no such value; it was given at 12:00"),
            Fault::CloseBefore => Reply::Close,
            Fault::SilenceBefore => Reply::Silence,
            Fault::Dry => answer(204, ""),
            Fault::CloseAfter => {
                self.pass(&call, request);
                Reply::Close
            }
            Fault::SilenceAfter => {
                self.pass(&call, request);
                Reply::Silence
            }
        }
    }

    fn pass(&self, call: &str, request: &Request) -> Reply {
        let body = String::from_utf8_lossy(&request.body);
        let passed = match request.method.as_str() {
            "GET" => http::get(self.server, &request.path),
            _ => http::post(self.server, &request.path, &body),
        };
        let Ok(http::Answer { status, body }) = passed else { return Reply::Close };
        let mut state = self.state();
        let body = match call {
            ADJUST | LIST if status == 200 => {
                let mut endpoints: Value = serde_json::from_str(&body).unwrap_or_default();
                state.violations.extend(self.description.list_violations(call, &endpoints));
                state.adjusting.apply(call == ADJUST, &mut endpoints);
                endpoints.to_string()
            }
            _ => body,
        };
        answer(status, &body)
    }
}

fn answer(status: u16, body: &str) -> Reply {
    let headers = vec![("content-type", MEDIA_TYPE.to_owned())];
    Reply::Answer { status, headers, body: body.to_owned() }
}

// === impl State ===

impl State {
    fn refusal(&self, request: &Request) -> Option<Fault> {
        let is_apply = request.method == "POST" && request.path == "/records";
        let changes: Value = serde_json::from_slice(&request.body).ok().filter(|_| is_apply)?;
        let new = ["create", "updateNew"].map(|key| changes[key].as_array());
        let mut names = new.into_iter().flatten().flatten().filter_map(|it| it["dnsName"].as_str());
        names.find_map(|name| self.refused.get(name)).map(|status| Fault::Status(*status))
    }
}

// === impl Adjusting ===

impl Adjusting {
    fn apply(&self, is_adjust: bool, endpoints: &mut Value) {
        let Some(endpoints) = endpoints.as_array_mut() else { return };
        if is_adjust {
            endpoints.retain(|it| it["dnsName"].as_str() != self.left_out.as_deref());
        }
        for endpoint in endpoints {
            let ttl = endpoint["recordTTL"].as_i64().unwrap_or_default();
            if is_adjust {
                endpoint["recordTTL"] = ttl.max(self.ttl_min).into();
            }
            if let Some(own) = self.own_ttl {
                endpoint["recordTTL"] = if is_adjust { 0 } else { own }.into();
            }
            if let Some((name, value)) = self.property
                && endpoint["providerSpecific"].as_array().is_none_or(Vec::is_empty)
            {
                endpoint["providerSpecific"] = serde_json::json!([{"name": name, "value": value}]);
            }
        }
    }
}
