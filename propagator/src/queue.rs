//! Writes that wait for one API server: of each object the latest, so many at a time, and after a
//! failure later and later. Pure: the clock and chance come in as arguments.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use crate::endpoint::Trouble;

/// Calls at one time.
pub const IN_FLIGHT_MAX: usize = 32;

#[derive(Debug)]
pub struct Queue<K, W> {
    entries: HashMap<K, Entry<W>>,
    /// Keys whose turn it is; those that are wanted no more are skipped.
    turns: VecDeque<K>,
    /// Keys that wait for their next attempt.
    later: BTreeSet<(Instant, u64)>,
    later_keys: HashMap<u64, K>,
    next_number: u64,
    in_flight: usize,
}

#[derive(Debug)]
struct Entry<W> {
    /// `None`: nothing any more, once what is in flight has ended.
    want: Option<W>,
    state: State,
    attempts: u32,
    failure: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Turn,
    InFlight,
    Later { at: Instant, number: u64 },
}

/// How long to wait after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

// === impl Queue ===

impl<K, W> Default for Queue<K, W> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            turns: VecDeque::new(),
            later: BTreeSet::new(),
            later_keys: HashMap::new(),
            next_number: 0,
            in_flight: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, W: Clone + PartialEq> Queue<K, W> {
    /// From now on this is wanted. What failed is tried again at once only if it is something else.
    pub fn set(&mut self, key: &K, want: Option<W>) {
        self.set_after(key, want, None);
    }

    /// The same, not before a moment if it is new here.
    pub fn set_after(&mut self, key: &K, want: Option<W>, not_before: Option<Instant>) {
        match (self.entries.get_mut(key), want) {
            (None, None) => {}
            (None, Some(want)) => {
                let state = match not_before {
                    Some(at) => self.remember(key, at),
                    None => {
                        self.turns.push_back(key.clone());
                        State::Turn
                    }
                };
                let entry = Entry { want: Some(want), state, attempts: 0, failure: None };
                self.entries.insert(key.clone(), entry);
            }
            (Some(entry), want) if entry.state == State::InFlight => entry.want = want,
            (Some(entry), None) => {
                let state = entry.state;
                self.entries.remove(key);
                self.forget(state);
            }
            (Some(entry), want) if entry.want == want => {}
            (Some(entry), want) => {
                let state = std::mem::replace(&mut entry.state, State::Turn);
                entry.want = want;
                entry.attempts = 0;
                if state != State::Turn {
                    self.forget(state);
                    self.turns.push_back(key.clone());
                }
            }
        }
    }

    /// The next write that may begin.
    pub fn next(&mut self, now: Instant) -> Option<(K, W)> {
        self.wake(now);
        while self.in_flight < IN_FLIGHT_MAX {
            let key = self.turns.pop_front()?;
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let (State::Turn, Some(want)) = (entry.state, entry.want.clone()) else { continue };
            entry.state = State::InFlight;
            self.in_flight += 1;
            return Some((key, want));
        }
        None
    }

    /// A write ended well.
    pub fn succeeded(&mut self, key: &K) {
        if let Some(Entry { state: State::InFlight, .. }) = self.entries.get(key) {
            self.in_flight -= 1;
            self.entries.remove(key);
        }
    }

    /// A write ended badly: what is wanted by then is tried later, `chance` of at most a second time
    /// that long.
    pub fn failed(&mut self, key: &K, why: Trouble, backoff: Backoff, chance: f64, now: Instant) {
        let Some(entry) = self.entries.get_mut(key).filter(|it| it.state == State::InFlight) else {
            return;
        };
        self.in_flight -= 1;
        if entry.want.is_none() {
            self.entries.remove(key);
            return;
        }
        entry.attempts += 1;
        entry.failure = Some(why);
        let at = now + backoff.after(entry.attempts, chance);
        let state = self.remember(key, at);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.state = state;
        }
    }

    /// When [`Queue::next`] has something again, if nothing else happens.
    pub fn next_due(&self) -> Option<Instant> {
        let is_full = self.in_flight >= IN_FLIGHT_MAX;
        self.later.first().filter(|_| !is_full).map(|(at, _)| *at)
    }

    /// All that wait for a later attempt have their turn now.
    pub fn retry_all(&mut self, now: Instant) {
        let until = self.later.last().map_or(now, |(at, _)| *at);
        self.wake(until);
    }

    /// Something about this waits or is in flight.
    pub fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// A write of this has begun, and has not ended.
    pub fn is_in_flight(&self, key: &K) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.state == State::InFlight)
    }

    /// That wait, for their turn or for a later attempt.
    pub fn waiting(&self) -> usize {
        self.entries.len() - self.in_flight
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whose latest attempt failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&K, &Trouble)> {
        self.entries.iter().filter_map(|(key, entry)| Some((key, entry.failure.as_ref()?)))
    }

    pub fn failure(&self, key: &K) -> Option<&Trouble> {
        self.entries.get(key)?.failure.as_ref()
    }

    fn wake(&mut self, now: Instant) {
        while let Some((at, number)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.remove(&(at, number));
            let Some(key) = self.later_keys.remove(&number) else { continue };
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.state = State::Turn;
                self.turns.push_back(key);
            }
        }
    }

    /// Its turn comes at a moment.
    fn remember(&mut self, key: &K, at: Instant) -> State {
        let number = self.next_number;
        self.next_number += 1;
        self.later.insert((at, number));
        self.later_keys.insert(number, key.clone());
        State::Later { at, number }
    }

    fn forget(&mut self, state: State) {
        if let State::Later { at, number } = state {
            self.later.remove(&(at, number));
            self.later_keys.remove(&number);
        }
    }
}

