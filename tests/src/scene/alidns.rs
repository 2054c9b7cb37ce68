use super::Host;
use crate::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET};

/// The domain that scenes at AliDNS are about.
pub const ALIDNS_ZONE: &str = "spacexnice.xyz";

impl Host for FakeAliDns {
    fn zone(&self) -> &str {
        ALIDNS_ZONE
    }

    fn entry(&self) -> String {
        format!(
            "kind: alidns, configFile: ./alidns.yaml, endpoint: \"{}\", nameServers: []",
            self.endpoint()
        )
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        let file = format!(
            "[Global]\naccess-key-id = {KEY_ID}\naccess-key-secret = {KEY_SECRET}\n\
             zones = {ALIDNS_ZONE}.\n"
        );
        vec![("alidns.yaml", file)]
    }

    fn data(&self) -> Vec<String> {
        let mut lines = self.lines(ALIDNS_ZONE);
        lines.retain(|line| !line.contains(" TXT "));
        lines
    }

    fn data_lines(&self) -> Vec<String> {
        let line = |line: String| {
            let words: Vec<&str> = line.split(' ').collect();
            let [rr, record_type, "default", ttl, value] = words.as_slice() else {
                panic!("no record of ours: {line}")
            };
            let dot = if *record_type == "CNAME" { "." } else { "" };
            format!("{rr}.{ALIDNS_ZONE}. {ttl} {record_type} {value}{dot}")
        };
        let mut lines: Vec<String> = self.data().into_iter().map(line).collect();
        lines.sort();
        lines
    }
}
