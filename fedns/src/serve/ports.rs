//! The ports of `serve`: bound, or taken over from who passed them.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use dns_server::Transport;
use dns_server::server::{Addresses, BindError, Listeners, usable_cpus};
use tokio::task::JoinSet;
use tracing::{error, warn};

use super::handover::{Predecessor, Taken};
use super::{failed, systemd};
use crate::admin::{self, Pages};
use crate::config::{Config, ConfigError, Listen, Subject};
use crate::output::chain_text;

/// The ports, bound while there may be more rights than later.
pub struct Bound {
    pub dns: Option<Listeners>,
    pub admin: Option<TcpListener>,
}

/// Where the admin pages are, and orders are taken; handles that stay when nobody listens.
pub struct Doors {
    pub admin: Option<TcpListener>,
    pub orders: Option<(PathBuf, UnixListener)>,
}

impl Bound {
    pub async fn bind(config: &Config) -> Result<Self, ConfigError> {
        check_cpus(config)?;
        let mut dns = systemd::inherited()?;
        let admin = systemd::take_admin(&mut dns, &config.listen);
        let mut taken = Taken { listen: config.listen.clone(), dns, admin };
        let bound = Self::bind_others(config, &mut taken).await?;
        systemd::refuse_others(&taken.dns)?;
        Ok(bound)
    }

    /// On the sockets of the process that serves now, and new ones where it has none.
    pub async fn take_over(
        config: &Config,
        predecessor: &mut Predecessor,
    ) -> Result<Self, ConfigError> {
        check_cpus(config)?;
        let mut taken = predecessor.take_sockets(&config.listen);
        // What is left over is closed: the config names its address no more.
        Self::bind_others(config, &mut taken).await
    }

    async fn bind_others(config: &Config, taken: &mut Taken) -> Result<Self, ConfigError> {
        let Taken { listen, dns: inherited, admin } = taken;
        let admin = match admin.take() {
            Some(listener) => Some(listener),
            None => bind_admin(config).await?,
        };
        let Listen { dns, dot, doh, doq, .. } = listen.clone();
        let addresses = Addresses { dns, dot, doh, doq };
        let dns = match config.listen.answers_dns() {
            false => None,
            true => Some(
                Listeners::bind(&addresses, config.workers, inherited)
                    .map_err(|error| dns_taken(config, &error))?,
            ),
        };
        Ok(Self { dns, admin })
    }
}

// === impl Doors ===

impl Doors {
    /// Listens until what is returned is dropped.
    pub fn open(&self, pages: &Arc<Pages>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let closed = |error: io::Error| error!(%error, "the admin pages cannot be served");
        if let Some(listener) = &self.admin {
            match admin::listen_on(listener) {
                Ok(listener) => drop(tasks.spawn(admin::serve(listener, Arc::clone(pages)))),
                Err(error) => closed(error),
            }
        }
        if let Some((_, listener)) = &self.orders {
            match admin::listen_on_socket(listener) {
                Ok(listener) => drop(tasks.spawn(admin::serve_socket(listener, Arc::clone(pages)))),
                Err(error) => closed(error),
            }
        }
        tasks
    }
}

/// Each is there, and this process may use it.
pub fn check_cpus(config: &Config) -> Result<(), ConfigError> {
    if config.cpus.is_empty() {
        return Ok(());
    }
    let usable = usable_cpus().map_err(|error| failed("the CPUs cannot be listed", &error))?;
    let Some(missing) = config.cpus.iter().find(|cpu| !usable.contains(cpu)) else {
        return Ok(());
    };
    let usable: Vec<String> = usable.iter().map(usize::to_string).collect();
    let message = format!(
        "CPU {missing} is none that this process may use; use some of {}",
        usable.join(", ")
    );
    Err(ConfigError::one(config.places.line(&Subject::Cpus, message)))
}

pub fn dns_taken(config: &Config, error: &BindError) -> ConfigError {
    let key = match error.transport {
        Transport::Udp | Transport::Tcp => "dns",
        Transport::Tls => "dot",
        Transport::Https => "doh",
        Transport::Quic => "doq",
    };
    let subject = Subject::Listen(key, error.address);
    let message = format!("{}{}", chain_text(error), remedy(&error.source));
    ConfigError::one(config.places.line(&subject, message))
}

async fn bind_admin(config: &Config) -> Result<Option<TcpListener>, ConfigError> {
    let Some(address) = config.listen.admin else { return Ok(None) };
    let bound = admin::bind(address).await;
    bound.map(Some).map_err(|error| {
        let message = format!("cannot listen on {address}: {error}{}", remedy(&error));
        ConfigError::one(config.places.line(&Subject::ListenAdmin, message))
    })
}

/// What to do where a port cannot be had.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "; ports below 1024 need rights: use a higher port, or CAP_NET_BIND_SERVICE"
        }
        ErrorKind::AddrInUse => "; stop what has the port, or choose another",
        ErrorKind::AddrNotAvailable => "; choose an address that this machine has",
        _ => "",
    }
}

/// Without it answers flow all the same.
pub fn bind_socket(config: &Config) -> Option<(PathBuf, UnixListener)> {
    let path = admin::socket::path(&config.state_dir);
    match admin::socket::bind(&path) {
        Ok(listener) => Some((path, listener)),
        Err(error) => {
            warn!(socket = %path.display(), %error,
                "no orders are taken (clusters accept, plan approve): the socket cannot be made");
            None
        }
    }
}
