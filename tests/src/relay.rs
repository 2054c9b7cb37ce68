//! What stands between us and a name server: it passes DNS messages over TCP (RFC 1035 section 4.2.2),
//! and does to updates (RFC 2136) what it is told.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lock::lock;

/// What becomes of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateFault {
    /// It never reaches the server.
    CloseBefore,
    /// The server carries it out, and its answer is lost.
    CloseAfter,
}

/// A port before a name server's. Dropping it closes everything.
pub struct Relay {
    port: u16,
    state: Arc<State>,
}

struct State {
    server: u16,
    faults: Mutex<VecDeque<UpdateFault>>,
    updates: AtomicUsize,
    messages: AtomicUsize,
    /// The connections that are open, to be closed at the end.
    open: Mutex<Option<Vec<TcpStream>>>,
}

/// OPCODE 5 (RFC 2136 section 2.2).
const UPDATE: u8 = 5;

// === impl Relay ===

impl Relay {
    /// To a port of 127.0.0.1.
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State {
            server,
            faults: Mutex::default(),
            updates: AtomicUsize::new(0),
            messages: AtomicUsize::new(0),
            open: Mutex::new(Some(Vec::new())),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if !accepting.keep(&client) {
                    return;
                }
                let state = Arc::clone(&accepting);
                // A side that closes ends the connection, and nothing else.
                thread::spawn(move || state.relay(&client).unwrap_or_default());
            }
        });
        Self { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next updates meet these, one after the other.
    pub fn inject(&self, faults: impl IntoIterator<Item = UpdateFault>) {
        lock(&self.state.faults).extend(faults);
    }

    /// How many updates were sent so far.
    pub fn updates(&self) -> usize {
        self.state.updates.load(Ordering::Relaxed)
    }

    /// How many messages were sent so far, updates among them.
    pub fn messages(&self) -> usize {
        self.state.messages.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for stream in lock(&self.state.open).take().unwrap_or_default() {
            // It may be closed already.
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
        // The listener wakes and ends; if it cannot be reached, it has ended.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

// === impl State ===

impl State {
    /// False after the end.
    fn keep(&self, stream: &TcpStream) -> bool {
        match &mut *lock(&self.open) {
            Some(open) => open.extend(stream.try_clone()),
            None => return false,
        }
        true
    }

    fn relay(&self, client: &TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server))?;
        if !self.keep(&server) {
            return Ok(());
        }
        let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
        let lost = Arc::new(Mutex::new(false));
        let is_lost = Arc::clone(&lost);
        thread::spawn(move || {
            while let Ok(answer) = read_message(&mut answers) {
                if *lock(&is_lost) || to_client.write_all(&answer).is_err() {
                    break;
                }
            }
            to_client.shutdown(Shutdown::Both).unwrap_or_default();
        });
        let mut client = client;
        loop {
            let message = read_message(&mut client)?;
            self.messages.fetch_add(1, Ordering::Relaxed);
            if is_update(&message) {
                self.updates.fetch_add(1, Ordering::Relaxed);
                match lock(&self.faults).pop_front() {
                    Some(UpdateFault::CloseBefore) => return client.shutdown(Shutdown::Both),
                    Some(UpdateFault::CloseAfter) => *lock(&lost) = true,
                    None => {}
                }
            }
            server.write_all(&message)?;
        }
    }
}

/// With its length before it.
fn read_message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 2];
    stream.read_exact(&mut message)?;
    let length = usize::from(u16::from_be_bytes([message[0], message[1]]));
    message.resize(2 + length, 0);
    stream.read_exact(&mut message[2..])?;
    Ok(message)
}

fn is_update(message: &[u8]) -> bool {
    message.get(4).is_some_and(|byte| (byte >> 3) & 0xf == UPDATE)
}
