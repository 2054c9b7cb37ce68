//! DNS over HTTPS (RFC 8484): HTTP/2, and HTTP/1.1 for those who have no other.

mod freshness;
mod query;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::respond::Transport;
use crate::server::counters::Counters;
use crate::server::dot::handshake;
use crate::server::streams::stays::{End, Stay};
use crate::server::streams::{Accepted, LONE_QUERY_MAX, Thread};

const PATH: &str = "/dns-query";
const DNS_MESSAGE: &str = "application/dns-message";
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// A client may have so many queries under way on one connection.
const STREAMS_MAX: u32 = 64;
/// What a connection may have sent and we have not read.
const RECEIVE_WINDOW: u32 = 64 << 10;
/// So much of a body that is of no use is read.
const IGNORED_MAX: usize = 256 << 10;
/// Answers that the client does not take, of each stream.
const SEND_BUFFER: usize = 64 << 10;
/// All of a request but its body; a query in its path is among them.
const HEADERS_MAX: u32 = 16 << 10;
/// How long an idle connection may take for its end.
const FAREWELL: Duration = Duration::from_secs(1);

/// One connection.
struct Session {
    address: IpAddr,
    thread: Rc<Thread>,
    counters: Arc<Counters>,
    stay: Stay,
}

/// Starts what belongs to a connection on its own thread.
#[derive(Clone, Copy)]
struct LocalExecutor;

pub(crate) async fn serve(stream: TcpStream, accepted: Accepted, tls: TlsAcceptor) {
    let Accepted { address, thread, counters, stay } = accepted;
    let Some(stream) = handshake(stream, &stay, &counters, &tls).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let session = Rc::new(Session { address, thread, counters, stay });
    let service = {
        let session = Rc::clone(&session);
        service_fn(move |request| {
            let session = Rc::clone(&session);
            async move { Ok::<_, Infallible>(session.answer(request).await) }
        })
    };
    let stream = TokioIo::new(stream);
    // The client's errors are its own.
    if is_http2 {
        let connection = http2::Builder::new(LocalExecutor)
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(RECEIVE_WINDOW)
            .initial_connection_window_size(RECEIVE_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(HEADERS_MAX)
            .serve_connection(stream, service);
        session.keep_while_used(connection, |connection| connection.graceful_shutdown()).await;
    } else {
        let connection = http1::Builder::new()
            .max_buf_size(HEADERS_MAX as usize)
            .header_read_timeout(None)
            .serve_connection(stream, service);
        session.keep_while_used(connection, |connection| connection.graceful_shutdown()).await;
    }
}

// === impl Session ===

impl Session {
    /// Half a request does not count as use.
    async fn keep_while_used<C: Future<Output = hyper::Result<()>>>(
        &self,
        connection: C,
        shut_down: impl FnOnce(Pin<&mut C>),
    ) {
        let mut connection = std::pin::pin!(connection);
        let end = tokio::select! {
            _ = connection.as_mut() => return,
            end = self.stay.ended() => end,
        };
        // One that was displaced is beyond the limit while it lasts.
        if end == End::Silence {
            shut_down(connection.as_mut());
            let _ = timeout(FAREWELL, connection).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let query = match query_of(&head, collect(body).await) {
            Ok(query) => query,
            Err(status) => return refusal(status),
        };
        let from = (Transport::Https, self.address);
        let Some(answer) = self.thread.answer(&query, from, &self.counters, |_| true) else {
            return refusal(StatusCode::BAD_REQUEST);
        };
        self.stay.renew();
        let fresh = format!("max-age={}", freshness::seconds(&answer));
        let mut response = Response::new(Full::new(Bytes::from(answer)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(DNS_MESSAGE));
        if let Ok(fresh) = HeaderValue::try_from(fresh) {
            headers.insert(CACHE_CONTROL, fresh);
        }
        response
    }
}

/// The query of a request, or what is wrong with the request.
fn query_of(head: &Parts, body: Result<Vec<u8>, StatusCode>) -> Result<Vec<u8>, StatusCode> {
    if head.uri.path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    match head.method {
        Method::GET => query::of_url(head.uri.query()),
        Method::POST if query::is_dns_message(head.headers.get(CONTENT_TYPE)) => body,
        Method::POST => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Also of a body that is of no use it is read what may be on its way: clients take an answer that
/// comes before they have sent all for an error.
async fn collect(mut body: Incoming) -> Result<Vec<u8>, StatusCode> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while length <= IGNORED_MAX
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= LONE_QUERY_MAX {
            bytes.extend_from_slice(&data);
        }
    }
    if length <= LONE_QUERY_MAX { Ok(bytes) } else { Err(StatusCode::PAYLOAD_TOO_LARGE) }
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    response
}

// === impl LocalExecutor ===

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}
