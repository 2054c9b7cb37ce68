//! One change of one zone: keeps the tree of names true while sets come and go.
//!
//! Above each name that has sets stand its ancestors up to the apex, with sets or without: a name
//! without sets lives for as long as something lives below it (an empty non-terminal, RFC 8020).
//! What a reader must know of a name's surroundings stands in the name's own flags, so a hit needs
//! no walk: whether a cut above it takes it out of authority, whether a wildcard is below it,
//! whether another zone has the same name.

use model::{Name, RecordSet, RecordType, Serial};

use crate::store::history::{Histories, Recording};
use crate::store::node::{DATA_LENGTH_MAX, Flags, Node, ZoneIndex};
use crate::store::published::{LeftOut, LeftOutReason, Published};
use crate::store::sets::{self, Set, Sets, soa_serial_and_minimum};
use crate::store::table::{Key, TableWriter};
use crate::wire;

pub(crate) struct Edit<'w> {
    table: &'w mut TableWriter,
    apex: &'w Name,
    zone: ZoneIndex,
    /// Zones in which a name with older descendants began or ceased to hide them.
    reshaped: Vec<ZoneIndex>,
    left_out: Vec<LeftOut>,
    histories: &'w Histories,
    /// Where the zone has a history, what it is to take in.
    recording: Option<Recording>,
    /// The apex's SOA record before the change, where there was one.
    soa_before: Option<Box<[u8]>>,
    /// Memory that [`Self::set`] encodes in.
    scratch: Vec<u8>,
}

/// What the present version holds for a name.
#[derive(Clone, Copy)]
struct Present {
    flags: Flags,
    children: u32,
}

impl<'w> Edit<'w> {
    pub fn new(
        table: &'w mut TableWriter,
        apex: &'w Name,
        zone: ZoneIndex,
        histories: &'w Histories,
    ) -> Self {
        let (reshaped, left_out, scratch) = (Vec::new(), Vec::new(), Vec::new());
        let recording = histories.begin(apex);
        let soa_before = recording.as_ref().and_then(|_| {
            let node = table.get(table.key(apex.wire()), zone)?;
            soa_of(node.sets()).map(Box::from)
        });
        Self { table, apex, zone, reshaped, left_out, histories, recording, soa_before, scratch }
    }

    /// Makes room for so many names to come.
    pub fn reserve(&mut self, names: usize) {
        self.table.reserve(names);
    }

    /// Makes the apex exist, if it does not, as that of a zone without contents.
    pub fn announce(&mut self) {
        let key = self.table.key(self.apex.wire());
        if self.present(key).is_some() {
            return;
        }
        let mut flags = Flags::APEX | Flags::UNPUBLISHED;
        for (zone, other) in self.elsewhere(key) {
            // The other zone has the apex as an ordinary name, so it begins further up.
            self.reflag(key, zone, other, other.flags | Flags::SHARED | Flags::CHILD_APEX);
            flags = flags | Flags::SHARED;
        }
        self.table.put(key, self.zone, flags, Sets::EMPTY);
    }

