//! Asks the parent zone and the name servers of a zone. Nothing is changed anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use futures::future::{join, join_all};
use model::{Name, RecordType};
use providers::dns_message::{Answer, Record};
use providers::question::{Transport, ask};

use super::{Asked, NameServers, OwnZone, Parent, Reply, Seen, address};

/// So many addresses of the parent's servers are tried, and so many of the zone's are asked.
const PARENT_ADDRESSES_MAX: usize = 4;
const ADDRESSES_MAX: usize = 16;
const DNS_PORT: u16 = 53;
const NOERROR: u8 = 0;
const NXDOMAIN: u8 = 3;

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// They look up what others hold; empty for those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// A name server of the parent zone; `None`: it is looked up.
    pub parent: Option<SocketAddr>,
    /// Where name servers answer.
    pub port: u16,
    /// Whoever asks has named whom to ask: what a provider has seen of the parent does not count.
    pub is_by_request: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { resolvers: Vec::new(), parent: None, port: DNS_PORT, is_by_request: false }
    }
}

impl Settings {
    /// What helps where nobody answered.
    fn remedy(&self) -> &'static str {
        match (self.parent, self.resolvers.is_empty()) {
            (Some(_), _) => {
                "see that --parent names a name server of the zone above, and that it may be asked from here"
            }
            (None, false) => {
                "see that the resolver may be asked from here, or name a name server of the parent with --parent"
            }
            (None, true) => {
                "name a resolver with --resolver or resolver: {servers: […]}, or a name server of the parent with --parent"
            }
        }
    }
}

/// Looks at a zone from outside, as a client on this machine sees it.
pub async fn look(own: &OwnZone, settings: &Settings) -> Seen {
    let resolver = Resolver::new(settings);
    let parent = look_at_parent(&own.zone, settings).await;
    let mut known = own.name_servers.clone();
    if let Parent::Delegates { name_servers, .. } = &parent {
        for (name, addresses) in name_servers {
            known.entry(name.clone()).or_default().extend(addresses);
        }
    }
    let mut unresolved = BTreeMap::new();
    for (name, addresses) in known.iter_mut().filter(|(_, addresses)| addresses.is_empty()) {
        match resolver.addresses(name).await {
            Ok(found) => *addresses = found,
            Err(why) => {
                unresolved.insert(name.clone(), why);
            }
        }
    }
    let all = known.iter().flat_map(|(name, them)| them.iter().map(move |it| (name, *it)));
    let asking = all.take(ADDRESSES_MAX).map(|(name_server, address)| async move {
        let address = SocketAddr::new(address, settings.port);
        let (udp, tcp) = join(
            reply(address, &own.zone, Transport::Udp),
            reply(address, &own.zone, Transport::Tcp),
        )
        .await;
        Asked { name_server: name_server.clone(), address, udp, tcp }
    });
    Seen { parent, asked: join_all(asking).await, unresolved }
}

/// What the parent of a zone says of it.
pub async fn look_at_parent(zone: &Name, settings: &Settings) -> Parent {
    let parent = match settings.parent {
        Some(server) => delegation_at(zone, server, None).await,
        None => find_parent(zone, settings, &Resolver::new(settings)).await,
    };
    match parent {
        Parent::Unknown(why) => Parent::Unknown(format!("{why}; {}", settings.remedy())),
        known => known,
    }
}

async fn reply(server: SocketAddr, zone: &Name, transport: Transport) -> Result<Reply, String> {
    let answer = ask(server, (zone, RecordType::SOA), false, transport).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let is_soa = |it: &&Record| it.name == *zone && it.record_type == RecordType::SOA;
    Ok(Reply {
        rcode: answer.rcode,
        is_authoritative: answer.is_authoritative,
        offers_recursion: answer.offers_recursion,
        soa: answer.answers.iter().find(is_soa).map(|record| record.rdata.clone()),
    })
}

// === the parent ===

/// The nearest name above that has name servers is the parent zone.
async fn find_parent(zone: &Name, settings: &Settings, resolver: &Resolver) -> Parent {
    let mut above = zone.parent();
    while let Some(parent) = above {
        let answer = match resolver.ask(&parent, RecordType::NS).await {
            Ok(answer) => answer,
            Err(why) => return Parent::Unknown(why),
        };
        let servers = name_servers(&answer.answers, &answer.additional, &parent);
        if servers.is_empty() {
            above = parent.parent();
            continue;
        }
        return ask_parent(zone, settings, resolver, &parent, servers).await;
    }
    Parent::Unknown("no name above it has name servers".into())
}

