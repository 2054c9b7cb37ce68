//! The vendor's two Python clients for AliDNS: they drive our fake, and read what others wrote.

use serde_json::{Value, json};

use crate::peer;

/// Which of the two, named by the signature that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// aliyun-python-sdk-alidns.
    V1,
    /// alibabacloud_alidns20150109.
    V3,
}

/// A call to make.
pub fn call(action: &str, parameters: Value) -> Value {
    json!({ "action": action, "parameters": parameters })
}

// === impl Sdk ===

impl Sdk {
    pub const BOTH: [Self; 2] = [Self::V1, Self::V3];

    /// What the client makes of these calls at a port of 127.0.0.1 with a key: its id, its secret and
    /// perhaps a token.
    pub fn understands(self, port: u16, key: &[&str], calls: &[Value]) -> Vec<Value> {
        let placed = calls.iter().map(|call| {
            let mut call = call.clone();
            call["port"] = json!(port);
            call["key"] = json!(key);
            call
        });
        self.makes(&placed.collect::<Vec<_>>())
    }

    /// The same, where each call has its own port and key.
    pub fn makes(self, calls: &[Value]) -> Vec<Value> {
        let version = match self {
            Self::V1 => "v1",
            Self::V3 => "v3",
        };
        peer::understood("alidns.py", &[version], calls)
    }
}
