//! What stands in a zone before any service does: its apex, its name servers, static records.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::IpAddr;

use model::{Label, Name, Rdata, RecordSet, RecordType, ZoneContents};

use crate::addresses::address_sets;
use crate::names::FederatedName;

/// Seconds. SOA and NS records, and the addresses of name servers.
const APEX_TTL: u32 = 3600;
/// Refresh, retry, expire and minimum, in seconds. The minimum is how long a negative answer is
/// kept, so it bounds how late a new name is seen.
const SOA_TIMERS: [u32; 4] = [900, 300, 604_800, 60];

/// A name server of the zone. One inside the zone needs addresses, its glue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    pub name: Name,
    pub addresses: Vec<IpAddr>,
}

/// Why no zone can be made of the name servers and static records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseError {
    /// Neither the config nor the static records name one.
    NoNameServer { zone: Name },
    /// It lies inside the zone and nothing gives its address.
    NoGlue { name_server: Name },
}

/// The static names that can stand in the way of federated ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticNames {
    /// Only those that have the form of a federated name: others cannot clash.
    owners: HashSet<Name>,
    /// Delegations, DNAMEs and other served zones: everything below is theirs.
    covers: BTreeMap<Name, CoverKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoverKind {
    Delegation,
    Dname,
    ServedZone,
}

/// What stands in the way of a federated name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticClash {
    at: Name,
    /// `None` where a static record has the very name.
    cover: Option<CoverKind>,
}

/// The zone without any service: static records, completed by SOA, NS and glue where they lack.
///
/// The SOA's serial is 0: the store puts in the one that is served.
pub fn base_contents(
    zone: &Name,
    name_servers: &[NameServer],
    hostmaster: &Name,
    statics: Option<ZoneContents>,
) -> Result<ZoneContents, BaseError> {
    let mut contents = statics.unwrap_or_else(|| ZoneContents::new(zone.clone()));
    add_name_servers(&mut contents, name_servers)?;
    let primary = primary(&contents, name_servers)
        .ok_or_else(|| BaseError::NoNameServer { zone: zone.clone() })?;
    if contents.get(zone, RecordType::SOA).is_none() {
        let soa = Rdata::soa(&primary, hostmaster, 0, SOA_TIMERS);
        contents.insert(zone.clone(), RecordSet::single(RecordType::SOA, APEX_TTL, soa));
    }
    check_glue(&contents)?;
    Ok(contents)
}

/// A zone whose names are answered elsewhere: without name servers of ours, and with an SOA only for
/// it to be a zone. Its primary is the root, since nobody is to be asked (RFC 1035 section 3.3.13).
pub fn unserved_contents(
    zone: &Name,
    hostmaster: &Name,
    statics: Option<ZoneContents>,
) -> ZoneContents {
    let mut contents = statics.unwrap_or_else(|| ZoneContents::new(zone.clone()));
    if contents.get(zone, RecordType::SOA).is_none() {
        let soa = Rdata::soa(&Name::root(), hostmaster, 0, SOA_TIMERS);
        contents.insert(zone.clone(), RecordSet::single(RecordType::SOA, APEX_TTL, soa));
    }
    contents
}

/// Static NS records win over the config's; static addresses of a name server likewise.
fn add_name_servers(
    contents: &mut ZoneContents,
    name_servers: &[NameServer],
) -> Result<(), BaseError> {
    let zone = contents.apex.clone();
    if contents.get(&zone, RecordType::NS).is_none() {
        let targets = name_servers.iter().map(|server| Rdata::name(&server.name));
        let set = RecordSet::new(RecordType::NS, APEX_TTL, targets)
            .ok_or_else(|| BaseError::NoNameServer { zone: zone.clone() })?;
        contents.insert(zone.clone(), set);
    }
    for server in name_servers.iter().filter(|server| server.name.is_at_or_below(&zone)) {
        if contents.contains(&server.name) && server.name != zone {
            continue;
        }
        for set in address_sets(&server.addresses, APEX_TTL) {
            contents.insert(server.name.clone(), set);
        }
    }
    Ok(())
}

