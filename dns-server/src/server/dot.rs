//! DNS over TLS (RFC 7858): a handshake, then what TCP does. Zone transfers go this way, too (RFC 9103).

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::respond::Transport;
use crate::server::streams::Accepted;
use crate::server::streams::stays::Stay;
use crate::server::tcp;

pub(crate) async fn serve(stream: TcpStream, accepted: Accepted, tls: TlsAcceptor) {
    let Accepted { address, thread, counters, stay } = accepted;
    match handshake(stream, &stay, &tls).await {
        Ok(stream) => {
            tcp::serve(stream, (Transport::Tls, address), &thread, &counters, &stay).await;
        }
        Err(_) => counters.handshake_failure(),
    }
}

/// A client has as long for it as for a query.
pub(crate) async fn handshake(
    stream: TcpStream,
    stay: &Stay,
    tls: &TlsAcceptor,
) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let stream = tokio::select! {
        stream = tls.accept(stream) => stream?,
        _ = stay.ended() => return Err(io::ErrorKind::TimedOut.into()),
    };
    stay.renew();
    Ok(stream)
}
