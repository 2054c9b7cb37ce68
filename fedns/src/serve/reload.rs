//! Taking over a changed config while serving.
//!
//! A reload is staged: clusters that are to be looked at in another way get a second watcher, and the
//! pipeline decides once it knows what all of them would contribute. Until then, and when it is held,
//! the old config runs on.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clusters::Cluster;
use dns_server::server::Certificate;
use dns_server::transfer::TransferPolicy;
use dns_server::{CookieSecrets, Policy};
use model::ClusterName;
use planner::ZoneSettings;
use providers::sync::engine::Input as MirrorInput;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::watchers::Successors;
use super::{Running, tell_kept};
use crate::admin::orders::Outcome;
use crate::config::{self, Config, ConfigError, ControlPlane, LeaderElection, Listen, RunAs};
use crate::federation::{Federation, Membership};
use crate::mirror::Mirror;
use crate::pipeline::{Decision, HeldCause, Input, Reload, ReloadHeld, unix_now};

/// A reload whose clusters have not all been seen after this time is told as held.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// Who gave the order waits here for what came of it.
pub type Reply = oneshot::Sender<Outcome>;

/// A reload on its way.
pub struct Staged {
    config: Config,
    client_policy: Policy,
    transfer_policy: TransferPolicy,
    certificate: Option<Certificate>,
    from: From,
    /// Members that go with it.
    leaving: BTreeSet<ClusterName>,
    members_are_known: bool,
    successors: Successors,
    decision: oneshot::Receiver<Decision>,
    reply: Option<Reply>,
    /// When to say what it waits for; `None` once that is said.
    told_at: Option<Instant>,
}

/// How a reload begins.
struct Staging {
    /// The hash of what may be carried out though it would be held.
    approved: Option<String>,
    reply: Option<Reply>,
    /// What it waits for is told, and then counts as held.
    told: bool,
    from: From,
}

/// What a reload takes its config from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    File,
    /// The file as it was read last, with the members as they are now.
    Members,
}

/// What happens to a reload on its way.
pub enum Step {
    Decided(Decision),
    /// It still waits for clusters to be seen.
    Waits,
    /// The pipeline has ended.
    Ended,
}

impl Default for Staging {
    fn default() -> Self {
        Self { approved: None, reply: None, told: true, from: From::File }
    }
}

// === impl Staged ===

impl Staged {
    /// Waits for the next step. Nothing is lost where the wait is given up.
    pub async fn step(staged: &mut Option<Self>) -> Step {
        let Some(staged) = staged else { return std::future::pending().await };
        let told_at = staged.told_at;
        let still_waits = async {
            match told_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            decision = &mut staged.decision => match decision {
                Ok(decision) => Step::Decided(decision),
                Err(_) => Step::Ended,
            },
            () = still_waits => {
                staged.told_at = None;
                Step::Waits
            }
        }
    }
}

// === impl Running ===

impl Running {
    /// Reads the file again. A bad file, or one that would make too much vanish, changes nothing.
    pub(super) async fn reload(&mut self) {
        self.stage(Staging::default()).await;
    }

    /// Members have come, changed or left. Whoever leaves is let go once nothing of it is served.
    pub(super) async fn take_members(&mut self) {
        self.stage(Staging { from: From::Members, ..Staging::default() }).await;
    }

    /// Carries out the held reload that has this hash.
    pub(super) async fn approve(&mut self, hash: String, reply: Reply) {
        if let Some(outcome) = self.approve_mirror(&hash) {
            return answer(Some(reply), outcome);
        }
        match self.pages.held_reload() {
            None => answer(Some(reply), Err(self.not_held(&hash))),
            Some(held) if held.hash != hash => {
                let line = format!("{hash} is not what is held: the reload is held: {held}");
                answer(Some(reply), Err(line));
            }
            Some(ReloadHeld { cause: HeldCause::NoView(_), .. }) => self.go_ahead(reply).await,
            Some(_) => {
                let staging =
                    Staging { approved: Some(hash), reply: Some(reply), ..Staging::default() };
                self.stage(staging).await;
            }
        }
    }

