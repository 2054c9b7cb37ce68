//! One AliDNS domain as a provider: record sets there and back.
//!
//! AliDNS has no sets and no transactions. A set changes record by record, so that no moment is without
//! any: first records that stay get another value in place, then new ones are added, then old ones are
//! deleted. From addresses to an alias: all but one are deleted, and the last one becomes the alias.

mod calls;
mod rows;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use model::Name;

use super::client::Client;
use super::domain::host_record;
use super::error::{Class, Error};
use super::records::{Record, RecordId};
use crate::hosted::HostedSet;
use crate::provider::{Failure, FailureKind, Limits, Provider};
use crate::sync::change::Change;
use rows::SetKey;

/// A domain of an account.
pub struct AliDnsZone {
    client: Arc<Client>,
    domain: Name,
    standing: Mutex<Standing>,
}

/// What was seen to stand.
#[derive(Default)]
struct Standing {
    /// With the ids, since a change names them.
    records: BTreeMap<SetKey, Vec<Record>>,
    listed_at: Option<Instant>,
}

/// So long after a listing nothing is looked at again before it is changed.
const FRESH: Duration = Duration::from_secs(30);

// === impl AliDnsZone ===

impl AliDnsZone {
    /// `domain` is the hosted one: the zone that is mirrored, or one above it.
    pub fn new(client: Arc<Client>, domain: Name) -> Self {
        Self { client, domain, standing: Mutex::default() }
    }

    async fn list_sets(&self) -> Result<Vec<HostedSet>, Error> {
        let records = self.client.list_records(&self.domain).await?;
        let (sets, standing) = rows::sets(&self.domain, records);
        *self.lock() = Standing { records: standing, listed_at: Some(Instant::now()) };
        Ok(sets)
    }

    async fn apply_change(&self, change: &Change) -> Result<(), Error> {
        self.look_again(change).await?;
        for group in calls::groups(&self.domain, change) {
            let standing = group.keys.iter().flat_map(|key| self.standing(key)).collect();
            for call in calls::calls(standing, &group.wanted) {
                self.carry_out(call).await?;
            }
        }
        Ok(())
    }

    /// AliDNS changes records whatever they say by now, so that what somebody else has put there since the
    /// listing would be lost: one call tells.
    async fn look_again(&self, change: &Change) -> Result<(), Error> {
        let is_fresh = self.lock().listed_at.is_some_and(|at| at.elapsed() < FRESH);
        let Some(rr) = host_record(&change.name, &self.domain).filter(|_| !is_fresh) else {
            return Ok(());
        };
        let records = self.client.list_records_containing(&self.domain, &rr).await?;
        let (_, found) = rows::sets(&self.domain, records);
        let keys = change.sets.iter().map(|it| SetKey::new(&self.domain, &it.name, it.record_type));
        // A marker with a hashed label does not contain the name's own.
        for key in keys.filter(|key| key.contains(&rr)) {
            let mut known = self.standing(&key);
            let mut found = found.get(&key).cloned().unwrap_or_default();
            known.sort_by(|one, other| one.id.cmp(&other.id));
            found.sort_by(|one, other| one.id.cmp(&other.id));
            let is_same = |one: &Record, other: &Record| {
                (&one.id, &one.fields, one.enabled, one.locked)
                    == (&other.id, &other.fields, other.enabled, other.locked)
            };
            let are_same = known.len() == found.len()
                && known.iter().zip(&found).all(|(one, other)| is_same(one, other));
            if !are_same {
                return Err(Error::StandsOtherwise {
                    action: "DescribeDomainRecords",
                    record: key.to_string(),
                    difference: "somebody else has changed it".into(),
                });
            }
        }
        Ok(())
    }

    async fn carry_out(&self, call: calls::Step) -> Result<(), Error> {
        match call {
            calls::Step::Update { id, before, after } => {
                self.client.update_record(&self.domain, &id, &after).await?;
                self.forget(&id, &SetKey::of(&before));
                self.remember(id, after);
            }
            calls::Step::Add(fields) => {
                let id = self.client.add_record(&self.domain, &fields).await?;
                self.remember(id, fields);
            }
            calls::Step::Delete { id, before } => {
                self.client.delete_record(&id).await?;
                self.forget(&id, &SetKey::of(&before));
            }
        }
        Ok(())
    }

    fn standing(&self, key: &SetKey) -> Vec<Record> {
        self.lock().records.get(key).cloned().unwrap_or_default()
    }

    fn remember(&self, id: RecordId, fields: super::records::RecordFields) {
        let record = Record { id, fields, enabled: true, locked: false, remark: None };
        self.lock().records.entry(SetKey::of(&record.fields)).or_default().push(record);
    }

    fn forget(&self, id: &RecordId, key: &SetKey) {
        if let Some(records) = self.lock().records.get_mut(key) {
            records.retain(|record| record.id != *id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for AliDnsZone {
    fn name(&self) -> String {
        format!("alidns {}", self.domain)
    }

    fn zone(&self) -> &Name {
        &self.domain
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(async { self.list_sets().await.map_err(failure) })
    }

    /// Without transactions a failure would leave more than one change undone.
    fn fitting(&self, _changes: &[Change]) -> usize {
        1
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            for change in changes {
                self.apply_change(change).await.map_err(failure)?;
            }
            Ok(())
        })
    }

    fn trouble(&self) -> Option<String> {
        self.client.trouble()
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(async {
            let plan = self.client.plan_limits(&self.domain).await.map_err(failure)?;
            Ok(rows::limits(plan, self.client.clock_skew()))
        })
    }
}

fn failure(error: Error) -> Failure {
    let kind = match error.class() {
        Class::Retry => FailureKind::Later(error.retry_after()),
        Class::Conflict | Class::Gone | Class::AlreadySo => FailureKind::Moved,
        Class::Quota => FailureKind::Refused,
        Class::Fatal if is_about_the_record(&error) => FailureKind::Refused,
        Class::Fatal => FailureKind::Fatal,
    };
    Failure::new(kind, error.to_string())
}

/// Refusals of a value, where other records may well land.
fn is_about_the_record(error: &Error) -> bool {
    const OF_RECORDS: [&str; 5] =
        ["InvalidRR.", "SubDomainInvalid.", "QuotaExceeded.", "UnsupportedLine", "Record.Invalid"];
    error.code().is_some_and(|code| OF_RECORDS.iter().any(|prefix| code.starts_with(prefix)))
}
