//! One mirror from its start to its end: connected, checked before its first write, kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clusters::lease::Holding;
use providers::preflight::{Finding, Severity, judge};
use providers::provider::{Failure, Limits};
use providers::sync::diff::Identity;
use providers::sync::engine::{Engine, Input, Rhythm};
use providers::sync::mirror::{Mirror as State, MirrorSettings};
use providers::sync::permission::Permission;
use providers::sync::progress::Course;
use providers::sync::scope::Scope;
use providers::sync::status::SharedStatus;
use providers::sync::wishes::Wishes;
use providers::throttle::Backoff;
use providers::{Provider, SystemClock};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use super::Key;
use super::connect::Connector;
use super::shown::Mirror;
use super::visible::{Watch, observe};
use crate::delegation::hosted::look_at_hosted;
use crate::delegation::look::Settings;
use crate::leader;
use crate::metrics::{Metrics, MirrorLabels};
use crate::pipeline::unix_now;
use crate::state::guard_file::GuardFile;
use crate::terminal::Bar;

/// Between attempts to reach the provider, and to pass preflight.
const AGAIN: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(300) };

/// Between looks at the parent of a zone, until it leads to the provider.
const PARENT_AGAIN: Duration = Duration::from_secs(3600);

/// How often it is looked whether a connection has trouble.
const TROUBLE_CHECK: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    pub(super) key: Key,
    pub(super) connector: Connector,
    pub(super) wishes: Arc<Wishes>,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) permission: watch::Sender<Permission>,
    pub(super) may_write: watch::Receiver<Permission>,
    pub(super) shown: Arc<Mirror>,
    /// This process at providers.
    pub(super) writer: Arc<str>,
    /// Where a lease decides who writes.
    pub(super) lease: Option<watch::Receiver<Holding>>,
    pub(super) guard: GuardFile,
    /// They look up the parent of the zone; empty for those of the system.
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) metrics: Arc<Metrics>,
}

// === impl Supervisor ===

impl Supervisor {
    pub(super) async fn run(mut self) {
        let Some(provider) = self.connected().await else { return };
        let scope = self.key.scope(provider.zone());
        let settings = MirrorSettings {
            scope: scope.clone(),
            identity: Identity {
                owner: self.key.provider.owner.clone(),
                registry: self.key.provider.registry,
            },
            policy: self.key.provider.policy,
            // A lease excludes other writers, and the claim need not.
            writer: self.lease.is_none().then(|| self.writer.to_string()),
        };
        let Self { key, wishes, inputs, permission, may_write, shown, .. } = self;
        let Self { lease, guard, resolvers, metrics, .. } = self;
        let (engine, status) = Engine::new(
            Arc::clone(&provider),
            // Whether all clusters are known comes with the first wishes.
            State::new(settings, true).with_guard(guard.load(unix_now())),
            wishes,
            inputs,
            may_write,
            Arc::new(SystemClock),
            Rhythm::default(),
        );
        let (provider_kind, zone) = (key.provider.kind.word(), key.zone.to_string());
        let labels = MirrorLabels { provider: provider_kind, zone };
        let (observe, taken) = observe(labels.clone(), metrics.clone());
        let engine = engine.keeping_guard(move |held| guard.save(held)).telling_landed(observe);
        let engine = match Bar::new() {
            Some(bar) => engine.showing_course(move |course| match course {
                Course::At { report, .. } => bar.show(Some(report)),
                Course::Over => bar.show(None),
            }),
            None => engine,
        };
        let (tell_servers, servers) = watch::channel(Vec::new());
        let visible = Watch { mirror: labels, metrics, servers }.run(taken);
        shown.set_connected(status.clone());
        let checked = preflight(&key, &*provider, &scope, &permission, &shown, &status);
        let checked = async {
            let limits = checked.await;
            tell_servers.send_replace(key.asked(&limits.name_servers));
            let permitted = async {
                match lease {
                    None => decide(&permission, Permission::Granted),
                    Some(lease) => follow(&permission, lease).await,
                }
            };
            // A parent that does not answer keeps no write waiting.
            tokio::join!(permitted, look_at_parent(&key, &scope, &limits, resolvers, &shown));
            // The engine goes on until its inputs end.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = engine.run() => {}
            () = checked => {}
            // It ends with the engine that feeds it.
            () = visible => {}
        }
    }

    fn not_connected(&self, reason: &str) {
        if self.shown.set_not_connected(reason.to_owned()) {
            error!(mirror = %self.key.title(), "not connected, tried again: {reason}");
        }
    }

