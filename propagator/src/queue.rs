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
        match (self.entries.get_mut(key), want) {
            (None, None) => {}
            (None, Some(want)) => {
                let entry =
                    Entry { want: Some(want), state: State::Turn, attempts: 0, failure: None };
                self.entries.insert(key.clone(), entry);
                self.turns.push_back(key.clone());
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
        let (at, number) = (now + backoff.after(entry.attempts, chance), self.next_number);
        entry.state = State::Later { at, number };
        self.next_number += 1;
        self.later.insert((at, number));
        self.later_keys.insert(number, key.clone());
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
