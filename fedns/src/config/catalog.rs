//! The catalog zone (RFC 9432): a zone that lists our zones, so that secondaries learn them by
//! themselves.

use std::sync::Arc;

use model::{EmptyLevels, Levels, Name, Rdata, RecordSet, RecordType, ZoneContents};
use planner::base::StaticNames;
use planner::{NameServer, ZoneSettings, base_contents};

use super::{CatalogConfig, Config};

/// Whatever there is to be said of it, it is never asked for by resolvers (RFC 9432 section 4.1).
const TTL: u32 = 0;
/// Version 2, as a character string.
const VERSION: &[u8] = b"\x012";
/// So many bytes leave room for `ID.zones` in front of it.
pub const NAME_LENGTH_MAX: usize = 255 - 33 - 6;
/// Of FNV-1a with 128 bits.
const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// As the planner makes any zone; `None` where no catalog is wanted.
pub fn settings(config: &Config) -> Option<ZoneSettings> {
    let CatalogConfig { name, .. } = config.catalog.as_ref()?;
    let members = config.zones.iter().filter(|zone| !zone.transfer.allow.is_empty());
    let contents = contents(name, members.map(|zone| &zone.name));
    Some(ZoneSettings {
        zone: name.clone(),
        federation: config.federation.clone(),
        ttl: TTL,
        levels: Levels::ALL,
        empty_levels: EmptyLevels::All,
        static_names: StaticNames::default(),
        has_services: false,
        base: Arc::new(contents?.into()),
    })
}

/// `None` where the catalog's name is longer than [`NAME_LENGTH_MAX`], which no config may have.
fn contents<'n>(catalog: &Name, members: impl Iterator<Item = &'n Name>) -> Option<ZoneContents> {
    let mut contents = ZoneContents::new(catalog.clone());
    let version = RecordSet::single(RecordType::TXT, TTL, Rdata::from_wire(VERSION));
    contents.insert(catalog.child(b"version").ok()?, version);
    let zones = catalog.child(b"zones").ok()?;
    for member in members {
        let pointer = RecordSet::single(RecordType::PTR, TTL, Rdata::name(member));
        contents.insert(zones.child(id(member).as_bytes()).ok()?, pointer);
    }
    // No server of this name is ever asked (RFC 9432 section 4.1).
    let nobody = Name::parse("invalid.").ok()?;
    let hostmaster = nobody.child(b"hostmaster").ok()?;
    let name_server = NameServer { name: nobody, addresses: Vec::new() };
    base_contents(catalog, &[name_server], &hostmaster, Some(contents)).ok()
}

/// A label that follows from the zone's name alone, so that secondaries keep the zone whatever becomes
/// of others (RFC 9432 section 4.3).
fn id(zone: &Name) -> String {
    let hash = zone.wire().iter().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u128::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME)
    });
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_catalog_has_its_version_and_a_pointer_for_each_zone() {
        let members = [name("example.com"), name("fed.example.org")];
        let contents = contents(&name("catalog.invalid"), members.iter()).unwrap();
        let lines: Vec<String> = contents
            .iter()
            .flat_map(|(name, sets)| sets.iter().map(move |set| (name, set)))
            .flat_map(|(name, set)| {
                set.value_texts()
                    .map(move |value| format!("{name} {} {} {value}", set.ttl, set.record_type))
            })
            .collect();
        let ids = members.each_ref().map(id);
        assert_ne!(ids[0], ids[1]);
        let mut expect = vec![
            "catalog.invalid. 3600 NS invalid.".to_owned(),
            "catalog.invalid. 3600 SOA invalid. hostmaster.invalid. 0 900 300 604800 60".to_owned(),
            "version.catalog.invalid. 0 TXT \"2\"".to_owned(),
            format!("{}.zones.catalog.invalid. 0 PTR example.com.", ids[0]),
            format!("{}.zones.catalog.invalid. 0 PTR fed.example.org.", ids[1]),
        ];
        let mut lines = lines;
        lines.sort();
        expect.sort();
        assert_eq!(lines, expect);
    }

    #[test]
    fn ids_follow_from_names_alone() {
        assert_eq!(id(&name("Example.COM")), id(&name("example.com")));
        // Bytes of the root's wire form: one zero.
        assert_eq!(id(&Name::root()), format!("{:032x}", OFFSET_BASIS.wrapping_mul(PRIME)));
    }
}
