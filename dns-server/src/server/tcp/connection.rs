//! The state of one connection: what was read and not answered, what was answered and not
//! taken, and the transfer that comes next.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::respond::{Client, Reply, Request, TCP_SIZE_MAX, answer};
use crate::server::counters::Counters;
use crate::server::special::{Asked, Outcome, Special};
use crate::store::Snapshot;
use crate::transfer::Transfer;

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
    request: Request,
}

pub(crate) struct Connection<S> {
    stream: S,
    /// Read, but not answered: less than a message, unless `unsent` holds it up.
    unanswered: Vec<u8>,
    /// Answers that the client has not taken yet. Nothing is read while there are some.
    unsent: Vec<u8>,
    /// There are such, or the stream itself may keep some.
    is_sending: bool,
    /// Granted; it begins when the answers before it are taken.
    transfer: Option<Box<Transfer>>,
}

/// What came of one turn.
pub(crate) enum Turn {
    /// At least one query was answered, and the client has taken the answers.
    Answered,
    /// Bytes came, but no whole query, or nothing that is one.
    Read,
    /// A transfer is to be sent before anything else.
    Transfer(Box<Transfer>),
    /// The client will send no more.
    Closed,
}

/// What came of some input.
struct Answered {
    /// So much of the input is done.
    consumed: usize,
    /// So much of the output is filled.
    written: usize,
    transfer: Option<Box<Transfer>>,
}

// === impl Buffers ===

impl Buffers {
    pub fn new() -> Self {
        Self {
            input: vec![0; INPUT_LENGTH].into_boxed_slice(),
            output: vec![0; OUTPUT_LENGTH].into_boxed_slice(),
            request: Request::new(),
        }
    }

    /// For one message and its answer.
    pub fn for_one(&mut self) -> (&mut Request, &mut [u8]) {
        (&mut self.request, &mut self.output[..TCP_SIZE_MAX])
    }
}

// === impl Connection ===

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            unanswered: Vec::new(),
            unsent: Vec::new(),
            is_sending: false,
            transfer: None,
        }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends one message of a transfer.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let length = (message.len() as u16).to_be_bytes();
        self.stream.write_all(&[&length, message].concat()).await?;
        self.stream.flush().await
    }

    /// Sends what waits, reads what has come, and answers it.
    pub fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        buffers: &mut Buffers,
        special: &Special,
        client: &Client<'_>,
        counters: &Counters,
    ) -> Poll<io::Result<Turn>> {
        if self.is_sending {
            ready!(self.poll_unsent(context))?;
            return Poll::Ready(Ok(Turn::Answered));
        }
        if let Some(transfer) = self.transfer.take() {
            return Poll::Ready(Ok(Turn::Transfer(transfer)));
        }
        let mut length = self.unanswered.len();
        buffers.input[..length].copy_from_slice(&self.unanswered);
        if first_frame(&self.unanswered).is_none() {
            match ready!(self.poll_read(context, &mut buffers.input[length..]))? {
                0 => return Poll::Ready(Ok(Turn::Closed)),
                read => length += read,
            }
        }
        let Buffers { input, output, request } = buffers;
        let input = &input[..length];
        let snapshot = special.reader.snapshot();
        let answering = Answering { snapshot: &snapshot, special, client, counters };
        let Answered { consumed, written, transfer } =
            answering.answer_frames(input, request, output);
        keep(&mut self.unanswered, &input[consumed..]);
        self.transfer = transfer;
        if written == 0 {
            return Poll::Ready(Ok(Turn::Read));
        }
        let sent = self.poll_write(context, &output[..written])?;
        keep(&mut self.unsent, &output[sent..written]);
        self.is_sending = true;
        ready!(self.poll_unsent(context))?;
        Poll::Ready(Ok(Turn::Answered))
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
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.unsent = Vec::new();
        self.is_sending = false;
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

/// What answers to the queries of one read need.
struct Answering<'a> {
    snapshot: &'a Snapshot<'a>,
    special: &'a Special,
    client: &'a Client<'a>,
    counters: &'a Counters,
}

impl Answering<'_> {
    /// Answers the whole messages at the start of `input` for as long as any answer would fit, up to
    /// one that asks for a transfer.
    fn answer_frames(&self, input: &[u8], request: &mut Request, output: &mut [u8]) -> Answered {
        let (mut consumed, mut written) = (0, 0);
        while output.len() - written >= FRAME_LENGTH_MAX
            && let Some(packet) = first_frame(&input[consumed..])
        {
            consumed += PREFIX_LENGTH + packet.len();
            let out = &mut output[written + PREFIX_LENGTH..written + FRAME_LENGTH_MAX];
            let reply = if !request.parse(packet, self.snapshot) {
                None
            } else if request.is_special() {
                match self.answer_special(packet, request, out) {
                    Outcome::Reply(reply) => reply,
                    Outcome::Transfer(transfer) => {
                        return Answered { consumed, written, transfer: Some(transfer) };
                    }
                }
            } else {
                answer(self.snapshot, packet, request, self.client, out)
            };
            self.counters.count(packet.len(), reply.as_ref());
            if let Some(Reply { length, .. }) = reply {
                let prefix = (length as u16).to_be_bytes();
                output[written..written + PREFIX_LENGTH].copy_from_slice(&prefix);
                written += PREFIX_LENGTH + length;
            }
        }
        Answered { consumed, written, transfer: None }
    }

    #[cold]
    fn answer_special(&self, packet: &[u8], request: &Request, out: &mut [u8]) -> Outcome {
        let asked = Asked { packet, request, client: self.client };
        self.special.answer(self.snapshot, asked, out)
    }
}

/// The message that `bytes` begin with, if all of it is there.
fn first_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<PREFIX_LENGTH>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
