//! A zone as a provider.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use google_cloud_dns_v1::model as wire;
use google_cloud_dns_v1::model::change::Status;
use google_cloud_dns_v1::model::changes::list_request::SortBy;
use model::Name;

use super::batch::{self, Respelt};
use super::client::Client;
use super::error::Call;
use super::quota::Quota;
use super::rights;
use super::sets;
use super::zone_id::ZoneId;
use super::zones::{ManagedZone, is_public, next_page};
use crate::hosted::HostedSet;
use crate::provider::{Failure, FailureKind, Limits, Provider};
use crate::sync::change::{Change, Policy};

/// A zone of a project.
pub struct CloudDnsZone {
    client: Arc<Client>,
    zone: ManagedZone,
    /// What is done to the zone, and so which rights are needed.
    policy: Policy,
    quota: Quota,
    /// Why the quota is not the project's own but the usual one.
    quota_unknown: Option<String>,
    /// False where a change may be under way that we do not know of: after a start, and after a call whose
    /// outcome is not known. What it will change is not listed yet.
    is_settled: AtomicBool,
    listed: Mutex<Listed>,
    /// Held while the zone is listed: preflight and the mirror begin together, and need one listing.
    listing: tokio::sync::Mutex<()>,
}

/// What the last listing told.
#[derive(Default)]
struct Listed {
    respelt: Respelt,
    /// How many sets there were.
    count: Option<u64>,
    /// A listing that only preflight has seen, for the one who lists next.
    unused: Option<(Instant, Vec<HostedSet>)>,
}

/// Labels of a name (RFC 1035 section 2.3.4), the root left out; Cloud DNS has no other limit.
const LABELS_MAX: usize = 127;
/// How soon it is asked first whether a change is done, and how seldom later.
const POLL_FIRST: Duration = Duration::from_millis(100);
const POLL_LONGEST: Duration = Duration::from_secs(5);
/// A change that takes longer is looked at again with the next listing.
const PENDING_MAX: Duration = Duration::from_secs(120);
/// How old a listing of preflight may be.
const UNUSED_MAX: Duration = Duration::from_secs(60);

// === impl CloudDnsZone ===

