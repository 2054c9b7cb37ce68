//! The members' credentials, renewed by the one process that writes, and only of members that are Ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clusters::federation::members::{FoundMember, MemberStanding, Members};
use clusters::federation::rotation::{HeldCredential, RenewError, Renewal};
use clusters::lease::Holding;
use clusters::{Access, Connection, KubeconfigAccess, MemberAccess};
use futures::future::join_all;
use kube::Client;
use model::{ClusterName, UnixTime};
use propagator::Standing;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::member_status::connected;
use crate::pipeline::unix_now;

/// Between two looks at what is due. Looking costs no call.
const PERIOD: Duration = Duration::from_secs(10);
/// Before the next try after a first failure; after each further one twice as long.
const RETRY: Duration = Duration::from_secs(60);
/// Where no repetition helps until somebody grants something, and the longest wait otherwise.
const RETRY_MAX: Duration = Duration::from_secs(60 * 60);

/// Why credentials are not renewed, one line a member.
pub type Problems = Arc<BTreeMap<ClusterName, String>>;

pub struct RotationSettings {
    pub host: KubeconfigAccess,
    /// Of the control plane in the host.
    pub namespace: String,
}

pub struct Rotation {
    settings: RotationSettings,
    members: watch::Receiver<Members>,
    /// What is said of each member's contact.
    standings: watch::Receiver<propagator::Members>,
    holding: watch::Receiver<Holding>,
    problems: watch::Sender<Problems>,
    host: Option<Connection>,
    notes: BTreeMap<ClusterName, Note>,
}

/// What came of a member's credential so far, as long as it stays the same.
struct Note {
    held: HeldCredential,
    failures: u32,
    not_before: Option<Instant>,
    problem: Option<String>,
    /// Nothing stands in the member beside it.
    is_alone: bool,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Renew,
    RemoveUnused,
}

/// What is to be done about one member.
struct Due {
    cluster: ClusterName,
    held: HeldCredential,
    access: MemberAccess,
    task: Task,
}

type Outcome = Result<Vec<String>, RenewError>;

// === impl Rotation ===

impl Rotation {
    pub fn new(
        settings: RotationSettings,
        members: watch::Receiver<Members>,
        standings: watch::Receiver<propagator::Members>,
        holding: watch::Receiver<Holding>,
    ) -> Self {
        Self {
            settings,
            members,
            standings,
            holding,
            problems: watch::Sender::default(),
            host: None,
            notes: BTreeMap::new(),
        }
    }

    pub fn problems(&self) -> watch::Receiver<Problems> {
        self.problems.subscribe()
    }

    pub async fn run(mut self) {
        let mut timer = tokio::time::interval(PERIOD);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.members.changed() => if changed.is_err() { return },
                _ = timer.tick() => {}
            }
            let dues = self.dues(unix_now());
            if !dues.is_empty() && may_write(&self.holding) {
                self.carry_out(dues).await;
            }
            self.tell();
        }
    }

    /// Forgets what is not so any more, and finds what is to be done.
    fn dues(&mut self, now: UnixTime) -> Vec<Due> {
        let members = self.members.borrow().found.clone();
        self.notes.retain(|name, note| {
            members.get(name).and_then(|it| it.credential.as_ref()) == Some(&note.held)
        });
        let standings = self.standings.borrow().found.clone();
        let is_ready = |name: &ClusterName| {
            standings.get(name).is_some_and(|member| member.standing == Standing::Ready)
        };
        let found = members.into_iter().filter(|(name, _)| is_ready(name));
        found.filter_map(|(name, member)| self.due(name, member, now)).collect()
    }

    fn due(&self, cluster: ClusterName, member: FoundMember, now: UnixTime) -> Option<Due> {
        let FoundMember { credential, access, standing, .. } = member;
        let (held, Access::Member(access)) = (credential?, access) else { return None };
        let note = self.notes.get(&cluster);
        if standing == MemberStanding::Leaving || note.is_some_and(Note::waits) {
            return None;
        }
        let task = task(&held, note.is_some_and(|note| note.is_alone), now)?;
        Some(Due { cluster, held, access, task })
    }

    /// All members at once: one that is slow delays no other.
    async fn carry_out(&mut self, dues: Vec<Due>) {
        let host = match connected(&mut self.host, &self.settings.host).await {
            Ok(host) => host,
            Err(line) => {
                let failed = |due: Due| (due, Err(RenewError::Access(line.clone())));
                return dues.into_iter().map(failed).for_each(|(due, it)| self.note(due, it));
            }
        };
        let (namespace, holding) = (self.settings.namespace.clone(), self.holding.clone());
        let calls = dues.into_iter().map(|due| done(due, host.clone(), &namespace, &holding));
        for (due, outcome) in join_all(calls).await {
            self.note(due, outcome);
        }
    }

    fn note(&mut self, due: Due, outcome: Outcome) {
        let Due { cluster, held, task, .. } = due;
        let note = self.notes.entry(cluster.clone()).or_insert_with(|| Note::new(held));
        match (outcome, task) {
            (Ok(_), Task::Renew) => {
                info!(%cluster, "its credential is renewed");
                // Until the host's Secret is read again, the old one looks as if it were due.
                note.not_before = Some(Instant::now() + PERIOD);
                note.problem = None;
            }
            (Ok(removed), Task::RemoveUnused) => {
                for secret in removed {
                    info!(%cluster, secret, "its token of before is removed");
                }
                note.is_alone = true;
                note.problem = None;
            }
            (Err(RenewError::NotHeld | RenewError::Outrun(_)), _) => {
                note.not_before = Some(Instant::now() + PERIOD);
            }
            (Err(error), _) => note.failed(&cluster, &error),
        }
    }

    fn tell(&self) {
        let problem =
            |(name, note): (&ClusterName, &Note)| Some((name.clone(), note.problem.clone()?));
        let problems: BTreeMap<ClusterName, String> =
            self.notes.iter().filter_map(problem).collect();
        self.problems.send_if_modified(|before| {
            let is_new = **before != problems;
            *before = Arc::new(problems);
            is_new
        });
    }
}

