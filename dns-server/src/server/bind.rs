//! Sockets at one address: for each worker one UDP and one TCP socket that share their port. Sockets
//! that somebody else has bound are dealt out instead, where there are some.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use thiserror::Error;

use crate::server::sys;

/// How often another port is tried where the system is to pick one for both protocols.
const PORT_TRIES: usize = 64;
const TCP_BACKLOG: i32 = 1024;
/// Room for a burst while the worker is busy; the system may give less.
const UDP_RECEIVE_BUFFER: usize = 4 << 20;

/// An address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}/{protocol}")]
pub struct BindError {
    pub address: SocketAddr,
    pub protocol: BindProtocol,
    #[source]
    pub source: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindProtocol {
    Udp,
    Tcp,
}

/// Sockets at all addresses of a server, which nobody answers on yet: what arrives waits in them.
pub struct Listeners(Vec<Sockets>);

/// Sockets that were bound before this process began.
#[derive(Debug, Default)]
pub struct Inherited {
    pub udp: Vec<UdpSocket>,
    /// Listening.
    pub tcp: Vec<TcpListener>,
}

pub(crate) struct Sockets {
    /// With the port that was picked.
    pub address: SocketAddr,
    pub udp: Vec<UdpSocket>,
    pub tcp: Vec<TcpListener>,
}

// === impl BindError ===

impl BindError {
    pub(crate) fn new(address: SocketAddr, protocol: BindProtocol, source: io::Error) -> Self {
        Self { address, protocol, source }
    }
}

impl std::fmt::Display for BindProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

// === impl Listeners ===

impl Listeners {
    /// One socket of each protocol at each address for each of the workers. For port 0 the system
    /// picks one that both protocols have free. Of what is inherited, that at these addresses is taken
    /// out and used: this process may have no right to bind it anew.
    ///
    /// # Errors
    ///
    /// The first address that cannot be had.
    pub fn bind(
        addresses: &[SocketAddr],
        workers: usize,
        inherited: &mut Inherited,
    ) -> Result<Self, BindError> {
        let workers = workers.max(1);
        let bind = |address: &SocketAddr| {
            Sockets::bind(*address, workers, inherited.udp_at(*address), inherited.tcp_at(*address))
        };
        addresses.iter().map(bind).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn into_sockets(self) -> Vec<Sockets> {
        self.0
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

// === impl Sockets ===

impl Sockets {
    fn bind(
        address: SocketAddr,
        workers: usize,
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
    ) -> Result<Self, BindError> {
        if !udp.is_empty() || !tcp.is_empty() {
            return Self::inherited(address, workers, udp, tcp);
        }
        for _ in 1..PORT_TRIES {
            match Self::try_bind(address, workers) {
                // Another program has the port that was picked for TCP on UDP.
                Err(error)
                    if address.port() == 0
                        && error.protocol == BindProtocol::Udp
                        && error.source.kind() == io::ErrorKind::AddrInUse => {}
                result => return result,
            }
        }
        Self::try_bind(address, workers)
    }

    fn try_bind(wanted: SocketAddr, workers: usize) -> Result<Self, BindError> {
        let tcp_error = |source| BindError::new(wanted, BindProtocol::Tcp, source);
        let udp_error = |source| BindError::new(wanted, BindProtocol::Udp, source);
        let first = claim_tcp(wanted).map_err(tcp_error)?;
        let address = first.local_addr().map_err(tcp_error)?;
        let mut tcp = vec![first];
        let mut udp = vec![claim_udp(address).map_err(udp_error)?];
        for _ in 1..workers {
            tcp.push(join_tcp(address).map_err(tcp_error)?);
            udp.push(join_udp(address).map_err(udp_error)?);
        }
        Ok(Self { address, udp, tcp })
    }

    /// A protocol that nobody has bound is bound here.
    fn inherited(
        address: SocketAddr,
        workers: usize,
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
    ) -> Result<Self, BindError> {
        let tcp_error = |source| BindError::new(address, BindProtocol::Tcp, source);
        let udp_error = |source| BindError::new(address, BindProtocol::Udp, source);
        let udp = match udp.is_empty() {
            true => bind_all(workers, || claim_udp(address), || join_udp(address)),
            false => deal(udp, workers, UdpSocket::try_clone).and_then(|sockets| {
                sockets.into_iter().map(|it| ready_udp(it.into(), address)).collect()
            }),
        };
        let tcp = match tcp.is_empty() {
            true => bind_all(workers, || claim_tcp(address), || join_tcp(address)),
            false => deal(tcp, workers, TcpListener::try_clone)
                .and_then(|sockets| sockets.into_iter().map(|it| ready_tcp(it.into())).collect()),
        };
        Ok(Self { address, udp: udp.map_err(udp_error)?, tcp: tcp.map_err(tcp_error)? })
    }
}

fn bind_all<S>(
    workers: usize,
    claim: impl Fn() -> io::Result<S>,
    join: impl Fn() -> io::Result<S>,
) -> io::Result<Vec<S>> {
    (0..workers).map(|at| if at == 0 { claim() } else { join() }).collect()
}

/// Fewer sockets than workers are shared, more would leave queries unread.
fn deal<S>(sockets: Vec<S>, workers: usize, copy: fn(&S) -> io::Result<S>) -> io::Result<Vec<S>> {
    let copies = (sockets.len()..workers).map(|at| copy(&sockets[at % sockets.len()]));
    let copies = copies.collect::<io::Result<Vec<_>>>()?;
    Ok(sockets.into_iter().chain(copies).collect())
}

/// The first socket is bound without SO_REUSEPORT and gets it afterwards: a port that another
/// program holds is refused, even if that one would share it, and our own next sockets may join.
fn claim_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = new_socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&SockAddr::from(address))?;
    socket.set_reuse_port(true)?;
    ready_udp(socket, address)
}

fn join_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = new_socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SockAddr::from(address))?;
    ready_udp(socket, address)
}

fn ready_udp(socket: Socket, address: SocketAddr) -> io::Result<UdpSocket> {
    socket.set_recv_buffer_size(UDP_RECEIVE_BUFFER)?;
    let socket = UdpSocket::from(socket);
    sys::ignore_path_mtu(&socket, address.ip())?;
    if is_wildcard(address.ip()) {
        sys::receive_destination(&socket, address.ip())?;
    }
    Ok(socket)
}

fn claim_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = new_socket(address, Type::STREAM, Protocol::TCP)?;
    // Connections of the last run may still be in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))?;
    // Two sockets that only have SO_REUSEADDR may both be bound; only one of them may listen.
    socket.listen(TCP_BACKLOG)?;
    socket.set_reuse_port(true)?;
    ready_tcp(socket)
}

fn join_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = new_socket(address, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(TCP_BACKLOG)?;
    ready_tcp(socket)
}

fn ready_tcp(socket: Socket) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn new_socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // IPv4 has sockets of its own.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Bound to all addresses: the answer's source must be chosen to be the query's destination.
pub(crate) fn is_wildcard(ip: IpAddr) -> bool {
    ip.is_unspecified()
}
