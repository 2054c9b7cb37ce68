//! Copies of the saved state in ConfigMaps of the host cluster: a pod without its volume starts from them.
//!
//! ```text
//! [ pipeline ] --> [ state folder ] --keep, the one that writes--> [ ConfigMaps ]
//!                          ^-------- restore, before a start ------------'
//! ```
//!
//! - [`keep`]: copies what has changed, some seconds behind
//! - [`restore`]: puts into the state folder what it lacks, or has older
//! - here: how a copy looks; pure
//!
//! A member's copy is its state file as a snapshot, compressed; beside them stands one with the serials of
//! all zones. What cannot be read is said and left: answers never depend on it.

pub mod keep;
pub mod restore;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

use clusters::federation::names::{
    CLUSTER_LABEL, SERIALS_COPY, STATE_COPY_LABEL, STATE_COPY_PREFIX,
};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::ObjectMeta;
use model::ClusterName;
use watcher::Saved;

use crate::state::cluster_file;
use crate::state::zone_file::SavedZone;

/// Of a member's copy, and of the one with the serials.
const CLUSTER_KEY: &str = "state.gz";
const SERIALS_KEY: &str = "serials";
/// Kubernetes takes 1 MiB, keys and names included.
const SIZE_MAX: usize = 1_000_000;
/// More than the state of any member comes to; a smaller file that says it is larger is rubbish.
const UNPACKED_MAX: u64 = 1 << 30;

/// Differs with a member's state. When it was last in contact changes all the time, and alone is no reason
/// to write.
pub fn digest(cluster: &ClusterName, saved: &Saved) -> u64 {
    let mut saved = saved.clone();
    saved.memory.last_contact = None;
    let mut hasher = DefaultHasher::new();
    cluster_file::encode(cluster, &saved).hash(&mut hasher);
    hasher.finish()
}

/// # Errors
///
/// It is too large.
pub fn of_cluster(cluster: &ClusterName, saved: &Saved) -> Result<ConfigMap, String> {
    let packed = pack(&cluster_file::encode(cluster, saved));
    if packed.len() > SIZE_MAX {
        return Err(format!(
            "the state of cluster {cluster} has {} bytes, compressed, and a ConfigMap takes {SIZE_MAX}",
            packed.len()
        ));
    }
    let labels = [(STATE_COPY_LABEL, "cluster"), (CLUSTER_LABEL, cluster.as_str())];
    let data = BTreeMap::from([(CLUSTER_KEY.to_owned(), ByteString(packed))]);
    let map = config_map(&cluster_copy_name(cluster), &labels);
    Ok(ConfigMap { binary_data: Some(data), ..map })
}

pub fn of_serials(zones: &[SavedZone]) -> ConfigMap {
    let text: Vec<u8> = zones.iter().flat_map(SavedZone::encode).collect();
    // Lines of JSON.
    let text = String::from_utf8_lossy(&text).into_owned();
    let map = config_map(SERIALS_COPY, &[(STATE_COPY_LABEL, "serials")]);
    ConfigMap { data: Some(BTreeMap::from([(SERIALS_KEY.to_owned(), text)])), ..map }
}

/// `None` for a ConfigMap that is no member's copy; `Err` says what is wrong with one that is.
pub fn read_cluster(map: &ConfigMap) -> Option<Result<(ClusterName, Saved), String>> {
    let cluster = ClusterName::new(map.labels().get(CLUSTER_LABEL)?);
    let failed = |why: String| format!("ConfigMap {}: {why}", map.name_any());
    let packed = map.binary_data.as_ref().and_then(|data| data.get(CLUSTER_KEY));
    let Some(ByteString(packed)) = packed else {
        return Some(Err(failed(format!("it has no {CLUSTER_KEY}"))));
    };
    let unpacked = unpack(packed).map_err(|error| failed(format!("{CLUSTER_KEY}: {error}")));
    let read = unpacked.and_then(|bytes| {
        let loaded = cluster_file::decode(&cluster, &bytes);
        loaded.map_err(|damage| failed(format!("{CLUSTER_KEY}: {damage}")))
    });
    Some(read.map(|loaded| (cluster, loaded.saved)))
}

/// `None` for any other ConfigMap.
pub fn read_serials(map: &ConfigMap) -> Option<Result<Vec<SavedZone>, String>> {
    if map.name_any() != SERIALS_COPY {
        return None;
    }
    let text = map.data.as_ref().and_then(|data| data.get(SERIALS_KEY));
    let Some(text) = text else {
        return Some(Err(format!("ConfigMap {SERIALS_COPY}: it has no {SERIALS_KEY}")));
    };
    let lines = text.split_inclusive('\n').map(|line| SavedZone::decode_any(line.as_bytes()));
    let zones: Result<Vec<SavedZone>, _> = lines.collect();
    Some(zones.map_err(|damage| format!("ConfigMap {SERIALS_COPY}: {SERIALS_KEY}: {damage}")))
}

