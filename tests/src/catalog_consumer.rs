//! Name servers that others wrote, which know no zone but a catalog (RFC 9432) that a primary on
//! loopback has, and learn all others from it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::need::find_program;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::secondary::TransferKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer {
    Bind,
    Knot,
}

/// One running server. Everything that it is, is in its folder.
pub struct CatalogConsumer {
    pub consumer: Consumer,
    port: u16,
    folder: Scratch,
    process: Option<Process>,
}

// === impl CatalogConsumer ===

impl CatalogConsumer {
    /// One that has nothing yet, on a port that is free.
    pub fn prepared(consumer: Consumer) -> Self {
        let folder = Scratch::new("catalog-consumer");
        Self { consumer, port: free_port(), folder, process: None }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `catalog` comes from the primary at that port, and so does what it names.
    pub fn start(&mut self, catalog: &str, primary: u16, key: &TransferKey) {
        let (folder, port) = (self.folder.path(), self.port);
        let text = match self.consumer {
            Consumer::Bind => bind(folder, port, catalog, primary, key),
            Consumer::Knot => knot(folder, port, catalog, primary, key),
        };
        let (program, arguments): (&str, &[&str]) = match self.consumer {
            Consumer::Bind => ("named", &["-g", "-n", "1", "-c"]),
            Consumer::Knot => ("knotd", &["-c"]),
        };
        let program = find_program(program).expect("it is here, or the test is left out");
        let mut command = Command::new(program);
        command.args(arguments).arg(self.folder.write("config", text));
        self.process = Some(Process::start("catalog-consumer", &command, self.folder.path()));
    }

    /// The answer's code, then what the records are, each after a comma: `NOERROR, 192.0.2.1`.
    pub fn ask(&self, name: &str, record_type: &str) -> String {
        self.process.as_ref().expect("it was started").assert_running();
        let dig = Command::new(find_program("dig").expect("dig is here"))
            .args(["@127.0.0.1", "-p", &self.port.to_string(), "+tcp", "+tries=1", "+time=10"])
            .args(["+norecurse", "+noall", "+comments", "+answer", name, record_type])
            .stdin(Stdio::null())
            .output()
            .expect("start dig");
        let replies = crate::dns::read_dig(&String::from_utf8_lossy(&dig.stdout));
        let Some(reply) = replies.into_iter().next() else { return "no answer".to_owned() };
        let data = reply.records.iter().filter_map(|record| record.splitn(5, ' ').nth(4));
        std::iter::once(&*reply.code).chain(data).collect::<Vec<_>>().join(", ")
    }
}

fn bind(folder: &Path, port: u16, catalog: &str, primary: u16, key: &TransferKey) -> String {
    let TransferKey { name, algorithm, secret } = key;
    let folder = folder.display();
    format!(
        r#"key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};
options {{
    directory "{folder}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; dnssec-validation no; allow-query {{ any; }};
    catalog-zones {{
        zone "{catalog}" default-primaries {{ 127.0.0.1 port {primary} key "{name}"; }}
            in-memory yes min-update-interval 1;
    }};
}};
controls {{ }};
zone "{catalog}" {{
    type secondary; file "catalog"; primaries {{ 127.0.0.1 port {primary} key "{name}"; }};
}};
"#
    )
}

fn knot(folder: &Path, port: u16, catalog: &str, primary: u16, key: &TransferKey) -> String {
    let TransferKey { name, algorithm, secret } = key;
    let folder = folder.display();
    format!(
        "\
server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
database:
  storage: {folder}
log:
  - target: stderr
    any: info
key:
  - id: {name}
    algorithm: {algorithm}
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: {name}
acl:
  - id: notices
    address: 127.0.0.1
    action: notify
template:
  - id: default
    storage: {folder}
  - id: member
    storage: {folder}
    master: primary
    acl: notices
zone:
  - domain: {catalog}
    master: primary
    acl: notices
    catalog-role: interpret
    catalog-template: member
"
    )
}
