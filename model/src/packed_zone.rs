//! The contents of a zone in little memory, for those that are kept and hardly ever looked at.

use crate::name::Name;
use crate::record::{Rdata, RecordSet, RecordType};
use crate::zone::ZoneContents;

/// Names from one entry of the index to the next.
const STRIDE: usize = 16;

/// All sets of all names in one run of bytes, in canonical order.
///
/// A name is its length, whether the apex is left off, and its labels; a set its type, TTL and values.
/// All numbers are in seven bits a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedZone {
    pub apex: Name,
    bytes: Box<[u8]>,
    /// Where every so manieth name begins.
    index: Box<[usize]>,
}

/// What of a [`PackedZone`] has not been read yet.
#[derive(Clone)]
struct Rest<'a> {
    apex: &'a Name,
    bytes: &'a [u8],
}

// === impl PackedZone ===

impl PackedZone {
    /// Names with their sets, in canonical order: the apex first.
    pub fn iter(&self) -> impl Iterator<Item = (Name, Vec<RecordSet>)> + '_ {
        self.rest(0)
    }

    /// The sets of `name`, sorted by type; empty where the name has none.
    pub fn sets(&self, name: &Name) -> Vec<RecordSet> {
        let is_at_or_before =
            |start: &usize| self.rest(*start).next_name().is_some_and(|at_start| at_start <= *name);
        // It stands between the last entry of the index that is not behind it and the one after that.
        let Some(entry) = self.index.partition_point(is_at_or_before).checked_sub(1) else {
            return Vec::new();
        };
        let mut near = self.rest(self.index[entry]).take(STRIDE);
        near.find(|(found, _)| found == name).map(|(_, sets)| sets).unwrap_or_default()
    }

    pub fn get(&self, name: &Name, record_type: RecordType) -> Option<RecordSet> {
        self.sets(name).into_iter().find(|set| set.record_type == record_type)
    }

    fn rest(&self, start: usize) -> Rest<'_> {
        Rest { apex: &self.apex, bytes: &self.bytes[start..] }
    }
}

impl From<ZoneContents> for PackedZone {
    fn from(contents: ZoneContents) -> Self {
        let apex = contents.apex.clone();
        let (mut bytes, mut index) = (Vec::new(), Vec::new());
        for (at, (name, sets)) in contents.into_names().enumerate() {
            if at % STRIDE == 0 {
                index.push(bytes.len());
            }
            put_name(&mut bytes, &name, &apex);
            put_number(&mut bytes, sets.len());
            sets.iter().for_each(|set| put_set(&mut bytes, set));
        }
        Self { apex, bytes: bytes.into(), index: index.into() }
    }
}

fn put_name(bytes: &mut Vec<u8>, name: &Name, apex: &Name) {
    let is_inside = name.is_at_or_below(apex);
    let left_off = if is_inside { apex.wire().len() } else { 0 };
    let kept = &name.wire()[..name.wire().len() - left_off];
    put_number(bytes, kept.len() << 1 | usize::from(is_inside));
    bytes.extend_from_slice(kept);
}

fn put_set(bytes: &mut Vec<u8>, set: &RecordSet) {
    put_number(bytes, usize::from(set.record_type.0));
    put_number(bytes, set.ttl as usize);
    put_number(bytes, set.values().len());
    for value in set.values() {
        put_number(bytes, value.wire().len());
        bytes.extend_from_slice(value.wire());
    }
}

/// The lowest seven bits first; a set eighth says that there are more.
fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

// === impl Rest ===

// There is nothing but what was packed, so that nothing ends in the middle.
impl Rest<'_> {
    fn next_name(&mut self) -> Option<Name> {
        let head = self.number()?;
        let kept = self.take_bytes(head >> 1)?;
        let apex = if head & 1 == 1 { self.apex.wire() } else { &[] };
        Name::from_wire(&[kept, apex].concat()).ok()
    }

    fn next_set(&mut self) -> Option<RecordSet> {
        let record_type = RecordType(u16::try_from(self.number()?).ok()?);
        let ttl = u32::try_from(self.number()?).ok()?;
        let count = self.number()?;
        let value = |_| {
            let length = self.number()?;
            Some(Rdata::from_wire(self.take_bytes(length)?))
        };
        let values = (0..count).map(value).collect::<Option<Vec<_>>>()?;
        RecordSet::new(record_type, ttl, values)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Rest<'a> {
    fn take_bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}

impl Iterator for Rest<'_> {
    type Item = (Name, Vec<RecordSet>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.next_name()?;
        let sets = (0..self.number()?).map(|_| self.next_set()).collect::<Option<_>>()?;
        Some((name, sets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn contents(hosts: u32) -> ZoneContents {
        let apex = Name::parse("example.com").unwrap();
        let mut contents = ZoneContents::new(apex.clone());
        let address = |at: u32| {
            RecordSet::new(
                RecordType::A,
                at,
                (0..=at % 3).map(|more| Rdata::a(Ipv4Addr::from(at << 8 | more))),
            )
        };
        for at in 0..hosts {
            let name = Name::parse_relative(&format!("h{at}"), &apex).unwrap();
            contents.insert(name, address(at).unwrap());
        }
        let long = Rdata::from_wire(vec![7; 300]);
        contents.insert(apex.clone(), RecordSet::single(RecordType::TXT, u32::MAX, long));
        contents.insert(apex, RecordSet::single(RecordType(65_535), 0, Rdata::from_wire(vec![])));
        contents.insert(Name::parse("elsewhere.net").unwrap(), address(1).unwrap());
        contents
    }

    #[test]
    fn what_is_packed_is_found_again() {
        for hosts in [0, 1, 12, 13, 14, 15, 16, 17, 500] {
            let contents = contents(hosts);
            let packed = PackedZone::from(contents.clone());
            let all: Vec<_> = packed.iter().collect();
            let expect: Vec<_> =
                contents.iter().map(|(name, sets)| (name.clone(), sets.to_vec())).collect();
            assert_eq!(all, expect);
            for (name, sets) in &expect {
                assert_eq!(packed.sets(name), *sets, "{name}");
                assert_eq!(
                    packed.get(name, RecordType::A).as_ref(),
                    contents.get(name, RecordType::A)
                );
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let packed = PackedZone::from(contents(40));
        for absent in ["com", "a.example.com", "h1.h1.example.com", "zz.example.com", "net", "zz"] {
            assert_eq!(packed.sets(&Name::parse(absent).unwrap()), []);
        }
        let empty = PackedZone::from(ZoneContents::new(Name::root()));
        assert_eq!(empty.sets(&Name::root()), []);
        assert_eq!(empty.iter().count(), 0);
    }
}
