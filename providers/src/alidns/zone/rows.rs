//! AliDNS's records as record sets, and back.

use std::collections::BTreeMap;
use std::fmt;

use model::{Name, Rdata, RecordSet, RecordType};

use crate::alidns::domain::{full_name, host_record};
use crate::alidns::plan_limits::{Limit, PlanLimits};
use crate::alidns::records::{LINE_DEFAULT, Record, RecordFields};
use crate::hosted::HostedSet;
use crate::provider::Limits;
use crate::txt;

/// What AliDNS takes for one set, on the line that answers everybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetKey {
    rr: String,
    record_type: String,
}

// === impl SetKey ===

impl SetKey {
    pub fn new(domain: &Name, name: &Name, record_type: RecordType) -> Self {
        // A name outside the domain has no records there.
        let rr = host_record(name, domain).unwrap_or_default();
        Self { rr, record_type: record_type.to_string() }
    }

    /// True where a search for this host record finds it.
    pub fn contains(&self, rr: &str) -> bool {
        self.rr.contains(&rr.to_lowercase())
    }

    pub fn of(fields: &RecordFields) -> Self {
        Self { rr: fields.rr.to_lowercase(), record_type: fields.record_type.to_uppercase() }
    }
}

impl fmt::Display for SetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rr, self.record_type)
    }
}

/// The records of a domain as sets, and by set. What is no plain record makes its set special: paused
/// and locked records, other lines, types of AliDNS's own, values that do not read as their type.
pub fn sets(
    domain: &Name,
    records: Vec<Record>,
) -> (Vec<HostedSet>, BTreeMap<SetKey, Vec<Record>>) {
    let mut by_key: BTreeMap<SetKey, Vec<Record>> = BTreeMap::new();
    for record in records {
        by_key.entry(SetKey::of(&record.fields)).or_default().push(record);
    }
    let sets = by_key.values().flat_map(|records| hosted(domain, records)).collect();
    (sets, by_key)
}

fn hosted(domain: &Name, records: &[Record]) -> Option<HostedSet> {
    let first = &records.first()?.fields;
    // What is no domain name is in nobody's way.
    let name = full_name(&first.rr, domain).ok()?;
    let Ok(record_type) = first.record_type.parse::<RecordType>() else {
        // Its own types answer with addresses.
        return Some(HostedSet::special(name, RecordType::A, format!("a {}", first.record_type)));
    };
    if let Some(what) = records.iter().find_map(special) {
        return Some(HostedSet::special(name, record_type, what));
    }
    let values: Option<Vec<Rdata>> =
        records.iter().map(|record| rdata(record_type, &record.fields.value)).collect();
    Some(match values.and_then(|values| RecordSet::new(record_type, first.ttl, values)) {
        Some(set) if records.iter().all(|record| record.fields.ttl == set.ttl) => {
            HostedSet::plain(name, set)
        }
        // A set that was left half written has two TTLs: as it stands it equals nothing wanted.
        Some(mut set) => {
            set.ttl = 0;
            HostedSet::plain(name, set)
        }
        None => HostedSet::special(name, record_type, format!("a {record_type} of another form")),
    })
}

fn special(record: &Record) -> Option<String> {
    let Record { fields, enabled, locked, .. } = record;
    if *locked {
        Some("a locked record".into())
    } else if !enabled {
        Some("a paused record".into())
    } else {
        (fields.line != LINE_DEFAULT).then(|| format!("a record of line {}", fields.line))
    }
}

fn rdata(record_type: RecordType, value: &str) -> Option<Rdata> {
    match record_type {
        RecordType::A => value.parse().ok().map(Rdata::a),
        RecordType::AAAA => value.parse().ok().map(Rdata::aaaa),
        RecordType::CNAME => Name::parse(value).ok().map(|name| Rdata::name(&name)),
        RecordType::TXT => Some(txt::rdata(value.trim_matches('"').as_bytes())),
        _ => None,
    }
}

/// The records of one set.
pub fn fields(domain: &Name, name: &Name, set: &RecordSet) -> Vec<RecordFields> {
    let Some(rr) = host_record(name, domain) else { return Vec::new() };
    let value = |value: &Rdata| match set.record_type {
        RecordType::TXT => {
            txt::bytes(value).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => {
            let text = value.display(set.record_type).to_string();
            Some(text.strip_suffix('.').map(str::to_owned).unwrap_or(text))
        }
    };
    let record = |value: String| RecordFields {
        rr: rr.clone(),
        record_type: set.record_type.to_string(),
        line: LINE_DEFAULT.to_owned(),
        value,
        ttl: set.ttl,
        priority: None,
    };
    set.values().iter().filter_map(value).map(record).collect()
}

/// Seconds; the same in every plan.
const TTL_MAX: u32 = 86_400;

/// What AliDNS tells of a plan, in the words of all providers.
pub fn limits(plan: PlanLimits, clock_ahead: Option<i64>) -> Limits {
    let mut unknown = Vec::new();
    let PlanLimits { version_name, ttl_min, levels_max, levels_used, .. } = plan;
    let PlanLimits { addresses_max, records_max, records, name_servers, expired, .. } = plan;
    let name_servers = known(name_servers, &mut unknown).unwrap_or_default();
    Limits {
        plan: known(version_name, &mut unknown).or_else(|| plan.version_code.value().cloned()),
        ttl_min: known(ttl_min, &mut unknown),
        ttl_max: Some(TTL_MAX),
        depth_max: known(levels_max, &mut unknown),
        depth_used: known(levels_used, &mut unknown).unwrap_or(0),
        addresses_max: known(addresses_max, &mut unknown),
        records_max: known(records_max, &mut unknown),
        records: known(records, &mut unknown),
        counts_sets: false,
        is_private: false,
        // Where AliDNS may not be asked, fedns looks at the parent itself.
        delegated: plan.delegation.value().map(|it| it.found.clone()),
        name_servers,
        rights: Some(
            "the key may read; AliDNS has no way to try a write, so the first one proves the rest"
                .into(),
        ),
        clock_ahead,
        is_expired: known(expired, &mut unknown).unwrap_or(false),
        unknown,
    }
}

fn known<T>(limit: Limit<T>, unknown: &mut Vec<String>) -> Option<T> {
    match limit {
        Limit::Told(value) | Limit::Documented(value) => Some(value),
        Limit::Unknown(reason) => {
            if !unknown.contains(&reason) {
                unknown.push(reason);
            }
            None
        }
    }
}
