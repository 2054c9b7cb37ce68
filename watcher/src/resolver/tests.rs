//! The table and its task against a name server of this process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
use tokio::net::UdpSocket;

use super::*;

/// What the name server answers, and how often it was asked.
#[derive(Default)]
struct Zone {
    addresses: Vec<IpAddr>,
    is_failing: bool,
    question_count: u32,
}

/// Answers every name alike, with a TTL of 0, until it is dropped.
struct NameServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    task: JoinHandle<()>,
}

impl NameServer {
    async fn start(addresses: &[&str]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let zone = Arc::new(Mutex::new(Zone { addresses, ..Zone::default() }));
        let task = tokio::spawn(serve(socket, zone.clone()));
        Self { address, zone, task }
    }

    fn resolver(&self) -> Arc<Resolver> {
        Resolver::new(&ResolverSettings { servers: vec![self.address] })
    }

    fn set(&self, change: impl FnOnce(&mut Zone)) {
        change(&mut self.zone.lock().unwrap());
    }

    fn question_count(&self) -> u32 {
        self.zone.lock().unwrap().question_count
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; 512];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let query = Message::from_bytes(&buffer[..length]).unwrap();
        let answer = answer(&query, &mut zone.lock().unwrap());
        socket.send_to(&answer.to_bytes().unwrap(), client).await.unwrap();
    }
}

fn answer(query: &Message, zone: &mut Zone) -> Message {
    zone.question_count += 1;
    let question = query.queries[0].clone();
    let mut answer = Message::new(query.id, MessageType::Response, OpCode::Query);
    answer.add_query(question.clone());
    if zone.is_failing {
        answer.metadata.response_code = ResponseCode::ServFail;
        return answer;
    }
    for address in &zone.addresses {
        let data = match address {
            IpAddr::V4(address) => RData::A(A(*address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
        };
        let is_asked_for = (question.query_type() == RecordType::A) == address.is_ipv4();
        if is_asked_for {
            answer.add_answer(Record::from_rdata(question.name().clone(), 0, data));
        }
    }
    answer
}

fn host(name: &str) -> Arc<str> {
    name.into()
}

async fn next(subscription: &mut Subscription) -> HostChange {
    tokio::time::timeout(Duration::from_secs(20), subscription.changed()).await.unwrap()
}

fn known(change: &HostChange) -> String {
    let addresses = change.resolution.addresses.iter().map(IpAddr::to_string);
    addresses.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_host_name_is_resolved_and_its_users_are_told() {
    let server = NameServer::start(&["192.0.2.1", "2001:db8::1"]).await;
    let resolver = server.resolver();
    let (mut first, mut second) = (resolver.subscribe(), resolver.subscribe());
    first.use_host(&host("lb.example"), &[]);
    let change = next(&mut first).await;
    assert_eq!((&*change.host, known(&change)), ("lb.example", "192.0.2.1 2001:db8::1".to_owned()));
    assert_eq!(change.resolution.failure, None);
    // Who comes later is told at once, and nobody is asked for it.
    let asked = server.question_count();
    second.use_host(&host("lb.example"), &[]);
    assert_eq!(known(&next(&mut second).await), "192.0.2.1 2001:db8::1");
    assert_eq!(server.question_count(), asked);
    assert_eq!(resolver.host_count(), 1);
}

#[tokio::test]
async fn it_is_looked_up_again_when_its_ttl_ends() {
    let server = NameServer::start(&["192.0.2.1"]).await;
    let mut user = server.resolver().subscribe();
    user.use_host(&host("lb.example"), &[]);
    assert_eq!(known(&next(&mut user).await), "192.0.2.1");
    server.set(|zone| zone.addresses.push(IpAddr::from([192, 0, 2, 2])));
    // The shortest TTL that counts is 5 seconds.
    assert_eq!(known(&next(&mut user).await), "192.0.2.1 192.0.2.2");
}

#[tokio::test]
async fn a_failure_keeps_what_was_known_before() {
    let server = NameServer::start(&[]).await;
    server.set(|zone| zone.is_failing = true);
    let mut user = server.resolver().subscribe();
    user.use_host(&host("lb.example"), &[IpAddr::from([192, 0, 2, 7])]);
    let change = next(&mut user).await;
    assert_eq!(known(&change), "192.0.2.7");
    assert_eq!(change.resolution.failure.as_deref(), Some("SERVFAIL"));
}

#[tokio::test]
async fn a_host_name_that_nobody_uses_is_forgotten() {
    let server = NameServer::start(&["192.0.2.1"]).await;
    let resolver = server.resolver();
    let (mut first, second) = (resolver.subscribe(), resolver.subscribe());
    for name in ["a.example", "b.example"] {
        first.use_host(&host(name), &[]);
        next(&mut first).await;
    }
    second.use_host(&host("a.example"), &[]);
    first.release_host(&host("a.example"));
    assert_eq!(resolver.host_count(), 2);
    drop(first);
    assert_eq!(resolver.host_count(), 1);
    drop(second);
    assert_eq!(resolver.host_count(), 0);
}
