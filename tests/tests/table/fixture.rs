use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Name, Rdata, RecordSet, RecordType};
use providers::Provider;
use providers::hosted::{Form, HostedSet};
use tests::fakes::clock::VirtualClock;
use tests::judge::Judge;
use tests::mirroring::{self, Mirroring};

/// A zone that its judge looks after, and the mirror of it.
pub(super) struct Fixture<J> {
    pub(super) judge: J,
    clock: Arc<VirtualClock>,
}

// === impl Fixture ===

impl<J: Judge> Fixture<J> {
    pub(super) fn new() -> Self {
        let clock = mirroring::clock();
        Self { judge: J::start(Arc::clone(&clock)), clock }
    }

    /// Begins to mirror.
    pub(super) fn mirror(&self) -> Mirroring {
        let connect = self.judge.connect();
        Mirroring::start(&self.clock, || async { connect().await.expect("the zone is there") })
    }

    /// `label.default.fed.svc` in the zone.
    pub(super) fn name(&self, label: &str) -> Name {
        let name = format!("{label}.default.fed.svc.{}", self.judge.zone());
        Name::parse(&name).expect("a name")
    }

    /// What stands there of ours, without markers: `label ttl type value`.
    pub(super) fn ours(&self) -> Vec<String> {
        let suffix = format!(".default.fed.svc.{}", self.judge.zone());
        let lines = self.judge.records().into_iter();
        let ours = lines.filter(|line| !line.contains("heritage="));
        let short = ours.filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let label = name.strip_suffix(&suffix)?;
            Some(format!("{label} {}", rest.replace(&suffix, "")))
        });
        short.collect()
    }

    /// What stands there and is not ours.
    pub(super) fn theirs(&self) -> Vec<String> {
        let mut lines = self.judge.records();
        lines.retain(|line| !line.contains("heritage=") && !line.contains(".default.fed.svc."));
        lines
    }

    /// What our own client lists besides SOA and NS, in the judge's form. Sets of types that are never ours
    /// may be listed as something of the provider's own; they are left out here, and put into `special`.
    pub(super) fn listed(&self, special: &mut Vec<String>) -> Vec<String> {
        let connect = self.judge.connect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let sets = runtime.expect("make a runtime").block_on(async {
            let provider: Arc<dyn Provider> = connect().await.expect("the zone is there");
            provider.list().await.expect("a list")
        });
        let mut lines = Vec::new();
        for set in sets.iter().filter(|set| !is_zones_own(set)) {
            let (name, record_type) = (&set.name, set.record_type);
            let Form::Plain(records) = &set.form else {
                special.push(format!("{name} {record_type}"));
                continue;
            };
            let ttl = records.ttl;
            lines.extend(
                records.value_texts().map(|value| format!("{name} {ttl} {record_type} {value}")),
            );
        }
        lines.sort();
        lines
    }
}

/// What a zone has from its beginning; the address is that of a name server's own.
fn is_zones_own(set: &HostedSet) -> bool {
    let is_servers = set.name.to_string().starts_with("ns1.");
    is_servers || [RecordType::SOA, RecordType::NS].contains(&set.record_type)
}

/// Addresses with a TTL.
pub(super) fn a(ttl: u32, addresses: &[&str]) -> RecordSet {
    let values = addresses.iter().map(|it| Rdata::a(it.parse().expect("an address")));
    RecordSet::new(RecordType::A, ttl, values).expect("addresses")
}

pub(super) fn aaaa(ttl: u32, addresses: &[&str]) -> RecordSet {
    let values = addresses.iter().map(|it| Rdata::aaaa(it.parse().expect("an address")));
    RecordSet::new(RecordType::AAAA, ttl, values).expect("addresses")
}

pub(super) fn cname(ttl: u32, target: &Name) -> RecordSet {
    RecordSet::single(RecordType::CNAME, ttl, Rdata::name(target))
}

/// What differs between two lists of lines, with how often each stands in the second more than in the
/// first: ten thousand lines are no message.
pub(super) fn difference(before: &[String], after: &[String]) -> BTreeMap<String, i32> {
    let mut counts = BTreeMap::new();
    for line in before {
        *counts.entry(line.clone()).or_default() -= 1;
    }
    for line in after {
        *counts.entry(line.clone()).or_default() += 1;
    }
    counts.retain(|_, count| *count != 0);
    counts
}
