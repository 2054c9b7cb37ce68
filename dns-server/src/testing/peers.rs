//! Other people's name servers on loopback, serving the same zones.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to answer for all its zones.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long one answer may take; on loopback a lost one is rare, and asked for again.
const ANSWER_PATIENCE: Duration = Duration::from_millis(500);
const ATTEMPTS: usize = 10;

/// Of BIND's cookies, in hexadecimal digits. It answers nobody whose cookie is not good; who has none
/// at all is answered.
pub(crate) const COOKIE_SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bind,
    Knot,
    Nsd,
}

/// A running server; it ends with this value.
pub(crate) struct Peer {
    pub kind: Kind,
    process: Child,
    socket: UdpSocket,
    folder: TempDir,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Bind, Self::Knot, Self::Nsd];

    fn program(self) -> &'static str {
        match self {
            Self::Bind => "named",
            Self::Knot => "knotd",
            Self::Nsd => "nsd",
        }
    }

    /// Whether the program is there. Where nothing may be missing, it must be.
    pub fn is_installed(self) -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let found = folders.map(|folder| folder.join(self.program())).any(|file| file.is_file());
        if !found {
            let line = format!("left out: {} is not installed", self.program());
            assert!(env::var_os("FEDNS_TEST_REQUIRE_ALL").is_none_or(|all| all != "1"), "{line}");
            eprintln!("{line}");
        }
        found
    }

    fn command(self, folder: &Path) -> Command {
        let arguments: &[&str] = match self {
            Self::Bind => &["-g", "-n", "1", "-c"],
            Self::Knot => &["-c"],
            Self::Nsd => &["-d", "-c"],
        };
        let path = env::var("PATH").unwrap_or_default();
        let mut command = Command::new(self.program());
        command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"));
        command.args(arguments).arg(folder.join("config")).current_dir(folder);
        command
    }

    /// Both zone files and all else that the server writes are in `folder`.
    fn config(self, folder: &Path, port: u16, zones: &[&str]) -> String {
        let folder = folder.display();
        let mut config = match self {
            Self::Bind => format!(
                "options {{ directory \"{folder}\"; pid-file none; recursion no; notify no; \
                 listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
                 session-keyfile none; dnssec-validation no; minimal-responses yes; zero-no-soa-ttl no; \
                 rrset-order {{ order none; }}; cookie-algorithm siphash24; \
                 cookie-secret \"{COOKIE_SECRET}\"; require-server-cookie yes; }};\ncontrols {{ }};\n"
            ),
            Self::Knot => format!(
                "server:\n  rundir: {folder}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  \
                 tcp-workers: 1\ndatabase:\n  storage: {folder}\nzone:\n"
            ),
            Self::Nsd => format!(
                "server:\n  ip-address: 127.0.0.1@{port}\n  username: \"\"\n  chroot: \"\"\n  \
                 zonesdir: {folder}\n  database: \"\"\n  pidfile: {folder}/nsd.pid\n  \
                 xfrdfile: {folder}/xfrd\n  zonelistfile: {folder}/list\n  xfrdir: {folder}\n  \
                 server-count: 1\n  minimal-responses: yes\n  rrl-ratelimit: 0\n\
                 remote-control:\n  control-enable: no\n"
            ),
        };
        for zone in zones {
            let added = match self {
                Self::Bind => writeln!(
                    config,
                    "zone \"{zone}\" {{ type primary; file \"{zone}.zone\"; check-names ignore; }};"
                ),
                Self::Knot => writeln!(
                    config,
                    "  - domain: {zone}\n    file: {folder}/{zone}.zone\n    semantic-checks: \
                     soft\n    zonefile-sync: -1\n    journal-content: none"
                ),
                Self::Nsd => {
                    writeln!(config, "zone:\n  name: {zone}\n  zonefile: {zone}.zone")
                }
            };
            added.expect("a String takes all text");
        }
        config
    }

    /// What stands in the config of a secondary before and behind [`Self::config`] without zones.
    fn secondary(self, folder: &Path, zone: &str, primary: u16, key: &PeerKey) -> [String; 2] {
        let folder = folder.display();
        let PeerKey { name, algorithm, secret } = key;
        let often = "min-refresh-time 1; min-retry-time 1;";
        match self {
            Self::Bind => [
                format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n"),
                format!(
                    "zone \"{zone}\" {{ type secondary; file \"zone\"; allow-transfer {{ any; }}; {often} \
                     primaries {{ 127.0.0.1 port {primary} key \"{name}\"; }}; }};\n"
                ),
            ],
            Self::Knot => [
                format!(
                    "key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\nremote:\n  - id: primary\n    \
                     address: 127.0.0.1@{primary}\n    key: {name}\nacl:\n  - id: all\n    address: 127.0.0.1\n    \
                     action: [notify, transfer]\nlog:\n  - target: stderr\n    any: info\n"
                ),
                format!(
                    "  - domain: {zone}\n    file: {folder}/zone\n    master: primary\n    acl: all\n    \
                     refresh-min-interval: 2\n"
                ),
            ],
            Self::Nsd => [
                format!(
                    "key:\n  name: \"{name}\"\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n"
                ),
                format!(
                    "zone:\n  name: {zone}\n  zonefile: zone\n  request-xfr: 127.0.0.1@{primary} {name}\n  \
                     allow-notify: 127.0.0.1 NOKEY\n  provide-xfr: 127.0.0.1 NOKEY\n  min-refresh-time: 1\n  \
                     min-retry-time: 1\n"
                ),
            ],
        }
    }
}

