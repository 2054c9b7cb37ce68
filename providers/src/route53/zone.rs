//! A hosted zone as a provider.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_route53::operation::list_resource_record_sets::ListResourceRecordSetsOutput;
use aws_sdk_route53::types::{ChangeAction, ChangeBatch, ResourceRecordSet, RrType};
use futures::future::BoxFuture;
use model::{Name, RecordSet, RecordType};

use super::batch::{self, Respelt};
use super::client::Client;
use super::error::Call;
use super::sets;
use super::zone_id::ZoneId;
use super::zones::{HostedZone, ZoneDetails};
use crate::hosted::HostedSet;
use crate::provider::{Failure, FailureKind, Limits, Provider};
use crate::sync::change::Change;
use crate::txt;

/// A zone of an account.
pub struct Route53Zone {
    client: Arc<Client>,
    zone: HostedZone,
    /// Where the right to change is asked for, by deleting what cannot stand there; `None`: it is not.
    probe: Option<Name>,
    respelt: Mutex<Respelt>,
}

/// Record sets on one page; Route53 has no larger ones.
const PAGE: i32 = 300;
/// Labels of a name (RFC 1035 section 2.3.4), the root left out; Route53 has no other limit.
const LABELS_MAX: usize = 127;
/// No tool writes this.
const PROBE_TEXT: &[u8] = b"fedns asks whether it may delete; this record never stands";

/// Where a listing goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    name: Option<String>,
    record_type: Option<RrType>,
    identifier: Option<String>,
}

// === impl Route53Zone ===

impl Route53Zone {
    /// `probe`: a name of our own at which the right to change is asked for; `None` where nothing may
    /// be deleted.
    pub fn new(client: Arc<Client>, zone: HostedZone, probe: Option<Name>) -> Self {
        Self { client, zone, probe, respelt: Mutex::default() }
    }

    async fn list_sets(&self) -> Result<Vec<HostedSet>, Failure> {
        let mut listed = Vec::new();
        let mut respelt = Respelt::new();
        let mut position = Position::default();
        loop {
            let page = self.page(&position).await?;
            for set in page.resource_record_sets() {
                let Some(hosted) = sets::hosted(set) else { continue };
                if hosted.records().is_some_and(|plain| !sets::is_as_sent(set, plain)) {
                    respelt.insert((hosted.name.clone(), hosted.record_type), set.clone());
                }
                listed.push(hosted);
            }
            if !page.is_truncated() {
                break;
            }
            position = Position::after(&page, &position)?;
        }
        *self.respelt() = respelt;
        Ok(listed)
    }

    async fn page(&self, position: &Position) -> Result<ListResourceRecordSetsOutput, Failure> {
        let Position { name, record_type, identifier } = position.clone();
        let (_permit, sdk) = self.client.admitted().await;
        let request = sdk.list_resource_record_sets().hosted_zone_id(self.zone.id.as_str());
        let request = request.set_start_record_name(name).set_start_record_type(record_type);
        let answer = request.set_start_record_identifier(identifier).max_items(PAGE).send().await;
        answer.map_err(|error| self.call("ListResourceRecordSets").failure(error))
    }

    async fn apply_changes(&self, changes: &[Change]) -> Result<(), Failure> {
        let batch = batch::batch(changes, &self.respelt());
        let batch = batch.map_err(|error| Failure::new(FailureKind::Refused, error.to_string()))?;
        self.send(batch).await?;
        let mut respelt = self.respelt();
        for set in changes.iter().flat_map(|change| &change.sets) {
            respelt.remove(&(set.name.clone(), set.record_type));
        }
        Ok(())
    }

    async fn send(&self, batch: ChangeBatch) -> Result<(), Failure> {
        let (_permit, sdk) = self.client.admitted().await;
        let request = sdk.change_resource_record_sets().hosted_zone_id(self.zone.id.as_str());
        let answer = request.change_batch(batch).send().await;
        let call = self.call("ChangeResourceRecordSets");
        answer.map(|_| ()).map_err(|error| call.failure(error))
    }

    async fn read_limits(&self) -> Result<Limits, Failure> {
        let ZoneDetails { is_private, name_servers, sets, .. } =
            self.client.zone_details(&self.zone.id).await?;
        let mut rights = "the key may read the zone; the first write proves the rest".to_owned();
        if let Some(probe) = &self.probe {
            self.prove_right_to_change(probe).await?;
            rights = format!(
                "the key may read the zone, and may change {probe}, where nothing was changed"
            );
        }
        let (records_max, unknown) = match self.client.sets_max(&self.zone.id).await {
            Ok(max) => (max, Vec::new()),
            Err(failure) => (None, vec![failure.line]),
        };
        let levels = LABELS_MAX.saturating_sub(self.zone.name.label_count());
        Ok(Limits {
            plan: is_private.then(|| "private zone".to_owned()),
            is_private,
            ttl_min: Some(0),
            depth_max: u32::try_from(levels).ok(),
            records_max,
            records: sets,
            counts_sets: true,
            name_servers,
            rights: Some(rights),
            unknown,
            ..Limits::default()
        })
    }

    /// Rights are looked at before contents: whoever may not change is told so, and whoever may is told
    /// that there is nothing to delete.
    async fn prove_right_to_change(&self, name: &Name) -> Result<(), Failure> {
        let set = RecordSet::single(RecordType::TXT, 0, txt::rdata(PROBE_TEXT));
        let step = sets::sent(name, &set).and_then(|set| batch::step(ChangeAction::Delete, set));
        let batch = step.and_then(|step| ChangeBatch::builder().changes(step).build());
        let batch = batch.map_err(|error| Failure::new(FailureKind::Fatal, error.to_string()))?;
        match self.send(batch).await {
            Err(Failure { kind: FailureKind::Moved | FailureKind::Refused, .. }) | Ok(()) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn call(&self, action: &'static str) -> Call<'_> {
        Call { action, zone: Some(&self.zone.id) }
    }

    pub fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    fn respelt(&self) -> MutexGuard<'_, Respelt> {
        self.respelt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Route53Zone {
    fn name(&self) -> String {
        format!("aws-route53 {}", self.zone.name)
    }

    fn zone(&self) -> &Name {
        &self.zone.name
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(self.list_sets())
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        batch::fitting(changes)
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.apply_changes(changes))
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(self.read_limits())
    }
}

// === impl Position ===

impl Position {
    /// A listing that does not move on would never end.
    fn after(page: &ListResourceRecordSetsOutput, before: &Self) -> Result<Self, Failure> {
        let next = Self {
            name: page.next_record_name().map(str::to_owned),
            record_type: page.next_record_type().cloned(),
            identifier: page.next_record_identifier().map(str::to_owned),
        };
        let is_stuck = next.name.is_none() || next == *before || is_first(page, &next);
        match is_stuck {
            false => Ok(next),
            true => {
                let line = "ListResourceRecordSets: the next page begins where this one does; the \
                            listing is not complete, and nothing is changed";
                Err(Failure::new(FailureKind::Later(None), line))
            }
        }
    }
}

fn is_first(page: &ListResourceRecordSetsOutput, next: &Position) -> bool {
    let first: Option<&ResourceRecordSet> = page.resource_record_sets().first();
    first.is_some_and(|set| {
        Some(set.name()) == next.name.as_deref()
            && Some(set.r#type()) == next.record_type.as_ref()
            && set.set_identifier() == next.identifier.as_deref()
    })
}
