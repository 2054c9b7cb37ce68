//! Cloud DNS's record sets as those of all providers, and back.

use google_cloud_dns_v1::model::{RRSetRoutingPolicy, ResourceRecordSet};
use model::{Name, Rdata, RecordSet, RecordType};

use crate::hosted::HostedSet;
use crate::txt;

/// A listed set; `None` where its name is no domain name, and so in nobody's way.
pub fn hosted(set: &ResourceRecordSet) -> Option<HostedSet> {
    let name = Name::parse(set.name.as_deref()?).ok()?;
    let word = set.r#type.as_deref().unwrap_or_default();
    // A type that is not known answers nobody's question for addresses.
    let record_type = word.parse().unwrap_or(RecordType::NULL);
    if let Some(policy) = &set.routing_policy {
        let what = format!("a set with a routing policy{}", kind(policy));
        return Some(HostedSet::special(name, record_type, what));
    }
    let other = || HostedSet::special(name.clone(), record_type, format!("a {word} set"));
    Some(plain(record_type, set).map_or_else(other, |set| HostedSet::plain(name.clone(), set)))
}

fn kind(policy: &RRSetRoutingPolicy) -> &'static str {
    let kinds = [
        (policy.wrr.is_some(), " (weighted)"),
        (policy.geo.is_some(), " (geolocation)"),
        (policy.primary_backup.is_some(), " (failover)"),
    ];
    kinds.iter().find(|(is_so, _)| *is_so).map_or("", |(_, word)| word)
}

fn plain(record_type: RecordType, set: &ResourceRecordSet) -> Option<RecordSet> {
    let ttl = u32::try_from(set.ttl?).ok()?;
    let values: Option<Vec<Rdata>> =
        set.rrdatas.iter().map(|text| rdata(record_type, text)).collect();
    RecordSet::new(record_type, ttl, values?)
}

fn rdata(record_type: RecordType, text: &str) -> Option<Rdata> {
    match record_type {
        RecordType::A => text.parse().ok().map(Rdata::a),
        RecordType::AAAA => text.parse().ok().map(Rdata::aaaa),
        RecordType::CNAME => Name::parse(text).ok().map(|name| Rdata::name(&name)),
        RecordType::TXT => txt::parse(text),
        _ => None,
    }
}

/// The set as it is sent: with these four keys and no other, since a deletion is compared as a whole.
pub fn sent(name: &Name, set: &RecordSet) -> ResourceRecordSet {
    // A TTL has 31 bits (RFC 2181 section 8).
    let ttl = i32::try_from(set.ttl).unwrap_or(i32::MAX);
    ResourceRecordSet::new()
        .set_name(name.to_string())
        .set_type(set.record_type.to_string())
        .set_ttl(ttl)
        .set_rrdatas(set.value_texts())
}

/// The listed set as a deletion repeats it: in its own words and its own order.
pub fn repeated(listed: &ResourceRecordSet) -> ResourceRecordSet {
    ResourceRecordSet::new()
        .set_or_clear_name(listed.name.clone())
        .set_or_clear_type(listed.r#type.clone())
        .set_or_clear_ttl(listed.ttl)
        .set_rrdatas(listed.rrdatas.clone())
}

#[cfg(test)]
mod tests {
    use google_cloud_dns_v1::model::RRSetRoutingPolicyWrrPolicy;

    use super::*;

    fn listed(record_type: &str, values: &[&str]) -> ResourceRecordSet {
        ResourceRecordSet::new()
            .set_kind("dns#resourceRecordSet")
            .set_name("*.Example.com.")
            .set_type(record_type)
            .set_ttl(180)
            .set_rrdatas(values.iter().copied())
    }

    #[track_caller]
    fn reads(set: &ResourceRecordSet, expect: &[&str]) {
        let hosted = hosted(set).unwrap();
        assert_eq!(hosted.name.to_string(), "*.example.com.");
        let plain = hosted.records().unwrap_or_else(|| panic!("{hosted:?}"));
        assert_eq!(plain.ttl, 180);
        assert_eq!(plain.value_texts().collect::<Vec<_>>(), expect);
        assert_eq!(super::hosted(&sent(&hosted.name, plain)).unwrap(), hosted);
    }

    #[test]
    fn plain_sets_are_read() {
        reads(&listed("A", &["192.0.2.2", "192.0.2.1"]), &["192.0.2.1", "192.0.2.2"]);
        reads(&listed("AAAA", &["2001:DB8:0::1"]), &["2001:db8::1"]);
        reads(&listed("CNAME", &["Www.Example.com."]), &["www.example.com."]);
        reads(&listed("TXT", &["\"a b\" \"\\061\""]), &["\"a b\" \"=\""]);
    }

    #[test]
    fn a_deletion_repeats_the_words_and_their_order_and_nothing_else() {
        let listed = listed("A", &["192.0.2.2", "192.0.2.1"]).set_signature_rrdatas(["x"]);
        let expect = ResourceRecordSet::new()
            .set_name("*.Example.com.")
            .set_type("A")
            .set_ttl(180)
            .set_rrdatas(["192.0.2.2", "192.0.2.1"]);
        assert_eq!(repeated(&listed), expect);
    }

    #[track_caller]
    fn is_special(set: &ResourceRecordSet, expect: &str) {
        let hosted = hosted(set).unwrap();
        assert_eq!(hosted, HostedSet::special(hosted.name.clone(), hosted.record_type, expect));
    }

    #[test]
    fn what_only_cloud_dns_has_is_special() {
        is_special(&listed("MX", &["10 mail.example.com."]), "a MX set");
        is_special(&listed("A", &["localhost"]), "a A set");
        is_special(&listed("A", &[]), "a A set");
        is_special(&listed("IPSECKEY", &["x"]), "a IPSECKEY set");
        is_special(&listed("A", &["192.0.2.1"]).set_or_clear_ttl(None::<i32>), "a A set");
        let policy = RRSetRoutingPolicy::new();
        let routed = |policy| listed("A", &[]).set_routing_policy(policy);
        is_special(&routed(policy.clone()), "a set with a routing policy");
        let weighted = policy.set_wrr(RRSetRoutingPolicyWrrPolicy::new());
        is_special(&routed(weighted), "a set with a routing policy (weighted)");
    }
}
