//! BIND, Knot and NSD as secondaries of ours: they follow changes by transfers that they ask for.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use model::{RecordType, Serial, UnixTime};

use super::secondary::{self, Record};
use super::{Numbers, apex, change};
use crate::notify::Notifier;
use crate::respond::Transport;
use crate::server::{Addresses, Options, Server, TypeBucket};
use crate::store::HistoryLimits;
use crate::testing::message::answers;
use crate::testing::peers::{Kind, Peer, PeerKey, free_port};
use crate::testing::{self, Query, name};
use crate::transfer::{Allow, NotifyTarget, TransferPolicy, Transfers, ZoneTransfer};
use crate::{Reader, TsigAlgorithm, TsigKey, Writer};

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: PeerKey =
    PeerKey { name: "transfer", algorithm: "hmac-sha256", secret: "YSBzZWNyZXQgZm9yIHRlc3Rz" };
const SECRET: &[u8] = b"a secret for tests";
const CHANGES: u32 = 10_000;
const BURST: u32 = 500;
/// Names that never change.
const STANDING: u32 = 3000;

struct Stage {
    writer: Writer,
    server: Server,
    peers: Vec<Peer>,
    ports: Vec<u16>,
    notifying: Vec<(tokio::sync::oneshot::Sender<()>, JoinHandle<()>)>,
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.unwrap().as_secs())
}

/// A primary with a zone whose secondaries look after so many seconds, and the peers that this machine has.
fn stage(refresh: u32, notify: bool) -> Stage {
    let (mut writer, reader) = crate::Store::new();
    reader.histories().keep(&[apex()], HistoryLimits::default());
    let mut zone = format!(
        "@ 60 SOA ns hostmaster 1 {refresh} {refresh} 604800 60\n@ NS ns\nns A 192.0.2.53\n"
    );
    // Changes are worth their while where there is something that stays.
    (0..STANDING)
        .for_each(|at| zone += &format!("stays{at} TXT \"a record that never changes\"\n"));
    let _ = writer.publish(&testing::zone("example.com", &zone), Serial(1000)).unwrap();
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_installed()).collect();
    let transfers = Arc::new(Transfers::new(now));
    let keys = vec![TsigKey::new(name(KEY.name), TsigAlgorithm::HmacSha256, SECRET)];
    let of_zone = ZoneTransfer { allow: vec![Allow::Key(name(KEY.name))], notify: Vec::new() };
    transfers.configure(TransferPolicy { keys, zones: [(apex(), of_zone)].into() });
    let listen = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let shared = Arc::clone(&transfers);
    let server =
        Server::bind_with(&Addresses::plain(&listen), Options::default(), reader.clone(), shared)
            .unwrap();
    let primary = server.local_addrs()[0].port();
    let ports: Vec<u16> = kinds.iter().map(|_| free_port()).collect();
    let secondary =
        |(kind, port): (&Kind, &u16)| Peer::secondary(*kind, "example.com", primary, *port, &KEY);
    let peers = kinds.iter().zip(&ports).map(secondary).collect();
    let notifying = match notify {
        true => ports.iter().map(|port| notify_peer(*port, &reader, &transfers)).collect(),
        false => Vec::new(),
    };
    Stage { writer, server, peers, ports, notifying }
}

fn notify_peer(
    port: u16,
    reader: &Reader,
    transfers: &Arc<Transfers>,
) -> (tokio::sync::oneshot::Sender<()>, JoinHandle<()>) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let notifier = Notifier {
        zone: apex(),
        target: NotifyTarget { address, key: None },
        reader: reader.clone(),
        transfers: Arc::clone(transfers),
        own_addresses: Vec::new(),
        random_id: || 0x1234,
    };
    let (end, ended) = tokio::sync::oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                () = notifier.run(|_, _| ()) => {}
                _ = ended => {}
            }
        });
    });
    (end, thread)
}

/// Waits until the peer has this serial.
fn await_serial(peer: &Peer, serial: Serial) {
    let query = Query::parse("example.com SOA").bytes();
    let start = Instant::now();
    loop {
        let answer = peer.ask(&query).unwrap();
        if secondary::read(&answer).first().map(secondary::serial_of) == Some(serial) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{:?}: {serial}: {}", peer.kind, peer.log());
        thread::yield_now();
    }
}

