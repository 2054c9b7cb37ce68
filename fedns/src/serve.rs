//! Everything that runs under `fedns serve`, put together: bound, started, reloaded, stopped.

mod file_watch;
mod handover;
pub mod ports;
mod reload;
mod signals;
mod start;
mod systemd;
mod transfers;
pub mod user;
mod warnings;
mod watchers;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use clusters::lease::Leave;
use dns_server::server::{Certificate, Server};
use dns_server::{CookieSecrets, Policy, Transport};
use model::ClusterName;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::admin::Pages;
use crate::admin::orders::{Order, Placed};
use crate::config::{self, Config, ConfigError, reachable};
use crate::federation::{Federation, membership};
use crate::leader::Leader;
use crate::leader::serials::LeasedSerials;
use crate::mirror::Mirrors;
use crate::output;
use crate::pipeline::{Input, PipelineHandle, unix_now};
use file_watch::{FileWatch, FileWatches};
use handover::{Handed, Predecessor};
use ports::Doors;
use reload::{FixedKeys, Staged};
use signals::{Signal, Signals};
use start::Inboxes;
use systemd::ServiceManager;
use transfers::ZoneTransfers;
use warnings::ConfigWarnings;
use watchers::{Remember, Watchers};

/// How often what watchers remember is compared with what is saved.
const MEMORY_PERIOD: std::time::Duration = std::time::Duration::from_secs(10);

/// A server that answers.
struct Running {
    config: Config,
    /// What holds for as long as the process runs.
    started: FixedKeys,
    warnings: ConfigWarnings,
    dns: Option<Arc<Server>>,
    transfers: ZoneTransfers,
    pages: Arc<Pages>,
    pipeline: PipelineHandle,
    pipeline_thread: JoinHandle<()>,
    watchers: Watchers,
    mirrors: Mirrors,
    /// Ends last of all that write.
    leader: Option<Leader>,
    /// The id under which this state folder writes.
    writer_id: String,
    /// Where the same zones are served by other processes, too.
    leased: Option<LeasedSerials>,
    key_files: FileWatches,
    /// Makes DNS cookies where no file has a secret.
    own_secrets: CookieSecrets,
    federation: Option<Federation>,
    /// The clusters of which state was saved when the process began.
    saved_clusters: Vec<ClusterName>,
    /// False until the federation's members have been listed.
    members_are_known: bool,
    /// The reload on its way.
    staged: Option<Staged>,
    /// Ends the admin pages when dropped.
    admin: JoinSet<()>,
    /// Where they are.
    doors: Doors,
    /// Fires, or is dropped, with the first publication.
    published: oneshot::Receiver<()>,
    manager: ServiceManager,
}

/// Why `serve` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// SIGTERM: somebody may still be sending queries here.
    Drain,
    /// SIGINT, or a second SIGTERM.
    Now,
}

/// Serves until a signal ends it, or another process takes its place. With `replace` it takes the place of
/// the one that serves from the same state folder.
pub async fn serve(file: &Path, replace: bool) -> Result<(), ConfigError> {
    let mut signals = Signals::new()?;
    // Before the file is read: a change in between is then seen as one.
    let mut config_watch = FileWatch::start(file);
    let config = config::load(file)?;
    let started = async {
        let predecessor = if replace { Predecessor::find(&config).await? } else { None };
        Running::start(config, predecessor).await
    };
    let (mut running, inboxes) = if replace {
        tokio::select! {
            started = started => started?,
            // The one that serves goes on.
            () = signals.ending() => return Ok(()),
        }
    } else {
        started.await?
    };
    let Inboxes { mut orders, mut candidates } = inboxes;
    let mut announced = false;
    let mut memory_timer = tokio::time::interval(MEMORY_PERIOD);
    memory_timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ending = loop {
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Terminate => break Ending::Drain,
                Signal::Interrupt => break Ending::Now,
                Signal::Hangup => running.reload().await,
            },
            _ = &mut running.published, if !announced => {
                announced = true;
                running.announce().await;
            }
            step = Staged::step(&mut running.staged) => running.reload_step(step).await,
            Some(placed) = orders.recv() => running.carry_out(placed).await,
            Some(candidate) = candidates.recv() => {
                match running.hand_over(candidate, &mut signals, &mut orders).await {
                    Handed::Over { to } => {
                        to.into_iter().for_each(|to| running.manager.tell_main_process(to));
                        running.leave(signals).await;
                        return Ok(());
                    }
                    Handed::NotOver { reload: true } => running.reload().await,
                    Handed::NotOver { reload: false } => {}
                    Handed::Stopped(ending) => break ending,
                }
            }
            () = config_watch.changed() => running.reload().await,
            () = Federation::changed(&mut running.federation) => running.take_members().await,
            file = running.key_files.changed() => running.take_key_file(&file).await,
            _ = memory_timer.tick() => running.watchers.remember(Remember::Changes).await,
        }
    };
    drop((orders, candidates));
    running.stop(ending, signals).await;
    Ok(())
}

