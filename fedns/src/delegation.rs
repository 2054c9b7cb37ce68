//! How the world reaches a zone: what the parent zone says of it, and what its name servers answer.
//!
//! - [`look`]: asks the parent and the name servers
//! - [`judge`]: compares what was found with what the config says, for a zone that fedns answers itself; pure
//! - [`hosted`]: the same for a zone at a provider, of which only the parent is looked at

pub mod look;
pub mod judge;
pub mod hosted;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use model::{Name, PackedZone, Rdata, RecordSet, RecordType};

/// Name servers, each with the addresses that stand beside its NS record.
pub type NameServers = BTreeMap<Name, BTreeSet<IpAddr>>;

/// A zone as the config makes it.
#[derive(Clone, Debug)]
pub struct OwnZone {
    pub zone: Name,
    /// Those outside the zone have no address here.
    pub name_servers: NameServers,
}

/// What the parent zone holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// It leads to these; `parent` is `None` where its server was named by the user.
    Delegates { parent: Option<Name>, name_servers: NameServers },
    /// It holds nothing of the zone.
    Silent { parent: Option<Name> },
    /// Its server answers for the zone, too, so that what it holds is not seen.
    Answers { server: SocketAddr, name_servers: NameServers },
    /// Why that is not known.
    Unknown(String),
}

/// One address of a name server, asked both ways.
#[derive(Clone, Debug)]
pub struct Asked {
    pub name_server: Name,
    pub address: SocketAddr,
    pub udp: Result<Reply, String>,
    pub tcp: Result<Reply, String>,
}

/// What an address answers when it is asked for the zone's SOA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub rcode: u8,
    pub is_authoritative: bool,
    pub offers_recursion: bool,
    pub soa: Option<Rdata>,
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Seen {
    pub parent: Parent,
    pub asked: Vec<Asked>,
    /// Name servers whose address nobody gives, and why.
    pub unresolved: BTreeMap<Name, String>,
}

// === impl OwnZone ===

impl OwnZone {
    /// From what stands in the zone before any service does.
    pub fn new(base: &PackedZone) -> Self {
        let ns = base.get(&base.apex, RecordType::NS);
        let targets = ns.iter().flat_map(RecordSet::values).filter_map(Rdata::as_name);
        let with_addresses = |name: Name| {
            let sets = base.sets(&name);
            let addresses = sets
                .iter()
                .flat_map(|set| set.values().iter().filter_map(|it| address(set.record_type, it)));
            let addresses = addresses.collect();
            (name, addresses)
        };
        Self { zone: base.apex.clone(), name_servers: targets.map(with_addresses).collect() }
    }
}

/// The address in a record's data; `None` for other types.
fn address(record_type: RecordType, rdata: &Rdata) -> Option<IpAddr> {
    match record_type {
        RecordType::A => <[u8; 4]>::try_from(rdata.wire()).ok().map(IpAddr::from),
        RecordType::AAAA => <[u8; 16]>::try_from(rdata.wire()).ok().map(IpAddr::from),
        _ => None,
    }
}
