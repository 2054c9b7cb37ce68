//! The HTTP of all fakes: whole requests in, whole answers out, on a thread of its own.

use std::convert::Infallible;
use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::certificates::server_config;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Without the question mark; empty where there is none.
    pub query: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The connection is closed without an answer.
    Close,
    /// No answer, until the client gives up.
    Silence,
}

/// A running server. Dropping it closes everything.
pub struct HttpServer {
    scheme: &'static str,
    port: u16,
    /// Dropped to end the thread.
    end: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

// === impl Request ===

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

// === impl HttpServer ===

impl HttpServer {
    /// `handler` is called for one request at a time.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Arc::new(handler), None)
    }

    /// With a certificate of the run's authority.
    pub fn start_tls(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Arc::new(handler), Some(TlsAcceptor::from(server_config())))
    }

    fn start_with(handler: Handler, tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (end, ended) = oneshot::channel();
        let (tell_port, port) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("make a runtime")
                .block_on(serve(handler, tls, tell_port, ended));
        });
        let port = port.recv().expect("the server listens");
        Self { scheme, port, end: Some(end), thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A handler that panicked has failed the test's requests already.
            let _ = thread.join();
        }
    }
}

async fn serve(
    handler: Handler,
    tls: Option<TlsAcceptor>,
    tell_port: mpsc::Sender<u16>,
    mut ended: oneshot::Receiver<Infallible>,
) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("the socket is bound").port();
    tell_port.send(port).expect("the starter waits");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut ended => return,
            accepted = listener.accept() => {
                // An error concerns a connection that is gone already.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(accept(Arc::clone(&handler), tls.clone(), stream));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, for as many requests as it brings. Its errors are the client's to see.
async fn accept(handler: Handler, tls: Option<TlsAcceptor>, stream: TcpStream) {
    match tls {
        None => converse(handler, stream).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(handler, stream).await;
            }
        }
    }
}

async fn converse(handler: Handler, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let answer = service_fn(|request| answer(Arc::clone(&handler), request));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn answer(
    handler: Handler,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|(name, it)| (name.to_string(), text(it))).collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    match handler(&request) {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::from(body))?)
        }
        Reply::Close => Err("closed as told".into()),
        Reply::Silence => pending().await,
    }
}
