//! Name servers that others wrote, each a secondary of the zone `example.com.` that a primary on
//! loopback has.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::name_daemon::{Software, TransferKey, knot_primary};
use crate::need::find_program;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

const ZONE: &str = "example.com";

/// One running secondary. Everything that it is, is in its folder.
pub struct Secondary {
    pub software: Software,
    folder: Scratch,
    port: u16,
    primary: u16,
    key: TransferKey,
    process: Option<Process>,
}

// === impl Secondary ===

impl Secondary {
    /// One that has nothing yet, on a port that is free.
    pub fn prepared(software: Software, primary: u16, key: TransferKey) -> Self {
        let folder = Scratch::new("secondary");
        Self { software, folder, port: free_port(), primary, key, process: None }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn start(&mut self) {
        let folder = self.folder.path();
        let command = self.software.command(&self.folder.write("config", self.config()));
        self.process = Some(Process::start("secondary", &command, folder));
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.process.as_ref().expect("it was started").log()
    }

    /// Of the zone as it has it now.
    pub fn serial(&self) -> Result<String, String> {
        self.process.as_ref().expect("it was started").assert_running();
        let seen = dig(self.port, &["+short", ZONE, "SOA"])?;
        seen.split(' ').nth(2).map(str::to_owned).ok_or(seen)
    }

    /// All records as dig prints a transfer, sorted.
    pub fn records(&self) -> Result<Vec<String>, String> {
        dig(self.port, &[ZONE, "AXFR"]).map(|text| records(&text))
    }

    fn config(&self) -> String {
        let Self { software, folder, port, primary, key, .. } = self;
        let (folder, address) = (folder.path(), SocketAddr::from((Ipv4Addr::LOCALHOST, *port)));
        let (settings, zone) = match software {
            Software::Bind => (
                "    allow-transfer { any; }; min-refresh-time 1; min-retry-time 1;\n",
                self.bind(),
            ),
            Software::Knot => ("", knot_primary(*primary, key) + &self.knot()),
            Software::Nsd => ("  xfrd-reload-timeout: 0\n", self.nsd()),
        };
        software.config(folder, address, settings) + &key.config(*software) + &zone
    }

    fn bind(&self) -> String {
        let Self { primary, key: TransferKey { name, .. }, .. } = self;
        format!(
            r#"zone "{ZONE}" {{
    type secondary; file "zone"; primaries {{ 127.0.0.1 port {primary} key "{name}"; }};
}};
"#
        )
    }

    fn knot(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "  - id: everybody
    address: 127.0.0.1
    action: transfer
zone:
  - domain: {ZONE}
    storage: {folder}
    file: zone
    master: primary
    acl: [notices, everybody]
    refresh-min-interval: 2
"
        )
    }

    fn nsd(&self) -> String {
        let Self { primary, key: TransferKey { name, .. }, .. } = self;
        format!(
            "\
zone:
  name: {ZONE}
  zonefile: zone
  request-xfr: 127.0.0.1@{primary} {name}
  allow-notify: 127.0.0.1 NOKEY
  provide-xfr: 127.0.0.1 NOKEY
  min-refresh-time: 1
  min-retry-time: 1
"
        )
    }
}

/// What a transfer of the zone from loopback prints, read by dig.
pub fn transferred(port: u16, key: &TransferKey) -> Result<Vec<String>, String> {
    let TransferKey { name, algorithm, secret } = key;
    dig(port, &["-y", &format!("{algorithm}:{name}:{secret}"), ZONE, "AXFR"])
        .map(|text| records(&text))
}

/// The output of dig for one question over TCP.
pub fn dig(port: u16, words: &[&str]) -> Result<String, String> {
    run("dig", port, &[&["+tcp", "+noall", "+answer", "+nocl", "+tries=1"], words].concat())
}

/// The same of kdig.
pub fn kdig(port: u16, words: &[&str]) -> Result<String, String> {
    run("kdig", port, &[&["+tcp", "+noall", "+answer", "+noclass", "+retry=0"], words].concat())
}

fn run(program: &str, port: u16, words: &[&str]) -> Result<String, String> {
    let program = find_program(program).expect("it is here, or the test is left out");
    let output = Command::new(program)
        .args(["@127.0.0.1", "-p", &port.to_string(), "+time=10"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("start a client");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let is_bad = |text: &str| {
        ["Transfer failed", "timed out", "WARNING", "ERROR", "not verify"]
            .iter()
            .any(|word| text.contains(word))
    };
    match output.status.success() && !is_bad(&text) && !is_bad(&errors) {
        true => Ok(text),
        false => Err(format!("{text}{errors}")),
    }
}

/// One space between the words, in lower case, each record once.
fn records(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    // A signature's own record is of the message, not of the zone.
    let mut records: Vec<String> = lines.filter(|line| !line.contains(" TSIG ")).collect();
    records.sort();
    records.dedup();
    records
}

/// Where a folder is that the config of a primary can name.
pub fn secret_file(folder: &Path, key: &TransferKey) {
    std::fs::write(folder.join("transfer.key"), key.secret).expect("write a file");
}
