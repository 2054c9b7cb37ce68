//! Which fields the data of each record type has.

use model::RecordType;

use super::field::Field::{self, *};
use crate::name::Case::{AsWritten, Lower};

/// The fields of `record_type` in their order; `None` for types that have no text form here.
///
/// Names are lower-cased in the types of RFC 4034 section 6.2, without NSEC (RFC 6840 section 5.1).
pub fn fields(record_type: RecordType) -> Option<&'static [Field]> {
    Some(match record_type {
        // RFC 1035
        RecordType::A => &[Ipv4],
        RecordType::NS | RecordType::CNAME | RecordType::PTR => &[Name(Lower)],
        RecordType::MD | RecordType::MF => &[Name(Lower)],
        RecordType::MB | RecordType::MG | RecordType::MR => &[Name(Lower)],
        RecordType::SOA => &[Name(Lower), Name(Lower), U32, Time, Time, Time, Time],
        RecordType::HINFO => &[Text, Text],
        RecordType::MINFO => &[Name(Lower), Name(Lower)],
        RecordType::MX => &[U16, Name(Lower)],
        RecordType::TXT | RecordType::SPF => &[Texts],
        // RFC 1183, 1348, 1706, 1712, 2163, 2230
        RecordType::RP => &[Name(Lower), Name(Lower)],
        RecordType::AFSDB | RecordType::RT | RecordType::KX => &[U16, Name(Lower)],
        RecordType::X25 => &[Text],
        RecordType::ISDN => &[Text, TextIfAny],
        RecordType::NSAP => &[Nsap],
        RecordType::GPOS => &[Text, Text, Text],
        RecordType::PX => &[U16, Name(Lower), Name(Lower)],
        // RFC 3596, 1876, 2782, 3403, 6672, 3123
        RecordType::AAAA => &[Ipv6],
        RecordType::LOC => &[Location],
        RecordType::SRV => &[U16, U16, U16, Name(Lower)],
        RecordType::NAPTR => &[U16, U16, Text, Text, Text, Name(Lower)],
        RecordType::DNAME => &[Name(Lower)],
        RecordType::APL => &[PrefixList],
        // RFC 2535, 2931, 4034, 5155, 7344, 7477, 8976, 4431
        RecordType::SIG | RecordType::RRSIG => {
            &[RecordTypeName, Algorithm, U8, U32, Timestamp, Timestamp, U16, Name(Lower), Base64]
        }
        RecordType::KEY => &[U16, U8, Algorithm, Base64IfAny],
        RecordType::DNSKEY | RecordType::CDNSKEY | RecordType::RKEY => {
            &[U16, U8, Algorithm, Base64]
        }
        RecordType::DS | RecordType::CDS | RecordType::DLV | RecordType::TA => {
            &[U16, Algorithm, U8, Digest(DELEGATION_DIGESTS)]
        }
        RecordType::NSEC => &[Name(AsWritten), RecordTypes],
        RecordType::NSEC3 => &[U8, U8, U16, Salt, NextHash, RecordTypes],
        RecordType::NSEC3PARAM => &[U8, U8, U16, Salt],
        RecordType::CSYNC => &[U32, U16, RecordTypes],
        RecordType::ZONEMD => &[U32, U8, U8, Digest(ZONE_DIGESTS)],
        // RFC 4398, 4255, 4025, 4701, 6698, 8162, 7929, 8005, 8777
        RecordType::CERT => &[CertificateType, U16, Algorithm, Base64],
        RecordType::SSHFP => &[U8, U8, Digest(FINGERPRINTS)],
        RecordType::IPSECKEY => &[U8, IpsecGateway],
        RecordType::DHCID | RecordType::OPENPGPKEY => &[Base64],
        RecordType::TLSA | RecordType::SMIMEA => &[U8, U8, U8, Hex],
        RecordType::HIP => &[HostIdentity],
        RecordType::AMTRELAY => &[U8, MulticastRelay],
        // RFC 9460, 6742, 7043, 7553, 8659, 9606
        RecordType::SVCB | RecordType::HTTPS => &[U16, Name(AsWritten), ServiceParameters],
        RecordType::NID | RecordType::L64 => &[U16, Locator64],
        RecordType::L32 => &[U16, Ipv4],
        RecordType::LP => &[U16, Name(AsWritten)],
        RecordType::EUI48 => &[Eui(6)],
        RecordType::EUI64 => &[Eui(8)],
        RecordType::URI => &[U16, U16, TextToEnd],
        RecordType::CAA => &[U8, Tag, TextToEnd],
        RecordType::RESINFO | RecordType::WALLET => &[Texts],
        // Expired drafts that other software reads.
        RecordType::AVC | RecordType::NINFO => &[Texts],
        RecordType::TALINK => &[Name(AsWritten), Name(AsWritten)],
        _ => return None,
    })
}

/// Digest type and its length in bytes (RFC 4034, 4509, 6605).
const DELEGATION_DIGESTS: &[(u8, usize)] = &[(1, 20), (2, 32), (4, 48)];
/// RFC 4255, 6594.
const FINGERPRINTS: &[(u8, usize)] = &[(1, 20), (2, 32)];
/// RFC 8976 section 5.3.
const ZONE_DIGESTS: &[(u8, usize)] = &[(1, 48), (2, 64)];
