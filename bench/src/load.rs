//! A steady stream of other queries, from many sockets, so that the server's threads share it.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::pace::pause;
use crate::query::has_records;

/// Sockets: the kernel deals them out to the server's threads.
const SOCKETS: usize = 32;
/// Queries go out in bursts of what has become due in this time.
const STEP: Duration = Duration::from_micros(100);
/// A stream ends by itself, whatever happens to who started it.
const LONGEST: Duration = Duration::from_secs(600);
/// A generator that could not run for a while leaves out what it could not send.
const BURST_MAX: u64 = 1000;

/// Runs until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Sent>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    pub queries: u64,
    pub answers: u64,
    /// Answers that were NOERROR with records.
    pub good: u64,
    pub seconds: f64,
}

impl Load {
    /// Sends `rate` of `queries` a second to a port of loopback, over and over.
    pub fn start(port: u16, rate: u32, queries: Vec<Vec<u8>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = thread::spawn(move || stream(port, rate, &queries, &until));
        Self { stop, thread }
    }

    pub fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the generator does not panic")
    }
}

fn stream(port: u16, rate: u32, queries: &[Vec<u8>], stop: &AtomicBool) -> Sent {
    let sockets: Vec<UdpSocket> = (0..SOCKETS).map(|_| socket(port)).collect();
    let mut sent = Sent::default();
    let mut due = 0;
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) && started.elapsed() < LONGEST {
        let now = (started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        for _ in 0..(now - due).min(BURST_MAX) {
            let at = usize::try_from(sent.queries).expect("64 bits");
            let socket = &sockets[at % SOCKETS];
            drain(socket, &mut sent);
            // A full socket buffer loses the query, as a network would.
            let _ = socket.send(&queries[at % queries.len()]);
            sent.queries += 1;
        }
        due = now;
        pause(STEP);
    }
    sent.seconds = started.elapsed().as_secs_f64();
    pause(Duration::from_millis(100));
    sockets.iter().for_each(|socket| drain(socket, &mut sent));
    sent
}

fn socket(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("loopback is there");
    socket.set_nonblocking(true).expect("a socket can be told so");
    socket
}

fn drain(socket: &UdpSocket, sent: &mut Sent) {
    let mut buffer = [0; 1500];
    while let Ok(length) = socket.recv(&mut buffer) {
        sent.answers += 1;
        sent.good += u64::from(has_records(&buffer[..length]));
    }
}
