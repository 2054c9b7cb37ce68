//! The state of one TCP connection: what was read and not answered, what was answered and not
//! taken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::respond::{TCP_SIZE_MAX, Transport, respond};
use crate::server::counters::Counters;
use crate::store::{Reader, Snapshot};

/// Each message has its length before it (RFC 1035 section 4.2.2).
const PREFIX_LENGTH: usize = 2;
const FRAME_LENGTH_MAX: usize = PREFIX_LENGTH + TCP_SIZE_MAX;
/// One half message and a good read behind it.
const INPUT_LENGTH: usize = FRAME_LENGTH_MAX + (16 << 10);
/// A message of any length fits behind as many bytes of others.
const OUTPUT_LENGTH: usize = 2 * FRAME_LENGTH_MAX;

/// The memory that all connections of a thread take turns in using.
pub(crate) struct Buffers {
    input: Box<[u8]>,
    output: Box<[u8]>,
}

pub(crate) struct Connection<S> {
    stream: S,
    /// Read, but not answered: less than a message, unless `unsent` holds it up.
    unanswered: Vec<u8>,
    /// Answers that the client has not taken yet. Nothing is read while there are some.
    unsent: Vec<u8>,
}

/// What came of one turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// At least one query was answered, and the client has taken the answers.
    Answered,
    /// Bytes came, but no whole query, or nothing that is one.
    Read,
    /// The client will send no more.
    Closed,
}

// === impl Buffers ===

impl Buffers {
    pub fn new() -> Self {
        Self {
            input: vec![0; INPUT_LENGTH].into_boxed_slice(),
            output: vec![0; OUTPUT_LENGTH].into_boxed_slice(),
        }
    }
}

// === impl Connection ===

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, unanswered: Vec::new(), unsent: Vec::new() }
    }

    /// Sends what waits, reads what has come, and answers it.
    pub fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        buffers: &mut Buffers,
        reader: &Reader,
        counters: &Counters,
    ) -> Poll<io::Result<Turn>> {
        if !self.unsent.is_empty() {
            ready!(self.poll_unsent(context))?;
            return Poll::Ready(Ok(Turn::Answered));
        }
        let mut length = self.unanswered.len();
        buffers.input[..length].copy_from_slice(&self.unanswered);
        if first_frame(&self.unanswered).is_none() {
            match ready!(self.poll_read(context, &mut buffers.input[length..]))? {
                0 => return Poll::Ready(Ok(Turn::Closed)),
                read => length += read,
            }
        }
        let input = &buffers.input[..length];
        let (consumed, written) =
            answer_frames(&reader.snapshot(), input, &mut buffers.output, counters);
        keep(&mut self.unanswered, &input[consumed..]);
        if written == 0 {
            return Poll::Ready(Ok(Turn::Read));
        }
        match self.poll_write(context, &buffers.output[..written])? {
            sent if sent == written => Poll::Ready(Ok(Turn::Answered)),
            sent => {
                keep(&mut self.unsent, &buffers.output[sent..written]);
                ready!(self.poll_unsent(context))?;
                Poll::Ready(Ok(Turn::Answered))
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// How many bytes the system took at once.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(0),
        }
    }

    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let Self { stream, unsent, .. } = self;
            match ready!(Pin::new(stream).poll_write(context, unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => drop(unsent.drain(..sent)),
            }
        }
        self.unsent = Vec::new();
        Poll::Ready(Ok(()))
    }
}

/// Remembers `bytes`; without any, no memory is held.
fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    kept.clear();
    if bytes.is_empty() {
        *kept = Vec::new();
    } else {
        kept.extend_from_slice(bytes);
    }
}

/// Answers the whole messages at the start of `input` for as long as any answer would fit.
/// Returns how much of `input` is done, and how much of `output` is filled.
fn answer_frames(
    snapshot: &Snapshot<'_>,
    input: &[u8],
    output: &mut [u8],
    counters: &Counters,
) -> (usize, usize) {
    let (mut consumed, mut written) = (0, 0);
    while output.len() - written >= FRAME_LENGTH_MAX
        && let Some(packet) = first_frame(&input[consumed..])
    {
        consumed += PREFIX_LENGTH + packet.len();
        let out = &mut output[written + PREFIX_LENGTH..written + FRAME_LENGTH_MAX];
        let reply = respond(snapshot, packet, Transport::Tcp, out);
        counters.count(packet.len(), reply.as_ref());
        if let Some(reply) = reply {
            let length = (reply.length as u16).to_be_bytes();
            output[written..written + PREFIX_LENGTH].copy_from_slice(&length);
            written += PREFIX_LENGTH + reply.length;
        }
    }
    (consumed, written)
}

/// The message that `bytes` begin with, if all of it is there.
fn first_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<PREFIX_LENGTH>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