/// The SOA's first field: the first configured name server, else the first static NS.
fn primary(contents: &ZoneContents, name_servers: &[NameServer]) -> Option<Name> {
    match name_servers.first() {
        Some(server) => Some(server.name.clone()),
        None => contents.get(&contents.apex, RecordType::NS)?.values()[0].as_name(),
    }
}

fn check_glue(contents: &ZoneContents) -> Result<(), BaseError> {
    let zone = &contents.apex;
    let Some(set) = contents.get(zone, RecordType::NS) else {
        return Err(BaseError::NoNameServer { zone: zone.clone() });
    };
    let bare = |name: &Name| {
        name.is_at_or_below(zone)
            && contents.get(name, RecordType::A).is_none()
            && contents.get(name, RecordType::AAAA).is_none()
    };
    match set.values().iter().filter_map(Rdata::as_name).find(bare) {
        Some(name_server) => Err(BaseError::NoGlue { name_server }),
        None => Ok(()),
    }
}

// === impl StaticNames ===

impl StaticNames {
    /// `base` is the zone without services; `served` are all zones that this server has.
    pub fn new(base: &ZoneContents, federation: &Label, served: &[Name]) -> Self {
        let zone = &base.apex;
        let mut names = Self::default();
        for (name, sets) in base.iter() {
            if FederatedName::parse(name, federation, zone).is_some() {
                names.owners.insert(name.clone());
            }
            if let Some(kind) = sets.iter().find_map(|set| cover_kind(name, zone, set)) {
                names.covers.insert(name.clone(), kind);
            }
        }
        for child in served.iter().filter(|child| child.is_below(zone)) {
            names.covers.insert(child.clone(), CoverKind::ServedZone);
        }
        names
    }

    /// What stands in the way of `name`, if anything does.
    pub fn clash(&self, name: &Name) -> Option<StaticClash> {
        if self.owners.contains(name) {
            return Some(StaticClash { at: name.clone(), cover: None });
        }
        if self.covers.is_empty() {
            return None;
        }
        self.covering(name)
    }

    fn covering(&self, name: &Name) -> Option<StaticClash> {
        let mut at = name.clone();
        loop {
            match self.covers.get(&at) {
                // A DNAME hides what is below it, not its own name (RFC 6672 section 2.3).
                Some(CoverKind::Dname) if at == *name => {}
                Some(kind) => {
                    return Some(StaticClash { at, cover: Some(*kind) });
                }
                None => {}
            }
            at = at.parent()?;
        }
    }
}

fn cover_kind(name: &Name, zone: &Name, set: &RecordSet) -> Option<CoverKind> {
    match set.record_type {
        RecordType::NS if name != zone => Some(CoverKind::Delegation),
        RecordType::DNAME => Some(CoverKind::Dname),
        _ => None,
    }
}

// === texts ===

impl fmt::Display for StaticClash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, cover } = self;
        match cover {
            None => write!(f, "static records stand at {at}"),
            Some(CoverKind::Delegation) => write!(f, "{at} is delegated by a static NS record"),
            Some(CoverKind::Dname) => write!(f, "{at} has a static DNAME record"),
            Some(CoverKind::ServedZone) => write!(f, "{at} is a served zone of its own"),
        }
    }
}

impl fmt::Display for BaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNameServer { zone } => write!(
                f,
                "zone {zone} has no name server: give nameServers, or NS records at {zone} in a static file"
            ),
            Self::NoGlue { name_server } => write!(
                f,
                "name server {name_server} lies inside the zone and has no address: give it under \
                 nameServers as addresses, or as an A or AAAA record in a static file"
            ),
        }
    }
}

impl std::error::Error for BaseError {}
