//! Everything that runs under `fedns serve`, put together: bound, started, reloaded, stopped.

mod file_watch;
mod ports;
mod reload;
mod signals;
mod systemd;
mod transfers;
mod user;
mod warnings;
mod watchers;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use dns_server::server::{Certificate, Options, Server};
use dns_server::{CookieSecrets, Policy, Store, Transport};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::admin::orders::{self, Order, Placed};
use crate::admin::problems::SourceProblems;
use crate::admin::{self, Pages};
use crate::config::places::STATE_FOLDER;
use crate::config::{self, Config, ConfigError, Subject, reachable};
use crate::federation::page::FederationPage;
use crate::federation::{Federation, Membership, membership};
use crate::leader::Leader;
use crate::leader::serials::LeasedSerials;
use crate::metrics::Metrics;
use crate::mirror::{MirrorList, Mirrors};
use crate::output;
use crate::pipeline::{Beginning, Input, Pipeline, PipelineHandle, unix_now};
use crate::state::{StateError, StateFolder};
use file_watch::{FileWatch, FileWatches};
use ports::{Bound, bind_socket, dns_taken};
use reload::{FixedKeys, Staged};
use signals::{Signal, Signals};
use transfers::ZoneTransfers;
use warnings::ConfigWarnings;
use watchers::{Remember, Successors, Watchers};

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
    key_files: FileWatches,
    /// Makes DNS cookies where no file has a secret.
    own_secrets: CookieSecrets,
    federation: Option<Federation>,
    /// False until the federation's members have been listed.
    members_are_known: bool,
    /// The reload on its way.
    staged: Option<Staged>,
    /// Ends the admin pages when dropped.
    admin: JoinSet<()>,
    /// Where they are, with the port that was picked.
    admin_address: Option<SocketAddr>,
    /// Fires, or is dropped, with the first publication.
    published: oneshot::Receiver<()>,
}

/// Why `serve` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// SIGTERM: somebody may still be sending queries here.
    Drain,
    /// SIGINT, or a second SIGTERM.
    Now,
}

/// Serves until a signal ends it.
pub async fn serve(file: &Path) -> Result<(), ConfigError> {
    let mut signals = Signals::new()?;
    // Before the file is read: a change in between is then seen as one.
    let mut config_watch = FileWatch::start(file);
    let config = config::load(file)?;
    let (mut running, mut orders) = Running::start(config).await?;
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
            () = config_watch.changed() => running.reload().await,
            () = Federation::changed(&mut running.federation) => running.take_members().await,
            file = running.key_files.changed() => running.take_key_file(&file).await,
            _ = memory_timer.tick() => running.watchers.remember(Remember::Changes).await,
        }
    };
    drop(orders);
    running.stop(ending, signals).await;
    Ok(())
}

// === impl Running ===

