//! What must hold whatever bytes come, as functions that panic where it does not: fuzzers call them
//! with what they make up, and a test calls them with what fuzzers have found so far.

mod answers;
mod signatures;
mod streams;
#[cfg(test)]
mod tests;
mod zones;

use std::sync::Arc;

use model::{Name, Serial, UnixTime, ZoneContents};
use zone_files::{NoIncludes, Source};

use crate::policy::{Identity, Policy};
use crate::server::special::Special;
use crate::transfer::{Allow, TransferPolicy, Transfers, ZoneTransfer};
use crate::{CookieSecrets, Store, TsigAlgorithm, TsigKey, Writer};

pub use answers::check_query;
pub use signatures::check_signature;
pub use streams::check_stream;
pub use zones::check_zone_file;

const NOW: UnixTime = UnixTime(1_800_000_000);
/// One zone is below the other, and both have what answers can be made of.
const ZONES: [(&str, &str); 2] = [
    ("example.", include_str!("respond/properties/example.zone")),
    ("child.example.", include_str!("respond/properties/child.example.zone")),
];

thread_local! {
    static STAGE: Stage = Stage::new();
}

/// All that queries are answered from.
struct Stage {
    _writer: Writer,
    special: Special,
    keys: Vec<TsigKey>,
    /// Says all that can be said.
    policy: Policy,
}

// === impl Stage ===

impl Stage {
    fn new() -> Self {
        let (mut writer, reader) = Store::new();
        for (zone, text) in ZONES {
            let published = writer.publish(&contents(zone, text), Serial(7));
            let _ = published.expect("the zone has a SOA record");
        }
        let keys: Vec<TsigKey> = TsigAlgorithm::ALL
            .into_iter()
            .map(|(word, algorithm)| TsigKey::new(name(word), algorithm, b"a shared secret"))
            .collect();
        let allow = keys.iter().map(|key| Allow::Key(key.name.clone())).collect();
        let of_zone = ZoneTransfer { allow, notify: Vec::new() };
        let transfers = Arc::new(Transfers::new(|| NOW));
        let zones = [(name("example."), of_zone)].into();
        transfers.configure(TransferPolicy { keys: keys.clone(), zones });
        let told: Option<Box<[u8]>> = Some(b"fedns".as_slice().into());
        let policy = Policy {
            cookies: Some(CookieSecrets::new([7; 16], Vec::new())),
            nsid: told.clone(),
            identity: Identity { version: told.clone(), id: told },
            ..Policy::PLAIN
        };
        Self { _writer: writer, special: Special { reader, transfers }, keys, policy }
    }
}

/// What stands in the zones is not checked: they also have what no one should serve.
fn contents(zone: &str, text: &str) -> ZoneContents {
    let apex = name(zone);
    let mut contents = ZoneContents::new(apex.clone());
    let source = Source { file: zone, text: text.as_bytes() };
    let mut no_includes = NoIncludes;
    for record in zone_files::Reader::new(source, &apex, &mut no_includes).with_default_ttl(300) {
        let record = record.expect("the text is a zone");
        let present = contents.get(&record.name, record.record_type);
        let values = present.map_or(&[][..], model::RecordSet::values).iter().cloned();
        let set =
            model::RecordSet::new(record.record_type, record.ttl, values.chain([record.rdata]));
        contents.insert(record.name, set.expect("there is a record in it"));
    }
    contents
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}
