//! The domains of the account with their records.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use model::UnixTime;

use super::plan::Plan;
use super::refusal::Refusal;
use super::rules;

/// All domains. What tests change here has no rules but those of sense.
pub struct Domains {
    domains: BTreeMap<String, Domain>,
    /// Numbers that were given to records, of all domains.
    given: u64,
    /// The time of the call under way.
    pub(super) now: UnixTime,
}

pub(super) struct Domain {
    /// Unlike that of every other domain.
    pub(super) number: usize,
    pub(super) name: String,
    /// The registrable domain, if this is a hosted sub-domain of it.
    pub(super) main: Option<String>,
    pub(super) plan: Plan,
    pub(super) instance_id: Option<String>,
    /// What the parent zone names; None for AliDNS's own.
    pub(super) delegated_to: Option<Vec<String>>,
    records: BTreeMap<u64, FakeRecord>,
    by_rr: HashMap<String, BTreeSet<u64>>,
}

/// A record as a call brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    pub rr: String,
    pub record_type: String,
    pub value: String,
    pub ttl: u32,
    pub line: String,
    pub priority: Option<u32>,
}

/// A record as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeRecord {
    pub id: String,
    pub record: NewRecord,
    pub enabled: bool,
    pub locked: bool,
    pub remark: String,
    pub created: UnixTime,
    pub updated: Option<UnixTime>,
}

pub(super) const NAME_SERVERS: [&str; 2] = ["vip1.alidns.com", "vip2.alidns.com"];

// === impl NewRecord ===

impl NewRecord {
    /// On the default line.
    pub fn new(rr: &str, record_type: &str, ttl: u32, value: &str) -> Self {
        Self {
            rr: rr.to_owned(),
            record_type: record_type.to_owned(),
            value: value.to_owned(),
            ttl,
            line: "default".to_owned(),
            priority: None,
        }
    }

    pub fn on_line(self, line: &str) -> Self {
        Self { line: line.to_owned(), ..self }
    }
}

// === impl FakeRecord ===

impl fmt::Display for FakeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewRecord { rr, record_type, value, ttl, line, priority } = &self.record;
        write!(f, "{rr} {record_type} {line} {ttl} ")?;
        if let Some(priority) = priority {
            write!(f, "{priority} ")?;
        }
        f.write_str(value)?;
        f.write_str(if self.enabled { "" } else { " paused" })?;
        f.write_str(if self.locked { " locked" } else { "" })
    }
}

// === impl Domain ===

impl Domain {
    /// In the order of addition.
    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &FakeRecord> {
        self.records.values()
    }

    pub(super) fn record_count(&self) -> usize {
        self.records.len()
    }

    /// Those with the same host record.
    pub(super) fn at(&self, rr: &str) -> impl Iterator<Item = &FakeRecord> {
        let numbers = self.by_rr.get(rr).into_iter().flatten();
        numbers.map(|number| &self.records[number])
    }

    /// Labels between the registrable domain and this one.
    pub(super) fn levels_used(&self) -> u32 {
        let labels = |name: &str| name.split('.').count();
        let main = self.main.as_deref().map_or(labels(&self.name), labels);
        u32::try_from(labels(&self.name) - main).expect("few labels")
    }

    fn insert(&mut self, number: u64, record: FakeRecord) {
        self.by_rr.entry(record.record.rr.clone()).or_default().insert(number);
        self.records.insert(number, record);
    }

    fn remove(&mut self, number: u64) -> FakeRecord {
        let record = self.records.remove(&number).expect("the caller has found it");
        if let Some(numbers) = self.by_rr.get_mut(&record.record.rr) {
            numbers.remove(&number);
        }
        record
    }
}

// === impl Domains ===

impl Default for Domains {
    fn default() -> Self {
        Self { domains: BTreeMap::new(), given: 0, now: UnixTime(0) }
    }
}

