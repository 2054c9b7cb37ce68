//! fedns and its rivals, each with the same zone, one worker, and one core.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use model::RecordType;
use tests::certificates::write_server_files;
use tests::need::find_program;
use tests::port::free_port;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;

use crate::process_stats::{cpu_time, cpu_time_of_all, memory};
use crate::query::{has_records, name, query};
use crate::static_zone::host;

/// Every server runs here, the generator on the next.
pub const SERVER_CORE: usize = 0;
const UNREACHED_LIMIT: &str = "rateLimit: {exempt: [], responsesPerSecond: 10000000}\n";
/// A million names take the slowest of them some ten seconds.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// What the system itself takes: no name server, it sends everything back.
    Echo,
    Fedns,
    Gdnsd,
    Knot,
    Nsd,
}

/// What is switched on beside what stands at its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Plain,
    /// Counts what the generator's prefix gets, with a limit that is never reached.
    Limiting,
    /// Has TLS at [`Server::tls_port`].
    OverTls,
}

pub struct Server {
    pub software: Software,
    pub port: u16,
    /// Where the role is to have it.
    pub tls_port: u16,
    /// CPU time until the first answer.
    pub load: Duration,
    process: Process,
    _folder: Scratch,
}

// === impl Software ===

impl Software {
    pub const ALL: [Self; 5] = [Self::Echo, Self::Fedns, Self::Gdnsd, Self::Knot, Self::Nsd];

    pub fn word(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Fedns => "fedns",
            Self::Gdnsd => "gdnsd",
            Self::Knot => "knot",
            Self::Nsd => "nsd",
        }
    }

    fn command(
        self,
        role: Role,
        folder: &Scratch,
        zone: &Path,
        port: u16,
        tls_port: u16,
    ) -> Command {
        match (self, role) {
            (Self::Echo, Role::Plain) => {
                let mut command = Command::new(std::env::current_exe().expect("a path"));
                command.args(["echo", "--port", &port.to_string()]);
                command
            }
            (Self::Fedns, Role::Plain) => fedns(folder, zone, port, "", ""),
            (Self::Fedns, Role::Limiting) => fedns(folder, zone, port, "", UNREACHED_LIMIT),
            (Self::Fedns, Role::OverTls) => {
                let dot = format!(", dot: [\"127.0.0.1:{tls_port}\"]");
                fedns(
                    folder,
                    zone,
                    port,
                    &dot,
                    "tls: {certFile: ./server.crt, keyFile: ./server.key}\n",
                )
            }
            (Self::Gdnsd, Role::Plain) => gdnsd(folder, zone, port),
            (Self::Knot, Role::Plain) => knot(folder, zone, port),
            (Self::Nsd, Role::Plain) => nsd(folder, zone, port, ""),
            (Self::Nsd, Role::OverTls) => {
                let home = folder.path().display();
                let tls = format!(
                    "  ip-address: 127.0.0.1@{tls_port}\n  tls-port: {tls_port}\n  \
                     tls-service-pem: \"{home}/server.crt\"\n  tls-service-key: \"{home}/server.key\"\n"
                );
                nsd(folder, zone, port, &tls)
            }
            (software, role) => panic!("{} is not measured as {role:?}", software.word()),
        }
    }
}

// === impl Server ===

impl Server {
    /// Starts it, and waits until it answers for the zone in this file.
    pub fn start(software: Software, zone: &Path) -> Self {
        Self::start_as(Role::Plain, software, zone)
    }

