//! What may happen within an hour without being asked for.
//!
//! Names that vanish, and names that are written again only because the config changed, are counted
//! over a sliding hour against the names that we owned at its start. Past 30 % of 10 or more, the
//! further ones are held until they are approved by the hash of what is held. Whatever keeps a name
//! answering is never held.

use std::collections::{BTreeSet, VecDeque};

use model::{Name, UnixTime};
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::plan::hash_of;

/// This part of the owned names may vanish, in percent.
const PERCENT_MAX: usize = 30;
/// With fewer owned names than this, nothing is held.
const GUARD_FROM: usize = 10;
/// Over which time is counted, and for how long an approval is good; seconds.
const HOUR: u64 = 3600;

/// Counts what went, and remembers what is held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Within the last hour, oldest first.
    spent: VecDeque<Spent>,
    /// What is held stays held, even when the hour has passed.
    held: BTreeSet<Name>,
    approval: Option<Approval>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Spent {
    at: UnixTime,
    /// Names that we owned before.
    owned: usize,
    names: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Approval {
    hash: String,
    until: UnixTime,
}

/// Changes, parted into those that may go and those that wait for an approval; each in its order.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    pub go: Vec<Change>,
    pub held: Vec<Change>,
}

// === impl Guard ===

impl Guard {
    /// Lets what is held now go ahead, if `hash` is its hash; good for an hour and exactly this.
    pub fn approve(&mut self, hash: &str, now: UnixTime) {
        self.approval = Some(Approval { hash: hash.to_owned(), until: UnixTime(now.0 + HOUR) });
    }

    /// Parts the changes that a plan has. `owned`: how many names are ours now.
    pub fn part(&mut self, changes: Vec<Change>, owned: usize, now: UnixTime) -> Guarded {
        self.forget(now);
        let (mut guarded, mut go): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(Change::is_guarded);
        guarded.sort_by(|one, other| one.name.cmp(&other.name));
        let mut room = self.room(owned);
        let mut held = Vec::new();
        for change in guarded {
            let is_held = self.held.contains(&change.name) || room == 0;
            if is_held {
                held.push(change);
            } else {
                room -= 1;
                go.push(change);
            }
        }
        if self.is_approved(&held, now) {
            go.append(&mut held);
        }
        self.held = held.iter().map(|change| change.name.clone()).collect();
        go.sort_by(|one, other| one.order().cmp(&other.order()));
        Guarded { go, held }
    }

    /// Counts changes that have landed. `owned`: how many names were ours before.
    pub fn spend(&mut self, names: usize, owned: usize, now: UnixTime) {
        if names > 0 {
            self.spent.push_back(Spent { at: now, owned, names });
        }
    }

    /// How many more may go now.
    fn room(&self, owned: usize) -> usize {
        let at_start = self.spent.front().map_or(owned, |first| first.owned);
        if at_start < GUARD_FROM {
            return usize::MAX;
        }
        let spent: usize = self.spent.iter().map(|spent| spent.names).sum();
        (at_start * PERCENT_MAX / 100).saturating_sub(spent)
    }

    fn is_approved(&self, held: &[Change], now: UnixTime) -> bool {
        let approval = self.approval.as_ref().filter(|it| now.0 < it.until.0);
        !held.is_empty() && approval.is_some_and(|it| it.hash == hash_of(held))
    }

    fn forget(&mut self, now: UnixTime) {
        while self.spent.front().is_some_and(|first| first.at.0 + HOUR <= now.0) {
            self.spent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Level, Rdata, RecordSet, RecordType};

    use super::*;
    use crate::sync::change::{ChangeKind, Role, SetChange};

    fn changes(kind: ChangeKind, numbers: std::ops::Range<usize>) -> Vec<Change> {
        let change = |number: usize| {
            let name = Name::parse(&format!("s{number:03}.example.com")).unwrap();
            let set = RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()));
            let set = SetChange {
                name: name.clone(),
                record_type: RecordType::A,
                role: Role::Data,
                before: Some(set),
                after: None,
            };
            Change { name, level: Level::Global, kind, sets: vec![set] }
        };
        numbers.map(change).collect()
    }

    fn part(guard: &mut Guard, changes: Vec<Change>, owned: usize, now: u64) -> (usize, usize) {
        let Guarded { go, held } = guard.part(changes, owned, UnixTime(now));
        (go.len(), held.len())
    }

    use ChangeKind::{Create, Delete, Rewrite, Update};

    #[test]
    fn up_to_thirty_percent_go_and_the_further_ones_are_held() {
        let mut guard = Guard::default();
        assert_eq!(part(&mut guard, changes(Delete, 0..30), 100, 0), (30, 0));
        assert_eq!(part(&mut guard, changes(Delete, 0..40), 100, 0), (30, 10));
        let mut guard = Guard::default();
        assert_eq!(part(&mut guard, changes(Rewrite, 0..100), 100, 0), (30, 70));
    }

    #[test]
    fn few_names_are_never_held() {
        assert_eq!(part(&mut Guard::default(), changes(Delete, 0..9), 9, 0), (9, 0));
        assert_eq!(part(&mut Guard::default(), changes(Delete, 0..10), 10, 0), (3, 7));
    }

    #[test]
    fn what_keeps_names_answering_is_never_held() {
        let mut guard = Guard::default();
        for kind in [Create, Update] {
            assert_eq!(part(&mut guard, changes(kind, 0..100), 100, 0), (100, 0));
        }
    }

    #[test]
    fn the_hour_slides_and_what_is_held_stays_held() {
        let mut guard = Guard::default();
        guard.spend(30, 100, UnixTime(0));
        assert_eq!(part(&mut guard, changes(Delete, 30..35), 70, 3599), (0, 5));
        // The hour is over: the held ones stay held, a new one may go.
        assert_eq!(part(&mut guard, changes(Delete, 30..36), 70, 3600), (1, 5));
        // Wanted again, and later not any more: that is new.
        assert_eq!(part(&mut guard, Vec::new(), 70, 3600), (0, 0));
        assert_eq!(part(&mut guard, changes(Delete, 30..35), 70, 3600), (5, 0));
    }

    #[test]
    fn an_approval_is_good_for_an_hour_and_for_exactly_one_hash() {
        let mut guard = Guard::default();
        guard.spend(30, 100, UnixTime(0));
        let held = guard.part(changes(Delete, 30..40), 70, UnixTime(1)).held;
        let hash = hash_of(&held);
        guard.approve("0", UnixTime(1));
        assert_eq!(part(&mut guard, changes(Delete, 30..40), 70, 1), (0, 10));
        guard.approve(&hash, UnixTime(1));
        assert_eq!(part(&mut guard, changes(Delete, 30..41), 70, 2), (0, 11), "something else");
        assert_eq!(part(&mut guard, changes(Delete, 30..40), 70, 3601), (0, 10), "too late");
        assert_eq!(part(&mut guard, changes(Delete, 30..40), 70, 3600), (10, 0));
    }

    #[test]
    fn the_hash_does_not_move_when_others_land() {
        let mut guard = Guard::default();
        guard.spend(30, 100, UnixTime(0));
        let first = guard.part(changes(Delete, 30..40), 70, UnixTime(1)).held;
        let mut more = changes(Create, 90..95);
        more.extend(changes(Delete, 30..40));
        let second = guard.part(more, 70, UnixTime(2)).held;
        assert_eq!(hash_of(&first), hash_of(&second));
    }
}
