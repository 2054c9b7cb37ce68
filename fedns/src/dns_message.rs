//! DNS messages as a person reads them, never on the answer path: hickory builds queries and follows
//! compressed names, and records print as they do everywhere here.

mod read;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::DNSClass;
use model::{Name, Rdata, RecordType};
use serde::Serialize;
use zone_files::rdata_text;

use read::RawRecord;

/// An answer, told in text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerText {
    /// The mnemonic: NOERROR, NXDOMAIN, …
    pub rcode: String,
    pub authoritative: bool,
    pub truncated: bool,
    /// Each as in a master file: `name ttl IN type data`.
    pub answers: Vec<RecordText>,
    pub authorities: Vec<RecordText>,
    pub additionals: Vec<RecordText>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordText {
    pub name: String,
    pub ttl: u32,
    #[serde(rename = "type")]
    pub record_type: String,
    pub data: String,
}

/// A query with EDNS, as a resolver would send it.
///
/// # Errors
/// The name is one that hickory cannot encode.
pub fn query(id: u16, name: &Name, record_type: RecordType) -> Result<Vec<u8>, String> {
    let owner = hickory_proto::rr::Name::from_labels(name.labels()).map_err(|e| e.to_string())?;
    let mut question = Query::query(owner, record_type.0.into());
    question.set_query_class(DNSClass::IN);
    let mut message = Message::query();
    message.metadata.id = id;
    message.add_query(question);
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    message.set_edns(edns);
    message.to_vec().map_err(|error| error.to_string())
}

/// Reads an answer to the query with this id.
///
/// # Errors
/// The bytes are no DNS message, or one that does not answer the query.
pub fn read(id: u16, bytes: &[u8]) -> Result<AnswerText, String> {
    let message = read::message(bytes).map_err(|error| format!("no DNS message: {error}"))?;
    if message.id != id {
        return Err("an answer to another query".into());
    }
    let flag = |bit: u16| message.flags & bit != 0;
    let texts = |records: &[RawRecord]| records.iter().map(record_text).collect();
    Ok(AnswerText {
        rcode: rcode_text(message.rcode),
        authoritative: flag(0x0400),
        truncated: flag(0x0200),
        answers: texts(&message.answers),
        authorities: texts(&message.authorities),
        additionals: texts(&message.additionals),
    })
}

fn record_text(record: &RawRecord) -> RecordText {
    let RawRecord { owner, record_type, ttl, rdata } = record;
    // The data of a PTR record is one name, so it prints any name.
    let owner = Rdata::from_wire(owner.as_slice());
    RecordText {
        name: rdata_text(RecordType::PTR, &owner),
        ttl: *ttl,
        record_type: record_type.to_string(),
        data: rdata_text(*record_type, rdata),
    }
}

/// RFC 6895 section 2.3; codes that no answer of a name server to a query has are told by number.
fn rcode_text(code: u16) -> String {
    match code {
        0 => "NOERROR".into(),
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        6 => "YXDOMAIN".into(),
        9 => "NOTAUTH".into(),
        16 => "BADVERS".into(),
        23 => "BADCOOKIE".into(),
        other => format!("RCODE{other}"),
    }
}

impl AnswerText {
    /// `NOERROR, authoritative`.
    pub fn status(&self) -> String {
        let mut status = self.rcode.clone();
        for (flag, word) in
            [(self.authoritative, ", authoritative"), (self.truncated, ", truncated")]
        {
            if flag {
                status += word;
            }
        }
        status
    }

    /// True where other name servers are named in place of an answer (RFC 1034 section 4.3.1).
    pub fn is_referral(&self) -> bool {
        let names_servers = self.authorities.iter().any(|record| record.record_type == "NS");
        self.answers.is_empty() && !self.authoritative && names_servers
    }

    /// Adds the answer records of `other` that are not there yet.
    pub fn add_answers(&mut self, other: Self) {
        let new = |record: &RecordText| !self.answers.contains(record);
        let more: Vec<RecordText> = other.answers.into_iter().filter(new).collect();
        self.answers.extend(more);
    }
}

impl RecordText {
    /// As in a master file, whatever its `$ORIGIN` and `$TTL`.
    pub fn line(&self) -> String {
        let line = format!("{} {} IN {} {}", self.name, self.ttl, self.record_type, self.data);
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `example.com` at the offset that pointers in the tests mean: right behind the header.
    const QUESTION: &[u8] = b"\x07example\x03com\0\0\xff\0\x01";

    /// An answer whose records are owned by the question's name.
    fn answer(records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 7, 0x84, 0, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
        bytes.extend(QUESTION);
        for (record_type, data) in records {
            bytes.extend([0xc0, 12]);
            bytes.extend(record_type.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    #[track_caller]
    fn check(record_type: RecordType, data: &[u8], expect: &str) {
        let text = read(7, &answer(&[(record_type.0, data)])).unwrap();
        let lines: Vec<String> = text.answers.iter().map(RecordText::line).collect();
        assert_eq!(lines, [format!("example.com. 60 IN {expect}")]);
    }

    #[test]
    fn compressed_names_in_data_print_in_full() {
        check(RecordType::MX, b"\0\x0a\x02mx\xc0\x0c", "MX 10 mx.example.com.");
        check(RecordType::DNAME, b"\x01a\xc0\x0c", "DNAME a.example.com.");
        check(RecordType::SRV, b"\0\0\0\x01\0\x50\xc0\x0c", "SRV 0 1 80 example.com.");
        check(
            RecordType::NAPTR,
            b"\0\x01\0\x02\x01s\0\0\xc0\x0c",
            r#"NAPTR 1 2 "s" "" "" example.com."#,
        );
        let soa = [b"\x02ns\xc0\x0c\xc0\x0c".as_slice(), &[0; 20]].concat();
        check(RecordType::SOA, &soa, "SOA ns.example.com. example.com. 0 0 0 0 0");
    }

    #[test]
    fn data_prints_as_master_file_text() {
        check(RecordType::TXT, b"\x03a b\x02\"\\", r#"TXT "a b" "\"\\""#);
        check(RecordType::URI, b"\0\x01\0\x02ftp://a", r#"URI 1 2 "ftp://a""#);
        check(RecordType::HTTPS, b"\0\x01\0\0\x01\0\x06\x02h2\x02h3", r#"HTTPS 1 . alpn="h2,h3""#);
        check(RecordType(65280), b"\xc0\x0c", r"TYPE65280 \# 2 c00c");
        // What does not fit its type is told as it is.
        check(RecordType::A, b"\x01", r"A \# 1 01");
        check(RecordType::NULL, b"", r"NULL \# 0");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(read(8, &answer(&[])), Err("an answer to another query".into()));
        for cut in 0..answer(&[(1, &[192, 0, 2, 1])]).len() {
            assert!(read(7, &answer(&[(1, &[192, 0, 2, 1])])[..cut]).is_err(), "{cut}");
        }
        // The name ends behind the data's own end.
        assert!(read(7, &answer(&[(RecordType::MX.0, b"\0\x01\x02")])).is_err());
    }

    #[test]
    fn edns_widens_the_response_code() {
        let mut bytes = answer(&[]);
        bytes[11] = 1;
        bytes.extend([0, 0, 41, 4, 0xd0, 1, 0, 0, 0, 0, 0]);
        let text = read(7, &bytes).unwrap();
        assert_eq!((text.status(), text.additionals.len()), ("BADVERS, authoritative".into(), 0));
    }
}