impl CloudDnsZone {
    /// Asks what the project allows; where the account may not know that, the usual is taken.
    pub async fn open(
        client: Arc<Client>,
        zone: ManagedZone,
        policy: Policy,
    ) -> Result<Self, Failure> {
        let (quota, quota_unknown) = match client.quota().await {
            Ok(quota) => (quota, None),
            Err(Failure { kind: FailureKind::Fatal, line }) => (Quota::default(), Some(line)),
            Err(failure) => return Err(failure),
        };
        let is_settled = AtomicBool::new(false);
        let (listed, listing) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { client, zone, policy, quota, quota_unknown, is_settled, listed, listing })
    }

    pub fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    async fn list_sets(&self) -> Result<Vec<HostedSet>, Failure> {
        let _listing = self.listing.lock().await;
        if let Some((at, listing)) = self.listed().unused.take()
            && self.client.clock().monotonic().saturating_duration_since(at) < UNUSED_MAX
        {
            return Ok(listing);
        }
        self.read_sets().await
    }

    async fn read_sets(&self) -> Result<Vec<HostedSet>, Failure> {
        self.settle().await?;
        let mut listing = Vec::new();
        let mut respelt = Respelt::new();
        let mut seen = BTreeSet::new();
        let mut count = 0;
        let mut token = None;
        loop {
            let page = self.page(token.clone()).await?;
            for set in &page.rrsets {
                count += 1;
                let Some(hosted) = sets::hosted(set) else { continue };
                let key = (hosted.name.clone(), hosted.record_type);
                if let Some(plain) = hosted.records() {
                    if !seen.insert(key.clone()) {
                        return Err(self.torn(&key.0));
                    }
                    let repeated = sets::repeated(set);
                    if repeated != sets::sent(&hosted.name, plain) {
                        respelt.insert(key, repeated);
                    }
                }
                listing.push(hosted);
            }
            let call = self.call("resourceRecordSets.list");
            token = next_page(call, page.next_page_token, token)?;
            if token.is_none() {
                break;
            }
        }
        *self.listed() = Listed { respelt, count: Some(count), unused: None };
        Ok(listing)
    }

    /// Pages are no snapshot.
    fn torn(&self, name: &Name) -> Failure {
        let line = format!(
            "resourceRecordSets.list: {name} was listed twice: somebody changes the zone, which is listed \
             anew"
        );
        Failure::new(FailureKind::Later(None), line)
    }

    async fn page(
        &self,
        token: Option<String>,
    ) -> Result<wire::ResourceRecordSetsListResponse, Failure> {
        let (_permit, services) = self.client.admitted().await;
        let request = services.sets.list().set_project(self.client.project());
        let request = request.set_managed_zone(self.zone.id.as_str());
        let answer = request.set_or_clear_page_token(token).send().await;
        answer.map_err(|error| self.call("resourceRecordSets.list").failure(error))
    }

    async fn apply_changes(&self, changes: &[Change]) -> Result<(), Failure> {
        let change = batch::change(changes, &self.listed().respelt);
        self.is_settled.store(false, Ordering::Relaxed);
        match self.send(change).await {
            Ok(accepted) => self.finish(accepted).await?,
            Err(failure) => {
                // What is refused is not under way.
                let is_refused = !matches!(failure.kind, FailureKind::Later(_));
                self.is_settled.store(is_refused, Ordering::Relaxed);
                return Err(failure);
            }
        }
        self.is_settled.store(true, Ordering::Relaxed);
        let mut listed = self.listed();
        for set in changes.iter().flat_map(|change| &change.sets) {
            listed.respelt.remove(&(set.name.clone(), set.record_type));
        }
        Ok(())
    }

    async fn send(&self, change: wire::Change) -> Result<wire::Change, Failure> {
        let (_permit, services) = self.client.admitted().await;
        let request = services.changes.create().set_project(self.client.project());
        let answer = request.set_managed_zone(self.zone.id.as_str()).set_body(change).send().await;
        answer.map_err(|error| self.call("changes.create").failure(error))
    }

    /// Waits until nothing is under way that a listing would not show yet.
    async fn settle(&self) -> Result<(), Failure> {
        if self.is_settled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let newest = {
            let (_permit, services) = self.client.admitted().await;
            let request = services.changes.list().set_project(self.client.project());
            let request = request.set_managed_zone(self.zone.id.as_str()).set_max_results(1);
            let request = request.set_sort_by(SortBy::ChangeSequence).set_sort_order("descending");
            let answer = request.send().await;
            answer.map_err(|error| self.call("changes.list").failure(error))?.changes.pop()
        };
        if let Some(newest) = newest {
            self.finish(newest).await?;
        }
        self.is_settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until a change is done.
    async fn finish(&self, mut change: wire::Change) -> Result<(), Failure> {
        let clock = self.client.clock();
        let begin = clock.monotonic();
        let mut pause = POLL_FIRST;
        while !is_done(&change) {
            let id = change.id.clone().unwrap_or_default();
            if clock.monotonic().saturating_duration_since(begin) >= PENDING_MAX {
                let line = format!(
                    "changes.get: change {id} is not carried out after {} s; it is looked at again later",
                    PENDING_MAX.as_secs()
                );
                return Err(Failure::new(FailureKind::Later(None), line));
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(POLL_LONGEST);
            let (_permit, services) = self.client.admitted().await;
            let request = services.changes.get().set_project(self.client.project());
            let request = request.set_managed_zone(self.zone.id.as_str()).set_change_id(id);
            let answer = request.send().await;
            change = answer.map_err(|error| self.call("changes.get").failure(error))?;
        }
        Ok(())
    }

    async fn read_limits(&self) -> Result<Limits, Failure> {
        let details = self.client.zone_details(&self.zone.id).await?;
        let mut unknown: Vec<String> = self.quota_unknown.iter().cloned().collect();
        let rights = match rights::lacking(&self.client, &self.zone, self.policy).await {
            Ok(lacking) if lacking.is_empty() => {
                Some(format!("the account may read zone {} and change it", self.zone.id))
            }
            Ok(lacking) => return Err(self.without_rights(&lacking)),
            Err(failure) => {
                unknown.push(format!("rights, which the first write proves: {failure}"));
                None
            }
        };
        let levels = LABELS_MAX.saturating_sub(self.zone.name.label_count());
        let is_private = !is_public(&details);
        let name_servers = details.name_servers.iter().filter_map(|it| Name::parse(it).ok());
        Ok(Limits {
            plan: is_private.then(|| "private zone".to_owned()),
            is_private,
            ttl_min: Some(0),
            depth_max: u32::try_from(levels).ok(),
            addresses_max: self.quota.records_max,
            records_max: self.quota.sets_max,
            counts_sets: true,
            records: Some(self.count_sets().await?),
            name_servers: name_servers.collect(),
            rights,
            unknown,
            clock_ahead: self.client.clock_ahead().await,
            ..Limits::default()
        })
    }

    fn without_rights(&self, lacking: &[&str]) -> Failure {
        let line = format!(
            "the account lacks {} in zone {} of project {}; grant it roles/dns.admin there",
            lacking.join(", "),
            self.zone.id,
            self.client.project()
        );
        Failure::new(FailureKind::Fatal, line)
    }

    /// How many sets there are, by the last listing; where this is the first, whoever lists next need not
    /// ask again.
    async fn count_sets(&self) -> Result<u64, Failure> {
        let _listing = self.listing.lock().await;
        if let Some(count) = self.listed().count {
            return Ok(count);
        }
        let listing = self.read_sets().await?;
        let now = self.client.clock().monotonic();
        let mut listed = self.listed();
        listed.unused = Some((now, listing));
        Ok(listed.count.unwrap_or_default())
    }

    fn call(&self, action: &'static str) -> Call<'_> {
        self.client.call(action, Some(&self.zone.id))
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_done(change: &wire::Change) -> bool {
    // What has no state is not on its way.
    !matches!(change.status, Some(Status::Pending))
}

impl Provider for CloudDnsZone {
    fn name(&self) -> String {
        format!("google-clouddns {}", self.zone.name)
    }

    fn zone(&self) -> &Name {
        &self.zone.name
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(self.list_sets())
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        batch::fitting(changes, &self.quota)
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.apply_changes(changes))
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(self.read_limits())
    }
}
