//! One among several: a Lease in a cluster says who (`coordination.k8s.io/v1`).
//!
//! ```text
//! [ standby ] -- free, or not renewed for its duration --> [ held ] -- released, or lost --> [ standby ]
//! ```
//!
//! Times of other machines are never compared: a lease has run out when it has not changed for its
//! duration on this machine's clock, which goes on while the machine sleeps.
//!
//! Beside its holder's name a lease carries what one holder leaves to the next ([`Carried`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::{Notify, oneshot, watch};

use crate::access::Connection;
use crate::boot_time::BootTime;
use crate::definition::Access;
use crate::failure::Failure;

/// How long a lease is good without being renewed.
const DURATION: Duration = Duration::from_secs(15);
/// How long after a renewal was begun its holder may act on it.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Between two renewals, and between two looks at the lease of another.
const RETRY: Duration = Duration::from_secs(2);
/// For one request.
const LIMIT: Duration = Duration::from_secs(5);

/// Which lease, and who asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaseSettings {
    pub access: Access,
    pub namespace: String,
    pub name: String,
    /// This process among all that ask.
    pub identity: String,
}

/// Who may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// This process, until then.
    Held { until: BootTime },
    /// Another one, or it is not known; in words for people.
    Standby { why: String },
}

/// What becomes of a lease that is held when its holder stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leave {
    /// Whoever waits for it may take it at once.
    #[default]
    Free,
    /// It is renewed once more and stays as it is, for another process of the same identity. All others wait
    /// until it has run out.
    ToSuccessor,
}

/// Annotations of the lease.
pub type Annotations = BTreeMap<String, String>;

/// When the holder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This process becomes the holder, or is it again after it was not sure.
    Taken,
    Renewed,
    /// The last time: whoever comes next finds all of it used up.
    Released,
}

/// What a lease carries from one holder to the next, as annotations. All calls come from one task.
pub trait Carried: Send {
    /// What is to be written now, in place of what was `found`. Annotations of other keys stay.
    fn write(&mut self, found: &Annotations, moment: Moment) -> Annotations;
    /// What was asked for last stands in the lease.
    fn written(&mut self, moment: Moment);
    /// Another process holds the lease, and this stands in it.
    fn seen(&mut self, found: &Annotations);
    /// This process is not the holder any more, as far as it knows.
    fn lost(&mut self);
    /// Wakes for a renewal before its time.
    fn wake(&self) -> Arc<Notify>;
}

/// The lease as it was seen last, and when it was seen to change.
struct Observed {
    spec: LeaseSpec,
    at: BootTime,
}

/// What a look at the lease came to.
#[derive(Debug)]
enum Look {
    Held,
    Other { holder: String },
}

/// Asks for the lease until it is told by `stop` how to leave it; dropped, it gives the lease back.
///
/// What is left to a successor may be acted on until its deadline, though not by this task.
///
/// # Errors
///
/// The lease was held and could not be left that way: who waits takes over after it has run out.
pub async fn hold(
    settings: LeaseSettings,
    holding: watch::Sender<Holding>,
    carried: impl Carried,
    mut stop: oneshot::Receiver<Leave>,
) -> Result<(), String> {
    let wake = carried.wake();
    let mut candidate =
        Candidate { settings, carried, connection: None, observed: None, is_holder: false };
    let leave = loop {
        let begun = BootTime::now();
        match tokio::time::timeout(LIMIT, candidate.look()).await {
            Ok(Ok(Look::Held)) => {
                holding.send_replace(Holding::Held { until: begun.plus(RENEW_DEADLINE) });
            }
            Ok(Ok(Look::Other { holder })) => {
                candidate.is_holder = false;
                tell(&holding, format!("standby: {holder} writes"));
            }
            Ok(Err(why)) => candidate.lost(&holding, why),
            Err(_) => candidate.lost(&holding, no_answer()),
        }
        tokio::select! {
            leave = &mut stop => break leave.unwrap_or_default(),
            () = tokio::time::sleep(RETRY) => {}
            () = wake.notified() => {}
        }
    };
    let was_held = matches!(&*holding.borrow(), Holding::Held { .. });
    if !(was_held && leave == Leave::ToSuccessor) {
        holding.send_replace(Holding::Standby { why: "stopping".into() });
    }
    if !was_held {
        return Ok(());
    }
    let begun = BootTime::now();
    let left = tokio::time::timeout(LIMIT, candidate.leave(leave)).await;
    let is_ours = left.unwrap_or_else(|_| Err(no_answer()))?;
    if leave == Leave::ToSuccessor {
        holding.send_replace(match is_ours {
            true => Holding::Held { until: begun.plus(RENEW_DEADLINE) },
            false => Holding::Standby { why: "stopping".into() },
        });
    }
    Ok(())
}

fn no_answer() -> String {
    format!("no answer within {} s", LIMIT.as_secs())
}

fn tell(holding: &watch::Sender<Holding>, why: String) {
    let standby = Holding::Standby { why };
    holding.send_if_modified(|now| {
        let is_new = *now != standby;
        *now = standby;
        is_new
    });
}

struct Candidate<C> {
    settings: LeaseSettings,
    carried: C,
    connection: Option<Connection>,
    observed: Option<Observed>,
    /// The lease was written in this run, and nobody else was seen to have it since.
    is_holder: bool,
}

// === impl Candidate ===