impl Domains {
    pub(super) fn add(&mut self, name: &str, main: Option<&str>, plan: Plan) {
        let number = self.domains.len() + 1;
        let domain = Domain {
            number,
            name: name.to_owned(),
            main: main.map(str::to_owned),
            instance_id: instance_id(number, &plan),
            plan,
            delegated_to: None,
            records: BTreeMap::new(),
            by_rr: HashMap::new(),
        };
        self.domains.insert(name.to_owned(), domain);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Domain> {
        self.domains.values()
    }

    pub(super) fn get(&self, name: &str) -> Result<&Domain, Refusal> {
        self.domains.get(&name.to_ascii_lowercase()).ok_or_else(no_domain)
    }

    /// Another plan for a domain that stands; its records stay.
    pub fn change_plan(&mut self, domain: &str, plan: Plan) {
        let domain = self.domains.get_mut(domain).expect("the domain stands");
        domain.instance_id = instance_id(domain.number, &plan);
        domain.plan = plan;
    }

    /// What the parent zone names from now on.
    pub fn delegate(&mut self, domain: &str, name_servers: &[&str]) {
        let domain = self.domains.get_mut(domain).expect("the domain stands");
        domain.delegated_to = Some(name_servers.iter().map(|it| (*it).to_owned()).collect());
    }

    pub fn records(&self, domain: &str) -> Vec<FakeRecord> {
        self.domains.get(domain).expect("the domain stands").records().cloned().collect()
    }

    /// Puts a record there without asking the rules, and returns its id.
    pub fn put(&mut self, domain: &str, record: NewRecord) -> String {
        let (number, id) = self.next_id();
        let record = standing(&id, record, self.now);
        self.domains.get_mut(domain).expect("the domain stands").insert(number, record);
        id
    }

    /// Changes a record without asking the rules.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut FakeRecord)) {
        let (domain, number) = self.find_mut(id).expect("the record stands");
        let mut record = domain.remove(number);
        change(&mut record);
        domain.insert(number, record);
    }

    pub fn remove(&mut self, id: &str) {
        let (domain, number) = self.find_mut(id).expect("the record stands");
        domain.remove(number);
    }

    pub(super) fn find(&self, id: &str) -> Result<(&Domain, &FakeRecord), Refusal> {
        let number = number_of(id)?;
        let found = self
            .domains
            .values()
            .find_map(|domain| domain.records.get(&number).map(|record| (domain, record)));
        found.ok_or_else(no_record)
    }

    pub(super) fn add_record(&mut self, name: &str, record: NewRecord) -> Result<String, Refusal> {
        let record = rules::accepted(self.get(name)?, None, record)?;
        let (number, id) = self.next_id();
        let record = standing(&id, record, self.now);
        let domain = self.domains.get_mut(&name.to_ascii_lowercase()).expect("it was there");
        domain.insert(number, record);
        Ok(id)
    }

    pub(super) fn update_record(&mut self, id: &str, record: NewRecord) -> Result<(), Refusal> {
        let (domain, present) = self.find(id)?;
        unlocked(present)?;
        let record = rules::accepted(domain, Some(present), record)?;
        let now = self.now;
        self.change(id, |present| {
            present.record = record;
            present.updated = Some(now);
        });
        Ok(())
    }

    pub(super) fn delete_record(&mut self, id: &str) -> Result<(), Refusal> {
        unlocked(self.find(id)?.1)?;
        self.remove(id);
        Ok(())
    }

    pub(super) fn set_enabled(&mut self, id: &str, enabled: bool) -> Result<(), Refusal> {
        let (domain, present) = self.find(id)?;
        unlocked(present)?;
        if enabled {
            rules::no_conflict(domain, Some(present), &present.record)?;
        }
        self.change(id, |present| present.enabled = enabled);
        Ok(())
    }

    pub(super) fn set_remark(&mut self, id: &str, remark: &str) -> Result<(), Refusal> {
        self.find(id)?;
        self.change(id, |present| present.remark = remark.to_owned());
        Ok(())
    }

    fn find_mut(&mut self, id: &str) -> Result<(&mut Domain, u64), Refusal> {
        let number = number_of(id)?;
        let domain = self.domains.values_mut().find(|domain| domain.records.contains_key(&number));
        domain.map(|domain| (domain, number)).ok_or_else(no_record)
    }

    fn next_id(&mut self) -> (u64, String) {
        self.given += 1;
        (self.given, format!("9{:018}", self.given))
    }
}

fn standing(id: &str, record: NewRecord, created: UnixTime) -> FakeRecord {
    FakeRecord {
        id: id.to_owned(),
        record,
        enabled: true,
        locked: false,
        remark: String::new(),
        created,
        updated: None,
    }
}

fn instance_id(number: usize, plan: &Plan) -> Option<String> {
    plan.has_instance.then(|| format!("dns-cn-{number:09}"))
}

fn number_of(id: &str) -> Result<u64, Refusal> {
    let digits = id.strip_prefix('9').filter(|digits| digits.len() == 18);
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| Refusal::parameter("RecordId"))
}

fn unlocked(record: &FakeRecord) -> Result<(), Refusal> {
    if !record.locked {
        return Ok(());
    }
    Err(Refusal::new("DomainRecordLocked", "The DNS record is locked."))
}

fn no_record() -> Refusal {
    Refusal::new("DomainRecordNotBelongToUser", "The DNS record does not exist in this account.")
}

fn no_domain() -> Refusal {
    Refusal::new(
        "InvalidDomainName.NoExist",
        "The specified domain name does not exist. Refresh \
                                               the page and try again.",
    )
}
