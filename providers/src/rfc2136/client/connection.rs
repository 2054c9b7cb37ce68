//! One TCP connection: messages with their length before them (RFC 1035 section 4.2.2), and time-outs.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::rfc2136::error::Cause;
use crate::rfc2136::server::Server;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one message, either way.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Connection(TcpStream);
pub struct Receiver(OwnedReadHalf);
pub struct Sender(OwnedWriteHalf);

/// Adds a message with its length.
pub fn append_framed(bytes: &mut Vec<u8>, message: &[u8]) {
    // Longer messages are refused where they are made.
    bytes.extend_from_slice(&(message.len() as u16).to_be_bytes());
    bytes.extend_from_slice(message);
}

// === impl Connection ===

impl Connection {
    pub async fn open(server: &Server) -> Result<Self, Cause> {
        let Server { host, port } = server;
        let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect((host.as_str(), *port))).await;
        let stream = connected.map_err(|_| {
            Cause::Unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))
        })?;
        stream.map(Self).map_err(|error| Cause::Unreachable(error.to_string()))
    }

    pub fn into_split(self) -> (Receiver, Sender) {
        let (reader, writer) = self.0.into_split();
        (Receiver(reader), Sender(writer))
    }

    pub async fn send(&mut self, framed: &[u8]) -> Result<(), Cause> {
        send(&mut self.0, framed).await
    }

    pub async fn receive(&mut self, message: &mut Vec<u8>) -> Result<(), Cause> {
        receive(&mut self.0, message).await
    }
}

// === impl Receiver ===

impl Receiver {
    pub async fn receive(&mut self, message: &mut Vec<u8>) -> Result<(), Cause> {
        receive(&mut self.0, message).await
    }
}

// === impl Sender ===

impl Sender {
    /// The time-out is for each piece that the server takes.
    pub async fn send(&mut self, framed: &[u8]) -> Result<(), Cause> {
        for piece in framed.chunks(usize::from(u16::MAX)) {
            send(&mut self.0, piece).await?;
        }
        Ok(())
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Cause> {
    in_time(stream.write_all(bytes)).await
}

async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    message: &mut Vec<u8>,
) -> Result<(), Cause> {
    in_time(async {
        let length = stream.read_u16().await?;
        message.resize(usize::from(length), 0);
        stream.read_exact(message).await.map(|_| ())
    })
    .await
}

async fn in_time(io: impl Future<Output = io::Result<()>>) -> Result<(), Cause> {
    match timeout(MESSAGE_TIMEOUT, io).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Cause::Broken("the server closed it".into()))
        }
        Ok(Err(error)) => Err(Cause::Broken(error.to_string())),
        Err(_) => Err(Cause::Silent(MESSAGE_TIMEOUT)),
    }
}
