//! From a request to what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::batch::{self, Action, Change};
use super::domain_name::DomainName;
use super::faults::Fault;
use super::zones::{Set, SetKey, Zone};
use super::{KEY, READER, signature, xml};
use crate::fakes::fault_queue::FaultQueue;
use crate::fakes::http_server::{Reply, Request};

/// The account with all that stands in it.
#[derive(Default)]
pub(super) struct State {
    zones: Vec<Zone>,
    faults: FaultQueue<Fault>,
    /// Each with its arrival.
    pub calls: Vec<(&'static str, Instant)>,
}

/// A call that is not carried out.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

/// A call as its method and path tell it.
enum Call<'a> {
    CreateHostedZone,
    ListHostedZonesByName,
    GetHostedZone(&'a str),
    GetHostedZoneLimit(&'a str),
    ListResourceRecordSets(&'a str),
    ChangeResourceRecordSets(&'a str),
}

const PREFIX: &str = "/2013-04-01/";
const PAGE_MAX: usize = 300;
const ZONES_PAGE: usize = 100;
const SETS_MAX: usize = 10_000;

// === impl Refusal ===

impl Refusal {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn reply(&self) -> Reply {
        answered(self.status, xml::error(self.code, &self.message))
    }
}

fn answered(status: u16, body: String) -> Reply {
    Reply::Answer { status, headers: vec![("content-type", "text/xml".into())], body }
}

// === impl Call ===

impl<'a> Call<'a> {
    fn read(request: &'a Request) -> Option<Self> {
        let path = request.path.strip_prefix(PREFIX)?;
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        Some(match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["hostedzone"]) => Self::CreateHostedZone,
            ("GET", ["hostedzonesbyname"]) => Self::ListHostedZonesByName,
            ("GET", ["hostedzone", id]) => Self::GetHostedZone(id),
            ("GET", ["hostedzonelimit", id, "MAX_RRSETS_BY_ZONE"]) => Self::GetHostedZoneLimit(id),
            ("GET", ["hostedzone", id, "rrset"]) => Self::ListResourceRecordSets(id),
            ("POST", ["hostedzone", id, "rrset"]) => Self::ChangeResourceRecordSets(id),
            _ => return None,
        })
    }

    fn action(&self) -> &'static str {
        match self {
            Self::CreateHostedZone => "CreateHostedZone",
            Self::ListHostedZonesByName => "ListHostedZonesByName",
            Self::GetHostedZone(_) => "GetHostedZone",
            Self::GetHostedZoneLimit(_) => "GetHostedZoneLimit",
            Self::ListResourceRecordSets(_) => "ListResourceRecordSets",
            Self::ChangeResourceRecordSets(_) => "ChangeResourceRecordSets",
        }
    }
}

// === impl State ===

impl State {
    pub fn protect(&mut self, name: &str, record_type: &str) {
        let name = DomainName::read(name).expect("a name");
        for zone in &mut self.zones {
            zone.protected.insert((name.clone(), record_type.to_owned()));
        }
    }

    pub fn inject(&mut self, action: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.faults.push(action, faults);
    }

    pub fn set_count(&self, zone: &str) -> usize {
        self.zone(zone).expect("a zone").sets.len()
    }

    #[track_caller]
    pub fn change_by_hand(&mut self, zone: &str, changes: &[(&str, &str, &str, u32, &[&str])]) {
        let change =
            |(action, name, record_type, ttl, values): &(&str, &str, &str, u32, &[&str])| {
                let action = match *action {
                    "CREATE" => Action::Create,
                    "DELETE" => Action::Delete,
                    _ => Action::Upsert,
                };
                let name = DomainName::read(name).expect("a name");
                Change { action, set: Set::plain(name, record_type, *ttl, values) }
            };
        let changes: Vec<Change> = changes.iter().map(change).collect();
        let zone = self.zone_mut(zone).expect("a zone");
        batch::apply(zone, &changes).expect("what is done by hand is allowed");
    }

    pub fn reply(&mut self, request: &Request) -> Reply {
        match self.answer(request) {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply(),
        }
    }

