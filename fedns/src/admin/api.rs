//! `/api/v1/…`: what the command line shows. Fields are only ever added.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use dns_server::{Reader, Transport};
use hyper::StatusCode;
use model::{ClusterName, Freshness, Level, Name, RecordSet, RecordType, ServiceKey, ZoneContents};
use planner::{ClusterEntry, FederatedName, Federation};
use serde::Serialize;

use super::name_states::{AtProvider, NameStates};
use super::url::Url;
use super::{Page, Pages, explain, plan};
use crate::output::{data_texts, time_text};
use crate::pipeline::{Ended, Pipeline};

/// A record set.
#[derive(Serialize)]
struct RecordRow {
    name: String,
    #[serde(rename = "type")]
    record_type: RecordType,
    ttl: u32,
    values: Vec<String>,
    /// `None` for static records and the apex.
    level: Option<Level>,
    service: Option<String>,
    /// How the name stands at the providers that it goes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<AtProvider>,
}

/// A member cluster.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterRow {
    name: String,
    /// Live or Stale.
    state: &'static str,
    /// Ready, NotReady or Offline.
    phase: &'static str,
    reason: Option<String>,
    /// RFC 3339; the last contact of a stale cluster.
    since: Option<String>,
    region: Vec<String>,
    availability_zones: Vec<String>,
    services: usize,
    addresses: usize,
    notes: Vec<String>,
    /// What is wrong with the files of a manifest folder.
    problems: Vec<String>,
}

/// A name that a service should have and cannot have.
#[derive(Serialize)]
struct LeftOutRow {
    name: String,
    service: String,
    /// The reason's word and its sentence.
    reason: String,
}

/// The server itself.
#[derive(Serialize)]
struct ServerInfo<'a> {
    version: &'static str,
    /// Where it takes orders.
    socket: Option<&'a Path>,
    /// Where it answers queries, over UDP and TCP.
    dns: Vec<SocketAddr>,
    /// The same over TLS, HTTPS and QUIC.
    dot: Vec<SocketAddr>,
    doh: Vec<SocketAddr>,
    doq: Vec<SocketAddr>,
}

pub async fn page(pages: &Pages, url: &Url) -> Result<Page, Ended> {
    match url.path.as_str() {
        "/api/v1/records" => records(pages, url).await,
        "/api/v1/zone" => zone_text(pages, url).await,
        "/api/v1/clusters" => {
            let problems = pages.problems.lines();
            let rows = pages
                .pipeline
                .ask(move |pipeline| cluster_rows(pipeline.planner().federation(), problems));
            Ok(Page::json(&rows.await?))
        }
        "/api/v1/leftout" => Ok(Page::json(&pages.pipeline.ask(left_out_rows).await?)),
        "/api/v1/explain" => explain::page(pages, url).await,
        "/api/v1/plan" => Ok(plan::page(pages)),
        "/api/v1/federation" => Ok(Page::json(&pages.federation.value())),
        "/api/v1/server" => Ok(Page::json(&ServerInfo {
            version: env!("CARGO_PKG_VERSION"),
            socket: pages.socket.as_deref(),
            dns: pages.dns.as_ref().map(|dns| dns.local_addrs().to_vec()).unwrap_or_default(),
            dot: encrypted_addresses(pages, Transport::Tls),
            doh: encrypted_addresses(pages, Transport::Https),
            doq: encrypted_addresses(pages, Transport::Quic),
        })),
        path => Ok(Page::error(StatusCode::NOT_FOUND, &format!("no page {path}"))),
    }
}

fn encrypted_addresses(pages: &Pages, transport: Transport) -> Vec<SocketAddr> {
    let all = pages.dns.iter().flat_map(|dns| dns.encrypted_addrs());
    all.filter(|(of, _)| *of == transport).map(|(_, address)| *address).collect()
}

// === records ===

/// Read from what is served, so that it is what a client gets.
async fn records(pages: &Pages, url: &Url) -> Result<Page, Ended> {
    let zones = match wanted_zones(pages, url).await? {
        Ok(zones) => zones,
        Err(page) => return Ok(page),
    };
    let filter = url.get("filter").unwrap_or("").to_lowercase();
    let mut rows = Vec::new();
    for (zone, federation) in zones {
        let Some(contents) = served(&pages.reader, &zone) else { continue };
        let states = NameStates::of_zone(&pages.mirrors, &zone);
        let lookup = states.lookup();
        for (name, sets) in contents.iter() {
            let text = name.to_string();
            if text.contains(&filter) {
                let federated = FederatedName::parse(name, &federation, &zone);
                let row = |set| RecordRow {
                    mirrors: lookup.of(name, std::slice::from_ref(set)),
                    ..record_row(&text, federated.as_ref(), set)
                };
                rows.extend(sets.iter().map(row));
            }
        }
    }
    Ok(Page::json(&rows))
}

