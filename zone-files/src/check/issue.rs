//! The list of rules.

use model::{Name, RecordType};
use thiserror::Error;

/// What follows from an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The zone can be served, but perhaps not as its author thinks.
    Warning,
    /// The zone is not taken.
    Refusal,
}

/// One rule that a zone breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Issue {
    // --- refusals ---
    #[error("the zone has no SOA record")]
    NoSoa,
    #[error("the zone has no NS records")]
    NoNs,
    #[error("a SOA record below the apex")]
    SoaBelowApex,
    /// SOA, CNAME and DNAME (RFC 2181 section 10.1, RFC 6672 section 2.4).
    #[error("{count} different records; only one may stand at a name")]
    Several { count: usize },
    #[error("outside the zone")]
    OutOfZone,
    /// RFC 1034 section 3.6.2; the DNSSEC types may stand there (RFC 4034 section 3, 4).
    #[error("a CNAME stands beside other data: {other}")]
    CnameAndOther { other: RecordType },
    #[error("a CNAME at the apex, where SOA and NS stand")]
    CnameAtApex,
    /// RFC 6672 section 2.4.
    #[error("below the DNAME at {dname}, which covers it")]
    BelowDname { dname: Name },
    /// RFC 6672 section 2.3.
    #[error("a DNAME stands beside NS records below the apex")]
    DnameAndNs,
    /// RFC 4592 section 4.2.
    #[error("NS records at a wildcard")]
    WildcardNs,
    /// RFC 4035 section 2.4.
    #[error("a DS record at the apex; it belongs into the parent zone")]
    DsAtApex,

    /// RFC 1035 section 4.2.2: nobody could ever ask for the set.
    #[error("the set takes {bytes} bytes in an answer; a DNS message has 65535 at most")]
    TooLarge { bytes: usize },

    // --- warnings ---
    /// RFC 2181 section 5.2.
    #[error("TTL {found} differs from {kept}, which the set has from its first record and keeps")]
    DifferingTtl { kept: u32, found: u32 },
    /// RFC 4592 section 4.4.
    #[error("a DNAME at a wildcard: resolvers may not agree on what it means")]
    WildcardDname,
    /// RFC 4592 section 2.1.1.
    #[error("an asterisk that is not the leftmost label is no wildcard")]
    InnerAsterisk,
    /// RFC 2181 section 6.
    #[error("below the delegation at {cut} and no address: it is never answered")]
    BelowDelegation { cut: Name },
    #[error("at a delegation, where only NS, DS and addresses have a use: it is never answered")]
    AtDelegation,
    /// RFC 4035 section 2.4.
    #[error("a DS record without NS records beside it")]
    DsWithoutNs,
    #[error("{target} has no address in this zone")]
    NoAddress { target: Name },
    /// RFC 2181 section 10.3, RFC 2782.
    #[error("{target} is a CNAME; it must have addresses itself")]
    TargetIsAlias { target: Name },
    #[error("{target} looks like an address that became a name")]
    AddressAsName { target: Name },
    #[error("{name} has the zone's name twice: was a dot at its end forgotten?")]
    ApexTwice { name: Name },
    /// RFC 4035 section 3.1: who validates would want more than these records.
    #[error(
        "the zone is signed; it is served as if it were not, so have no DS record for it in its parent"
    )]
    Signed,
    #[error("the CNAME leads back to itself by way of {target}")]
    CnameLoop { target: Name },
}

// === impl Issue ===

impl Issue {
    pub fn severity(&self) -> Severity {
        match self {
            Self::NoSoa
            | Self::NoNs
            | Self::SoaBelowApex
            | Self::Several { .. }
            | Self::OutOfZone
            | Self::CnameAndOther { .. }
            | Self::CnameAtApex
            | Self::BelowDname { .. }
            | Self::DnameAndNs
            | Self::WildcardNs
            | Self::DsAtApex
            | Self::TooLarge { .. } => Severity::Refusal,
            Self::DifferingTtl { .. }
            | Self::WildcardDname
            | Self::InnerAsterisk
            | Self::BelowDelegation { .. }
            | Self::AtDelegation
            | Self::DsWithoutNs
            | Self::NoAddress { .. }
            | Self::TargetIsAlias { .. }
            | Self::AddressAsName { .. }
            | Self::ApexTwice { .. }
            | Self::Signed
            | Self::CnameLoop { .. } => Severity::Warning,
        }
    }

    /// True where something is missing, which it may only seem to be while a text has errors.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::NoSoa | Self::NoNs | Self::DsWithoutNs | Self::NoAddress { .. })
    }
}