// === impl Running ===

impl Running {
    /// What writes elsewhere: who may is asked first.
    async fn start_writers(&mut self) {
        let Self { config, pipeline, writer_id, .. } = &*self;
        let election = config.leader_election.as_ref().zip(self.leased.clone());
        let leader = election.map(|(election, serials)| {
            Leader::start(election, writer_id, serials, pipeline.clone())
        });
        let lease = leader.as_ref().map(Leader::holding);
        if let Some(lease) = &lease {
            self.transfers.follow(lease.clone());
        }
        let (saved, page) = (self.saved_clusters.clone(), &self.pages.federation);
        self.federation = Federation::start(config, saved, pipeline, lease.clone(), page);
        self.leader = leader;
        self.mirrors.follow(lease);
        self.mirrors.apply(&self.config).await;
    }

    /// Whoever writes next may begin when this returns.
    async fn stop_writers(&mut self) {
        self.stop_writing().await;
        self.leave_lease(Leave::Free).await;
    }

    /// Nothing is written elsewhere any more but the Lease.
    async fn stop_writing(&mut self) {
        self.mirrors.stop().await;
        if let Some(federation) = self.federation.take() {
            federation.stop().await;
        }
    }

    async fn leave_lease(&mut self, leave: Leave) {
        if let Some(leader) = self.leader.take() {
            leader.stop(leave).await;
        }
    }

    async fn carry_out(&mut self, Placed { order, reply }: Placed) {
        match order {
            Order::AcceptCluster(cluster) => {
                let outcome = match self.federation.is_some() {
                    true => Err(membership::join_again(&cluster)),
                    false => self.watchers.accept(&cluster),
                };
                reload::answer(Some(reply), outcome);
            }
            Order::ApproveReload(hash) => self.approve(hash, reply).await,
        }
    }

    /// A key was put in place of another.
    async fn take_key_file(&mut self, file: &Path) {
        if self.config.cookie_file() == Some(file) {
            self.take_cookie_secrets();
        }
        if self.config.tsig_files().any(|tsig_file| tsig_file == file) {
            self.take_tsig_secrets();
        }
        if self.config.tls_files().any(|tls_file| tls_file == file) {
            self.take_certificate();
        }
        if self.config.admin_token_file.as_deref() == Some(file) {
            self.take_admin_token();
        }
        if self.config.provider_files().any(|provider_file| provider_file == file) {
            if !file.exists() {
                warn!(file = %file.display(), "a provider's file is gone; put it back before the next start");
                return;
            }
            info!(file = %file.display(), "a provider's file has changed");
            // Mirrors that failed with the old one need not wait.
            self.mirrors.apply(&self.config).await;
        }
    }

    /// The secrets of DNS cookies are rolled.
    fn take_cookie_secrets(&self) {
        match config::client_policy(&self.config, &self.own_secrets) {
            Ok(policy) => {
                info!("the secrets of DNS cookies have changed");
                self.treat_clients(policy);
            }
            Err(error) => tell_kept("cookie secrets", &error),
        }
    }

    /// The keys shared with secondaries are rolled.
    fn take_tsig_secrets(&mut self) {
        match config::transfer_policy(&self.config) {
            Ok(policy) => {
                info!("the secrets of TSIG keys have changed");
                self.transfers.apply(policy);
            }
            Err(error) => tell_kept("secrets of TSIG keys", &error),
        }
    }

    /// The certificate is renewed. Of its two files one may come before the other.
    fn take_certificate(&self) {
        match config::certificate(&self.config, unix_now()) {
            Ok(Some(certificate)) => {
                info!("the certificate has changed");
                self.take_orders(&self.config, Some(certificate.clone()));
                self.show_certificate(certificate);
            }
            Ok(None) => {}
            Err(error) => tell_kept("certificate and key", &error),
        }
    }

    fn show_certificate(&self, certificate: Certificate) {
        if let Some(dns) = &self.dns {
            dns.show_certificate(certificate);
        }
    }

    /// The token of who gives orders is rolled.
    fn take_admin_token(&self) {
        match config::certificate(&self.config, unix_now()) {
            Ok(certificate) => {
                info!("the token of adminTokenFile has changed");
                self.take_orders(&self.config, certificate);
            }
            Err(error) => tell_kept("the token of adminTokenFile", &error),
        }
    }

