//! The names of one zone behind a webhook as a provider.

mod proof;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use model::{Name, RecordSet};

use super::batches::Batches;
use super::changes::{Changes, new_data};
use super::client::Client;
use super::domain_filter::DomainFilter;
use super::endpoint::{Endpoint, Key};
use super::error::{Call, Cause, Error};
use super::listing::{Listing, Ttls, has_properties, sets_of};
use crate::hosted::HostedSet;
use crate::provider::{Failure, FailureKind, Limits, Provider};
use crate::sync::change::Change;

/// A change that follows a listing so soon is part of the same round: ExternalDNS, too, lists before each
/// call, and then takes what it found as what stands.
const FRESH: Duration = Duration::from_secs(1);
/// Sets in one call; with long names 200 bytes each.
const ADJUSTED_MAX: usize = 2_000;
/// So many sets alone may fail at a provider that takes none at all.
const UNADJUSTED_MAX: usize = 3;

/// A zone whose names a webhook serves.
pub struct WebhookZone {
    client: Arc<Client>,
    zone: Name,
    filter: DomainFilter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    listing: Listing,
    /// When the mirror listed; `None` where a call has followed.
    listed_at: Option<Instant>,
    ttls: Ttls,
    /// What the provider has made of sets that are wanted, until they are written.
    adjusted: BTreeMap<Key, Endpoint>,
    batches: Batches,
    /// Something that was written has been seen to stand.
    is_proven: bool,
}

// === impl WebhookZone ===

impl WebhookZone {
    /// Asks the webhook whether it serves `mirrored`. `hosted` is the zone that holds it; by default
    /// the longest domain of the webhook's filter that does, else `mirrored` itself, since the
    /// protocol has no zones.
    ///
    /// # Errors
    ///
    /// If there is no webhook, or it serves something else.
    pub async fn connect(
        client: Arc<Client>,
        mirrored: &Name,
        hosted: Option<&Name>,
    ) -> Result<Self, Failure> {
        let filter = client.negotiate().await?;
        if filter.serves(mirrored) == Some(false) {
            let cause = Cause::NotServed { zone: mirrored.clone(), filter: filter.to_string() };
            return Err(client.error(Call::Negotiate, cause).into());
        }
        let zone = hosted.or_else(|| filter.domain_of(mirrored)).unwrap_or(mirrored).clone();
        Ok(Self { client, zone, filter, state: Mutex::default() })
    }

    async fn list_sets(&self) -> Result<Vec<HostedSet>, Failure> {
        let listing = self.look().await?;
        self.state().listed_at = Some(self.client.clock().monotonic());
        Ok(listing.hosted())
    }

    /// Lists, and remembers what was found.
    async fn look(&self) -> Result<Listing, Error> {
        let sets = sets_of(&self.zone, self.client.records().await?);
        let with_properties: Vec<Endpoint> =
            sets.iter().filter(|set| has_properties(set)).map(Endpoint::plain).collect();
        let adjusted = self.adjusted(&with_properties).await?;
        let mut state = self.state();
        let listing = Listing::new(sets, &adjusted, state.ttls);
        state.listing = listing.clone();
        Ok(listing)
    }

    /// What was listed, if that was just now, else what is.
    async fn fresh_listing(&self) -> Result<Listing, Error> {
        let now = self.client.clock().monotonic();
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < FRESH;
        {
            let mut state = self.state();
            if state.listed_at.take().is_some_and(is_fresh) {
                return Ok(state.listing.clone());
            }
        }
        self.look().await
    }

    async fn adjust_sets(&self, wanted: &[(Name, RecordSet)]) -> Result<Vec<RecordSet>, Failure> {
        let endpoints: Vec<Endpoint> =
            wanted.iter().map(|(name, set)| Endpoint::new(name, set)).collect();
        let adjusted = self.adjusted(&endpoints).await?;
        let mut state = self.state();
        let ttls = &mut state.ttls;
        ttls.asked = wanted.first().map(|(_, set)| set.ttl).or(ttls.asked);
        ttls.is_free |= adjusted.values().any(|endpoint| endpoint.ttl == 0);
        let adjust = |(name, set): &(Name, RecordSet)| {
            let endpoint = adjusted.get(&(name.clone(), set.record_type))?;
            endpoint.records(ttls.of(endpoint))
        };
        // What it leaves out, it refuses when it is written, and then that is told.
        let sets = wanted.iter().map(|it| adjust(it).unwrap_or_else(|| it.1.clone())).collect();
        state.adjusted.extend(adjusted);
        Ok(sets)
    }

