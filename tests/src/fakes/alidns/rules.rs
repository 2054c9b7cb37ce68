//! Which records AliDNS takes, and in which form it keeps them.

mod value;

use super::domains::{Domain, FakeRecord, NewRecord};
use super::refusal::Refusal;

const TTL_MAX: u32 = 86_400;
const LINES: [&str; 8] =
    ["default", "telecom", "unicom", "mobile", "edu", "oversea", "btvn", "drpeng"];
const TYPES: [&str; 10] =
    ["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "REDIRECT_URL", "FORWARD_URL"];
/// Types that stand alone at a host record and line.
const ALONE: [&str; 4] = ["CNAME", "NS", "REDIRECT_URL", "FORWARD_URL"];

/// The record as it is kept, if it is taken. `present` is the one that it takes the place of.
pub(super) fn accepted(
    domain: &Domain,
    present: Option<&FakeRecord>,
    mut record: NewRecord,
) -> Result<NewRecord, Refusal> {
    record.rr = record.rr.to_ascii_lowercase();
    let is = |one: &[&str], it: &str| one.contains(&it);
    if !is(&TYPES, &record.record_type) {
        return Err(Refusal::new("SubDomainInvalid.Type", "The DNS record type is invalid."));
    }
    if !is(&LINES, &record.line) {
        return Err(Refusal::new("UnsupportedLine", "The DNS line is not supported."));
    }
    check_rr(&record)?;
    check_levels(domain, &record)?;
    record.value = value::kept(&record)?;
    record.ttl = ttl(domain, record.ttl)?;
    record.priority = priority(&record)?;
    no_duplicate(domain, present, &record)?;
    no_conflict(domain, present, &record)?;
    within_quota(domain, present, &record)?;
    Ok(record)
}

/// Another type at the same host record and line may exclude it.
pub(super) fn no_conflict(
    domain: &Domain,
    present: Option<&FakeRecord>,
    record: &NewRecord,
) -> Result<(), Refusal> {
    let stands_alone = |record_type: &str| ALONE.contains(&record_type);
    let excludes = |other: &FakeRecord| {
        let other_type = other.record.record_type.as_str();
        let two_types = other_type != record.record_type;
        (two_types && (stands_alone(other_type) || stands_alone(&record.record_type)))
            || (!two_types && record.record_type != "NS" && stands_alone(other_type))
    };
    let conflict = others(domain, present, record)
        .any(|other| other.enabled && other.record.line == record.line && excludes(other));
    if !conflict {
        return Ok(());
    }
    Err(Refusal::new(
        "DomainRecordConflict",
        "The DNS record conflicts with other records of the same host record and line.",
    ))
}

fn no_duplicate(
    domain: &Domain,
    present: Option<&FakeRecord>,
    record: &NewRecord,
) -> Result<(), Refusal> {
    let unchanged = present.is_some_and(|present| present.record == *record);
    let same =
        |other: &FakeRecord| NewRecord { ttl: record.ttl, ..other.record.clone() } == *record;
    if !unchanged && !others(domain, present, record).any(same) {
        return Ok(());
    }
    Err(Refusal::new("DomainRecordDuplicate", "The DNS record already exists."))
}

fn within_quota(
    domain: &Domain,
    present: Option<&FakeRecord>,
    record: &NewRecord,
) -> Result<(), Refusal> {
    if present.is_none() && domain.record_count() >= domain.plan.records {
        let message = "The maximum number of DNS records is exceeded.";
        return Err(Refusal::new("QuotaExceeded.Record", message));
    }
    let is_address = matches!(record.record_type.as_str(), "A" | "AAAA");
    let in_set = |other: &&FakeRecord| {
        let other = &other.record;
        other.record_type == record.record_type && other.line == record.line
    };
    let in_set = others(domain, present, record).filter(in_set).count();
    if is_address && in_set >= domain.plan.addresses {
        let message = "The maximum number of A or AAAA records of this host record is exceeded.";
        return Err(Refusal::new("QuotaExceeded.ARecord", message));
    }
    Ok(())
}

/// Those at the same host record, but the one that is being changed.
fn others<'a>(
    domain: &'a Domain,
    present: Option<&'a FakeRecord>,
    record: &NewRecord,
) -> impl Iterator<Item = &'a FakeRecord> {
    let own = present.map(|present| present.id.as_str());
    domain.at(&record.rr).filter(move |other| Some(other.id.as_str()) != own)
}

fn check_rr(record: &NewRecord) -> Result<(), Refusal> {
    let malformed = |_| Refusal::new("InvalidRR.Format", "The format of the host record is wrong.");
    match record.rr.as_str() {
        "@" if record.record_type == "CNAME" => Err(malformed(())),
        "@" => Ok(()),
        rr if rr.len() > 253 || rr.split('.').any(|label| label.len() > 63) => {
            Err(Refusal::new("InvalidRR.Length", "The host record is too long."))
        }
        rr => {
            let (first, rest) =
                rr.split_once('.').map_or((rr, None), |(it, rest)| (it, Some(rest)));
            let no_wildcard = ["TXT", "NS", "SRV"].contains(&record.record_type.as_str());
            let first_is_good = if first == "*" { !no_wildcard } else { is_label(first) };
            let good = first_is_good && rest.is_none_or(|rest| rest.split('.').all(is_label));
            good.then_some(()).ok_or(()).map_err(malformed)
        }
    }
}

fn is_label(label: &str) -> bool {
    let is_good = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it) || is_chinese(it);
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(is_good)
}

fn is_chinese(it: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&it)
}

fn check_levels(domain: &Domain, record: &NewRecord) -> Result<(), Refusal> {
    let labels = if record.rr == "@" { 0 } else { record.rr.split('.').count() };
    let levels = u32::try_from(labels).expect("few labels") + domain.levels_used();
    if levels <= domain.plan.levels {
        return Ok(());
    }
    Err(Refusal::new("QuotaExceeded.SubDomain", "The sub-domain level exceeds the maximum."))
}

fn ttl(domain: &Domain, ttl: u32) -> Result<u32, Refusal> {
    let ttl_min = domain.plan.ttl_min;
    if (ttl_min..=TTL_MAX).contains(&ttl) {
        return Ok(ttl);
    }
    if domain.plan.raises_ttl && ttl < ttl_min {
        return Ok(ttl_min);
    }
    let message = format!(
        "The specified TTL is invalid. A valid TTL must be in the range of {ttl_min} to {TTL_MAX}."
    );
    Err(Refusal::new("QuotaExceeded.TTL", message))
}

fn priority(record: &NewRecord) -> Result<Option<u32>, Refusal> {
    match (record.record_type.as_str(), record.priority) {
        ("MX", Some(1..=50)) => Ok(record.priority),
        ("MX", _) => Err(Refusal::new("SubDomainInvalid.Priority", "The priority is invalid.")),
        _ => Ok(None),
    }
}
