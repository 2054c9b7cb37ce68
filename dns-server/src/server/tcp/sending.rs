//! A transfer on its way to a client.

use std::io;
use std::time::Duration;

use model::RecordType;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connection::Connection;
use crate::respond::{Rcode, Reply};
use crate::server::counters::Counters;
use crate::store::Reader;
use crate::transfer::{Kind, Stopped, Transfer};

/// So many messages are made ahead of what the client takes.
const AHEAD: usize = 2;

/// Sends all of it. A client that takes none of it for `idle` is dropped; so is one to whom it cannot
/// be sent whole, which then knows that it has not got it.
pub async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    transfer: Transfer,
    reader: Reader,
    connection: &mut Connection<S>,
    idle: Duration,
    counters: &Counters,
) -> io::Result<()> {
    let zone = reader.snapshot().zone(&transfer.zone).map(|view| view.index());
    let request_length = transfer.head.question.len();
    let (cookie, is_authenticated) = (transfer.cookie, transfer.signer.is_some());
    let record_type = match transfer.kind {
        Kind::Whole => RecordType::AXFR,
        Kind::Since(_) => RecordType::IXFR,
    };
    let (sender, mut messages) = mpsc::channel(AHEAD);
    let made = spawn_blocking(move || {
        let send = |message| sender.blocking_send(message).map_err(|_| Stopped::Gone);
        transfer.run(&reader, send)
    });
    let mut sent = Ok(());
    while let Some(message) = messages.recv().await {
        sent = timeout(idle, connection.send(&message)).await.map_err(io::Error::from).flatten();
        if sent.is_err() {
            break;
        }
    }
    // Nobody takes more: the thread ends.
    drop(messages);
    let made = made.await.map_err(io::Error::other)?;
    let (length, rcode) = match (&sent, made) {
        (Ok(()), Ok(length)) => (length, Rcode::NOERROR),
        _ => (0, Rcode::SERVFAIL),
    };
    let reply = Reply {
        length,
        rcode,
        record_type: Some(record_type),
        zone,
        truncated: false,
        cookie,
        is_authenticated,
        // Only answers over UDP are limited.
        likeness: 0,
    };
    counters.count(request_length, Some(&reply));
    sent?;
    match rcode {
        Rcode::NOERROR => Ok(()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
