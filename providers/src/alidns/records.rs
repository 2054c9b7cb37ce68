//! The records of a domain: listed whole, added, updated, deleted.
//!
//! AliDNS has no transactions: each address is a record of its own, and a set of records changes one
//! call at a time. A call that failed half way is not repeated blindly: what stands is read first.

mod listing;
mod value;

use std::fmt;

use model::Name;
use serde::Deserialize;

use super::client::{Call, Client};
use super::domain::domain_text;
use super::error::{Class, Error};

/// The line that answers every client for which there is no other.
pub const LINE_DEFAULT: &str = "default";

/// The id that AliDNS gives a record. An update keeps it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub String);

/// A record as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: RecordId,
    pub fields: RecordFields,
    /// False: paused by hand; it answers nobody.
    pub enabled: bool,
    /// Locked by hand; AliDNS refuses to change it.
    pub locked: bool,
    pub remark: Option<String>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordFields {
    /// Relative to the domain; `@` is the domain itself.
    pub rr: String,
    /// A type's mnemonic, or one of AliDNS's own: `REDIRECT_URL`, `FORWARD_URL`.
    pub record_type: String,
    pub line: String,
    /// Names without a final dot, TXT without quotes.
    pub value: String,
    /// Seconds.
    pub ttl: u32,
    /// Of MX records.
    pub priority: Option<u32>,
}

/// The answer to every change.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Changed {
    record_id: RecordId,
}

// === impl RecordId ===

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl RecordFields ===

impl RecordFields {
    /// Line, type and value are all sent with each change: AliDNS puts what is left out back to its
    /// defaults.
    fn onto(&self, call: Call) -> Call {
        let Self { rr, record_type, line, value, ttl, priority } = self;
        let call = call
            .with("RR", rr)
            .with("Type", record_type)
            .with("Line", line)
            .with("Value", value)
            .with("TTL", ttl);
        match priority {
            Some(priority) => call.with("Priority", priority),
            None => call,
        }
    }

    /// True where both are the same record to AliDNS, which then refuses a second one.
    pub fn is_same_record(&self, other: &Self) -> bool {
        self.is_same_set(other)
            && value::is_same(&self.record_type, &self.value, &other.value)
            && (self.priority == other.priority || self.record_type != "MX")
    }

    /// True where both belong to one set: the same host record, type and line.
    pub fn is_same_set(&self, other: &Self) -> bool {
        self.rr.eq_ignore_ascii_case(&other.rr)
            && self.record_type.eq_ignore_ascii_case(&other.record_type)
            && self.line == other.line
    }
}

impl fmt::Display for RecordFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rr, record_type, line, value, .. } = self;
        write!(f, "{rr} {record_type} {value} (line {line})")
    }
}

// === impl Client ===

impl Client {
    /// All records of a domain, in the order in which they were added. The name servers of the domain
    /// itself are not among them.
    ///
    /// # Errors
    ///
    /// Never a part of the list: [`Error::ListingIncomplete`] where the domain goes on changing.
    pub async fn list_records(&self, domain: &Name) -> Result<Vec<Record>, Error> {
        listing::whole(self, domain, Vec::new()).await
    }

    /// The records of a domain whose host record contains this text, as [`Client::list_records`].
    ///
    /// # Errors
    ///
    /// As for the whole list.
    pub async fn list_records_containing(
        &self,
        domain: &Name,
        rr: &str,
    ) -> Result<Vec<Record>, Error> {
        listing::whole(self, domain, vec![("RRKeyWord", rr.to_owned())]).await
    }

    /// Adds a record and returns its id. Where an attempt failed half way, or AliDNS has the record
    /// already, what stands is read, and is a success if it is what was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::StandsOtherwise`] if the record is there with another TTL, or paused.
    pub async fn add_record(
        &self,
        domain: &Name,
        fields: &RecordFields,
    ) -> Result<RecordId, Error> {
        let call = Call::new("AddDomainRecord").with("DomainName", domain_text(domain));
        let call = fields.onto(call);
        let mut attempts = self.attempts();
        loop {
            let error = match self.attempt::<Changed>(&call).await {
                Ok(Changed { record_id }) => return Ok(record_id),
                Err(error) => error,
            };
            if error.class() == Class::AlreadySo {
                let standing = self.standing(domain, fields).await?;
                return confirm(call.action, fields, standing);
            }
            let perhaps_added = error.may_have_been_carried_out();
            attempts.again(error).await?;
            if perhaps_added {
                let standing = self.standing(domain, fields).await?;
                if standing.is_some() {
                    return confirm(call.action, fields, standing);
                }
            }
        }
    }

    /// Makes the record with this id say this. It keeps its id. A record that says so already is a
    /// success.
    ///
    /// # Errors
    ///
    /// Of class [`Class::Gone`] if there is no such record; [`Error::StandsOtherwise`] if another
    /// record says the same already.
    pub async fn update_record(
        &self,
        domain: &Name,
        id: &RecordId,
        fields: &RecordFields,
    ) -> Result<(), Error> {
        let call = fields.onto(Call::new("UpdateDomainRecord").with("RecordId", id));
        match self.call::<Changed>(&call).await {
            Ok(_) => Ok(()),
            Err(error) if error.class() == Class::AlreadySo => {
                let standing = self.standing(domain, fields).await?;
                let found = confirm(call.action, fields, standing)?;
                if found == *id {
                    return Ok(());
                }
                Err(stands_otherwise(call.action, fields, format!("with the id {found}")))
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the record with this id. One that is not there any more is a success.
    pub async fn delete_record(&self, id: &RecordId) -> Result<(), Error> {
        let call = Call::new("DeleteDomainRecord").with("RecordId", id);
        match self.call::<Changed>(&call).await {
            Ok(_) => Ok(()),
            Err(error) if error.class() == Class::Gone => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The record that AliDNS takes for the same as this one.
    async fn standing(
        &self,
        domain: &Name,
        fields: &RecordFields,
    ) -> Result<Option<Record>, Error> {
        // AliDNS finds every host record that contains this text; `is_same_record` is exact.
        let filter = vec![
            ("RRKeyWord", fields.rr.clone()),
            ("Type", fields.record_type.clone()),
            ("Line", fields.line.clone()),
        ];
        let records = listing::whole(self, domain, filter).await?;
        Ok(records.into_iter().find(|record| record.fields.is_same_record(fields)))
    }
}

/// The id of what stands, if it is what was asked for.
fn confirm(
    action: &'static str,
    fields: &RecordFields,
    standing: Option<Record>,
) -> Result<RecordId, Error> {
    match standing {
        Some(record) if !record.enabled => {
            Err(stands_otherwise(action, fields, "it is paused".to_owned()))
        }
        Some(record) if record.fields.ttl != fields.ttl => {
            let difference = format!("its TTL is {}, not {}", record.fields.ttl, fields.ttl);
            Err(stands_otherwise(action, fields, difference))
        }
        Some(record) => Ok(record.id),
        None => Err(stands_otherwise(action, fields, "it is not in the list".to_owned())),
    }
}

fn stands_otherwise(action: &'static str, fields: &RecordFields, difference: String) -> Error {
    Error::StandsOtherwise { action, record: fields.to_string(), difference }
}
