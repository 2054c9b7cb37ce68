//! What stands at a provider: as the mirror sees it, and in the provider's own words, in which it is
//! named when it changes or goes.

use std::collections::{BTreeMap, BTreeSet};

use model::{Name, RecordSet, RecordType};

use super::endpoint::{Endpoint, Key};
use crate::hosted::{Form, HostedSet};
use crate::sync::change::{Change, SetChange};

/// The record sets of one zone.
#[derive(Clone, Debug, Default)]
pub struct Listing(BTreeMap<Key, Standing>);

#[derive(Clone, Debug)]
struct Standing {
    endpoint: Endpoint,
    form: Form,
}

/// What a provider makes of TTLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ttls {
    /// The one that is wanted; all sets of a mirror have the same.
    pub asked: Option<u32>,
    /// The provider says that it takes whatever it likes.
    pub is_free: bool,
}

/// Types of which a provider's own properties matter: all that can be in the way of an address.
const DATA: [RecordType; 3] = [RecordType::A, RecordType::AAAA, RecordType::CNAME];

// === impl Ttls ===

impl Ttls {
    /// The TTL of a listed set, in seconds. One that nobody can choose, or that is not told, is the one
    /// that is wanted: writing it again would not change it.
    pub fn of(self, endpoint: &Endpoint) -> u32 {
        let told = u32::try_from(endpoint.ttl).ok().filter(|ttl| *ttl > 0 && !self.is_free);
        told.or(self.asked).unwrap_or_default()
    }
}

/// The sets at or below a name, one for each name and type, with those that are told record by record
/// put together.
pub fn sets_of(zone: &Name, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    let mut sets: Vec<Endpoint> = Vec::new();
    let mut places: BTreeMap<(Key, String), usize> = BTreeMap::new();
    for endpoint in endpoints {
        let Some(key) = endpoint.key().filter(|(name, _)| name.is_at_or_below(zone)) else {
            continue;
        };
        let place = places.entry((key, endpoint.set_identifier.clone())).or_insert(sets.len());
        match sets.get_mut(*place) {
            None => sets.push(endpoint),
            Some(set) => {
                let known: BTreeSet<&String> = set.targets.iter().collect();
                let new = endpoint.targets.iter().filter(|target| !known.contains(target));
                let new: Vec<String> = new.cloned().collect();
                set.targets.extend(new);
            }
        }
    }
    sets
}

/// True where what the provider would make of a set without properties tells whether its properties
/// are no more than the provider's defaults.
pub fn has_properties(endpoint: &Endpoint) -> bool {
    let is_data = endpoint.key().is_some_and(|(_, record_type)| DATA.contains(&record_type));
    is_data && endpoint.set_identifier.is_empty() && !endpoint.provider_specific.is_empty()
}

// === impl Listing ===

impl Listing {
    /// `adjusted`: what the provider makes of those sets that have properties, without them.
    pub fn new(sets: Vec<Endpoint>, adjusted: &BTreeMap<Key, Endpoint>, ttls: Ttls) -> Self {
        let mut listing = Self::default();
        for endpoint in sets {
            let Some(key) = endpoint.key() else { continue };
            let form = form(&endpoint, adjusted.get(&key), ttls);
            let is_special = matches!(form, Form::Special(_));
            // One of several with identifiers says that others are there, too.
            if is_special || !listing.0.contains_key(&key) {
                listing.0.insert(key, Standing { endpoint, form });
            }
        }
        listing
    }

