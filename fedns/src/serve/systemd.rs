//! What a service manager passes to fedns, and is told by it: sd_listen_fds(3) and sd_notify(3).

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use dns_server::server::Inherited;
use sd_notify::NotifyState;
use socket2::{Socket, Type};
use tracing::warn;

use super::failed;
use crate::config::{ConfigError, Listen};

/// The sockets that were passed; none where nobody passes any.
///
/// # Errors
///
/// What was passed is no socket that queries could come to.
pub fn inherited() -> Result<Inherited, ConfigError> {
    let passed = sd_notify::listen_fds()
        .map_err(|error| failed("LISTEN_FDS and LISTEN_PID make no sense", &error))?;
    let mut inherited = Inherited::default();
    for descriptor in passed {
        take(descriptor, &mut inherited)?;
    }
    Ok(inherited)
}

fn take(descriptor: RawFd, inherited: &mut Inherited) -> Result<(), ConfigError> {
    let refused = |found: &str| {
        ConfigError::one(format!(
            "found {found} as descriptor {descriptor}, which the service manager passed; wanted UDP sockets, \
             or TCP sockets that listen; correct the socket unit"
        ))
    };
    // SAFETY: a descriptor that is passed this way belongs to this process alone, and is taken only here.
    let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    let kind = socket.r#type().map_err(|error| refused(&error.to_string()))?;
    let address = socket.local_addr().map_err(|error| refused(&error.to_string()))?;
    match kind {
        _ if address.as_socket().is_none() => {
            return Err(refused("a socket without an IP address"));
        }
        Type::DGRAM => inherited.udp.push(UdpSocket::from(socket)),
        Type::STREAM if socket.is_listener().unwrap_or(false) => {
            inherited.tcp.push(TcpListener::from(socket));
        }
        Type::STREAM => return Err(refused("a TCP socket that does not listen")),
        _ => return Err(refused("a socket of another kind")),
    }
    Ok(())
}

/// Takes the socket of the admin pages out.
pub fn take_admin(inherited: &mut Inherited, listen: &Listen) -> Option<TcpListener> {
    let is_admin = |socket: &mut TcpListener| socket.local_addr().ok() == listen.admin;
    inherited.tcp.extract_if(.., is_admin).next()
}

/// All that was passed is to be used.
///
/// # Errors
///
/// A socket at an address that the config does not name.
pub fn refuse_others(inherited: &Inherited) -> Result<(), ConfigError> {
    let udp = inherited.udp.iter().map(|socket| (socket.local_addr(), "udp"));
    let tcp = inherited.tcp.iter().map(|socket| (socket.local_addr(), "tcp"));
    let Some((Ok(address), protocol)) = udp.chain(tcp).next() else { return Ok(()) };
    Err(unnamed(address, protocol))
}

fn unnamed(address: SocketAddr, protocol: &str) -> ConfigError {
    ConfigError::one(format!(
        "the service manager passed a socket at {address}/{protocol}, which the config does not name; add it to \
         listen, or remove it from the socket unit"
    ))
}

/// From the first publication on, whoever waits for this service can ask it.
pub fn tell_ready(zones: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("serves {zones}"))]);
}

/// The service goes on in another process.
pub fn tell_main_process(process: u32) {
    tell(&[NotifyState::MainPid(process)]);
}

pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "the service manager cannot be told");
    }
}
