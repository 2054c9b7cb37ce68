//! The admin address: read-only pages over plain HTTP. The same pages, [`orders`], and how another process
//! takes over ([`replace`]), over the [`socket`] in the state folder; pages and orders over TLS at the admin
//! address, too, for whoever has the token ([`afar`]).
//!
//! - `/livez`, `/readyz`, `/readyz?verbose` and their older names `/healthz`, `/ready`
//! - `/metrics` for Prometheus
//! - `/api/v1/…` for the command line and for scripts, in [`api`]

pub mod afar;
mod api;
mod explain;
mod explain_text;
mod name_states;
pub mod orders;
mod plan;
pub mod problems;
pub mod replace;
pub mod socket;
mod url;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dns_server::Reader;
use dns_server::server::Server;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tracing::debug;

use crate::federation::page::FederationPage;
use crate::metrics::Metrics;
use crate::metrics::dns::DnsCounts;
use crate::metrics::mirrors::{MirrorCounts, MirrorState};
use crate::mirror::{Mirror, MirrorList};
use crate::pipeline::{Ended, PipelineHandle, ReloadHeld, unix_now};
use afar::{Afar, Begun, Refusal};
use orders::Placed;
use problems::SourceProblems;
use replace::Succession;
use url::Url;

/// Connections that are open at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send its request's head.
const HEADER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// What the pages are made of.
pub struct Pages {
    pub pipeline: PipelineHandle,
    pub reader: Reader,
    pub metrics: Arc<Metrics>,
    /// `None` where no DNS port is open.
    pub dns: Option<Arc<Server>>,
    pub problems: SourceProblems,
    /// Set on SIGTERM: answers go on, but nobody new should be sent here.
    pub draining: AtomicBool,
    /// The reload that waits for an approval.
    pub held: Mutex<Option<ReloadHeld>>,
    /// What is wrong with the config file as it is now; one line each, while an older one runs.
    pub refused: Mutex<Vec<String>>,
    pub mirrors: MirrorList,
    pub federation: FederationPage,
    /// Where orders go.
    pub orders: mpsc::Sender<Placed>,
    /// Where processes go that want to take over.
    pub succession: Succession,
    /// Where orders are taken; `None` where the socket could not be made.
    pub socket: Option<PathBuf>,
    pub afar: Afar,
}

/// What a connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    /// To write, each request shows the token.
    WriteWithToken,
}

/// A page's body with its type and status.
pub struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    /// How a client would be let in (RFC 9110 section 11.6.1).
    challenge: Option<&'static str>,
}

/// Serves the pages until the returned future is dropped.
pub async fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let slots = Slots::new();
    while let Some(slot) = slots.next().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(meet(stream, pages.clone(), slot));
            }
            Err(error) => not_accepted(&error).await,
        }
    }
}

/// A client of the admin address may speak TLS where orders are taken there, and plain HTTP always.
async fn meet(stream: TcpStream, pages: Arc<Pages>, slot: OwnedSemaphorePermit) {
    let Some(acceptor) = pages.afar.acceptor() else {
        return converse(stream, Access::Read, &pages, slot).await;
    };
    match timeout(HEADER_TIMEOUT, afar::begin(stream, &acceptor)).await {
        Ok(Ok(Begun::Plain(stream))) => converse(stream, Access::Read, &pages, slot).await,
        Ok(Ok(Begun::Tls(stream))) => {
            converse(stream, Access::WriteWithToken, &pages, slot).await;
        }
        Ok(Err(error)) => debug!(%error, "an admin connection ended before it was encrypted"),
        Err(_) => debug!("an admin connection said nothing"),
    }
}

/// Serves the pages and takes orders until the returned future is dropped.
pub async fn serve_socket(listener: UnixListener, pages: Arc<Pages>) {
    let slots = Slots::new();
    while let Some(slot) = slots.next().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = pages.clone();
                tokio::spawn(async move { converse(stream, Access::Write, &pages, slot).await });
            }
            Err(error) => not_accepted(&error).await,
        }
    }
}

/// Out of descriptors, or a connection already gone: the listener itself lives on.
async fn not_accepted(error: &std::io::Error) {
    debug!(%error, "an admin connection was not accepted");
    tokio::task::yield_now().await;
}

/// Bounds the connections of one listener.
struct Slots(Arc<Semaphore>);

impl Slots {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTIONS_MAX)))
    }

    async fn next(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().acquire_owned().await.ok()
    }
}

