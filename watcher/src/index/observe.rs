//! From a row to what is told of its Service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::{AddressNote, Health, Observed, ResolvedHost, ServiceShard, ShardNotes};

use super::hosts::Hosts;
use super::tables::Row;
use crate::address::{Ingress, canonical, refuse};
use crate::entry::{Candidate, Entry};
use crate::settings::ServiceSettings;

/// What stands around a row.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) hosts: &'a Hosts,
    pub(crate) settings: &'a ServiceSettings,
    /// False where a manifest folder holds no EndpointSlice at all.
    pub(crate) slices_tell_health: bool,
}

/// None where there is no Service, only slices that name one.
pub(crate) fn observe(row: &Row, around: Surroundings<'_>) -> Option<Observed> {
    Some(match row.entry.as_ref()? {
        Entry::LeftOut(reason) => Observed::LeftOut(reason.clone()),
        Entry::Saved(saved) => observe_saved(saved, around.hosts),
        Entry::Candidate(candidate) => Observed::Shard(observe_candidate(candidate, row, around)),
    })
}

/// Whether the addresses of `candidate` may be given to clients.
pub(crate) fn health(candidate: &Candidate, row: &Row, slices_tell_health: bool) -> Health {
    if candidate.always_healthy || !slices_tell_health || row.ready_slice_count > 0 {
        Health::Healthy
    } else if row.slice_count > 0 {
        Health::NoReadyEndpoint
    } else if candidate.has_selector {
        Health::NoEndpointSlice
    } else {
        Health::Healthy
    }
}

/// What the load balancer gives now, nothing held: sorted and unique.
pub(crate) fn own_addresses(candidate: &Candidate, around: Surroundings<'_>) -> Vec<IpAddr> {
    let mut addresses = Vec::with_capacity(candidate.ingress.len());
    for ingress in &candidate.ingress {
        match ingress {
            Ingress::Address(address) => addresses.push(*address),
            Ingress::Host(host) => {
                let resolved = around.hosts.resolution(host).into_iter();
                let resolved = resolved.flat_map(|resolution| &resolution.addresses);
                let fit = resolved.map(|address| canonical(*address));
                addresses.extend(fit.filter(|address| refuse(*address, around.settings).is_none()));
            }
            Ingress::Refused(_) => {}
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// True while an empty list of addresses says nothing yet: a load balancer is being replaced, or
/// its host name has not been resolved.
pub(crate) fn is_between_addresses(candidate: &Candidate, hosts: &Hosts) -> bool {
    let unsettled = |host: &str| hosts.resolution(host).is_none_or(|known| !known.is_settled);
    candidate.ingress.is_empty() || candidate.hosts().any(|host| unsettled(host))
}

fn observe_candidate(candidate: &Candidate, row: &Row, around: Surroundings<'_>) -> ServiceShard {
    let held = candidate.held.as_deref();
    let addresses = match held {
        Some(held) => held.addresses.clone(),
        None => own_addresses(candidate, around),
    };
    let notes = ShardNotes {
        hosts: resolved_hosts(candidate, around.hosts),
        left_out: left_out(candidate, around),
        held_until: held.map(|held| held.until),
    };
    ServiceShard {
        addresses,
        health: health(candidate, row, around.slices_tell_health),
        ports: candidate.ports.clone(),
        notes: (notes != ShardNotes::default()).then(|| Box::new(notes)),
    }
}

fn resolved_hosts(candidate: &Candidate, hosts: &Hosts) -> Vec<ResolvedHost> {
    let names: BTreeSet<&str> = candidate.hosts().map(|host| &**host).collect();
    names.into_iter().map(|host| resolved_host(host, hosts)).collect()
}

fn resolved_host(host: &str, hosts: &Hosts) -> ResolvedHost {
    let resolution = hosts.resolution(host);
    ResolvedHost {
        host: host.into(),
        addresses: resolution.map(|known| known.addresses.clone()).unwrap_or_default(),
        failure: resolution.and_then(|known| known.failure.clone()),
    }
}

fn left_out(candidate: &Candidate, around: Surroundings<'_>) -> Vec<AddressNote> {
    let mut notes = Vec::new();
    for ingress in &candidate.ingress {
        match ingress {
            Ingress::Address(_) => {}
            Ingress::Refused(note) => notes.push((**note).clone()),
            Ingress::Host(host) => {
                let resolution = around.hosts.resolution(host).into_iter();
                for address in resolution.flat_map(|resolution| &resolution.addresses) {
                    if let Some(reason) = refuse(canonical(*address), around.settings) {
                        let ingress = format!("{address} of {host}").into();
                        notes.push(AddressNote { ingress, reason: reason.into() });
                    }
                }
            }
        }
    }
    notes
}

/// A saved shard's host names go on being resolved; all else stands as it was.
fn observe_saved(saved: &Observed, hosts: &Hosts) -> Observed {
    let Observed::Shard(shard) = saved else { return saved.clone() };
    if shard.hosts().is_empty() {
        return saved.clone();
    }
    let was_resolved =
        |address: &IpAddr| shard.hosts().iter().any(|host| host.addresses.contains(address));
    let fixed = shard.addresses.iter().filter(|address| !was_resolved(address)).copied();
    let resolved: Vec<ResolvedHost> =
        shard.hosts().iter().map(|host| resolved_host(&host.host, hosts)).collect();
    let current = resolved.iter().flat_map(|host| &host.addresses).copied();
    let mut next = shard.clone();
    next.set_addresses(fixed.chain(current.filter(|address| is_publishable(shard, address))));
    if let Some(notes) = &mut next.notes {
        notes.hosts = resolved;
    }
    Observed::Shard(next)
}

/// A resolved address that was left out when the shard was saved stays left out.
fn is_publishable(shard: &ServiceShard, address: &IpAddr) -> bool {
    let left_out = shard.notes.iter().flat_map(|notes| &notes.left_out);
    let prefix = format!("{address} of ");
    !left_out.into_iter().any(|note| note.ingress.starts_with(&prefix))
}
