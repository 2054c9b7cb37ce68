//! Blocks of IP addresses, as access lists and rate limits name them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// The addresses that begin with the same bits, like `192.0.2.0/24`; a single address is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// No bit behind the prefix is set.
    network: IpAddr,
    length: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PrefixError {
    #[error("it is no IP address with or without a length, like 192.0.2.0/24 or 2001:db8::/32")]
    Unreadable,
    #[error("the length may be {0} at most")]
    TooLong(u8),
    #[error("bits behind the prefix are set; write {0}")]
    HostBits(Prefix),
}

// === impl Prefix ===

impl Prefix {
    pub const LOOPBACK_V4: Self =
        Self { network: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), length: 8 };
    pub const LOOPBACK_V6: Self = Self { network: IpAddr::V6(Ipv6Addr::LOCALHOST), length: 128 };

    /// The block of `length` bits that `address` is in; a longer length counts as the longest.
    pub fn of(address: IpAddr, length: u8) -> Self {
        let length = length.min(bits(address));
        Self { network: masked(address, length), length }
    }

    /// IPv4 and IPv6 have nothing in common, not even in mapped addresses.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.network.is_ipv4() == address.is_ipv4() && masked(address, self.length) == self.network
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[inline]
pub(crate) fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Unreadable)?;
        let longest = bits(address);
        let length = match length {
            None => longest,
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map_err(|_| PrefixError::Unreadable)?
            }
            Some(_) => return Err(PrefixError::Unreadable),
        };
        if length > longest {
            return Err(PrefixError::TooLong(longest));
        }
        let prefix = Self::of(address, length);
        if prefix.network == address { Ok(prefix) } else { Err(PrefixError::HostBits(prefix)) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, inside: &[&str], outside: &[&str]) {
        let prefix: Prefix = text.parse().unwrap();
        for address in inside {
            assert!(prefix.contains(address.parse().unwrap()), "{text} {address}");
        }
        for address in outside {
            assert!(!prefix.contains(address.parse().unwrap()), "{text} {address}");
        }
    }

    #[test]
    fn a_prefix_holds_what_begins_with_it() {
        check("192.0.2.0/24", &["192.0.2.0", "192.0.2.255"], &["192.0.3.0", "192.0.1.255"]);
        check("192.0.2.7", &["192.0.2.7"], &["192.0.2.6"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "::ffff:192.0.2.1"]);
        check("2001:db8::/33", &["2001:db8:7fff::"], &["2001:db8:8000::", "2001:db9::"]);
        check("::/0", &["::", "ffff::"], &["192.0.2.1"]);
        check("::1", &["::1"], &["::2", "127.0.0.1"]);
        assert_eq!(Prefix::LOOPBACK_V4, "127.0.0.0/8".parse().unwrap());
        assert_eq!(Prefix::LOOPBACK_V6, "::1/128".parse().unwrap());
    }

    #[test]
    fn what_is_no_prefix_is_told() {
        for text in ["", "x", "192.0.2.0/", "192.0.2.0/+8", "192.0.2/24", "/24", "192.0.2.0/999"] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError::Unreadable), "{text}");
        }
        assert_eq!("192.0.2.0/33".parse::<Prefix>(), Err(PrefixError::TooLong(32)));
        assert_eq!("::/129".parse::<Prefix>(), Err(PrefixError::TooLong(128)));
        let error = "192.0.2.1/24".parse::<Prefix>().unwrap_err();
        assert_eq!(error.to_string(), "bits behind the prefix are set; write 192.0.2.0/24");
    }
}
