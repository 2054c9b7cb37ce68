//! One zone of a name server as a provider.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use model::{Name, RecordSet, RecordType};

use super::client::Client;
use super::error::{Cause, Error, rcode};
use super::update;
use crate::dns_message::{Answer, Record};
use crate::hosted::HostedSet;
use crate::provider::{Failure, FailureKind, Limits, Provider};
use crate::sync::change::Change;

/// Nothing stands there, below a zone that is mirrored; what we may do there, we may do at our names.
const PROBED_LABEL: &[u8] = b"_fedns-rights";
/// What is written most, and the type of markers.
const PROBED_TYPES: [RecordType; 2] = [RecordType::A, RecordType::TXT];
/// Labels of one byte that fit into a name of 255 bytes (RFC 1035 section 2.3.4).
const LABELS_MAX: u32 = 127;

/// A set that was written, and where.
type Written<'a> = (&'a Name, &'a RecordSet);

/// A zone that the server is the primary of.
pub struct Rfc2136Zone {
    client: Arc<Client>,
    zone: Name,
    /// Where rights are tried.
    probed: Name,
    /// How many records one message may have: fewer after one that a slow server had no time for.
    records_max: AtomicUsize,
}

// === impl Rfc2136Zone ===

impl Rfc2136Zone {
    /// `mirrored` is the zone whose names come here: `zone` itself or one below it.
    pub fn new(client: Arc<Client>, zone: Name, mirrored: &Name) -> Self {
        // A name with no room for another label holds none of ours either.
        let probed = mirrored.child(PROBED_LABEL).unwrap_or_else(|_| mirrored.clone());
        Self { client, zone, probed, records_max: AtomicUsize::new(update::RECORDS_MAX) }
    }

    /// The longest zone of the server that holds `mirrored`: what SOA questions lead to.
    pub async fn find(client: &Client, mirrored: &Name) -> Result<Name, Error> {
        let mut name = mirrored.clone();
        let mut refused = None;
        while !name.is_root() {
            let question = [(name.clone(), RecordType::SOA)];
            let answer = match client.ask(&question).await {
                Ok(answers) => answers.into_iter().next(),
                // It has nothing to do with this name, and perhaps with one above.
                Err(error) if error.rcode() == Some(rcode::REFUSED) => {
                    refused.get_or_insert(error);
                    None
                }
                Err(error) => return Err(error),
            };
            match answer.as_ref().map(|answer| (soa_owner(answer), delegation(answer))) {
                Some((Some(zone), _)) if mirrored.is_at_or_below(zone) => return Ok(zone.clone()),
                Some((_, Some(below))) => {
                    let below = below.clone();
                    return Err(client.error(Cause::Delegated { below }));
                }
                _ => {}
            }
            name = name.parent().unwrap_or_else(Name::root);
        }
        Err(refused.unwrap_or_else(|| client.error(Cause::NoZone(mirrored.clone()))))
    }

    async fn apply_all(&self, changes: &[Change]) -> Result<(), Failure> {
        let message = update::message(&self.zone, changes);
        let updated = self.client.update(&self.zone, message).await;
        self.learn_size(&updated);
        if let Err(error) = updated {
            let is_doubtful =
                [rcode::REFUSED, rcode::FORMERR, rcode::NOTIMP].map(Some).contains(&error.rcode());
            // A server that still lets us change something refuses one of these changes.
            if is_doubtful && self.probe().await.is_ok() {
                return Err(Failure::new(FailureKind::Refused, error.to_string()));
            }
            return Err(error.into());
        }
        self.see_it_stand(changes).await.map_err(Failure::from)
    }

    /// A message that is too much for a slow server is halved the next time; what lands doubles it.
    fn learn_size(&self, updated: &Result<(), Error>) {
        let is_silent = |error: &Error| matches!(error.cause, Cause::Silent(_) | Cause::Broken(_));
        let records_max = self.records_max.load(Ordering::Relaxed);
        let next = match updated {
            Ok(()) => records_max.saturating_mul(2).min(update::RECORDS_MAX),
            Err(error) if is_silent(error) => (records_max / 2).max(1),
            Err(_) => records_max,
        };
        self.records_max.store(next, Ordering::Relaxed);
    }

    /// Servers answer NOERROR to what they pass over, so what was written is looked at. What is gone is
    /// not: a wildcard may answer in its place, and deletions are passed over only at the apex.
    ///
    /// Knot DNS passes over an alias that takes the place of addresses where it signs the zone, since
    /// their signatures are there until the message has been carried out. The name is free right
    /// after it, and the alias is added then.
    async fn see_it_stand(&self, changes: &[Change]) -> Result<(), Error> {
        let sets = changes.iter().flat_map(|change| &change.sets);
        let written: Vec<Written<'_>> =
            sets.filter_map(|set| Some((&set.name, set.after.as_ref()?))).collect();
        let mut differing = self.differing(&written).await?;
        let is_alias = |(_, set): &Written<'_>| set.record_type == RecordType::CNAME;
        let aliases: Vec<Written<'_>> = differing.iter().copied().filter(is_alias).collect();
        if !aliases.is_empty() {
            let message = update::aliases(&self.zone, &aliases);
            match self.client.update(&self.zone, message).await {
                Ok(()) => differing = self.differing(&differing).await?,
                // Others stand there.
                Err(error) if error.rcode() == Some(rcode::YXDOMAIN) => {}
                Err(error) => return Err(error),
            }
        }
        match differing.first() {
            None => Ok(()),
            Some((name, set)) => Err(self.client.error(Cause::NotTaken {
                differ: differing.len(),
                written: written.len(),
                first: format!("{name} {}", set.record_type),
            })),
        }
    }

