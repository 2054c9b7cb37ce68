//! From places to sections: answers, referrals, chains, and what is not there.

use std::net::IpAddr;

use model::RecordType;

use crate::policy::Policy;
use crate::respond::identity::identify;
use crate::respond::likeness::Likeness;
use crate::respond::message::{Full, Message, NameAt, Section};
use crate::respond::place::{Place, locate};
use crate::respond::request::{Instead, NameBuffer, Request};
use crate::respond::{CookieStanding, ExtendedError, Rcode, Reply};
use crate::store::node::Node;
use crate::store::sets::{RECORD_HEADER_LENGTH, Set, soa_serial_and_minimum};
use crate::store::{Key, Snapshot, ZoneIndex};
use crate::wire;

/// So many CNAMEs are followed; resolvers give up at about as many.
const LINKS_MAX: usize = 16;
/// Addresses are looked up for so many targets of one set.
const TARGETS_MAX: usize = 32;

struct Answer<'a, 'o> {
    snapshot: &'a Snapshot<'a>,
    record_type: RecordType,
    message: Message<'o>,
    rcode: Rcode,
    /// The type of the set that was asked for, or of what is given in its place; 0 for none.
    given: RecordType,
    /// Owners of the CNAMEs that the message has.
    owners: Owners,
    /// Owners of its DNAMEs.
    dname_owners: Owners,
}

/// Where names stand in the message.
struct Owners {
    /// The name behind the last link that is followed may have a DNAME yet.
    names: [NameAt; LINKS_MAX + 1],
    count: usize,
}

/// One name on the way to the answer.
#[derive(Clone, Copy)]
struct Link<'n> {
    key: Key<'n>,
    at: NameAt,
}

#[expect(clippy::large_enum_variant, reason = "nothing is allocated on the way to an answer")]
enum Step {
    Done,
    /// The answer goes on at another name, which stands in the message.
    Follow(NameBuffer, NameAt),
}

#[inline]
pub(crate) fn answer(
    snapshot: &Snapshot<'_>,
    request: &Request,
    policy: &Policy,
    address: IpAddr,
    mut message: Message<'_>,
) -> Reply {
    if !policy.query_access.allows(address) {
        message.extended_error = Some(ExtendedError::PROHIBITED);
        return reply(request, message, Rcode::REFUSED, None, Likeness::Error);
    }
    if let Some(instead) = request.instead {
        return answer_instead(request, policy, instead, message);
    }
    let mut answer = Answer {
        snapshot,
        record_type: request.record_type,
        message,
        rcode: Rcode::NOERROR,
        given: RecordType(0),
        owners: Owners::NONE,
        dname_owners: Owners::NONE,
    };
    let key = Key { name: request.name(), hash: request.hash() };
    let (zone, likeness) = answer.run(key);
    let Answer { message, rcode, .. } = answer;
    reply(request, message, rcode, zone, likeness)
}

#[cold]
fn answer_instead(
    request: &Request,
    policy: &Policy,
    instead: Instead,
    mut message: Message<'_>,
) -> Reply {
    let rcode = match instead {
        Instead::Fail(rcode) => rcode,
        Instead::Identify => identify(&policy.identity, request, &mut message),
        Instead::GiveCookie => match message.cookie() {
            CookieStanding::Absent => Rcode::FORMERR,
            CookieStanding::Invalid => Rcode::BADCOOKIE,
            CookieStanding::ClientOnly | CookieStanding::Valid => Rcode::NOERROR,
        },
    };
    fail(request, message, rcode)
}

/// Nothing but a code.
pub(crate) fn fail(request: &Request, message: Message<'_>, rcode: Rcode) -> Reply {
    reply(request, message, rcode, None, Likeness::Error)
}

fn reply(
    request: &Request,
    message: Message<'_>,
    rcode: Rcode,
    zone: Option<ZoneIndex>,
    likeness: Likeness,
) -> Reply {
    let (truncated, cookie) = (message.truncated, message.cookie());
    let length = message.finish(request, rcode);
    let record_type = request.has_question().then_some(request.record_type);
    Reply {
        length,
        rcode,
        record_type,
        zone,
        truncated,
        cookie,
        is_authenticated: false,
        likeness: likeness.number(),
    }
}

