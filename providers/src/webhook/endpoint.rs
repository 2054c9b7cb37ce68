//! Record sets in the protocol's words, and back.

use std::collections::BTreeMap;

use model::{Name, Rdata, RecordSet, RecordType};
use serde::{Deserialize, Deserializer, Serialize};

use crate::txt;

/// What the label that names the marked name is called.
const OWNED_RECORD: &str = "ownedRecord";
/// A character-string is no longer (RFC 1035 section 3.3).
const STRING_MAX: usize = 255;

/// A record set as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    #[serde(deserialize_with = "null_is_default")]
    pub dns_name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub record_type: String,
    /// Tells sets of one name and type apart, where the provider has several.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub set_identifier: String,
    /// Seconds; 0: not told, or whatever the provider takes.
    #[serde(
        rename = "recordTTL",
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_zero"
    )]
    pub ttl: i64,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub provider_specific: Vec<Property>,
}

/// What only this provider has.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Property {
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default")]
    pub value: String,
}

/// Where a set stands.
pub type Key = (Name, RecordType);

/// Lists and texts that Go has not made are sent as `null`.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

// === impl Endpoint ===

impl Endpoint {
    /// A set as it is to stand at a name.
    pub fn new(name: &Name, set: &RecordSet) -> Self {
        Self {
            dns_name: without_dot(name),
            targets: set.values().iter().map(|value| target(set.record_type, value)).collect(),
            record_type: set.record_type.to_string(),
            ttl: set.ttl.into(),
            ..Self::default()
        }
    }

    /// The same as ExternalDNS marks what stands for another name: some providers put both together.
    pub fn marking(self, marked: &Name) -> Self {
        let labels = BTreeMap::from([(OWNED_RECORD.to_owned(), without_dot(marked))]);
        Self { labels, ..self }
    }

    /// Where it stands; `None` where that is no domain name, and so in nobody's way.
    pub fn key(&self) -> Option<Key> {
        // A type that is not known answers nobody's question for addresses.
        let record_type = self.record_type.parse().unwrap_or(RecordType::NULL);
        Some((Name::parse(&self.dns_name).ok()?, record_type))
    }

    /// What only this provider has beside its properties, in its words.
    pub fn special(&self) -> Option<String> {
        let identifier = &self.set_identifier;
        (!identifier.is_empty())
            .then(|| format!("a {} set {identifier:?} of several", self.record_type))
    }

    /// Its properties, for people.
    pub fn properties(&self) -> String {
        let properties = self.provider_specific.iter();
        let texts: Vec<String> =
            properties.map(|Property { name, value }| format!("{name}={value}")).collect();
        format!("a {} set with {}", self.record_type, texts.join(", "))
    }

    /// The same without what only this provider has.
    pub fn plain(&self) -> Self {
        Self { provider_specific: Vec::new(), labels: BTreeMap::new(), ..self.clone() }
    }

    /// True where both have the same properties, in any order.
    pub fn has_properties_of(&self, other: &Self) -> bool {
        let sorted = |endpoint: &Self| {
            let mut properties = endpoint.provider_specific.clone();
            properties.sort_unstable();
            properties
        };
        sorted(self) == sorted(other)
    }

    /// The records; `None` for types that are not written here, and for values that are none.
    pub fn records(&self, ttl: u32) -> Option<RecordSet> {
        let (_, record_type) = self.key()?;
        let values: Option<Vec<Rdata>> = match record_type {
            RecordType::A => self.targets.iter().map(|it| it.parse().ok().map(Rdata::a)).collect(),
            RecordType::AAAA => {
                self.targets.iter().map(|it| it.parse().ok().map(Rdata::aaaa)).collect()
            }
            RecordType::CNAME => {
                let name = |target: &String| Name::parse(target).ok().map(|it| Rdata::name(&it));
                self.targets.iter().map(name).collect()
            }
            RecordType::TXT => texts(&self.targets),
            _ => None,
        };
        RecordSet::new(record_type, ttl, values?)
    }
}

/// As ExternalDNS writes names.
fn without_dot(name: &Name) -> String {
    let text = name.to_string();
    text.strip_suffix('.').map_or_else(|| text.clone(), str::to_owned)
}

