//! What a service manager passes to fedns, and is told by it: sd_listen_fds(3) and sd_notify(3).

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{self, UnixDatagram};

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

/// Where the service manager is told how the service stands.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    /// A path, or `@` and a name without one; none where nobody wants to know.
    socket: Option<OsString>,
}

// === impl ServiceManager ===

impl ServiceManager {
    /// The one that started this process; else the one of the process before, which does not know yet that the
    /// service goes on in this one.
    pub fn found(of_predecessor: Option<OsString>) -> Self {
        Self { socket: env::var_os("NOTIFY_SOCKET").or(of_predecessor) }
    }

    /// For the process that takes this one's place.
    pub fn socket(&self) -> Option<&OsStr> {
        self.socket.as_deref()
    }

    /// From the first publication on, whoever waits for this service can ask it.
    pub fn tell_ready(&self, zones: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&format!("serves {zones}"))]);
    }

    /// The service goes on in another process.
    pub fn tell_main_process(&self, process: u32) {
        self.tell(&[NotifyState::MainPid(process)]);
    }

    pub fn tell_stopping(&self) {
        self.tell(&[NotifyState::Stopping]);
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let text: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = send(socket, &text) {
            warn!(%error, socket = %socket.display(), "the service manager cannot be told");
        }
    }
}

fn send(socket: &OsStr, text: &str) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => net::SocketAddr::from_abstract_name(name)?,
        None => net::SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_told_by_path_and_by_name() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("notify");
        let name = format!("fedns-test-{}", std::process::id());
        let by_name = net::SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        for (socket, address) in [
            (path.clone().into_os_string(), net::SocketAddr::from_pathname(&path).unwrap()),
            (OsString::from(format!("@{name}")), by_name),
        ] {
            let listener = UnixDatagram::bind_addr(&address).unwrap();
            ServiceManager { socket: Some(socket) }.tell_ready("example.com.");
            let mut text = [0; 100];
            let length = listener.recv(&mut text).unwrap();
            assert_eq!(&text[..length], b"READY=1\nSTATUS=serves example.com.\n");
        }
    }
}
