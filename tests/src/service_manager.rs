//! A service manager that only listens: what fedns tells it, sd_notify(3).

use std::os::unix::net::UnixDatagram;

use crate::eventually::GENEROUS;
use crate::serving::Fedns;

/// Where one server tells how it stands.
pub struct ServiceManager {
    socket: UnixDatagram,
}

// === impl ServiceManager ===

impl ServiceManager {
    /// Starts a server that tells. Those that take its place are not told where, but by the ones before them.
    pub fn start(fedns: &mut Fedns) -> Self {
        let path = fedns.home().join("logs-notify");
        let socket = UnixDatagram::bind(&path).expect("make a socket");
        socket.set_read_timeout(Some(GENEROUS)).expect("set a time limit");
        fedns.launch(&[], &[("NOTIFY_SOCKET", path.to_str().expect("a path of UTF-8"))]);
        Self { socket }
    }

    /// The next thing that it is told.
    #[track_caller]
    pub fn told(&self) -> String {
        let mut text = [0; 1000];
        let length = self.socket.recv(&mut text).expect("be told something");
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}
