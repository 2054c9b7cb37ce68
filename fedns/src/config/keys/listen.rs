//! The keys `listen`, `tls` and `adminTokenFile`: where DNS is answered and the admin pages are, the
//! certificate of what is encrypted, and who gives orders.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::places::Subject;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::Node;
use crate::config::{Listen, TlsFiles};

const DNS_DEFAULT: [&str; 1] = ["127.0.0.1:5300"];
const ADMIN_DEFAULT: &str = "127.0.0.1:8053";

/// What has the ports of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Udp,
    Tcp,
}

use Protocol::{Tcp, Udp};

/// The ports that are taken, with the key that took them.
#[derive(Default)]
struct Taken(Vec<(Protocol, SocketAddr, &'static str)>);

/// Where the config says nothing: a zone that goes to a provider is answered there.
pub(super) fn listen(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    is_mirrored: bool,
) -> Listen {
    let dns = if is_mirrored { &[][..] } else { &DNS_DEFAULT };
    let default = || Listen {
        dns: dns.iter().filter_map(|text| text.parse().ok()).collect(),
        dot: Vec::new(),
        doh: Vec::new(),
        doq: Vec::new(),
        admin: ADMIN_DEFAULT.parse().ok(),
    };
    let Some(node) = map.take("listen") else { return default() };
    let mut map =
        reader.map(node, "a map like {dns: [\"127.0.0.1:5300\"], admin: \"127.0.0.1:8053\"}");
    let mut taken = Taken::default();
    let mut addresses = |key, protocols: &[Protocol]| {
        reader.items(map.take(key), |reader, node| {
            address(reader, node, (key, protocols), &mut taken)
        })
    };
    // No listen.dns means no DNS port; the default stands only where listen is not written at all.
    let dns = addresses("dns", &[Udp, Tcp]);
    let dot = addresses("dot", &[Tcp]);
    let doh = addresses("doh", &[Tcp]);
    let doq = addresses("doq", &[Udp]);
    let admin = map.take("admin");
    let admin = admin.and_then(|node| address(reader, node, ("admin", &[Tcp]), &mut taken));
    reader.finish(map);
    Listen { dns, dot, doh, doq, admin }
}

fn address(
    reader: &mut Reader<'_>,
    node: &Node,
    (key, protocols): (&'static str, &[Protocol]),
    taken: &mut Taken,
) -> Option<SocketAddr> {
    let address = reader.socket_address(node)?;
    let subject = if key == "admin" { Subject::ListenAdmin } else { Subject::Listen(key, address) };
    reader.note(subject, node.place);
    if let Some(other) = taken.take(key, protocols, address) {
        let message =
            format!("{address} is an address of listen.{other} already; choose another port");
        reader.value_problem(node, message);
    }
    Some(address)
}

/// The encrypted listeners have nothing to show without it.
pub(super) fn tls(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    listen: &Listen,
) -> Option<TlsFiles> {
    match map.take("tls") {
        Some(node) => files(reader, node),
        None => {
            let encrypted = [("dot", &listen.dot), ("doh", &listen.doh), ("doq", &listen.doq)];
            let first =
                encrypted.iter().find_map(|(key, addresses)| Some((*key, *addresses.first()?)));
            if let Some((key, address)) = first {
                let message = "there is no certificate to show; add tls: {certFile: ./tls.crt, keyFile: ./tls.key}";
                reader.problem_of(&Subject::Listen(key, address), message);
            }
            None
        }
    }
}

/// Orders go over TLS alone, so that nobody on the way learns the token.
pub(super) fn admin_token_file(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    listen: &Listen,
) -> Option<PathBuf> {
    let node = map.take("adminTokenFile")?;
    reader.note(Subject::AdminToken, node.place);
    let path = reader.path(node);
    if listen.admin.is_none() {
        let message =
            "there is no address to take orders at; add admin: \"127.0.0.1:8053\" to listen";
        reader.value_problem(node, message);
    }
    if map.peek("tls").is_none() {
        let message = "orders are taken over TLS, and there is no certificate to show; add tls: \
                       {certFile: ./tls.crt, keyFile: ./tls.key}";
        reader.value_problem(node, message);
    }
    path
}

fn files(reader: &mut Reader<'_>, node: &Node) -> Option<TlsFiles> {
    let mut map = reader.map(node, "a map like {certFile: ./tls.crt, keyFile: ./tls.key}");
    let mut file = |key, subject, wanted: &str| -> Option<PathBuf> {
        let node = reader.required(&mut map, key, wanted)?;
        reader.note(subject, node.place);
        reader.path(node)
    };
    let certificate =
        file("certFile", Subject::TlsCertificate, "a file with a certificate chain in PEM");
    let key = file("keyFile", Subject::TlsKey, "a file with its private key in PEM");
    reader.finish(map);
    Some(TlsFiles { certificate: certificate?, key: key? })
}

impl Taken {
    /// The key that has the port already, of which the system has only one. Port 0 is another each
    /// time; an address that is twice in one list is told with the list.
    fn take(
        &mut self,
        key: &'static str,
        protocols: &[Protocol],
        address: SocketAddr,
    ) -> Option<&'static str> {
        let has = |(protocol, other, of): &&(Protocol, SocketAddr, &'static str)| {
            *other == address && *of != key && protocols.contains(protocol)
        };
        let other = self.0.iter().find(has).map(|(_, _, key)| *key);
        self.0.extend(protocols.iter().map(|protocol| (*protocol, address, key)));
        other.filter(|_| address.port() != 0)
    }
}
