use super::Host;
use crate::name_server::{Key, NameServer, ZONE};

impl Host for NameServer {
    fn zone(&self) -> &str {
        ZONE
    }

    fn entry(&self) -> String {
        format!("kind: rfc2136, server: \"127.0.0.1:{}\", configFile: ./tsig.key", self.port())
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        vec![("tsig.key", self.key_text(Key::Fed))]
    }

    /// As dig transfers it.
    fn data(&self) -> Vec<String> {
        let mut records = self.records();
        records.retain(|line| !line.contains("heritage="));
        records
    }
}
