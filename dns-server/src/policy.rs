//! What the operator decides about clients: who is answered, how often, and what they are told
//! besides the zones.

use std::net::IpAddr;

use crate::prefix::Prefix;
use crate::respond::cookie::CookieSecrets;

/// Everything in an answer that depends on the operator, not on the zones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    /// Who may ask.
    pub query_access: Access,
    /// None: a COOKIE option counts as one that is not known (RFC 7873).
    pub cookies: Option<CookieSecrets>,
    /// None: no limit.
    pub rate_limit: Option<RateLimit>,
    /// What tells this server from others at the same address, for those who ask (RFC 5001); at
    /// most [`NSID_LENGTH_MAX`] bytes.
    pub nsid: Option<Box<[u8]>>,
    pub identity: Identity,
}

/// A response has room for it beside the longest question.
pub const NSID_LENGTH_MAX: usize = 128;

/// What a list allows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Access {
    /// Empty: everybody who is not denied.
    pub allow: Vec<Prefix>,
    /// These even if they are allowed.
    pub deny: Vec<Prefix>,
}

/// What is told of the server itself, in class CH (RFC 4892); None: the question is refused.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Identity {
    /// `version.bind` and `version.server`; at most 255 bytes.
    pub version: Option<Box<[u8]>>,
    /// `id.server` and `hostname.bind`; at most 255 bytes.
    pub id: Option<Box<[u8]>>,
}

/// How many equal answers the clients of one block get over UDP. Clients with a valid cookie are
/// not counted: their address is not forged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// At least one.
    pub responses_per_second: u32,
    /// Every so manieth answer above the limit is sent, cut short, so that a client whose address
    /// is forged can still ask over TCP. 0: none is, 1: all are.
    pub slip: u32,
    /// Clients that are never limited.
    pub exempt: Vec<Prefix>,
    /// Clients whose addresses begin with so many equal bits count as one.
    pub ipv4_prefix_length: u8,
    pub ipv6_prefix_length: u8,
}

// === impl Policy ===

impl Policy {
    /// Everybody is answered, and no more is told than the zones say.
    pub const PLAIN: Self = Self {
        query_access: Access { allow: Vec::new(), deny: Vec::new() },
        cookies: None,
        rate_limit: None,
        nsid: None,
        identity: Identity { version: None, id: None },
    };
}

// === impl Access ===

impl Access {
    #[inline]
    pub fn allows(&self, address: IpAddr) -> bool {
        let Self { allow, deny } = self;
        let has = |prefixes: &[Prefix]| prefixes.iter().any(|prefix| prefix.contains(address));
        (deny.is_empty() || !has(deny)) && (allow.is_empty() || has(allow))
    }
}

// === impl RateLimit ===

impl Default for RateLimit {
    /// The machine itself is exempt.
    fn default() -> Self {
        Self {
            responses_per_second: 200,
            slip: 2,
            exempt: vec![Prefix::LOOPBACK_V4, Prefix::LOOPBACK_V6],
            ipv4_prefix_length: 24,
            ipv6_prefix_length: 56,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_denied_is_not_allowed() {
        let prefixes = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let access =
            |allow: &[&str], deny: &[&str]| Access { allow: prefixes(allow), deny: prefixes(deny) };
        let address = "192.0.2.1".parse().unwrap();
        for (allow, deny, expect) in [
            (&[][..], &[][..], true),
            (&["192.0.2.0/24"], &[], true),
            (&["198.51.100.0/24", "192.0.2.1"], &[], true),
            (&["198.51.100.0/24"], &[], false),
            (&["::/0"], &[], false),
            (&[], &["192.0.2.1"], false),
            (&[], &["192.0.2.2"], true),
            (&["192.0.2.1"], &["192.0.2.0/24"], false),
        ] {
            assert_eq!(access(allow, deny).allows(address), expect, "{allow:?} {deny:?}");
        }
    }

    #[test]
    fn without_anything_said_the_policy_is_plain() {
        assert_eq!(Policy::default(), Policy::PLAIN);
    }
}