/// A key as peers are told of it, the secret in Base64.
pub(crate) struct PeerKey {
    pub name: &'static str,
    pub algorithm: &'static str,
    pub secret: &'static str,
}

impl Peer {
    /// Starts the server with these zones, names without a final dot, and waits for its answers.
    pub fn start(kind: Kind, zones: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        for (zone, text) in zones {
            let path = folder.path().join(format!("{zone}.zone"));
            fs::write(path, format!("$ORIGIN {zone}.\n$TTL 300\n{text}")).unwrap();
        }
        let names: Vec<&str> = zones.iter().map(|(zone, _)| *zone).collect();
        let config = kind.config(folder.path(), port, &names);
        let mut peer = Self::launch(kind, folder, port, &config);
        names.iter().for_each(|zone| peer.await_zone(zone));
        peer
    }

    /// Starts the server on `port` as a secondary of one zone, name without a final dot, which it is
    /// to get from a primary on loopback; whoever asks may have it from there.
    pub fn secondary(kind: Kind, zone: &str, primary: u16, port: u16, key: &PeerKey) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [before, behind] = kind.secondary(folder.path(), zone, primary, key);
        let config = before + &kind.config(folder.path(), port, &[]) + &behind;
        let mut peer = Self::launch(kind, folder, port, &config);
        peer.await_zone(zone);
        peer
    }

    fn launch(kind: Kind, folder: TempDir, port: u16, config: &str) -> Self {
        fs::write(folder.path().join("config"), config).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let process = kind
            .command(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(ANSWER_PATIENCE)).unwrap();
        socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        Self { kind, process, socket, folder }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The server's answer; None where it gives none.
    pub fn ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        (0..ATTEMPTS).find_map(|_| self.try_ask(query))
    }

    fn try_ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        let mut answer = vec![0; 65_535];
        // An error told here is that of an earlier datagram, while the server was not up.
        if self.socket.send(query).is_err() {
            return None;
        }
        loop {
            match self.socket.recv(&mut answer) {
                Ok(length) if answer[..length].starts_with(&query[..2]) => {
                    answer.truncate(length);
                    return Some(answer);
                }
                // The answer to an earlier attempt.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return None,
                Err(_) => return None,
            }
        }
    }

    fn await_zone(&mut self, zone: &str) {
        let query = super::Query::parse(&format!("{zone} SOA")).bytes();
        let start = Instant::now();
        while self.try_ask(&query).is_none_or(|answer| answer[3] & 0x0f != 0) {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{:?} has ended: {}", self.kind, self.log());
            assert!(start.elapsed() < START_PATIENCE, "{:?}, {zone}: {}", self.kind, self.log());
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing left to be ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Free for both protocols. TCP chooses: it gives listeners the numbers that it gives clients last.
pub(crate) fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address.port();
        }
    }
}
