//! Changes that a provider has taken, until its own name servers answer with them. Pure: whoever asks
//! the name servers tells what they said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{Name, Rdata, RecordSet, RecordType};

use crate::sync::change::{Change, Role};

/// So many names are waited for at once; a first sync does not need every one of its names looked at.
pub const NAMES_MAX: usize = 256;
/// How long a change is waited for.
pub const GIVE_UP: Duration = Duration::from_secs(600);
/// Between two looks at one name: a third of what it has taken so far, within these.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Names whose last change is not visible yet.
#[derive(Debug, Default)]
pub struct Visibility {
    waiting: BTreeMap<Name, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    expected: Vec<Expected>,
    since: Instant,
    landed: Instant,
    next: Instant,
}

/// What name servers answer once a change is visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub name: Name,
    pub record_type: RecordType,
    /// Sorted.
    is: Option<Vec<Rdata>>,
    /// What stood there before.
    was: Vec<Rdata>,
}

/// What came of a look at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// How long it took since the clusters changed.
    Visible(Duration),
    Waits,
    GivenUp,
}

// === impl Visibility ===

impl Visibility {
    /// A change has landed. It takes the place of an earlier one of its name. False where too many wait
    /// already, or there is nothing to see of it.
    pub fn landed(&mut self, change: &Change, since: Instant, now: Instant) -> bool {
        let expected: Vec<Expected> = Expected::all(change).collect();
        let is_full = self.waiting.len() >= NAMES_MAX && !self.waiting.contains_key(&change.name);
        if is_full || expected.is_empty() {
            return false;
        }
        let waiting = Waiting { expected, since, landed: now, next: now };
        self.waiting.insert(change.name.clone(), waiting);
        true
    }

    /// When the next look is due.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.values().map(|it| it.next).min()
    }

    /// A name that is to be looked at now, and what is expected of it.
    pub fn due(&self, now: Instant) -> Option<(Name, Vec<Expected>)> {
        let due = self.waiting.iter().filter(|(_, it)| it.next <= now);
        let (name, waiting) = due.min_by_key(|(_, it)| it.next)?;
        Some((name.clone(), waiting.expected.clone()))
    }

    /// The name was looked at.
    pub fn looked(&mut self, name: &Name, is_visible: bool, now: Instant) -> Outcome {
        let Some(waiting) = self.waiting.get_mut(name) else { return Outcome::Waits };
        let (since, taken) = (waiting.since, now.saturating_duration_since(waiting.landed));
        if !is_visible && taken < GIVE_UP {
            waiting.next = now + (taken / 3).clamp(PAUSE_MIN, PAUSE_MAX);
            return Outcome::Waits;
        }
        self.waiting.remove(name);
        match is_visible {
            true => Outcome::Visible(now.saturating_duration_since(since)),
            false => Outcome::GivenUp,
        }
    }

    /// Nobody can be asked.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }
}

// === impl Expected ===

impl Expected {
    fn all(change: &Change) -> impl Iterator<Item = Self> + '_ {
        let data = change.sets.iter().filter(|set| set.role == Role::Data);
        data.map(|set| {
            let values = |set: &RecordSet| sorted(set.values().to_vec());
            Self {
                name: set.name.clone(),
                record_type: set.record_type,
                is: set.after.as_ref().map(values),
                was: set.before.as_ref().map(values).unwrap_or_default(),
            }
        })
    }

    /// Whether these answered values show the change. What is gone may be answered by a wildcard in its
    /// place.
    pub fn is_met(&self, answered: Vec<Rdata>) -> bool {
        let answered = sorted(answered);
        match &self.is {
            Some(wanted) => answered == *wanted,
            None => answered.is_empty() || answered != self.was,
        }
    }
}

fn sorted(mut values: Vec<Rdata>) -> Vec<Rdata> {
    values.sort_unstable_by(|one, other| one.wire().cmp(other.wire()));
    values
}

#[cfg(test)]
mod tests {
    use model::Level;

    use super::*;
    use crate::sync::change::{ChangeKind, SetChange};

    fn a(last: u8) -> Rdata {
        Rdata::a([192, 0, 2, last].into())
    }

    fn set(values: &[u8]) -> Option<RecordSet> {
        RecordSet::new(RecordType::A, 180, values.iter().map(|last| a(*last)))
    }

    fn change(number: usize, before: &[u8], after: &[u8]) -> Change {
        let name = Name::parse(&format!("s{number}.example")).unwrap();
        let (level, kind) = (Level::Global, ChangeKind::Update);
        let sets = [(Role::Marker, &[][..], &[9][..]), (Role::Data, before, after)];
        let sets = sets.into_iter().map(|(role, before, after)| SetChange {
            name: name.clone(),
            record_type: RecordType::A,
            role,
            before: set(before),
            after: set(after),
        });
        Change { sets: sets.collect(), name: name.clone(), level, kind }
    }

    #[test]
    fn a_change_is_looked_at_until_it_is_visible() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut visibility = Visibility::default();
        assert!(visibility.landed(&change(1, &[1], &[2, 3]), start, at(1)));
        let (name, expected) = visibility.due(at(1)).unwrap();
        assert_eq!(expected.len(), 1, "markers are of no interest");
        assert!(!expected[0].is_met(vec![a(1)]));
        assert!(expected[0].is_met(vec![a(3), a(2)]));
        assert_eq!(visibility.looked(&name, false, at(1)), Outcome::Waits);
        assert_eq!(visibility.due(at(1)), None);
        assert_eq!(visibility.next(), Some(at(1) + PAUSE_MIN));
        assert_eq!(visibility.looked(&name, false, at(31)), Outcome::Waits);
        assert_eq!(visibility.next(), Some(at(41)));
        assert_eq!(
            visibility.looked(&name, true, at(41)),
            Outcome::Visible(Duration::from_secs(41))
        );
        assert_eq!(visibility.next(), None);
    }

    #[test]
    fn a_later_change_takes_the_place_of_an_earlier_one_and_no_wait_is_endless() {
        let start = Instant::now();
        let mut visibility = Visibility::default();
        visibility.landed(&change(1, &[1], &[2]), start, start);
        visibility.landed(&change(1, &[2], &[]), start, start);
        let (name, expected) = visibility.due(start).unwrap();
        assert!(!expected[0].is_met(vec![a(2)]), "it still stands");
        assert!(expected[0].is_met(Vec::new()) && expected[0].is_met(vec![a(7)]));
        assert_eq!(visibility.looked(&name, false, start + GIVE_UP), Outcome::GivenUp);
        assert_eq!(visibility.next(), None);
    }

    #[test]
    fn no_more_names_wait_than_can_be_asked_for() {
        let now = Instant::now();
        let mut visibility = Visibility::default();
        let landed =
            (0..NAMES_MAX + 5).filter(|it| visibility.landed(&change(*it, &[], &[1]), now, now));
        assert_eq!(landed.count(), NAMES_MAX);
        assert!(visibility.landed(&change(1, &[], &[2]), now, now), "one that waits is renewed");
        visibility.forget();
        assert_eq!(visibility.due(now), None);
    }
}