impl<C: Carried> Candidate<C> {
    /// A lease that was held may be acted on until its deadline, whatever happens to its cluster.
    fn lost(&mut self, holding: &watch::Sender<Holding>, why: String) {
        let still_held =
            matches!(&*holding.borrow(), Holding::Held { until } if !until.has_passed());
        if !still_held {
            if std::mem::take(&mut self.is_holder) {
                self.carried.lost();
            }
            tell(holding, format!("the lease cannot be had: {why}"));
        }
    }

    async fn api(&mut self) -> Result<Api<Lease>, String> {
        if self.connection.as_ref().is_none_or(Connection::is_outdated) {
            let connection = Connection::new(&self.settings.access).await;
            self.connection = Some(connection.map_err(|error| error.to_string())?);
        }
        let connection = self.connection.as_ref().ok_or("no connection")?;
        Ok(Api::namespaced(connection.client.clone(), &self.settings.namespace))
    }

    /// Renews the lease, takes one that is free, or says who has it.
    async fn look(&mut self) -> Result<Look, String> {
        let api = self.api().await?;
        let request = format!("get lease {}/{}", self.settings.namespace, self.settings.name);
        let found = api.get_opt(&self.settings.name).await;
        let found = found.map_err(|error| Failure::new(&request, &error).to_string())?;
        let Some(lease) = found else {
            let lease = self.wanted(ObjectMeta::default(), 0, Moment::Taken);
            let result = api.create(&PostParams::default(), &lease).await;
            return self.written(result, "create", Moment::Taken);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        let is_ours = holder == self.settings.identity;
        if !is_ours && !holder.is_empty() && !self.has_run_out(&spec) {
            self.carried.seen(&lease.metadata.annotations.unwrap_or_default());
            return Ok(Look::Other { holder });
        }
        let moment = if is_ours && self.is_holder { Moment::Renewed } else { Moment::Taken };
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(!is_ours);
        let mut wanted = self.wanted(lease.metadata, transitions, moment);
        if let (true, Some(wanted)) = (is_ours, wanted.spec.as_mut()) {
            wanted.acquire_time = spec.acquire_time;
        }
        let result = api.replace(&self.settings.name, &PostParams::default(), &wanted).await;
        self.written(result, "update", moment)
    }

    /// A conflict means that somebody else was faster.
    fn written(
        &mut self,
        result: kube::Result<Lease>,
        verb: &str,
        moment: Moment,
    ) -> Result<Look, String> {
        match result {
            Ok(_) => {
                self.is_holder = true;
                self.carried.written(moment);
                Ok(Look::Held)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {
                self.observed = None;
                Ok(Look::Other { holder: "another process".into() })
            }
            Err(error) => {
                let LeaseSettings { namespace, name, .. } = &self.settings;
                Err(Failure::new(&format!("{verb} lease {namespace}/{name}"), &error).to_string())
            }
        }
    }

    /// True once another's lease has not changed for its duration.
    fn has_run_out(&mut self, spec: &LeaseSpec) -> bool {
        let seconds = spec.lease_duration_seconds.and_then(|it| u64::try_from(it).ok());
        let duration = seconds.map_or(DURATION, Duration::from_secs);
        match &self.observed {
            Some(observed) if observed.spec == *spec => observed.at.plus(duration).has_passed(),
            _ => {
                self.observed = Some(Observed { spec: spec.clone(), at: BootTime::now() });
                false
            }
        }
    }

    /// In place of the lease with this metadata.
    fn wanted(&mut self, found: ObjectMeta, transitions: i32, moment: Moment) -> Lease {
        let annotations = self.annotations(found.annotations, moment);
        let LeaseSettings { name, identity, .. } = &self.settings;
        let now = MicroTime(Timestamp::now());
        Lease {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                resource_version: found.resource_version,
                labels: found.labels,
                annotations,
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(identity.clone()),
                lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
                acquire_time: Some(now.clone()),
                renew_time: Some(now),
                lease_transitions: Some(transitions),
                ..LeaseSpec::default()
            }),
        }
    }

    fn annotations(&mut self, found: Option<Annotations>, moment: Moment) -> Option<Annotations> {
        let mut annotations = found.unwrap_or_default();
        let ours = self.carried.write(&annotations, moment);
        annotations.extend(ours);
        (!annotations.is_empty()).then_some(annotations)
    }

    /// The last write, if the lease is still ours; says whether it was.
    async fn leave(&mut self, leave: Leave) -> Result<bool, String> {
        let api = self.api().await?;
        let failed = |error: kube::Error| error.to_string();
        let Some(mut lease) = api.get_opt(&self.settings.name).await.map_err(failed)? else {
            return Ok(false);
        };
        let identity = Some(self.settings.identity.as_str());
        let Some(spec) = lease.spec.as_mut().filter(|it| it.holder_identity.as_deref() == identity)
        else {
            return Ok(false);
        };
        match leave {
            Leave::Free => spec.holder_identity = Some(String::new()),
            Leave::ToSuccessor => spec.renew_time = Some(MicroTime(Timestamp::now())),
        }
        let found = lease.metadata.annotations.take();
        lease.metadata.annotations = self.annotations(found, Moment::Released);
        lease.metadata.managed_fields = None;
        api.replace(&self.settings.name, &PostParams::default(), &lease).await.map_err(failed)?;
        Ok(true)
    }
}
