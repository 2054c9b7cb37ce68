//! Loopback ports, chosen by the system.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Mutex;

use tokio::net::TcpSocket;

/// A TCP port that stays ours while the server on it comes and goes.
///
/// The socket is bound but never listens, so it receives nothing; it only keeps the number from
/// being given to anyone else. A server on it must set SO_REUSEPORT too.
pub struct HeldPort {
    number: u16,
    _socket: TcpSocket,
}

impl HeldPort {
    pub fn new() -> Self {
        let socket = shared_socket();
        socket.bind(loopback(0)).expect("the system has a free port");
        let number = socket.local_addr().expect("the socket is bound").port();
        Self { number, _socket: socket }
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// A second socket on the same port, for a server in this process. Needs a tokio runtime.
    pub fn listen(&self) -> tokio::net::TcpListener {
        let socket = shared_socket();
        socket.set_reuseaddr(true).expect("old connections may linger");
        socket.bind(loopback(self.number)).expect("the port is held");
        socket.listen(1024).expect("nobody else listens here")
    }
}

impl Default for HeldPort {
    fn default() -> Self {
        Self::new()
    }
}

/// A port that is free now for UDP and TCP, for servers that cannot share one. It may be lost before
/// it is used, but never to another test. TCP chooses first: the numbers that it gives to listeners are
/// those that it gives to clients last, so the port stays free while a server on it starts again.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let tcp = TcpListener::bind(loopback(0)).expect("the system has a free port");
        let address = tcp.local_addr().expect("the socket is bound");
        let is_free = UdpSocket::bind(address).is_ok();
        if is_free && GIVEN.lock().expect("no test fails here").insert(address.port()) {
            return address.port();
        }
    }
}

/// SO_REUSEADDR is left out: a holder with it would let strangers that have it bind the port too.
fn shared_socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("make a socket");
    socket.set_reuseport(true).expect("share the port");
    socket
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
