//! One server with a listener of each kind, and the certificate that it shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::certificates::{ServerCertificate, authority_certificate, server_certificate};
use tests::need::find_program;
use tests::peer::understood;
use tests::port::free_port;
use tests::serving::Fedns;

use crate::serve::folder::{Folder, WEB, entries, service};

pub(crate) struct Stage {
    pub fedns: Fedns,
    pub dot: u16,
    pub doh: u16,
    pub doq: u16,
}

pub(crate) const TLS: &str = "tls: {certFile: ./tls/tls.crt, keyFile: ./tls/tls.key}\n";

impl Stage {
    /// The Service `web` has an address; nothing runs yet.
    pub fn prepared(more: &str) -> Self {
        let [dot, doh, doq] = [free_port(), free_port(), free_port()];
        let listeners = format!(
            "dot: [\"127.0.0.1:{dot}\"], doh: [\"127.0.0.1:{doh}\"], doq: [\"127.0.0.1:{doq}\"]"
        );
        let fedns = Fedns::prepared_on(&entries(&["a"]), &listeners, &format!("{TLS}{more}"));
        let folder = Folder::new(&fedns, "a", "cn-a");
        folder.write("web.yaml", &service("web", "192.0.2.1"));
        let stage = Self { fedns, dot, doh, doq };
        fs::create_dir(stage.file("tls")).expect("make a folder");
        fs::write(stage.file("ca.crt"), authority_certificate()).expect("write the authority");
        stage.show(&server_certificate());
        stage
    }

    pub fn serving(more: &str) -> Self {
        let mut stage = Self::prepared(more);
        stage.fedns.start();
        stage.fedns.answers(WEB, "NOERROR 192.0.2.1");
        stage
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.fedns.home().join(name)
    }

    /// Puts these files in the place of the old ones.
    pub fn show(&self, ServerCertificate { chain, key }: &ServerCertificate) {
        for (file, text) in [("tls/tls.crt", chain), ("tls/tls.key", key)] {
            let new = self.file(&format!("{file}.new"));
            fs::write(&new, text).expect("write a file");
            fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("set the mode");
            fs::rename(new, self.file(file)).expect("rename a file");
        }
    }

    /// What kdig prints; it takes nothing but a certificate of the run's authority.
    pub fn kdig(&self, port: u16, words: &[&str]) -> String {
        let output = Command::new(find_program("kdig").expect("kdig is here"))
            .args(["@127.0.0.1", "-p", &port.to_string()])
            .arg(format!("+tls-ca={}", self.file("ca.crt").display()))
            .args(["+tls-hostname=localhost", "+timeout=60", "+retry=0"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("start kdig");
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// The status, and the headers in lower case, of what curl gets at this path.
    pub fn curl(&self, words: &[&str], path: &str) -> (String, String) {
        let port = self.doh;
        let output = Command::new(find_program("curl").expect("curl is here"))
            .args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*"])
            .args(["--dump-header", "-", "--output"])
            .arg(self.file("body"))
            .arg("--cacert")
            .arg(self.file("ca.crt"))
            .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
            .args(words)
            .arg(format!("https://localhost:{port}{path}"))
            .stdin(Stdio::null())
            .output()
            .expect("start curl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let (status, headers) = text.split_once("\r\n").expect("a status line");
        (status.trim().to_owned(), headers.to_owned())
    }

    /// What the last answer's body was.
    pub fn body(&self) -> Vec<u8> {
        fs::read(self.file("body")).expect("curl has written it")
    }

    /// What came of these calls of the DoQ client.
    pub fn doq(&self, calls: &[Value]) -> Vec<Value> {
        let (port, authority) = (self.doq.to_string(), self.file("ca.crt"));
        understood("doq.py", &[&port, &authority.to_string_lossy()], calls)
    }

    /// What ended a connection, or came back, when this was sent on a stream.
    pub fn doq_stream(&self, bytes: &[u8]) -> Value {
        let mut results = self.doq(&[json!(["send", hex(bytes)])]);
        results.remove(0)["answer"].take()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A query for the Service's address, of ID 0, with these options (RFC 6891) if there are any.
pub(crate) fn query(record_type: u8, options: &[u8]) -> Vec<u8> {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let name = if record_type == AXFR { "example.com" } else { WEB };
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a short label"));
        query.extend(label.bytes());
    }
    query.extend([0, 0, record_type, 0, 1]);
    let length = u8::try_from(options.len()).expect("few options");
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, length]);
    query.extend(options);
    query
}

pub(crate) const A: u8 = 1;
pub(crate) const AXFR: u8 = 252;

/// With its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a message");
    [&length.to_be_bytes(), message].concat()
}
