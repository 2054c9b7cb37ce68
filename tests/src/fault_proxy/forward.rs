//! The proxy's thread: connections in, requests on, answers back.

use std::future::pending;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::request::Request;
use super::rules::{Fault, Order, Shared};
use crate::certificates::{client_config, server_config};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, hyper::Error>;
type Orders = UnboundedReceiver<(Order, std::sync::mpsc::Sender<()>)>;

/// All that one connection needs; cheap to clone.
#[derive(Clone)]
struct Relay {
    shared: Arc<Shared>,
    /// `127.0.0.1:6443`, behind the proxy.
    server: Arc<str>,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

/// Carries out orders and serves connections until told to end.
pub(super) fn serve(shared: Arc<Shared>, server: String, orders: Orders) {
    let relay = Relay {
        shared,
        server: server.trim_start_matches("https://").into(),
        acceptor: TlsAcceptor::from(server_config()),
        connector: TlsConnector::from(client_config()),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("make a runtime")
        .block_on(relay.run(orders));
}

impl Relay {
    async fn run(self, mut orders: Orders) {
        let mut listener: Option<TcpListener> = None;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some((order, done)) = order else { return };
                    match order {
                        Order::Cut => connections.shutdown().await,
                        Order::Refuse => {
                            listener = None;
                            connections.shutdown().await;
                        }
                        Order::Listen => {
                            listener.get_or_insert_with(|| self.shared.port.listen());
                        }
                        Order::End => return,
                    }
                    // Nobody waits for it any more when a test has just failed.
                    let _ = done.send(());
                }
                stream = accept(listener.as_ref()) => {
                    connections.spawn(self.clone().converse(stream));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// One connection of a client, for as many requests as it sends. Its errors are the client's to
    /// see: the connection ends.
    async fn converse(self, stream: TcpStream) {
        let Ok(stream) = self.acceptor.accept(stream).await else {
            return;
        };
        let answer = service_fn(|request| self.answer(request));
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response<Body>, Error> {
        let asked = Request {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
        };
        // Before the look at the rules: none can end unseen in between.
        let mut healed = self.shared.healed();
        match self.shared.meet(&asked) {
            Some(Fault::Status(code)) => Ok(status(code)),
            Some(Fault::Silence) => pending().await,
            Some(Fault::Hold) => {
                let (parts, body) = request.into_parts();
                let body = Full::new(body.collect().await?.to_bytes());
                let (relay, request) = (self.clone(), hyper::Request::from_parts(parts, body));
                let goes_on = async move {
                    healed.changed().await?;
                    relay.forward(request).await
                };
                tokio::spawn(goes_on).await?
            }
            Some(Fault::EmptyList) if asked.is_list() => self.forward_emptied(request).await,
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                self.forward(request).await
            }
            Some(Fault::EmptyList) | None => self.forward(request).await,
        }
    }

    /// Each request goes on a connection of its own: none can be found stale after an outage.
    async fn forward<B>(&self, request: hyper::Request<B>) -> Result<Response<Body>, Error>
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<Error>> + Send + 'static,
    {
        let stream = TcpStream::connect(&*self.server).await?;
        let name = ServerName::try_from("localhost")?;
        let stream = self.connector.connect(name, stream).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?.map(BodyExt::boxed))
    }

    /// The server's own list without its items: kind, version and resourceVersion are true.
    async fn forward_emptied(
        &self,
        mut request: hyper::Request<Incoming>,
    ) -> Result<Response<Body>, Error> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.remove(ACCEPT_ENCODING);
        let answer = self.forward(request).await?;
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect().await?.to_bytes();
        let mut list: Value = serde_json::from_slice(&bytes)?;
        if list["items"].is_array() {
            list["items"] = json!([]);
            list["metadata"]["continue"] = json!("");
            list["metadata"]["remainingItemCount"] = Value::Null;
        }
        Ok(json_response(code, &list))
    }
}

/// The next connection; never one while nobody listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return pending().await;
    };
    loop {
        // An error concerns a connection that is gone already.
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
    }
}

fn status(code: u16) -> Response<Body> {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "fault proxy", "reason": reason, "code": code,
    });
    json_response(code, &body)
}

fn json_response(code: u16, body: &Value) -> Response<Body> {
    let body = Full::from(body.to_string()).map_err(|never| match never {});
    Response::builder()
        .status(code)
        .header(CONTENT_TYPE, "application/json")
        .body(body.boxed())
        .expect("the status is one of HTTP's")
}
