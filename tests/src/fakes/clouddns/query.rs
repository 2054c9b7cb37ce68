//! The parameters of a request, and pages of a list.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::server::Refusal;

/// The parameters of a request, each of which must be known.
pub struct Query(BTreeMap<String, String>);

// === impl Query ===

impl Query {
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new(400, "invalidParameter", format!("bad query {text}"));
        let mut fields = BTreeMap::new();
        for field in text.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').ok_or_else(bad)?;
            let (name, value) = (decoded(name).ok_or_else(bad)?, decoded(value).ok_or_else(bad)?);
            if value.is_empty() || fields.insert(name, value).is_some() {
                return Err(bad());
            }
        }
        for form in ["alt", "$alt"] {
            if fields.remove(form).is_some_and(|form| form != "json") {
                return Err(bad());
            }
        }
        fields.remove("prettyPrint");
        Ok(Self(fields))
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub fn take_number(&mut self, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().ok();
        number
            .map(Some)
            .ok_or_else(|| Refusal::invalid(&format!("parameters.{name}"), &json!(text)))
    }

    pub fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Refusal::new(400, "invalidParameter", format!("unknown parameter {name}")))
            }
        }
    }
}

/// One page of a list; the token is the number of its first item.
pub fn paged(key: &str, all: Vec<Value>, query: &mut Query, page: usize) -> Result<Value, Refusal> {
    let page = query.take_number("maxResults")?.map_or(page, |asked| asked.min(page));
    let begin = query.take_number("pageToken")?.unwrap_or(0);
    let rest = all.get(begin..).unwrap_or_default();
    let shown = &rest[..page.min(rest.len())];
    let mut answer = json!({ key: shown });
    if rest.len() > page {
        answer["nextPageToken"] = json!((begin + page).to_string());
    }
    Ok(answer)
}

/// Text of a query or a form.
pub fn decoded(text: &str) -> Option<String> {
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
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
