//! Master-file text to zone contents, and what is answered from them.

use hickory_proto::op::Message;
use model::{Name, RecordType, Serial};
use zone_files::{Completeness, NoIncludes, Options, Source, read_zone, zone_text};

use crate::respond::{Client, TCP_SIZE_MAX, Transport, respond};
use crate::{Snapshot, Store};

use super::name;

/// So many names of a zone are asked for.
const NAMES_MAX: usize = 20;
const OPTIONS: Options =
    Options { default_ttl: Some(300), completeness: Completeness::Whole, errors_max: 10 };

/// Of other types the other library has an opinion on data that a server carries unread, such as which
/// letters the flags of a NAPTR record may be.
const READ_BY_BOTH: [RecordType; 9] = [
    RecordType::A,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::SOA,
    RecordType::PTR,
    RecordType::MX,
    RecordType::TXT,
    RecordType::AAAA,
    RecordType::SRV,
];

/// Reads `text` as the zone `example.`.
///
/// # Panics
///
/// Where a zone that was read does not read the same once it is printed, or where its own names have
/// no answer that another library reads.
pub fn check_zone_file(text: &[u8]) {
    let apex = name("example.");
    let source = Source { file: "example.zone", text };
    let read = match read_zone(&apex, &[source], &mut NoIncludes, &OPTIONS) {
        Ok(read) => read,
        Err(error) => return drop(error.to_string()),
    };
    let printed = zone_text(&read.contents);
    let source = Source { file: "printed.zone", text: printed.as_bytes() };
    let again = read_zone(&apex, &[source], &mut NoIncludes, &OPTIONS);
    let again = again.unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(read.contents, again.contents, "{printed}");
    let (mut writer, reader) = Store::new();
    if writer.publish(&read.contents, Serial(7)).is_err() {
        return;
    }
    let snapshot = reader.snapshot();
    for (owner, sets) in read.contents.iter().take(NAMES_MAX) {
        let types = sets.iter().map(|set| set.record_type);
        types.chain([RecordType::A, RecordType::ANY]).for_each(|it| ask(&snapshot, owner, it));
    }
}

fn ask(snapshot: &Snapshot<'_>, owner: &Name, record_type: RecordType) {
    let mut packet = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(owner.wire());
    packet.extend_from_slice(&record_type.0.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut out = [0; TCP_SIZE_MAX];
        let reply = respond(snapshot, &packet, &Client::anyone(transport), &mut out);
        let reply = reply.expect("a query is answered");
        let answer = &out[..reply.length];
        if READ_BY_BOTH.contains(&record_type) {
            let message = Message::from_vec(answer);
            assert!(message.is_ok(), "{owner} {record_type}: {message:?} {answer:02x?}");
        }
        assert_eq!(reply.truncated, answer[2] & 2 != 0);
    }
}