    /// Gives `name` exactly these sets.
    pub fn set(&mut self, name: &Name, sets: &[RecordSet]) {
        if !name.is_at_or_below(self.apex) {
            return self.leave_out_of_zone(name, sets);
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        self.encode(name, sets, &mut bytes);
        let encoded = Sets::from_bytes(&bytes);
        let key = self.table.key(name.wire());
        if let Some(recording) = &mut self.recording
            && self.soa_before.is_some()
        {
            let node = self.table.get(key, self.zone);
            recording.note(key.name, node.map_or(Sets::EMPTY, Node::sets), encoded);
        }
        let is_apex = name == self.apex;
        let own = flags_from(encoded, is_apex);
        match self.present(key) {
            Some(present) => self.change(key, present, own, encoded),
            None if !encoded.is_empty() => self.create(key, own, encoded),
            None => {}
        }
        self.scratch = bytes;
    }

    /// Takes the sets of all names that `is_gone` picks.
    pub fn remove_names(&mut self, is_gone: impl Fn(&Name) -> bool) {
        let zone = self.zone;
        let names = self.live_nodes(zone).filter(|node| !node.sets().is_empty()).map(name_of);
        let gone: Vec<Name> = names.filter(|name| is_gone(name)).collect();
        gone.iter().for_each(|name| self.set(name, &[]));
    }

    /// Takes all names, the apex too.
    pub fn remove_zone(&mut self) {
        self.histories.begin_anew(self.apex, None);
        self.histories.tell(self.apex, None);
        let zone = self.zone;
        let names: Vec<Name> = self.live_nodes(zone).map(name_of).collect();
        for name in names {
            let apex = if name == *self.apex { Flags::APEX } else { Flags::NONE };
            self.table.put(self.table.key(name.wire()), zone, Flags::TOMBSTONE | apex, Sets::EMPTY);
        }
        let key = self.table.key(self.apex.wire());
        for (other_zone, other) in self.elsewhere(key) {
            self.reflag(key, other_zone, other, other.flags & !Flags::CHILD_APEX);
        }
    }

    /// Publishes the change with a zone that has contents.
    pub fn publish_with_serial(mut self, serial: Serial) -> Published {
        let key = self.table.key(self.apex.wire());
        let apex = self.table.get(key, self.zone).expect("a zone with contents has an apex");
        let flags = apex.flags() & !Flags::UNPUBLISHED;
        let mut sets = apex.sets().bytes().to_vec();
        let stamped = sets::set_serial(&mut sets, serial);
        debug_assert!(stamped, "the SOA was checked");
        self.table.put(key, self.zone, flags, Sets::from_bytes(&sets));
        self.record(serial, &sets);
        let (histories, apex) = (self.histories, self.apex);
        let published = self.publish();
        histories.tell(apex, Some(serial));
        published
    }

    /// Before readers see the serial, its history has the way to it.
    fn record(&mut self, serial: Serial, sets: &[u8]) {
        let Some(recording) = self.recording.take() else { return };
        let before = self.soa_before.as_deref().and_then(|soa| Some((serial_of(soa)?, soa)));
        match (before, soa_of(Sets::from_bytes(sets))) {
            (Some(before), Some(soa)) => {
                self.histories.push(self.apex, recording, [before, (serial, soa)]);
            }
            _ => self.histories.begin_anew(self.apex, Some(serial)),
        }
    }

    /// Publishes the change as it is.
    pub fn publish(mut self) -> Published {
        for zone in std::mem::take(&mut self.reshaped) {
            self.reshape(zone);
        }
        self.table.publish();
        Published { left_out: self.left_out }
    }

    /// Sets of the same name before and after.
    fn change(&mut self, key: Key<'_>, present: Present, own: Flags, encoded: Sets<'_>) {
        let is_apex = present.flags.has(Flags::APEX);
        if encoded.is_empty() && present.children == 0 && !is_apex {
            return self.remove(key);
        }
        let unchanged = self.table.get(key, self.zone).is_some_and(|node| node.sets() == encoded);
        if unchanged {
            return;
        }
        // These follow from the name's own sets, all others from its surroundings.
        let flags = present.flags & !(Flags::SETS | Flags::CUT | Flags::DNAME) | own;
        self.note_shape(self.zone, present, flags);
        self.table.put(key, self.zone, flags, encoded);
    }

    /// A name that does not exist in this zone, with its ancestors where they do not either.
    fn create(&mut self, key: Key<'_>, own: Flags, encoded: Sets<'_>) {
        let parent = self.table.key(wire::parent(key.name));
        let above = match self.present(parent) {
            Some(present) => present,
            None => {
                self.create(parent, Flags::NONE, Sets::EMPTY);
                self.present(parent).expect("it was created")
            }
        };
        let mut flags = own;
        if above.flags.has(Flags::OCCLUDED) || above.flags.hides_descendants() {
            flags = flags | Flags::OCCLUDED;
        }
        for (zone, other) in self.elsewhere(key) {
            self.reflag(key, zone, other, other.flags | Flags::SHARED);
            flags = flags | Flags::SHARED;
            if other.flags.has(Flags::APEX) {
                flags = flags | Flags::CHILD_APEX;
            }
        }
        self.table.put(key, self.zone, flags, encoded);
        self.table.adjust_children(parent, self.zone, 1);
        if is_wildcard(key.name) {
            self.table.set_flags(parent, self.zone, above.flags | Flags::WILDCARD_CHILD);
        }
    }

    /// A name without sets and descendants, with those ancestors that it alone kept alive.
    fn remove(&mut self, key: Key<'_>) {
        self.table.put(key, self.zone, Flags::TOMBSTONE, Sets::EMPTY);
        let parent = self.table.key(wire::parent(key.name));
        let children = self.table.adjust_children(parent, self.zone, -1);
        let Some(above) = self.present(parent) else { return };
        if children == 0 && !above.flags.has(Flags::SETS | Flags::APEX) {
            self.remove(parent);
        } else if is_wildcard(key.name) {
            self.table.set_flags(parent, self.zone, above.flags & !Flags::WILDCARD_CHILD);
        }
    }

    fn reflag(&mut self, key: Key<'_>, zone: ZoneIndex, present: Present, flags: Flags) {
        self.note_shape(zone, present, flags);
        self.table.set_flags(key, zone, flags);
    }

    /// New descendants look at what is above them; older ones must be told.
    fn note_shape(&mut self, zone: ZoneIndex, present: Present, flags: Flags) {
        let turned = present.flags.hides_descendants() != flags.hides_descendants();
        if turned && present.children > 0 && !self.reshaped.contains(&zone) {
            self.reshaped.push(zone);
        }
    }

    /// Flags all names of a zone anew by what is above them. It looks at every name of the store;
    /// only a delegation, DNAME or zone that comes to or leaves names which stay makes it needed.
    fn reshape(&mut self, zone: ZoneIndex) {
        let table = &*self.table;
        let wrong = live(table, zone)
            .filter(|node| node.flags().has(Flags::OCCLUDED) != is_hidden(table, *node));
        let wrong: Vec<(Name, Flags)> =
            wrong.map(|node| (name_of(node), node.flags() ^ Flags::OCCLUDED)).collect();
        for (name, flags) in wrong {
            self.table.set_flags(self.table.key(name.wire()), zone, flags);
        }
    }

    fn present(&self, key: Key<'_>) -> Option<Present> {
        self.table.get(key, self.zone).and_then(Present::of)
    }

    /// The same name in other zones.
    fn elsewhere(&self, key: Key<'_>) -> Vec<(ZoneIndex, Present)> {
        let others = self.table.all(key).filter(|node| node.zone() != self.zone);
        others.filter_map(|node| Some((node.zone(), Present::of(node)?))).collect()
    }

    fn live_nodes(&self, zone: ZoneIndex) -> impl Iterator<Item = Node<'_>> {
        live(self.table, zone)
    }

