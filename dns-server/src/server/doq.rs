//! DNS over dedicated QUIC connections (RFC 9250): one query and its answer on each stream.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    Connection, Endpoint, EndpointConfig, IdleTimeout, Incoming, ReadToEndError, RecvStream,
    SendStream, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::respond::Transport;
use crate::server::counters::Counters;
use crate::server::streams::stays::Stay;
use crate::server::streams::{Accepted, LONE_QUERY_MAX, Thread};
use crate::server::tls::Tls;

// What the ends of connections and streams say (RFC 9250 section 4.3).
const NO_ERROR: VarInt = VarInt::from_u32(0);
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
const REQUEST_CANCELLED: VarInt = VarInt::from_u32(3);
const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);

const PREFIX_LENGTH: usize = 2;
/// A client may have so many queries under way on one connection.
const STREAMS_MAX: u8 = 64;
/// What a connection may have sent and we have not read.
const RECEIVE_WINDOW: u32 = 64 << 10;
/// Answers that the client has not acknowledged.
const SEND_WINDOW: u64 = 256 << 10;
/// Packets of clients that come while others are greeted.
const INCOMING_MAX: usize = 1024;
const INCOMING_BYTES_MAX: u64 = 4 << 20;
/// Connections are ended by their own deadline; this is for those whose client is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// After a socket could not be used, which it cannot be when descriptors run out.
const OPEN_PAUSE: Duration = Duration::from_millis(100);
/// How long clients are told that the server goes.
const FAREWELL: Duration = Duration::from_millis(200);

/// One connection.
struct Session {
    connection: Connection,
    address: IpAddr,
    thread: Rc<Thread>,
    counters: Arc<Counters>,
    stay: Stay,
}

/// Why the connection of a client ends: it broke the protocol, or asks for too much.
struct Violation(VarInt);

pub(crate) fn config(tls: &Tls) -> ServerConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        // Queries do not come on streams that no answer could go back on.
        .max_concurrent_uni_streams(0_u8.into())
        .stream_receive_window(RECEIVE_WINDOW.into())
        .receive_window(RECEIVE_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IdleTimeout::try_from(SILENCE_MAX).ok());
    let mut config = ServerConfig::with_crypto(tls.doq.clone());
    config
        .transport_config(Arc::new(transport))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_MAX);
    config
}

/// Takes connections while the gate is open. Whoever reads the socket next knows nothing of those that are
/// open: their clients are told to begin anew.
pub(crate) async fn accept(
    socket: UdpSocket,
    config: Box<ServerConfig>,
    counters: Arc<Counters>,
    thread: Rc<Thread>,
) {
    let mut doorkeeper = thread.gate.doorkeeper();
    while doorkeeper.opens().await {
        match open(&socket, &config) {
            Ok(endpoint) => {
                tokio::select! {
                    () = doorkeeper.closes() => {}
                    () = take(&endpoint, &counters, &thread) => {}
                }
                close(endpoint).await;
            }
            Err(_) => {
                counters.receive_error();
                tokio::time::sleep(OPEN_PAUSE).await;
            }
        }
    }
}

fn open(socket: &UdpSocket, config: &ServerConfig) -> io::Result<Endpoint> {
    let runtime = Arc::new(TokioRuntime);
    Endpoint::new(EndpointConfig::default(), Some(config.clone()), socket.try_clone()?, runtime)
}

async fn take(endpoint: &Endpoint, counters: &Arc<Counters>, thread: &Rc<Thread>) {
    while let Some(incoming) = endpoint.accept().await {
        let address = incoming.remote_address().ip();
        if !incoming.remote_address_validated() && thread.limits.wants_proof(address) {
            // One that cannot be told to retry has been told already.
            let _ = incoming.retry();
            continue;
        }
        match thread.admit(address, counters) {
            Some(accepted) => {
                spawn_local(serve(incoming, accepted));
            }
            None => incoming.refuse(),
        }
    }
}

/// Tells all clients that the server goes. Clients that come meanwhile get no answer, and so try again.
async fn close(endpoint: Endpoint) {
    endpoint.set_server_config(None);
    if endpoint.open_connections() > 0 {
        endpoint.close(NO_ERROR, b"");
        // Who has not heard of it by then finds out by itself.
        let _ = timeout(FAREWELL, endpoint.wait_idle()).await;
    }
}

async fn serve(incoming: Incoming, accepted: Accepted) {
    let Accepted { address, thread, counters, stay } = accepted;
    let connection = tokio::select! {
        connection = async { incoming.accept()?.await } => connection,
        _ = stay.ended() => return counters.handshake_failure(),
    };
    let Ok(connection) = connection else {
        return counters.handshake_failure();
    };
    stay.renew();
    let session = Rc::new(Session { connection, address, thread, counters, stay });
    let mut ended = pin!(session.stay.ended());
    loop {
        let stream = tokio::select! {
            biased;
            stream = session.connection.accept_bi() => stream,
            _ = ended.as_mut() => return session.connection.close(NO_ERROR, b""),
        };
        let Ok((send, receive)) = stream else { return };
        spawn_local(Rc::clone(&session).carry(send, receive));
    }
}

// === impl Session ===

impl Session {
    async fn carry(self: Rc<Self>, send: SendStream, receive: RecvStream) {
        match self.exchange(send, receive).await {
            Ok(()) => {}
            Err(Violation(code)) => self.connection.close(code, b""),
        }
    }

    /// One query, one answer.
    async fn exchange(
        &self,
        mut send: SendStream,
        mut receive: RecvStream,
    ) -> Result<(), Violation> {
        let bytes = match receive.read_to_end(PREFIX_LENGTH + LONE_QUERY_MAX).await {
            Ok(bytes) => bytes,
            Err(ReadToEndError::TooLong) => return Err(Violation(EXCESSIVE_LOAD)),
            Err(ReadToEndError::Read(_)) => {
                // The client does not want it any more; the connection may have ended with that.
                let _ = send.reset(REQUEST_CANCELLED);
                return Ok(());
            }
        };
        let query = only_message(&bytes).ok_or(Violation(PROTOCOL_ERROR))?;
        // An idle time is QUIC's own matter (section 5.5.2).
        let answer =
            self.thread.answer(query, (Transport::Quic, self.address), &self.counters, |request| {
                !request.asks_keepalive()
            });
        let answer = answer.ok_or(Violation(PROTOCOL_ERROR))?;
        let length = (answer.len() as u16).to_be_bytes();
        let sent = send.write_all(&[&length[..], &answer].concat()).await;
        // A client that has gone, or stops the stream, needs no answer.
        if sent.is_ok() && send.finish().is_ok() {
            self.stay.renew();
        }
        Ok(())
    }
}

/// A stream has its length, one message with ID 0, and nothing else (sections 4.2 and 4.2.1).
fn only_message(bytes: &[u8]) -> Option<&[u8]> {
    let (length, message) = bytes.split_first_chunk::<PREFIX_LENGTH>()?;
    let is_whole = usize::from(u16::from_be_bytes(*length)) == message.len();
    (is_whole && message.starts_with(&[0, 0])).then_some(message)
}