    /// Those of the sets that do not stand as they were written.
    async fn differing<'a>(&self, written: &[Written<'a>]) -> Result<Vec<Written<'a>>, Error> {
        if written.is_empty() {
            return Ok(Vec::new());
        }
        let questions: Vec<(Name, RecordType)> =
            written.iter().map(|(name, set)| ((*name).clone(), set.record_type)).collect();
        let answers = self.client.ask(&questions).await?;
        let is_answer = |it: &&Answer| [rcode::NOERROR, rcode::NXDOMAIN].contains(&it.rcode);
        if let Some(refusal) = answers.iter().find(|it| !is_answer(it)) {
            return Err(self.client.refusal(refusal, &self.zone));
        }
        let differs = |((name, set), answer): &(&Written<'a>, &Answer)| {
            answered(answer, name, set).as_ref() != Some(*set)
        };
        let differing = written.iter().zip(&answers).filter(differs);
        Ok(differing.map(|(written, _)| *written).collect())
    }

    /// Changes nothing and yet needs the right to change.
    async fn probe(&self) -> Result<(), Error> {
        let message = update::rights_probe(&self.zone, &self.probed, &PROBED_TYPES);
        self.client.update(&self.zone, message).await
    }

    async fn read_limits(&self) -> Result<Limits, Failure> {
        let questions = [RecordType::SOA, RecordType::NS].map(|it| (self.zone.clone(), it));
        let answers = self.client.ask(&questions).await?;
        if answers.first().and_then(soa_owner) != Some(&self.zone) {
            return Err(self.client.error(Cause::NoZone(self.zone.clone())).into());
        }
        self.client.try_transfer(&self.zone).await?;
        let (mut rights, mut unknown) = (None, Vec::new());
        match self.probe().await {
            Ok(()) => {
                rights = Some(format!(
                    "the key may transfer the zone, and may update {}, where nothing was changed",
                    self.probed
                ));
            }
            Err(error) if error.rcode() == Some(rcode::YXRRSET) => unknown.push(format!(
                "whether the key may update {}: something stands at {}",
                self.zone, self.probed
            )),
            Err(error) => return Err(error.into()),
        }
        let labels = u32::try_from(self.zone.label_count()).unwrap_or(LABELS_MAX);
        Ok(Limits {
            ttl_min: Some(0),
            depth_max: Some(LABELS_MAX.saturating_sub(labels)),
            name_servers: answers
                .iter()
                .flat_map(|answer| name_servers(answer, &self.zone))
                .collect(),
            // The signatures that were verified hold times.
            clock_ahead: answers.first().and_then(|answer| self.client.ahead_of(answer)),
            rights,
            unknown,
            ..Limits::default()
        })
    }
}

impl Provider for Rfc2136Zone {
    fn name(&self) -> String {
        format!("rfc2136 {} at {}", self.zone, self.client.server())
    }

    fn zone(&self) -> &Name {
        &self.zone
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(async { Ok(self.client.transfer(&self.zone).await?) })
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        update::fitting(&self.zone, changes, self.records_max.load(Ordering::Relaxed))
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.apply_all(changes))
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(self.read_limits())
    }
}

// === pure helpers ===

/// The set as the answer has it.
fn answered(answer: &Answer, name: &Name, set: &RecordSet) -> Option<RecordSet> {
    let is_it = |it: &&Record| it.name == *name && it.record_type == set.record_type;
    let records: Vec<&Record> = answer.answers.iter().filter(is_it).collect();
    let ttl = records.first()?.ttl;
    RecordSet::new(set.record_type, ttl, records.into_iter().map(|it| it.rdata.clone()))
}

/// The zone that the answer comes from.
fn soa_owner(answer: &Answer) -> Option<&Name> {
    let records = answer.answers.iter().chain(&answer.authority);
    let soa = records.into_iter().find(|record| record.record_type == RecordType::SOA)?;
    answer.is_authoritative.then_some(&soa.name)
}

/// The name that the answer refers to other servers for.
fn delegation(answer: &Answer) -> Option<&Name> {
    let refers = !answer.is_authoritative && answer.answers.is_empty();
    let name_server = answer.authority.iter().find(|it| it.record_type == RecordType::NS);
    name_server.filter(|it| refers && !it.name.is_root()).map(|it| &it.name)
}

fn name_servers(answer: &Answer, zone: &Name) -> BTreeSet<Name> {
    let is_it = |it: &&Record| it.name == *zone && it.record_type == RecordType::NS;
    answer.answers.iter().filter(is_it).filter_map(|it| it.rdata.as_name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::rfc2136::tsig::{Algorithm, TsigKey};
    use crate::rfc2136::{Client, Server};

    #[test]
    fn messages_shrink_for_a_slow_server_and_grow_again() {
        let name = Name::parse("example.com").unwrap();
        let key = TsigKey::new(name.clone(), Algorithm::HmacSha256, vec![1]);
        let server = Server { host: "127.0.0.1".into(), port: 1 };
        let client = Arc::new(Client::new(server, key, Arc::new(SystemClock)));
        let zone = Rfc2136Zone::new(Arc::clone(&client), name.clone(), &name);
        let silent = || Err(client.error(Cause::Silent(std::time::Duration::from_secs(10))));
        let away = || Err(client.error(Cause::Unreachable("refused".into())));
        for (updated, expect) in [
            (silent(), 500),
            (away(), 500),
            (silent(), 250),
            (Ok(()), 500),
            (Ok(()), 1_000),
            (Ok(()), 1_000),
        ] {
            zone.learn_size(&updated);
            assert_eq!(zone.records_max.load(Ordering::Relaxed), expect);
        }
        (0..20).for_each(|_| zone.learn_size(&silent()));
        assert_eq!(zone.records_max.load(Ordering::Relaxed), 1);
    }
}