    fn answer(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = signature::key_of(request, secret_of)?;
        let call = Call::read(request);
        let call = call.ok_or_else(|| Refusal::new(404, "UnknownOperationException", ""))?;
        let action = call.action();
        self.calls.push((action, Instant::now()));
        if key == READER[0] && !["List", "Get"].iter().any(|verb| action.starts_with(verb)) {
            let message = format!("User: {key} is not authorized to perform: route53:{action}");
            return Err(Refusal::new(403, "AccessDenied", message));
        }
        match self.faults.next(action).unwrap_or(Fault::Pass) {
            Fault::Throttle => Err(Refusal::new(400, "Throttling", "Rate exceeded")),
            Fault::PriorRequest => Err(Refusal::new(
                400,
                "PriorRequestNotComplete",
                "The request was rejected because Route 53 was still processing a prior request.",
            )),
            Fault::Refuse { status, code } => Err(Refusal::new(status, code, "as told")),
            Fault::CloseBefore => Ok(Reply::Close),
            Fault::CloseAfter => self.carry_out(&call, request).map(|_| Reply::Close),
            Fault::Pass => {
                let content = self.carry_out(&call, request)?;
                let status = if matches!(call, Call::CreateHostedZone) { 201 } else { 200 };
                Ok(answered(status, xml::answer(action, &content)))
            }
        }
    }

    fn carry_out(&mut self, call: &Call<'_>, request: &Request) -> Result<String, Refusal> {
        let query = Query::read(&request.query)?;
        match call {
            Call::CreateHostedZone => self.create_zone(&request.body),
            Call::ListHostedZonesByName => self.list_zones(query),
            Call::GetHostedZone(id) => {
                let zone = self.zone(id)?;
                Ok(xml::zone(zone) + &xml::delegation(zone))
            }
            Call::GetHostedZoneLimit(id) => {
                let limit = xml::element("Type", "MAX_RRSETS_BY_ZONE")
                    + &xml::element("Value", &SETS_MAX.to_string());
                let count = xml::element("Count", &self.zone(id)?.sets.len().to_string());
                Ok(format!("<Limit>{limit}</Limit>{count}"))
            }
            Call::ListResourceRecordSets(id) => list_sets(self.zone(id)?, query),
            Call::ChangeResourceRecordSets(id) => change(self.zone_mut(id)?, &request.body),
        }
    }

    fn create_zone(&mut self, body: &[u8]) -> Result<String, Refusal> {
        let xml::NewZone { name, reference, is_private } = xml::read_new_zone(body)?;
        let name = DomainName::read(&name);
        let name = name.map_err(|problem| Refusal::new(400, "InvalidDomainName", problem))?;
        if self.zones.iter().any(|zone| zone.reference == reference) {
            return Err(Refusal::new(409, "HostedZoneAlreadyExists", "this reference is taken"));
        }
        let id = format!("Z{:012}FAKE", self.zones.len() + 1);
        let zone = Zone::new(id, name, is_private, reference);
        let change = "<ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
                      <SubmittedAt>2026-11-22T00:00:00Z</SubmittedAt></ChangeInfo>";
        let answer = xml::zone(&zone) + change + &xml::delegation(&zone);
        self.zones.push(zone);
        Ok(answer)
    }

    /// All zones from a name on, in the order of their names.
    fn list_zones(&self, mut query: Query) -> Result<String, Refusal> {
        let from = query.take("dnsname").map(|text| DomainName::read(&text));
        let from = from.transpose().map_err(|text| Refusal::new(400, "InvalidDomainName", text))?;
        let from = (from, query.take("hostedzoneid").unwrap_or_default());
        let page = query.take_count("maxitems", ZONES_PAGE)?;
        query.finish()?;
        let mut zones: Vec<&Zone> = self.zones.iter().collect();
        zones.sort_by_key(|zone| (Some(zone.name.clone()), zone.id.clone()));
        zones.retain(|zone| (Some(zone.name.clone()), zone.id.clone()) >= from);
        let (shown, rest) = zones.split_at(page.min(zones.len()));
        let shown: String = shown.iter().map(|zone| xml::zone(zone)).collect();
        let mut answer = format!("<HostedZones>{shown}</HostedZones>");
        answer += &xml::element("IsTruncated", &(!rest.is_empty()).to_string());
        if let Some(next) = rest.first() {
            answer += &xml::element("NextDNSName", &next.name.to_string());
            answer += &xml::element("NextHostedZoneId", &next.id);
        }
        answer += &xml::element("MaxItems", &page.to_string());
        Ok(answer)
    }

