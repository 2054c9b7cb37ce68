//! The start of a server: read, bound, filled, published, and in place of another process where there is one.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dns_server::server::{Certificate, Listeners, Options, Server};
use dns_server::transfer::{TransferPolicy, Transfers};
use dns_server::{CookieSecrets, Policy, Reader, Store};
use planner::ZoneSettings;
use tokio::sync::{mpsc, oneshot};

use super::file_watch::FileWatches;
use super::handover::{Predecessor, State};
use super::ports::{Bound, Doors, bind_socket, dns_taken};
use super::reload::FixedKeys;
use super::systemd::ServiceManager;
use super::transfers::ZoneTransfers;
use super::warnings::ConfigWarnings;
use super::watchers::{Successors, Watchers};
use super::{Running, failed, user};
use crate::admin::Pages;
use crate::admin::afar::Afar;
use crate::admin::orders::{self, Placed};
use crate::admin::problems::SourceProblems;
use crate::admin::replace::{Candidate, Succession};
use crate::config::places::STATE_FOLDER;
use crate::config::{self, AdminToken, Config, ConfigError, Subject};
use crate::federation::page::FederationPage;
use crate::federation::{Federation, Membership};
use crate::leader::serials::LeasedSerials;
use crate::metrics::Metrics;
use crate::mirror::{MirrorList, Mirrors};
use crate::pipeline::{Beginning, Input, Pipeline, PipelineHandle, unix_now};
use crate::state::{Ownership, StateError, StateFolder};

/// Where others reach a server that runs.
pub struct Inboxes {
    pub orders: mpsc::Receiver<Placed>,
    pub candidates: mpsc::Receiver<Candidate>,
}

/// All that is read and bound before anything is served.
struct Prepared {
    config: Config,
    settings: Vec<ZoneSettings>,
    bound: Bound,
    key_files: FileWatches,
    transfer_policy: TransferPolicy,
    own_secrets: CookieSecrets,
    client_policy: Policy,
    certificate: Option<Certificate>,
    admin_token: Option<AdminToken>,
    warnings: ConfigWarnings,
}

/// What answers over DNS, once it may.
struct Answering {
    /// None where no DNS port is open.
    listeners: Option<Listeners>,
    options: Options,
    reader: Reader,
    transfers: Arc<Transfers>,
}

// === impl Running ===

impl Running {
    /// In place of `predecessor`, where there is one.
    pub(super) async fn start(
        config: Config,
        predecessor: Option<Predecessor>,
    ) -> Result<(Self, Inboxes), ConfigError> {
        let (prepared, mut predecessor) = Prepared::of(config, predecessor).await?;
        let (folder, was_published) = prepared.open_state(&mut predecessor).await?;
        let Prepared { mut config, settings, bound, key_files, transfer_policy, .. } = prepared;
        let Prepared { own_secrets, client_policy, certificate, admin_token, warnings, .. } =
            prepared;
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
        let listen = &config.listen.dns;
        let transfers = ZoneTransfers::new(reader.clone(), transfer_policy, is_elected, listen);
        let (on_published, mut published) = oneshot::channel();
        // Before anything is answered, so that a zone that is not there yet is answered with
        // SERVFAIL and never refused.
        let leased = config.leader_election.as_ref().map(|_| LeasedSerials::new());
        let beginning = Beginning {
            zones: settings,
            clusters: &config.clusters,
            members_are_known: !is_federation,
            leased: leased.clone(),
            ownership: if predecessor.is_some() { Ownership::Shared } else { Ownership::Ours },
            // Who the members are is asked once nobody else does, and nobody waits for it.
            goes_on: is_federation && was_published,
        };
        let (pipeline, saved) =
            Pipeline::new(beginning, folder, writer, metrics.clone(), on_published)
                .map_err(|error| failed("the state thread cannot be started", &error))?;
        let afar = Afar::default();
        afar.configure(certificate.clone().zip(admin_token))
            .map_err(|error| failed("there is no randomness for TLS", &error))?;
        let mut answering = Some(Answering {
            listeners: bound.dns,
            options: Options {
                workers: config.workers,
                cpus: config.cpus.clone(),
                policy: client_policy,
                certificate,
                ..Options::default()
            },
            reader: reader.clone(),
            transfers: transfers.shared(),
        });
        let mut dns = None;
        if predecessor.is_none() {
            dns = Answering::begin(&mut answering, &config)?;
        }
        let (pipeline, pipeline_thread) = pipeline
            .spawn()
            .map_err(|error| failed("the pipeline's thread cannot be started", &error))?;
        tokio::spawn(end_startup(config.startup_timeout, pipeline.clone()));
        let problems = SourceProblems::default();
        let mut watchers =
            Watchers::new(pipeline.clone(), &config.resolver, saved, problems.clone());
        watchers.apply(&config, Successors::none()).await;
        let orders_socket = predecessor.as_mut().and_then(Predecessor::take_orders);
        let manager =
            ServiceManager::found(predecessor.as_mut().and_then(Predecessor::take_notify_socket));
        if let Some(mut predecessor) = predecessor {
            published = take_turn(&mut predecessor, published, &pipeline).await?;
            dns = Answering::begin(&mut answering, &config)?;
            predecessor.tell_serving().await?;
            own_state(&pipeline).await?;
        }
        let orders_socket = orders_socket.or_else(|| bind_socket(&config));
        let (place_orders, orders) = orders::channel();
        let (succession, candidates) = Succession::new();
        let mirror_list = MirrorList::default();
        let pages = Arc::new(Pages {
            pipeline: pipeline.clone(),
            reader,
            metrics: metrics.clone(),
            dns: dns.clone(),
            problems,
            draining: AtomicBool::new(false),
            held: Mutex::new(None),
            refused: Mutex::new(Vec::new()),
            mirrors: mirror_list.clone(),
            federation: FederationPage::default(),
            orders: place_orders,
            succession,
            socket: orders_socket.as_ref().map(|(path, _)| path.clone()),
            afar,
        });
        let doors = Doors { admin: bound.admin, orders: orders_socket };
        let admin = doors.open(&pages);
        let mirrors =
            Mirrors::new(pipeline.clone(), mirror_list, metrics.clone(), &writer_id, &config);
        let mut running = Self {
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
            leader: None,
            writer_id,
            leased,
            key_files,
            own_secrets,
            federation: None,
            saved_clusters,
            members_are_known: !is_federation,
            staged: None,
            admin,
            doors,
            published,
            manager,
        };
        running.start_writers().await;
        Ok((running, Inboxes { orders, candidates }))
    }
}

