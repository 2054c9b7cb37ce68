//! Clients that open connections, send half a query or nothing, and wait; closed ones are opened again.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::network::HOLDERS;

/// Below what one client may have.
const OF_EACH_ADDRESS: usize = 200;
/// Before a connection is opened again.
const REST: Duration = Duration::from_millis(200);
/// The length of a query, and none of it.
const HALF: [u8; 2] = [0, 40];

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Held {
    pub addresses: usize,
    pub opened: usize,
    /// At the same time, as far as these clients know.
    pub open_most: usize,
}

#[derive(Default)]
struct Counts {
    opened: Cell<usize>,
    open: Cell<usize>,
    open_most: Cell<usize>,
}

/// Keeps so many connections open for so long, as far as the server lets it.
pub fn hold(to: SocketAddrV4, connections: usize, length: Duration) -> Held {
    raise_limit(connections);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let counts = Rc::<Counts>::default();
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let end = Instant::now() + length;
        let holding = (0..connections).map(|at| {
            let counts = Rc::clone(&counts);
            tokio::task::spawn_local(async move {
                while Instant::now() < end {
                    one(at, to, end, &counts).await;
                    sleep(REST).await;
                }
            })
        });
        for task in holding.collect::<Vec<_>>() {
            task.await.expect("no task fails");
        }
    });
    let (opened, open_most) = (counts.opened.get(), counts.open_most.get());
    Held { addresses: connections.div_ceil(OF_EACH_ADDRESS), opened, open_most }
}

/// Until the server closes it.
async fn one(at: usize, to: SocketAddrV4, end: Instant, counts: &Counts) {
    let address = u32::from(HOLDERS) + 1 + (at / OF_EACH_ADDRESS) as u32;
    let socket = TcpSocket::new_v4().expect("below the limit of descriptors");
    socket.bind(SocketAddrV4::new(Ipv4Addr::from(address), 0).into()).expect("the address is here");
    let Ok(Ok(mut stream)) = timeout_at(end, socket.connect(to.into())).await else { return };
    counts.opened.set(counts.opened.get() + 1);
    counts.open.set(counts.open.get() + 1);
    counts.open_most.set(counts.open_most.get().max(counts.open.get()));
    // A connection that is closed at once takes nothing.
    let is_taken = at.is_multiple_of(2) || stream.write_all(&HALF).await.is_ok();
    if is_taken {
        let _ = timeout_at(end, stream.read(&mut [0; 16])).await;
    }
    counts.open.set(counts.open.get() - 1);
}

fn raise_limit(connections: usize) {
    use nix::sys::resource::{Resource, setrlimit};
    let descriptors = connections as u64 + 100;
    setrlimit(Resource::RLIMIT_NOFILE, descriptors, descriptors).expect("this needs root");
}
