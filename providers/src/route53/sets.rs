//! Route53's record sets as those of all providers, and back.

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{ResourceRecord, ResourceRecordSet, RrType};
use model::{Name, Rdata, RecordSet, RecordType};

use super::text;
use crate::hosted::HostedSet;

/// A listed set; `None` where its name is no domain name, and so in nobody's way.
pub fn hosted(set: &ResourceRecordSet) -> Option<HostedSet> {
    let name = text::name(set.name())?;
    // A type that is not known answers nobody's question for addresses.
    let record_type = set.r#type().as_str().parse().unwrap_or(RecordType::NULL);
    if let Some(what) = special(set) {
        return Some(HostedSet::special(name, record_type, what));
    }
    let other = || HostedSet::special(name.clone(), record_type, format!("a {} set", set.r#type()));
    Some(plain(record_type, set).map_or_else(other, |set| HostedSet::plain(name.clone(), set)))
}

/// What only Route53 has, in its words.
fn special(set: &ResourceRecordSet) -> Option<String> {
    if let Some(target) = set.alias_target() {
        return Some(format!("an alias of {}", target.dns_name()));
    }
    if let Some(identifier) = set.set_identifier() {
        return Some(format!("a {} set {identifier:?}", policy(set)));
    }
    if let Some(policy) = set.traffic_policy_instance_id() {
        return Some(format!("a set of the traffic policy {policy}"));
    }
    set.health_check_id().map(|check| format!("a set with the health check {check}"))
}

/// The routing policy that makes a set one of several.
fn policy(set: &ResourceRecordSet) -> &'static str {
    let policies = [
        (set.weight().is_some(), "weighted"),
        (set.region().is_some(), "latency"),
        (set.geo_location().is_some(), "geolocation"),
        (set.geo_proximity_location().is_some(), "geoproximity"),
        (set.failover().is_some(), "failover"),
        (set.multi_value_answer().is_some(), "multivalue"),
        (set.cidr_routing_config().is_some(), "IP-based"),
    ];
    policies.iter().find(|(is_so, _)| *is_so).map_or("routed", |(_, word)| word)
}

fn plain(record_type: RecordType, set: &ResourceRecordSet) -> Option<RecordSet> {
    let ttl = u32::try_from(set.ttl()?).ok()?;
    let values: Option<Vec<Rdata>> =
        set.resource_records().iter().map(|record| rdata(record_type, record.value())).collect();
    RecordSet::new(record_type, ttl, values?)
}

fn rdata(record_type: RecordType, value: &str) -> Option<Rdata> {
    match record_type {
        RecordType::A => value.parse().ok().map(Rdata::a),
        RecordType::AAAA => value.parse().ok().map(Rdata::aaaa),
        RecordType::CNAME => text::name(value).map(|name| Rdata::name(&name)),
        RecordType::TXT => text::txt(value),
        _ => None,
    }
}

/// The set as it is sent.
pub fn sent(name: &Name, set: &RecordSet) -> Result<ResourceRecordSet, BuildError> {
    let records: Result<Vec<ResourceRecord>, BuildError> =
        values(set).map(|value| ResourceRecord::builder().value(value).build()).collect();
    ResourceRecordSet::builder()
        .name(text::of_name(name))
        .r#type(RrType::from(set.record_type.to_string().as_str()))
        .ttl(i64::from(set.ttl))
        .set_resource_records(Some(records?))
        .build()
}

/// The value of each record, as it is sent.
pub fn values(set: &RecordSet) -> impl Iterator<Item = String> + '_ {
    let record_type = set.record_type;
    set.values().iter().map(move |value| {
        let own = match record_type {
            RecordType::CNAME => value.as_name().map(|name| text::of_name(&name)),
            RecordType::TXT => text::of_txt(value),
            _ => None,
        };
        own.unwrap_or_else(|| value.display(record_type).to_string())
    })
}

/// True where the same set would be sent in the very words in which it was listed.
pub fn is_as_sent(listed: &ResourceRecordSet, set: &RecordSet) -> bool {
    let mut ours: Vec<String> = values(set).collect();
    let mut theirs: Vec<&str> =
        listed.resource_records().iter().map(ResourceRecord::value).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    ours.iter().map(String::as_str).eq(theirs)
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::AliasTarget;

    use super::*;

    fn listed(record_type: RrType, values: &[&str]) -> ResourceRecordSet {
        let record = |value: &&str| ResourceRecord::builder().value(*value).build().unwrap();
        ResourceRecordSet::builder()
            .name("\\052.example.com.")
            .r#type(record_type)
            .ttl(180)
            .set_resource_records(Some(values.iter().map(record).collect()))
            .build()
            .unwrap()
    }

    #[track_caller]
    fn reads(set: &ResourceRecordSet, expect: &[&str]) {
        let hosted = hosted(set).unwrap();
        assert_eq!(hosted.name.to_string(), "*.example.com.");
        let plain = hosted.records().unwrap_or_else(|| panic!("{hosted:?}"));
        assert_eq!(plain.ttl, 180);
        assert_eq!(plain.value_texts().collect::<Vec<_>>(), expect);
        let again = sent(&hosted.name, plain).unwrap();
        assert_eq!(super::hosted(&again).unwrap(), hosted);
    }

    #[test]
    fn plain_sets_are_read() {
        reads(&listed(RrType::A, &["192.0.2.2", "192.0.2.1"]), &["192.0.2.1", "192.0.2.2"]);
        reads(&listed(RrType::Aaaa, &["2001:DB8:0::1"]), &["2001:db8::1"]);
        reads(&listed(RrType::Cname, &["Www.Example.com"]), &["www.example.com."]);
        reads(&listed(RrType::Txt, &["\"a b\" \"\\075\""]), &["\"a b\" \"=\""]);
    }

    #[track_caller]
    fn is_special(set: &ResourceRecordSet, expect: &str) {
        let hosted = hosted(set).unwrap();
        assert_eq!(hosted, HostedSet::special(hosted.name.clone(), hosted.record_type, expect));
    }

    #[test]
    fn what_only_route53_has_is_special() {
        is_special(&listed(RrType::Mx, &["10 mail.example.com."]), "a MX set");
        is_special(&listed(RrType::A, &["localhost"]), "a A set");
        let mut set = listed(RrType::A, &["192.0.2.1"]);
        set.health_check_id = Some("check".into());
        is_special(&set, "a set with the health check check");
        set.set_identifier = Some("blue".into());
        is_special(&set, "a routed set \"blue\"");
        set.weight = Some(0);
        is_special(&set, "a weighted set \"blue\"");
        let alias = AliasTarget::builder().hosted_zone_id("Z").dns_name("lb.example.net.");
        let alias = alias.evaluate_target_health(false).build().unwrap();
        set.alias_target = Some(alias);
        is_special(&set, "an alias of lb.example.net.");
    }

    #[test]
    fn another_spelling_is_told_from_ours() {
        for (value, expect) in [("\"a=b\"", true), ("\"a\\075b\"", false)] {
            let listed = listed(RrType::Txt, &[value]);
            let hosted = hosted(&listed).unwrap();
            assert_eq!(is_as_sent(&listed, hosted.records().unwrap()), expect, "{value}");
        }
    }
}
