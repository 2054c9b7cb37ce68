//! A connection of our own to an API server, kept open: what is measured is the server, not the
//! client.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tests::certificates::client_config;
use tests::kubeconfig::Context;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

/// Longer than any request takes that is not a failure.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that is not ready may also not answer at all.
const READINESS_PATIENCE: Duration = Duration::from_millis(250);

type Sender = SendRequest<Full<Bytes>>;

/// Sends one request after the other, and connects again when the connection is lost.
pub struct Api {
    runtime: Runtime,
    context: Context,
    connection: Option<Sender>,
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Api {
    pub fn new(context: Context) -> Self {
        Self { runtime: runtime(), context, connection: None }
    }

    /// Gives a Service of the default namespace these addresses; returns when the server has
    /// acknowledged it.
    pub fn set_addresses(&mut self, service: &str, addresses: &[Ipv4Addr]) -> Instant {
        let answer = self.try_set_addresses(service, addresses);
        let at = Instant::now();
        let answer = answer.unwrap_or_else(|error| panic!("patch {service}: {error}"));
        assert!(answer.status.is_success(), "patch {service}: {}", text(&answer));
        at
    }

    pub fn try_set_addresses(
        &mut self,
        service: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<Answer, String> {
        let ingress: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let patch = json!({"status": {"loadBalancer": {"ingress": ingress}}});
        let path = format!("/api/v1/namespaces/default/services/{service}/status");
        let request = self.request(Method::PATCH, &path, "application/merge-patch+json", &patch);
        self.send(request, PATIENCE)
    }

    pub fn create(&mut self, path: &str, object: &Value) {
        let request = self.request(Method::POST, path, "application/json", object);
        let answer = self.send(request, PATIENCE);
        let answer = answer.unwrap_or_else(|error| panic!("create at {path}: {error}"));
        assert!(answer.status.is_success(), "create at {path}: {}", text(&answer));
    }

    /// A server-side apply.
    pub fn apply(&mut self, path: &str, object: &Value) {
        let path = format!("{path}?fieldManager=bare&force=true");
        self.patch(&path, "application/apply-patch+yaml", object);
    }

    /// Adds a finalizer to an object that has none.
    pub fn add_finalizer(&mut self, path: &str, finalizer: &str) {
        let patch = json!({"metadata": {"finalizers": [finalizer]}});
        self.patch(path, "application/merge-patch+json", &patch);
    }

    fn patch(&mut self, path: &str, content_type: &str, patch: &Value) {
        let request = self.request(Method::PATCH, path, content_type, patch);
        let answer = self.send(request, PATIENCE);
        let answer = answer.unwrap_or_else(|error| panic!("patch {path}: {error}"));
        assert!(answer.status.is_success(), "patch {path}: {}", text(&answer));
    }

    /// True where `/readyz` is answered with 200, and soon.
    pub fn is_ready(&mut self) -> bool {
        let request = self.request(Method::GET, "/readyz", "application/json", &Value::Null);
        let answer = self.send(request, READINESS_PATIENCE);
        answer.is_ok_and(|answer| answer.status == StatusCode::OK)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Request<Full<Bytes>> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        builder(&self.context, path)
            .method(method)
            .header("content-type", content_type)
            .body(Full::new(body.into()))
            .expect("all headers are well-formed")
    }

    /// A request that is not answered in time, or at all, takes its connection along.
    fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Answer, String> {
        let Self { runtime, context, connection } = self;
        let known = connection.take().filter(|sender| !sender.is_closed());
        let (sender, answer) = runtime.block_on(async {
            let exchange = async {
                let mut sender = match known {
                    Some(sender) => sender,
                    None => connect(context).await?,
                };
                let answer =
                    sender.send_request(request).await.map_err(|error| error.to_string())?;
                Ok::<_, String>((sender, whole(answer).await?))
            };
            let in_time = tokio::time::timeout(patience, exchange).await;
            in_time.unwrap_or_else(|_| Err(format!("no answer within {patience:?}")))
        })?;
        *connection = Some(sender);
        Ok(answer)
    }
}

/// A runtime on the thread that asks it.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("start a runtime")
}

/// A new connection with TLS.
pub async fn connect(context: &Context) -> Result<Sender, String> {
    let address = context.server.trim_start_matches("https://").to_owned();
    let stream = TcpStream::connect(&address).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let name = "127.0.0.1".try_into().expect("an address is a server's name");
    let tls = TlsConnector::from(client_config()).connect(name, stream).await;
    let tls = tls.map_err(|error| error.to_string())?;
    let (sender, connection) =
        handshake(TokioIo::new(tls)).await.map_err(|error| error.to_string())?;
    // Its end shows at the next request.
    tokio::spawn(connection);
    Ok(sender)
}

/// A request with the context's credentials.
pub fn builder(context: &Context, path: &str) -> hyper::http::request::Builder {
    Request::builder()
        .uri(path)
        .header("host", context.server.trim_start_matches("https://"))
        .header("authorization", format!("Bearer {}", context.token))
}

async fn whole(answer: Response<Incoming>) -> Result<Answer, String> {
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(Answer { status, body: body.to_bytes() })
}

fn text(answer: &Answer) -> String {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}
