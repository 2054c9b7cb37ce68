//! Addresses as record sets.

use std::net::IpAddr;

use model::{Rdata, RecordSet, RecordType};

/// An A and an AAAA set, where there are such addresses. `ttl` is in seconds.
pub fn address_sets<'a>(
    addresses: impl IntoIterator<Item = &'a IpAddr> + Clone,
    ttl: u32,
) -> impl Iterator<Item = RecordSet> {
    let v4 = addresses.clone().into_iter().filter_map(|address| match address {
        IpAddr::V4(v4) => Some(Rdata::a(*v4)),
        IpAddr::V6(_) => None,
    });
    let v6 = addresses.into_iter().filter_map(|address| match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => Some(Rdata::aaaa(*v6)),
    });
    let a = RecordSet::new(RecordType::A, ttl, v4);
    let aaaa = RecordSet::new(RecordType::AAAA, ttl, v6);
    a.into_iter().chain(aaaa)
}
