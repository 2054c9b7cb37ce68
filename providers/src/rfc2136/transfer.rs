//! From the records of a zone transfer to sets (RFC 5936).

use std::collections::BTreeMap;

use model::{Name, Rdata, RecordSet, RecordType};

use crate::dns_message::{Malformed, Record};
use crate::hosted::HostedSet;

/// What a signer of zones makes and keeps: nobody put it there, and it may stand beside an alias
/// (RFC 4035 section 2.5).
const OF_SIGNERS: [RecordType; 3] = [RecordType::RRSIG, RecordType::NSEC, RecordType::NSEC3];

/// The records that have come so far.
#[derive(Debug)]
pub struct Transfer {
    zone: Name,
    sets: BTreeMap<(Name, RecordType), (u32, Vec<Rdata>)>,
    soas: usize,
}

// === impl Transfer ===

impl Transfer {
    pub fn new(zone: &Name) -> Self {
        Self { zone: zone.clone(), sets: BTreeMap::new(), soas: 0 }
    }

    /// Takes the records of the next message. The SOA record begins the transfer and ends it (RFC 5936
    /// section 2.2).
    pub fn push(&mut self, records: Vec<Record>) -> Result<(), Malformed> {
        for Record { name, record_type, ttl, rdata } in records {
            let is_apex_soa = record_type == RecordType::SOA && name == self.zone;
            // Nothing before the first, nothing after the second.
            if self.is_complete() || (self.soas == 0 && !is_apex_soa) {
                return Err(Malformed);
            }
            self.soas += usize::from(is_apex_soa);
            if OF_SIGNERS.contains(&record_type) || !name.is_at_or_below(&self.zone) {
                continue;
            }
            let (least_ttl, values) =
                self.sets.entry((name, record_type)).or_insert((ttl, Vec::new()));
            *least_ttl = ttl.min(*least_ttl);
            values.push(rdata);
        }
        Ok(())
    }

    pub fn is_complete(&self) -> bool {
        self.soas == 2
    }

    pub fn into_sets(self) -> Vec<HostedSet> {
        let set = |((name, record_type), (ttl, values))| {
            Some(HostedSet::plain(name, RecordSet::new(record_type, ttl, values)?))
        };
        self.sets.into_iter().filter_map(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, record_type: RecordType, ttl: u32, rdata: &[u8]) -> Record {
        let name = Name::parse(name).unwrap();
        Record { name, record_type, ttl, rdata: Rdata::from_wire(rdata) }
    }

    fn soa() -> Record {
        record("example.com", RecordType::SOA, 60, &[0; 22])
    }

    fn a(name: &str, ttl: u32, last: u8) -> Record {
        record(name, RecordType::A, ttl, &[192, 0, 2, last])
    }

    fn transfer(messages: Vec<Vec<Record>>) -> Result<Transfer, Malformed> {
        let mut transfer = Transfer::new(&Name::parse("example.com").unwrap());
        messages.into_iter().try_for_each(|records| transfer.push(records))?;
        Ok(transfer)
    }

    #[test]
    fn records_become_sets() {
        let signature = record("a.example.com", RecordType::RRSIG, 60, &[0; 30]);
        let transfer = transfer(vec![
            vec![soa(), a("a.example.com", 180, 2)],
            vec![a("a.example.com", 180, 1), signature, soa()],
        ]);
        let transfer = transfer.unwrap();
        assert!(transfer.is_complete());
        let sets = transfer.into_sets();
        let texts: Vec<String> = sets
            .iter()
            .filter_map(|set| set.records())
            .flat_map(|set| set.value_texts().map(|it| format!("{} {it}", set.ttl)))
            .collect();
        assert_eq!(texts[1..], ["180 192.0.2.1", "180 192.0.2.2"]);
        assert_eq!(sets.len(), 2);
    }

    #[test]
    fn a_transfer_without_its_end_is_not_complete() {
        assert!(
            !transfer(vec![vec![soa()], vec![a("a.example.com", 1, 1)]]).unwrap().is_complete()
        );
        assert_eq!(transfer(vec![vec![a("a.example.com", 1, 1)]]).unwrap_err(), Malformed);
        let more = vec![soa(), soa(), a("a.example.com", 1, 1)];
        assert_eq!(transfer(vec![more]).unwrap_err(), Malformed);
    }
}
