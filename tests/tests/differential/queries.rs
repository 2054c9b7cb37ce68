//! Queries of all kinds, the same in every run.

use std::fmt::Write as _;

use model::{Name, RecordType};

use super::message::{AD, CD, RD};
use super::zones;

#[derive(Clone, Debug)]
pub(super) struct Query {
    /// RD, AD, CD.
    pub flags: u16,
    /// Wire form, in whatever case.
    pub name: Vec<u8>,
    pub record_type: u16,
    pub class: u16,
    pub edns: Option<Edns>,
    pub over_tcp: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Edns {
    pub udp_size: u16,
    pub version: u8,
    pub flags: u16,
    pub options: Vec<(u16, Vec<u8>)>,
}

pub(super) const DO: u16 = 0x8000;
pub(super) const NSID: u16 = 3;
pub(super) const COOKIE: u16 = 10;
pub(super) const KEEPALIVE: u16 = 11;

pub(super) const IN: u16 = 1;

/// What stands in front of a name that is in a zone, or of one above it.
const BELOW: [&str; 9] =
    ["", "", "", "q.", "*.", "x.y.", "a.b.c.d.", "_8765._tcp.", r"\000\.\255."];
/// Types that zones have, and that clients ask for most.
const USUAL: [u16; 14] = [1, 1, 1, 28, 28, 2, 5, 6, 12, 15, 16, 33, 43, 255];
/// Types that mean something to a protocol, and not to zones.
const META: [u16; 15] = [0, 41, 128, 249, 250, 251, 252, 253, 254, 46, 47, 48, 50, 39, 65_535];
const SIZES: [u16; 9] = [0, 511, 512, 513, 1000, 1232, 1400, 4096, 65_535];

/// The same numbers on every machine (Steele, Lea and Flood's SplitMix64).
struct Numbers(u64);

pub(super) struct Generator {
    numbers: Numbers,
    /// In wire form, in lower case.
    names: Vec<Vec<u8>>,
}

// === impl Numbers ===

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

// === impl Generator ===

impl Generator {
    pub fn new(seed: u64, zones: &[(&str, String)]) -> Self {
        Self { numbers: Numbers(seed), names: names(zones) }
    }

    pub fn query(&mut self) -> Query {
        let name = self.name();
        let Self { numbers, .. } = self;
        let record_type = match numbers.below(10) {
            0..5 => *numbers.pick(&USUAL),
            5..8 => 1 + numbers.below(65) as u16,
            8 => *numbers.pick(&META),
            _ if numbers.one_in(4) => numbers.next() as u16,
            _ => *numbers.pick(&[65_280, 65_281, 65_534, 731, 99, 108, 256, 257]),
        };
        let flags = *numbers.pick(&[0, 0, RD, CD, RD | CD, AD, RD | AD, AD | CD]);
        Query {
            flags,
            name,
            record_type,
            class: IN,
            edns: edns(numbers),
            over_tcp: numbers.one_in(6),
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let Self { numbers, names } = self;
        let mut name = numbers.pick::<Vec<u8>>(names).clone();
        if numbers.one_in(40) {
            change_label(numbers, &mut name);
        }
        if numbers.one_in(3) {
            for byte in name.iter_mut().filter(|byte| byte.is_ascii_lowercase()) {
                // Length bytes are below any letter.
                if numbers.one_in(3) {
                    byte.make_ascii_uppercase();
                }
            }
        }
        name
    }
}

/// Another first label of the same length, of any bytes.
fn change_label(numbers: &mut Numbers, name: &mut [u8]) {
    let length = usize::from(name[0]);
    let bytes = numbers.bytes(length);
    name[1..=length].copy_from_slice(&bytes);
}

fn edns(numbers: &mut Numbers) -> Option<Edns> {
    if numbers.one_in(4) {
        return None;
    }
    let mut edns = Edns {
        udp_size: *numbers.pick(&SIZES),
        version: 0,
        flags: *numbers.pick(&[0, 0, DO]),
        options: Vec::new(),
    };
    if numbers.one_in(4) {
        let count = 1 + numbers.below(3);
        edns.options = (0..count).map(|_| option(numbers)).collect();
        // None of them means anything twice.
        edns.options.sort();
        edns.options.dedup_by_key(|(code, _)| *code);
    }
    match numbers.below(60) {
        0 => edns.version = *numbers.pick(&[1, 1, 2, 255]),
        1 => edns.flags |= *numbers.pick(&[0x4000, 0x0001, 0x7fff]),
        _ => {}
    }
    Some(edns)
}

fn option(numbers: &mut Numbers) -> (u16, Vec<u8>) {
    match numbers.below(7) {
        0 => (NSID, Vec::new()),
        1 => (COOKIE, numbers.bytes(8)),
        2 => (KEEPALIVE, Vec::new()),
        // Padding (RFC 7830), a client's subnet (RFC 7871), and what nobody knows.
        3 => (12, vec![0; numbers.below(40)]),
        4 => (8, vec![0, 1, 24, 0, 192, 0, 2]),
        _ => {
            let length = numbers.below(20);
            (65_001 + numbers.below(400) as u16, numbers.bytes(length))
        }
    }
}

/// Owners, what is above and below them, and what is beside.
fn names(zones: &[(&str, String)]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (zone, text) in zones {
        for name in zones::names_of(zone, text) {
            let mut above = Some(name);
            while let Some(name) = above.filter(|name| !name.is_root()) {
                let below = BELOW.iter().map(|labels| format!("{labels}{name}"));
                found.extend(below.filter_map(|text| Name::parse(&text).ok()));
                found.extend(beside(&name));
                above = name.parent();
            }
        }
    }
    found.extend([Name::root(), Name::parse("elsewhere.invalid").expect("a name")]);
    found.sort();
    found.dedup();
    found.into_iter().map(|name| name.wire().to_vec()).collect()
}

/// Names that sort next to this one.
fn beside(name: &Name) -> Vec<Name> {
    let Some(parent) = name.parent() else { return Vec::new() };
    let label = name.labels().next().unwrap_or_default();
    let longer = [label, b"0"].concat();
    let shorter = &label[..label.len() - 1];
    [&longer[..], shorter].iter().filter_map(|label| parent.child(label).ok()).collect()
}

fn wire(name: &str) -> Vec<u8> {
    Name::parse(name).expect("a name").wire().to_vec()
}

// === impl Query ===

impl Query {
    /// Nothing but a question.
    pub fn plain(name: &str, record_type: RecordType) -> Self {
        Self {
            flags: 0,
            name: wire(name),
            record_type: record_type.0,
            class: IN,
            edns: None,
            over_tcp: false,
        }
    }

