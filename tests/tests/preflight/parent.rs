use std::net::UdpSocket;

use tests::eventually::{GENEROUS, eventually};
use tests::need::find_program;
use tests::process::Process;
use tests::scratch::Scratch;

/// A parent zone at NSD, on 127.0.0.2 and the port that fedns has on other addresses of loopback: name
/// servers have one port in common. It stands for a resolver, too: whoever asks for the zone's name
/// servers and their addresses is told.
pub(super) struct Parent {
    _folder: Scratch,
    process: Process,
    port: u16,
}

impl Parent {
    /// The zone `example.`; `records` are lines of it beside those of its apex.
    pub(super) fn start(port: u16, records: &str) -> Self {
        Self::of("example", port, records)
    }

    pub(super) fn of(zone: &str, port: u16, records: &str) -> Self {
        let folder = Scratch::new("parent");
        let home = folder.path().display().to_string();
        folder.write(
            "zone",
            format!(
                "$ORIGIN {zone}.\n$TTL 3600\n@ SOA ns hostmaster 1 900 300 604800 60\n@ NS ns\n\
                 ns A 127.0.0.2\n{records}"
            ),
        );
        // BIND listens at addresses of interfaces only, and loopback has one of these.
        let file = folder.write(
            "nsd.conf",
            format!(
                "server:\n  ip-address: 127.0.0.2@{port}\n  server-count: 1\n  username: \"\"\n\
                 \x20 chroot: \"\"\n  pidfile: \"\"\n  database: \"\"\n  zonesdir: \"{home}\"\n\
                 \x20 xfrdfile: \"{home}/xfrd\"\n  zonelistfile: \"{home}/zones\"\n  xfrdir: \"{home}\"\n\
                 \x20 cookie-secret-file: \"{home}/cookies\"\nremote-control:\n  control-enable: no\n\
                 zone:\n  name: {zone}\n  zonefile: zone\n"
            ),
        );
        let mut command = std::process::Command::new(find_program("nsd").expect("nsd is here"));
        command.args(["-d", "-c"]).arg(file);
        // One that stood here before may have left a child behind that is still on its way out.
        eventually(GENEROUS, "the parent's port is free", || {
            UdpSocket::bind(("127.0.0.2", port)).map(drop).map_err(|error| error.to_string())
        });
        let process = Process::start("nsd", &command, folder.path());
        let parent = Self { _folder: folder, process, port };
        eventually(GENEROUS, "the parent answers", || {
            parent.process.assert_running();
            let port = parent.port.to_string();
            let dig = find_program("dig").expect("dig is here");
            let asked = std::process::Command::new(dig)
                .args(["@127.0.0.2", "-p", &port, "+tries=1", "+time=2", "+short", zone, "SOA"])
                .output()
                .expect("start dig");
            match String::from_utf8_lossy(&asked.stdout).contains(&format!("hostmaster.{zone}.")) {
                true => Ok(()),
                false => Err(parent.process.log()),
            }
        });
        parent
    }
}
