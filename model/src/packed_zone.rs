//! The contents of a zone in little memory, for those that are kept and hardly ever looked at.

use crate::name::Name;
use crate::record::{Rdata, RecordSet, RecordType};
use crate::zone::ZoneContents;

/// Names from one entry of the index to the next.
const STRIDE: usize = 16;
/// Few enough to look for one in all of them, and for numbers of one byte.
const SHAPES_MAX: usize = 16;

/// All sets of all names in one run of bytes, in canonical order.
///
/// ```text
/// name:  length << 2 | there is one set << 1 | the apex is left off,
///        bytes as in the name before, the others of the labels, how many sets unless one
/// set:   its shape's number, or 0 and the shape; the values, each behind its length if these differ
/// shape: type, TTL, count << 1 | the values are of one length, that length
/// ```
///
/// All numbers are in seven bits a byte. Where the index leads, nothing is taken from the name before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedZone {
    pub apex: Name,
    bytes: Box<[u8]>,
    /// Where every so manieth name begins.
    index: Box<[usize]>,
    /// Those with a number, from 1.
    shapes: Box<[Shape]>,
}

/// What most sets of a zone have in common with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    record_type: RecordType,
    /// Seconds.
    ttl: u32,
    /// How many values.
    count: usize,
    /// Bytes of each value, where that is the same.
    length: Option<usize>,
}

/// What of a [`PackedZone`] has not been read yet.
#[derive(Clone)]
struct Rest<'a> {
    apex: &'a Name,
    shapes: &'a [Shape],
    bytes: &'a [u8],
    /// Of the last name that was read, without what was left off.
    labels: Vec<u8>,
}

// === impl PackedZone ===

impl PackedZone {
    /// Names with their sets, in canonical order: the apex first.
    pub fn iter(&self) -> impl Iterator<Item = (Name, Vec<RecordSet>)> + '_ {
        self.rest(0)
    }

    /// The sets of `name`, sorted by type; empty where the name has none.
    pub fn sets(&self, name: &Name) -> Vec<RecordSet> {
        let is_at_or_before = |start: &usize| {
            self.rest(*start).next_name().is_some_and(|(at_start, _)| at_start <= *name)
        };
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
        Rest {
            apex: &self.apex,
            shapes: &self.shapes,
            bytes: &self.bytes[start..],
            labels: Vec::new(),
        }
    }
}

impl From<ZoneContents> for PackedZone {
    fn from(contents: ZoneContents) -> Self {
        let apex = contents.apex.clone();
        let (mut bytes, mut index) = (Vec::new(), Vec::new());
        let (mut shapes, mut before) = (Vec::new(), Vec::new());
        for (at, (name, sets)) in contents.into_names().enumerate() {
            if at % STRIDE == 0 {
                index.push(bytes.len());
                before.clear();
            }
            put_name(&mut bytes, &name, sets.len(), &apex, &mut before);
            sets.iter().for_each(|set| put_set(&mut bytes, set, &mut shapes));
        }
        Self { apex, bytes: bytes.into(), index: index.into(), shapes: shapes.into() }
    }
}

/// `before` is what stood last, and then what stands now.
fn put_name(bytes: &mut Vec<u8>, name: &Name, sets: usize, apex: &Name, before: &mut Vec<u8>) {
    let is_inside = name.is_at_or_below(apex);
    let left_off = if is_inside { apex.wire().len() } else { 0 };
    let labels = &name.wire()[..name.wire().len() - left_off];
    let same = labels.iter().zip(before.iter()).take_while(|(now, then)| now == then).count();
    put_number(bytes, labels.len() << 2 | usize::from(sets == 1) << 1 | usize::from(is_inside));
    put_number(bytes, same);
    bytes.extend_from_slice(&labels[same..]);
    if sets != 1 {
        put_number(bytes, sets);
    }
    before.truncate(same);
    before.extend_from_slice(&labels[same..]);
}

fn put_set(bytes: &mut Vec<u8>, set: &RecordSet, shapes: &mut Vec<Shape>) {
    let shape = Shape::of(set);
    match shapes.iter().position(|known| *known == shape) {
        Some(at) => put_number(bytes, at + 1),
        None => {
            put_number(bytes, 0);
            shape.put(bytes);
            if shapes.len() < SHAPES_MAX {
                shapes.push(shape);
            }
        }
    }
    for value in set.values() {
        if shape.length.is_none() {
            put_number(bytes, value.wire().len());
        }
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

// === impl Shape ===

impl Shape {
    fn of(set: &RecordSet) -> Self {
        let mut lengths = set.values().iter().map(|value| value.wire().len());
        let first = lengths.next();
        Self {
            record_type: set.record_type,
            ttl: set.ttl,
            count: set.values().len(),
            length: first.filter(|first| lengths.all(|length| length == *first)),
        }
    }

    fn put(self, bytes: &mut Vec<u8>) {
        put_number(bytes, usize::from(self.record_type.0));
        put_number(bytes, self.ttl as usize);
        put_number(bytes, self.count << 1 | usize::from(self.length.is_some()));
        if let Some(length) = self.length {
            put_number(bytes, length);
        }
    }
}

// === impl Rest ===

// There is nothing but what was packed, so that nothing ends in the middle.
impl Rest<'_> {
    /// And how many sets it has.
    fn next_name(&mut self) -> Option<(Name, usize)> {
        let head = self.number()?;
        let same = self.number()?;
        let others = self.take_bytes((head >> 2).checked_sub(same)?)?;
        let sets = if head & 2 == 2 { 1 } else { self.number()? };
        self.labels.truncate(same);
        self.labels.extend_from_slice(others);
        let apex = if head & 1 == 1 { self.apex.wire() } else { &[] };
        Some((Name::from_wire(&[&self.labels, apex].concat()).ok()?, sets))
    }

    fn next_set(&mut self) -> Option<RecordSet> {
        let shape = match self.number()?.checked_sub(1) {
            Some(at) => *self.shapes.get(at)?,
            None => self.shape()?,
        };
        let value = |_| {
            let length = shape.length.or_else(|| self.number())?;
            Some(Rdata::from_wire(self.take_bytes(length)?))
        };
        let values = (0..shape.count).map(value).collect::<Option<Vec<_>>>()?;
        RecordSet::new(shape.record_type, shape.ttl, values)
    }

    fn shape(&mut self) -> Option<Shape> {
        let record_type = RecordType(u16::try_from(self.number()?).ok()?);
        let ttl = u32::try_from(self.number()?).ok()?;
        let head = self.number()?;
        let length = if head & 1 == 1 { Some(self.number()?) } else { None };
        Some(Shape { record_type, ttl, count: head >> 1, length })
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
        let (name, sets) = self.next_name()?;
        let sets = (0..sets).map(|_| self.next_set()).collect::<Option<_>>()?;
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
        let texts = [Rdata::from_wire(vec![1, b'a']), Rdata::from_wire(vec![0]), long.clone()];
        contents.insert(apex.clone(), RecordSet::new(RecordType::TXT, u32::MAX, texts).unwrap());
        for below in ["a.h1.example.com", "a.h10.example.com", "h1.h10.example.com"] {
            let set = RecordSet::single(RecordType::NULL, 1, long.clone());
            contents.insert(Name::parse(below).unwrap(), set);
        }
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
