//! Google's own stand-in, and the strict fake, which Google's Python client drives; that client reads and
//! writes at both.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::Name;
use providers::Provider;
use providers::clouddns::{Client, CloudDnsZone, Options};
use providers::sync::change::Policy;

use super::{Connect, Faulty, Judge, parts};
use crate::fakes::clock::VirtualClock;
use crate::fakes::clouddns::{FakeCloudDns, Fault};
use crate::google::{Google, service_account, set};
use crate::local_dns_helper::LocalDnsHelper;
use crate::scratch::Scratch;

const ID: &str = "fed-example-com";
const ZONE: &str = "fed.example.com.";
const CREATE: &str = "changes.create";

/// A zone and the vendor's client of it.
struct Zone {
    google: Google,
    key: Option<PathBuf>,
    clock: Arc<VirtualClock>,
}

pub struct LocalDnsHelperJudge {
    helper: LocalDnsHelper,
    zone: Zone,
}

pub struct FakeCloudDnsJudge {
    fake: FakeCloudDns,
    zone: Zone,
    _folder: Scratch,
}

// === impl Zone ===

impl Zone {
    fn create(google: Google, key: Option<PathBuf>, clock: Arc<VirtualClock>) -> Self {
        google.create_zone(ID, ZONE, "public");
        Self { google, key, clock }
    }

    fn connect(&self, zone: &'static str) -> Connect {
        let clock = Arc::clone(&self.clock);
        let options = Options {
            config_file: self.key.clone(),
            project: Some(self.google.project.to_owned()),
            endpoint: Some(format!("http://127.0.0.1:{}", self.google.port)),
        };
        Box::new(move || {
            Box::pin(async move {
                let client = Client::new(options, |_| None, clock).await?;
                let zone = client.zone_by_name(&Name::parse(zone).expect("a name")).await?;
                let provider = CloudDnsZone::open(Arc::new(client), zone, Policy::Sync).await?;
                Ok(Arc::new(provider) as Arc<dyn Provider>)
            })
        })
    }

    fn records(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for set in self.google.sets(ID) {
            let text = |key: &str| set[key].as_str().expect("a text");
            if ["SOA", "NS"].contains(&text("type")) {
                continue;
            }
            for record in set["rrdatas"].as_array().expect("a list") {
                let value = record.as_str().expect("a text");
                lines.push(format!("{} {} {} {value}", text("name"), set["ttl"], text("type")));
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
        let sets = sets.into_iter().map(|([name, ttl, record_type], values)| {
            set(name, record_type, ttl.parse().expect("a TTL"), &values)
        });
        let result = self.google.change(ID, &sets.collect::<Vec<_>>(), &[]);
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
            self.zone.connect("example.org.")
        }

        fn records(&self) -> Vec<String> {
            self.zone.records()
        }

        fn put(&self, lines: &[&str]) {
            self.zone.put(lines);
        }
    };
}

impl Judge for LocalDnsHelperJudge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        let helper = LocalDnsHelper::start(Duration::ZERO);
        let zone = Zone::create(helper.google(), None, clock);
        Self { helper, zone }
    }

    zone_methods!();

    fn writes(&self) -> usize {
        self.helper.count("POST")
    }

    fn calls(&self) -> usize {
        self.helper.count("GET") + self.writes()
    }
}

impl Judge for FakeCloudDnsJudge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        let fake = FakeCloudDns::start();
        let account = service_account();
        fake.trust(&account);
        let folder = Scratch::new("clouddns");
        folder.write("key.json", account.file());
        let key = Some(folder.path().join("key.json"));
        let zone = Zone::create(fake.google(), key, clock);
        Self { fake, zone, _folder: folder }
    }

    zone_methods!();

    fn writes(&self) -> usize {
        self.fake.count(CREATE)
    }

    fn calls(&self) -> usize {
        self.fake.calls()
    }
}

impl Faulty for FakeCloudDnsJudge {
    fn throttle(&self) {
        let limit = Fault::Refuse { status: 403, reason: "rateLimitExceeded" };
        self.fake.inject(CREATE, [Fault::Throttle, limit, Fault::Throttle]);
    }

    fn lose_answer(&self) {
        self.fake.inject(CREATE, [Fault::CloseAfter]);
    }
}
