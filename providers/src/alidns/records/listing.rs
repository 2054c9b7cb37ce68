//! Listing a whole domain, page by page.
//!
//! Pages are counted by number, so a record that is deleted meanwhile shifts all that follow, and the one
//! that slides over the edge between two pages is never seen; an addition at the same time even keeps
//! their number. Therefore:
//!
//! 1. the list goes from the oldest record on: additions come last and shift nothing;
//! 2. each page begins before the end of the one before, which a page size a little smaller does: where
//!    something slid, the records that stand on both pages differ;
//! 3. the number of all records must stay the same and be reached;
//! 4. else the whole is begun again.

use std::collections::HashSet;

use model::Name;
use serde::Deserialize;

use super::{Record, RecordFields, RecordId};
use crate::alidns::answer::{number, number_u32};
use crate::alidns::client::{Call, Client};
use crate::alidns::domain::domain_text;
use crate::alidns::error::Error;

const PAGE_SIZE_MAX: u64 = 500;
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
    let mut list = List::default();
    loop {
        let (number, size) = next_page(list.records.len() as u64);
        let page = page(client, domain, filter, (number, size)).await?;
        let total = page.total_count.unwrap_or_default();
        let is_good = list.append((number - 1) * size, total, page.domain_records.rows);
        let found = list.records.len() as u64;
        let is_last = number * size >= total;
        match (is_good, is_last) {
            (true, true) if found == total => return Ok(Outcome::Whole(list.records)),
            (true, false) if found == number * size => {}
            _ => return Ok(Outcome::Changed { found, total }),
        }
    }
}

/// The records of all pages so far.
#[derive(Default)]
struct List {
    records: Vec<Record>,
    ids: HashSet<RecordId>,
    total: Option<u64>,
}

impl List {
    /// True if the page follows on those before.
    fn append(&mut self, offset: u64, total: u64, rows: Vec<Row>) -> bool {
        let overlap = usize::try_from(self.records.len() as u64 - offset).unwrap_or(usize::MAX);
        let seen = &self.records[self.records.len() - overlap..];
        let agrees = rows.len() >= overlap
            && seen.iter().zip(&rows).all(|(record, row)| record.id == row.record_id)
            && *self.total.get_or_insert(total) == total;
        if !agrees {
            return false;
        }
        for row in rows.into_iter().skip(overlap) {
            if !self.ids.insert(row.record_id.clone()) {
                return false;
            }
            self.records.push(record(row));
        }
        true
    }
}

/// The number and size of the page that holds the last of the first `found` records and as many further
/// ones as can be.
fn next_page(found: u64) -> (u64, u64) {
    if found == 0 {
        return (1, PAGE_SIZE_MAX);
    }
    let numbered = |size: u64| ((found - 1) / size + 1, size);
    let sizes = (1..=PAGE_SIZE_MAX).map(numbered);
    sizes.max_by_key(|(number, size)| number * size).expect("there are sizes")
}

async fn page(
    client: &Client,
    domain: &Name,
    filter: &[(&'static str, String)],
    (number, size): (u64, u64),
) -> Result<Page, Error> {
    let call = Call::new("DescribeDomainRecords")
        .with("DomainName", domain_text(domain))
        .with("Direction", "ASC")
        .with("PageSize", size)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_begins_before_the_end_of_the_one_before() {
        let mut found = 0;
        for calls in 1..=1_000 {
            let (number, size) = next_page(found);
            assert!((number - 1) * size < found.max(1), "{found}: {number} {size}");
            assert!(number * size > found, "{found}: {number} {size}");
            found = number * size;
            match calls {
                1 => assert_eq!(found, 500),
                2 => assert_eq!(found, 998),
                21 => assert!(found >= 10_000, "{found}"),
                _ => {}
            }
        }
        assert!(found > 400_000, "{found} records in a thousand calls");
    }
}
