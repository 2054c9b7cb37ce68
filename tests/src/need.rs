//! What a test needs beside Rust, and how a machine without it gets it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::systemd;

/// One thing that a machine may lack. A test whose need is not met is left out by name, never
/// passed; with `FEDNS_TEST_REQUIRE_ALL=1` it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The stock Kubernetes parts that `tests/cluster/build` makes.
    Kubernetes,
    /// The Python packages that `tests/peers/build` installs.
    Peers,
    /// ExternalDNS's own packages, which `tests/peers/external-dns/build` builds.
    ExternalDns,
    /// CoreDNS, which `tests/peers/coredns/build` builds.
    CoreDns,
    /// Google's stand-in for Cloud DNS, which `tests/peers/build` fetches, and the Java that runs it.
    CloudDnsPeer,
    /// What runs containers and joins networks: root, and programs of Debian.
    RealNodes,
    /// The right to become another user, and to make a network.
    Root,
    /// Root, and what a systemd of its own stands on.
    Systemd,
    /// A program on the PATH and the Debian package that brings it.
    Program { name: &'static str, package: &'static str },
}

pub const DIG: Need = program("dig", "bind9-dnsutils");
pub const NSUPDATE: Need = program("nsupdate", "bind9-dnsutils");
pub const NAMED: Need = program("named", "bind9");
pub const NAMED_CHECKZONE: Need = program("named-checkzone", "bind9-utils");
pub const KDIG: Need = program("kdig", "knot-dnsutils");
pub const KNOTD: Need = program("knotd", "knot");
pub const KZONECHECK: Need = program("kzonecheck", "knot-dnssecutils");
pub const DNSPERF: Need = program("dnsperf", "dnsperf");
pub const DRILL: Need = program("drill", "ldnsutils");
pub const IP: Need = program("ip", "iproute2");
pub const LDNS_READ_ZONE: Need = program("ldns-read-zone", "ldnsutils");
/// The package of the backend brings the server's own, too.
pub const PDNS_SERVER: Need = program("pdns_server", "pdns-backend-sqlite3");
pub const SQLITE3: Need = program("sqlite3", "sqlite3");
/// The client and ssh-keygen come with it.
pub const SSHD: Need = program("sshd", "openssh-server");
pub const NSD: Need = program("nsd", "nsd");
/// For the image of a web server.
pub const NGINX: Need = program("nginx", "nginx");
pub const UNBOUND: Need = program("unbound", "unbound");
pub const CURL: Need = program("curl", "curl");
pub const SYSTEMD_ANALYZE: Need = program("systemd-analyze", "systemd");
pub const SYSTEMD_SOCKET_ACTIVATE: Need = program("systemd-socket-activate", "systemd");

/// What a real node needs beside the Kubernetes parts, with the Debian packages that bring it.
const REAL_NODE_PROGRAMS: [(&str, &str); 4] =
    [("runc", "runc"), ("nft", "nftables"), ("buildah", "buildah"), ("ip", "iproute2")];
/// Where Debian keeps the plugins that join pods to networks.
pub const CNI_FOLDER: &str = "/usr/lib/cni";

pub const fn program(name: &'static str, package: &'static str) -> Need {
    Need::Program { name, package }
}

impl Need {
    /// Why the need is not met on this machine, or `None` when it is.
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Kubernetes => match parts_folder() {
                Some(_) => None,
                None => Some(
                    "the Kubernetes parts are not built; tests/cluster/build builds them".into(),
                ),
            },
            Self::Peers => match peers_python() {
                Some(_) => None,
                None => Some(
                    "the vendors' clients are not there; tests/peers/build installs them".into(),
                ),
            },
            Self::ExternalDns => match external_dns_folder() {
                Some(_) => None,
                None => Some(
                    "ExternalDNS's packages are not built; tests/peers/external-dns/build builds \
                     them"
                        .into(),
                ),
            },
            Self::CoreDns => match core_dns_folder() {
                Some(_) => None,
                None => Some("CoreDNS is not built; tests/peers/coredns/build builds it".into()),
            },
            Self::CloudDnsPeer => match (cloud_dns_peer(), find_program("java")) {
                (Some(_), Some(_)) => None,
                (None, _) => Some(
                    "Google's stand-in for Cloud DNS is not there; tests/peers/build fetches it"
                        .into(),
                ),
                (_, None) => {
                    Some("no java here; it is in Debian's package default-jre-headless".into())
                }
            },
            Self::RealNodes => real_nodes_missing(),
            Self::Root => {
                (!is_root()).then(|| "only root may become another user, or make a network".into())
            }
            Self::Systemd => systemd_missing(),
            Self::Program { name, package } => match find_program(name) {
                Some(_) => None,
                None => Some(format!("no {name} here; it is in Debian's package {package}")),
            },
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn systemd_missing() -> Option<String> {
    if !is_root() {
        return Some("a systemd of its own needs root".into());
    }
    if find_program("systemctl").is_none() {
        return Some("no systemctl here; it is in Debian's package systemd".into());
    }
    let has_groups = Path::new(systemd::GROUPS).is_dir();
    (!has_groups).then(|| format!("no {} here, where systemd's groups would be", systemd::GROUPS))
}

fn real_nodes_missing() -> Option<String> {
    if !is_root() {
        return Some("real nodes need root".into());
    }
    if !PathBuf::from(CNI_FOLDER).join("bridge").is_file() {
        let package = "containernetworking-plugins";
        return Some(format!("no {CNI_FOLDER}/bridge here; it is in Debian's package {package}"));
    }
    let missing = REAL_NODE_PROGRAMS.into_iter().find(|(name, _)| find_program(name).is_none());
    missing.map(|(name, package)| format!("no {name} here; it is in Debian's package {package}"))
}

/// Where a program is, looking also where administrators' programs are kept.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The folder with the built Kubernetes parts. The build script alone knows which folder belongs to
/// its present sources, so it is asked.
pub fn parts_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| told_by("/cluster/build", &[])).clone()
}

/// The Python that has the vendors' clients; `tests/peers/build` knows where it is.
pub fn peers_python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(|| told_by("/peers/build", &["python"])).clone()
}

/// The folder with ExternalDNS's own packages, and its description of the webhook protocol.
pub fn external_dns_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| told_by("/peers/external-dns/build", &[])).clone()
}

/// The folder with CoreDNS.
pub fn core_dns_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| told_by("/peers/coredns/build", &[])).clone()
}

/// The folder of Google's stand-in for Cloud DNS.
pub fn cloud_dns_peer() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| told_by("/peers/build", &["clouddns"])).clone()
}

fn told_by(script: &str, part: &[&str]) -> Option<PathBuf> {
    let script = format!("{}{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(script);
    let output = command.arg("--where").args(part).stdin(Stdio::null()).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim_end()))
}