    fn encode(&mut self, name: &Name, sets: &[RecordSet], encoded: &mut Vec<u8>) {
        let mut sorted: Vec<&RecordSet> = sets.iter().collect();
        sorted.sort_by_key(|set| set.record_type);
        encoded.clear();
        for set in sorted {
            let before = encoded.len();
            let mut result = sets::push_set(encoded, set)
                .map_err(|too_large| LeftOutReason::TooLarge { bytes: too_large.bytes });
            if name.wire().len() + encoded.len() >= DATA_LENGTH_MAX {
                encoded.truncate(before);
                result = Err(LeftOutReason::TooMuchAtOneName);
            }
            if let Err(reason) = result {
                let record_type = set.record_type;
                self.left_out.push(LeftOut { name: name.clone(), record_type, reason });
            }
        }
    }

    fn leave_out_of_zone(&mut self, name: &Name, sets: &[RecordSet]) {
        self.left_out.extend(sets.iter().map(|set| LeftOut {
            name: name.clone(),
            record_type: set.record_type,
            reason: LeftOutReason::OutOfZone,
        }));
    }
}

// === impl Present ===

impl Present {
    fn of(node: Node<'_>) -> Option<Self> {
        let flags = node.flags();
        (!flags.has(Flags::TOMBSTONE)).then_some(Self { flags, children: node.children() })
    }
}

fn flags_from(sets: Sets<'_>, is_apex: bool) -> Flags {
    let mut flags = if sets.is_empty() { Flags::NONE } else { Flags::SETS };
    for set in sets.iter() {
        match set.record_type {
            RecordType::NS if !is_apex => flags = flags | Flags::CUT,
            RecordType::DNAME => flags = flags | Flags::DNAME,
            _ => {}
        }
    }
    flags
}

fn live(table: &TableWriter, zone: ZoneIndex) -> impl Iterator<Item = Node<'_>> {
    let of_zone = table.nodes().filter(move |node| node.zone() == zone);
    of_zone.filter(|node| !node.flags().has(Flags::TOMBSTONE))
}

/// Whether a name between this one and its apex hides what is below it.
fn is_hidden(table: &TableWriter, node: Node<'_>) -> bool {
    let mut name = node.name();
    let mut is_apex = node.flags().has(Flags::APEX);
    while !is_apex {
        name = wire::parent(name);
        let Some(above) = table.get(table.key(name), node.zone()) else { return false };
        if above.flags().hides_descendants() {
            return true;
        }
        is_apex = above.flags().has(Flags::APEX);
    }
    false
}

/// The record of a zone's SOA.
fn soa_of(sets: Sets<'_>) -> Option<&[u8]> {
    sets.get(RecordType::SOA).map(|set| set.records)
}

fn serial_of(soa: &[u8]) -> Option<Serial> {
    let set = Set { record_type: RecordType::SOA, count: 1, records: soa };
    soa_serial_and_minimum(set.first()?.rdata).map(|(serial, _)| serial)
}

fn is_wildcard(name: &[u8]) -> bool {
    name.starts_with(b"\x01*")
}

fn name_of(node: Node<'_>) -> Name {
    Name::from_wire(node.name()).expect("a stored name is well-formed")
}
