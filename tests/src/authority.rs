//! Name servers that others wrote, each with zones from files, nothing else that they do, and as they
//! come: what they are asked, they are asked about these zones.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::name_daemon::Software;
use crate::process::Process;
use crate::scratch::Scratch;

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
        let (settings, zones) = match software {
            Software::Bind => bind(&names),
            Software::Knot => knot(folder.path(), &names),
            Software::Nsd => nsd(&names),
        };
        let config = software.config(folder.path(), address, &settings) + &zones;
        let command = software.command(&folder.write("config", config));
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

fn bind(zones: &[&str]) -> (String, String) {
    let settings = format!(
        "    allow-transfer {{ none; }}; minimal-responses yes; zero-no-soa-ttl no;
    rrset-order {{ order none; }}; max-records-per-type 0; max-types-per-name 0;
    server-id \"{IDENTITY}\"; hostname \"{IDENTITY}\"; version \"{IDENTITY}\";\n"
    );
    let zones = each(zones, |zone, file| {
        format!("zone \"{zone}\" {{ type primary; file \"{file}\"; check-names ignore; }};\n")
    });
    (settings, zones)
}

fn knot(folder: &Path, zones: &[&str]) -> (String, String) {
    let settings = format!(
        "  udp-workers: 1\n  tcp-workers: 1\n  identity: {IDENTITY}\n  version: {IDENTITY}\n  \
         nsid: {IDENTITY}\n"
    );
    let folder = folder.display();
    let zones = each(zones, |zone, file| {
        format!(
            "  - domain: \"{zone}\"\n    file: {folder}/{file}\n    semantic-checks: soft\n    \
             zonefile-sync: -1\n    journal-content: none\n"
        )
    });
    (settings, format!("zone:\n{zones}"))
}

fn nsd(zones: &[&str]) -> (String, String) {
    let settings = format!(
        "  minimal-responses: yes\n  rrl-ratelimit: 0\n  identity: {IDENTITY}\n  \
         version: {IDENTITY}\n  nsid: ascii_{IDENTITY}\n"
    );
    let zones =
        each(zones, |zone, file| format!("zone:\n  name: \"{zone}\"\n  zonefile: {file}\n"));
    (settings, zones)
}
