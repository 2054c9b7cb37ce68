//! For how long a cache of HTTP may keep an answer (RFC 8484 section 5.1).

use crate::respond::skip_name;

const HEADER_LENGTH: usize = 12;
const NOERROR: u8 = 0;
const NXDOMAIN: u8 = 3;

/// The smallest TTL among what was asked for, and, where it is not there, how long that may be
/// believed. Errors are not kept.
pub fn seconds(message: &[u8]) -> u32 {
    smallest_ttl(message).unwrap_or(0)
}

fn smallest_ttl(message: &[u8]) -> Option<u32> {
    let header = message.first_chunk::<HEADER_LENGTH>()?;
    if !matches!(header[3] & 0x0f, NOERROR | NXDOMAIN) {
        return None;
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let mut position = HEADER_LENGTH;
    for _ in 0..count(4) {
        position = skip_name(message, position).ok()? + 4;
    }
    let mut smallest = None;
    for _ in 0..u32::from(count(6)) + u32::from(count(8)) {
        position = skip_name(message, position).ok()?;
        // Type, class, TTL and the length of what follows.
        let fixed: &[u8; 10] = message.get(position..)?.first_chunk()?;
        let ttl = u32::from_be_bytes(*fixed[4..].first_chunk()?);
        smallest = Some(smallest.map_or(ttl, |smallest: u32| smallest.min(ttl)));
        position += fixed.len() + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::respond::{Client, TCP_SIZE_MAX, Transport, respond};
    use crate::testing::{self, Query};

    #[test]
    fn rfc8484_5_1_an_answer_is_fresh_for_its_smallest_ttl() {
        let zone = "@ 900 SOA ns hostmaster 1 900 300 604800 60\n@ 70 NS ns\nwww 300 A 192.0.2.1\n\
                    alias 200 CNAME www\nsub 80 NS ns.sub\nns.sub 10 A 192.0.2.2\n";
        let (_writer, reader) = testing::store(&[testing::zone("example.com", zone)]);
        for (question, expect) in [
            ("www.example.com", 300),
            ("alias.example.com", 200),
            ("www.example.com AAAA", 60),
            ("nope.example.com", 60),
            ("a.sub.example.com", 80),
            ("example.org", 0),
        ] {
            let mut out = vec![0; TCP_SIZE_MAX];
            let query = Query::parse(question).edns(1232).bytes();
            let client = Client::anyone(Transport::Https);
            let reply = respond(&reader.snapshot(), &query, &client, &mut out).unwrap();
            assert_eq!(seconds(&out[..reply.length]), expect, "{question}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        assert_eq!(seconds(&[]), 0);
        assert_eq!(seconds(&[0, 0, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 63]), 0);
    }
}
