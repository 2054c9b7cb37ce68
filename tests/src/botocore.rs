//! The vendor's Python client for Route53: it reads what others wrote, and drives what stands for the
//! service.

use serde_json::{Value, json};

use crate::peer::{self, answer};

/// A key at a port of 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Botocore {
    pub port: u16,
    pub key: [&'static str; 2],
}

/// One call.
pub fn call(action: &str, parameters: Value) -> Value {
    json!({ "action": action, "parameters": parameters })
}

// === impl Botocore ===

impl Botocore {
    /// What the client makes of these calls, one after the other.
    pub fn understands(self, calls: &[Value]) -> Vec<Value> {
        let placed = |call: &Value| {
            let mut call = call.clone();
            call["port"] = json!(self.port);
            if call.get("key").is_none() {
                call["key"] = json!(self.key);
            }
            call
        };
        let calls: Vec<Value> = calls.iter().map(placed).collect();
        peer::understood("route53.py", &[], &calls)
    }

    /// Makes a public zone; its id.
    #[track_caller]
    pub fn create_zone(self, name: &str) -> String {
        let parameters = json!({ "Name": name, "CallerReference": format!("make {name}") });
        let results = self.understands(&[call("create_hosted_zone", parameters)]);
        let id = answer(&results[0])["HostedZone"]["Id"].as_str().expect("an id");
        id.rsplit('/').next().expect("text").to_owned()
    }

    /// Applies changes as one batch: `("CREATE", set)`.
    pub fn change(self, zone: &str, changes: &[(&str, Value)]) -> Value {
        let changes: Vec<Value> = changes
            .iter()
            .map(|(action, set)| json!({ "Action": action, "ResourceRecordSet": set }))
            .collect();
        let parameters = json!({ "HostedZoneId": zone, "ChangeBatch": { "Changes": changes } });
        self.understands(&[call("change_resource_record_sets", parameters)]).remove(0)
    }

    /// Every set of a zone.
    #[track_caller]
    pub fn sets(self, zone: &str) -> Vec<Value> {
        let mut list = call("list_resource_record_sets", json!({ "HostedZoneId": zone }));
        list["paginate"] = json!("ResourceRecordSets");
        answer(&self.understands(&[list])[0]).as_array().expect("a list").clone()
    }

    /// The sets of a zone besides SOA and NS: `NAME TYPE TTL VALUE VALUE`, sorted, the values too.
    #[track_caller]
    pub fn lines(self, zone: &str) -> Vec<String> {
        let mut lines: Vec<String> = self.sets(zone).iter().map(line).collect();
        lines.retain(|line| !line.contains(" SOA ") && !line.contains(" NS "));
        lines.sort();
        lines
    }
}

/// A plain set with its records.
pub fn set(name: &str, record_type: &str, ttl: u32, values: &[&str]) -> Value {
    let records: Vec<Value> = values.iter().map(|value| json!({ "Value": value })).collect();
    json!({ "Name": name, "Type": record_type, "TTL": ttl, "ResourceRecords": records })
}

fn line(set: &Value) -> String {
    let text = |key: &str| set[key].as_str().unwrap_or_default();
    let mut words = vec![text("Name").to_owned(), text("Type").to_owned()];
    if let Some(identifier) = set["SetIdentifier"].as_str() {
        words.push(format!("({identifier})"));
    }
    if let Some(target) = set["AliasTarget"]["DNSName"].as_str() {
        words.push(format!("alias {target}"));
    }
    words.extend(set["TTL"].as_u64().map(|ttl| ttl.to_string()));
    let records = set["ResourceRecords"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut values: Vec<String> =
        records.iter().map(|it| it["Value"].as_str().unwrap_or_default().to_owned()).collect();
    values.sort();
    words.extend(values);
    words.join(" ")
}
