//! Queries as bytes, and what an answer's bytes hold.

use std::net::Ipv4Addr;

use model::{Name, RecordType};

/// A query with EDNS and a payload of 1232 bytes, as resolvers send it.
pub fn query(id: u16, name: &Name, record_type: RecordType) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let mut query = vec![high, low, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend_from_slice(name.wire());
    query.extend_from_slice(&record_type.0.to_be_bytes());
    query.extend_from_slice(&[0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    query
}

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a well-formed name")
}

/// True where an A record in the answer holds `address`.
pub fn holds_address(answer: &[u8], address: Ipv4Addr) -> bool {
    // Type A, class IN, the TTL, 4 bytes of data.
    answer.windows(14).any(|record| {
        record.starts_with(&[0, 1, 0, 1])
            && record[8..10] == [0, 4]
            && record[10..] == address.octets()
    })
}

/// True for NOERROR with at least one record.
pub fn has_records(answer: &[u8]) -> bool {
    answer.len() >= 12 && answer[3] & 0xf == 0 && answer[6..8] != [0, 0]
}

#[cfg(test)]
mod tests {
    use dns_server::{Client, Transport, respond};

    use super::*;
    use crate::static_zone::{host, loaded};

    #[test]
    fn an_address_is_found_in_a_real_answer() {
        let (_writer, reader) = loaded(1000);
        let mut answer = [0; 1232];
        let query = query(7, &name(&host(3)), RecordType::A);
        let reply =
            respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut answer);
        let answer = &answer[..reply.expect("it is a query").length];
        assert!(has_records(answer));
        assert!(holds_address(answer, Ipv4Addr::new(0, 0, 0, 3)));
        assert!(holds_address(answer, Ipv4Addr::new(255, 255, 0, 3)));
        assert!(!holds_address(answer, Ipv4Addr::new(0, 0, 0, 4)));
    }
}
