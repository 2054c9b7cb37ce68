//! A way from a real node's pods to what listens on this machine's loopback, such as the fakes of clouds.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// An open door. Dropping it closes everything that goes through it.
pub struct Door {
    address: SocketAddr,
    /// Dropped to end the thread.
    end: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

// === impl Door ===

impl Door {
    /// At an address that nodes reach, on a port that the system picks, to a port of 127.0.0.1.
    pub fn open(at: Ipv4Addr, to: u16) -> Self {
        let (end, ended) = oneshot::channel();
        let (tell, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("make a runtime")
                .block_on(pass(at, to, tell, ended));
        });
        let address = address.recv().expect("the door listens");
        Self { address, end: Some(end), thread: Some(thread) }
    }

    /// `http://198.18.1.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could fail.
            let _ = thread.join();
        }
    }
}

async fn pass(
    at: Ipv4Addr,
    to: u16,
    tell: mpsc::Sender<SocketAddr>,
    mut ended: oneshot::Receiver<Infallible>,
) {
    let listener = TcpListener::bind((at, 0)).await.expect("a free port");
    tell.send(listener.local_addr().expect("the socket is bound")).expect("the opener waits");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut ended => return,
            accepted = listener.accept() => {
                // An error concerns a connection that is gone already.
                if let Ok((outside, _)) = accepted {
                    connections.spawn(join(outside, to));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Its errors are the two sides' to see.
async fn join(mut outside: TcpStream, to: u16) {
    if let Ok(mut inside) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await {
        let _ = copy_bidirectional(&mut outside, &mut inside).await;
    }
}