fn record_row(name: &str, federated: Option<&FederatedName>, set: &RecordSet) -> RecordRow {
    RecordRow {
        name: name.to_owned(),
        record_type: set.record_type,
        ttl: set.ttl,
        values: data_texts(set).collect(),
        level: federated.map(|federated| federated.place.level()),
        service: federated.map(|federated| federated.service.to_string()),
        mirrors: Vec::new(),
    }
}

async fn zone_text(pages: &Pages, url: &Url) -> Result<Page, Ended> {
    let zones = match wanted_zones(pages, url).await? {
        Ok(zones) => zones,
        Err(page) => return Ok(page),
    };
    if let [_, _, ..] = zones.as_slice() {
        return Ok(Page::error(StatusCode::BAD_REQUEST, &too_many_zones(&zones)));
    }
    let filter = url.get("filter").unwrap_or("").to_lowercase();
    let contents = zones.first().and_then(|(zone, _)| served(&pages.reader, zone));
    let text = contents.map(|contents| zone_files::zone_text(&filtered(contents, &filter)));
    Ok(Page::text(text.unwrap_or_default()))
}

/// No name server loads two zones from one file.
fn too_many_zones(zones: &[ZoneOfFederation]) -> String {
    let names: Vec<String> = zones.iter().map(|(zone, _)| zone.to_string()).collect();
    let (count, first, all) = (names.len(), &names[0], names.join(", "));
    format!(
        "a master file holds one zone, and {count} are served ({all}); name one, like --zone {first}"
    )
}

fn filtered(contents: ZoneContents, filter: &str) -> ZoneContents {
    if filter.is_empty() {
        return contents;
    }
    let mut some = ZoneContents::new(contents.apex.clone());
    for (name, sets) in contents.iter().filter(|(name, _)| name.to_string().contains(filter)) {
        some.replace(name.clone(), sets.to_vec());
    }
    some
}

type ZoneOfFederation = (Name, model::Label);

async fn wanted_zones(
    pages: &Pages,
    url: &Url,
) -> Result<Result<Vec<ZoneOfFederation>, Page>, Ended> {
    let all: Vec<ZoneOfFederation> = pages
        .pipeline
        .ask(|pipeline| {
            let zones = pipeline.planner().zones();
            zones.map(|settings| (settings.zone.clone(), settings.federation.clone())).collect()
        })
        .await?;
    let Some(text) = url.get("zone") else { return Ok(Ok(all)) };
    let wanted = Name::parse(text).ok();
    let found: Vec<_> = all.into_iter().filter(|(zone, _)| Some(zone) == wanted.as_ref()).collect();
    Ok(match found.is_empty() {
        true => Err(Page::error(StatusCode::NOT_FOUND, &format!("zone {text} is not served"))),
        false => Ok(found),
    })
}

fn served(reader: &Reader, zone: &Name) -> Option<ZoneContents> {
    reader.snapshot().zone(zone).map(|view| view.contents())
}

// === clusters, names that are left out ===

fn cluster_rows(
    federation: &Federation,
    mut problems: BTreeMap<ClusterName, Vec<String>>,
) -> Vec<ClusterRow> {
    federation
        .clusters()
        .map(|(id, cluster)| {
            let (mut services, mut addresses) = (0, 0);
            for service in cluster.services() {
                let observed = federation.service_by_id(service).of_cluster(id);
                if let Some(shard) = observed.and_then(model::Observed::shard) {
                    services += 1;
                    addresses += shard.healthy_addresses().len();
                }
            }
            let problems = problems.remove(&cluster.name).unwrap_or_default();
            ClusterRow { problems, ..cluster_row(cluster, services, addresses) }
        })
        .collect()
}

fn cluster_row(cluster: &ClusterEntry, services: usize, addresses: usize) -> ClusterRow {
    let (state, reason, since) = match &cluster.freshness {
        Freshness::Live => ("Live", None, None),
        Freshness::Stale { since, reason } => ("Stale", Some(reason.to_string()), since.as_ref()),
    };
    let locations = &cluster.topology.locations;
    ClusterRow {
        name: cluster.name.to_string(),
        state,
        phase: cluster.freshness.phase(),
        reason,
        since: since.map(time_text),
        region: cluster.topology.regions().iter().map(|region| region.to_string()).collect(),
        availability_zones: locations
            .iter()
            .filter_map(|location| location.availability_zone.as_ref())
            .map(|zone| zone.to_string())
            .collect(),
        services,
        addresses,
        notes: cluster.topology.notes.iter().cloned().collect(),
        problems: Vec::new(),
    }
}

fn left_out_rows(pipeline: &Pipeline) -> Vec<LeftOutRow> {
    pipeline
        .left_out()
        .map(|left| LeftOutRow {
            name: left.name.clone(),
            service: ServiceKey::to_string(&left.service),
            reason: left.reason.with_word(),
        })
        .collect()
}