async fn ask_parent(
    zone: &Name,
    settings: &Settings,
    resolver: &Resolver,
    parent: &Name,
    servers: NameServers,
) -> Parent {
    let mut last = Parent::Unknown(format!("no name server of {parent} has an address"));
    let mut tried = 0;
    for (name, _) in servers {
        let addresses = match resolver.addresses(&name).await {
            Ok(addresses) => addresses,
            Err(why) => {
                last.instead(Parent::Unknown(format!("{name}: {why}")));
                continue;
            }
        };
        for address in addresses {
            let server = SocketAddr::new(address, settings.port);
            match delegation_at(zone, server, Some(parent)).await {
                Parent::Unknown(why) => last.instead(Parent::Unknown(format!("{name}: {why}"))),
                answers @ Parent::Answers { .. } => last.instead(answers),
                known => return known,
            }
            tried += 1;
            if tried == PARENT_ADDRESSES_MAX {
                return last;
            }
        }
    }
    last
}

impl Parent {
    /// What is seen later counts, and some answer more than none.
    fn instead(&mut self, later: Self) {
        if !matches!((&*self, &later), (Self::Answers { .. }, Self::Unknown(_))) {
            *self = later;
        }
    }
}

/// What one server of the parent says of the zone, without asking others.
async fn delegation_at(zone: &Name, server: SocketAddr, parent: Option<&Name>) -> Parent {
    match ask(server, (zone, RecordType::NS), false, Transport::Any).await {
        Ok(answer) => delegation_in(zone, server, parent, &answer),
        Err(error) => Parent::Unknown(format!("{server}: {error}")),
    }
}

fn delegation_in(
    zone: &Name,
    server: SocketAddr,
    parent: Option<&Name>,
    answer: &Answer,
) -> Parent {
    let parent = parent.cloned();
    if !answer.answers.is_empty() {
        let name_servers = name_servers(&answer.answers, &answer.additional, zone);
        return Parent::Answers { server, name_servers };
    }
    let referred = name_servers(&answer.authority, &answer.additional, zone);
    if !referred.is_empty() {
        return Parent::Delegates { parent, name_servers: referred };
    }
    let is_ns = |it: &&Record| it.record_type == RecordType::NS;
    let referral = answer.authority.iter().find(is_ns);
    let unknown = match (answer.rcode, referral) {
        (NOERROR, Some(elsewhere)) if !answer.is_authoritative => {
            format!("{server} leads to the name servers of {}, and not of {zone}", elsewhere.name)
        }
        (NOERROR | NXDOMAIN, _) if answer.is_authoritative => return Parent::Silent { parent },
        (rcode, _) => format!("{server} does not answer for the zone above {zone} (rcode {rcode})"),
    };
    Parent::Unknown(unknown)
}

/// The NS records of a name, with the addresses that came along.
fn name_servers(records: &[Record], additional: &[Record], owner: &Name) -> NameServers {
    let is_it = |it: &&Record| it.name == *owner && it.record_type == RecordType::NS;
    let names = records.iter().filter(is_it).filter_map(|record| record.rdata.as_name());
    let glue = |name: &Name| -> BTreeSet<IpAddr> {
        let of_name = additional.iter().filter(|record| record.name == *name);
        of_name.filter_map(|record| address(record.record_type, &record.rdata)).collect()
    };
    names.map(|name| (name.clone(), glue(&name))).collect()
}

// === Resolver ===

/// Asks others to look something up.
struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    fn new(settings: &Settings) -> Self {
        match settings.resolvers.is_empty() {
            false => Self { servers: settings.resolvers.clone() },
            true => Self { servers: system_resolvers() },
        }
    }

    /// The first answer that says something: data, or that there is none.
    async fn ask(&self, name: &Name, record_type: RecordType) -> Result<Answer, String> {
        let mut last = "this machine has no resolver (/etc/resolv.conf)".to_owned();
        for server in &self.servers {
            match ask(*server, (name, record_type), true, Transport::Any).await {
                Ok(answer) if [NOERROR, NXDOMAIN].contains(&answer.rcode) => return Ok(answer),
                Ok(answer) => last = format!("resolver {server}: rcode {}", answer.rcode),
                Err(error) => last = format!("resolver {server}: {error}"),
            }
        }
        Err(last)
    }

    /// At least one.
    async fn addresses(&self, name: &Name) -> Result<BTreeSet<IpAddr>, String> {
        let mut addresses = BTreeSet::new();
        for record_type in [RecordType::A, RecordType::AAAA] {
            let answer = self.ask(name, record_type).await?;
            let found = answer.answers.iter();
            addresses.extend(found.filter_map(|it| address(it.record_type, &it.rdata)));
        }
        if addresses.is_empty() { Err("it has no address".into()) } else { Ok(addresses) }
    }
}

/// Those of `/etc/resolv.conf`; none where it cannot be read, which whoever asks is told.
fn system_resolvers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    resolvers_in(&text)
}

fn resolvers_in(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next())?
    });
    servers.filter_map(|it| it.parse().ok()).map(|ip| SocketAddr::new(ip, DNS_PORT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_resolvers_are_read() {
        let text = "search a.example\nnameserver 192.0.2.1\n# nameserver 192.0.2.2\n\
                    nameserver\t2001:db8::1\nnameserver fe80::1%eth0\noptions ndots:1\n";
        let expect = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|it| it.parse().unwrap());
        assert_eq!(resolvers_in(text), expect);
    }
}
