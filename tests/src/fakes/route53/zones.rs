//! Zones and the sets in them.

use std::collections::{BTreeMap, BTreeSet};

use super::domain_name::DomainName;

/// What tells one set of a zone from another, in the order in which they are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetKey {
    pub name: DomainName,
    pub record_type: String,
    pub identifier: Option<String>,
}

/// A record set as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    pub key: SetKey,
    pub weight: Option<u8>,
    pub ttl: Option<u32>,
    /// Sorted: their order says nothing.
    pub values: Vec<String>,
    pub alias: Option<Alias>,
    pub health_check: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub zone: String,
    pub name: String,
    pub evaluate: bool,
}

/// A hosted zone.
#[derive(Clone, Debug)]
pub struct Zone {
    pub id: String,
    pub name: DomainName,
    pub is_private: bool,
    pub reference: String,
    pub sets: BTreeMap<SetKey, Set>,
    /// Sets that nobody may change.
    pub protected: BTreeSet<(DomainName, String)>,
}

pub const NAME_SERVERS: [&str; 2] = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"];

// === impl Set ===

impl Set {
    pub fn plain(name: DomainName, record_type: &str, ttl: u32, values: &[&str]) -> Self {
        let mut values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        values.sort();
        let key = SetKey { name, record_type: record_type.to_owned(), identifier: None };
        Self { key, weight: None, ttl: Some(ttl), values, alias: None, health_check: None }
    }
}

// === impl Zone ===

impl Zone {
    pub fn new(id: String, name: DomainName, is_private: bool, reference: String) -> Self {
        let servers = NAME_SERVERS.map(|server| format!("{server}."));
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        let soa = format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", servers[0]);
        let own = [
            Set::plain(name.clone(), "NS", 172_800, &servers),
            Set::plain(name.clone(), "SOA", 900, &[&soa]),
        ];
        let sets = own.map(|set| (set.key.clone(), set)).into();
        Self { id, name, is_private, reference, sets, protected: BTreeSet::new() }
    }
}
