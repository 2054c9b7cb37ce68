//! Whatever comes over a TCP connection, in whatever pieces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::respond::Transport;
use crate::server::counters::Counters;
use crate::server::tcp::connection::{Buffers, Connection, Turn};

use super::answers::{check_answer, client};
use super::{STAGE, Stage};

const PREFIX_LENGTH: usize = 2;
const HEADER_LENGTH: usize = 12;

/// A client that sends all that it has, so many bytes at a time, and takes all that it gets.
struct Pipe<'b> {
    unsent: &'b [u8],
    step: usize,
    received: Vec<u8>,
}

/// The first byte says how long the pieces are that the others come in.
///
/// # Panics
///
/// Where the pieces make a difference to the answers, or an answer is none to a query of the stream.
pub fn check_stream(bytes: &[u8]) {
    let Some((step, stream)) = bytes.split_first() else { return };
    STAGE.with(|stage| {
        let whole = received(stage, stream, usize::MAX);
        assert_eq!(whole, received(stage, stream, 1 + usize::from(*step)), "pieces matter");
        let queries: Vec<&[u8]> = frames(stream).filter(|packet| is_query(packet)).collect();
        let answers: Vec<&[u8]> = frames(&whole).collect();
        assert_eq!(answers.len(), queries.len(), "each query is answered");
        let length: usize = answers.iter().map(|answer| PREFIX_LENGTH + answer.len()).sum();
        assert_eq!(length, whole.len(), "no half answer is sent");
        for (query, answer) in queries.iter().zip(answers) {
            check_answer(query, answer, Transport::Tcp);
        }
    });
}

/// Anything else gets no answer at all.
fn is_query(packet: &[u8]) -> bool {
    packet.len() >= HEADER_LENGTH && packet[2] & 0x80 == 0
}

/// What the client gets until the end.
fn received(stage: &Stage, stream: &[u8], step: usize) -> Vec<u8> {
    let mut received = Vec::new();
    let pipe = Pipe { unsent: stream, step, received: Vec::new() };
    let mut connection = Connection::new(pipe);
    let mut buffers = Buffers::new();
    let mut context = Context::from_waker(Waker::noop());
    let client = client(Transport::Tcp, &stage.policy);
    let counters = Counters::new(([127, 0, 0, 1], 53).into(), Transport::Tcp);
    loop {
        let turn =
            connection.poll_turn(&mut context, &mut buffers, &stage.special, &client, &counters);
        received.append(&mut connection.stream_mut().received);
        match turn {
            Poll::Ready(Ok(Turn::Answered | Turn::Read)) => {}
            Poll::Ready(Ok(Turn::Closed)) => return received,
            Poll::Ready(Ok(Turn::Transfer(_))) => panic!("nobody may have the zone unsigned"),
            Poll::Ready(Err(error)) => panic!("nothing can fail here: {error}"),
            Poll::Pending => panic!("the client is always ready"),
        }
    }
}

/// The whole messages that `bytes` begin with.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<PREFIX_LENGTH>()?;
        let (frame, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        bytes = rest;
        Some(frame)
    })
}

// === impl Pipe ===

impl AsyncRead for Pipe<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.step.min(self.unsent.len()).min(buffer.remaining());
        let (piece, rest) = self.unsent.split_at(length);
        buffer.put_slice(piece);
        self.unsent = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe<'_> {
    /// Now and then it takes less than it is given.
    fn poll_write(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let length = bytes.len().min(self.step.saturating_mul(64));
        self.received.extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
