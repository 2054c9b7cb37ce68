//! Copies that somebody else in the member changes again and again: they are put back later and later.
//! Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::key::Key;

/// So many times in a row a copy is put back at once.
const AT_ONCE: u32 = 3;
/// The first wait after that; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// After that long without a change by others all is forgotten.
const CALM: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub struct Repairs(HashMap<Key, Repair>);

#[derive(Debug)]
struct Repair {
    /// What the copy was put back to.
    wanted: u64,
    count: u32,
    last: Instant,
}

// === impl Repairs ===

impl Repairs {
    /// A copy was put back to what it had been. True if from now on it waits.
    pub fn note(&mut self, key: &Key, wanted: u64, now: Instant) -> bool {
        let fresh = Repair { wanted, count: 0, last: now };
        let repair = self.0.entry(key.clone()).or_insert(fresh);
        if repair.wanted != wanted || now.duration_since(repair.last) > CALM {
            *repair = Repair { wanted, count: 0, last: now };
        }
        repair.count += 1;
        repair.last = now;
        repair.count == AT_ONCE
    }

    /// Before which moment the copy is not put back again.
    pub fn not_before(&self, key: &Key, wanted: impl FnOnce() -> u64) -> Option<Instant> {
        let repair = self.0.get(key).filter(|repair| repair.count >= AT_ONCE)?;
        let doublings = (repair.count - AT_ONCE).min(16);
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        (repair.wanted == wanted()).then(|| repair.last + wait)
    }

    pub fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Kinds, Role};

    fn key() -> Key {
        let kind = Kinds::default().of_role(Role::Secret).unwrap();
        Key { kind, namespace: "default".into(), name: "web".into() }
    }

    #[test]
    fn whoever_fights_waits_longer_each_time() {
        let (mut repairs, key, start) = (Repairs::default(), key(), Instant::now());
        assert!(!repairs.note(&key, 1, start));
        assert!(!repairs.note(&key, 1, start));
        assert_eq!(repairs.not_before(&key, || 1), None);
        assert!(repairs.note(&key, 1, start));
        let wait = |repairs: &Repairs| repairs.not_before(&key, || 1).map(|at| at - start);
        assert_eq!(wait(&repairs), Some(Duration::from_secs(1)));
        assert!(!repairs.note(&key, 1, start));
        assert_eq!(wait(&repairs), Some(Duration::from_secs(2)));
        for _ in 0..20 {
            repairs.note(&key, 1, start);
        }
        assert_eq!(wait(&repairs), Some(LONGEST_WAIT));
        assert_eq!(repairs.not_before(&key, || 2), None, "another wish goes at once");
    }

    #[test]
    fn after_a_calm_time_all_is_forgotten() {
        let (mut repairs, key, start) = (Repairs::default(), key(), Instant::now());
        for _ in 0..5 {
            repairs.note(&key, 1, start);
        }
        assert!(!repairs.note(&key, 1, start + CALM + Duration::from_secs(1)));
        assert_eq!(repairs.not_before(&key, || 1), None);
    }
}