impl Answer<'_, '_> {
    /// Returns the zone of the question's name, and what the answer is like.
    #[inline]
    fn run(&mut self, key: Key<'_>) -> (Option<ZoneIndex>, Likeness) {
        let link = Link { key, at: NameAt::QUESTION };
        let place = locate(self.snapshot, key, self.record_type);
        let zone = place.zone();
        let from = match place {
            Place::Name(_) => key.hash,
            Place::Missing { hash, .. } => hash,
            Place::Wildcard(node) | Place::Cut { node, .. } | Place::Dname { node, .. } => {
                self.snapshot.key(node.name()).hash
            }
            Place::Unpublished(_) | Place::Foreign => 0,
        };
        let mut step = match place {
            Place::Foreign => self.fail(Rcode::REFUSED, ExtendedError::NOT_AUTHORITATIVE),
            Place::Unpublished(_) => self.fail(Rcode::SERVFAIL, ExtendedError::NOT_READY),
            // Only the owner of the first name decides (RFC 1035 section 4.1.1).
            Place::Cut { node, offset } => self.refer(link, node, offset),
            place => {
                self.message.authoritative = true;
                self.take(link, place)
            }
        };
        while let Step::Follow(name, at) = step {
            let link = Link { key: self.snapshot.key(name.as_bytes()), at };
            step = self.take(link, locate(self.snapshot, link.key, self.record_type));
        }
        let likeness = match (zone, self.rcode) {
            (Some(_), Rcode::NXDOMAIN) => Likeness::Missing { name: from },
            (Some(_), Rcode::NOERROR) => Likeness::From { name: from, given: self.given },
            _ => Likeness::Error,
        };
        (zone, likeness)
    }

    fn fail(&mut self, rcode: Rcode, error: ExtendedError) -> Step {
        self.rcode = rcode;
        self.message.extended_error = Some(error);
        Step::Done
    }

    #[inline]
    fn take(&mut self, link: Link<'_>, place: Place<'_>) -> Step {
        match place {
            Place::Name(node) | Place::Wildcard(node) => self.take_sets(link, node),
            Place::Cut { node, offset } => self.refer(link, node, offset),
            Place::Dname { node, offset } => self.redirect(link, node, offset),
            Place::Missing { encloser, .. } => {
                // The code is that of the chain's last name (RFC 6604 section 3).
                self.rcode = Rcode::NXDOMAIN;
                self.deny(link, encloser.zone())
            }
            // A chain that leaves our zones ends here; the client goes on.
            Place::Unpublished(_) | Place::Foreign => Step::Done,
        }
    }

    #[inline]
    fn take_sets(&mut self, link: Link<'_>, node: Node<'_>) -> Step {
        let sets = node.sets();
        let wanted = match self.record_type {
            // One set is enough (RFC 8482 section 4.1).
            RecordType::ANY => sets.iter().next(),
            record_type => sets.get(record_type),
        };
        if let Some(set) = wanted {
            return self.give(link, set);
        }
        match sets.get(RecordType::CNAME) {
            // Those two stand beside a CNAME, so it does not speak for them (RFC 4035 section 2.5).
            Some(_) if matches!(self.record_type, RecordType::RRSIG | RecordType::NSEC) => {
                self.deny(link, node.zone())
            }
            Some(cname) => self.follow(link, cname),
            None => self.deny(link, node.zone()),
        }
    }

    #[inline]
    fn give(&mut self, link: Link<'_>, set: Set<'_>) -> Step {
        self.given = set.record_type;
        match self.message.push(Section::Answer, set, link.at) {
            Ok(start) => {
                if let Some(targets) = Targets::of(set, start) {
                    self.add_addresses(targets);
                }
            }
            Err(Full) => self.message.truncated = true,
        }
        Step::Done
    }

    fn follow(&mut self, link: Link<'_>, cname: Set<'_>) -> Step {
        let Ok(start) = self.message.push(Section::Answer, cname, link.at) else {
            return self.truncate();
        };
        match cname.first() {
            Some(record) if wire::is_name(record.rdata) => {
                let target = NameBuffer::lower(record.rdata);
                self.next(link, target, NameAt::new(start + RECORD_HEADER_LENGTH))
            }
            _ => Step::Done,
        }
    }

    /// RFC 6672 section 3.2: the DNAME, and a CNAME made from it.
    fn redirect(&mut self, link: Link<'_>, node: Node<'_>, offset: usize) -> Step {
        let Some(set) = node.sets().get(RecordType::DNAME) else { return Step::Done };
        let Some(record) = set.first() else { return Step::Done };
        let owner = link.at.suffix(offset);
        // A DNAME that redirects below itself comes along again, but is in the message only once.
        if !self.dname_owners.have(&self.message, node.name()) {
            if self.message.push(Section::Answer, set, owner).is_err() {
                return self.truncate();
            }
            self.dname_owners.push(owner);
        }
        if !wire::is_name(record.rdata) {
            return Step::Done;
        }
        let Some(target) = NameBuffer::join(&link.key.name[..offset], record.rdata) else {
            self.rcode = Rcode::YXDOMAIN;
            return Step::Done;
        };
        let target = NameBuffer::lower(target.as_bytes());
        match self.message.push_cname(link.at, record.ttl, target.as_bytes()) {
            Err(Full) => self.truncate(),
            // The CNAME was all that was asked for.
            Ok(_) if matches!(self.record_type, RecordType::CNAME | RecordType::ANY) => Step::Done,
            Ok(at) => self.next(link, target, at),
        }
    }

