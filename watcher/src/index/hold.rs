//! The last addresses of a load balancer whose list has become empty, and when they end.

use std::collections::{BTreeMap, BTreeSet};

use model::{Health, ServiceKey, ServiceShard, UnixTime};

use super::{Index, observe};
use crate::entry::{Entry, Held};
use crate::settings::ServiceSettings;

/// When which hold ends.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    /// The same pairs, by key and by end.
    by_key: BTreeMap<ServiceKey, UnixTime>,
    by_end: BTreeSet<(UnixTime, ServiceKey)>,
}

impl Index {
    /// Gives the row of `key` the hold that it must have now; `last` is what it gave until now.
    pub(super) fn hold(&mut self, key: &ServiceKey, last: Option<&ServiceShard>, now: UnixTime) {
        let wanted = self.hold_wanted(key, last, now);
        self.holds.set(key, wanted.as_ref().map(|held| held.until));
        if let Some(candidate) = self.tables.candidate_mut(key) {
            candidate.held = wanted.map(Box::new);
        }
    }

    pub(super) fn end_holds(&mut self, now: UnixTime) {
        while let Some(key) = self.holds.pop_ended(now) {
            if let Some(candidate) = self.tables.candidate_mut(&key) {
                candidate.held = None;
                self.changed_services.insert(key);
            }
        }
    }

    /// An empty list while the Service stays a healthy LoadBalancer keeps the last addresses.
    fn hold_wanted(
        &self,
        key: &ServiceKey,
        last: Option<&ServiceShard>,
        now: UnixTime,
    ) -> Option<Held> {
        let row = self.tables.rows.get(key)?;
        let Some(Entry::Candidate(candidate)) = &row.entry else { return None };
        let around = self.surroundings();
        let is_healthy =
            observe::health(candidate, row, around.slices_tell_health) == Health::Healthy;
        let is_empty = is_healthy
            && observe::is_between_addresses(candidate, around.hosts)
            && observe::own_addresses(candidate, around).is_empty();
        if !is_empty || self.settings.hold_empty.is_zero() {
            return None;
        }
        if let Some(held) = &candidate.held {
            return Some((**held).clone());
        }
        let last = last?;
        let addresses = last.healthy_addresses().to_vec();
        // A hold goes on across a restart as if there had been none.
        let saved_until = last.notes.as_ref().and_then(|notes| notes.held_until);
        let until = saved_until.unwrap_or_else(|| end_of_hold(&self.settings, now));
        (!addresses.is_empty() && until > now).then_some(Held { addresses, until })
    }
}

fn end_of_hold(settings: &ServiceSettings, now: UnixTime) -> UnixTime {
    let seconds = settings.hold_empty.as_millis().div_ceil(1_000);
    UnixTime(now.0.saturating_add(u64::try_from(seconds).unwrap_or(u64::MAX)))
}

// === impl Holds ===

impl Holds {
    pub(crate) fn first_end(&self) -> Option<UnixTime> {
        self.by_end.first().map(|(until, _)| *until)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn set(&mut self, key: &ServiceKey, until: Option<UnixTime>) {
        if let Some(known) = self.by_key.remove(key) {
            self.by_end.remove(&(known, key.clone()));
        }
        if let Some(until) = until {
            self.by_key.insert(key.clone(), until);
            self.by_end.insert((until, key.clone()));
        }
    }

    /// Takes out one hold that ends by `now`.
    fn pop_ended(&mut self, now: UnixTime) -> Option<ServiceKey> {
        self.first_end().filter(|until| *until <= now)?;
        let (_, key) = self.by_end.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }
}
