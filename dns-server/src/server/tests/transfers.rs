//! Signed queries and transfers as they go over sockets, and the notices of changes.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::{Name, RecordSet, RecordType, Serial, UnixTime};

use super::{PATIENCE, ask_tcp, frame, loopback, read_frame, tcp_client, udp_client};
use crate::notify::{Notifier, Outcome};
use crate::server::{Addresses, Options, Server};
use crate::store::HistoryLimits;
use crate::testing::{self, Query, name};
use crate::transfer::{Allow, NotifyTarget, TransferPolicy, Transfers, ZoneTransfer};
use crate::{Reader, TsigAlgorithm, TsigKey, Writer};

pub(super) const NOW: UnixTime = UnixTime(1_800_000_000);
const WWW: &str = "NOERROR aa\nan www.example.com. 300 A 192.0.2.1\n";

pub(super) struct Stage {
    pub writer: Writer,
    pub reader: Reader,
    pub transfers: Arc<Transfers>,
    pub server: Server,
}

pub(super) fn key(text: &str) -> TsigKey {
    TsigKey::new(name(text), TsigAlgorithm::HmacSha256, text.as_bytes())
}

pub(super) fn stage(allow: &[Allow], options: Options) -> Stage {
    stage_at(&Addresses::plain(&[loopback()]), allow, options)
}

pub(super) fn stage_at(addresses: &Addresses, allow: &[Allow], options: Options) -> Stage {
    let (mut writer, reader) = crate::Store::new();
    let apex = name("example.com");
    reader.histories().keep(std::slice::from_ref(&apex), HistoryLimits::default());
    let zone = "@ SOA ns hostmaster 1 900 300 604800 60\nwww A 192.0.2.1\n";
    let _ = writer.publish(&testing::zone("example.com", zone), Serial(7)).unwrap();
    let other = "@ SOA ns hostmaster 1 900 300 604800 60\n";
    let _ = writer.publish(&testing::zone("example.net", other), Serial(7)).unwrap();
    writer.announce(&name("announced.example")).unwrap();
    let transfers = Arc::new(Transfers::new(|| NOW));
    let policy = |allow: &[Allow]| ZoneTransfer { allow: allow.to_vec(), notify: Vec::new() };
    let zones = [(apex, policy(allow)), (name("announced.example"), policy(allow))];
    let keys = vec![key("ours"), key("another")];
    transfers.configure(TransferPolicy { keys, zones: zones.into() });
    let shared = Arc::clone(&transfers);
    let server = Server::bind_with(addresses, options, reader.clone(), shared).unwrap();
    Stage { writer, reader, transfers, server }
}

/// With the SOA of a client that has `serial`.
pub(super) fn ixfr(serial: u32) -> Vec<u8> {
    let mut request = Query::parse("example.com IXFR").bytes();
    request[9] = 1;
    request.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
    request.extend_from_slice(&serial.to_be_bytes());
    request.extend_from_slice(&[0; 16]);
    request
}

pub(super) fn answer_to(client: &UdpSocket, request: &[u8]) -> Vec<u8> {
    client.send(request).unwrap();
    let mut answer = [0; 2000];
    let length = client.recv(&mut answer).unwrap();
    answer[..length].to_vec()
}

pub(super) fn tcp_answer(client: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    client.write_all(&frame(request)).unwrap();
    read_frame(client)
}

/// Code and the number of answers.
pub(super) fn summary(answer: &[u8]) -> (u8, u16) {
    (answer[3] & 0x0f, u16::from_be_bytes([answer[6], answer[7]]))
}

pub(super) const REFUSED: (u8, u16) = (5, 0);
pub(super) const NOTAUTH: (u8, u16) = (9, 0);

#[test]
fn who_is_not_named_gets_nothing() {
    let axfr = Query::parse("example.com AXFR").bytes();
    for (allow, is_allowed) in [
        (&[][..], false),
        (&[Allow::From("192.0.2.0/24".parse().unwrap())], false),
        (&[Allow::Key(name("ours"))], false),
        (&[Allow::Key(name("ours")), Allow::From("127.0.0.0/8".parse().unwrap())], true),
    ] {
        let Stage { server, .. } = stage(allow, Options::default());
        let address = server.local_addrs()[0];
        let expect = if is_allowed { (0, 3) } else { REFUSED };
        let mut tcp = tcp_client(address);
        assert_eq!(summary(&tcp_answer(&mut tcp, &axfr)), expect, "{allow:?}");
        assert_eq!(ask_tcp(&mut tcp, "www.example.com"), WWW);
        let udp = udp_client(address);
        assert_eq!(summary(&answer_to(&udp, &axfr)), REFUSED, "never over UDP");
        let of_others = Query::parse("example.net AXFR").bytes();
        assert_eq!(summary(&tcp_answer(&mut tcp, &of_others)), REFUSED);
        for foreign in ["example.org AXFR", "www.example.com AXFR"] {
            let foreign = Query::parse(foreign).bytes();
            assert_eq!(summary(&tcp_answer(&mut tcp, &foreign)), NOTAUTH);
        }
        let announced = Query::parse("announced.example AXFR").bytes();
        let expect = if is_allowed { (2, 0) } else { REFUSED };
        assert_eq!(summary(&tcp_answer(&mut tcp, &announced)), expect);
        server.stop();
    }
}