/// What is due of a credential; `is_alone`: nothing stands in the member beside it.
fn task(held: &HeldCredential, is_alone: bool, now: UnixTime) -> Option<Task> {
    match held.is_due(now) {
        true => Some(Task::Renew),
        false => (!is_alone && held.is_settled(now)).then_some(Task::RemoveUnused),
    }
}

async fn done(
    due: Due,
    host: Client,
    namespace: &str,
    holding: &watch::Receiver<Holding>,
) -> (Due, Outcome) {
    let may_write = || may_write(holding);
    let renewal =
        Renewal { held: &due.held, access: &due.access, host, namespace, may_write: &may_write };
    let outcome = match due.task {
        Task::Renew => renewal.renew(unix_now()).await.map(|()| Vec::new()),
        Task::RemoveUnused => renewal.remove_unused().await,
    };
    (due, outcome)
}

fn may_write(holding: &watch::Receiver<Holding>) -> bool {
    matches!(&*holding.borrow(), Holding::Held { until } if !until.has_passed())
}

// === impl Note ===

impl Note {
    fn new(held: HeldCredential) -> Self {
        Self { held, failures: 0, not_before: None, problem: None, is_alone: false }
    }

    fn waits(&self) -> bool {
        self.not_before.is_some_and(|at| Instant::now() < at)
    }

    fn failed(&mut self, cluster: &ClusterName, error: &RenewError) {
        let line = error.to_string();
        if self.problem.as_ref() != Some(&line) {
            warn!(%cluster, "its credential is not renewed: {line}");
        }
        self.problem = Some(line);
        self.not_before = Some(Instant::now() + delay(error, self.failures));
        self.failures = self.failures.saturating_add(1);
    }
}

/// Until the next try, after so many failures before this one.
fn delay(error: &RenewError, failures: u32) -> Duration {
    match error {
        RenewError::NoRightInMember { .. }
        | RenewError::NoRightInHost { .. }
        | RenewError::Taken { .. } => RETRY_MAX,
        _ => RETRY.saturating_mul(1 << failures.min(8)).min(RETRY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use clusters::federation::account::Account;
    use clusters::federation::rotation::Token;
    use clusters::federation::rotation::held::{AGE_MAX, SETTLING};

    use super::*;

    fn check(age: u64, is_alone: bool, expect: Option<Task>) {
        let account = Account {
            federation: "fed".into(),
            host_uid: "u".into(),
            cluster: "beijing".into(),
            name: "beijing-host".into(),
        };
        let token = Token::OfSecret { name: "beijing-host-token".into() };
        let held =
            HeldCredential { secret: "beijing".into(), account, token, since: UnixTime(1_000) };
        assert_eq!(task(&held, is_alone, UnixTime(1_000 + age)), expect, "{age} {is_alone}");
    }

    #[test]
    fn each_age_has_its_task() {
        check(0, false, None);
        check(SETTLING, false, Some(Task::RemoveUnused));
        check(SETTLING, true, None);
        check(AGE_MAX - 1, true, None);
        check(AGE_MAX, true, Some(Task::Renew));
        check(AGE_MAX, false, Some(Task::Renew));
    }

    #[test]
    fn tries_become_rare() {
        let error = RenewError::Access("no answer".into());
        assert_eq!(delay(&error, 0), RETRY);
        assert_eq!(delay(&error, 1), 2 * RETRY);
        assert_eq!(delay(&error, 40), RETRY_MAX);
        let taken = RenewError::Taken { secret: "s".into(), account: "a".into() };
        assert_eq!(delay(&taken, 0), RETRY_MAX);
    }
}
