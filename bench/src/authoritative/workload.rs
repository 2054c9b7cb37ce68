//! The zone that all servers have, and what they are asked.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use model::RecordType;

use crate::query::{name, query};
use crate::static_zone::host;

/// Queries that go out in one call.
pub const BURST: usize = 32;
/// Different bursts; they are sent over and over.
const BURSTS: usize = 8192;

/// A master file with so many hosts of two addresses each.
pub fn zone_text(hosts: usize) -> String {
    let mut text = String::with_capacity(hosts * 48);
    text += "$ORIGIN example.com.\n$TTL 180\n\
             @ SOA ns1 hostmaster 1 900 300 604800 60\n@ NS ns1\nns1 A 192.0.2.53\n";
    for at in 0..hosts {
        let first = 0x0a00_0000 + u32::try_from(at).expect("fewer than 2^24 hosts") * 2;
        let [a, b] = [first, first + 1].map(Ipv4Addr::from);
        writeln!(text, "h{at:07} A {a}\nh{at:07} A {b}").expect("a string takes everything");
    }
    text
}

/// Queries, all of one length, in bursts.
pub struct Workload {
    bursts: Vec<Vec<u8>>,
    /// Of one query.
    pub length: u16,
}

// === impl Workload ===

impl Workload {
    /// For hosts all over the zone; so many of a hundred ask for names that do not exist.
    pub fn new(hosts: usize, absent_percent: usize) -> Self {
        let bursts: Vec<Vec<u8>> = (0..BURSTS)
            .map(|burst| {
                (0..BURST).flat_map(|at| one(burst * BURST + at, hosts, absent_percent)).collect()
            })
            .collect();
        let length = bursts[0].len() / BURST;
        assert!(bursts.iter().all(|burst| burst.len() == BURST * length), "one length");
        Self { bursts, length: u16::try_from(length).expect("a query is short") }
    }

    /// The same queries with an option each, behind which there is no other.
    pub fn with_option(&self, option: &[u8]) -> Self {
        let length = usize::from(self.length);
        let with_option = |query: &[u8]| {
            // The last two bytes are the length of all options.
            let options = u16::try_from(option.len()).expect("a short option").to_be_bytes();
            [&query[..length - 2], &options, option].concat()
        };
        let bursts =
            self.bursts.iter().map(|burst| burst.chunks(length).flat_map(with_option).collect());
        let length = u16::try_from(length + option.len()).expect("a query is short");
        Self { bursts: bursts.collect(), length }
    }

    pub fn burst(&self, at: usize) -> &[u8] {
        &self.bursts[at % BURSTS]
    }

    /// Without end.
    pub fn queries(&self) -> impl Iterator<Item = &[u8]> {
        self.bursts.iter().cycle().flat_map(|burst| burst.chunks(usize::from(self.length)))
    }
}

fn one(at: usize, hosts: usize, absent_percent: usize) -> Vec<u8> {
    let spread = at.wrapping_mul(2_654_435_761) % hosts;
    let is_absent = at % 100 < absent_percent;
    let owner = if is_absent { format!("n{spread:07}.example.com") } else { host(spread) };
    let id = u16::try_from(at % (1 << 16)).expect("16 bits");
    query(id, &name(&owner), RecordType::A)
}
