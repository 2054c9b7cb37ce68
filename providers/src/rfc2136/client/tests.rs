use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::clock::SystemClock;
use crate::provider::{Failure, FailureKind};
use crate::rfc2136::tsig::Algorithm;

/// A server that takes one connection, reads one request, and does as it likes.
async fn with_server<F: Future<Output = ()>>(
    serve: impl FnOnce(TcpStream, Vec<u8>) -> F,
    ask: impl AsyncFnOnce(&Client) -> Result<(), Error>,
) -> Error {
    with_timeouts(Timeouts::default(), serve, ask).await
}

async fn with_timeouts<F: Future<Output = ()>>(
    timeouts: Timeouts,
    serve: impl FnOnce(TcpStream, Vec<u8>) -> F,
    ask: impl AsyncFnOnce(&Client) -> Result<(), Error>,
) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let key = TsigKey::new(name("fed"), Algorithm::HmacSha256, b"secret".to_vec());
    let server = Server { host: "127.0.0.1".into(), port };
    let client = Client::new(server, key, Arc::new(SystemClock)).with_timeouts(timeouts);
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut request).await.unwrap();
        serve(stream, request).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        asked = ask(&client) => asked.unwrap_err(),
        () = serving => unreachable!("it never ends"),
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The request as an answer with this code, without a signature.
fn unsigned_answer(request: &[u8], code: u8) -> Vec<u8> {
    let question = MessageWriter::query(&name("example.com"), RecordType::SOA).finish(0);
    let mut answer = question;
    answer[..2].copy_from_slice(&request[..2]);
    answer[2..4].copy_from_slice(&[0x84, code]);
    answer
}

async fn send(stream: &mut TcpStream, message: &[u8]) {
    let mut framed = Vec::new();
    connection::append_framed(&mut framed, message);
    stream.write_all(&framed).await.unwrap();
}

async fn query(client: &Client) -> Result<(), Error> {
    client.ask(&[(name("example.com"), RecordType::SOA)]).await.map(|_| ())
}

async fn transfer(client: &Client) -> Result<(), Error> {
    client.transfer(&name("example.com")).await.map(|_| ())
}

#[track_caller]
fn is(error: Error, kind: FailureKind, words: &str) {
    let failure = Failure::from(error);
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.line.contains(words), "{failure}");
}

const LATER: FailureKind = FailureKind::Later(None);

#[tokio::test]
async fn a_server_that_is_silent_or_goes_is_asked_again_later() {
    let silent = async |stream: TcpStream, _| {
        std::future::pending::<()>().await;
        drop(stream);
    };
    let short = Timeouts { message: Duration::from_millis(50), ..Timeouts::default() };
    is(with_timeouts(short, silent, query).await, LATER, "no answer within ");
    let gone = async |stream: TcpStream, _| drop(stream);
    is(with_server(gone, transfer).await, LATER, "the connection broke off: ");
    let half = async |mut stream: TcpStream, _| stream.write_all(&[0, 40, 1, 2]).await.unwrap();
    is(with_server(half, query).await, LATER, "the connection broke off: the server closed it");
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_not_taken() {
    let words = "the answer is no DNS message of this kind";
    let noise = async |mut stream: TcpStream, _| send(&mut stream, &[7; 40]).await;
    is(with_server(noise, query).await, LATER, words);
    let other_id = async |mut stream: TcpStream, request: Vec<u8>| {
        let mut answer = unsigned_answer(&request, 0);
        answer[0] ^= 1;
        send(&mut stream, &answer).await;
    };
    is(with_server(other_id, query).await, LATER, words);
}

#[tokio::test]
async fn nothing_but_a_refusal_is_believed_without_a_signature() {
    let answering = |code: u8| {
        async move |mut stream: TcpStream, request: Vec<u8>| {
            send(&mut stream, &unsigned_answer(&request, code)).await;
        }
    };
    let fatal = FailureKind::Fatal;
    for code in [rcode::NOERROR, rcode::NXDOMAIN, rcode::NXRRSET] {
        is(with_server(answering(code), query).await, fatal, "the answer has no signature");
        is(with_server(answering(code), transfer).await, fatal, "the answer has no signature");
    }
    is(with_server(answering(rcode::REFUSED), transfer).await, fatal, "is answered with REFUSED");
    is(with_server(answering(rcode::SERVFAIL), transfer).await, LATER, "answered with SERVFAIL");
}
