//! One cluster's state file: a snapshot of its shards, then the changes since, a line each.

use model::{ClusterName, Observed, ServiceKey, ServiceShard, Topology};
use serde::{Deserialize, Serialize};
use watcher::{Memory, Saved};

use super::lines::{self, Damage};

const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Line {
    Header { format: u32, cluster: ClusterName, shards: usize },
    Shard(ServiceKey, ServiceShard),
    Removed(ServiceKey),
    Topology(Topology),
    Memory(Memory),
}

/// What a file held.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Shards only: what was left out is not kept.
    pub saved: Saved,
    /// The last change was cut off and is lost.
    pub cut: bool,
}

/// A whole new file.
pub fn encode(cluster: &ClusterName, saved: &Saved) -> Vec<u8> {
    let shards: Vec<_> = saved.view.shards().collect();
    let mut bytes = Vec::new();
    let header = Line::Header { format: FORMAT, cluster: cluster.clone(), shards: shards.len() };
    lines::encode(&header, &mut bytes);
    for (key, shard) in shards {
        lines::encode(&Line::Shard(key.clone(), shard.clone()), &mut bytes);
    }
    lines::encode(&Line::Topology(saved.view.topology.clone()), &mut bytes);
    lines::encode(&Line::Memory(saved.memory.clone()), &mut bytes);
    bytes
}

/// Reads a file back. A cut last line is tolerated only behind a complete snapshot.
pub fn decode(cluster: &ClusterName, bytes: &[u8]) -> Result<Loaded, Damage> {
    check_format(bytes)?;
    let decoded = lines::decode::<Line>(bytes)?;
    let mut values = decoded.values.into_iter();
    let expected = match values.next() {
        Some(Line::Header { cluster: found, shards, .. }) if found == *cluster => shards,
        Some(Line::Header { cluster: found, .. }) => {
            return Err(Damage::WrongSubject { found: found.to_string() });
        }
        _ => return Err(Damage::BadLine { line: 1 }),
    };
    let mut saved = Saved::default();
    let mut count = 0;
    let mut complete = false;
    for line in values {
        match line {
            Line::Shard(..) if !complete => count += 1,
            _ => complete = true,
        }
        apply(&mut saved, line);
        complete |= count == expected;
    }
    if count < expected || (expected == 0 && !complete) {
        return Err(Damage::Short { expected, found: count });
    }
    Ok(Loaded { saved, cut: decoded.cut })
}

fn apply(saved: &mut Saved, line: Line) {
    match line {
        Line::Shard(key, shard) => {
            saved.view.services.insert(key, Observed::Shard(shard));
        }
        Line::Removed(key) => {
            saved.view.services.remove(&key);
        }
        Line::Topology(topology) => saved.view.topology = topology,
        Line::Memory(memory) => saved.memory = memory,
        Line::Header { .. } => {}
    }
}

/// A later version may have lines that this one cannot read, so its number is looked at first.
fn check_format(bytes: &[u8]) -> Result<(), Damage> {
    #[derive(Deserialize)]
    struct AnyHeader {
        header: AnyFormat,
    }
    #[derive(Deserialize)]
    struct AnyFormat {
        format: u32,
    }
    let first = bytes.split_inclusive(|byte| *byte == b'\n').next().ok_or(Damage::Empty)?;
    match lines::decode::<AnyHeader>(first) {
        Ok(decoded) => match decoded.values.first().map(|any| any.header.format) {
            Some(FORMAT) => Ok(()),
            Some(found) => Err(Damage::LaterFormat { found, known: FORMAT }),
            None => Err(Damage::BadLine { line: 1 }),
        },
        Err(damage) => Err(damage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::UnixTime;

    fn cluster() -> ClusterName {
        ClusterName::new("beijing")
    }

    fn memory(seconds: u64) -> Memory {
        let last_contact = Some(UnixTime(seconds));
        Memory { uid: Some("c0ffee".into()), last_contact, ..Memory::default() }
    }

    fn saved() -> Saved {
        let mut saved = Saved { memory: memory(1_700_000_000), ..Saved::default() };
        for (name, address) in [("a", "192.0.2.1"), ("b", "2001:db8::1")] {
            let shard = ServiceShard::healthy([address.parse().unwrap()]);
            saved.view.services.insert(ServiceKey::new("default", name), Observed::Shard(shard));
        }
        saved
    }

    #[test]
    fn a_snapshot_and_its_changes_come_back() {
        let mut bytes = encode(&cluster(), &saved());
        let loaded = decode(&cluster(), &bytes).unwrap();
        assert_eq!(loaded, Loaded { saved: saved(), cut: false });

        lines::encode(&Line::Removed(ServiceKey::new("default", "a")), &mut bytes);
        lines::encode(&Line::Memory(memory(1_800_000_000)), &mut bytes);
        let loaded = decode(&cluster(), &bytes).unwrap();
        assert_eq!(loaded.saved.view.services.len(), 1);
        assert_eq!(loaded.saved.memory, memory(1_800_000_000));
    }

    #[test]
    fn a_cut_snapshot_is_damage_wherever_it_is_cut() {
        let bytes = encode(&cluster(), &saved());
        let ends: Vec<usize> = (1..=bytes.len()).filter(|end| bytes[end - 1] == b'\n').collect();
        let snapshot_end = ends[2];
        for length in 0..snapshot_end {
            assert!(decode(&cluster(), &bytes[..length]).is_err(), "cut at {length}");
        }
        let loaded = decode(&cluster(), &bytes[..bytes.len() - 4]).unwrap();
        assert!(loaded.cut);
        assert_eq!(loaded.saved.view, saved().view);
    }

    #[test]
    fn other_files_are_refused() {
        let bytes = encode(&cluster(), &saved());
        let other = ClusterName::new("hangzhou");
        let found = "beijing".to_owned();
        assert_eq!(decode(&other, &bytes), Err(Damage::WrongSubject { found }));
        let mut later = Vec::new();
        let header = serde_json::json!({"header": {"format": 9, "news": true}});
        lines::encode(&header, &mut later);
        assert_eq!(decode(&cluster(), &later), Err(Damage::LaterFormat { found: 9, known: 1 }));
    }
}
