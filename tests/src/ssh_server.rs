//! OpenSSH's own server on loopback, with a home folder, keys and a config of its own: nothing of this
//! machine's ssh is read or changed.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::eventually::{GENEROUS, eventually};
use crate::need::find_program;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

/// One host that one key may log in to, as the user who runs the tests.
pub struct SshServer {
    folder: Scratch,
    port: u16,
    _process: Process,
}

// === impl SshServer ===

impl SshServer {
    pub fn start(name: &str) -> Self {
        let folder = Scratch::new(name);
        for key in ["host_key", "key", "other_key"] {
            make_key(&folder.path().join(key));
        }
        fs::create_dir(folder.path().join("home")).expect("make a folder");
        fs::copy(folder.path().join("key.pub"), folder.path().join("authorized_keys"))
            .expect("allow the key");
        let port = free_port();
        let process = run(&folder, port);
        Self { folder, port, _process: process }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What `~` is there.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The private key that may log in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// One that may not.
    pub fn other_key(&self) -> PathBuf {
        self.folder.path().join("other_key")
    }

    /// A config for ssh that knows these servers' keys, and none of this machine's.
    pub fn client_config(servers: &[&Self], folder: &Scratch) -> PathBuf {
        let known: String = servers.iter().map(|server| server.known_host()).collect();
        let known = folder.write("known_hosts", known);
        folder.write(
            "ssh_config",
            format!(
                "UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\n\
                 IdentityAgent none\nStrictHostKeyChecking yes\n",
                known.display()
            ),
        )
    }

    fn known_host(&self) -> String {
        let key = fs::read_to_string(self.folder.path().join("host_key.pub")).expect("a key");
        format!("[127.0.0.1]:{} {key}", self.port)
    }
}

fn make_key(file: &Path) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(file)
        .stdin(Stdio::null())
        .status()
        .expect("start ssh-keygen");
    assert!(status.success(), "no key");
}

fn run(folder: &Scratch, port: u16) -> Process {
    let path = folder.path().display();
    let config = folder.write(
        "sshd_config",
        format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {path}/host_key\nPidFile none\nUsePAM no\n\
             AuthorizedKeysFile {path}/authorized_keys\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nStrictModes no\n\
             SetEnv HOME={path}/home\n"
        ),
    );
    if geteuid().is_root() {
        // Where its processes without rights live; a boot makes it, and containers have none.
        fs::create_dir_all("/run/sshd").expect("make /run/sshd");
    }
    let mut command = Command::new(find_program("sshd").expect("sshd is here"));
    command.args(["-D", "-e", "-f"]).arg(config);
    let process = Process::start("sshd", &command, folder.path());
    eventually(GENEROUS, "sshd listens", || {
        process.assert_running();
        TcpStream::connect(("127.0.0.1", port)).map(|_| ())
    });
    process
}