    pub fn start_as(role: Role, software: Software, zone: &Path) -> Self {
        let (folder, port, tls_port) = (Scratch::new(software.word()), free_port(), free_port());
        if role == Role::OverTls {
            write_server_files(&folder, &[]);
        }
        let command = pinned(&software.command(role, &folder, zone, port, tls_port));
        let process = Process::start(software.word(), &command, folder.path());
        let load = Duration::ZERO;
        let mut server = Self { software, port, tls_port, load, process, _folder: folder };
        server.until_it_answers();
        // Some load with a thread that has ended by now.
        server.load = server.processes().map(cpu_time_of_all).sum();
        server
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn until_it_answers(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
        socket.connect((Ipv4Addr::LOCALHOST, self.port)).expect("loopback is there");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket can be told so");
        let query = query(1, &name(&host(1)), RecordType::A);
        let mut answer = [0; 1500];
        let begun = Instant::now();
        loop {
            // Nobody listens yet, or the answer comes too late: the next try tells.
            let _ = socket.send(&query);
            let is_right = |answer: &[u8]| self.software == Software::Echo || has_records(answer);
            if socket.recv(&mut answer).is_ok_and(|length| is_right(&answer[..length])) {
                return;
            }
            self.process.assert_running();
            assert!(begun.elapsed() < PATIENCE, "{} does not answer", self.software.word());
        }
    }

    /// What all of its processes have used.
    pub fn cpu_time(&self) -> Duration {
        self.processes().map(cpu_time).sum()
    }

    /// Bytes of all of its processes that no file has.
    pub fn anonymous_memory(&self) -> u64 {
        self.processes().map(|process| memory(process).anonymous).sum()
    }

    /// Those of its process group.
    fn processes(&self) -> impl Iterator<Item = u32> {
        let group = self.process.id();
        let all = fs::read_dir("/proc").expect("read /proc").flatten();
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers.filter(move |process| group_of(*process) == Some(group))
    }
}

/// `None` where it has ended.
fn group_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; state, parent, group come after it.
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

fn pinned(command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", &SERVER_CORE.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    pinned
}

fn program(name: &str) -> Command {
    let program = find_program(name);
    Command::new(program.unwrap_or_else(|| panic!("{name} is missing: install its Debian package")))
}

/// `listen`: more of what is listened on; `more`: more keys.
fn fedns(folder: &Scratch, zone: &Path, port: u16, listen: &str, more: &str) -> Command {
    let (admin, zone) = (free_port(), zone.display());
    let config = folder.write(
        "fedns.yaml",
        format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
             staticRecords: [{zone}]\nworkers: 1\nstateDir: ./state\nclusters: []\n\
             listen: {{dns: [\"127.0.0.1:{port}\"], admin: \"127.0.0.1:{admin}\"{listen}}}\n{more}"
        ),
    );
    let mut command = product::fedns();
    command.args(["serve", "--config"]).arg(config);
    command
}

fn gdnsd(folder: &Scratch, zone: &Path, port: u16) -> Command {
    let home = folder.path().display();
    folder.write(
        "config",
        format!(
            "options => {{\n listen => {{ 127.0.0.1:{port} => {{ udp_threads = 1, tcp_threads = 1 }} }}\n \
             run_dir = {home}/run\n state_dir = {home}/state\n}}\n"
        ),
    );
    for name in ["zones", "run", "state"] {
        fs::create_dir(folder.path().join(name)).expect("make a folder");
    }
    symlink(zone, folder.path().join("zones/example.com")).expect("link the zone");
    let mut command = program("gdnsd");
    command.arg("-c").arg(folder.path()).arg("start");
    command
}

fn knot(folder: &Scratch, zone: &Path, port: u16) -> Command {
    let (home, zone) = (folder.path().display(), zone.display());
    let config = folder.write(
        "knot.conf",
        format!(
            "server:\n  rundir: {home}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  \
             background-workers: 1\ndatabase:\n  storage: {home}\nlog:\n  - target: stderr\n    any: error\n\
             zone:\n  - domain: example.com\n    file: {zone}\n    zonefile-load: whole\n    \
             zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\n"
        ),
    );
    let mut command = program("knotd");
    command.arg("-c").arg(config);
    command
}

/// `more`: more of what belongs to the server.
fn nsd(folder: &Scratch, zone: &Path, port: u16, more: &str) -> Command {
    let (home, zone) = (folder.path().display(), zone.display());
    let config = folder.write(
        "nsd.conf",
        format!(
            "server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  \
             pidfile: \"\"\n  database: \"\"\n  zonesdir: \"{home}\"\n  xfrdfile: \"{home}/xfrd\"\n  \
             zonelistfile: \"{home}/zones\"\n  xfrdir: \"{home}\"\n  cookie-secret-file: \"{home}/cookies\"\n  \
             minimal-responses: yes\n  tcp-count: 1000\n{more}remote-control:\n  control-enable: no\n\
             zone:\n  name: example.com\n  zonefile: {zone}\n"
        ),
    );
    let mut command = program("nsd");
    command.args(["-d", "-c"]).arg(config);
    command
}
