//! What may stand where.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::domain_name::DomainName;
use super::zones::{Set, SetKey, Zone};

const VALUE_MAX: usize = 4_000;
const STRING_MAX: usize = 255;

/// The values of a set, by its type.
pub fn values(set: &Set) -> Result<(), String> {
    if set.alias.is_some() {
        return Ok(());
    }
    if let Some(twice) = set.values.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("Duplicate Resource Record: '{}'", twice[0]));
    }
    if set.key.record_type == "CNAME" && set.values.len() != 1 {
        return Err("CNAME RRSet must have exactly one value".into());
    }
    set.values.iter().try_for_each(|value| self::value(&set.key.record_type, value))
}

fn value(record_type: &str, value: &str) -> Result<(), String> {
    let invalid = |problem: &str| {
        Err(format!(
            "Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
        ))
    };
    if value.chars().count() > VALUE_MAX {
        return invalid("ValueTooLong (Value is too long)");
    }
    match record_type {
        "A" if value.parse::<Ipv4Addr>().is_err() => {
            invalid("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)")
        }
        "AAAA" if value.parse::<Ipv6Addr>().is_err() => {
            invalid("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")
        }
        "CNAME" | "NS" | "PTR" => match DomainName::read(value) {
            Ok(_) => Ok(()),
            Err(problem) => Err(format!("Invalid Resource Record: '{problem}'")),
        },
        "TXT" | "SPF" => match strings(value) {
            Some(strings) if strings.iter().all(|length| *length <= STRING_MAX) => Ok(()),
            Some(_) => invalid("CharacterStringTooLong (Value is too long)"),
            None => invalid("InvalidCharacterString (Value should be enclosed in quotation marks)"),
        },
        _ => Ok(()),
    }
}

/// The lengths of quoted strings with blanks between them.
fn strings(value: &str) -> Option<Vec<usize>> {
    let mut lengths = Vec::new();
    let mut rest = value.as_bytes();
    while !rest.is_empty() {
        rest = rest.strip_prefix(b"\"")?;
        let mut length = 0;
        loop {
            let (&byte, tail) = rest.split_first()?;
            rest = tail;
            match (byte, rest) {
                (b'"', _) => break,
                (b'\\', [a, b, c, tail @ ..])
                    if [a, b, c].iter().all(|digit| (b'0'..=b'7').contains(digit)) =>
                {
                    rest = tail;
                }
                (b'\\', [_, tail @ ..]) => rest = tail,
                (b'\\', []) => return None,
                (b' '..=b'~', _) => {}
                _ => return None,
            }
            length += 1;
        }
        lengths.push(length);
        rest = rest.trim_ascii_start();
    }
    (!lengths.is_empty()).then_some(lengths)
}

/// The set beside what else there is at its name.
pub fn place(zone: &Zone, sets: &BTreeMap<SetKey, Set>, set: &Set) -> Result<(), String> {
    let SetKey { name, record_type, identifier } = &set.key;
    if !name.is_at_or_below(&zone.name) {
        return Err(format!("RRSet with DNS name {name} is not permitted in zone {}", zone.name));
    }
    let is_cname = record_type == "CNAME";
    if is_cname && *name == zone.name {
        return Err(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {}",
            zone.name
        ));
    }
    let from = SetKey { name: name.clone(), record_type: String::new(), identifier: None };
    for beside in sets.range(from..).map(|(key, _)| key).take_while(|key| key.name == *name) {
        let SetKey { record_type: other, identifier: other_identifier, .. } = beside;
        if other != record_type && (is_cname || other == "CNAME") {
            return Err(format!(
                "RRSet of type {record_type} with DNS name {name} is not permitted because a \
                 conflicting RRSet of type  {other} with the same DNS name already exists in zone {}.",
                zone.name
            ));
        }
        if other == record_type && identifier.is_none() && other_identifier.is_some() {
            return Err(format!(
                "RRSet with DNS name {name}, type {record_type} cannot be created as other RRSets \
                 exist with the same name and type."
            ));
        }
        if let (Some(identifier), None) = (identifier, other_identifier)
            && other == record_type
        {
            return Err(format!(
                "RRSet with DNS name {name}, type {record_type}, SetIdentifier {identifier} cannot \
                 be created as a non-weighted set exists with the same name and type."
            ));
        }
    }
    Ok(())
}

/// What every zone must have.
pub fn whole(zone: &Zone, sets: &BTreeMap<SetKey, Set>) -> Option<String> {
    let has = |record_type: &str| {
        sets.keys().any(|key| key.name == zone.name && key.record_type == record_type)
    };
    if !has("SOA") {
        return Some("A HostedZone must contain exactly one SOA record.".into());
    }
    let problem = "A HostedZone must contain at least one NS record for the zone itself.";
    (!has("NS")).then(|| problem.into())
}
