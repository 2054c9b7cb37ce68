//! BIND, Knot and NSD as programs: how each is started, and what every one of them is told, whatever its
//! part in a test: where it answers, and that all its files are in one folder. The parts are
//! [`crate::authority`], [`crate::secondary`], [`crate::catalog_consumer`] and [`crate::name_server`].

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::need::find_program;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Software {
    Bind,
    Knot,
    Nsd,
}

/// A key for signed messages (TSIG).
#[derive(Clone, Copy, Debug)]
pub struct TransferKey {
    pub name: &'static str,
    pub algorithm: &'static str,
    /// In Base64.
    pub secret: &'static str,
}

// === impl Software ===

impl Software {
    /// In the foreground, with the config in that file.
    pub fn command(self, config: &Path) -> Command {
        let (program, arguments): (&str, &[&str]) = match self {
            Self::Bind => ("named", &["-g", "-n", "1", "-c"]),
            Self::Knot => ("knotd", &["-c"]),
            Self::Nsd => ("nsd", &["-d", "-c"]),
        };
        let program = find_program(program).expect("it is here, or the test is left out");
        let mut command = Command::new(program);
        command.args(arguments).arg(config);
        command
    }

    /// How its config begins. `settings` are lines of its own for the server as a whole: BIND's
    /// `options`, the others' `server`.
    pub fn config(self, folder: &Path, address: SocketAddr, settings: &str) -> String {
        let (folder, ip, port) = (folder.display(), address.ip(), address.port());
        match self {
            Self::Bind => format!(
                r#"options {{
    directory "{folder}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; dnssec-validation no; allow-query {{ any; }};
{settings}}};
controls {{ }};
"#
            ),
            Self::Knot => format!(
                "\
server:
  rundir: {folder}
  listen: {ip}@{port}
{settings}database:
  storage: {folder}
log:
  - target: stderr
    any: info
"
            ),
            Self::Nsd => format!(
                "\
server:
  ip-address: {ip}@{port}
  port: {port}
  username: \"\"
  chroot: \"\"
  zonesdir: \"{folder}\"
  database: \"\"
  pidfile: \"{folder}/nsd.pid\"
  xfrdfile: \"{folder}/xfrd.state\"
  xfrdir: \"{folder}\"
  zonelistfile: \"{folder}/zones.list\"
  server-count: 1
{settings}remote-control:
  control-enable: no
"
            ),
        }
    }
}

// === impl TransferKey ===

impl TransferKey {
    /// As the config of that software has it.
    pub fn config(&self, software: Software) -> String {
        let Self { name, algorithm, secret } = self;
        match software {
            Software::Bind => {
                format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n")
            }
            Software::Knot => {
                format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n")
            }
            Software::Nsd => format!(
                "key:\n  name: \"{name}\"\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n"
            ),
        }
    }
}

/// What Knot is told of a primary on loopback, which it calls `primary`, and of its notices.
pub fn knot_primary(port: u16, key: &TransferKey) -> String {
    format!(
        "\
remote:
  - id: primary
    address: 127.0.0.1@{port}
    key: {}
acl:
  - id: notices
    address: 127.0.0.1
    action: notify
",
        key.name
    )
}
