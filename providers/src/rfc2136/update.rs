//! From changes to one update message (RFC 2136 section 2).
//!
//! Every set that is changed is a prerequisite: exactly as it was listed, or absent. An alias can
//! stand beside nothing, and servers pass over one that would, with no error (RFC 2136 section
//! 3.4.2.2); so what must not be beside it is a prerequisite, too. Deletions come before additions: an
//! alias makes room for addresses, and addresses for an alias.

use std::collections::BTreeSet;

use model::{Name, Rdata, RecordSet, RecordType};

use crate::dns_message::{CLASS_ANY, CLASS_IN, CLASS_NONE, MessageWriter, Section};
use crate::sync::change::{Change, SetChange};

/// A message of 64 KiB is the limit; signature and header take some of it, and servers have less work
/// with smaller ones.
const LENGTH_MAX: usize = 48 * 1024;
pub const RECORDS_MAX: usize = 1_000;
/// Type, class, TTL and length of data.
const RECORD_LENGTH: usize = 10;
/// A pointer in a name.
const POINTER_LENGTH: usize = 2;

/// Types that people put beside each other. What else there may be, reading back finds.
const BESIDE_ALIAS: [RecordType; 20] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CAA,
    RecordType::CERT,
    RecordType::DNAME,
    RecordType::DS,
    RecordType::HINFO,
    RecordType::HTTPS,
    RecordType::LOC,
    RecordType::MX,
    RecordType::NAPTR,
    RecordType::NS,
    RecordType::PTR,
    RecordType::RP,
    RecordType::SPF,
    RecordType::SRV,
    RecordType::SSHFP,
    RecordType::SVCB,
    RecordType::TLSA,
    RecordType::TXT,
];

/// One record of an update message.
struct Entry<'a> {
    section: Section,
    name: &'a Name,
    record_type: RecordType,
    class: u16,
    ttl: u32,
    rdata: &'a [u8],
}

/// The message that makes these changes, all or none.
pub fn message(zone: &Name, changes: &[Change]) -> MessageWriter {
    let mut message = MessageWriter::update(zone);
    let entries: Vec<Entry<'_>> = changes.iter().flat_map(entries).collect();
    for section in [Section::Prerequisite, Section::Update] {
        for entry in entries.iter().filter(|entry| entry.section == section) {
            let Entry { name, record_type, class, ttl, rdata, .. } = *entry;
            message.push(section, name, record_type, class, ttl, rdata);
        }
    }
    message
}

/// The message that adds aliases, all or none, at names where nothing stands.
pub fn aliases(zone: &Name, aliases: &[(&Name, &RecordSet)]) -> MessageWriter {
    let mut message = MessageWriter::update(zone);
    for (name, _) in aliases {
        message.push(Section::Prerequisite, name, RecordType::ANY, CLASS_NONE, 0, &[]);
    }
    for (name, set) in aliases {
        for value in set.values() {
            message.push(Section::Update, name, set.record_type, CLASS_IN, set.ttl, value.wire());
        }
    }
    message
}

/// The message that changes nothing and yet asks for the right to change `name`: it deletes sets that
/// are not there, if they are not there.
pub fn rights_probe(zone: &Name, name: &Name, types: &[RecordType]) -> MessageWriter {
    let mut message = MessageWriter::update(zone);
    for record_type in types {
        message.push(Section::Prerequisite, name, *record_type, CLASS_NONE, 0, &[]);
    }
    for record_type in types {
        message.push(Section::Update, name, *record_type, CLASS_ANY, 0, &[]);
    }
    message
}

/// How many of the changes, from the first on, fit into one message; at least one. Prerequisites tell
/// of the time before the message, so two changes at one name go into two. `records_max` is for all
/// sections together.
pub fn fitting(zone: &Name, changes: &[Change], records_max: usize) -> usize {
    let (mut length, mut records) = (0, 0);
    let mut touched = BTreeSet::new();
    for (index, change) in changes.iter().enumerate() {
        for entry in entries(change) {
            length += entry.length(zone);
            records += 1;
        }
        let names: BTreeSet<&Name> = change.sets.iter().map(|set| &set.name).collect();
        let is_new = names.iter().all(|name| !touched.contains(name));
        if index > 0 && (length > LENGTH_MAX || records > records_max || !is_new) {
            return index;
        }
        touched.extend(names);
    }
    changes.len()
}

fn entries(change: &Change) -> Vec<Entry<'_>> {
    let standing = change.sets.iter().filter_map(|set| Some((set, set.before.as_ref()?)));
    let stands = standing.clone().flat_map(|(set, before)| {
        before.values().iter().map(|value| Entry {
            section: Section::Prerequisite,
            // A prerequisite has no TTL (RFC 2136 section 2.4.2).
            ttl: 0,
            ..with_data(set, before, value)
        })
    });
    let absent = absent(change).into_iter().map(|(name, record_type)| Entry {
        section: Section::Prerequisite,
        ..without_data(name, record_type, CLASS_NONE)
    });
    let deleted = standing.map(|(set, _)| without_data(&set.name, set.record_type, CLASS_ANY));
    let added = change.sets.iter().filter_map(|set| Some((set, set.after.as_ref()?)));
    let added = added.flat_map(|(set, after)| {
        after.values().iter().map(move |value| with_data(set, after, value))
    });
    stands.chain(absent).chain(deleted).chain(added).collect()
}

/// What must not be there; type ANY is the name itself.
fn absent(change: &Change) -> BTreeSet<(&Name, RecordType)> {
    let stands = |name: &Name, record_type: Option<RecordType>| {
        let is_it = |set: &&SetChange| {
            set.name == *name && record_type.is_none_or(|it| it == set.record_type)
        };
        change.sets.iter().filter(is_it).any(|set| set.before.is_some())
    };
    let mut absent = BTreeSet::new();
    for set in change.sets.iter().filter(|set| set.after.is_some()) {
        let name = &set.name;
        let is_alias = set.record_type == RecordType::CNAME;
        if is_alias && !stands(name, None) {
            absent.insert((name, RecordType::ANY));
            continue;
        }
        let beside: &[RecordType] = if is_alias { &BESIDE_ALIAS } else { &[RecordType::CNAME] };
        let own = [set.record_type];
        let types = beside.iter().chain(&own).filter(|it| !stands(name, Some(**it)));
        absent.extend(types.map(|record_type| (name, *record_type)));
    }
    absent
}

fn with_data<'a>(set: &'a SetChange, records: &RecordSet, value: &'a Rdata) -> Entry<'a> {
    Entry {
        section: Section::Update,
        name: &set.name,
        record_type: set.record_type,
        class: CLASS_IN,
        ttl: records.ttl,
        rdata: value.wire(),
    }
}

fn without_data(name: &Name, record_type: RecordType, class: u16) -> Entry<'_> {
    Entry { section: Section::Update, name, record_type, class, ttl: 0, rdata: &[] }
}

// === impl Entry ===

impl Entry<'_> {
    fn length(&self, zone: &Name) -> usize {
        let suffix = if self.name.is_at_or_below(zone) { zone.wire().len() } else { 0 };
        self.name.wire().len() - suffix + POINTER_LENGTH + RECORD_LENGTH + self.rdata.len()
    }
}

#[cfg(test)]
mod tests;
