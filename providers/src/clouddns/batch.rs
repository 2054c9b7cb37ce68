//! Changes as one change of Cloud DNS's, and how many of them fit into it.

use std::collections::BTreeMap;

use google_cloud_dns_v1::model::{self as wire, ResourceRecordSet};
use model::{Name, RecordSet, RecordType};

use super::quota::Quota;
use super::sets;
use crate::sync::change::Change;

/// Sets that were listed in other words than ours, or in another order. A deletion must repeat a set
/// exactly, so that they are deleted as they stand.
pub type Respelt = BTreeMap<(Name, RecordType), ResourceRecordSet>;

/// How many of these changes, from the first on, one change takes; none is split.
pub fn fitting(changes: &[Change], quota: &Quota) -> usize {
    let (mut additions, mut deletions, mut data) = (0, 0, 0);
    let fits = |change: &&Change| {
        for set in &change.sets {
            deletions += usize::from(set.before.is_some());
            additions += usize::from(set.after.is_some());
            data += set.before.iter().chain(&set.after).map(data_length).sum::<usize>();
        }
        additions <= quota.additions_max
            && deletions <= quota.deletions_max
            && data <= quota.data_max
    };
    changes.iter().take_while(fits).count().max(1)
}

fn data_length(set: &RecordSet) -> usize {
    set.value_texts().map(|text| text.len()).sum()
}

/// Everything that goes and everything that comes; the service carries out what goes first.
pub fn change(changes: &[Change], respelt: &Respelt) -> wire::Change {
    let sets = || changes.iter().flat_map(|change| &change.sets);
    let deletions = sets().filter_map(|set| {
        let before = set.before.as_ref()?;
        Some(match respelt.get(&(set.name.clone(), set.record_type)) {
            Some(listed) => listed.clone(),
            None => sets::sent(&set.name, before),
        })
    });
    let additions = sets().filter_map(|set| Some(sets::sent(&set.name, set.after.as_ref()?)));
    wire::Change::new().set_deletions(deletions).set_additions(additions)
}

#[cfg(test)]
mod tests {
    use model::{Level, Rdata};

    use super::*;
    use crate::sync::change::{ChangeKind, Role, SetChange};
    use crate::txt;

    fn change_of(sets: &[(Option<RecordSet>, Option<RecordSet>)]) -> Change {
        let name = Name::parse("a.example.com").unwrap();
        let set = |(before, after): &(Option<RecordSet>, Option<RecordSet>)| SetChange {
            name: name.clone(),
            record_type: before.as_ref().or(after.as_ref()).expect("one side").record_type,
            role: Role::Data,
            before: before.clone(),
            after: after.clone(),
        };
        let sets = sets.iter().map(set).collect();
        Change { level: Level::Global, kind: ChangeKind::Update, sets, name: name.clone() }
    }

    fn text(length: usize) -> RecordSet {
        RecordSet::single(RecordType::TXT, 180, txt::rdata("x".repeat(length).as_bytes()))
    }

    fn quota(additions_max: usize, deletions_max: usize, data_max: usize) -> Quota {
        Quota { additions_max, deletions_max, data_max, ..Quota::default() }
    }

    #[test]
    fn sides_count_apart_and_no_change_is_split() {
        let replace = change_of(&[(Some(text(1)), Some(text(2))), (None, Some(text(3)))]);
        let changes = vec![replace; 20];
        assert_eq!(fitting(&changes, &quota(10, 100, 100_000)), 5);
        assert_eq!(fitting(&changes, &quota(100, 7, 100_000)), 7);
        assert_eq!(fitting(&changes, &quota(1, 1, 100_000)), 1, "a change has at least one");
        assert_eq!(fitting(&changes[..3], &Quota::default()), 3);
    }

    #[test]
    fn data_counts_on_both_sides_with_its_quotes() {
        let changes = vec![change_of(&[(Some(text(48)), Some(text(48)))]); 30];
        assert_eq!(fitting(&changes, &quota(1_000, 1_000, 1_000)), 10);
    }

    #[test]
    fn deletions_repeat_what_was_listed() {
        let addresses = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|it| Rdata::a(it.into()));
        let before = RecordSet::new(RecordType::A, 180, addresses).unwrap();
        let name = Name::parse("a.example.com").unwrap();
        let listed = sets::sent(&name, &before).set_rrdatas(["192.0.2.2", "192.0.2.1"]);
        let respelt = Respelt::from([((name.clone(), RecordType::A), listed.clone())]);
        let alias = RecordSet::single(RecordType::CNAME, 180, Rdata::name(&name));
        let changes = [change_of(&[(Some(before), None), (None, Some(alias.clone()))])];
        let expect =
            wire::Change::new().set_deletions([listed]).set_additions([sets::sent(&name, &alias)]);
        assert_eq!(change(&changes, &respelt), expect);
    }
}