    pub fn bytes(&self, id: u16) -> Vec<u8> {
        let additional = u16::from(self.edns.is_some());
        let mut bytes = Vec::new();
        for number in [id, self.flags, 1, 0, 0, additional] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.question());
        if let Some(edns) = &self.edns {
            edns.write(&mut bytes);
        }
        bytes
    }

    /// As it stands in the message.
    pub fn question(&self) -> Vec<u8> {
        let mut bytes = self.name.clone();
        for number in [self.record_type, self.class] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// Words for dig that make the same query, but for the case of letters and what dig cannot make.
    pub fn dig_line(&self) -> String {
        let name = Name::from_wire(&self.name).expect("queries are for names");
        let mut line =
            format!("dig -q '{name}' -t TYPE{} -c CLASS{}", self.record_type, self.class);
        let mut add = |word: &dyn std::fmt::Display| {
            write!(line, " +{word}").expect("a String takes all text");
        };
        let is_set = |flag: u16| if self.flags & flag == 0 { "no" } else { "" };
        add(&format!("{}recurse", is_set(RD)));
        add(&format!("{}adflag", is_set(AD)));
        add(&format!("{}cdflag", is_set(CD)));
        add(&"nocookie");
        if self.over_tcp {
            add(&"tcp");
        }
        match &self.edns {
            None => add(&"noedns"),
            Some(Edns { udp_size, version, flags, options, .. }) => {
                add(&format!("edns={version}"));
                add(&format!("bufsize={udp_size}"));
                add(&format!("ednsflags={flags:#x}"));
                for (code, data) in options {
                    let data: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
                    add(&format!("ednsopt={code}:{data}"));
                }
            }
        }
        line
    }
}

// === impl Edns ===

impl Edns {
    fn write(&self, bytes: &mut Vec<u8>) {
        let [flags_high, flags_low] = self.flags.to_be_bytes();
        bytes.extend_from_slice(&[0, 0, 41]);
        bytes.extend_from_slice(&self.udp_size.to_be_bytes());
        bytes.extend_from_slice(&[0, self.version, flags_high, flags_low]);
        let length: usize = self.options.iter().map(|(_, data)| 4 + data.len()).sum();
        bytes.extend_from_slice(&(length as u16).to_be_bytes());
        for (code, data) in &self.options {
            bytes.extend_from_slice(&code.to_be_bytes());
            bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
            bytes.extend_from_slice(data);
        }
    }
}
