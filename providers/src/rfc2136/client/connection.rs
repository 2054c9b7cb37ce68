//! One TCP connection: messages with their length before them (RFC 1035 section 4.2.2), and time-outs.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::rfc2136::error::Cause;
use crate::rfc2136::server::Server;

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// For one message, either way.
    pub message: Duration,
}

pub struct Connection(TcpStream, Timeouts);
pub struct Receiver(OwnedReadHalf, Timeouts);
pub struct Sender(OwnedWriteHalf, Timeouts);

/// Adds a message with its length.
pub fn append_framed(bytes: &mut Vec<u8>, message: &[u8]) {
    // Longer messages are refused where they are made.
    bytes.extend_from_slice(&(message.len() as u16).to_be_bytes());
    bytes.extend_from_slice(message);
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), message: Duration::from_secs(10) }
    }
}

// === impl Connection ===

impl Connection {
    pub async fn open(server: &Server, timeouts: Timeouts) -> Result<Self, Cause> {
        let Server { host, port } = server;
        let connected = timeout(timeouts.connect, TcpStream::connect((host.as_str(), *port))).await;
        let stream = connected.map_err(|_| {
            Cause::Unreachable(format!("no connection within {} s", timeouts.connect.as_secs()))
        })?;
        stream.map(|it| Self(it, timeouts)).map_err(|error| Cause::Unreachable(error.to_string()))
    }

    pub fn into_split(self) -> (Receiver, Sender) {
        let (reader, writer) = self.0.into_split();
        (Receiver(reader, self.1), Sender(writer, self.1))
    }

    pub async fn send(&mut self, framed: &[u8]) -> Result<(), Cause> {
        send(&mut self.0, self.1, framed).await
    }

    pub async fn receive(&mut self, message: &mut Vec<u8>) -> Result<(), Cause> {
        receive(&mut self.0, self.1, message).await
    }
}

// === impl Receiver ===

impl Receiver {
    pub async fn receive(&mut self, message: &mut Vec<u8>) -> Result<(), Cause> {
        receive(&mut self.0, self.1, message).await
    }
}

// === impl Sender ===

impl Sender {
    /// The time-out is for each piece that the server takes.
    pub async fn send(&mut self, framed: &[u8]) -> Result<(), Cause> {
        for piece in framed.chunks(usize::from(u16::MAX)) {
            send(&mut self.0, self.1, piece).await?;
        }
        Ok(())
    }
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    timeouts: Timeouts,
    bytes: &[u8],
) -> Result<(), Cause> {
    in_time(timeouts, stream.write_all(bytes)).await
}

async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    timeouts: Timeouts,
    message: &mut Vec<u8>,
) -> Result<(), Cause> {
    in_time(timeouts, async {
        let length = stream.read_u16().await?;
        message.resize(usize::from(length), 0);
        stream.read_exact(message).await.map(|_| ())
    })
    .await
}

async fn in_time(
    timeouts: Timeouts,
    io: impl Future<Output = io::Result<()>>,
) -> Result<(), Cause> {
    match timeout(timeouts.message, io).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Cause::Broken("the server closed it".into()))
        }
        Ok(Err(error)) => Err(Cause::Broken(error.to_string())),
        Err(_) => Err(Cause::Silent(timeouts.message)),
    }
}
