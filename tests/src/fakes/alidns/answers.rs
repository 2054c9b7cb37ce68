//! Answers, field by field as the vendor's clients read them.

use serde_json::{Value, json};

use super::domains::{Domain, FakeRecord, NAME_SERVERS, NewRecord};

/// As DescribeDomainRecords lists it.
pub(super) fn record_row(domain: &Domain, it: &FakeRecord) -> Value {
    let mut answer = sub_domain_row(domain, it);
    answer["LbaStatus"] = json!(false);
    answer["CreateTimestamp"] = json!(it.created.0 * 1_000);
    if let Some(updated) = it.updated {
        answer["UpdateTimestamp"] = json!(updated.0 * 1_000);
    }
    answer
}

/// As DescribeSubDomainRecords lists it.
pub(super) fn sub_domain_row(domain: &Domain, it: &FakeRecord) -> Value {
    let mut answer = record(domain, it);
    answer["Weight"] = json!(1);
    answer
}

/// As DescribeDomainRecordInfo tells it.
pub(super) fn record_info(domain: &Domain, it: &FakeRecord) -> Value {
    let mut answer = record(domain, it);
    answer["DomainId"] = json!(id(domain));
    answer["PunyCode"] = json!(domain.name);
    answer
}

/// What all of them have.
fn record(domain: &Domain, it: &FakeRecord) -> Value {
    let FakeRecord { id, record, enabled, locked, remark, created: _, updated: _ } = it;
    let NewRecord { rr, record_type, value, ttl, line, priority } = record;
    let mut answer = json!({
        "RecordId": id, "DomainName": domain.name, "RR": rr, "Type": record_type, "Value": value,
        "TTL": ttl, "Line": line, "Status": if *enabled { "ENABLE" } else { "DISABLE" },
        "Locked": locked,
    });
    if let Some(priority) = priority {
        answer["Priority"] = json!(priority);
    }
    if !remark.is_empty() {
        answer["Remark"] = json!(remark);
    }
    answer
}

/// As DescribeDomains lists it.
pub(super) fn domain(domain: &Domain) -> Value {
    let mut answer = json!({
        "DomainId": id(domain), "DomainName": domain.name, "PunyCode": domain.name,
        "VersionCode": domain.plan.version_code, "VersionName": domain.plan.version_name,
        "RecordCount": domain.record_count(), "AliDomain": true,
        "DnsServers": { "DnsServer": NAME_SERVERS }, "Starmark": false,
    });
    if let Some(instance_id) = &domain.instance_id {
        answer["InstanceId"] = json!(instance_id);
        answer["InstanceExpired"] = json!(domain.plan.expired);
        answer["InstanceEndTime"] = json!("2031-01-01");
    }
    answer
}

/// As DescribeDomainInfo tells it; some fields only if asked for.
pub(super) fn domain_info(domain: &Domain, detailed: bool) -> Value {
    let mut answer = json!({
        "DomainId": id(domain), "DomainName": domain.name, "PunyCode": domain.name,
        "VersionCode": domain.plan.version_code, "VersionName": domain.plan.version_name,
        "InstanceId": domain.instance_id.clone().unwrap_or_default(),
        "DnsServers": { "DnsServer": NAME_SERVERS }, "AliDomain": true,
        "SubDomain": domain.main.is_some(), "InBlackHole": false, "InClean": false,
        "AvailableTtls": { "AvailableTtl": available_ttls(domain) },
    });
    if detailed {
        answer["MinTtl"] = json!(domain.plan.ttl_min);
        answer["LineType"] = json!("region_province");
        answer["RegionLines"] = json!(false);
        answer["SlaveDns"] = json!(false);
    }
    answer
}

pub(super) fn product_instance(domain: &Domain) -> Value {
    let plan = &domain.plan;
    json!({
        "InstanceId": domain.instance_id, "VersionCode": plan.version_code,
        "VersionName": plan.version_name, "TTLMinValue": plan.ttl_min,
        "SubDomainLevel": plan.levels, "DnsSLBCount": plan.addresses, "Domain": domain.name,
        "BindDomainCount": 1, "BindDomainUsedCount": 1, "EndTime": "2031-01-01T00:00Z",
        "URLForwardCount": 0, "PaymentType": "PREPAY",
    })
}

pub(super) fn domain_ns(domain: &Domain) -> Value {
    let expected: Vec<String> = NAME_SERVERS.map(str::to_owned).to_vec();
    let found = domain.delegated_to.clone().unwrap_or_else(|| expected.clone());
    let is_ours = |name: &String| expected.contains(name);
    json!({
        "AllAliDns": found.iter().all(is_ours) && !found.is_empty(),
        "IncludeAliDns": found.iter().any(is_ours),
        "DnsServers": { "DnsServer": found },
        "ExpectDnsServers": { "ExpectDnsServer": expected },
    })
}

/// One page of all that was selected, with its numbers.
pub(super) fn page<T>(
    selected: Vec<T>,
    (number, size): (u64, u64),
    row: impl Fn(T) -> Value,
    wrapped: impl FnOnce(Vec<Value>) -> Value,
) -> Value {
    let total = selected.len();
    let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let size_of_page = usize::try_from(size).expect("a page is small");
    let rows = selected.into_iter().skip(skipped).take(size_of_page).map(row).collect();
    let mut answer = wrapped(rows);
    answer["TotalCount"] = json!(total);
    answer["PageNumber"] = json!(number);
    answer["PageSize"] = json!(size);
    answer
}

fn available_ttls(domain: &Domain) -> Vec<String> {
    let all = [1, 5, 10, 60, 120, 600, 1_800, 3_600, 43_200, 86_400];
    all.iter().filter(|ttl| **ttl >= domain.plan.ttl_min).map(ToString::to_string).collect()
}

fn id(domain: &Domain) -> String {
    format!("00efd71a-770e-4255-b54e-{:012}", domain.number)
}
