//! Name servers that others wrote, each with zones from files, nothing else that they do, and as they
//! come: what they are asked, they are asked about these zones.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::need::find_program;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::secondary::Software;

/// What each of them says who asks for its name: NSID, and `id.server` in class CH.
pub const IDENTITY: &str = "differ";

/// One running server. Everything that it is, is in its folder.
pub struct Authority {
    pub software: Software,
    address: SocketAddr,
    process: Process,
    _folder: Scratch,
}

// === impl Authority ===

impl Authority {
    /// Zones are names with a final dot, and the text of their master files.
    pub fn start(software: Software, zones: &[(&str, &str)], address: SocketAddr) -> Self {
        Self::start_where(software, zones, address, |command| command)
    }

    /// The same in the network that the address is of: `enter` makes the command run there.
    pub fn start_where(
        software: Software,
        zones: &[(&str, &str)],
        address: SocketAddr,
        enter: impl FnOnce(Command) -> Command,
    ) -> Self {
        let folder = Scratch::new("authority");
        for (number, (_, text)) in zones.iter().enumerate() {
            folder.write(&zone_file(number), text);
        }
        let names: Vec<&str> = zones.iter().map(|(name, _)| *name).collect();
        let text = match software {
            Software::Bind => bind(folder.path(), address, &names),
            Software::Knot => knot(folder.path(), address, &names),
            Software::Nsd => nsd(folder.path(), address, &names),
        };
        let (program, arguments): (&str, &[&str]) = match software {
            Software::Bind => ("named", &["-g", "-n", "1", "-c"]),
            Software::Knot => ("knotd", &["-c"]),
            Software::Nsd => ("nsd", &["-d", "-c"]),
        };
        let program = find_program(program).expect("it is here, or the test is left out");
        let mut command = Command::new(program);
        command.args(arguments).arg(folder.write("config", text));
        let process = Process::start("authority", &enter(command), folder.path());
        Self { software, address, process, _folder: folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn process(&self) -> &Process {
        &self.process
    }
}

fn zone_file(number: usize) -> String {
    format!("{number}.zone")
}

/// The text for each zone, which has its number in a file's name.
fn each(zones: &[&str], text: impl Fn(&str, &str) -> String) -> String {
    zones.iter().enumerate().map(|(number, zone)| text(zone, &zone_file(number))).collect()
}

fn bind(folder: &Path, address: SocketAddr, zones: &[&str]) -> String {
    let (folder, ip, port) = (folder.display(), address.ip(), address.port());
    let zones = each(zones, |zone, file| {
        format!("zone \"{zone}\" {{ type primary; file \"{file}\"; check-names ignore; }};\n")
    });
    format!(
        r#"options {{
    directory "{folder}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; dnssec-validation no; allow-query {{ any; }}; allow-transfer {{ none; }};
    minimal-responses yes; zero-no-soa-ttl no; rrset-order {{ order none; }};
    max-records-per-type 0; max-types-per-name 0;
    server-id "{IDENTITY}"; hostname "{IDENTITY}"; version "{IDENTITY}";
}};
controls {{ }};
{zones}"#
    )
}

fn knot(folder: &Path, address: SocketAddr, zones: &[&str]) -> String {
    let (folder, ip, port) = (folder.display(), address.ip(), address.port());
    let zones = each(zones, |zone, file| {
        format!(
            "  - domain: \"{zone}\"\n    file: {folder}/{file}\n    semantic-checks: soft\n    \
             zonefile-sync: -1\n    journal-content: none\n"
        )
    });
    format!(
        "\
server:
  rundir: {folder}
  listen: {ip}@{port}
  udp-workers: 1
  tcp-workers: 1
  identity: {IDENTITY}
  version: {IDENTITY}
  nsid: {IDENTITY}
database:
  storage: {folder}
log:
  - target: stderr
    any: info
zone:
{zones}"
    )
}

fn nsd(folder: &Path, address: SocketAddr, zones: &[&str]) -> String {
    let (folder, ip, port) = (folder.display(), address.ip(), address.port());
    let zones =
        each(zones, |zone, file| format!("zone:\n  name: \"{zone}\"\n  zonefile: {file}\n"));
    format!(
        "\
server:
  ip-address: {ip}@{port}
  port: {port}
  username: \"\"
  chroot: \"\"
  zonesdir: {folder}
  database: \"\"
  pidfile: {folder}/nsd.pid
  xfrdfile: {folder}/xfrd
  zonelistfile: {folder}/list
  xfrdir: {folder}
  server-count: 1
  minimal-responses: yes
  rrl-ratelimit: 0
  identity: {IDENTITY}
  version: {IDENTITY}
  nsid: ascii_{IDENTITY}
remote-control:
  control-enable: no
{zones}"
    )
}
