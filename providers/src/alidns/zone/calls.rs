//! From a change of sets to calls for single records, in an order without an empty moment.

use model::{Name, RecordType};

use super::rows::{self, SetKey};
use crate::alidns::records::{Record, RecordFields, RecordId};
use crate::sync::change::{Change, Role, SetChange};

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Update { id: RecordId, before: RecordFields, after: RecordFields },
    Add(RecordFields),
    Delete { id: RecordId, before: RecordFields },
}

/// Sets that change together: one marker, or the data of a name.
#[derive(Clone, Debug)]
pub struct Group {
    pub keys: Vec<SetKey>,
    pub wanted: Vec<RecordFields>,
}

/// New markers, the data of the name, old markers: each of them as a whole before the next.
pub fn groups(domain: &Name, change: &Change) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut data: Option<Group> = None;
    for set in &change.sets {
        let group = Group { keys: vec![key(domain, set)], wanted: wanted(domain, set) };
        match (set.role, &mut data) {
            (Role::Data, Some(data)) => {
                data.keys.extend(group.keys);
                data.wanted.extend(group.wanted);
            }
            (Role::Data, None) => data = Some(group),
            (Role::Marker, _) => {
                // A marker after the data is one that goes.
                groups.extend(data.take());
                groups.push(group);
            }
        }
    }
    groups.extend(data);
    groups
}

fn key(domain: &Name, set: &SetChange) -> SetKey {
    SetKey::new(domain, &set.name, set.record_type)
}

fn wanted(domain: &Name, set: &SetChange) -> Vec<RecordFields> {
    set.after.iter().flat_map(|after| rows::fields(domain, &set.name, after)).collect()
}

/// What leads from the records that stand to those that are wanted.
pub fn calls(standing: Vec<Record>, wanted: &[RecordFields]) -> Vec<Step> {
    let is_alias = |fields: &RecordFields| fields.record_type == RecordType::CNAME.to_string();
    let mut free = standing;
    let mut steps = Vec::new();
    let mut missing = Vec::new();
    for fields in wanted {
        // The same record, perhaps with another TTL.
        match free.iter().position(|record| record.fields.is_same_record(fields)) {
            Some(at) => {
                let Record { id, fields: before, .. } = free.remove(at);
                if before.ttl != fields.ttl {
                    steps.push(Step::Update { id, before, after: fields.clone() });
                }
            }
            None => missing.push(fields.clone()),
        }
    }
    let becomes_alias = missing.iter().any(is_alias);
    let was_alias = free.iter().any(|record| is_alias(&record.fields));
    if becomes_alias && !was_alias {
        // An alias stands alone: all others go before the last record becomes the alias.
        let keep = free.len().saturating_sub(1);
        steps.extend(free.drain(..keep).map(delete));
    }
    let mut missing = missing.into_iter();
    let changed_in_place = free.len().min(missing.len());
    for Record { id, fields: before, .. } in free.drain(..changed_in_place) {
        if let Some(after) = missing.next() {
            steps.push(Step::Update { id, before, after });
        }
    }
    steps.extend(missing.map(Step::Add));
    steps.extend(free.into_iter().map(delete));
    steps
}

fn delete(record: Record) -> Step {
    Step::Delete { id: record.id, before: record.fields }
}