pub fn cluster_copy_name(cluster: &ClusterName) -> String {
    format!("{STATE_COPY_PREFIX}{cluster}")
}

fn config_map(name: &str, labels: &[(&str, &str)]) -> ConfigMap {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.collect()),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, ..ConfigMap::default() }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.expect("memory takes all that is written")
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).take(UNPACKED_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use model::{Name, Observed, Serial, ServiceKey, ServiceShard, UnixTime};

    use super::*;

    fn cluster() -> ClusterName {
        ClusterName::new("beijing")
    }

    fn saved(services: u32) -> Saved {
        let mut saved = Saved::default();
        saved.memory.uid = Some("c0ffee".into());
        saved.memory.last_contact = Some(UnixTime(1_800_000_000));
        for n in 0..services {
            // Spread, so that they compress no better than those of a cloud.
            let address = std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761));
            let shard = ServiceShard::healthy([address.into()]);
            let key = ServiceKey::new("default", &format!("service-{n}"));
            saved.view.services.insert(key, Observed::Shard(shard));
        }
        saved
    }

    #[test]
    fn a_copy_comes_back_whole() {
        let map = of_cluster(&cluster(), &saved(3)).unwrap();
        assert_eq!(map.name_any(), "fedns-state-beijing");
        assert_eq!(read_cluster(&map), Some(Ok((cluster(), saved(3)))));
        assert_eq!(read_serials(&map), None);
    }

    #[test]
    fn twenty_thousand_services_of_a_cluster_fit() {
        assert!(of_cluster(&cluster(), &saved(20_000)).is_ok());
        let why = of_cluster(&cluster(), &saved(60_000)).unwrap_err();
        assert!(why.contains("cluster beijing") && why.contains("1000000"), "{why}");
    }

    #[test]
    fn damage_anywhere_is_told_with_its_place() {
        let good = of_cluster(&cluster(), &saved(3)).unwrap();
        let ByteString(packed) = good.binary_data.clone().unwrap().remove(CLUSTER_KEY).unwrap();
        for damaged in [Vec::new(), b"rubbish".to_vec(), packed[..packed.len() / 2].to_vec()] {
            let data = BTreeMap::from([(CLUSTER_KEY.to_owned(), ByteString(damaged))]);
            let map = ConfigMap { binary_data: Some(data), ..good.clone() };
            let why = read_cluster(&map).unwrap().unwrap_err();
            assert!(why.starts_with("ConfigMap fedns-state-beijing: state.gz: "), "{why}");
        }
        let why = read_cluster(&ConfigMap { binary_data: None, ..good }).unwrap().unwrap_err();
        assert_eq!(why, "ConfigMap fedns-state-beijing: it has no state.gz");
    }

    #[test]
    fn another_members_state_under_this_name_is_damage() {
        let mut map = of_cluster(&cluster(), &saved(1)).unwrap();
        map.labels_mut().insert(CLUSTER_LABEL.into(), "hangzhou".into());
        let why = read_cluster(&map).unwrap().unwrap_err();
        assert!(why.contains("it is the state of \"beijing\""), "{why}");
    }

    #[test]
    fn serials_come_back_and_damage_is_told() {
        let zone =
            |name: &str, serial| SavedZone::ceiling(&Name::parse(name).unwrap(), Serial(serial));
        let zones = vec![zone("example.com", 7), zone("example.net", 9)];
        let mut map = of_serials(&zones);
        assert_eq!(read_serials(&map), Some(Ok(zones)));
        assert_eq!(read_cluster(&map), None);
        let text = map.data.as_mut().unwrap().get_mut(SERIALS_KEY).unwrap();
        *text = text.replace('9', "8");
        let why = read_serials(&map).unwrap().unwrap_err();
        assert!(why.starts_with("ConfigMap fedns-serials: serials: "), "{why}");
    }

    #[test]
    fn only_contact_is_no_change() {
        let mut later = saved(1);
        later.memory.last_contact = Some(UnixTime(1_900_000_000));
        assert_eq!(digest(&cluster(), &saved(1)), digest(&cluster(), &later));
        assert_ne!(digest(&cluster(), &saved(1)), digest(&cluster(), &saved(2)));
    }
}