    /// Why there is nothing to approve, with what could be.
    fn not_held(&self, hash: &str) -> String {
        let mirrors = self.pages.mirrors.get();
        let held: Vec<String> = mirrors
            .iter()
            .filter_map(|mirror| {
                let status = mirror.status()?;
                Some(format!("{} holds {}", status.provider, status.held_hash?))
            })
            .collect();
        match held.is_empty() {
            true => "nothing is held".into(),
            false => format!("{hash} is not what is held: {}", held.join(", ")),
        }
    }

    /// `None` where no mirror holds anything of this hash.
    fn approve_mirror(&self, hash: &str) -> Option<Outcome> {
        let mirrors = self.pages.mirrors.get();
        let holds = |mirror: &Mirror| mirror.status().and_then(|it| it.held_hash);
        // The same changes may be held at several providers: one hash stands for all of them.
        let holding = mirrors.iter().filter(|mirror| holds(mirror).as_deref() == Some(hash));
        let (mut released, mut busy) = (Vec::new(), Vec::new());
        for mirror in holding {
            match mirror.order(MirrorInput::Approve(hash.to_owned())) {
                true => released.push(format!("{}: what was held goes ahead", mirror.title())),
                false => busy
                    .push(format!("{}: the mirror is busy or stopping; try again", mirror.title())),
            }
        }
        match (released.is_empty(), busy.is_empty()) {
            (true, true) => None,
            (_, true) => Some(Ok(released.join("; "))),
            (_, false) => Some(Err([busy, released].concat().join("; "))),
        }
    }

    /// Decides with what has been seen so far.
    async fn go_ahead(&mut self, reply: Reply) {
        if let Some(staged) = &mut self.staged {
            staged.reply = Some(reply);
            // An ended pipeline shows in the next step.
            let _ = self.pipeline.send(Input::DecideReload).await;
        }
    }

    /// A newer file, or the same with an approval, takes the place of a reload on its way.
    async fn stage(&mut self, Staging { approved, reply, told, from }: Staging) {
        self.forget_staged().await;
        // What was held was another file, or is decided again.
        self.hold(None);
        let membership = self.federation.as_ref().map(Federation::membership);
        let membership = membership.map(|it| it.keeping_usable(&self.config.clusters));
        let clusters = membership.as_ref().map(|it| it.clusters.as_slice());
        let read = read(&self.config, from, clusters, &self.own_secrets);
        let Read { config, zones, client_policy, transfer_policy, certificate, warnings } =
            match read {
                Ok(read) => read,
                Err(error) => return answer(reply, Err(self.refuse(&error))),
            };
        self.pages.set_refused_config(Vec::new());
        self.warnings.tell(warnings);
        let is_same = config == self.config && settings_unchanged(&config);
        let membership = membership.unwrap_or_else(Membership::of_config);
        let is_known = self.members_are_known || !membership.is_complete;
        if is_same && is_known && self.watchers.follow(&config) {
            self.let_go(&membership.leaving);
            if from == From::File {
                self.treat_clients(client_policy);
                self.transfers.apply(transfer_policy);
                self.take_orders(&config, certificate.clone());
                certificate.into_iter().for_each(|it| self.show_certificate(it));
                info!(file = %config.file.display(), "nothing to reload: the config is what it was");
                self.mirrors.apply(&config).await;
                self.mirrors.look_again();
            }
            return answer(reply, Ok("the config is what it was".into()));
        }
        let mut successors = self.watchers.successors(&config).await;
        let clusters = config.clusters.clone();
        let (successor_watches, replaced) = (successors.watches(), successors.replaced());
        let fingerprint = fingerprint(&config);
        let Membership { leaving, is_complete: members_are_known, .. } = membership;
        let reload = Reload {
            zones,
            clusters,
            leaving: leaving.clone(),
            replaced,
            members_are_known,
            successors: successor_watches,
            fingerprint,
            approved,
        };
        let (decide, decision) = oneshot::channel();
        // An ended pipeline shows in the next step.
        let _ = self.pipeline.send(Input::Reload(Box::new(reload), decide)).await;
        self.watchers.start_successors(&mut successors, &config.services);
        let told_at = told.then(|| Instant::now() + SEEN_WITHIN);
        self.staged = Some(Staged {
            config,
            client_policy,
            transfer_policy,
            certificate,
            from,
            leaving,
            members_are_known,
            successors,
            decision,
            reply,
            told_at,
        });
    }