// === impl Prepared ===

impl Prepared {
    async fn of(
        config: Config,
        mut predecessor: Option<Predecessor>,
    ) -> Result<(Self, Option<Predecessor>), ConfigError> {
        let (settings, now) = config::zone_settings(&config);
        let settings = settings?;
        let bound = match &mut predecessor {
            Some(predecessor) => Bound::take_over(&config, predecessor).await?,
            None => Bound::bind(&config).await?,
        };
        user::become_user(&config)?;
        let mut key_files = FileWatches::default();
        // Before they are read: a change in between is then seen as one.
        key_files.follow(&config.key_files());
        let transfer_policy = config::transfer_policy(&config)?;
        let own_secrets = match &predecessor {
            Some(predecessor) => predecessor.cookie_secrets(),
            None => CookieSecrets::random()
                .map_err(|error| failed("there is no randomness for DNS cookies", &error))?,
        };
        let client_policy = config::client_policy(&config, &own_secrets)?;
        let certificate = config::certificate(&config, unix_now())?;
        let admin_token = config::admin_token(&config)?;
        let mut warnings = ConfigWarnings::default();
        warnings.tell(now);
        let prepared = Self {
            config,
            settings,
            bound,
            key_files,
            transfer_policy,
            own_secrets,
            client_policy,
            certificate,
            admin_token,
            warnings,
        };
        Ok((prepared, predecessor))
    }

    /// Also says whether the zones have been answered from it until now.
    async fn open_state(
        &self,
        predecessor: &mut Option<Predecessor>,
    ) -> Result<(StateFolder, bool), ConfigError> {
        let path = &self.config.state_dir;
        let (folder, was_published) = match predecessor {
            Some(predecessor) => {
                let State { lock, is_published } = predecessor.take_state().await?;
                (StateFolder::take_over(path, lock), is_published)
            }
            None => (StateFolder::open(path), false),
        };
        let folder = folder.map_err(|error| state_failed(&self.config, &error))?;
        if predecessor.is_none() {
            Federation::restore_state(&self.config, &folder).await;
        }
        Ok((folder, was_published))
    }
}

// === impl Answering ===

impl Answering {
    /// Once.
    fn begin(this: &mut Option<Self>, config: &Config) -> Result<Option<Arc<Server>>, ConfigError> {
        let Some(Self { listeners, options, reader, transfers }) = this.take() else {
            return Ok(None);
        };
        let start = |listeners| {
            let started = Server::start_on(listeners, options, reader, transfers);
            started.map(Arc::new).map_err(|error| dns_taken(config, &error))
        };
        listeners.map(start).transpose()
    }
}

/// Waits for the first publication and until nobody else answers. What is returned fires again.
async fn take_turn(
    predecessor: &mut Predecessor,
    mut published: oneshot::Receiver<()>,
    pipeline: &PipelineHandle,
) -> Result<oneshot::Receiver<()>, ConfigError> {
    let ended = || ConfigError::one("the pipeline has ended".into());
    loop {
        tokio::select! {
            biased;
            published = &mut published => break published.map_err(|_| ended())?,
            died = predecessor.dies() => died?,
        }
    }
    let serials = pipeline.ask(|pipeline| pipeline.serials()).await.map_err(|_| ended())?;
    predecessor.tell_published(serials).await?;
    if predecessor.is_dead() {
        // Before anything is answered: it cannot note the serials for this one.
        own_state(pipeline).await?;
    }
    let (on_published, published) = oneshot::channel();
    // Its receiver is in hand.
    let _ = on_published.send(());
    Ok(published)
}

async fn own_state(pipeline: &PipelineHandle) -> Result<(), ConfigError> {
    let owned = pipeline.ask(|pipeline| pipeline.own_state()).await;
    owned.map_err(|_| ConfigError::one("the pipeline has ended".into()))
}

fn state_failed(config: &Config, error: &StateError) -> ConfigError {
    let subject = Subject::StateDir;
    ConfigError::one(match error {
        StateError::Io { path, source } => {
            config.places.unusable(&subject, path, STATE_FOLDER, source)
        }
        StateError::Locked { .. } | StateError::Foreign { .. } => {
            config.places.line(&subject, error)
        }
    })
}

async fn end_startup(timeout: Duration, pipeline: PipelineHandle) {
    tokio::time::sleep(timeout).await;
    // A pipeline that has ended waits for nothing.
    let _ = pipeline.send(Input::StartupTimeout).await;
}