#[test]
fn a_key_opens_and_signs_what_it_opened() {
    let Stage { server, .. } = stage(&[Allow::Key(name("ours"))], Options::default());
    let address = server.local_addrs()[0];
    let mut tcp = tcp_client(address);
    let udp = udp_client(address);
    for (key, expect) in [(key("ours"), (0, 3)), (key("another"), REFUSED)] {
        let mut request = Query::parse("example.com AXFR").edns(1232).bytes();
        let mac = key.sign_request(&mut request, NOW);
        let answer = tcp_answer(&mut tcp, &request);
        assert_eq!(summary(&answer), expect);
        let length = 10 + 13 + 8 + 2 + 32 + 6;
        let start = answer.len() - length - key.name.wire().len();
        assert!(key.is_answer(&mac, &answer, start, NOW));
    }
    for (key, now) in [(key("unknown"), NOW), (key("ours"), UnixTime(NOW.0 - 1000))] {
        let mut request = Query::parse("example.com AXFR").bytes();
        key.sign_request(&mut request, now);
        assert_eq!(summary(&tcp_answer(&mut tcp, &request)), NOTAUTH);
        assert_eq!(summary(&answer_to(&udp, &request)), NOTAUTH);
    }
    server.stop();
}

#[test]
fn an_ordinary_question_may_be_signed() {
    let Stage { server, .. } = stage(&[], Options::default());
    let address = server.local_addrs()[0];
    let key = key("ours");
    for question in ["www.example.com", "example.com SOA", "nope.example.com", "example.org"] {
        let plain = Query::parse(question).bytes();
        let mut signed = plain.clone();
        let mac = key.sign_request(&mut signed, NOW);
        let expect = answer_to(&udp_client(address), &plain);
        for answer in [
            answer_to(&udp_client(address), &signed),
            tcp_answer(&mut tcp_client(address), &signed),
        ] {
            let start = expect.len();
            assert!(key.is_answer(&mac, &answer, start, NOW), "{question}");
            let mut unsigned = answer[..start].to_vec();
            unsigned[11] -= 1;
            assert_eq!(unsigned, expect, "{question}");
        }
    }
    server.stop();
}

#[test]
fn rfc1995_2_changes_over_udp_where_they_fit() {
    let everybody = [Allow::From("127.0.0.1".parse().unwrap())];
    let Stage { mut writer, server, .. } = stage(&everybody, Options::default());
    let address = server.local_addrs()[0];
    let udp = udp_client(address);
    assert_eq!(summary(&answer_to(&udp, &ixfr(7))), (0, 1));
    let (apex, owner) = (name("example.com"), name("new.example.com"));
    let small = RecordSet::single(RecordType(300), 60, model::Rdata::from_wire([1]));
    let _ = writer.replace_sets(&apex, &[(&owner, &[small])], Serial(8)).unwrap();
    // The new SOA, the old one, the new one, one record, the new one.
    assert_eq!(summary(&answer_to(&udp, &ixfr(7))), (0, 5));
    let large = RecordSet::single(RecordType(300), 60, model::Rdata::from_wire([1; 2000]));
    let _ = writer.replace_sets(&apex, &[(&owner, &[large])], Serial(9)).unwrap();
    for known in [6, 7, 8] {
        let answer = answer_to(&udp, &ixfr(known));
        assert_eq!((summary(&answer), answer[2] & 2), ((0, 1), 0), "{known}: come over TCP");
    }
    let mut tcp = tcp_client(address);
    // The one record that came and went between is not in it.
    assert_eq!(summary(&tcp_answer(&mut tcp, &ixfr(7))), (0, 5));
    assert_eq!(summary(&tcp_answer(&mut tcp, &ixfr(6))), (0, 4), "the whole zone");
    let without_soa = Query::parse("example.com IXFR").bytes();
    assert_eq!(summary(&tcp_answer(&mut tcp, &without_soa)), (1, 0));
    server.stop();
}

#[test]
fn a_standby_refuses_until_it_writes() {
    let everybody = [Allow::From("127.0.0.1".parse().unwrap())];
    let Stage { transfers, server, .. } = stage(&everybody, Options::default());
    let writes = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&writes);
    transfers.only_while(Arc::new(move || gate.load(Ordering::Relaxed)));
    let axfr = Query::parse("example.com AXFR").bytes();
    let mut tcp = tcp_client(server.local_addrs()[0]);
    assert_eq!(summary(&tcp_answer(&mut tcp, &axfr)), REFUSED);
    writes.store(true, Ordering::Relaxed);
    assert_eq!(summary(&tcp_answer(&mut tcp, &axfr)), (0, 3));
    server.stop();
}

