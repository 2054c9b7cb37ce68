//! LocalDnsHelper, which Google wrote: a Cloud DNS that is strict about changes.

use std::process::Command;
use std::time::Duration;

use crate::eventually::{GENEROUS, eventually};
use crate::google::Google;
use crate::need::cloud_dns_peer;
use crate::process::Process;
use crate::scratch::Scratch;

/// Any project, without zones at its start. Its state ends with it; who asks is not looked at.
pub struct LocalDnsHelper {
    port: u16,
    process: Process,
    _folder: Scratch,
}

// === impl LocalDnsHelper ===

impl LocalDnsHelper {
    /// Starts it and waits until it listens. `pending`: how long a change takes.
    #[track_caller]
    pub fn start(pending: Duration) -> Self {
        let folder = Scratch::new("local-dns-helper");
        let peer = cloud_dns_peer().expect("a test that runs it lists Need::CloudDnsPeer");
        let peer = peer.display();
        let mut command = Command::new("java");
        command
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"])
            .args(["--add-opens", "jdk.httpserver/com.sun.net.httpserver.spi=ALL-UNNAMED"])
            .args(["-cp", &format!("{peer}/classes:{peer}/lib/*"), "CloudDnsPeer"])
            .arg(pending.as_millis().to_string())
            .current_dir(folder.path());
        let process = Process::start("local-dns-helper", &command, folder.path());
        let port = eventually(GENEROUS, "LocalDnsHelper listens", || {
            process.assert_running();
            let log = process.log();
            let port =
                log.lines().find_map(|line| line.strip_prefix("listening on ")?.parse().ok());
            port.ok_or(log)
        });
        Self { port, process, _folder: folder }
    }

    /// How many requests of this method there were.
    pub fn count(&self, method: &str) -> usize {
        let begin = format!("called {method} ");
        self.process.log().lines().filter(|line| line.starts_with(&begin)).count()
    }

    /// The vendor's client.
    pub fn google(&self) -> Google {
        Google { port: self.port, project: "fed-project", token: None }
    }
}
