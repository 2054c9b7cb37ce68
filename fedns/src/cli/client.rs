//! Asks a running server over its admin address, and gives it orders over its socket, or over TLS with
//! a token.

/// Over TLS.
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;

#[cfg(feature = "federation")]
use super::reach::Leader;
use super::{Admin, AdminAddress, Failure};
use crate::config::AdminToken;
use tls::TlsServer;

/// How long a server may take to accept a connection, and then to begin its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a node may take to say why a forwarded connection ended.
#[cfg(feature = "federation")]
const TROUBLE_WAIT: Duration = Duration::from_secs(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A running server.
pub struct Server {
    runtime: Runtime,
    way: Way,
}

/// How it is asked.
enum Way {
    Address(String),
    Tls(Box<TlsServer>),
    #[cfg(feature = "federation")]
    Leader(Box<Leader>),
}

/// What a person decides.
pub enum Order<'a> {
    /// By name.
    AcceptCluster(&'a str),
    /// By the hash of what is held.
    ApprovePlan(&'a str),
}

// === impl Order ===

impl<'a> Order<'a> {
    /// On the socket.
    fn path(&self) -> String {
        match self {
            Self::AcceptCluster(name) => format!("/api/v1/clusters/{}/accept", encode(name)),
            Self::ApprovePlan(hash) => format!("/api/v1/plan/approve?hash={}", encode(hash)),
        }
    }

    /// As a command.
    #[cfg(feature = "federation")]
    fn words(&self) -> [&'a str; 3] {
        match self {
            Self::AcceptCluster(name) => ["clusters", "accept", name],
            Self::ApprovePlan(hash) => ["plan", "approve", hash],
        }
    }
}

// === impl Server ===

impl Server {
    /// The one that the command line names. One at an address is not asked yet.
    pub fn find(admin: &Admin) -> Result<Self, Failure> {
        #[cfg(feature = "federation")]
        if admin.asks_leader() {
            let runtime = runtime()?;
            let leader = runtime.block_on(Leader::find(&admin.reach))?;
            return Ok(Self { runtime, way: Way::Leader(Box::new(leader)) });
        }
        Self::at(&admin.address)
    }

    pub fn at(address: &AdminAddress) -> Result<Self, Failure> {
        let text = address.text();
        let way = match text.strip_prefix(tls::SCHEME) {
            Some(authority) => Way::Tls(Box::new(TlsServer::new(authority, address)?)),
            None if address.token_file.is_some() || address.certificate_authority.is_some() => {
                return Err(Failure::one(format!(
                    "--token-file and --certificate-authority are for TLS: wanted --admin {}{text}",
                    tls::SCHEME
                )));
            }
            None => {
                let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
                Way::Address(text.to_owned())
            }
        };
        Ok(Self { runtime: runtime()?, way })
    }

    /// For people.
    pub fn name(&self) -> String {
        match &self.way {
            Way::Address(address) => address.clone(),
            Way::Tls(server) => server.name(),
            #[cfg(feature = "federation")]
            Way::Leader(leader) => leader.name(),
        }
    }

    /// A page, as bytes.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        match &self.way {
            Way::Address(address) => self.runtime.block_on(fetch(address, path)),
            Way::Tls(server) => self.runtime.block_on(server.fetch(path)),
            #[cfg(feature = "federation")]
            Way::Leader(leader) => self.runtime.block_on(fetch_from_leader(leader, path)),
        }
    }

    /// A page, read as JSON.
    pub fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        parse(&self.name(), path, &self.get(path)?)
    }

    /// Gives an order over the server's socket, which the admin address tells, or over TLS with a token; a
    /// leader far away gets it by a command in its pod. What was done comes back in one line.
    pub fn order(&self, order: &Order<'_>) -> Result<String, Failure> {
        match &self.way {
            Way::Address(address) => self.runtime.block_on(place(address, &order.path())),
            Way::Tls(server) => self.runtime.block_on(server.place(&order.path())),
            #[cfg(feature = "federation")]
            Way::Leader(leader) => self.runtime.block_on(leader.execute(&order.words())),
        }
    }
}

fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))
}

fn parse<T: DeserializeOwned>(admin: &str, path: &str, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::one(format!("{admin}{path}: the answer is not what this version expects: {error}"))
    })
}

#[cfg(feature = "federation")]
async fn fetch_from_leader(leader: &Leader, path: &str) -> Result<Vec<u8>, Failure> {
    let (stream, trouble) = leader.connect().await?;
    let name = leader.name();
    match exchange(stream, Method::GET, "localhost", path, None).await {
        Ok((status, body)) => page(&name, path, status, body),
        Err(error) => {
            let trouble = tokio::time::timeout(TROUBLE_WAIT, trouble).await.ok().flatten();
            let why = trouble.unwrap_or_else(|| error.to_string());
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            Err(Failure::one(format!("{name}: no fedns answers there: {why}")))
        }
    }
}

fn page(server: &str, path: &str, status: StatusCode, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if status == StatusCode::OK {
        return Ok(body);
    }
    let text = String::from_utf8_lossy(&body);
    Err(Failure::one(format!("{server}{path}: {}", text.trim())))
}

async fn fetch(admin: &str, path: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::one(format!(
            "{admin}: no fedns answers here: {error}; start one with fedns serve, or name its \
             address with --admin or FEDNS_ADMIN"
        ))
    };
    let stream = in_time(TcpStream::connect(admin)).await.map_err(|error| failed(&error))?;
    let (status, body) =
        exchange(stream, Method::GET, admin, path, None).await.map_err(|error| failed(&error))?;
    page(admin, path, status, body)
}

async fn place(admin: &str, path: &str) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Server {
        socket: Option<PathBuf>,
    }
    const SERVER: &str = "/api/v1/server";
    let Server { socket } = parse(admin, SERVER, &fetch(admin, SERVER).await?)?;
    let socket = socket.ok_or_else(|| {
        Failure::one(format!("{admin}: this server takes no orders; its log says why"))
    })?;
    let failed = |error: &dyn std::fmt::Display| {
        let socket = socket.display();
        Failure::one(format!(
            "{socket}: {error}; run this on the server's machine, as the user it runs as"
        ))
    };
    let stream = in_time(UnixStream::connect(&socket)).await.map_err(|error| failed(&error))?;
    let posted = exchange(stream, Method::POST, "localhost", path, None).await;
    let (status, body) = posted.map_err(|error| failed(&error))?;
    outcome(status, &body)
}

/// Of an order.
fn outcome(status: StatusCode, body: &[u8]) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(body).trim().to_owned();
    if status == StatusCode::OK { Ok(text) } else { Err(Failure::one(text)) }
}

/// A server that is frozen keeps nobody waiting.
async fn in_time<T, E: Into<BoxError>>(
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    match tokio::time::timeout(PATIENCE, step).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs()).into()),
    }
}

/// One request on a connection of its own.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    method: Method,
    host: &str,
    path: &str,
    token: Option<&AdminToken>,
) -> Result<(StatusCode, Vec<u8>), BoxError> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .body(Empty::<Bytes>::new())?;
    if let Some(token) = token {
        let mut header = HeaderValue::try_from(token.bearer())?;
        header.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    let response = in_time(sender.send_request(request)).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok((status, body.to_vec()))
}

/// Percent-encodes what may not stand in a query's value (RFC 3986 section 2.3).
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
