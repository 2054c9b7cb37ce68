//! DNS over TLS (RFC 7858): a handshake, then what TCP does. Zone transfers go this way, too (RFC 9103).

use std::io;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::respond::Transport;
use crate::server::streams::{Accepted, Thread};
use crate::server::tcp;

pub(crate) async fn serve(stream: TcpStream, accepted: Accepted, tls: TlsAcceptor) {
    let Accepted { address, thread, counters, permit } = accepted;
    match handshake(stream, &thread, &tls).await {
        Ok(stream) => tcp::serve(stream, (Transport::Tls, address), &thread, &counters).await,
        Err(_) => counters.handshake_failure(),
    }
    drop(permit);
}

/// A client has as long for it as for a query.
pub(crate) async fn handshake(
    stream: TcpStream,
    thread: &Thread,
    tls: &TlsAcceptor,
) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    timeout(thread.limits.idle(), tls.accept(stream)).await?
}