    /// Goes on at a name, unless the chain has been there before or is too long.
    fn next(&mut self, link: Link<'_>, name: NameBuffer, at: NameAt) -> Step {
        if self.owners.is_full() {
            return Step::Done;
        }
        self.owners.push(link.at);
        if self.owners.have(&self.message, name.as_bytes()) {
            return Step::Done;
        }
        Step::Follow(name, at)
    }

    fn truncate(&mut self) -> Step {
        self.message.truncated = true;
        Step::Done
    }

    /// The zone's SOA in the authority section says for how long "no" holds (RFC 2308 section 3).
    fn deny(&mut self, link: Link<'_>, zone: ZoneIndex) -> Step {
        let Some(apex) = self.snapshot.apex(zone) else { return Step::Done };
        let Some(set) = apex.sets().get(RecordType::SOA) else { return Step::Done };
        let Some(soa) = set.first() else { return Step::Done };
        let minimum = soa_serial_and_minimum(soa.rdata).map_or(0, |(_, minimum)| minimum);
        let owner = link.at.suffix(link.key.name.len() - apex.name_length());
        match self.message.push(Section::Authority, set, owner) {
            Ok(start) => {
                self.message.set_ttl(start, soa.ttl.min(minimum));
                Step::Done
            }
            Err(Full) => self.truncate(),
        }
    }

    /// The name servers below a cut, with their addresses as far as we have them.
    fn refer(&mut self, link: Link<'_>, cut: Node<'_>, offset: usize) -> Step {
        let Some(set) = cut.sets().get(RecordType::NS) else { return Step::Done };
        match self.message.push(Section::Authority, set, link.at.suffix(offset)) {
            Ok(start) => {
                self.add_glue(cut, Targets { set, start, prefix: 0 });
                Step::Done
            }
            Err(Full) => self.truncate(),
        }
    }

    /// Glue below the cut is part of the referral: without it the client cannot go on, so where it
    /// does not fit the client is told (RFC 9471). All other addresses are a courtesy.
    fn add_glue(&mut self, cut: Node<'_>, targets: Targets<'_>) {
        for needed in [true, false] {
            for (name, at) in targets.iter() {
                if wire::is_at_or_below(name, cut.name()) != needed {
                    continue;
                }
                let key = self.snapshot.key(name);
                let node = self.snapshot.find_in(key, cut.zone());
                let Some(node) = node.or_else(|| self.snapshot.find(key)) else { continue };
                if self.add_addresses_of(node, at).is_err() && needed {
                    self.message.truncated = true;
                    return;
                }
            }
        }
    }

    fn add_addresses(&mut self, targets: Targets<'_>) {
        for (name, at) in targets.iter() {
            if let Some(node) = self.snapshot.find(self.snapshot.key(name))
                && self.add_addresses_of(node, at).is_err()
            {
                return;
            }
        }
    }

    fn add_addresses_of(&mut self, node: Node<'_>, at: NameAt) -> Result<(), Full> {
        for record_type in [RecordType::A, RecordType::AAAA] {
            if let Some(set) = node.sets().get(record_type) {
                self.message.push(Section::Additional, set, at)?;
            }
        }
        Ok(())
    }
}

// === impl Owners ===

impl Owners {
    const NONE: Self = Self { names: [NameAt::QUESTION; LINKS_MAX + 1], count: 0 };

    fn is_full(&self) -> bool {
        self.count >= LINKS_MAX
    }

    /// There is room: each DNAME makes a CNAME, and where those are full no further name is looked
    /// up.
    fn push(&mut self, name: NameAt) {
        self.names[self.count] = name;
        self.count += 1;
    }

    fn have(&self, message: &Message<'_>, name: &[u8]) -> bool {
        self.names[..self.count].iter().any(|at| message.has_name(*at, name))
    }
}

/// The host names in the data of a set that is in the message.
#[derive(Clone, Copy)]
struct Targets<'s> {
    set: Set<'s>,
    /// Where the set begins in the message.
    start: usize,
    /// How many bytes of the data stand before the name.
    prefix: usize,
}

impl<'s> Targets<'s> {
    #[inline]
    fn of(set: Set<'s>, start: usize) -> Option<Self> {
        let prefix = match set.record_type {
            RecordType::NS => 0,
            RecordType::MX => 2,
            RecordType::SRV => 6,
            _ => return None,
        };
        Some(Self { set, start, prefix })
    }

    /// Each well-formed target once.
    fn iter(self) -> impl Iterator<Item = (&'s [u8], NameAt)> {
        let records = self.set.iter().take(TARGETS_MAX).enumerate();
        records.filter_map(move |(number, record)| {
            let name = record.rdata.get(self.prefix..)?;
            let is_name = wire::is_name(name);
            let mut before = self.set.iter().take(number);
            let is_first = !before.any(|other| other.rdata.get(self.prefix..) == Some(name));
            let at = self.start + record.offset + RECORD_HEADER_LENGTH + self.prefix;
            (is_name && is_first).then_some((name, NameAt::new(at)))
        })
    }
}