pub(super) fn fill(writer: &mut Writer, names: u32) {
    let set = [RecordSet::single(RecordType::TXT, 60, model::Rdata::from_wire([99; 1000]))];
    let owners: Vec<Name> = (0..names).map(|at| name(&format!("n{at}.example.com"))).collect();
    let changes: Vec<_> = owners.iter().map(|owner| (owner, &set[..])).collect();
    let _ = writer.replace_sets(&name("example.com"), &changes, Serial(8)).unwrap();
}

#[test]
fn a_long_transfer_delays_nobody_and_ends_with_a_client_that_takes_nothing() {
    let options = Options { idle: Duration::from_millis(300), ..Options::default() };
    let everybody = [Allow::From("127.0.0.1".parse().unwrap())];
    let Stage { mut writer, transfers, server, .. } = stage(&everybody, options);
    fill(&mut writer, 20_000);
    let address = server.local_addrs()[0];
    let mut greedy = tcp_client(address);
    greedy.write_all(&frame(&Query::parse("example.com AXFR").bytes())).unwrap();
    let mut first = [0; 2];
    greedy.read_exact(&mut first).unwrap();
    assert_eq!(transfers.running(), 1);
    assert_eq!(ask_tcp(&mut tcp_client(address), "www.example.com"), WWW);
    let start = std::time::Instant::now();
    while transfers.running() > 0 {
        assert!(start.elapsed() < PATIENCE, "it is not given up");
        std::thread::yield_now();
    }
    server.stop();
}

#[test]
fn a_transfer_among_other_queries_comes_in_its_turn() {
    let everybody = [Allow::From("127.0.0.1".parse().unwrap())];
    let Stage { mut writer, server, .. } = stage(&everybody, Options::default());
    fill(&mut writer, 1000);
    let mut tcp = tcp_client(server.local_addrs()[0]);
    let www = frame(&Query::parse("www.example.com").bytes());
    let axfr = frame(&Query::parse("example.com AXFR").bytes());
    tcp.write_all(&[&www[..], &axfr, &www].concat()).unwrap();
    assert_eq!(testing::text_of(&read_frame(&mut tcp)), WWW);
    let mut records = 0;
    while records < 1003 {
        let (code, count) = summary(&read_frame(&mut tcp));
        assert_eq!(code, 0);
        records += count;
    }
    assert_eq!(records, 1003);
    assert_eq!(testing::text_of(&read_frame(&mut tcp)), WWW);
    server.stop();
}

#[test]
fn rfc1996_a_secondary_is_told_again_until_it_answers() {
    let Stage { mut writer, reader, transfers, server } = stage(&[], Options::default());
    let secondary = UdpSocket::bind("127.0.0.1:0").unwrap();
    secondary.set_read_timeout(Some(PATIENCE)).unwrap();
    let target = NotifyTarget { address: secondary.local_addr().unwrap(), key: Some(name("ours")) };
    let zone = name("example.com");
    let own_addresses = vec!["127.0.0.53".parse().unwrap()];
    let random_id = || 0x4321;
    let notifier =
        Notifier { zone: zone.clone(), target, reader, transfers, own_addresses, random_id };
    let (told, outcomes) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let notifying = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = notifier.run(move |serial, outcome| told.send((serial, outcome)).unwrap());
        runtime.block_on(async {
            tokio::select! {
                () = run => {}
                _ = ended => {}
            }
        });
    });
    let receive = || {
        let mut notice = [0; 600];
        let (length, from) = secondary.recv_from(&mut notice).unwrap();
        let notice = &notice[..length];
        assert_eq!(from.ip().to_string(), "127.0.0.53");
        assert_eq!(notice[..12], [0x43, 0x21, 0x24, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
        let question = zone.wire().len() + 4;
        let soa = &notice[12 + question..];
        let rdata_length = usize::from(u16::from_be_bytes([soa[10], soa[11]]));
        let serial = u32::from_be_bytes(*soa[12 + rdata_length - 20..].first_chunk().unwrap());
        (notice.to_vec(), from, serial)
    };
    // The first is lost, and so is a forged answer to the second.
    let (_, _, serial) = receive();
    assert_eq!(serial, 7);
    let _ = writer.replace_sets(&zone, &[], Serial(8)).unwrap();
    let (notice, from, serial) = receive();
    assert_eq!(serial, 8, "the retry tells what is newest");
    secondary.send_to(&[&notice[..2], &[0xa4, 5, 0, 0, 0, 0, 0, 0, 0, 0]].concat(), from).unwrap();
    let key = key("ours");
    let start = notice.len() - (key.name.wire().len() + 10 + 13 + 8 + 2 + 32 + 6);
    let mut signer = crate::tsig::verify(std::slice::from_ref(&key), &notice, start, NOW).unwrap();
    let mut answer = [&notice[..2], &[0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    signer.sign(&mut answer, NOW);
    secondary.send_to(&answer, from).unwrap();
    let outcome = outcomes.recv_timeout(PATIENCE).unwrap();
    assert_eq!(outcome, (Serial(8), Outcome::Answered(crate::Rcode::NOERROR)));
    let _ = writer.replace_sets(&zone, &[], Serial(9)).unwrap();
    assert_eq!(receive().2, 9);
    drop(end);
    notifying.join().unwrap();
    server.stop();
}
