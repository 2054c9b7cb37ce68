//! Where a name is: in which zone, and as what (RFC 1034 section 4.3.2, RFC 4592, RFC 6672).

use model::RecordType;

use crate::respond::request::NameBuffer;
use crate::store::node::{Flags, Node};
use crate::store::{Key, Snapshot, ZoneIndex};
use crate::wire;

/// What the zones say of a name. Offsets count from the name's first byte to the label where the
/// name of the node begins.
pub(crate) enum Place<'s> {
    /// The name itself. It may have no sets.
    Name(Node<'s>),
    /// The wildcard that stands in for the name.
    Wildcard(Node<'s>),
    /// Another server has the answer.
    Cut { node: Node<'s>, offset: usize },
    /// The name is somewhere below a DNAME.
    Dname { node: Node<'s>, offset: usize },
    /// The zone does not have the name, but its closest encloser, which has this hash.
    Missing { encloser: Node<'s>, hash: u64 },
    /// The zone has no contents yet.
    Unpublished(ZoneIndex),
    /// No zone of ours.
    Foreign,
}

impl<'s> Place<'s> {
    pub fn zone(&self) -> Option<ZoneIndex> {
        match self {
            Self::Name(node)
            | Self::Wildcard(node)
            | Self::Cut { node, .. }
            | Self::Dname { node, .. }
            | Self::Missing { encloser: node, .. } => Some(node.zone()),
            Self::Unpublished(zone) => Some(*zone),
            Self::Foreign => None,
        }
    }
}

/// Finds `key`'s name as a question for `record_type` means it.
#[inline]
pub(crate) fn locate<'s>(
    snapshot: &'s Snapshot<'_>,
    key: Key<'_>,
    record_type: RecordType,
) -> Place<'s> {
    let exact = snapshot.find(key);
    match exact {
        Some(node) if record_type == RecordType::DS && node.flags().has(Flags::APEX) => {
            locate_parent_side(snapshot, key, node)
        }
        Some(node) if !node.flags().has(Flags::OCCLUDED) => exact_place(node, record_type),
        _ => walk_up(snapshot, key.name),
    }
}

/// A DS set belongs to the zone above the one that it speaks of (RFC 4035 section 3.1.4.1), where
/// we serve that too.
fn locate_parent_side<'s>(snapshot: &'s Snapshot<'_>, key: Key<'_>, apex: Node<'s>) -> Place<'s> {
    let place = match snapshot.find_outside(key, apex.zone()) {
        Some(node) if !node.flags().has(Flags::OCCLUDED) => exact_place(node, RecordType::DS),
        _ => walk_up(snapshot, key.name),
    };
    match place {
        Place::Foreign => exact_place(apex, RecordType::DS),
        place => place,
    }
}

#[inline]
fn exact_place(node: Node<'_>, record_type: RecordType) -> Place<'_> {
    let flags = node.flags();
    if flags.has(Flags::UNPUBLISHED) {
        Place::Unpublished(node.zone())
    } else if flags.has(Flags::CUT) && record_type != RecordType::DS {
        Place::Cut { node, offset: 0 }
    } else {
        Place::Name(node)
    }
}

/// The name itself does not exist, or is not ours to speak of: its closest encloser decides.
fn walk_up<'s>(snapshot: &'s Snapshot<'_>, name: &[u8]) -> Place<'s> {
    let Some((encloser, offset, hash)) = closest_encloser(snapshot, name) else {
        return Place::Foreign;
    };
    let flags = encloser.flags();
    if flags.has(Flags::UNPUBLISHED) {
        Place::Unpublished(encloser.zone())
    } else if flags.has(Flags::CUT) {
        Place::Cut { node: encloser, offset }
    } else if flags.has(Flags::DNAME) {
        Place::Dname { node: encloser, offset }
    } else {
        let wildcard = wildcard_below(snapshot, encloser, &name[offset..]);
        wildcard.map_or(Place::Missing { encloser, hash }, Place::Wildcard)
    }
}

/// The longest ancestor that exists and is not hidden by one above it, where its name begins, and
/// that name's hash.
fn closest_encloser<'s>(snapshot: &'s Snapshot<'_>, name: &[u8]) -> Option<(Node<'s>, usize, u64)> {
    let mut labels = wire::label_count(name);
    let mut offset = 0;
    while labels > 0 {
        offset += 1 + usize::from(name[offset]);
        labels -= 1;
        if labels > snapshot.labels_max() {
            continue;
        }
        let key = snapshot.key(&name[offset..]);
        let node = snapshot.find(key);
        if let Some(node) = node.filter(|node| !node.flags().has(Flags::OCCLUDED)) {
            return Some((node, offset, key.hash));
        }
    }
    None
}

/// `*` below the closest encloser (RFC 4592 section 3.3.1).
fn wildcard_below<'s>(
    snapshot: &'s Snapshot<'_>,
    encloser: Node<'s>,
    encloser_name: &[u8],
) -> Option<Node<'s>> {
    if !encloser.flags().has(Flags::WILDCARD_CHILD) {
        return None;
    }
    let name = NameBuffer::join(b"\x01*", encloser_name)?;
    snapshot.find_in(snapshot.key(name.as_bytes()), encloser.zone())
}
