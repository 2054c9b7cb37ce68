//! CoreDNS as a cluster runs it, on a Corefile of the cluster's.

use std::process::Command;

use crate::need::core_dns_folder;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

/// A running CoreDNS. Its Corefile should have `reload`, so that it may change.
pub struct CoreDns {
    port: u16,
    process: Process,
    folder: Scratch,
}

impl CoreDns {
    pub fn start(corefile: &str) -> Self {
        let (folder, port) = (Scratch::new("coredns"), free_port());
        folder.write("Corefile", moved(corefile, port));
        let program = core_dns_folder().expect("a test that runs CoreDNS lists Need::CoreDns");
        let mut command = Command::new(program.join("coredns"));
        command.arg("-conf").arg(folder.path().join("Corefile"));
        let process = Process::start("coredns", &command, folder.path());
        Self { port, process, folder }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Puts another Corefile in the place of the one that it has.
    pub fn configure(&self, corefile: &str) {
        self.process.assert_running();
        self.folder.write("Corefile", moved(corefile, self.port));
    }
}

/// Nothing but the port differs: 53 is the machine's.
fn moved(corefile: &str, port: u16) -> String {
    corefile.replace(":53 {", &format!(":{port} {{"))
}
