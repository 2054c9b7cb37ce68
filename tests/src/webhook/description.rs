//! The protocol's own description, which is part of ExternalDNS: what a call and an answer may hold.

use std::fs;

use serde_json::Value;

use super::MEDIA_TYPE;
use crate::fakes::http_server::Request;
use crate::need::external_dns_folder;

/// The OpenAPI file. What it does not name is not allowed.
pub struct Description(Value);

// === impl Description ===

impl Description {
    pub fn load() -> Self {
        let folder = external_dns_folder().expect("a test that needs it lists Need::ExternalDns");
        let text = fs::read_to_string(folder.join("webhook.yaml")).expect("it is built with it");
        Self(serde_saphyr::from_str(&text).expect("YAML"))
    }

    /// What is wrong with a call.
    pub fn violations(&self, request: &Request) -> Vec<String> {
        let Request { method, path, query, body, .. } = request;
        let call = format!("{method} {path}");
        let described = &self.0["paths"][path][method.to_lowercase()];
        if described.is_null() || !query.is_empty() {
            return vec![format!("{call}?{query}: there is no such call")];
        }
        let mut violations = Vec::new();
        if request.header("accept") != Some(MEDIA_TYPE) {
            violations.push(format!("{call}: accept {:?}", request.header("accept")));
        }
        let content = &described["requestBody"]["content"];
        if content.is_null() {
            if !body.is_empty() {
                violations.push(format!("{call}: a body"));
            }
            return violations;
        }
        let media_type = request.header("content-type").unwrap_or_default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => violations.extend(self.mismatch(&content[media_type]["schema"], &value)),
            Err(error) => violations.push(error.to_string()),
        }
        violations.iter().map(|it| format!("{call}: {it}")).collect()
    }

    /// What is wrong with an answer that lists endpoints. Go sends a list that it has not made as null.
    pub fn list_violations(&self, call: &str, endpoints: &Value) -> Option<String> {
        let schema = &self.0["components"]["schemas"]["endpoints"];
        let mismatch = self.mismatch(schema, endpoints).filter(|_| !endpoints.is_null());
        mismatch.map(|it| format!("the answer to {call}: {it}"))
    }

    /// The first place where a value is not as the schema says.
    fn mismatch(&self, schema: &Value, value: &Value) -> Option<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            return self.mismatch(self.0.pointer(pointer).unwrap_or(&Value::Null), value);
        }
        let wrong = || Some(format!("{value} is no {}", schema["type"]));
        match (schema["type"].as_str(), value) {
            (Some("string"), Value::String(_)) => None,
            (Some("integer"), Value::Number(number)) if number.is_i64() => None,
            (Some("array"), Value::Array(items)) => {
                items.iter().find_map(|item| self.mismatch(&schema["items"], item))
            }
            (Some("object"), Value::Object(fields)) => fields.iter().find_map(|(key, value)| {
                let known = [&schema["properties"][key], &schema["additionalProperties"]];
                match known.into_iter().find(|schema| schema.is_object()) {
                    Some(schema) => {
                        self.mismatch(schema, value).map(|wrong| format!("{key}: {wrong}"))
                    }
                    None => Some(format!("there is no {key}")),
                }
            }),
            _ => wrong(),
        }
    }
}
