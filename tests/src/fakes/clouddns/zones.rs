//! Zones, the sets in them, and the changes that were made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::server::Refusal;

/// Name and type.
pub type SetKey = (String, String);

/// A record set as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    pub name: String,
    pub record_type: String,
    pub ttl: i64,
    /// In the order in which they were written, which counts.
    pub rrdatas: Vec<String>,
    pub routing_policy: Option<Value>,
}

/// A managed zone.
#[derive(Clone, Debug)]
pub struct Zone {
    pub id: String,
    pub number: usize,
    pub dns_name: String,
    pub is_private: bool,
    /// As listings show them.
    pub sets: BTreeMap<SetKey, Set>,
    pub changes: Vec<Done>,
    /// Sets that nobody may change.
    pub protected: BTreeSet<SetKey>,
}

/// A change that was accepted.
#[derive(Clone, Debug)]
pub struct Done {
    pub body: Value,
    /// How often it must be asked for until it is done.
    pub pending: usize,
    /// What the zone has once it is done.
    pub after: BTreeMap<SetKey, Set>,
}

pub const NAME_SERVERS: [&str; 2] =
    ["ns-cloud-a1.googledomains.com.", "ns-cloud-a2.googledomains.com."];

// === impl Set ===

impl Set {
    /// Reads a set of a change, each of whose keys must be known.
    pub fn read(value: &Value, at: &str) -> Result<Self, Refusal> {
        let invalid = |key: &str| Refusal::invalid(&format!("{at}.{key}"), &value[key]);
        let fields = value.as_object().ok_or_else(|| Refusal::invalid(at, value))?;
        let known = ["kind", "name", "type", "ttl", "rrdatas", "routingPolicy", "signatureRrdatas"];
        if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(invalid(unknown));
        }
        if fields.get("kind").is_some_and(|kind| kind != "dns#resourceRecordSet") {
            return Err(invalid("kind"));
        }
        let text = |key: &str| value[key].as_str().map(str::to_owned).ok_or_else(|| invalid(key));
        let rrdatas = value.get("rrdatas").cloned().unwrap_or_else(|| json!([]));
        let rrdatas: Vec<String> =
            serde_json::from_value(rrdatas).map_err(|_| invalid("rrdatas"))?;
        // The service takes whole numbers as text, too.
        let ttl = &value["ttl"];
        let ttl = ttl.as_i64().or_else(|| ttl.as_str()?.parse().ok());
        let ttl = ttl.filter(|ttl| (0..=i64::from(i32::MAX)).contains(ttl));
        Ok(Self {
            name: text("name")?,
            record_type: text("type")?,
            ttl: ttl.ok_or_else(|| invalid("ttl"))?,
            rrdatas,
            routing_policy: value.get("routingPolicy").cloned(),
        })
    }

    pub fn key(&self) -> SetKey {
        (self.name.clone(), self.record_type.clone())
    }

    pub fn json(&self) -> Value {
        let mut value = json!({
            "kind": "dns#resourceRecordSet", "name": self.name, "type": self.record_type,
            "ttl": self.ttl, "rrdatas": self.rrdatas, "signatureRrdatas": [],
        });
        if let Some(policy) = &self.routing_policy {
            value["routingPolicy"] = policy.clone();
        }
        value
    }
}

// === impl Zone ===

impl Zone {
    pub fn new(id: String, number: usize, dns_name: String, is_private: bool) -> Self {
        let own = |record_type: &str, rrdatas: Vec<String>| Set {
            name: dns_name.clone(),
            record_type: record_type.to_owned(),
            ttl: 21_600,
            rrdatas,
            routing_policy: None,
        };
        let soa =
            format!("{} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300", NAME_SERVERS[0]);
        let own = [own("NS", NAME_SERVERS.map(str::to_owned).into()), own("SOA", vec![soa])];
        let sets: BTreeMap<SetKey, Set> = own.map(|set| (set.key(), set)).into();
        let protected = BTreeSet::new();
        Self { id, number, dns_name, is_private, sets, changes: Vec::new(), protected }
    }

    /// What the zone has once all changes are done.
    pub fn latest(&self) -> BTreeMap<SetKey, Set> {
        self.changes.last().map_or(&self.sets, |last| &last.after).clone()
    }

    /// Takes in a change that is accepted; its description.
    pub fn accept(
        &mut self,
        mut body: Value,
        after: BTreeMap<SetKey, Set>,
        pending: usize,
    ) -> Value {
        body["id"] = json!(self.changes.len().to_string());
        self.changes.push(Done { body, pending, after });
        self.advance(self.changes.len() - 1, 0)
    }

    /// The description of a change, which has been asked for so often more.
    pub fn advance(&mut self, number: usize, asked: usize) -> Value {
        let change = &mut self.changes[number];
        change.pending = change.pending.saturating_sub(asked);
        let is_done = change.pending == 0;
        if is_done {
            self.sets = change.after.clone();
        }
        describe(change)
    }

    pub fn json(&self) -> Value {
        json!({
            "kind": "dns#managedZone", "id": self.number.to_string(), "name": self.id,
            "dnsName": self.dns_name, "description": "", "nameServers": NAME_SERVERS,
            "creationTime": "2026-11-22T00:00:00.000Z",
            "visibility": if self.is_private { "private" } else { "public" },
        })
    }
}

pub fn describe(change: &Done) -> Value {
    let mut value = change.body.clone();
    value["kind"] = json!("dns#change");
    value["startTime"] = json!("2026-11-22T00:00:00.000Z");
    value["status"] = json!(if change.pending == 0 { "done" } else { "pending" });
    value
}
