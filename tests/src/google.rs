//! Google's Python clients for Cloud DNS: they read what others wrote, and drive what stands for the service.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::fakes::clouddns::ServiceAccount;
use crate::peer;

/// A project at a port of 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Google {
    pub port: u16,
    pub project: &'static str,
    /// `None`: nothing tells who asks.
    pub token: Option<&'static str>,
}

/// One call, like `changes.create`.
pub fn call(action: &str, parameters: Value) -> Value {
    json!({ "action": action, "parameters": parameters })
}

/// What came of a call that must succeed.
#[track_caller]
pub fn answer(result: &Value) -> &Value {
    result.get("answer").unwrap_or_else(|| panic!("no answer: {result}"))
}

/// A service account with a key, which is made once in a run.
pub fn service_account() -> ServiceAccount {
    static KEY: OnceLock<Value> = OnceLock::new();
    let key = KEY.get_or_init(|| peer::run("clouddns.py", &["key"], ""));
    let text = |name: &str| key[name].as_str().expect("text").to_owned();
    ServiceAccount {
        email: "fedns@fed-project.iam.gserviceaccount.com".into(),
        key_id: "0123456789abcdef".into(),
        may_change: true,
        private_key: text("private_key"),
        public_key: text("public_key"),
    }
}

// === impl Google ===

impl Google {
    /// What the client makes of these calls, one after the other.
    pub fn understands(self, calls: &[Value]) -> Vec<Value> {
        let placed = |call: &Value| {
            let own = json!({ "port": self.port, "project": self.project, "token": self.token });
            let mut call = call.clone();
            for (key, value) in own.as_object().expect("an object") {
                if call.get(key).is_none() {
                    call[key] = value.clone();
                }
            }
            call
        };
        let input = json!(calls.iter().map(placed).collect::<Vec<_>>()).to_string();
        match peer::run("clouddns.py", &[], &input) {
            Value::Array(results) => results,
            other => panic!("no list: {other}"),
        }
    }

    /// Makes a zone: its name in the project, and its domain.
    #[track_caller]
    pub fn create_zone(self, id: &str, dns_name: &str, visibility: &str) {
        let body =
            json!({ "name": id, "dnsName": dns_name, "description": "", "visibility": visibility });
        answer(&self.understands(&[call("managedZones.create", json!({ "body": body }))])[0]);
    }

    /// Applies one change.
    pub fn change(self, zone: &str, additions: &[Value], deletions: &[Value]) -> Value {
        let body = json!({ "additions": additions, "deletions": deletions });
        let parameters = json!({ "managedZone": zone, "body": body });
        self.understands(&[call("changes.create", parameters)]).remove(0)
    }

    /// Every set of a zone.
    #[track_caller]
    pub fn sets(self, zone: &str) -> Vec<Value> {
        let mut list = call("resourceRecordSets.list", json!({ "managedZone": zone }));
        list["all"] = json!("rrsets");
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

/// A plain set.
pub fn set(name: &str, record_type: &str, ttl: u32, values: &[&str]) -> Value {
    json!({ "name": name, "type": record_type, "ttl": ttl, "rrdatas": values })
}

fn line(set: &Value) -> String {
    let text = |key: &str| set[key].as_str().unwrap_or_default().to_owned();
    let mut words = vec![text("name"), text("type")];
    if set.get("routingPolicy").is_some() {
        words.push("(routed)".into());
    }
    words.push(set["ttl"].to_string());
    let values = set["rrdatas"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut values: Vec<String> =
        values.iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect();
    values.sort();
    words.extend(values);
    words.join(" ")
}
