//! Asks a running server over its admin address, and gives it orders over its socket.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{Admin, Failure};

/// How long a server may take to accept a connection, and then to begin its answer.
const PATIENCE: Duration = Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A page of the running server, as bytes.
pub fn get(admin: &Admin, path: &str) -> Result<Vec<u8>, Failure> {
    run(fetch(&admin.admin, path))
}

/// A page of the running server, read as JSON.
pub fn get_json<T: DeserializeOwned>(admin: &Admin, path: &str) -> Result<T, Failure> {
    parse(&admin.admin, path, &get(admin, path)?)
}

/// Gives the running server an order over its socket, which the admin address tells. What was done
/// comes back in one line.
pub fn order(admin: &Admin, path: &str) -> Result<String, Failure> {
    run(place(&admin.admin, path))
}

fn run<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    runtime.block_on(question)
}

fn parse<T: DeserializeOwned>(admin: &str, path: &str, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::one(format!("{admin}{path}: the answer is not what this version expects: {error}"))
    })
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
        exchange(stream, Method::GET, admin, path).await.map_err(|error| failed(&error))?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    let text = String::from_utf8_lossy(&body);
    Err(Failure::one(format!("{admin}{path}: {}", text.trim())))
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
    let (status, body) =
        exchange(stream, Method::POST, "localhost", path).await.map_err(|error| failed(&error))?;
    let text = String::from_utf8_lossy(&body).trim().to_owned();
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
) -> Result<(StatusCode, Vec<u8>), BoxError> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .body(Empty::<Bytes>::new());
    let response = in_time(sender.send_request(request?)).await?;
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
