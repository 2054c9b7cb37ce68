//! The sockets of a server, bound before anybody answers on them. Those that somebody else has bound are
//! used where there are some.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use crate::respond::Transport;
use crate::server::bind::{self, BindError, Sockets};

/// Where a server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// UDP and TCP.
    pub dns: Vec<SocketAddr>,
    /// DNS over TLS (RFC 7858).
    pub dot: Vec<SocketAddr>,
    /// DNS over HTTPS (RFC 8484), at the path `/dns-query`.
    pub doh: Vec<SocketAddr>,
    /// DNS over QUIC (RFC 9250).
    pub doq: Vec<SocketAddr>,
}

/// Sockets at all addresses of a server: what arrives waits in them.
pub struct Listeners {
    pub(crate) plain: Vec<Sockets>,
    pub(crate) encrypted: Vec<EncryptedSockets>,
}

/// Sockets that were bound before this process began.
#[derive(Debug, Default)]
pub struct Inherited {
    pub udp: Vec<UdpSocket>,
    /// Listening.
    pub tcp: Vec<TcpListener>,
}

/// Those of one address.
pub(crate) struct EncryptedSockets {
    pub transport: Transport,
    /// With the port that was picked.
    pub address: SocketAddr,
    pub sockets: StreamSockets,
}

pub(crate) enum StreamSockets {
    /// For each worker one.
    Tcp(Vec<TcpListener>),
    /// One for all workers: a connection goes on when its client's address changes.
    Quic(UdpSocket),
}

// === impl Addresses ===

impl Addresses {
    /// UDP and TCP, and nothing encrypted.
    pub fn plain(dns: &[SocketAddr]) -> Self {
        Self { dns: dns.to_vec(), ..Self::default() }
    }

    fn encrypted(&self) -> impl Iterator<Item = (Transport, SocketAddr)> {
        let Self { dot, doh, doq, .. } = self;
        let all = [(Transport::Tls, dot), (Transport::Https, doh), (Transport::Quic, doq)];
        all.into_iter().flat_map(|(transport, addresses)| {
            addresses.iter().map(move |address| (transport, *address))
        })
    }
}

// === impl Listeners ===

impl Listeners {
    /// Sockets at each address for each of the workers. For port 0 the system picks one, for UDP and TCP
    /// one that both have free. Of what is inherited, that at these addresses is taken out and used: this
    /// process may have no right to bind it anew.
    ///
    /// # Errors
    ///
    /// The first address that cannot be had.
    pub fn bind(
        addresses: &Addresses,
        workers: usize,
        inherited: &mut Inherited,
    ) -> Result<Self, BindError> {
        let workers = workers.max(1);
        let plain = addresses.dns.iter().map(|address| {
            Sockets::bind(*address, workers, inherited.udp_at(*address), inherited.tcp_at(*address))
        });
        let plain = plain.collect::<Result<_, _>>()?;
        let encrypted = addresses.encrypted().map(|(transport, address)| {
            let bound = EncryptedSockets::bind(transport, address, workers, inherited);
            bound.map_err(|source| BindError::new(address, transport, source))
        });
        Ok(Self { plain, encrypted: encrypted.collect::<Result<_, _>>()? })
    }
}

// === impl Inherited ===

impl Inherited {
    fn udp_at(&mut self, address: SocketAddr) -> Vec<UdpSocket> {
        let is_there = |socket: &mut UdpSocket| socket.local_addr().is_ok_and(|it| it == address);
        self.udp.extract_if(.., is_there).collect()
    }

    fn tcp_at(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let is_there = |socket: &mut TcpListener| socket.local_addr().is_ok_and(|it| it == address);
        self.tcp.extract_if(.., is_there).collect()
    }
}

// === impl EncryptedSockets ===

impl EncryptedSockets {
    fn bind(
        transport: Transport,
        wanted: SocketAddr,
        workers: usize,
        inherited: &mut Inherited,
    ) -> io::Result<Self> {
        if transport == Transport::Quic {
            // More than one would split its connections.
            let socket = match inherited.udp_at(wanted).pop() {
                Some(socket) => bind::ready_quic(socket)?,
                None => bind::bind_quic(wanted)?,
            };
            let address = socket.local_addr()?;
            return Ok(Self { transport, address, sockets: StreamSockets::Quic(socket) });
        }
        let tcp = bind::bind_tcp(wanted, workers, inherited.tcp_at(wanted))?;
        let address = tcp[0].local_addr()?;
        Ok(Self { transport, address, sockets: StreamSockets::Tcp(tcp) })
    }
}