// === impl Backoff ===

impl Backoff {
    /// For a server that did not answer, or not as it should.
    pub const TROUBLE: Self =
        Self { first: Duration::from_millis(250), longest: Duration::from_secs(30) };
    /// For what helps only when somebody changes something.
    pub const REFUSED: Self =
        Self { first: Duration::from_secs(2), longest: Duration::from_secs(120) };
    /// For an object that changed under our hands: its watch tells soon.
    pub const OUTRUN: Self =
        Self { first: Duration::from_millis(50), longest: Duration::from_secs(5) };

    /// `chance` is from 0 to 1.
    fn after(self, attempts: u32, chance: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.longest).mul_f64(1.0 + chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(4) };

    fn trouble() -> Trouble {
        Trouble::Failed("broken".into())
    }

    #[test]
    fn the_latest_want_of_a_key_counts() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.set(&"a", Some(1));
        queue.set(&"a", Some(2));
        assert_eq!(queue.next(now), Some(("a", 2)));
        assert_eq!(queue.next(now), None);
        queue.set(&"a", Some(3));
        assert_eq!(queue.next(now), None, "one write of an object at a time");
        queue.set(&"a", None);
        assert!(queue.is_in_flight(&"a"), "wanted or not");
        queue.succeeded(&"a");
        assert_eq!((queue.waiting(), queue.in_flight()), (0, 0), "it is decided on anew");
        assert!(!queue.is_in_flight(&"a"));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_not_begun() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.set(&"a", Some(1));
        queue.set(&"b", Some(1));
        queue.set(&"a", None);
        assert_eq!(queue.next(now), Some(("b", 1)));
        queue.set(&"b", None);
        queue.failed(&"b", trouble(), BACKOFF, 0.0, now);
        assert_eq!(queue.next_due(), None);
        assert_eq!(queue.failures().count(), 0);
    }

    #[test]
    fn failures_wait_longer_each_time_and_another_want_goes_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.set(&"a", Some(1));
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (4, 4)] {
            let at = queue.next_due().unwrap_or(now);
            assert!(queue.next(at).is_some(), "attempt {attempt}");
            queue.failed(&"a", trouble(), BACKOFF, 0.0, at);
            assert_eq!(queue.next_due(), Some(at + Duration::from_secs(seconds)));
            assert_eq!(queue.next(at), None);
        }
        assert_eq!(queue.failure(&"a"), Some(&trouble()));
        queue.set(&"a", Some(1));
        assert_eq!(queue.next(now), None, "nothing new");
        queue.set(&"a", Some(2));
        assert_eq!(queue.next(now), Some(("a", 2)));
    }

    #[test]
    fn so_many_are_in_flight_and_no_more() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for key in 0..2 * IN_FLIGHT_MAX {
            queue.set(&key, Some(()));
        }
        let begun: Vec<usize> =
            std::iter::from_fn(|| queue.next(now)).map(|(key, ())| key).collect();
        assert_eq!(begun, (0..IN_FLIGHT_MAX).collect::<Vec<_>>(), "in the order they came");
        queue.succeeded(&0);
        assert_eq!(queue.next(now), Some((IN_FLIGHT_MAX, ())));
    }

    #[test]
    fn a_cluster_that_is_back_is_tried_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.set(&"a", Some(1));
        queue.next(now);
        queue.failed(&"a", trouble(), BACKOFF, 0.5, now);
        queue.retry_all(now);
        assert_eq!(queue.next(now), Some(("a", 1)));
    }

    #[test]
    fn what_is_to_wait_waits() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let later = now + Duration::from_secs(5);
        queue.set_after(&"a", Some(1), Some(later));
        assert_eq!(queue.next(now), None);
        assert_eq!(queue.next_due(), Some(later));
        assert_eq!(queue.next(later), Some(("a", 1)));
    }
}