    /// Tries until there is a provider; `None` where the mirror is stopped before.
    async fn connected(&mut self) -> Option<Arc<dyn Provider>> {
        let mut failures = 0;
        loop {
            let connecting = self.connector.connect(&self.key);
            let troubled = async {
                loop {
                    tokio::time::sleep(TROUBLE_CHECK).await;
                    if let Some(trouble) = self.connector.trouble(&self.key) {
                        self.not_connected(&trouble);
                    }
                }
            };
            let connected = tokio::select! {
                connected = connecting => connected,
                never = troubled => never,
            };
            match connected {
                Ok(provider) => return Some(provider),
                Err(failure) => self.not_connected(&failure.line),
            }
            let wait = AGAIN.delay(failures, u64::from(failures));
            failures += 1;
            tokio::select! {
                // Orders find nothing to do yet.
                input = self.inputs.recv() => { input.as_ref()?; }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

/// Returns once nothing is in the way of the mirror, with what the provider allows; looks again until
/// then.
async fn preflight(
    key: &Key,
    provider: &dyn Provider,
    scope: &Scope,
    permission: &watch::Sender<Permission>,
    shown: &Mirror,
    status: &SharedStatus,
) -> Limits {
    let mut failures = 0;
    loop {
        let (findings, limits) = match found(key, provider, scope, status).await {
            Ok(found) => found,
            Err(it) => (vec![Finding::blocking("provider", it.line)], Limits::default()),
        };
        let blocking = findings.iter().find(|it| is_blocking(it)).cloned();
        tell(key, &findings, &shown.set_findings(findings.clone()));
        let Some(blocking) = blocking else {
            return limits;
        };
        decide(permission, Permission::No(format!("preflight: {blocking}")));
        tokio::time::sleep(AGAIN.delay(failures, u64::from(failures))).await;
        failures += 1;
    }
}

async fn found(
    key: &Key,
    provider: &dyn Provider,
    scope: &Scope,
    status: &SharedStatus,
) -> Result<(Vec<Finding>, Limits), Failure> {
    let limits = provider.limits().await?;
    let findings = judge(&limits, scope, key.ttl, None);
    if limits.records_max.is_none() || findings.iter().any(is_blocking) {
        return Ok((findings, limits));
    }
    // Nothing can be written before this is known anyway.
    let plan = status.planned().await;
    Ok((judge(&limits, scope, key.ttl, Some(&plan)), limits))
}

/// Tells whether clients are led to the provider, anew until they are.
async fn look_at_parent(
    key: &Key,
    scope: &Scope,
    limits: &Limits,
    resolvers: Vec<SocketAddr>,
    shown: &Mirror,
) {
    let settings = Settings { resolvers, ..Settings::default() };
    while let Some(finding) = look_at_hosted(&scope.hosted, limits, &settings).await {
        let is_fine = finding.severity == Severity::Fine;
        let mut findings = shown.findings();
        findings.retain(|it| it.subject != finding.subject);
        findings.push(finding);
        tell(key, &findings, &shown.set_findings(findings.clone()));
        if is_fine {
            return;
        }
        tokio::time::sleep(PARENT_AGAIN).await;
    }
}

fn is_blocking(finding: &Finding) -> bool {
    finding.severity == Severity::Blocking
}

/// What is new, in a line each; what is fine, in one line.
fn tell(key: &Key, findings: &[Finding], new: &[Finding]) {
    let mirror = key.title();
    for finding in new {
        match finding.severity {
            Severity::Fine => {}
            Severity::Warning => warn!(%mirror, "preflight: {finding}"),
            Severity::Blocking => error!(%mirror, "preflight, nothing is written: {finding}"),
        }
    }
    let fine = findings.iter().filter(|it| it.severity == Severity::Fine);
    let fine: Vec<&str> = fine.map(|it| it.subject).collect();
    if new.iter().any(|it| it.severity == Severity::Fine) {
        info!(%mirror, "preflight: fine are {}", fine.join(", "));
    }
}

/// Lets the mirror write while the lease is held.
async fn follow(permission: &watch::Sender<Permission>, mut lease: watch::Receiver<Holding>) {
    loop {
        let is_held = matches!(&*lease.borrow_and_update(), Holding::Held { .. });
        let is_known = matches!(&*permission.borrow(), Permission::While(_));
        if !(is_held && is_known) {
            decide(permission, leader::permission(&lease));
        }
        if lease.changed().await.is_err() {
            return;
        }
    }
}

/// A mirror that is stopping is not allowed anything any more.
pub(super) fn decide(permission: &watch::Sender<Permission>, decided: Permission) {
    permission.send_if_modified(|now| {
        let is_new = *now != Permission::Stopping && *now != decided;
        if is_new {
            *now = decided;
        }
        is_new
    });
}