    pub fn hosted(&self) -> Vec<HostedSet> {
        let hosted = |((name, record_type), standing): (&Key, &Standing)| HostedSet {
            name: name.clone(),
            record_type: *record_type,
            form: standing.form.clone(),
        };
        self.0.iter().map(hosted).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those of the zone's own NS set, where the provider lists it.
    pub fn name_servers(&self, zone: &Name) -> BTreeSet<Name> {
        let listed = self.endpoint(zone, RecordType::NS).into_iter();
        listed.flat_map(|set| &set.targets).filter_map(|it| Name::parse(it).ok()).collect()
    }

    /// A set in the provider's own words.
    pub fn endpoint(&self, name: &Name, record_type: RecordType) -> Option<&Endpoint> {
        self.0.get(&(name.clone(), record_type)).map(|standing| &standing.endpoint)
    }

    /// Where something else stands than a change says, or something beside an alias.
    pub fn moved<'a>(&self, change: &'a Change) -> Option<&'a SetChange> {
        change.sets.iter().find(|set| {
            let stands = self.form(&set.name, set.record_type);
            let is_as_before = match (stands, &set.before) {
                (None, None) => true,
                (Some(Form::Plain(stands)), Some(before)) => stands == before,
                _ => false,
            };
            !is_as_before || (set.after.is_some() && self.is_in_the_way(set, change))
        })
    }

    /// True where a set that this change leaves there cannot stand beside the new one.
    fn is_in_the_way(&self, new: &SetChange, change: &Change) -> bool {
        let goes = |record_type: RecordType| {
            change.sets.iter().any(|set| {
                set.name == new.name && set.record_type == record_type && set.after.is_none()
            })
        };
        self.types_at(&new.name).any(|record_type| {
            let excludes = [record_type, new.record_type].contains(&RecordType::CNAME);
            record_type != new.record_type && excludes && !goes(record_type)
        })
    }

    fn types_at<'a>(&'a self, name: &Name) -> impl Iterator<Item = RecordType> + use<'a> {
        let [first, last] = [0, u16::MAX].map(|it| (name.clone(), RecordType(it)));
        self.0.range(first..=last).map(|((_, record_type), _)| *record_type)
    }

    /// True where the set has these values; a TTL is looked at by whoever compares whole sets.
    pub fn has_values(&self, name: &Name, set: &RecordSet) -> bool {
        let stands = self.form(name, set.record_type);
        matches!(stands, Some(Form::Plain(stands)) if stands.values() == set.values())
    }

    pub fn has(&self, name: &Name, record_type: RecordType) -> bool {
        self.form(name, record_type).is_some()
    }

    fn form(&self, name: &Name, record_type: RecordType) -> Option<&Form> {
        self.0.get(&(name.clone(), record_type)).map(|standing| &standing.form)
    }
}

fn form(endpoint: &Endpoint, adjusted: Option<&Endpoint>, ttls: Ttls) -> Form {
    if let Some(what) = endpoint.special() {
        return Form::Special(what);
    }
    let is_default = |adjusted: &Endpoint| adjusted.has_properties_of(endpoint);
    if has_properties(endpoint) && !adjusted.is_some_and(is_default) {
        return Form::Special(endpoint.properties());
    }
    match endpoint.records(ttls.of(endpoint)) {
        Some(set) => Form::Plain(set),
        None => Form::Special(format!("a {} set", endpoint.record_type)),
    }
}

#[cfg(test)]
mod tests {
    use model::{Level, Rdata};
    use serde_json::json;

    use super::*;
    use crate::sync::change::{ChangeKind, Role};

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn endpoint(name: &str, record_type: &str, targets: &[&str]) -> Endpoint {
        serde_json::from_value(json!({
            "dnsName": name, "recordType": record_type, "targets": targets, "recordTTL": 60,
        }))
        .unwrap()
    }

    fn with(endpoint: Endpoint, property: &str) -> Endpoint {
        let property = json!([{"name": property, "value": "true"}]);
        Endpoint { provider_specific: serde_json::from_value(property).unwrap(), ..endpoint }
    }

    fn listing(endpoints: Vec<Endpoint>, adjusted: &[Endpoint]) -> Listing {
        let sets = sets_of(&name("example.com"), endpoints);
        let adjusted = adjusted.iter().map(|it| (it.key().unwrap(), it.clone())).collect();
        Listing::new(sets, &adjusted, Ttls::default())
    }

