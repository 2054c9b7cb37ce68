//! DNS over TLS (RFC 7858): a handshake, then what TCP does. Zone transfers go this way, too (RFC 9103).

use std::pin::pin;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::respond::Transport;
use crate::server::counters::Counters;
use crate::server::streams::Accepted;
use crate::server::streams::stays::Stay;
use crate::server::tcp;

pub(crate) async fn serve(stream: TcpStream, accepted: Accepted, tls: TlsAcceptor) {
    let Accepted { address, thread, counters, stay } = accepted;
    let Some(stream) = handshake(stream, &stay, &counters, &tls).await else { return };
    tcp::serve(stream, (Transport::Tls, address), &thread, &counters, &stay).await;
}

/// A client has as long for it as for a query. A failure is counted before the client sees the end.
pub(crate) async fn handshake(
    stream: TcpStream,
    stay: &Stay,
    counters: &Counters,
    tls: &TlsAcceptor,
) -> Option<TlsStream<TcpStream>> {
    // Without it answers are late at worst.
    let _ = stream.set_nodelay(true);
    let mut handshake = pin!(tls.accept(stream).into_fallible());
    let result = tokio::select! {
        result = handshake.as_mut() => result.map_err(Some),
        _ = stay.ended() => Err(None),
    };
    match result {
        Ok(stream) => {
            stay.renew();
            Some(stream)
        }
        Err(_open_until_counted) => {
            counters.handshake_failure();
            None
        }
    }
}
