//! A bare UDP echo: what the system itself takes for a datagram and its answer.

use std::net::{Ipv4Addr, UdpSocket};

use super::sys::Batch;

/// Sends everything back until it is killed.
pub fn run(address: Ipv4Addr, port: u16) {
    let socket = UdpSocket::bind((address, port)).expect("the port is free");
    let mut batch = Batch::new(true);
    loop {
        let count = batch.receive(&socket, true).expect("the socket is open");
        batch.send_back(&socket, count);
    }
}