    async fn forget_staged(&mut self) {
        if let Some(staged) = self.staged.take() {
            answer(staged.reply, Err("another reload took its place".into()));
            // An ended pipeline forgets everything.
            let _ = self.pipeline.send(Input::ForgetReload).await;
        }
    }

    pub(super) async fn reload_step(&mut self, step: Step) {
        match step {
            Step::Waits => {
                let waits = self.pipeline.ask(|pipeline| pipeline.reload_waits()).await;
                if let Ok(Some(held)) = waits {
                    self.tell_held(held);
                }
            }
            Step::Decided(decision) => {
                let Some(staged) = self.staged.take() else { return };
                match decision {
                    Ok(unseen) => self.take_over(staged, &unseen).await,
                    Err(held) => answer(staged.reply, Err(self.tell_held(held))),
                }
            }
            Step::Ended => {
                error!("the pipeline has ended; the config was not reloaded");
                let reply = self.staged.take().and_then(|staged| staged.reply);
                answer(reply, Err("fedns is stopping".into()));
            }
        }
    }

    async fn take_over(&mut self, staged: Staged, unseen: &BTreeSet<ClusterName>) {
        let Staged { config, client_policy, transfer_policy, certificate, from, .. } = staged;
        let Staged { leaving, members_are_known, successors, reply, .. } = staged;
        self.members_are_known = members_are_known;
        for key in self.started.differing(&FixedKeys::of(&config)) {
            warn!(key, "this key takes effect at the next start");
        }
        self.key_files.follow(&config.key_files());
        // Files may have changed since they were looked at; from now on that is seen.
        let client_policy = config::client_policy(&config, &self.own_secrets)
            .unwrap_or_else(|error| kept("cookie secrets", &error, client_policy));
        let transfer_policy = config::transfer_policy(&config)
            .unwrap_or_else(|error| kept("secrets of TSIG keys", &error, transfer_policy));
        let certificate = config::certificate(&config, unix_now())
            .unwrap_or_else(|error| kept("certificate and key", &error, certificate));
        // First of all: who learns of a new zone from the catalog asks for it at once.
        self.transfers.apply(transfer_policy);
        self.treat_clients(client_policy);
        self.take_orders(&config, certificate.clone());
        certificate.into_iter().for_each(|it| self.show_certificate(it));
        self.watchers.apply(&config, successors.without(unseen)).await;
        self.let_go(&leaving);
        self.mirrors.apply(&config).await;
        match from {
            From::File => info!(file = %config.file.display(), "the config is reloaded"),
            From::Members => info!(members = %members_text(&config.clusters), "the members are"),
        }
        self.config = config;
        self.hold(None);
        answer(reply, Ok("the config is reloaded".into()));
        if !unseen.is_empty() {
            let clusters: Vec<&str> = unseen.iter().map(ClusterName::as_str).collect();
            info!(
                clusters = clusters.join(", "),
                "not seen yet under the new settings, and as before until then"
            );
            // They take over when they are seen, unless too much would vanish.
            self.stage(Staging { told: false, from, ..Staging::default() }).await;
        }
    }

    /// Nothing of these is served: their objects may go.
    fn let_go(&mut self, leaving: &BTreeSet<ClusterName>) {
        if let Some(federation) = self.federation.as_mut().filter(|_| !leaving.is_empty()) {
            federation.left(leaving);
        }
    }

    fn refuse(&self, error: &ConfigError) -> String {
        for line in &error.lines {
            error!("config not reloaded, the old one runs on: {line}");
        }
        self.pages.metrics.reload_failed();
        self.pages.set_refused_config(error.lines.clone());
        error.lines.join("\n")
    }

