//! Sockets at one address: for each worker one UDP and one TCP socket that share their port, or one of
//! either kind for an encrypted transport.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use thiserror::Error;

use crate::respond::Transport;
use crate::server::sys;

/// How often another port is tried where the system is to pick one for both protocols.
const PORT_TRIES: usize = 64;
const TCP_BACKLOG: i32 = 1024;
/// Room for a burst while the worker is busy; the system may give less.
const UDP_RECEIVE_BUFFER: usize = 4 << 20;

/// An address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}/{}", protocol(*.transport))]
pub struct BindError {
    pub address: SocketAddr,
    pub transport: Transport,
    #[source]
    pub source: io::Error,
}

pub(crate) struct Sockets {
    /// With the port that was picked.
    pub address: SocketAddr,
    pub udp: Vec<UdpSocket>,
    pub tcp: Vec<TcpListener>,
}

// === impl BindError ===

impl BindError {
    pub(crate) fn new(address: SocketAddr, transport: Transport, source: io::Error) -> Self {
        Self { address, transport, source }
    }
}

/// What has the ports.
fn protocol(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp | Transport::Quic => "udp",
        Transport::Tcp | Transport::Tls | Transport::Https => "tcp",
    }
}

// === impl Sockets ===

impl Sockets {
    /// On those that are given, where there are some.
    pub fn bind(
        address: SocketAddr,
        workers: usize,
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
    ) -> Result<Self, BindError> {
        if address.port() != 0 {
            return Self::try_bind(address, workers, udp, tcp);
        }
        for _ in 1..PORT_TRIES {
            match Self::try_bind(address, workers, Vec::new(), Vec::new()) {
                // Another program has the port that was picked for TCP on UDP.
                Err(error)
                    if error.transport == Transport::Udp
                        && error.source.kind() == io::ErrorKind::AddrInUse => {}
                result => return result,
            }
        }
        Self::try_bind(address, workers, Vec::new(), Vec::new())
    }

    fn try_bind(
        wanted: SocketAddr,
        workers: usize,
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
    ) -> Result<Self, BindError> {
        let tcp_error = |source| BindError::new(wanted, Transport::Tcp, source);
        let udp_error = |source| BindError::new(wanted, Transport::Udp, source);
        let tcp = bind_tcp(wanted, workers, tcp).map_err(tcp_error)?;
        let address = tcp[0].local_addr().map_err(tcp_error)?;
        let udp = bind_udp(address, workers, udp).map_err(udp_error)?;
        Ok(Self { address, udp, tcp })
    }
}

/// For each worker at least one: on those that are given, or new ones.
pub(crate) fn bind_tcp(
    wanted: SocketAddr,
    workers: usize,
    given: Vec<TcpListener>,
) -> io::Result<Vec<TcpListener>> {
    if given.is_empty() {
        let first = claim_tcp(wanted)?;
        let address = first.local_addr()?;
        let others = (1..workers).map(|_| join_tcp(address));
        return std::iter::once(Ok(first)).chain(others).collect();
    }
    let dealt = deal(given, workers, TcpListener::try_clone)?;
    dealt.into_iter().map(|listener| ready_tcp(listener.into())).collect()
}

fn bind_udp(
    address: SocketAddr,
    workers: usize,
    given: Vec<UdpSocket>,
) -> io::Result<Vec<UdpSocket>> {
    if given.is_empty() {
        let others = (1..workers).map(|_| join_udp(address));
        return std::iter::once(claim_udp(address)).chain(others).collect();
    }
    let dealt = deal(given, workers, UdpSocket::try_clone)?;
    dealt.into_iter().map(|socket| ready_udp(socket.into(), address)).collect()
}

/// Fewer sockets than workers are shared; more are all kept, or their queries would wait for ever.
fn deal<S>(sockets: Vec<S>, workers: usize, copy: fn(&S) -> io::Result<S>) -> io::Result<Vec<S>> {
    let copies = (sockets.len()..workers).map(|at| copy(&sockets[at % sockets.len()]));
    let copies = copies.collect::<io::Result<Vec<_>>>()?;
    Ok(sockets.into_iter().chain(copies).collect())
}

/// One for all workers: a connection goes on when its client's address changes.
pub(crate) fn bind_quic(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = new_socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&SockAddr::from(address))?;
    ready_quic(socket.into())
}

pub(crate) fn ready_quic(socket: UdpSocket) -> io::Result<UdpSocket> {
    let socket = Socket::from(socket);
    socket.set_recv_buffer_size(UDP_RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
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
