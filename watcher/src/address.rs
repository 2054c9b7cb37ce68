//! Which of a load balancer's ingress points can be published.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use model::{AddressNote, Name};

use crate::object::IngressPoint;
use crate::settings::{PrivateAddresses, ServiceSettings};

/// An ingress point after all that can be said of it without asking the DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ingress {
    Address(IpAddr),
    /// Lower case, without the final dot.
    Host(Arc<str>),
    /// Cannot be published, and why.
    Refused(Box<AddressNote>),
}

/// Reads one entry of `status.loadBalancer.ingress`. Where it has both an address and a host name,
/// the address counts.
pub(crate) fn read_ingress(point: &IngressPoint, settings: &ServiceSettings) -> Ingress {
    let given = |text: &Option<Box<str>>| text.clone().filter(|text| !text.trim().is_empty());
    match (given(&point.ip), given(&point.hostname)) {
        (Some(ip), _) => read_ip(&ip, settings),
        (None, Some(host)) => read_host(&host, settings),
        (None, None) => refused("{}", "it has neither an ip nor a hostname"),
    }
}

/// Why `address` is left out, if it is.
pub(crate) fn refuse(address: IpAddr, settings: &ServiceSettings) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("it is the unspecified address");
    }
    if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Some("it is no unicast address");
    }
    match settings.private_addresses {
        PrivateAddresses::Publish => None,
        PrivateAddresses::Skip => private_range(address),
    }
}

/// An IPv4 address that is written as an IPv6 one is an IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn read_ip(text: &str, settings: &ServiceSettings) -> Ingress {
    let Ok(address) = text.trim().parse().map(canonical) else {
        return refused(text, "it is no IP address");
    };
    match refuse(address, settings) {
        Some(reason) => refused(text, reason),
        None => Ingress::Address(address),
    }
}

fn read_host(text: &str, settings: &ServiceSettings) -> Ingress {
    let host = text.trim().trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<IpAddr>().is_ok() {
        return read_ip(&host, settings);
    }
    let Some(name) = Name::parse(&host).ok().filter(|_| is_host_text(&host)) else {
        return refused(text, "it is no host name");
    };
    match settings.own_zones.iter().find(|zone| name.is_at_or_below(zone)) {
        Some(zone) => refused(
            text,
            &format!("it is inside {zone}, which is served here: the name would depend on itself"),
        ),
        None => Ingress::Host(host.into()),
    }
}

fn is_host_text(host: &str) -> bool {
    host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn refused(ingress: &str, reason: &str) -> Ingress {
    Ingress::Refused(Box::new(AddressNote { ingress: ingress.into(), reason: reason.into() }))
}

/// The ranges that do not reach the whole Internet, named for `explain`.
fn private_range(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => private_range_v4(address),
        IpAddr::V6(address) => private_range_v6(address),
    }
}

fn private_range_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = address.octets();
    if address.is_private() {
        Some("it is a private address (RFC 1918), and services.privateAddresses is \"skip\"")
    } else if first == 100 && second & 0xc0 == 64 {
        Some("it is a shared address (RFC 6598), and services.privateAddresses is \"skip\"")
    } else if address.is_loopback() {
        Some("it is a loopback address, and services.privateAddresses is \"skip\"")
    } else if address.is_link_local() {
        Some("it is a link-local address, and services.privateAddresses is \"skip\"")
    } else {
        None
    }
}

