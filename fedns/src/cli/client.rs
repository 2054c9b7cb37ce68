//! Asks a running server over its admin address.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;

use super::{Admin, Failure};

/// A page of the running server, as bytes.
pub fn get(admin: &Admin, path: &str) -> Result<Vec<u8>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    runtime.block_on(fetch(&admin.admin, path))
}

/// A page of the running server, read as JSON.
pub fn get_json<T: DeserializeOwned>(admin: &Admin, path: &str) -> Result<T, Failure> {
    let body = get(admin, path)?;
    serde_json::from_slice(&body).map_err(|error| {
        let admin = &admin.admin;
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
    let stream = tokio::net::TcpStream::connect(admin).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(&e))?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", admin)
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
    driver.abort();
    if status == StatusCode::OK {
        return Ok(body.to_vec());
    }
    let text = String::from_utf8_lossy(&body);
    Err(Failure::one(format!("{admin}{path}: {}", text.trim())))
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
