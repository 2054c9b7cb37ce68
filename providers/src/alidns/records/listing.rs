//! Listing a whole domain, page by page.
//!
//! Pages are counted by number, so a record that is added or deleted meanwhile shifts all that follow.
//! Therefore the list goes from the oldest record on (additions then come last), records are counted by
//! their ids, and the whole is begun again when it does not add up.

use std::collections::HashSet;

use model::Name;
use serde::Deserialize;

use super::{Record, RecordFields, RecordId};
use crate::alidns::answer::{number, number_u32};
use crate::alidns::client::{Call, Client};
use crate::alidns::domain::domain_text;
use crate::alidns::error::Error;

const PAGE_SIZE: u64 = 500;
/// A domain that many others write to is left for later.
const ATTEMPTS_MAX: u32 = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(deserialize_with = "number")]
    total_count: Option<u64>,
    domain_records: Rows,
}

#[derive(Deserialize)]
struct Rows {
    #[serde(rename = "Record")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    record_id: RecordId,
    #[serde(rename = "RR")]
    rr: String,
    r#type: String,
    line: String,
    value: String,
    #[serde(rename = "TTL", default, deserialize_with = "number_u32")]
    ttl: Option<u32>,
    #[serde(default, deserialize_with = "number_u32")]
    priority: Option<u32>,
    status: String,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    remark: Option<String>,
}

/// One attempt's end.
enum Outcome {
    Whole(Vec<Record>),
    Changed { found: u64, total: u64 },
}

/// All records that the filter selects.
pub(super) async fn whole(
    client: &Client,
    domain: &Name,
    filter: Vec<(&'static str, String)>,
) -> Result<Vec<Record>, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match attempt(client, domain, &filter).await? {
            Outcome::Whole(records) => return Ok(records),
            Outcome::Changed { found, total } if attempts >= ATTEMPTS_MAX => {
                let domain = domain_text(domain);
                return Err(Error::ListingIncomplete { domain, found, total, attempts });
            }
            Outcome::Changed { .. } => {}
        }
    }
}

async fn attempt(
    client: &Client,
    domain: &Name,
    filter: &[(&'static str, String)],
) -> Result<Outcome, Error> {
    let mut records = Vec::new();
    let mut seen = HashSet::new();
    let mut expected = None;
    for number in 1.. {
        let page = page(client, domain, filter, number).await?;
        let (total, rows) = (page.total_count.unwrap_or_default(), page.domain_records.rows);
        let (is_empty, is_last) = (rows.is_empty(), number * PAGE_SIZE >= total);
        for row in rows {
            if seen.insert(row.record_id.clone()) {
                records.push(record(row));
            }
        }
        let found = records.len() as u64;
        if *expected.get_or_insert(total) != total || found > total {
            return Ok(Outcome::Changed { found, total });
        }
        if is_last || is_empty {
            let whole = found == total;
            return Ok(if whole {
                Outcome::Whole(records)
            } else {
                Outcome::Changed { found, total }
            });
        }
    }
    unreachable!("a range without an end does not end")
}

async fn page(
    client: &Client,
    domain: &Name,
    filter: &[(&'static str, String)],
    number: u64,
) -> Result<Page, Error> {
    let call = Call::new("DescribeDomainRecords")
        .with("DomainName", domain_text(domain))
        .with("Direction", "ASC")
        .with("PageSize", PAGE_SIZE)
        .with("PageNumber", number);
    let call = filter.iter().fold(call, |call, (name, value)| call.with(name, value));
    client.call(&call).await
}

fn record(row: Row) -> Record {
    let Row { record_id, rr, r#type, line, value, ttl, priority, status, locked, remark } = row;
    // Only MX has one; other types answer with a number that means nothing.
    let priority = priority.filter(|_| r#type == "MX");
    let ttl = ttl.unwrap_or_default();
    Record {
        id: record_id,
        fields: RecordFields { rr, record_type: r#type, line, value, ttl, priority },
        enabled: status.eq_ignore_ascii_case("enable"),
        locked,
        remark: remark.filter(|text| !text.is_empty()),
    }
}