    /// What the provider makes of sets. Those that it cannot take are left out; it changes nothing
    /// here, so they are looked for by halves.
    async fn adjusted(&self, endpoints: &[Endpoint]) -> Result<BTreeMap<Key, Endpoint>, Error> {
        let mut adjusted = BTreeMap::new();
        let mut left_out = 0;
        let mut waiting: Vec<&[Endpoint]> = endpoints.chunks(ADJUSTED_MAX).rev().collect();
        while let Some(part) = waiting.pop() {
            match self.client.adjust(part).await {
                Ok(endpoints) => adjusted.extend(by_key(endpoints)),
                Err(error) if !error.may_be_a_set() => return Err(error),
                Err(error) => match part {
                    [_] if adjusted.is_empty() && left_out == UNADJUSTED_MAX => return Err(error),
                    [_] => left_out += 1,
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        waiting.extend([second, first]);
                    }
                },
            }
        }
        Ok(adjusted)
    }

    async fn apply_changes(&self, changes: &[Change]) -> Result<(), Failure> {
        self.check_filter(changes)?;
        let listing = self.fresh_listing().await?;
        if let Some(set) = changes.iter().find_map(|change| listing.moved(change)) {
            let line = format!(
                "webhook {}: {} {}: something else stands there than was listed; it is listed anew",
                self.client.url(),
                set.name,
                set.record_type
            );
            return Err(Failure::new(FailureKind::Moved, line));
        }
        let sent = self.send(changes, &listing).await;
        let names: Vec<&Name> = changes.iter().map(|change| &change.name).collect();
        match sent {
            Ok(()) => self.state().batches.landed(),
            Err(error) if error.may_be_a_change() && self.state().batches.failed(&names) => {
                return Err(Failure::new(FailureKind::Refused, error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
        self.prove(changes).await
    }

    async fn send(&self, changes: &[Change], listing: &Listing) -> Result<(), Error> {
        let data: Vec<Endpoint> = new_data(changes).collect();
        let mut adjusted = self.adjusted_before(changes);
        let is_new = |it: &&Endpoint| it.key().is_some_and(|key| !adjusted.contains_key(&key));
        let new: Vec<Endpoint> = data.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            adjusted.extend(by_key(self.client.adjust(&new).await?));
        }
        let left_out = data.iter().filter_map(Endpoint::key).find(|it| !adjusted.contains_key(it));
        if let Some((name, record_type)) = left_out {
            return Err(self.client.error(Call::Adjust, Cause::LeftOut { name, record_type }));
        }
        self.client.apply(&Changes::new(changes, listing, &adjusted)).await
    }

    /// What the provider has made of these very sets when they were planned.
    fn adjusted_before(&self, changes: &[Change]) -> BTreeMap<Key, Endpoint> {
        let mut state = self.state();
        let sets = changes.iter().flat_map(|change| &change.sets);
        let known = sets.filter_map(|set| {
            let key = (set.name.clone(), set.record_type);
            let endpoint = state.adjusted.remove(&key)?;
            let is_same = endpoint.records(state.ttls.of(&endpoint)) == set.after;
            is_same.then_some((key, endpoint))
        });
        known.collect()
    }

    /// Providers pass over what their filter does not let through, and do not say so.
    fn check_filter(&self, changes: &[Change]) -> Result<(), Failure> {
        let names = changes.iter().flat_map(|change| &change.sets).map(|set| &set.name);
        let left_out = |name: &&Name| self.filter.lets_through(name) == Some(false);
        let Some(name) = names.clone().find(left_out) else { return Ok(()) };
        let line = format!(
            "webhook {}: its domain filter, {}, does not let {name} through; let it serve that name",
            self.client.url(),
            self.filter
        );
        Err(Failure::new(FailureKind::Refused, line))
    }

    async fn read_limits(&self) -> Result<Limits, Failure> {
        let filter = self.client.negotiate().await?;
        let listing = self.look().await?;
        let mut unknown = vec![
            "the protocol of webhooks tells no limits: which names, TTLs and how many records the \
             provider takes, the first write will tell"
                .to_owned(),
        ];
        if filter.serves(&self.zone).is_none() {
            unknown.push(format!(
                "whether its domain filter, {filter}, lets the names of {} through",
                self.zone
            ));
        }
        let sets = listing.len();
        Ok(Limits {
            rights: Some(format!(
                "the webhook may read the zone, {sets} record sets; the first write will prove that it \
                 may write"
            )),
            unknown,
            name_servers: listing.name_servers(&self.zone),
            ..Limits::default()
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_key(endpoints: Vec<Endpoint>) -> impl Iterator<Item = (Key, Endpoint)> {
    endpoints.into_iter().filter_map(|endpoint| Some((endpoint.key()?, endpoint)))
}

impl Provider for WebhookZone {
    fn name(&self) -> String {
        format!("webhook {} at {}", self.zone, self.client.url())
    }

    fn zone(&self) -> &Name {
        &self.zone
    }

    fn adjust<'a>(
        &'a self,
        wanted: &'a [(Name, RecordSet)],
    ) -> BoxFuture<'a, Result<Vec<RecordSet>, Failure>> {
        Box::pin(self.adjust_sets(wanted))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(self.list_sets())
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        changes.len().min(self.state().batches.changes_max())
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.apply_changes(changes))
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(self.read_limits())
    }
}
