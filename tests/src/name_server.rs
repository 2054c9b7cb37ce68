//! Name servers that others wrote, each with one zone that takes dynamic updates (RFC 2136) and two
//! keys: `fed.` may update and transfer the zone, `reader.` may only transfer it.

mod config;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::eventually::{GENEROUS, eventually};
use crate::need::find_program;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

pub const ZONE: &str = "example.com";

/// TYPE65534 is where BIND notes how far it has signed.
const OF_SERVERS: [&str; 9] =
    ["SOA", "NS", "RRSIG", "NSEC", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "TYPE65534"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    Bind,
    Knot,
    PowerDns,
}

/// A key that the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Fed,
    Reader,
}

/// One running server. Everything that it is, is in its folder.
pub struct NameServer {
    pub software: Software,
    folder: Scratch,
    port: u16,
    secrets: [String; 2],
    is_signed: bool,
    process: Option<Process>,
}

// === impl NameServer ===

impl NameServer {
    /// `records` are lines of a master file that stand in the zone beside SOA and NS.
    pub fn start(software: Software, records: &str) -> Self {
        Self::prepared(software, records, false)
    }

    /// The same, and the server signs the zone (DNSSEC).
    pub fn start_signed(software: Software, records: &str) -> Self {
        Self::prepared(software, records, true)
    }

    fn prepared(software: Software, records: &str, is_signed: bool) -> Self {
        let secrets = [random_secret(), random_secret()];
        let folder = Scratch::new("name-server");
        let mut server =
            Self { software, folder, port: free_port(), secrets, is_signed, process: None };
        let zone = format!(
            "$ORIGIN {ZONE}.\n$TTL 3600\n@ SOA ns1 hostmaster 1 900 300 604800 60\n@ NS ns1\n\
             ns1 A 127.0.0.1\n{records}"
        );
        server.folder.write("zone", zone);
        for key in [Key::Fed, Key::Reader] {
            server.folder.write(key.file(), server.key_text(key));
        }
        config::prepare(&server);
        server.resume();
        server
    }

    /// Starts it again on what it had.
    pub fn resume(&mut self) {
        let command = config::command(self);
        self.process = Some(Process::start("name-server", &command, self.folder.path()));
        eventually(GENEROUS, "the name server answers", || {
            self.process.as_ref().expect("it was started just now").assert_running();
            self.dig(&[ZONE, "SOA"]).map(|_| ())
        });
    }

    /// SIGTERM, so that everything is written.
    pub fn stop(&mut self) {
        self.process.take().expect("it runs").terminate(GENEROUS);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The key in BIND's form.
    pub fn key_file(&self, key: Key) -> PathBuf {
        self.folder.path().join(key.file())
    }

    pub fn key_text(&self, key: Key) -> String {
        let (name, algorithm, secret) = (key.name(), key.algorithm(), self.secret(key));
        format!("key \"{name}\" {{\n\talgorithm {algorithm};\n\tsecret \"{secret}\";\n}};\n")
    }

    pub fn secret(&self, key: Key) -> &str {
        &self.secrets[key as usize]
    }

    /// All records but SOA and NS of the apex, the server's own address and what a signer makes, as dig
    /// prints a transfer: `name ttl type value`, sorted.
    pub fn records(&self) -> Vec<String> {
        let text = self
            .dig(&["-k", &self.key_file(Key::Reader).to_string_lossy(), ZONE, "AXFR"])
            .unwrap_or_else(|text| panic!("no transfer: {text}"));
        let lines = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
        let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let is_own = |line: &str| {
            let record_type = line.split(' ').nth(2).unwrap_or_default();
            OF_SERVERS.contains(&record_type) || line.starts_with(&format!("ns1.{ZONE}. "))
        };
        let mut records: Vec<String> = lines.filter(|line| !is_own(line)).collect();
        records.sort();
        records
    }

    pub fn serial(&self) -> String {
        let text = self.dig(&["+short", ZONE, "SOA"]).unwrap_or_else(|text| panic!("{text}"));
        text.split(' ').nth(2).unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    /// A change that somebody else makes: lines for nsupdate, without `send`.
    #[track_caller]
    pub fn update(&self, lines: &str) {
        let script = format!("server 127.0.0.1 {}\nzone {ZONE}.\n{lines}\nsend\n", self.port);
        let script = self.folder.write("update", script);
        let output = Command::new(find_program("nsupdate").expect("nsupdate is here"))
            .args(["-v", "-k"])
            .arg(self.key_file(Key::Fed))
            .arg(script)
            .stdin(Stdio::null())
            .output()
            .expect("start nsupdate");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines}: {text}");
    }

    /// Waits until the zone is signed.
    #[track_caller]
    pub fn is_signing(&self) {
        eventually(GENEROUS, "the zone is signed", || {
            let text = self.dig(&["+dnssec", ZONE, "SOA"])?;
            if text.contains("RRSIG") { Ok(()) } else { Err(text) }
        });
    }

    fn dig(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new(find_program("dig").expect("dig is here"))
            .args(["@127.0.0.1", "-p", &self.port.to_string(), "+tcp", "+tries=1", "+time=10"])
            .args(["+noall", "+answer", "+nocl"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("start dig");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() && !text.contains("; Transfer failed") && !text.is_empty() {
            true => Ok(text),
            false => Err(text),
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn random_secret() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    STANDARD.encode(bytes)
}

// === impl Key ===

impl Key {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fed => "fed.",
            Self::Reader => "reader.",
        }
    }

    /// Two, so that both are tried with every server.
    fn algorithm(self) -> &'static str {
        match self {
            Self::Fed => "hmac-sha256",
            Self::Reader => "hmac-sha512",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Fed => "fed.key",
            Self::Reader => "reader.key",
        }
    }
}

/// Lists each case, a function of [`Software`], once for each server, and makes the module's `tests`.
#[macro_export]
macro_rules! on_each_name_server {
    ($($case:ident),+ $(,)?) => {
        $crate::on_each_name_server!(@ bind, Bind, [NAMED], $($case),+);
        $crate::on_each_name_server!(@ knot, Knot, [KNOTD], $($case),+);
        $crate::on_each_name_server!(@ power_dns, PowerDns, [PDNS_SERVER, SQLITE3], $($case),+);

        pub(super) fn tests() -> Vec<$crate::suite::Test> {
            [bind::tests(), knot::tests(), power_dns::tests()].into_iter().flatten().collect()
        }
    };
    (@ $module:ident, $software:ident, [$($need:ident),+], $($case:ident),+) => {
        mod $module {
            use $crate::name_server::Software;
            use $crate::need::{DIG, NSUPDATE, $($need),+};

            pub(super) fn tests() -> Vec<$crate::suite::Test> {
                $(fn $case() {
                    super::$case(Software::$software);
                })+
                $crate::tests! { [DIG, NSUPDATE, $($need),+] => $($case),+; }
            }
        }
    };
}
