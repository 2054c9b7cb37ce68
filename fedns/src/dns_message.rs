//! DNS messages as a person reads them: built and taken apart by hickory, never on the answer path.

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Record};
use model::{Name, RecordType};
use serde::Serialize;

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
pub fn read(id: u16, bytes: &[u8]) -> Result<AnswerText, String> {
    let message = Message::from_vec(bytes).map_err(|error| format!("no DNS message: {error}"))?;
    if message.metadata.id != id {
        return Err("an answer to another query".into());
    }
    let texts = |records: &[Record]| records.iter().map(record_text).collect();
    Ok(AnswerText {
        rcode: rcode_text(message.metadata.response_code),
        authoritative: message.metadata.authoritative,
        truncated: message.metadata.truncation,
        answers: texts(&message.answers),
        authorities: texts(&message.authorities),
        additionals: texts(&message.additionals),
    })
}

fn record_text(record: &Record) -> RecordText {
    RecordText {
        name: record.name.to_string(),
        ttl: record.ttl,
        record_type: RecordType(record.record_type().into()).to_string(),
        data: record.data.to_string(),
    }
}

fn rcode_text(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("RCODE{}", u16::from(other)),
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
    pub fn line(&self) -> String {
        format!("{} {} IN {} {}", self.name, self.ttl, self.record_type, self.data)
    }
}
