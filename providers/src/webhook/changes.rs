//! What one call is to do, in the protocol's words.

use std::collections::BTreeMap;

use serde::Serialize;

use super::endpoint::{Endpoint, Key};
use super::listing::Listing;
use crate::sync::change::{Change, Role, SetChange};

/// `update_old` and `update_new` go in pairs. A provider that works from the first to the last of a list
/// makes markers before what they mark, and takes them away after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub create: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_old: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_new: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<Endpoint>,
}

// === impl Changes ===

impl Changes {
    /// What changes is named as it was listed, with whatever the provider has added to it. `adjusted`:
    /// what the provider makes of the new data.
    pub fn new(changes: &[Change], listing: &Listing, adjusted: &BTreeMap<Key, Endpoint>) -> Self {
        let mut call = Self::default();
        for (change, set) in pairs(changes) {
            let old = set.before.as_ref().map(|before| {
                let listed = listing.endpoint(&set.name, set.record_type);
                listed.cloned().unwrap_or_else(|| Endpoint::new(&set.name, before))
            });
            match (old, new_endpoint(change, set, adjusted)) {
                (None, Some(new)) => call.create.push(new),
                (Some(old), None) => call.delete.push(old),
                (Some(old), Some(new)) => {
                    let labels = old.labels.clone().into_iter().chain(new.labels).collect();
                    call.update_new.push(Endpoint { labels, ..new });
                    call.update_old.push(old);
                }
                (None, None) => {}
            }
        }
        call
    }
}

/// New data that a provider is asked about. ExternalDNS does not ask about markers either.
pub fn new_data(changes: &[Change]) -> impl Iterator<Item = Endpoint> + '_ {
    let data = pairs(changes).filter(|(_, set)| set.role == Role::Data);
    data.filter_map(|(_, set)| Some(Endpoint::new(&set.name, set.after.as_ref()?)))
}

fn new_endpoint(
    change: &Change,
    set: &SetChange,
    adjusted: &BTreeMap<Key, Endpoint>,
) -> Option<Endpoint> {
    let plain = Endpoint::new(&set.name, set.after.as_ref()?);
    Some(match set.role {
        Role::Marker => plain.marking(&change.name),
        Role::Data => {
            let adjusted = adjusted.get(&(set.name.clone(), set.record_type));
            adjusted.cloned().unwrap_or(plain)
        }
    })
}

fn pairs(changes: &[Change]) -> impl Iterator<Item = (&Change, &SetChange)> {
    changes.iter().flat_map(|change| change.sets.iter().map(move |set| (change, set)))
}

#[cfg(test)]
mod tests {
    use model::{Level, Name, Rdata, RecordSet, RecordType};
    use serde_json::json;

    use super::*;
    use crate::sync::change::ChangeKind;
    use crate::txt;
    use crate::webhook::listing::Ttls;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn a(address: u8) -> RecordSet {
        RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, address].into()))
    }

    fn marker() -> RecordSet {
        RecordSet::single(RecordType::TXT, 180, txt::rdata(b"heritage=x"))
    }

    fn set(at: &str, role: Role, before: Option<RecordSet>, after: Option<RecordSet>) -> SetChange {
        let record_type = before.as_ref().or(after.as_ref()).unwrap().record_type;
        SetChange { name: name(at), record_type, role, before, after }
    }

    #[test]
    fn an_alias_takes_the_place_of_an_address_in_one_call() {
        let alias = RecordSet::single(RecordType::CNAME, 180, Rdata::name(&name("up.example.com")));
        let sets = vec![
            set("cname-n.example.com", Role::Marker, None, Some(marker())),
            set("n.example.com", Role::Data, Some(a(1)), None),
            set("n.example.com", Role::Data, None, Some(alias.clone())),
            set("m.example.com", Role::Data, Some(a(1)), Some(a(2))),
            set("a-n.example.com", Role::Marker, Some(marker()), None),
        ];
        let change = Change {
            name: name("n.example.com"),
            level: Level::Global,
            kind: ChangeKind::Update,
            sets,
        };
        let listed: Vec<Endpoint> = serde_json::from_value(json!([
            {"dnsName": "n.example.com", "recordType": "A", "targets": ["192.0.2.1"],
             "recordTTL": 180, "providerSpecific": [{"name": "proxied", "value": "false"}]},
            {"dnsName": "m.example.com", "recordType": "A", "targets": ["192.0.2.1"],
             "recordTTL": 180, "labels": {"resource": "service/a/b"}},
        ]))
        .unwrap();
        let listing = Listing::new(listed, &BTreeMap::new(), Ttls::default());
        let changes = [change];
        let mut adjusted = Endpoint::new(&name("n.example.com"), &alias);
        adjusted.ttl = 0;
        let adjusted = BTreeMap::from([(adjusted.key().unwrap(), adjusted)]);
        assert_eq!(new_data(&changes).count(), 2);
        let call = Changes::new(&changes, &listing, &adjusted);
        let expect = json!({
            "create": [
                {"dnsName": "cname-n.example.com", "recordType": "TXT", "recordTTL": 180,
                 "targets": ["\"heritage=x\""], "labels": {"ownedRecord": "n.example.com"}},
                {"dnsName": "n.example.com", "recordType": "CNAME", "targets": ["up.example.com"]},
            ],
            "updateOld": [{"dnsName": "m.example.com", "recordType": "A", "recordTTL": 180,
                "targets": ["192.0.2.1"], "labels": {"resource": "service/a/b"}}],
            "updateNew": [{"dnsName": "m.example.com", "recordType": "A", "recordTTL": 180,
                "targets": ["192.0.2.2"], "labels": {"resource": "service/a/b"}}],
            "delete": [
                {"dnsName": "n.example.com", "recordType": "A", "targets": ["192.0.2.1"],
                 "recordTTL": 180, "providerSpecific": [{"name": "proxied", "value": "false"}]},
                {"dnsName": "a-n.example.com", "recordType": "TXT", "recordTTL": 180,
                 "targets": ["\"heritage=x\""]},
            ],
        });
        assert_eq!(serde_json::to_value(&call).unwrap(), expect);
        assert_eq!(serde_json::to_value(Changes::default()).unwrap(), json!({}));
    }
}
