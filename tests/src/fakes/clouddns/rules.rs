//! What may stand where.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use model::Name;
use serde_json::json;

use super::server::Refusal;
use super::zones::{Set, SetKey, Zone};

const STRING_MAX: usize = 255;
const TYPES: [&str; 12] =
    ["A", "AAAA", "CAA", "CNAME", "DS", "MX", "NS", "PTR", "SOA", "SPF", "SRV", "TXT"];

/// The name and the data of a set, by its type.
pub fn set(set: &Set, at: &str) -> Result<(), Refusal> {
    if !is_name(&set.name) {
        return Err(Refusal::invalid(&format!("{at}.name"), &json!(set.name)));
    }
    if !TYPES.contains(&set.record_type.as_str()) {
        return Err(Refusal::invalid(&format!("{at}.type"), &json!(set.record_type)));
    }
    // With a routing policy the data stand there.
    if set.rrdatas.is_empty() != set.routing_policy.is_some() {
        return Err(Refusal::new(
            400,
            "invalidRecordCount",
            format!("Invalid record count for '{at}'"),
        ));
    }
    if set.record_type == "CNAME" && set.rrdatas.len() > 1 {
        return Err(Refusal::new(
            400,
            "invalidRecordCount",
            format!("Invalid record count for '{at}'"),
        ));
    }
    for (number, data) in set.rrdatas.iter().enumerate() {
        let is_twice = set.rrdatas[..number].contains(data);
        if is_twice || !is_data(&set.record_type, data) {
            return Err(Refusal::invalid(&format!("{at}.rrdata[{number}]"), &json!(data)));
        }
    }
    Ok(())
}

/// In lower case, with a final dot.
fn is_name(text: &str) -> bool {
    text.ends_with('.') && Name::parse(text).is_ok_and(|name| name.to_string() == text)
}

fn is_data(record_type: &str, data: &str) -> bool {
    match record_type {
        "A" => data.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => data.parse::<Ipv6Addr>().is_ok(),
        "CNAME" | "NS" | "PTR" => is_name(data),
        "TXT" | "SPF" => strings(data).is_some_and(|all| all.iter().all(|it| *it <= STRING_MAX)),
        _ => true,
    }
}

/// The lengths of quoted strings with blanks between them, as master files have them.
fn strings(data: &str) -> Option<Vec<usize>> {
    let mut lengths = Vec::new();
    let mut rest = data.as_bytes();
    while !rest.is_empty() {
        rest = rest.strip_prefix(b"\"")?;
        let mut length = 0;
        loop {
            let (&byte, tail) = rest.split_first()?;
            rest = tail;
            match (byte, rest) {
                (b'"', _) => break,
                (b'\\', [a, b, c, tail @ ..]) if [a, b, c].iter().all(|it| it.is_ascii_digit()) => {
                    rest = tail;
                }
                (b'\\', [byte, tail @ ..]) if !byte.is_ascii_digit() => rest = tail,
                (b' '..=b'~', _) if byte != b'\\' => {}
                _ => return None,
            }
            length += 1;
        }
        lengths.push(length);
        rest = match rest.strip_prefix(b" ") {
            Some(tail) if !tail.is_empty() => tail,
            None if rest.is_empty() => rest,
            _ => return None,
        };
    }
    (!lengths.is_empty()).then_some(lengths)
}

/// The set beside what else there is at its name.
pub fn place(
    zone: &Zone,
    sets: &BTreeMap<SetKey, Set>,
    set: &Set,
    at: &str,
) -> Result<(), Refusal> {
    let Set { name, record_type, .. } = set;
    let is_within = *name == zone.dns_name || name.ends_with(&format!(".{}", zone.dns_name));
    if !is_within {
        return Err(Refusal::invalid(&format!("{at}.name"), &json!(name)));
    }
    if record_type == "CNAME" && *name == zone.dns_name {
        let message = format!("The type of '{at}' is not allowed at the zone's apex");
        return Err(Refusal::new(400, "recordTypeDisallowedAtZoneApex", message));
    }
    let mut beside = sets.keys().filter(|(other, _)| other == name).map(|(_, other)| other);
    let is_clash =
        |other: &String| other != record_type && (other == "CNAME" || record_type == "CNAME");
    if beside.any(is_clash) {
        let message = format!(
            "The resource record set '{at}' is invalid because the DNS name '{name}' may have either one \
             CNAME resource record set or resource record sets of other types, but not both."
        );
        return Err(Refusal::new(409, "cnameResourceRecordSetConflict", message));
    }
    Ok(())
}

/// A zone has its own two sets.
pub fn apex(zone: &Zone, sets: &BTreeMap<SetKey, Set>) -> Result<(), Refusal> {
    let has =
        |record_type: &str| sets.contains_key(&(zone.dns_name.clone(), record_type.to_owned()));
    if has("NS") && has("SOA") {
        return Ok(());
    }
    let message = "The resource record set 'entity.change' is invalid: a zone must contain exactly one \
                   resource record set of type 'SOA' and of type 'NS' at the apex.";
    Err(Refusal::new(400, "invalidZoneApex", message))
}