/// Answers the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    access: Access,
    pages: &Pages,
    slot: OwnedSemaphorePermit,
) {
    let service = service_fn(|request| answer(pages, access, request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.with_upgrades().await {
        debug!(%error, "an admin connection ended early");
    }
    drop(slot);
}

async fn answer(
    pages: &Pages,
    access: Access,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let url = Url::parse(request.uri().path(), request.uri().query().unwrap_or(""));
    if url.path == replace::PATH && request.method() == Method::POST && access == Access::Write {
        return Ok(replace::page(pages, request));
    }
    let page = match (request.method(), access) {
        (&Method::GET | &Method::HEAD, _) => page(pages, &url).await,
        (&Method::POST, Access::Write) => orders::page(pages, &url).await,
        (&Method::POST, Access::WriteWithToken) => {
            match pages.afar.admit(request.headers().get(AUTHORIZATION)) {
                Ok(()) => orders::page(pages, &url).await,
                Err(refusal) => Page::unauthorized(refusal),
            }
        }
        (_, Access::Write | Access::WriteWithToken) => {
            Page::error(StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD or POST only")
        }
        (_, Access::Read) => {
            Page::error(StatusCode::METHOD_NOT_ALLOWED, "the admin address is read-only")
        }
    };
    Ok(page.into_response())
}

async fn page(pages: &Pages, url: &Url) -> Page {
    let result = match url.path.as_str() {
        "/livez" | "/healthz" => Ok(Page::text("ok\n".into())),
        "/readyz" | "/ready" => readiness(pages, url).await,
        "/metrics" => metrics(pages).await,
        path if path.starts_with("/api/v1/") => api::page(pages, url).await,
        "/" => Ok(Page::text(
            "fedns\n\n/livez\n/readyz?verbose\n/metrics\n/api/v1/clusters\n/api/v1/records\n\
             /api/v1/zone\n/api/v1/leftout\n/api/v1/explain?name=NAME\n/api/v1/plan\n/api/v1/federation\n\
             /api/v1/server\n"
                .into(),
        )),
        path => Ok(Page::error(StatusCode::NOT_FOUND, &format!("no page {path}"))),
    };
    result.unwrap_or_else(|Ended| Page::error(StatusCode::SERVICE_UNAVAILABLE, "fedns is stopping"))
}

/// 200 once every zone is published. Stale clusters are told and do not fail it: their answers
/// stand, and taking a server out for them would lose those too.
async fn readiness(pages: &Pages, url: &Url) -> Result<Page, Ended> {
    let draining = pages.draining.load(Ordering::Acquire);
    let problems = pages.problems.lines();
    let (published, mut lines) = pages
        .pipeline
        .ask(move |pipeline| {
            let published = pipeline.is_published();
            let mut lines = Vec::new();
            for settings in pipeline.planner().zones() {
                let (sign, word) =
                    if published { ("+", "published") } else { ("-", "not published yet") };
                lines.push(format!("[{sign}]zone {} {word}", settings.zone));
            }
            for (_, cluster) in pipeline.planner().federation().clusters() {
                let text = match &cluster.freshness {
                    model::Freshness::Live => "live".to_owned(),
                    model::Freshness::Stale { reason, .. } => format!("stale, frozen: {reason}"),
                };
                lines.push(format!("[+]cluster {} {text}", cluster.name));
                let problems = problems.get(&cluster.name).into_iter().flatten();
                lines.extend(
                    problems.map(|problem| format!("[+]cluster {} {problem}", cluster.name)),
                );
            }
            (published, lines)
        })
        .await?;
    lines.extend(
        pages.refused_config().iter().map(|line| format!("[+]config not reloaded: {line}")),
    );
    lines.extend(plan::ready_lines(pages));
    if let Some(held) = pages.held_reload() {
        lines.push(format!("[+]reload held: {held}"));
    }
    if draining {
        lines.push("[-]draining: fedns is stopping".into());
    }
    let ready = published && !draining;
    lines.push(if ready { "readyz ok".into() } else { "readyz failed".into() });
    let verbose = url.has("verbose") || !ready;
    let body = if verbose { lines.join("\n") + "\n" } else { "ok\n".into() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(Page { status, ..Page::text(body) })
}

async fn metrics(pages: &Pages) -> Result<Page, Ended> {
    let metrics = pages.metrics.clone();
    pages
        .pipeline
        .ask(move |pipeline| {
            let left_out = pipeline.left_out().count();
            metrics.set_federation(pipeline.planner().federation(), left_out, unix_now().0);
        })
        .await?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let dns = pages.dns.as_ref().map_or_else(DnsCounts::default, |dns| DnsCounts {
        traffic: dns.traffic(),
        tcp_connections: dns.tcp_connections(),
        encrypted_connections: dns.encrypted_connections(),
        certificate_end: dns.certificate_end(),
    });
    let state = |mirror: &Arc<Mirror>| MirrorState {
        provider: mirror.kind,
        zone: mirror.zone.to_string(),
        at: mirror.at.clone(),
        status: mirror.status(),
    };
    let mirrors = MirrorCounts(pages.mirrors.get().iter().map(state).collect());
    Ok(match pages.metrics.encode(dns, mirrors) {
        Ok(text) => Page { content_type, ..Page::text(text) },
        Err(error) => Page::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    })
}

/// Binds the admin address.
pub async fn bind(address: SocketAddr) -> std::io::Result<StdTcpListener> {
    TcpListener::bind(address).await?.into_std()
}

/// On a socket that is bound, of which the caller keeps a handle.
pub fn listen_on(listener: &StdTcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener.try_clone()?)
}

/// The same of the socket in the state folder.
pub fn listen_on_socket(listener: &StdUnixListener) -> std::io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener.try_clone()?)
}

// === impl Pages ===

impl Pages {
    pub fn held_reload(&self) -> Option<ReloadHeld> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_held_reload(&self, held: Option<ReloadHeld>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    fn refused_config(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_refused_config(&self, lines: Vec<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }
}

// === impl Page ===

impl Page {
    pub fn text(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "text/plain; charset=utf-8",
            body: text.into_bytes(),
            challenge: None,
        }
    }

    pub fn json(value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(mut body) => {
                body.push(b'\n');
                Self { content_type: "application/json", body, ..Self::text(String::new()) }
            }
            Err(error) => Self::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    pub fn error(status: StatusCode, message: &str) -> Self {
        Self { status, ..Self::text(format!("{message}\n")) }
    }

    fn unauthorized(refusal: Refusal) -> Self {
        let challenge = Some(refusal.challenge());
        Self { challenge, ..Self::error(StatusCode::UNAUTHORIZED, refusal.line()) }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        let content_type = hyper::header::HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, content_type);
        if let Some(challenge) = self.challenge {
            let challenge = hyper::header::HeaderValue::from_static(challenge);
            response.headers_mut().insert(hyper::header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
