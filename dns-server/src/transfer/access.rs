//! Who may have a zone.

use std::net::IpAddr;

use model::Name;

use super::ZoneTransfer;
use crate::prefix::Prefix;

/// One entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Whoever asks from such an address.
    From(Prefix),
    /// Whoever signs with the key of this name.
    Key(Name),
}

// === impl ZoneTransfer ===

impl ZoneTransfer {
    /// Whether one entry lets this peer have the zone.
    pub fn allows(&self, peer: IpAddr, key: Option<&Name>) -> bool {
        self.allow.iter().any(|allow| match allow {
            Allow::From(prefix) => prefix.contains(peer),
            Allow::Key(name) => Some(name) == key,
        })
    }
}