    #[track_caller]
    fn shows(endpoints: Vec<Endpoint>, adjusted: &[Endpoint], expect: &[&str]) {
        let show = |set: HostedSet| match set.form {
            Form::Plain(it) => {
                format!(
                    "{} {} {}",
                    set.name,
                    it.ttl,
                    it.value_texts().collect::<Vec<_>>().join(" ")
                )
            }
            Form::Special(what) => format!("{} ({what})", set.name),
        };
        let shown: Vec<String> =
            listing(endpoints, adjusted).hosted().into_iter().map(show).collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn sets_told_record_by_record_are_put_together_and_others_zones_are_left_out() {
        let all = [("www.example.com", "192.0.2.2"), ("www.example.com", "192.0.2.1")];
        let all = all.map(|(name, target)| endpoint(name, "A", &[target]));
        let other = endpoint("www.example.org", "A", &["192.0.2.3"]);
        let again = endpoint("WWW.example.com", "A", &["192.0.2.1"]);
        let all = all.into_iter().chain([other, again]).collect();
        shows(all, &[], &["www.example.com. 60 192.0.2.1 192.0.2.2"]);
    }

    #[test]
    fn what_only_the_provider_has_is_special() {
        let plain = endpoint("a.example.com", "A", &["192.0.2.1"]);
        let several = Endpoint { set_identifier: "blue".into(), ..plain.clone() };
        shows(vec![several.clone()], &[], &["a.example.com. (a A set \"blue\" of several)"]);
        shows(vec![several, plain.clone()], &[], &["a.example.com. (a A set \"blue\" of several)"]);
        let mx = endpoint("a.example.com", "MX", &["10 mail.example.com"]);
        shows(vec![mx], &[], &["a.example.com. (a MX set)"]);
        let proxied = with(plain.clone(), "proxied");
        let special = ["a.example.com. (a A set with proxied=true)"];
        shows(vec![proxied.clone()], &[], &special);
        shows(vec![proxied.clone()], std::slice::from_ref(&plain), &special);
        // The provider gives this property to every set.
        shows(vec![proxied.clone()], &[proxied], &["a.example.com. 60 192.0.2.1"]);
        let text = with(endpoint("a.example.com", "TXT", &["x"]), "proxied");
        shows(vec![text], &[], &["a.example.com. 60 \"x\""]);
    }

    #[test]
    fn a_ttl_that_nobody_can_choose_is_the_wanted_one() {
        let set = endpoint("a.example.com", "A", &["192.0.2.1"]);
        let untold = Endpoint { ttl: 0, ..set.clone() };
        let (kept, free) =
            (Ttls { asked: Some(180), is_free: false }, Ttls { asked: Some(180), is_free: true });
        assert_eq!([kept.of(&set), kept.of(&untold)], [60, 180]);
        assert_eq!([free.of(&set), free.of(&untold)], [180, 180]);
    }

    fn a(address: u8) -> Option<RecordSet> {
        Some(RecordSet::single(RecordType::A, 60, Rdata::a([192, 0, 2, address].into())))
    }

    fn cname() -> Option<RecordSet> {
        Some(RecordSet::single(RecordType::CNAME, 60, Rdata::name(&name("up.example.com"))))
    }

    #[track_caller]
    fn moved(
        endpoints: &[Endpoint],
        sets: Vec<(Option<RecordSet>, Option<RecordSet>)>,
        expect: bool,
    ) {
        let name = name("a.example.com");
        let set = |(before, after): (Option<RecordSet>, Option<RecordSet>)| SetChange {
            name: name.clone(),
            record_type: before.as_ref().or(after.as_ref()).unwrap().record_type,
            role: Role::Data,
            before,
            after,
        };
        let sets = sets.into_iter().map(set).collect();
        let change =
            Change { name: name.clone(), level: Level::Global, kind: ChangeKind::Update, sets };
        assert_eq!(listing(endpoints.to_vec(), &[]).moved(&change).is_some(), expect);
    }

    #[test]
    fn what_somebody_else_changed_is_seen() {
        let stands = endpoint("a.example.com", "A", &["192.0.2.1"]);
        let one = std::slice::from_ref(&stands);
        moved(one, vec![(a(1), a(2))], false);
        moved(one, vec![(a(2), a(1))], true);
        moved(one, vec![(None, a(2))], true);
        moved(&[], vec![(a(1), None)], true);
        moved(one, vec![(a(1), None), (None, cname())], false);
        moved(one, vec![(None, cname())], true);
        let text = endpoint("a.example.com", "TXT", &["x"]);
        moved(&[stands, text.clone()], vec![(a(1), None), (None, cname())], true);
        moved(&[text], vec![(None, a(1))], false);
        let alias = endpoint("a.example.com", "CNAME", &["up.example.com"]);
        moved(std::slice::from_ref(&alias), vec![(None, a(1))], true);
        moved(&[alias], vec![(cname(), None), (None, a(1))], false);
    }
}
