//! Asks as fast as a server answers: a spinning loop on a core of its own, with so many queries on their
//! way that the server always finds some, and never so many that they do not fit into its socket.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::sys::{BATCH, Batch, send_segments, set_receive_buffer};
use super::workload::{BURST, Workload};

/// Queries on their way. A server's socket holds some two hundred by default.
const WINDOW: usize = 4 * BURST;
/// After so long without any answer the rest of a window is lost.
const LOST: Duration = Duration::from_millis(20);
/// Bytes of answers that wait to be read.
const BUFFER: i32 = 8 << 20;

#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub answers: u64,
    /// NOERROR with records.
    pub found: u64,
    /// NXDOMAIN.
    pub absent: u64,
    pub lost: u64,
}

/// Asks a server for so long.
pub fn ask(server: SocketAddr, workload: &Workload, duration: Duration) -> Counted {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("the system has a port");
    socket.connect(server).expect("there is a route");
    set_receive_buffer(&socket, BUFFER).expect("this needs root");
    let mut batch = Batch::new(false);
    let mut counted = Counted::default();
    let (mut outstanding, mut next) = (0, 0);
    let begun = Instant::now();
    let mut heard = begun;
    while begun.elapsed() < duration {
        while outstanding + BURST <= WINDOW {
            send_segments(&socket, workload.burst(next), workload.length).expect("send a burst");
            (outstanding, next) = (outstanding + BURST, next + 1);
        }
        match batch.receive(&socket, false) {
            Ok(count) => {
                count_answers(&batch, count, &mut counted);
                outstanding = outstanding.saturating_sub(count);
                heard = Instant::now();
            }
            Err(_) if heard.elapsed() > LOST => {
                counted.lost += outstanding as u64;
                (outstanding, heard) = (0, Instant::now());
            }
            Err(_) => std::hint::spin_loop(),
        }
    }
    drain(&socket, &mut batch, &mut counted);
    counted
}

fn count_answers(batch: &Batch, count: usize, counted: &mut Counted) {
    counted.answers += count as u64;
    for answer in batch.packets(count) {
        let rcode = answer[3] & 0xf;
        counted.found += u64::from(rcode == 0 && answer[6..8] != [0, 0]);
        counted.absent += u64::from(rcode == 3);
    }
}

/// What is still on its way belongs to this run, too.
fn drain(socket: &UdpSocket, batch: &mut Batch, counted: &mut Counted) {
    let mut heard = Instant::now();
    while heard.elapsed() < LOST {
        if let Ok(count @ 1..=BATCH) = batch.receive(socket, false) {
            count_answers(batch, count, counted);
            heard = Instant::now();
        }
    }
}
