//! Changes as one batch of Route53's, and how many of them fit into it.

use std::collections::BTreeMap;

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{Change as Step, ChangeAction, ChangeBatch, ResourceRecordSet};
use model::{Name, RecordSet, RecordType};

use super::sets;
use crate::sync::change::{Change, SetChange};

/// Route53 counts each record of a set, and each character of their values.
const RECORDS_MAX: usize = 1_000;
const CHARACTERS_MAX: usize = 32_000;

/// Sets that were listed in other words than ours. A deletion must repeat a set exactly, so that they
/// are deleted in the words in which they stand.
pub type Respelt = BTreeMap<(Name, RecordType), ResourceRecordSet>;

/// How many of these changes, from the first on, one batch takes; a change is never split.
pub fn fitting(changes: &[Change]) -> usize {
    let (mut records, mut characters) = (0, 0);
    let fits = |change: &&Change| {
        for set in change.sets.iter().flat_map(both_sides) {
            records += set.values().len();
            characters += sets::values(set).map(|value| value.chars().count()).sum::<usize>();
        }
        records <= RECORDS_MAX && characters <= CHARACTERS_MAX
    };
    changes.iter().take_while(fits).count().max(1)
}

fn both_sides(change: &SetChange) -> impl Iterator<Item = &RecordSet> {
    change.before.iter().chain(&change.after)
}

/// First everything that goes, then everything that comes: an alias cannot stand beside anything.
pub fn batch(changes: &[Change], respelt: &Respelt) -> Result<ChangeBatch, BuildError> {
    let sets = || changes.iter().flat_map(|change| &change.sets);
    let deleted = sets().filter_map(|set| {
        let before = set.before.as_ref()?;
        Some(match respelt.get(&(set.name.clone(), set.record_type)) {
            Some(listed) => Ok(listed.clone()),
            None => sets::sent(&set.name, before),
        })
    });
    let created = sets().filter_map(|set| Some(sets::sent(&set.name, set.after.as_ref()?)));
    let mut batch = ChangeBatch::builder();
    for set in deleted {
        batch = batch.changes(step(ChangeAction::Delete, set?)?);
    }
    for set in created {
        batch = batch.changes(step(ChangeAction::Create, set?)?);
    }
    batch.build()
}

pub fn step(action: ChangeAction, set: ResourceRecordSet) -> Result<Step, BuildError> {
    Step::builder().action(action).resource_record_set(set).build()
}

#[cfg(test)]
mod tests {
    use model::{Level, Rdata};

    use super::*;
    use crate::sync::change::{ChangeKind, Role};
    use crate::txt;

    fn set(name: &Name, before: Option<RecordSet>, after: Option<RecordSet>) -> SetChange {
        let record_type =
            before.as_ref().or(after.as_ref()).expect("one side is there").record_type;
        SetChange { name: name.clone(), record_type, role: Role::Data, before, after }
    }

    fn change(name: &str, sets: &[(Option<RecordSet>, Option<RecordSet>)]) -> Change {
        let name = Name::parse(name).unwrap();
        let sets = sets.iter().map(|(before, after)| set(&name, before.clone(), after.clone()));
        Change {
            level: Level::Global,
            kind: ChangeKind::Update,
            sets: sets.collect(),
            name: name.clone(),
        }
    }

    fn addresses(count: u8) -> RecordSet {
        let values = (0..count).map(|last| Rdata::a([192, 0, 2, last].into()));
        RecordSet::new(RecordType::A, 180, values).unwrap()
    }

    fn text(length: usize) -> RecordSet {
        RecordSet::single(RecordType::TXT, 180, txt::rdata("x".repeat(length).as_bytes()))
    }

    #[test]
    fn both_sides_of_a_change_count_and_none_is_split() {
        let change =
            |count| change("a.example.com", &[(Some(addresses(count)), Some(addresses(50)))]);
        let changes = vec![change(50); 11];
        assert_eq!(fitting(&changes), 10);
        assert_eq!(fitting(&changes[..3]), 3);
        let large = vec![change(200); 5];
        assert_eq!(fitting(&large), 4);
    }

    #[test]
    fn characters_count_with_their_quotes() {
        let create = |length| change("a.example.com", &[(None, Some(text(length)))]);
        assert_eq!(fitting(&vec![create(198); 200]), 160);
        assert_eq!(fitting(&[create(198), create(31_999)]), 1);
        assert_eq!(fitting(&[create(32_000)]), 1, "a batch has at least one");
    }

    #[test]
    fn all_that_goes_stands_before_all_that_comes() {
        let alias = RecordSet::single(
            RecordType::CNAME,
            180,
            Rdata::name(&Name::parse("b.example.com").unwrap()),
        );
        let changes = [
            change("c.example.com", &[(None, Some(text(3)))]),
            change("a.example.com", &[(None, Some(addresses(1))), (Some(alias), None)]),
        ];
        let batch = batch(&changes, &Respelt::new()).unwrap();
        let steps = batch.changes().iter().map(|step| {
            let set = step.resource_record_set().expect("each step has a set");
            format!("{} {} {}", step.action(), set.name(), set.r#type())
        });
        let expect =
            ["DELETE a.example.com. CNAME", "CREATE c.example.com. TXT", "CREATE a.example.com. A"];
        assert_eq!(steps.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_set_in_other_words_is_deleted_in_these() {
        let before = text(1);
        let name = Name::parse("a.example.com").unwrap();
        let mut listed = sets::sent(&name, &before).unwrap();
        listed.resource_records.as_mut().unwrap()[0].value = "\"\\170\"".into();
        let respelt = Respelt::from([((name, RecordType::TXT), listed.clone())]);
        let change = change("a.example.com", &[(Some(before.clone()), Some(text(2)))]);
        let batch = batch(&[change], &respelt).unwrap();
        assert_eq!(batch.changes()[0].resource_record_set(), Some(&listed));
    }
}
