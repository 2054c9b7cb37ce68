//! Who may have a zone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use model::Name;
use thiserror::Error;

use super::ZoneTransfer;

/// One entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Whoever asks from such an address.
    From(Prefix),
    /// Whoever signs with the key of this name.
    Key(Name),
}

/// Addresses that begin alike: `192.0.2.0/24`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    /// Bits.
    length: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PrefixError {
    #[error("it is no IP address, with or without /LENGTH")]
    NotAnAddress,
    #[error("the length is at most {0}")]
    TooLong(u8),
    #[error("bits are set behind the first {0}")]
    BitsBehind(u8),
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

// === impl Prefix ===

impl Prefix {
    /// IPv4 addresses that come in IPv6 ones are IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let difference = own.to_bits() ^ other.to_bits();
                difference.leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let difference = own.to_bits() ^ other.to_bits();
                difference.leading_zeros() >= u32::from(self.length)
            }
            _ => false,
        }
    }

    fn bits_behind(self) -> bool {
        let (trailing, size) = match self.address {
            IpAddr::V4(address) => (address.to_bits().trailing_zeros(), 32),
            IpAddr::V6(address) => (address.to_bits().trailing_zeros(), 128),
        };
        trailing < size - u32::from(self.length)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::NotAnAddress)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => longest,
            Some(length) => length.parse().map_err(|_| PrefixError::NotAnAddress)?,
        };
        if length > longest {
            return Err(PrefixError::TooLong(longest));
        }
        let prefix = Self { address, length };
        if prefix.bits_behind() { Err(PrefixError::BitsBehind(length)) } else { Ok(prefix) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}
