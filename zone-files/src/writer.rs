//! Zone contents to master-file text.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use model::{Name, RecordSet, RecordType, ZoneContents};

use crate::name::{print_name, print_relative};
use crate::rdata::print_rdata;

/// Writes `zone` as master-file text that [`read_zone`](crate::read_zone) reads back to the same
/// contents. The same zone always gives the same bytes, all of them ASCII.
///
/// One record is one line: name, TTL, class, type and data, with tabs between them. `$ORIGIN` and
/// `$TTL` stand at the top; the TTL is the one that most sets have, and their records leave it out.
/// The SOA comes first, then the other sets of the apex; names follow in canonical order, their sets
/// by type number and each set's records by wire form. Only the first record of a name bears it.
/// Names in data are written in full.
///
/// # Errors
///
/// Those of `out`.
pub fn write_zone(zone: &ZoneContents, out: &mut impl Write) -> fmt::Result {
    let default_ttl = most_common_ttl(zone);
    let mut line = String::from("$ORIGIN ");
    print_name(zone.apex.wire(), &mut line);
    line.push('\n');
    out.write_str(&line)?;
    if let Some(ttl) = default_ttl {
        writeln!(out, "$TTL {ttl}")?;
    }
    for (name, sets) in zone.iter() {
        let mut owner = Some(name);
        for set in soa_first(sets) {
            for value in set.values() {
                line.clear();
                print_head(owner.take(), zone, set, default_ttl, &mut line);
                print_rdata(set.record_type, value.wire(), &mut line);
                line.truncate(line.trim_ascii_end().len());
                line.push('\n');
                out.write_str(&line)?;
            }
        }
    }
    Ok(())
}

/// What [`write_zone`] writes, as a string.
pub fn zone_text(zone: &ZoneContents) -> String {
    let mut text = String::new();
    // Writing to a string has no error of its own to give.
    write_zone(zone, &mut text).unwrap_or_default();
    text
}

fn print_head(
    owner: Option<&Name>,
    zone: &ZoneContents,
    set: &RecordSet,
    default_ttl: Option<u32>,
    line: &mut String,
) {
    if let Some(name) = owner {
        print_relative(name, &zone.apex, line);
    }
    line.push('\t');
    if default_ttl != Some(set.ttl) {
        line.push_str(&set.ttl.to_string());
    }
    line.push_str("\tIN\t");
    line.push_str(&set.record_type.to_string());
    line.push('\t');
}

/// The TTL of most sets, and of two such the shorter one. Not 0, which ldns takes for no TTL at all.
fn most_common_ttl(zone: &ZoneContents) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for set in zone.iter().flat_map(|(_, sets)| sets).filter(|set| set.ttl > 0) {
        *counts.entry(set.ttl).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(ttl, _)| ttl)
}

fn soa_first(sets: &[RecordSet]) -> impl Iterator<Item = &RecordSet> {
    let is_soa = |set: &&RecordSet| set.record_type == RecordType::SOA;
    sets.iter().filter(is_soa).chain(sets.iter().filter(move |set| !is_soa(set)))
}
