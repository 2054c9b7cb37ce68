//! The ports of `serve`: bound, or taken over from who passed them.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use dns_server::Transport;
use dns_server::server::{Addresses, BindError, Listeners, usable_cpus};
use tokio::net::{TcpListener, UnixListener};
use tracing::warn;

use super::{failed, systemd};
use crate::admin;
use crate::config::{Config, ConfigError, Listen, Subject};
use crate::output::chain_text;

/// The ports, bound while there may be more rights than later.
pub struct Bound {
    pub dns: Option<Listeners>,
    pub admin: Option<TcpListener>,
}

impl Bound {
    pub async fn bind(config: &Config) -> Result<Self, ConfigError> {
        check_cpus(config)?;
        let mut inherited = systemd::inherited()?;
        let admin = match systemd::take_admin(&mut inherited, &config.listen) {
            Some(listener) => Some(
                admin::listen_on(listener)
                    .map_err(|error| failed("the admin socket that was passed", &error))?,
            ),
            None => bind_admin(config).await?,
        };
        let Listen { dns, dot, doh, doq, .. } = config.listen.clone();
        let addresses = Addresses { dns, dot, doh, doq };
        let dns = match config.listen.answers_dns() {
            false => None,
            true => Some(
                Listeners::bind(&addresses, config.workers, &mut inherited)
                    .map_err(|error| dns_taken(config, &error))?,
            ),
        };
        systemd::refuse_others(&inherited)?;
        Ok(Self { dns, admin })
    }
}

/// Each is there, and this process may use it.
fn check_cpus(config: &Config) -> Result<(), ConfigError> {
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