fn private_range_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unique_local() {
        Some("it is a unique local address (RFC 4193), and services.privateAddresses is \"skip\"")
    } else if address.is_loopback() {
        Some("it is a loopback address, and services.privateAddresses is \"skip\"")
    } else if address.is_unicast_link_local() {
        Some("it is a link-local address, and services.privateAddresses is \"skip\"")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip() -> ServiceSettings {
        let own_zones = vec![Name::parse("fed.example.com").unwrap()];
        let private_addresses = PrivateAddresses::Skip;
        ServiceSettings { private_addresses, own_zones, ..ServiceSettings::default() }
    }

    /// An address, a host name, or the beginning of the reason why it is left out.
    #[track_caller]
    fn check(ip: &str, hostname: &str, settings: &ServiceSettings, expect: &str) {
        let text = |text: &str| (!text.is_empty()).then(|| text.into());
        let point = IngressPoint { ip: text(ip), hostname: text(hostname) };
        let found = match read_ingress(&point, settings) {
            Ingress::Address(address) => address.to_string(),
            Ingress::Host(host) => host.to_string(),
            Ingress::Refused(note) => note.reason.to_string(),
        };
        assert!(found.starts_with(expect) && !expect.is_empty(), "{ip} {hostname}: {found}");
    }

    #[test]
    fn of_ip_and_hostname_in_one_entry_the_ip_counts() {
        let settings = ServiceSettings::default();
        check("192.0.2.1", "lb.example.net", &settings, "192.0.2.1");
        check("", "lb.example.net", &settings, "lb.example.net");
        check(" ", "lb.example.net", &settings, "lb.example.net");
        check("", "", &settings, "it has neither");
        check("lb.example.net", "", &settings, "it is no IP address");
    }

    #[test]
    fn host_names_are_compared_in_lower_case_without_the_final_dot() {
        let settings = ServiceSettings::default();
        check("", "LB.Example.net.", &settings, "lb.example.net");
        check("", "a..b", &settings, "it is no host name");
        check("", "a b", &settings, "it is no host name");
        check("", "192.0.2.1", &settings, "192.0.2.1");
    }

    #[test]
    fn names_inside_our_own_zones_are_refused() {
        check("", "lb.fed.example.com", &skip(), "it is inside fed.example.com.");
        check("", "fed.example.com", &skip(), "it is inside fed.example.com.");
        check("", "lb.example.com", &skip(), "lb.example.com");
        check("", "notfed.example.com", &skip(), "notfed.example.com");
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_an_ipv4_address() {
        check("::ffff:192.0.2.1", "", &skip(), "192.0.2.1");
        check("::ffff:10.0.0.1", "", &skip(), "it is a private address (RFC 1918)");
    }

    #[test]
    fn addresses_that_nobody_can_be_reached_at_are_refused() {
        let settings = ServiceSettings::default();
        check("0.0.0.0", "", &settings, "it is the unspecified address");
        check("::", "", &settings, "it is the unspecified address");
        check("224.0.0.1", "", &settings, "it is no unicast address");
        check("ff02::1", "", &settings, "it is no unicast address");
        check("255.255.255.255", "", &settings, "it is no unicast address");
    }

    #[test]
    fn private_addresses_are_published_or_skipped_as_set() {
        for address in ["10.1.2.3", "127.0.0.1", "169.254.0.1", "100.64.0.1", "fd00::1", "::1"] {
            check(address, "", &ServiceSettings::default(), address);
        }
        check("10.1.2.3", "", &skip(), "it is a private address (RFC 1918)");
        check("172.31.0.1", "", &skip(), "it is a private address (RFC 1918)");
        check("172.32.0.1", "", &skip(), "172.32.0.1");
        check("192.168.0.1", "", &skip(), "it is a private address (RFC 1918)");
        check("100.127.255.255", "", &skip(), "it is a shared address (RFC 6598)");
        check("100.128.0.0", "", &skip(), "100.128.0.0");
        check("100.63.255.255", "", &skip(), "100.63.255.255");
        check("127.9.9.9", "", &skip(), "it is a loopback address");
        check("169.254.1.1", "", &skip(), "it is a link-local address");
        check("fdff::1", "", &skip(), "it is a unique local address (RFC 4193)");
        check("::1", "", &skip(), "it is a loopback address");
        check("fe80::1", "", &skip(), "it is a link-local address");
        check("2001:db8::1", "", &skip(), "2001:db8::1");
    }
}
