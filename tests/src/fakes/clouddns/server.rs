//! From a request to what is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};

use super::faults::Fault;
use super::identity::{self, ServiceAccount, machine_time};
use super::query::{Query, paged};
use super::zones::{SetKey, Zone, describe};
use super::{PROJECT, READER, change};
use crate::fakes::fault_queue::FaultQueue;
use crate::fakes::http_server::{Reply, Request};

/// Limits of the project, by their keys.
pub type Quota = BTreeMap<&'static str, usize>;

/// The project with all that stands in it.
pub(super) struct State {
    zones: Vec<Zone>,
    accounts: Vec<ServiceAccount>,
    quota: Quota,
    faults: FaultQueue<Fault>,
    pub calls: Vec<&'static str>,
    pub delay: usize,
    pub clock_ahead: i64,
}

/// A call that is not carried out.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    reason: &'static str,
    message: String,
}

/// A call as its method and path tell it.
#[derive(Clone, Copy)]
enum Call<'a> {
    GetProject,
    CreateZone,
    ListZones,
    GetZone(&'a str),
    TestPermissions(&'a str),
    ListSets(&'a str),
    CreateChange(&'a str),
    ListChanges(&'a str),
    GetChange(&'a str, &'a str),
}

const PREFIX: &str = "/dns/v1/projects/";
const SETS_PAGE: usize = 500;
const ZONES_PAGE: usize = 2;

// === impl Refusal ===

impl Refusal {
    pub fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub fn invalid(at: &str, value: &Value) -> Self {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self::new(400, "invalid", format!("Invalid value for '{at}': '{value}'"))
    }

    fn body(&self) -> Value {
        let Self { status, reason, message } = self;
        json!({ "error": {
            "code": status, "message": message,
            "errors": [{ "domain": "global", "reason": reason, "message": message }],
        } })
    }
}

// === impl Call ===

impl<'a> Call<'a> {
    fn read(method: &str, parts: &[&'a str]) -> Option<Self> {
        Some(match (method, parts) {
            ("GET", []) => Self::GetProject,
            ("POST", ["managedZones"]) => Self::CreateZone,
            ("GET", ["managedZones"]) => Self::ListZones,
            ("POST", ["managedZones", zone]) => {
                Self::TestPermissions(zone.strip_suffix(":testIamPermissions")?)
            }
            ("GET", ["managedZones", zone]) => Self::GetZone(zone),
            ("GET", ["managedZones", zone, "rrsets"]) => Self::ListSets(zone),
            ("POST", ["managedZones", zone, "changes"]) => Self::CreateChange(zone),
            ("GET", ["managedZones", zone, "changes"]) => Self::ListChanges(zone),
            ("GET", ["managedZones", zone, "changes", id]) => Self::GetChange(zone, id),
            _ => return None,
        })
    }

    fn action(self) -> &'static str {
        match self {
            Self::GetProject => "projects.get",
            Self::CreateZone => "managedZones.create",
            Self::ListZones => "managedZones.list",
            Self::GetZone(_) => "managedZones.get",
            Self::TestPermissions(_) => "managedZones.testIamPermissions",
            Self::ListSets(_) => "resourceRecordSets.list",
            Self::CreateChange(_) => "changes.create",
            Self::ListChanges(_) => "changes.list",
            Self::GetChange(..) => "changes.get",
        }
    }
}

// === impl State ===

impl Default for State {
    fn default() -> Self {
        let quota = Quota::from([
            ("managedZones", 10_000),
            ("resourceRecordsPerRrset", 100),
            ("rrsetAdditionsPerChange", 1_000),
            ("rrsetDeletionsPerChange", 1_000),
            ("rrsetsPerManagedZone", 30_000),
            ("totalRrdataSizePerChange", 100_000),
        ]);
        Self {
            zones: Vec::new(),
            accounts: Vec::new(),
            quota,
            faults: FaultQueue::default(),
            calls: Vec::new(),
            delay: 0,
            clock_ahead: 0,
        }
    }
}

impl State {
    pub fn trust(&mut self, account: &ServiceAccount) {
        self.accounts.push(account.clone());
    }

    pub fn set_quota(&mut self, key: &'static str, value: usize) {
        assert!(self.quota.insert(key, value).is_some(), "there is no quota {key}");
    }

    pub fn protect(&mut self, name: &str, record_type: &str) {
        for zone in &mut self.zones {
            zone.protected.insert((name.to_owned(), record_type.to_owned()));
        }
    }

    pub fn inject(&mut self, action: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.faults.push(action, faults);
    }

    pub fn set_count(&self, zone: &str) -> usize {
        self.zone(zone).expect("a zone").sets.len()
    }

    #[track_caller]
    pub fn change_by_hand(&mut self, zone: &str, body: &Value) {
        let quota = self.quota.clone();
        let zone = self.zone_mut(zone).expect("a zone");
        let after = change::applied(zone, body, &quota).expect("what is done by hand is allowed");
        zone.accept(body.clone(), after, 0);
    }

    pub fn reply(&mut self, request: &Request) -> Reply {
        if let Some(reply) = identity::answer(request) {
            return reply;
        }
        let (status, body) = match self.answer(request) {
            Ok(Answer::Json(body)) => (200, body),
            Ok(Answer::Close) => return Reply::Close,
            Ok(Answer::Silence) => return Reply::Silence,
            Ok(Answer::BadGateway) => {
                return self.answered(502, "text/html", "<h1>Bad\nGateway</h1>".into());
            }
            Err(refusal) => (refusal.status, refusal.body()),
        };
        self.answered(status, "application/json", body.to_string())
    }

    fn answered(&self, status: u16, content: &str, body: String) -> Reply {
        let now = Timestamp::from_second(self.now()).expect("a time");
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        let date = date.expect("a date of HTTP");
        let headers = vec![("content-type", content.to_owned()), ("date", date)];
        Reply::Answer { status, headers, body }
    }

    fn now(&self) -> i64 {
        machine_time() + self.clock_ahead
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let no_call = || Refusal::new(404, "notFound", "The url does not match any API call.");
        let path = request.path.strip_prefix(PREFIX).ok_or_else(no_call)?;
        let mut parts = path.split('/');
        let project = parts.next().unwrap_or_default();
        let parts: Vec<&str> = parts.collect();
        let call = Call::read(&request.method, &parts).ok_or_else(no_call)?;
        self.calls.push(call.action());
        let token = identity::checked(request, &self.accounts, self.now())?;
        let is_read = call.action().ends_with(".get")
            || call.action().ends_with(".list")
            || matches!(call, Call::TestPermissions(_));
        if project != PROJECT || (token == READER && !is_read) {
            return Err(Refusal::new(403, "forbidden", "Forbidden"));
        }
        match self.faults.next(call.action()).unwrap_or(Fault::Pass) {
            Fault::Throttle => Err(Refusal::new(
                429,
                "rateLimitExceeded",
                "Resource has been exhausted (e.g. check quota).",
            )),
            Fault::Refuse { status, reason } => Err(Refusal::new(status, reason, "as told")),
            Fault::BadGateway => Ok(Answer::BadGateway),
            Fault::CloseBefore => Ok(Answer::Close),
            Fault::SilenceBefore => Ok(Answer::Silence),
            Fault::SilenceAfter => self.carry_out(call, token, request).map(|_| Answer::Silence),
            Fault::CloseAfter => self.carry_out(call, token, request).map(|_| Answer::Close),
            Fault::Pass => self.carry_out(call, token, request).map(Answer::Json),
        }
    }

    fn carry_out(
        &mut self,
        call: Call<'_>,
        token: &str,
        request: &Request,
    ) -> Result<Value, Refusal> {
        let mut query = Query::read(&request.query)?;
        let body = || {
            serde_json::from_slice::<Value>(&request.body)
                .map_err(|_| Refusal::new(400, "badRequest", "Parse Error"))
        };
        let answer = match call {
            Call::GetProject => {
                let mut quota = json!(self.quota);
                quota["kind"] = json!("dns#quota");
                json!({ "kind": "dns#project", "id": PROJECT, "number": "1", "quota": quota })
            }
            Call::CreateZone => self.create_zone(&body()?)?,
            Call::ListZones => self.list_zones(&mut query)?,
            Call::GetZone(zone) => self.zone(zone)?.json(),
            Call::TestPermissions(zone) => {
                self.zone(zone)?;
                held(&body()?, token)
            }
            Call::ListSets(zone) => list_sets(self.zone(zone)?, &mut query)?,
            Call::CreateChange(zone) => {
                let (quota, delay, body) = (self.quota.clone(), self.delay, body()?);
                let zone = self.zone_mut(zone)?;
                let after = change::applied(zone, &body, &quota)?;
                zone.accept(body, after, delay)
            }
            Call::ListChanges(zone) => list_changes(self.zone(zone)?, &mut query)?,
            Call::GetChange(zone, id) => {
                let zone = self.zone_mut(zone)?;
                let number = id.parse().ok().filter(|number| *number < zone.changes.len());
                let number = number.ok_or_else(|| no_resource("changeId", id))?;
                zone.advance(number, 1)
            }
        };
        query.finish()?;
        Ok(answer)
    }

    fn create_zone(&mut self, body: &Value) -> Result<Value, Refusal> {
        let text = |key: &str| {
            let value = &body[key];
            value
                .as_str()
                .ok_or_else(|| Refusal::invalid(&format!("entity.managedZone.{key}"), value))
        };
        let (id, dns_name) = (text("name")?, text("dnsName")?);
        text("description")?;
        if self.zones.iter().any(|zone| zone.id == id) {
            let message = format!("The resource 'entity.managedZone' named '{id}' already exists");
            return Err(Refusal::new(409, "alreadyExists", message));
        }
        let is_private = body["visibility"] == "private";
        let number = 1_000 + self.zones.len();
        let zone = Zone::new(id.to_owned(), number, dns_name.to_owned(), is_private);
        let answer = zone.json();
        self.zones.push(zone);
        Ok(answer)
    }

    fn list_zones(&self, query: &mut Query) -> Result<Value, Refusal> {
        let dns_name = query.take("dnsName");
        let is_meant = |zone: &&Zone| dns_name.as_ref().is_none_or(|name| *name == zone.dns_name);
        let zones: Vec<Value> = self.zones.iter().filter(is_meant).map(Zone::json).collect();
        paged("managedZones", zones, query, ZONES_PAGE)
    }

    fn zone(&self, id: &str) -> Result<&Zone, Refusal> {
        let mut zones = self.zones.iter();
        zones.find(|zone| is_named(zone, id)).ok_or_else(|| no_resource("managedZone", id))
    }

    fn zone_mut(&mut self, id: &str) -> Result<&mut Zone, Refusal> {
        let mut zones = self.zones.iter_mut();
        zones.find(|zone| is_named(zone, id)).ok_or_else(|| no_resource("managedZone", id))
    }
}

/// What becomes of a call that is not refused.
enum Answer {
    Json(Value),
    BadGateway,
    Close,
    Silence,
}

fn is_named(zone: &Zone, id: &str) -> bool {
    zone.id == id || zone.number.to_string() == id
}

fn no_resource(what: &str, id: &str) -> Refusal {
    let message = format!("The 'parameters.{what}' resource named '{id}' does not exist.");
    Refusal::new(404, "notFound", message)
}

/// Which of these rights a token has.
fn held(body: &Value, token: &str) -> Value {
    let asked = body["permissions"].as_array().cloned().unwrap_or_default();
    let is_held = |right: &Value| {
        let right = right.as_str().unwrap_or_default();
        token != READER || right.ends_with(".get") || right.ends_with(".list")
    };
    json!({ "permissions": asked.into_iter().filter(is_held).collect::<Vec<_>>() })
}

fn list_sets(zone: &Zone, query: &mut Query) -> Result<Value, Refusal> {
    let (name, record_type) = (query.take("name"), query.take("type"));
    if record_type.is_some() && name.is_none() {
        return Err(Refusal::new(400, "invalid", "type without name"));
    }
    let is_meant = |(key, _): &(&SetKey, _)| {
        name.as_ref().is_none_or(|name| *name == key.0)
            && record_type.as_ref().is_none_or(|record_type| *record_type == key.1)
    };
    let sets = zone.sets.iter().filter(is_meant).map(|(_, set)| set.json()).collect();
    paged("rrsets", sets, query, SETS_PAGE)
}

fn list_changes(zone: &Zone, query: &mut Query) -> Result<Value, Refusal> {
    let known = |found: Option<String>, known: &[&str]| match found {
        Some(word) if !known.contains(&word.as_str()) => {
            Err(Refusal::invalid("parameters", &json!(word)))
        }
        word => Ok(word),
    };
    known(query.take("sortBy"), &["changeSequence"])?;
    let order = known(query.take("sortOrder"), &["ascending", "descending"])?;
    let mut changes: Vec<Value> = zone.changes.iter().map(describe).collect();
    if order.as_deref() == Some("descending") {
        changes.reverse();
    }
    paged("changes", changes, query, SETS_PAGE)
}
