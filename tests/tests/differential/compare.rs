//! What differs between two answers to one query, and whether all of it may.

use std::collections::BTreeSet;

use tests::name_daemon::Software;

use super::message::{AA, AD, Answer, CD, Edns, RD, TC};
use super::queries::{COOKIE, Query};
use super::rules::RULES;

/// One query, our answer and theirs.
pub(super) struct Case<'a> {
    pub peer: Software,
    pub query: &'a Query,
    pub ours: &'a Answer,
    pub theirs: &'a Answer,
}

/// Something that two answers may not have alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Opcode,
    Rcode,
    Aa,
    Tc,
    Rd,
    Ad,
    Cd,
    /// RA and what is reserved.
    OtherFlags,
    Question,
    Answer,
    Authority,
    Additional,
    /// Whether there is an OPT record.
    Edns,
    Version,
    EdnsFlags,
    UdpSize,
    /// By its code.
    Option(u16),
    /// Only the case of letters, in records that are the same.
    Spelling,
}

/// A difference that may be.
pub(super) struct Rule {
    pub servers: &'static [Software],
    pub what: &'static str,
    /// What allows it.
    pub why: &'static str,
    pub parts: &'static [Part],
    pub applies: fn(&Case<'_>) -> bool,
}

impl Case<'_> {
    pub fn differences(&self) -> BTreeSet<Part> {
        let Self { ours, theirs, .. } = self;
        let mut parts = BTreeSet::new();
        let mut note = |is_different: bool, part: Part| {
            if is_different {
                parts.insert(part);
            }
        };
        let flags = ours.flags ^ theirs.flags;
        note(flags & 0x7800 != 0, Part::Opcode);
        note(ours.rcode != theirs.rcode, Part::Rcode);
        for (flag, part) in
            [(AA, Part::Aa), (TC, Part::Tc), (RD, Part::Rd), (AD, Part::Ad), (CD, Part::Cd)]
        {
            note(flags & flag != 0, part);
        }
        note(flags & 0x80c0 != 0, Part::OtherFlags);
        note(ours.question != theirs.question, Part::Question);
        if ours.sections != theirs.sections {
            let (our_sections, their_sections) = (ours.folded(), theirs.folded());
            let sections = [Part::Answer, Part::Authority, Part::Additional];
            for (number, part) in sections.into_iter().enumerate() {
                note(our_sections[number] != their_sections[number], part);
            }
            note(our_sections == their_sections, Part::Spelling);
        }
        match (&ours.edns, &theirs.edns) {
            (Some(ours), Some(theirs)) => parts.extend(edns_differences(ours, theirs)),
            (ours, theirs) => note(ours.is_some() != theirs.is_some(), Part::Edns),
        }
        parts
    }

    /// The rules that together allow all differences; an error has those that nothing allows.
    pub fn explain(&self) -> Result<Vec<&'static Rule>, BTreeSet<Part>> {
        let mut left = self.differences();
        let mut used = Vec::new();
        for rule in RULES.iter().filter(|rule| rule.servers.contains(&self.peer)) {
            if rule.parts.iter().any(|part| left.contains(part)) && (rule.applies)(self) {
                left.retain(|part| !rule.parts.contains(part));
                used.push(rule);
            }
        }
        if left.is_empty() { Ok(used) } else { Err(left) }
    }
}

fn edns_differences(ours: &Edns, theirs: &Edns) -> Vec<Part> {
    let mut parts = Vec::new();
    if ours.version != theirs.version {
        parts.push(Part::Version);
    }
    if ours.flags != theirs.flags {
        parts.push(Part::EdnsFlags);
    }
    if ours.udp_size != theirs.udp_size {
        parts.push(Part::UdpSize);
    }
    for (options, others) in [(&ours.options, &theirs.options), (&theirs.options, &ours.options)] {
        // Each server has cookies of its own.
        let has = |(code, data): &(u16, Vec<u8>)| match *code {
            COOKIE => others.iter().any(|(other, other_data)| {
                *other == COOKIE && other_data.len() == data.len() && other_data[..8] == data[..8]
            }),
            _ => others.iter().any(|other| *other == (*code, data.clone())),
        };
        let missing = options.iter().filter(|option| !has(option));
        parts.extend(missing.map(|(code, _)| Part::Option(*code)));
    }
    parts
}
