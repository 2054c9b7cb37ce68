//! How another process takes the place of this one: a POST over the socket, from which on the connection
//! carries what [`crate::serve`] says about it, descriptors among it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tracing::debug;

use super::{Page, Pages};

pub const PATH: &str = "/api/v1/replace";
/// What the connection carries after the request. Another number where an older or newer process would not
/// understand it.
pub const PROTOCOL: &str = "fedns-handover/1";

/// Where processes come that want to take over, one at a time.
pub struct Succession {
    candidates: mpsc::Sender<Candidate>,
    is_busy: Arc<AtomicBool>,
}

/// A process that wants to take over.
pub struct Candidate {
    pub stream: UnixStream,
    pub turn: Turn,
}

/// Others may come when it is dropped.
pub struct Turn(Arc<AtomicBool>);

// === impl Succession ===

impl Succession {
    pub fn new() -> (Self, mpsc::Receiver<Candidate>) {
        let (candidates, receiver) = mpsc::channel(1);
        (Self { candidates, is_busy: Arc::default() }, receiver)
    }

    fn turn(&self) -> Option<Turn> {
        let was_busy = self.is_busy.swap(true, Ordering::AcqRel);
        (!was_busy).then(|| Turn(Arc::clone(&self.is_busy)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Turns the connection into one for a hand-over, where nothing is in the way.
pub fn page(pages: &Pages, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let refused = |status, line: &str| Page::error(status, line).into_response();
    let wanted = request.headers().get(UPGRADE).and_then(|it| it.to_str().ok()).unwrap_or("");
    if wanted != PROTOCOL {
        let version = env!("CARGO_PKG_VERSION");
        let line = format!(
            "fedns {version} hands over by {PROTOCOL}, not by {wanted:?}; stop it, and start the other one"
        );
        return refused(StatusCode::UPGRADE_REQUIRED, &line);
    }
    if pages.draining.load(Ordering::Acquire) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "fedns is stopping");
    }
    let Some(turn) = pages.succession.turn() else {
        return refused(
            StatusCode::CONFLICT,
            "another process is taking over already; wait for it",
        );
    };
    let candidates = pages.succession.candidates.clone();
    tokio::spawn(async move {
        match hyper::upgrade::on(request).await.map(Upgraded::downcast::<TokioIo<UnixStream>>) {
            Ok(Ok(parts)) => {
                let stream = parts.io.into_inner();
                // A process that is ending hands nothing over.
                let _ = candidates.send(Candidate { stream, turn }).await;
            }
            Ok(Err(_)) => debug!("an upgraded connection is not one of the socket"),
            Err(error) => debug!(%error, "a connection was not upgraded"),
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let (succession, _candidates) = Succession::new();
        let first = succession.turn().unwrap();
        assert!(succession.turn().is_none());
        drop(first);
        assert!(succession.turn().is_some());
    }
}
