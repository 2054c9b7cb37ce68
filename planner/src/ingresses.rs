//! The annotation `federation.kubernetes.io/service-ingresses`, and a federated Service's addresses.

use std::collections::BTreeSet;

use model::ClusterName;
use serde::{Deserialize, Serialize};

use crate::annotations::{AnnotationError, Field, SERVICE_INGRESSES, parse_json};

/// What the load balancer of each cluster gives: the annotation's value.
///
/// Written as the first federation did, byte for byte, for whoever reads it. Equal only if the
/// bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceIngresses {
    /// Sorted by cluster, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<ClusterIngresses>,
}

/// One cluster's entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterIngresses {
    pub cluster: ClusterName,
    /// `None`: there is a load balancer, and no endpoint is ready. Empty: the cluster is not ready,
    /// and nothing is remembered of it. Sorted.
    pub items: Option<Vec<Ingress>>,
}

/// One address of a load balancer; empty where there is none of the kind. Ordered by ip, then host
/// name, both as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ingress {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ip: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
}

/// What is known of a Service in one cluster of the federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberService {
    pub cluster: ClusterName,
    /// Whether the cluster is Ready. If not, its entry stays as the annotation remembers it.
    pub ready: bool,
    /// `status.loadBalancer.ingress`; of a cluster that is not ready as it was seen last.
    pub ingress: Vec<Ingress>,
    /// Whether any endpoint is ready.
    pub has_ready_address: bool,
}

impl ServiceIngresses {
    /// Reads the annotation's value; people write it, too. `items` of a cluster may be null, empty or
    /// left out; keys of later versions are passed over.
    pub fn parse(text: &str) -> Result<Self, AnnotationError> {
        let value = parse_json(SERVICE_INGRESSES, text)?;
        let root = Field::root(SERVICE_INGRESSES, &value);
        let mut items = Vec::new();
        for (key, field) in root.entries()? {
            if key == "items" && !field.value.is_null() {
                items = field.items()?.iter().map(read).collect::<Result<_, _>>()?;
            }
        }
        items.sort_by(|one, other| one.cluster.cmp(&other.cluster));
        match items.windows(2).find(|pair| pair[0].cluster == pair[1].cluster) {
            None => Ok(Self { items }),
            Some(pair) => {
                let found = format!("cluster {:?} a second time", pair[0].cluster.as_str());
                Err(root.error(found, "each cluster once"))
            }
        }
    }

    /// The entries of all clusters that are in the federation. Those that left it have none, and
    /// those whose load balancer has no address yet neither.
    ///
    /// `previous` is what the annotation holds now: losing contact with a cluster keeps its entry.
    pub fn new(members: &[MemberService], previous: &Self) -> Self {
        let mut items: Vec<ClusterIngresses> =
            members.iter().filter_map(|member| entry(member, previous)).collect();
        items.sort_by(|one, other| one.cluster.cmp(&other.cluster));
        Self { items }
    }

    /// Takes out a cluster that leaves the federation; true if it had an entry.
    pub fn remove(&mut self, cluster: &ClusterName) -> bool {
        let before = self.items.len();
        self.items.retain(|entry| entry.cluster != *cluster);
        self.items.len() < before
    }

    pub fn get(&self, cluster: &ClusterName) -> Option<&ClusterIngresses> {
        self.items.iter().find(|entry| entry.cluster == *cluster)
    }

    /// Sorted by cluster.
    pub fn iter(&self) -> impl Iterator<Item = &ClusterIngresses> {
        self.items.iter()
    }

    /// The annotation's value.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("names and addresses are text");
        // In Go's JSON these are escaped; in ours they stand only inside strings.
        json.chars().fold(String::with_capacity(json.len()), |mut text, char| {
            match char {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    text.push_str(&format!("\\u{:04x}", u32::from(char)));
                }
                char => text.push(char),
            }
            text
        })
    }
}

/// `status.loadBalancer.ingress` of the federated Service: the addresses of all clusters, whether
/// endpoints are ready or not, each once, by ip, then host name.
///
/// A cluster that is not ready keeps its addresses: those it had when it was seen last, or else
/// those that the annotation remembers.
pub fn load_balancer_ingress(
    members: &[MemberService],
    previous: &ServiceIngresses,
) -> Vec<Ingress> {
    let mut all = BTreeSet::new();
    for member in members {
        let remembered = match member.ready || !member.ingress.is_empty() {
            true => None,
            false => previous.get(&member.cluster).and_then(|entry| entry.items.as_ref()),
        };
        all.extend(member.ingress.iter().chain(remembered.into_iter().flatten()).cloned());
    }
    all.into_iter().collect()
}

fn entry(member: &MemberService, previous: &ServiceIngresses) -> Option<ClusterIngresses> {
    let MemberService { cluster, ready, ingress, has_ready_address } = member;
    let items = match previous.get(cluster) {
        Some(remembered) if !ready => remembered.items.clone(),
        None if !ready => Some(Vec::new()),
        _ if ingress.is_empty() => return None,
        _ => has_ready_address.then(|| {
            let mut items = ingress.clone();
            items.sort();
            items
        }),
    };
    Some(ClusterIngresses { cluster: cluster.clone(), items })
}

fn read(field: &Field<'_>) -> Result<ClusterIngresses, AnnotationError> {
    let entries = field.entries()?;
    let of = |name: &str| entries.iter().find(|(key, _)| *key == name).map(|(_, field)| field);
    let cluster = of("cluster").ok_or_else(|| field.error("no cluster", "the cluster"))?.text()?;
    let items = of("items").filter(|items| !items.value.is_null());
    let items = items.map(|items| items.items()?.iter().map(read_ingress).collect()).transpose()?;
    Ok(ClusterIngresses { cluster: ClusterName::new(cluster), items })
}

fn read_ingress(field: &Field<'_>) -> Result<Ingress, AnnotationError> {
    let entries = field.entries()?;
    let of = |name: &str| match entries.iter().find(|(key, _)| *key == name) {
        Some((_, field)) if !field.value.is_null() => field.text().map(str::to_owned),
        _ => Ok(String::new()),
    };
    Ok(Ingress { ip: of("ip")?, hostname: of("hostname")? })
}
