//! Whether what was written stands there.
//!
//! A provider may answer that all is done where it has passed something over: it runs dry, its filter
//! is another one than it tells, or it sent an alias to a name server before the addresses in its place
//! went, which name servers ignore. So the first write is looked at, and each one that puts another
//! type in a name's place.

use std::collections::BTreeMap;
use std::time::Duration;

use super::WebhookZone;
use crate::provider::{Failure, FailureKind};
use crate::sync::change::{Change, Role, SetChange};
use crate::webhook::changes::{Changes, new_data};
use crate::webhook::listing::Listing;

/// Some providers show what was written a moment later.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];

impl WebhookZone {
    pub(super) async fn prove(&self, changes: &[Change]) -> Result<(), Failure> {
        let is_proven = self.state().is_proven;
        if is_proven && !changes.iter().any(changes_type) {
            return Ok(());
        }
        let (mut listing, mut missing) = self.missing(changes).await?;
        let again = alone(&missing, &listing, changes);
        if !again.is_empty() {
            // The name is free now.
            self.create(&again, &listing).await?;
            (listing, missing) = self.missing(changes).await?;
        }
        let stands = written(changes).any(|set| !is_missing(&listing, set));
        self.state().is_proven |= stands;
        let Some(first) = missing.first() else { return Ok(()) };
        let what = format!(
            "webhook {}: POST /records: answered that all is done, and {} {} of {} that were written does \
             not stand there as it was written",
            self.client.url(),
            first.name,
            first.record_type,
            written(changes).count()
        );
        Err(match stands || is_proven {
            true => Failure::new(FailureKind::Moved, what),
            false => {
                let remedy = "does its provider run dry, or filter domains? Its own log says why";
                Failure::new(FailureKind::Fatal, format!("{what}: {remedy}"))
            }
        })
    }

    /// What does not stand there as it was written, after a last look.
    async fn missing<'a>(
        &self,
        changes: &'a [Change],
    ) -> Result<(Listing, Vec<&'a SetChange>), Failure> {
        let mut found = (Listing::default(), Vec::new());
        for wait in LOOKS {
            self.client.clock().sleep(wait).await;
            let listing = self.look().await?;
            let missing: Vec<&SetChange> =
                written(changes).filter(|set| is_missing(&listing, set)).collect();
            let is_free = !alone(&missing, &listing, changes).is_empty();
            found = (listing, missing);
            if found.1.is_empty() || is_free {
                break;
            }
        }
        Ok(found)
    }

    async fn create(&self, changes: &[Change], listing: &Listing) -> Result<(), Failure> {
        let data: Vec<_> = new_data(changes).collect();
        let adjusted = super::by_key(self.client.adjust(&data).await?).collect::<BTreeMap<_, _>>();
        Ok(self.client.apply(&Changes::new(changes, listing, &adjusted)).await?)
    }
}

/// Sets that are there after the changes.
fn written(changes: &[Change]) -> impl Iterator<Item = &SetChange> {
    changes.iter().flat_map(|change| &change.sets).filter(|set| set.after.is_some())
}

fn is_missing(listing: &Listing, set: &SetChange) -> bool {
    !set.after.as_ref().is_some_and(|after| listing.has_values(&set.name, after))
}

/// True where another type takes a name's place.
fn changes_type(change: &Change) -> bool {
    let of_data = |is_it: fn(&SetChange) -> bool| {
        change.sets.iter().any(|set| set.role == Role::Data && is_it(set))
    };
    of_data(|set| set.before.is_none()) && of_data(|set| set.after.is_none())
}

/// Creations alone of what was passed over at names where another type stood, and nothing does now.
fn alone(missing: &[&SetChange], listing: &Listing, changes: &[Change]) -> Vec<Change> {
    let is_free = |set: &SetChange, change: &Change| {
        let at_name = change.sets.iter().filter(|it| it.name == set.name);
        at_name.into_iter().all(|it| !listing.has(&it.name, it.record_type))
    };
    let creations = changes.iter().filter(|change| changes_type(change)).filter_map(|change| {
        let is_it = |set: &&SetChange| {
            let is_missing = missing.iter().any(|it| std::ptr::eq(*it, *set));
            set.role == Role::Data && is_missing && is_free(set, change)
        };
        let sets: Vec<SetChange> = change.sets.iter().filter(is_it).cloned().collect();
        (!sets.is_empty()).then(|| Change { sets, ..change.clone() })
    });
    creations.collect()
}

#[cfg(test)]
mod tests {
    use model::{Level, Name, Rdata, RecordSet, RecordType};
    use serde_json::json;

    use super::*;
    use crate::sync::change::ChangeKind;
    use crate::webhook::listing::Ttls;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn to_alias() -> Change {
        let a = RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()));
        let alias = RecordSet::single(RecordType::CNAME, 180, Rdata::name(&name("up.example")));
        let set = |record_type, before, after| SetChange {
            name: name("n.example"),
            record_type,
            role: Role::Data,
            before,
            after,
        };
        Change {
            name: name("n.example"),
            level: Level::Global,
            kind: ChangeKind::Update,
            sets: vec![
                set(RecordType::A, Some(a), None),
                set(RecordType::CNAME, None, Some(alias)),
            ],
        }
    }

    fn listing(endpoints: &serde_json::Value) -> Listing {
        let endpoints = serde_json::from_value(endpoints.clone()).unwrap();
        Listing::new(endpoints, &BTreeMap::new(), Ttls::default())
    }

    #[track_caller]
    fn again(endpoints: &serde_json::Value, expect: usize) {
        let changes = [to_alias()];
        let listing = listing(endpoints);
        let missing: Vec<&SetChange> =
            written(&changes).filter(|set| is_missing(&listing, set)).collect();
        assert_eq!(alone(&missing, &listing, &changes).len(), expect, "{endpoints}");
    }

    #[test]
    fn an_alias_that_was_passed_over_is_made_again_once_the_name_is_free() {
        assert!(changes_type(&to_alias()));
        again(&json!([]), 1);
        let address = json!({"dnsName": "n.example", "recordType": "A", "targets": ["192.0.2.1"]});
        again(&json!([address]), 0);
        let alias =
            json!({"dnsName": "n.example", "recordType": "CNAME", "targets": ["up.example"]});
        again(&json!([alias]), 0);
    }
}
