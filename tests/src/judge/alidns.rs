//! The strict fake, which both of the vendor's Python clients drive; the newer one reads and writes here.

use std::sync::Arc;

use model::{Name, UnixTime};
use providers::alidns::zone::AliDnsZone;
use providers::alidns::{Client, CredentialSource, Credentials, Options};
use providers::{Clock, Provider, Secret, SystemClock};
use serde_json::{Value, json};

use super::{Connect, Faulty, Judge, parts};
use crate::aliyun::{Sdk, call};
use crate::eventually::GENEROUS;
use crate::fakes::alidns::{FakeAliDns, Fault, Injection, KEY_ID, KEY_SECRET, Plan};
use crate::fakes::clock::VirtualClock;
use crate::peer::answer;

const DOMAIN: &str = "example.com";
const WRITES: [&str; 3] = ["AddDomainRecord", "UpdateDomainRecord", "DeleteDomainRecord"];
/// The largest page of the service.
const PAGE: usize = 500;

pub struct AliDnsJudge {
    fake: FakeAliDns,
    clock: Arc<VirtualClock>,
}

// === impl AliDnsJudge ===

impl AliDnsJudge {
    fn connect_to(&self, domain: &'static str) -> Connect {
        let options =
            Options { endpoint: self.fake.endpoint(), timeout: GENEROUS, ..Options::default() };
        let clock = Arc::clone(&self.clock);
        Box::new(move || {
            Box::pin(async move {
                let credentials = CredentialSource::Fixed(Credentials {
                    access_key_id: KEY_ID.to_owned(),
                    access_key_secret: Secret::new(KEY_SECRET),
                    security_token: None,
                    expires: None,
                });
                let client = Client::new(options, credentials, clock).expect("make a client");
                let domain = Name::parse(domain).expect("a name");
                Ok(Arc::new(AliDnsZone::new(Arc::new(client), domain)) as Arc<dyn Provider>)
            })
        })
    }

    /// The vendor's client knows the machine's time only, so it is AliDNS's for as long.
    fn sdk(&self, calls: &[Value]) -> Vec<Value> {
        let [real, ours] =
            [SystemClock.unix(), self.clock.unix()].map(|UnixTime(seconds)| seconds.cast_signed());
        self.fake.set_clock_ahead(real - ours);
        let results = Sdk::V3.understands(self.fake.port(), &[KEY_ID, KEY_SECRET], calls);
        self.fake.set_clock_ahead(0);
        results
    }
}

impl Judge for AliDnsJudge {
    /// It takes no quotes and no backslashes.
    const ODD_TEXT: &str = "\"go: a=b c/d+e.~*^!,_@\"";

    fn start(clock: Arc<VirtualClock>) -> Self {
        let fake = FakeAliDns::start_at(clock.clone());
        fake.add_domain(DOMAIN, None, Plan::enterprise_ultimate());
        Self { fake, clock }
    }

    fn zone(&self) -> Name {
        Name::parse(DOMAIN).expect("a name")
    }

    fn connect(&self) -> Connect {
        self.connect_to(DOMAIN)
    }

    fn connect_elsewhere(&self) -> Connect {
        self.connect_to("example.org")
    }

    fn records(&self) -> Vec<String> {
        let page = |number: usize| {
            let parameters =
                json!({ "DomainName": DOMAIN, "PageNumber": number, "PageSize": PAGE });
            call("DescribeDomainRecords", parameters)
        };
        let total = self.fake.records(DOMAIN).len();
        let pages: Vec<Value> = (1..=total.div_ceil(PAGE).max(1)).map(page).collect();
        let answers = self.sdk(&pages);
        let records = answers
            .iter()
            .flat_map(|page| answer(page)["DomainRecords"]["Record"].as_array().expect("a list"));
        let mut lines: Vec<String> = records.map(line).collect();
        assert_eq!(lines.len(), total, "the vendor's client reads all");
        lines.sort();
        lines
    }

    fn put(&self, lines: &[&str]) {
        let add = |line: &&str| {
            let [name, ttl, record_type, value] = parts(line);
            let ttl: u32 = ttl.parse().expect("a TTL");
            let name = name.trim_end_matches('.');
            let rr = match name.strip_suffix(DOMAIN).expect("a name of the zone") {
                "" => "@",
                rr => rr.trim_end_matches('.'),
            };
            let (priority, value) = match record_type {
                "MX" => {
                    let (priority, host) = value.split_once(' ').expect("a priority");
                    (priority.parse::<u32>().ok(), host.trim_end_matches('.').to_owned())
                }
                "TXT" => (None, read_text(value)),
                _ => (None, value.trim_end_matches('.').to_owned()),
            };
            let mut parameters = json!({
                "DomainName": DOMAIN, "RR": rr, "Type": record_type, "Value": value, "TTL": ttl
            });
            if let Some(priority) = priority {
                parameters["Priority"] = json!(priority);
            }
            call("AddDomainRecord", parameters)
        };
        for result in self.sdk(&lines.iter().map(add).collect::<Vec<_>>()) {
            answer(&result);
        }
    }

    fn writes(&self) -> usize {
        WRITES.iter().map(|action| self.fake.count(action)).sum()
    }

    fn calls(&self) -> usize {
        self.fake.calls().len()
    }
}

impl Faulty for AliDnsJudge {
    fn throttle(&self) {
        for action in WRITES {
            let fault = Fault::Throttle { retry_after: None };
            self.fake.inject(Injection::of(fault).on(action).times(3));
        }
    }

    fn lose_answer(&self) {
        for action in WRITES {
            self.fake.inject(Injection::of(Fault::CloseAfter).on(action));
        }
    }
}

fn line(record: &Value) -> String {
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    let name = match text("RR") {
        "@" => format!("{DOMAIN}."),
        rr => format!("{rr}.{DOMAIN}."),
    };
    let value = match text("Type") {
        "TXT" => write_text(text("Value")),
        "CNAME" => format!("{}.", text("Value").trim_end_matches('.')),
        "MX" => format!("{} {}.", record["Priority"], text("Value").trim_end_matches('.')),
        _ => text("Value").to_owned(),
    };
    format!("{name} {} {} {value}", record["TTL"], text("Type"))
}

/// AliDNS has the text itself; in a master file it stands in quotes, up to 255 bytes in each.
fn write_text(text: &str) -> String {
    let chunks: Vec<String> = text
        .as_bytes()
        .chunks(255)
        .map(|chunk| String::from_utf8(chunk.to_vec()).expect("ASCII"))
        .map(|chunk| format!("\"{}\"", chunk.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    chunks.join(" ")
}

fn read_text(value: &str) -> String {
    let chunks = value.trim_matches('"').split("\" \"");
    chunks.map(|chunk| chunk.replace("\\\"", "\"").replace("\\\\", "\\")).collect()
}