/// The whole zone, the serial of its SOA among it, from whoever is at `port`.
fn whole(port: u16, key: Option<&TsigKey>) -> BTreeSet<Record> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = Query::parse("example.com AXFR").bytes();
    if let Some(key) = key {
        key.sign_request(&mut request, now());
    }
    stream.write_all(&[&(request.len() as u16).to_be_bytes(), &request[..]].concat()).unwrap();
    let mut records = Vec::new();
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message).unwrap();
        records.extend(answers(&message));
        let soas = records.iter().filter(|record| record.1 == RecordType::SOA.0).count();
        assert!(soas > 0, "refused");
        if soas == 2 {
            return records.into_iter().collect();
        }
    }
}

fn check_equal(stage: &Stage, serial: Serial) {
    stage.peers.iter().for_each(|peer| await_serial(peer, serial));
    let key = TsigKey::new(name(KEY.name), TsigAlgorithm::HmacSha256, SECRET);
    let ours = whole(stage.server.local_addrs()[0].port(), Some(&key));
    for (peer, port) in stage.peers.iter().zip(&stage.ports) {
        let theirs = whole(*port, None);
        let different: Vec<_> = ours.symmetric_difference(&theirs).take(10).collect();
        assert!(different.is_empty(), "{:?} at {serial}: {different:?}", peer.kind);
    }
}

fn requests(server: &Server, record_type: RecordType) -> u64 {
    let traffic = server.traffic();
    let tcp = traffic.iter().find(|sum| sum.transport == Transport::Tcp).unwrap();
    let of_zone = |zone: &crate::server::ZoneTraffic| {
        let mut types = zone.requests_by_type();
        types
            .find(|(bucket, _)| *bucket == TypeBucket::One(record_type))
            .map_or(0, |(_, count)| count)
    };
    tcp.zones.iter().map(|(_, zone)| of_zone(zone)).sum()
}

/// Their logs tell what came as an answer to an IXFR. All that can change in a burst is less than
/// what stays.
fn check_differences(peer: &Peer) {
    let log = peer.log();
    let whole = match peer.kind {
        Kind::Knot => log
            .lines()
            .filter(|line| line.contains("AXFR, incoming") && line.contains("finished"))
            .count(),
        _ => {
            let sizes = log.lines().filter_map(|line| line.split_once("Transfer completed: "));
            let records = sizes.filter_map(|(_, size)| size.split(' ').nth(2)?.parse().ok());
            records.filter(|records: &u32| *records > STANDING).count()
        }
    };
    assert_eq!(whole, 1, "{:?}: {log}", peer.kind);
}

fn end(stage: Stage) {
    for (end, thread) in stage.notifying {
        drop(end);
        thread.join().unwrap();
    }
    drop(stage.peers);
    stage.server.stop();
}

#[test]
fn rfc1995_peers_follow_ten_thousand_changes() {
    let mut stage = stage(900, true);
    let mut numbers = Numbers(7);
    let mut serial = Serial(1000);
    let at_first = requests(&stage.server, RecordType::AXFR);
    for _ in 0..CHANGES / BURST {
        for _ in 0..BURST {
            serial = serial.next();
            change(&mut stage.writer, &mut numbers, serial);
        }
        check_equal(&stage, serial);
    }
    // Beside our own looks nobody asked for the whole zone, but for NSD where one change more came
    // while it was taking in others, which it counts as failed.
    let nsd = stage.peers.iter().find(|peer| peer.kind == Kind::Nsd);
    let failed =
        nsd.map_or(0, |nsd| nsd.log().matches("update failed, restarting transfer").count());
    let whole = requests(&stage.server, RecordType::AXFR) - at_first;
    let looks = u64::from(CHANGES / BURST);
    assert!((looks..=looks + failed as u64).contains(&whole), "{whole}, {failed} of NSD");
    stage.peers.iter().filter(|peer| peer.kind != Kind::Nsd).for_each(check_differences);
    let changes = requests(&stage.server, RecordType::IXFR);
    assert!(changes >= looks * stage.peers.len() as u64, "{changes}");
    end(stage);
}

#[test]
fn a_notice_that_is_lost_is_made_good_by_refresh() {
    let mut stage = stage(1, false);
    let mut numbers = Numbers(8);
    for serial in 1001..1003 {
        change(&mut stage.writer, &mut numbers, Serial(serial));
        check_equal(&stage, Serial(serial));
    }
    end(stage);
}