    /// From whoever has the token that the file holds now. Where it cannot be read, all stays as it was.
    fn take_orders(&self, config: &Config, certificate: Option<Certificate>) {
        match config::admin_token(config) {
            Ok(token) => {
                if let Err(error) = self.pages.afar.configure(certificate.zip(token)) {
                    error!(%error, "there is no randomness for TLS; orders are taken as before");
                }
            }
            Err(error) => tell_kept("the token of adminTokenFile", &error),
        }
    }

    fn treat_clients(&self, policy: Policy) {
        if let Some(dns) = &self.dns {
            dns.set_policy(policy);
        }
    }

    /// One line for each listener, then the command to try.
    async fn announce(&self) {
        let zones: Vec<String> = self.config.zones.iter().map(|z| z.name.to_string()).collect();
        let zones = zones.join(", ");
        self.manager.tell_ready(&zones);
        let mut text = format!("fedns {} serves {zones}\n", env!("CARGO_PKG_VERSION"));
        let dns = self.dns.as_ref().map_or(&[][..], |dns| dns.local_addrs());
        for address in dns {
            text += &format!("  dns    {address} (udp and tcp)\n");
        }
        let encrypted = self.dns.as_ref().map_or(&[][..], |dns| dns.encrypted_addrs());
        for (transport, address) in encrypted {
            text += &encrypted_line(*transport, *address);
        }
        let admin = self.doors.admin.as_ref().and_then(|it| it.local_addr().ok());
        if let Some(address) = admin {
            text += &format!("  admin  http://{address}\n");
            if self.config.admin_token_file.is_some() {
                text += &format!("  orders https://{address} (with the token)\n");
            }
        }
        if let Some(address) = dns.first() {
            let name = self.name_to_try().await;
            let program = std::env::args_os().next().unwrap_or_else(|| "fedns".into());
            let program = program.display();
            let server = reachable(*address);
            text += &format!("try: {program} query {name} --server {server}\n");
        }
        if let Err(error) = output::print(text) {
            error!(?error, "the listeners cannot be told on stdout");
        }
    }

    /// A service's global name, else the zone itself.
    async fn name_to_try(&self) -> String {
        let name = self.pipeline.ask(|pipeline| {
            let planner = pipeline.planner();
            let keys: BTreeSet<_> =
                planner.federation().services().map(|entry| entry.key.clone()).collect();
            keys.iter().find_map(|key| {
                let plan = planner.service_plan(0, key);
                plan.names.first().map(|planned| planned.name.to_string())
            })
        });
        let zone = || format!("{} SOA", self.config.zones[0].name);
        name.await.ok().flatten().unwrap_or_else(zone)
    }

    async fn stop(mut self, ending: Ending, mut signals: Signals) {
        self.manager.tell_stopping();
        if ending == Ending::Drain {
            self.pages.draining.store(true, Ordering::Release);
        }
        let (answers_dns, lame_duck) = (self.started.answers_dns(), self.config.lame_duck);
        let lame_duck = async {
            // Where nobody is answered, nobody needs time to go elsewhere.
            if ending == Ending::Drain && answers_dns {
                info!(?lame_duck, "stopping: not ready any more, answering on");
                tokio::select! {
                    () = tokio::time::sleep(lame_duck) => {}
                    () = signals.ending() => {}
                }
            }
        };
        // Whoever writes next need not wait for the last answers of this process.
        tokio::join!(lame_duck, self.stop_writers());
        let Self { dns, pages, pipeline, pipeline_thread, mut watchers, admin, doors, .. } = self;
        watchers.remember(Remember::All).await;
        drop(watchers);
        drop((admin, doors));
        if let Some(socket) = &pages.socket
            && let Err(error) = std::fs::remove_file(socket)
        {
            warn!(socket = %socket.display(), %error, "the socket cannot be removed");
        }
        if pipeline.send(Input::Stop).await.is_err() || pipeline_thread.join().is_err() {
            error!("the pipeline ended early; the last state may not be saved");
        }
        drop(pages);
        drop(dns);
        info!("stopped");
    }
}

fn encrypted_line(transport: Transport, address: SocketAddr) -> String {
    match transport {
        Transport::Tls => format!("  dot    {address} (tls)\n"),
        Transport::Https => format!("  doh    https://{address}/dns-query\n"),
        Transport::Quic => format!("  doq    {address} (quic)\n"),
        // These have a line of their own.
        Transport::Udp | Transport::Tcp => String::new(),
    }
}

fn tell_kept(what: &str, error: &ConfigError) {
    error.lines.iter().for_each(|line| error!("{what} stay as they were: {line}"));
}

fn failed(what: &str, error: &std::io::Error) -> ConfigError {
    ConfigError::one(format!("{what}: {error}"))
}
