//! Name servers that others wrote, which know no zone but a catalog (RFC 9432) that a primary on
//! loopback has, and learn all others from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::name_daemon::{Software, TransferKey, knot_primary};
use crate::need::find_program;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

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
        let folder = self.folder.path();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let (software, settings, zones) = match self.consumer {
            Consumer::Bind => {
                (Software::Bind, bind_catalog(catalog, primary, key), bind(catalog, primary, key))
            }
            Consumer::Knot => {
                (Software::Knot, String::new(), knot_primary(primary, key) + &knot(folder, catalog))
            }
        };
        let config = software.config(folder, address, &settings) + &key.config(software) + &zones;
        let command = software.command(&self.folder.write("config", config));
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

fn bind_catalog(catalog: &str, primary: u16, key: &TransferKey) -> String {
    let name = key.name;
    format!(
        r#"    catalog-zones {{
        zone "{catalog}" default-primaries {{ 127.0.0.1 port {primary} key "{name}"; }}
            in-memory yes min-update-interval 1;
    }};
"#
    )
}

fn bind(catalog: &str, primary: u16, key: &TransferKey) -> String {
    let name = key.name;
    format!(
        r#"zone "{catalog}" {{
    type secondary; file "catalog"; primaries {{ 127.0.0.1 port {primary} key "{name}"; }};
}};
"#
    )
}

fn knot(folder: &Path, catalog: &str) -> String {
    let folder = folder.display();
    format!(
        "\
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
