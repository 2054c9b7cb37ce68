//! Values that several keys have.

use model::{Level, Levels};

use crate::config::read::Reader;
use crate::config::tree::Node;

/// RFC 2181 section 8 allows 0 to 2^31 - 1; we want at least a second.
pub(super) fn read_ttl(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    let duration = reader.duration(node)?;
    match u32::try_from(duration.as_secs()) {
        Ok(seconds @ 1..=0x7fff_ffff) if duration.subsec_nanos() == 0 => Some(seconds),
        _ => {
            reader.wanted(node, "1 to 2147483647 whole seconds");
            None
        }
    }
}

pub(super) fn read_levels(reader: &mut Reader<'_>, node: &Node) -> Option<Levels> {
    let words = Level::ALL.map(|level| (level.to_string(), level));
    let words: Vec<(&str, Level)> =
        words.iter().map(|(word, level)| (word.as_str(), *level)).collect();
    if reader.list(node).is_empty() {
        reader.value_problem(node, "no level is made; wanted some of global, region, zone");
    }
    Levels::new(reader.items(Some(node), |reader, node| reader.word(node, &words)))
}