impl Running {
    async fn start(mut config: Config) -> Result<(Self, mpsc::Receiver<Placed>), ConfigError> {
        let (settings, now) = config::zone_settings(&config);
        let settings = settings?;
        let bound = Bound::bind(&config).await?;
        user::become_user(&config)?;
        let mut key_files = FileWatches::default();
        // Before they are read: a change in between is then seen as one.
        key_files.follow(&config.key_files());
        let transfer_policy = config::transfer_policy(&config)?;
        let own_secrets = CookieSecrets::random()
            .map_err(|error| failed("there is no randomness for DNS cookies", &error))?;
        let client_policy = config::client_policy(&config, &own_secrets)?;
        let certificate = config::certificate(&config, unix_now())?;
        let mut warnings = ConfigWarnings::default();
        warnings.tell(now);
        let folder =
            StateFolder::open(&config.state_dir).map_err(|error| state_failed(&config, &error))?;
        Federation::restore_state(&config, &folder).await;
        let saved_clusters = folder.saved_clusters();
        let is_federation = config.control_plane.is_some();
        if is_federation {
            // Who they are, the federation says later; until then they stand as they were.
            config.clusters = Membership::saved(&saved_clusters).clusters;
        }
        let writer_id = folder
            .writer_id()
            .map_err(|error| failed("the writer's id cannot be saved", &error))?;
        let metrics = Arc::new(Metrics::new());
        let (writer, reader) = Store::new();
        let is_elected = config.leader_election.is_some();
        let transfers = ZoneTransfers::new(reader.clone(), transfer_policy, is_elected);
        let (on_published, published) = oneshot::channel();
        // Before anything is answered, so that a zone that is not there yet is answered with
        // SERVFAIL and never refused.
        let leased = config.leader_election.as_ref().map(|_| LeasedSerials::new());
        let beginning = Beginning {
            zones: settings,
            clusters: &config.clusters,
            members_are_known: !is_federation,
            leased: leased.clone(),
        };
        let (pipeline, saved) =
            Pipeline::new(beginning, folder, writer, metrics.clone(), on_published)
                .map_err(|error| failed("the state thread cannot be started", &error))?;
        let dns = match bound.dns {
            Some(listeners) => {
                let options = Options {
                    workers: config.workers,
                    cpus: config.cpus.clone(),
                    policy: client_policy,
                    certificate,
                    ..Options::default()
                };
                let started =
                    Server::start_on(listeners, options, reader.clone(), transfers.shared());
                Some(Arc::new(started.map_err(|error| dns_taken(&config, &error))?))
            }
            None => None,
        };
        let (pipeline, pipeline_thread) = pipeline
            .spawn()
            .map_err(|error| failed("the pipeline's thread cannot be started", &error))?;
        let socket = bind_socket(&config);
        let (place_orders, orders) = orders::channel();
        let problems = SourceProblems::default();
        let mirror_list = MirrorList::default();
        let pages = Arc::new(Pages {
            pipeline: pipeline.clone(),
            reader,
            metrics: metrics.clone(),
            dns: dns.clone(),
            problems: problems.clone(),
            draining: AtomicBool::new(false),
            held: Mutex::new(None),
            refused: Mutex::new(Vec::new()),
            mirrors: mirror_list.clone(),
            federation: FederationPage::default(),
            orders: place_orders,
            socket: socket.as_ref().map(|(path, _)| path.clone()),
        });
        let mut admin = JoinSet::new();
        let admin_address = bound.admin.as_ref().and_then(|it| it.local_addr().ok());
        if let Some(listener) = bound.admin {
            admin.spawn(admin::serve(listener, Arc::clone(&pages)));
        }
        if let Some((_, listener)) = socket {
            admin.spawn(admin::serve_socket(listener, Arc::clone(&pages)));
        }
        tokio::spawn(end_startup(config.startup_timeout, pipeline.clone()));
        let mut watchers = Watchers::new(pipeline.clone(), &config.resolver, saved, problems);
        watchers.apply(&config, Successors::none()).await;
        let election = config.leader_election.as_ref().zip(leased);
        let leader = election.map(|(election, serials)| {
            Leader::start(election, &writer_id, serials, pipeline.clone())
        });
        let lease = leader.as_ref().map(Leader::holding);
        if let Some(lease) = &lease {
            transfers.follow(lease.clone());
        }
        let federation =
            Federation::start(&config, saved_clusters, &pipeline, lease.clone(), &pages.federation);
        let mut mirrors = Mirrors::new(
            pipeline.clone(),
            mirror_list,
            metrics.clone(),
            &writer_id,
            &config,
            lease,
        );
        mirrors.apply(&config).await;
        let running = Self {
            started: FixedKeys::of(&config),
            config,
            warnings,
            dns,
            transfers,
            pages,
            pipeline,
            pipeline_thread,
            watchers,
            mirrors,
            leader,
            key_files,
            own_secrets,
            federation,
            members_are_known: !is_federation,
            staged: None,
            admin,
            admin_address,
            published,
        };
        Ok((running, orders))
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
        if self.config.provider_files().any(|provider_file| provider_file == file) {
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

    fn treat_clients(&self, policy: Policy) {
        if let Some(dns) = &self.dns {
            dns.set_policy(policy);
        }
    }

    /// One line for each listener, then the command to try.
    async fn announce(&self) {
        let zones: Vec<String> = self.config.zones.iter().map(|z| z.name.to_string()).collect();
        let zones = zones.join(", ");
        systemd::tell_ready(&zones);
        let mut text = format!("fedns {} serves {zones}\n", env!("CARGO_PKG_VERSION"));
        let dns = self.dns.as_ref().map_or(&[][..], |dns| dns.local_addrs());
        for address in dns {
            text += &format!("  dns    {address} (udp and tcp)\n");
        }
        let encrypted = self.dns.as_ref().map_or(&[][..], |dns| dns.encrypted_addrs());
        for (transport, address) in encrypted {
            text += &encrypted_line(*transport, *address);
        }
        if let Some(address) = self.admin_address {
            text += &format!("  admin  http://{address}\n");
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

    async fn stop(self, ending: Ending, mut signals: Signals) {
        let Self {
            started,
            config,
            dns,
            pages,
            pipeline,
            pipeline_thread,
            mut watchers,
            mirrors,
            leader,
            federation,
            admin,
            ..
        } = self;
        systemd::tell_stopping();
        if ending == Ending::Drain {
            pages.draining.store(true, Ordering::Release);
        }
        let lame_duck = async {
            // Where nobody is answered, nobody needs time to go elsewhere.
            if ending == Ending::Drain && started.answers_dns() {
                info!(lame_duck = ?config.lame_duck, "stopping: not ready any more, answering on");
                tokio::select! {
                    () = tokio::time::sleep(config.lame_duck) => {}
                    () = signals.ending() => {}
                }
            }
        };
        // Whoever writes next need not wait for the last answers of this process.
        let hand_over = async {
            mirrors.stop().await;
            if let Some(federation) = federation {
                federation.stop().await;
            }
            if let Some(leader) = leader {
                leader.stop().await;
            }
        };
        tokio::join!(lame_duck, hand_over);
        watchers.remember(Remember::All).await;
        drop(watchers);
        drop(admin);
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

fn state_failed(config: &Config, error: &StateError) -> ConfigError {
    let subject = Subject::StateDir;
    ConfigError::one(match error {
        StateError::Io { path, source } => {
            config.places.unusable(&subject, path, STATE_FOLDER, source)
        }
        StateError::Locked { .. } => config.places.line(&subject, error),
    })
}

fn failed(what: &str, error: &std::io::Error) -> ConfigError {
    ConfigError::one(format!("{what}: {error}"))
}

async fn end_startup(timeout: std::time::Duration, pipeline: PipelineHandle) {
    tokio::time::sleep(timeout).await;
    // A pipeline that has ended waits for nothing.
    let _ = pipeline.send(Input::StartupTimeout).await;
}