    fn tell_held(&self, held: ReloadHeld) -> String {
        let file = self.config.file.display();
        error!(%file, "the reload is held, the old config runs on: {held}");
        self.pages.metrics.reload_failed();
        let line = format!("the reload is held: {held}");
        self.hold(Some(held));
        line
    }

    fn hold(&self, held: Option<ReloadHeld>) {
        let names = held.as_ref().map_or(0, |held| held.vanishing().count());
        self.pages.metrics.set_held(held.is_some(), names);
        self.pages.set_held_reload(held);
    }
}

/// What was read before, where it cannot be read any more.
fn kept<P>(what: &str, error: &ConfigError, policy: P) -> P {
    tell_kept(what, error);
    policy
}

/// Who gave the order may have gone; the outcome is logged either way.
pub fn answer(reply: Option<Reply>, outcome: Outcome) {
    let Some(reply) = reply else { return };
    if let Err(line) = &outcome {
        warn!("not done: {line}");
    }
    let _ = reply.send(outcome);
}

/// A config, the settings of its zones with the warnings about them, how clients are treated, who may
/// have which zone, and what encrypted listeners show.
struct Read {
    config: Config,
    zones: Vec<ZoneSettings>,
    client_policy: Policy,
    transfer_policy: TransferPolicy,
    certificate: Option<Certificate>,
    warnings: Vec<String>,
}

fn read(
    old: &Config,
    from: From,
    members: Option<&[Cluster]>,
    own_secrets: &CookieSecrets,
) -> Result<Read, ConfigError> {
    let mut config = match from {
        From::File => config::load(&old.file)?,
        From::Members => old.clone(),
    };
    if let Some(members) = members {
        config.clusters = members.to_vec();
    }
    let (settings, warnings) = config::zone_settings(&config);
    let client_policy = config::client_policy(&config, own_secrets)?;
    let transfer_policy = config::transfer_policy(&config)?;
    let certificate = config::certificate(&config, unix_now())?;
    config::admin_token(&config)?;
    Ok(Read { zones: settings?, client_policy, transfer_policy, certificate, warnings, config })
}

fn members_text(clusters: &[Cluster]) -> String {
    let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Differs with anything that the config says.
fn fingerprint(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{config:?}").hash(&mut hasher);
    hasher.finish()
}

/// Static files may have changed behind an equal config.
fn settings_unchanged(config: &Config) -> bool {
    config.zones.iter().all(|zone| zone.static_records.is_empty())
}

/// Keys that are only read at the start.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedKeys {
    listen: Listen,
    state_dir: PathBuf,
    workers: usize,
    cpus: Vec<usize>,
    user: Option<RunAs>,
    resolver: Vec<SocketAddr>,
    startup_timeout: Duration,
    leader_election: Option<LeaderElection>,
    control_plane: Option<ControlPlane>,
}

// === impl FixedKeys ===

impl FixedKeys {
    pub fn of(config: &Config) -> Self {
        let Config { listen, state_dir, workers, cpus, user, resolver, .. } = config.clone();
        let Config { startup_timeout, leader_election, control_plane, .. } = config.clone();
        Self {
            listen,
            state_dir,
            workers,
            cpus,
            user,
            resolver,
            startup_timeout,
            leader_election,
            control_plane,
        }
    }

    pub fn listen(&self) -> &Listen {
        &self.listen
    }

    /// Whether anybody is answered over DNS.
    pub fn answers_dns(&self) -> bool {
        self.listen.answers_dns()
    }

    /// Those in which the other differs.
    fn differing(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("listen", self.listen != other.listen),
            ("stateDir", self.state_dir != other.state_dir),
            ("workers", self.workers != other.workers),
            ("cpus", self.cpus != other.cpus),
            ("user", self.user != other.user),
            ("resolver", self.resolver != other.resolver),
            ("startupTimeout", self.startup_timeout != other.startup_timeout),
            ("controlPlane", self.control_plane != other.control_plane),
            ("leaderElection", self.leader_election != other.leader_election),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}