    fn zone(&self, id: &str) -> Result<&Zone, Refusal> {
        self.zones.iter().find(|zone| zone.id == id).ok_or_else(|| no_zone(id))
    }

    fn zone_mut(&mut self, id: &str) -> Result<&mut Zone, Refusal> {
        self.zones.iter_mut().find(|zone| zone.id == id).ok_or_else(|| no_zone(id))
    }
}

fn no_zone(id: &str) -> Refusal {
    Refusal::new(404, "NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
}

fn secret_of(key: &str) -> Option<&'static str> {
    [KEY, READER].into_iter().find(|[id, _]| *id == key).map(|[_, secret]| secret)
}

fn list_sets(zone: &Zone, mut query: Query) -> Result<String, Refusal> {
    let invalid = |text: String| Refusal::new(400, "InvalidInput", text);
    let name = query.take("name");
    let record_type = query.take("type").unwrap_or_default();
    let identifier = query.take("identifier");
    let page = query.take_count("maxitems", PAGE_MAX)?.min(PAGE_MAX);
    query.finish()?;
    if name.is_none() && !record_type.is_empty() {
        return Err(invalid("type without name".into()));
    }
    let name = name.map_or_else(|| Ok(zone.name.clone()), |text| DomainName::read(&text));
    let from = SetKey { name: name.map_err(invalid)?, record_type, identifier };
    let mut sets = zone.sets.range(from..).map(|(_, set)| set);
    let shown: String = sets.by_ref().take(page).map(xml::set).collect();
    let next = sets.next();
    let mut answer = format!("<ResourceRecordSets>{shown}</ResourceRecordSets>");
    answer += &xml::element("IsTruncated", &next.is_some().to_string());
    if let Some(SetKey { name, record_type, identifier }) = next.map(|set| &set.key) {
        answer += &xml::element("NextRecordName", &name.to_string());
        answer += &xml::element("NextRecordType", record_type);
        let identifier = identifier.as_ref();
        answer +=
            &identifier.map_or_else(String::new, |it| xml::element("NextRecordIdentifier", it));
    }
    answer += &xml::element("MaxItems", &page.to_string());
    Ok(answer)
}

fn change(zone: &mut Zone, body: &[u8]) -> Result<String, Refusal> {
    let (changes, problems): (Vec<_>, Vec<_>) =
        xml::read_batch(body)?.into_iter().partition(Result::is_ok);
    let problems: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
    let changes: Vec<Change> = changes.into_iter().filter_map(Result::ok).collect();
    let result = if problems.is_empty() { batch::apply(zone, &changes) } else { Err(problems) };
    result.map_err(|problems| {
        // A text that tells one thing twice is no help.
        let problems: BTreeSet<String> = problems.into_iter().collect();
        let list: Vec<String> = problems.into_iter().collect();
        Refusal::new(400, "InvalidChangeBatch", format!("[{}]", list.join(", ")))
    })?;
    Ok("<ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
        <SubmittedAt>2026-11-22T00:00:00Z</SubmittedAt></ChangeInfo>"
        .into())
}

/// The parameters of a request, each of which must be known.
struct Query(BTreeMap<String, String>);

// === impl Query ===

impl Query {
    fn read(text: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new(400, "InvalidInput", format!("bad query {text}"));
        let mut fields = BTreeMap::new();
        for field in text.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').ok_or_else(bad)?;
            let value = percent_decoded(value).ok_or_else(bad)?;
            if fields.insert(name.to_owned(), value).is_some() {
                return Err(bad());
            }
        }
        // Clients name the operation, too.
        fields.remove("x-id");
        Ok(Self(fields))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn take_count(&mut self, name: &str, default: usize) -> Result<usize, Refusal> {
        let Some(text) = self.take(name) else { return Ok(default) };
        let count = text.parse().ok().filter(|count| *count > 0);
        count.ok_or_else(|| Refusal::new(400, "InvalidInput", format!("{name}: {text}")))
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Refusal::new(400, "InvalidInput", format!("unknown parameter {name}")))
            }
        }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = tail;
            }
            b'+' => return None,
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
