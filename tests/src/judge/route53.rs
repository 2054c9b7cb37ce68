//! moto, which checks each signature, and the strict fake, which botocore drives; botocore reads and
//! writes at both.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Name;
use providers::Provider;
use providers::route53::{Client, Options, Route53Zone};

use super::{Connect, Faulty, Judge, parts};
use crate::botocore::{Botocore, set};
use crate::fakes::clock::VirtualClock;
use crate::fakes::route53::{FakeRoute53, Fault};
use crate::moto::Moto;

const ZONE: &str = "fed.example.com";
const CHANGE: &str = "ChangeResourceRecordSets";

/// A zone and the vendor's client of it.
struct Zone {
    aws: Botocore,
    id: String,
    clock: Arc<VirtualClock>,
}

pub struct MotoJudge {
    moto: Moto,
    zone: Zone,
}

pub struct FakeRoute53Judge {
    fake: FakeRoute53,
    zone: Zone,
}

// === impl Zone ===

impl Zone {
    fn create(aws: Botocore, clock: Arc<VirtualClock>) -> Self {
        Self { aws, id: aws.create_zone(ZONE), clock }
    }

    fn connect(&self, zone: &'static str) -> Connect {
        let (clock, [id, secret]) = (Arc::clone(&self.clock), self.aws.key);
        let endpoint = format!("http://127.0.0.1:{}", self.aws.port);
        Box::new(move || {
            Box::pin(async move {
                let options = Options { endpoint: Some(endpoint), ..Options::default() };
                let client = Client::with_key(options, [id, secret], clock).await;
                let zone = client.zone_by_name(&Name::parse(zone).expect("a name")).await?;
                let provider = Route53Zone::new(Arc::new(client), zone, None);
                Ok(Arc::new(provider) as Arc<dyn Provider>)
            })
        })
    }

    fn records(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for set in self.aws.sets(&self.id) {
            let text = |key: &str| set[key].as_str().expect("a text").replace("\\052", "*");
            if ["SOA", "NS"].contains(&text("Type").as_str()) {
                continue;
            }
            for record in set["ResourceRecords"].as_array().expect("plain sets only") {
                let value = record["Value"].as_str().expect("a text");
                let (name, record_type) = (text("Name"), text("Type"));
                lines.push(format!("{name} {} {record_type} {value}", set["TTL"]));
            }
        }
        lines.sort();
        lines
    }

    fn put(&self, lines: &[&str]) {
        let mut sets: BTreeMap<[&str; 3], Vec<&str>> = BTreeMap::new();
        for [name, ttl, record_type, value] in lines.iter().map(|line| parts(line)) {
            sets.entry([name, ttl, record_type]).or_default().push(value);
        }
        let changes = sets.into_iter().map(|([name, ttl, record_type], values)| {
            ("CREATE", set(name, record_type, ttl.parse().expect("a TTL"), &values))
        });
        let result = self.aws.change(&self.id, &changes.collect::<Vec<_>>());
        assert!(result.get("answer").is_some(), "{result}");
    }
}

/// What both have in common.
macro_rules! zone_methods {
    () => {
        fn zone(&self) -> Name {
            Name::parse(ZONE).expect("a name")
        }

        fn connect(&self) -> Connect {
            self.zone.connect(ZONE)
        }

        fn connect_elsewhere(&self) -> Connect {
            self.zone.connect("example.org")
        }

        fn records(&self) -> Vec<String> {
            self.zone.records()
        }

        fn put(&self, lines: &[&str]) {
            self.zone.put(lines);
        }
    };
}

impl Judge for MotoJudge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        let moto = Moto::start();
        let zone = Zone::create(moto.botocore(), clock);
        Self { moto, zone }
    }

    zone_methods!();

    fn writes(&self) -> usize {
        self.called("POST")
    }

    fn calls(&self) -> usize {
        self.called("GET") + self.called("POST")
    }
}

impl MotoJudge {
    fn called(&self, method: &str) -> usize {
        let count = self.moto.calls()[method].as_u64().expect("a number");
        usize::try_from(count).expect("few calls")
    }
}

impl Judge for FakeRoute53Judge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        let fake = FakeRoute53::start();
        let zone = Zone::create(fake.botocore(), clock);
        Self { fake, zone }
    }

    zone_methods!();

    fn writes(&self) -> usize {
        self.fake.count(CHANGE)
    }

    fn calls(&self) -> usize {
        self.fake.calls()
    }
}

impl Faulty for FakeRoute53Judge {
    fn throttle(&self) {
        self.fake.inject(CHANGE, [Fault::Throttle, Fault::PriorRequest, Fault::Throttle]);
    }

    fn lose_answer(&self) {
        self.fake.inject(CHANGE, [Fault::CloseAfter]);
    }
}
