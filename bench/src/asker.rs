//! One name, asked until its answer holds an address.
//!
//! One query is on its way at a time, and the asker sleeps in `recv` until its answer comes: it
//! takes no core away from what it waits for, as a loop that spins would on a small machine.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use model::{Name, RecordType};

use crate::pace::pause;
use crate::query::{holds_address, query};

/// A query that is not answered in this time is sent again.
const PATIENCE: Duration = Duration::from_millis(200);
/// Much longer than anything here takes; whatever takes longer is a failure.
const DEADLINE: Duration = Duration::from_secs(180);

pub struct Asker {
    socket: UdpSocket,
    query: Vec<u8>,
    next_id: u16,
}

pub struct Answered {
    /// When the answer was received.
    pub at: Instant,
    /// 1 where the first answer held the address already.
    pub queries: u32,
}

impl Asker {
    /// Asks the server at this port of loopback for A records.
    pub fn new(port: u16, name: &Name) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
        socket.connect((Ipv4Addr::LOCALHOST, port)).expect("loopback is there");
        socket.set_read_timeout(Some(PATIENCE)).expect("the time is not zero");
        Self { socket, query: query(0, name, RecordType::A), next_id: 0 }
    }

    /// Asks again and again, with a rest between two queries, until the answer holds `address`.
    pub fn until(&mut self, address: Ipv4Addr, rest: Duration) -> Answered {
        let started = Instant::now();
        let mut buffer = [0; 1500];
        for queries in 1.. {
            let length = self.ask(&mut buffer);
            let at = Instant::now();
            if length.is_some_and(|length| holds_address(&buffer[..length], address)) {
                return Answered { at, queries };
            }
            assert!(at - started < DEADLINE, "{address} is not answered within {DEADLINE:?}");
            if !rest.is_zero() {
                pause(rest);
            }
        }
        unreachable!("the loop ends by itself")
    }

    /// The length of the answer; `None` where none came.
    fn ask(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.next_id = self.next_id.wrapping_add(1);
        let id = self.next_id.to_be_bytes();
        self.query[..2].copy_from_slice(&id);
        answered(self.socket.send(&self.query))?;
        loop {
            let length = answered(self.socket.recv(buffer))?;
            // Else it is the answer to a query that was given up.
            if length >= 12 && buffer[..2] == id {
                return Some(length);
            }
        }
    }
}

fn answered(result: io::Result<usize>) -> Option<usize> {
    match result {
        Ok(length) => Some(length),
        Err(error) => match error.kind() {
            // The last: one that starts has no port yet.
            ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionRefused => None,
            _ => panic!("ask the server: {error}"),
        },
    }
}