fn target(record_type: RecordType, value: &Rdata) -> String {
    match value.as_name().filter(|_| record_type == RecordType::CNAME) {
        Some(name) => without_dot(&name),
        // Texts in quotes, as the registry of ExternalDNS writes them.
        None => value.display(record_type).to_string(),
    }
}

/// Some providers give texts back in quotes, some without, and some each string of a record by itself:
/// one that is full goes on in the next one.
fn texts(targets: &[String]) -> Option<Vec<Rdata>> {
    let mut values = Vec::new();
    let mut whole: Vec<u8> = Vec::new();
    let mut goes_on = false;
    for target in targets {
        if !goes_on && target.starts_with('"') {
            values.push(txt::parse(target)?);
            continue;
        }
        whole.extend_from_slice(target.as_bytes());
        goes_on = target.len() == STRING_MAX;
        if !goes_on {
            values.push(txt::rdata(&std::mem::take(&mut whole)));
        }
    }
    if goes_on {
        values.push(txt::rdata(&whole));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn read(json: serde_json::Value) -> Endpoint {
        serde_json::from_value(json).unwrap()
    }

    #[track_caller]
    fn reads(record_type: &str, targets: &[&str], expect: &[&str]) {
        let endpoint = read(json!({
            "dnsName": "Www.example.com", "recordType": record_type, "targets": targets,
            "labels": null, "providerSpecific": null, "somethingNew": 1,
        }));
        assert_eq!(endpoint.key().unwrap().0.to_string(), "www.example.com.");
        let set = endpoint.records(180).unwrap_or_else(|| panic!("{targets:?}"));
        assert_eq!(set.value_texts().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn sets_are_read() {
        reads("A", &["192.0.2.2", "192.0.2.1"], &["192.0.2.1", "192.0.2.2"]);
        reads("AAAA", &["2001:DB8:0::1"], &["2001:db8::1"]);
        reads("CNAME", &["Up.Example.com"], &["up.example.com."]);
        reads("CNAME", &["up.example.com."], &["up.example.com."]);
    }

    #[test]
    fn texts_are_read_with_quotes_and_without() {
        reads("TXT", &[r#""a b""#], &[r#""a b""#]);
        reads("TXT", &["a b"], &[r#""a b""#]);
        reads("TXT", &["b", "a"], &[r#""a""#, r#""b""#]);
        reads("TXT", &[r#""a" "b""#], &[r#""a" "b""#]);
        let (full, both) = ("x".repeat(255), format!("\"{}\" \"more\"", "x".repeat(255)));
        reads("TXT", &[&full, "more"], &[&both]);
        reads("TXT", &[&both], &[&both]);
        reads("TXT", &[&full], &[&format!("\"{full}\"")]);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for (record_type, target) in [("A", "localhost"), ("MX", "10 mail"), ("NEW", "x")] {
            let endpoint = read(json!({
                "dnsName": "www.example.com", "recordType": record_type, "targets": [target],
            }));
            assert_eq!(endpoint.records(180), None, "{target}");
        }
        assert_eq!(read(json!({"dnsName": "a..b"})).key(), None);
    }

    #[test]
    fn sets_are_written_as_externaldns_does() {
        let name = Name::parse("a-www.example.com").unwrap();
        let marker = RecordSet::single(RecordType::TXT, 180, txt::rdata(b"heritage=external-dns"));
        let marked = Name::parse("www.example.com").unwrap();
        let endpoint = Endpoint::new(&name, &marker).marking(&marked);
        let expect = json!({
            "dnsName": "a-www.example.com", "recordType": "TXT", "recordTTL": 180,
            "targets": ["\"heritage=external-dns\""], "labels": {"ownedRecord": "www.example.com"},
        });
        assert_eq!(serde_json::to_value(&endpoint).unwrap(), expect);
        assert_eq!(endpoint.records(180), Some(marker));
        let alias = RecordSet::single(RecordType::CNAME, 0, Rdata::name(&marked));
        let expect = json!({
            "dnsName": "a-www.example.com", "recordType": "CNAME", "targets": ["www.example.com"],
        });
        assert_eq!(serde_json::to_value(Endpoint::new(&name, &alias)).unwrap(), expect);
    }
}
