//! DNS over TCP (RFC 7766), and over whatever else is a stream: all queries that have arrived are
//! answered in one write.
//!
//! An idle connection holds no buffer: bytes are read into the thread's own, and only what is left
//! of a half message, or of an answer that the client does not take yet, is kept apart.
//!
//! A transfer runs on a thread of its own, which is at most a few messages ahead of what the client
//! takes; other queries of the same connection wait for its end.

pub(crate) mod connection;
mod sending;

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::respond::Transport;
use crate::server::counters::Counters;
use crate::server::streams::stays::Stay;
use crate::server::streams::{Accepted, Thread};

use connection::{Connection, Turn};

pub(crate) use connection::Buffers;

pub(crate) async fn serve_accepted(stream: TcpStream, accepted: Accepted) {
    let Accepted { address, thread, counters, stay } = accepted;
    // Answers are written whole, so there is nothing to collect; without it they may be late.
    if stream.set_nodelay(true).is_ok() {
        serve(stream, (Transport::Tcp, address), &thread, &counters, &stay).await;
    }
}

/// Ends with the client's end of the connection, its first error, or the end of its stay.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    (transport, address): (Transport, IpAddr),
    thread: &Thread,
    counters: &Counters,
    stay: &Stay,
) {
    let mut connection = Connection::new(stream);
    let mut ended = pin!(stay.ended());
    loop {
        let turn = poll_fn(|context| {
            let buffers = &mut *thread.buffers.borrow_mut();
            thread.policy.borrow_mut().refresh();
            let policy = thread.policy.borrow();
            let client = thread.client(transport, address, policy.get());
            connection.poll_turn(context, buffers, &thread.special, &client, counters)
        });
        let turn = tokio::select! {
            biased;
            turn = turn => turn,
            _ = ended.as_mut() => break,
        };
        match turn {
            Ok(Turn::Answered) => stay.renew(),
            // Bytes alone do not count: who sends them one by one gets no more time for it.
            Ok(Turn::Read) => {}
            Ok(Turn::Transfer(transfer)) => {
                let reader = thread.special.reader.clone();
                let idle = thread.limits.idle_max();
                let sent = sending::send(*transfer, reader, &mut connection, idle, counters);
                // Whoever has no interest in a transfer is found out there.
                if sent.await.is_err() {
                    break;
                }
                stay.renew();
            }
            Ok(Turn::Closed) | Err(_) => break,
        }
    }
}
