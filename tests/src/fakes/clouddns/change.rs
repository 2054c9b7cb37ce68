//! A change: all of it lands, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rules;
use super::server::{Quota, Refusal};
use super::zones::{Set, SetKey, Zone};

/// What the zone has after a change; deletions are carried out first.
pub fn applied(zone: &Zone, body: &Value, quota: &Quota) -> Result<BTreeMap<SetKey, Set>, Refusal> {
    let fields = body.as_object().ok_or_else(|| Refusal::invalid("entity.change", body))?;
    if let Some(unknown) =
        fields.keys().find(|key| !["additions", "deletions", "kind"].contains(&key.as_str()))
    {
        return Err(Refusal::invalid(&format!("entity.change.{unknown}"), &body[unknown]));
    }
    let deletions = read(body, "deletions")?;
    let additions = read(body, "additions")?;
    if deletions.is_empty() && additions.is_empty() {
        let message = "The 'entity.change' parameter is required but was missing.";
        return Err(Refusal::new(400, "required", message));
    }
    within(quota, &additions, &deletions)?;
    let mut sets = zone.latest();
    let mut touched = BTreeSet::new();
    for (number, set) in deletions.iter().enumerate() {
        delete(zone, &mut sets, set, &format!("entity.change.deletions[{number}]"))?;
        touched.insert(set.key());
    }
    for (number, set) in additions.iter().enumerate() {
        let at = format!("entity.change.additions[{number}]");
        rules::set(set, &at)?;
        rules::place(zone, &sets, set, &at)?;
        if zone.protected.contains(&set.key()) {
            return Err(Refusal::new(400, "invalidValue", format!("Invalid value for '{at}'")));
        }
        if sets.insert(set.key(), set.clone()).is_some() {
            let message = format!(
                "The resource '{at}' named '{} ({})' already exists",
                set.name, set.record_type
            );
            return Err(Refusal::new(409, "alreadyExists", message));
        }
    }
    rules::apex(zone, &sets)?;
    if sets.len() > quota["rrsetsPerManagedZone"] {
        return Err(quota_exceeded("rrsetsPerManagedZone", quota));
    }
    Ok(sets)
}

fn read(body: &Value, side: &str) -> Result<Vec<Set>, Refusal> {
    let at = format!("entity.change.{side}");
    let list = match &body[side] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(Refusal::invalid(&at, other)),
    };
    list.iter()
        .enumerate()
        .map(|(number, set)| Set::read(set, &format!("{at}[{number}]")))
        .collect()
}

fn within(quota: &Quota, additions: &[Set], deletions: &[Set]) -> Result<(), Refusal> {
    let all = || additions.iter().chain(deletions);
    let data: usize = all().flat_map(|set| &set.rrdatas).map(String::len).sum();
    let records = all().map(|set| set.rrdatas.len()).max().unwrap_or(0);
    let counted = [
        ("rrsetAdditionsPerChange", additions.len()),
        ("rrsetDeletionsPerChange", deletions.len()),
        ("totalRrdataSizePerChange", data),
        ("resourceRecordsPerRrset", records),
    ];
    match counted.iter().find(|(key, count)| *count > quota[key]) {
        Some((key, _)) => Err(quota_exceeded(key, quota)),
        None => Ok(()),
    }
}

fn quota_exceeded(key: &str, quota: &Quota) -> Refusal {
    let message = format!("The quota {key} of {} is exceeded.", quota[key]);
    Refusal::new(403, "quotaExceeded", message)
}

/// A deletion repeats what stands: its TTL, and its data in their order.
fn delete(
    zone: &Zone,
    sets: &mut BTreeMap<SetKey, Set>,
    set: &Set,
    at: &str,
) -> Result<(), Refusal> {
    if zone.protected.contains(&set.key()) {
        return Err(Refusal::new(400, "invalidValue", format!("Invalid value for '{at}'")));
    }
    match sets.get(&set.key()) {
        None => {
            let message = format!(
                "The '{at}' resource named '{} ({})' does not exist.",
                set.name, set.record_type
            );
            Err(Refusal::new(404, "notFound", message))
        }
        Some(standing) if standing != set => {
            let message = format!("Precondition not met for '{at}'");
            Err(Refusal::new(412, "conditionNotMet", message))
        }
        Some(_) => {
            sets.remove(&set.key());
            Ok(())
        }
    }
}
