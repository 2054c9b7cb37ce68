//! What readers see: a snapshot of all zones, taken at one moment.

use std::sync::Arc;

use model::{Name, RecordSet, RecordType, Serial, ZoneContents};

use crate::store::history::Histories;
use crate::store::node::{Flags, Node, ZoneIndex};
use crate::store::sets::{Set, soa_serial_and_minimum};
use crate::store::table::{Key, Pinned, Table};

/// Hands out snapshots. Cheap to clone; one for each thread or shared, as is convenient.
#[derive(Clone)]
pub struct Reader {
    table: Arc<Table>,
    histories: Arc<Histories>,
}

/// All zones as they were when the snapshot was taken. It keeps memory from being freed, so it is
/// meant to be dropped soon: after a batch of queries, after a listing.
pub struct Snapshot<'r> {
    pinned: Pinned<'r>,
}

/// One zone of a snapshot.
#[derive(Clone, Copy)]
pub struct ZoneView<'s> {
    snapshot: &'s Snapshot<'s>,
    apex: Node<'s>,
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(table: Arc<Table>, histories: Arc<Histories>) -> Self {
        Self { table, histories }
    }

    /// How the zones came to be what they are.
    pub fn histories(&self) -> &Arc<Histories> {
        &self.histories
    }

    /// Takes two memory fences and no lock.
    #[inline]
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { pinned: self.table.pin() }
    }
}

// === impl Snapshot ===

impl Snapshot<'_> {
    /// The zone whose apex this is, published or only announced.
    pub fn zone(&self, apex: &Name) -> Option<ZoneView<'_>> {
        let node = self.pinned.find(self.key(apex.wire()), |node| node.flags().has(Flags::APEX))?;
        Some(ZoneView { snapshot: self, apex: node })
    }

    /// The zone with this index; see [`crate::Reply`].
    pub fn zone_at(&self, index: ZoneIndex) -> Option<ZoneView<'_>> {
        Some(ZoneView { snapshot: self, apex: self.pinned.apex(index)? })
    }

    /// All zones, published or only announced.
    pub fn zones(&self) -> impl Iterator<Item = ZoneView<'_>> {
        let count = self.pinned.table().zone_count();
        (0..count).filter_map(|index| self.zone_at(ZoneIndex(index as u16)))
    }

    /// The sets that stand at exactly this name, in the deepest zone that has it: no wildcard, and
    /// glue included.
    pub fn lookup(&self, name: &Name) -> Vec<RecordSet> {
        let node = self.find(self.key(name.wire()));
        node.map_or_else(Vec::new, |node| node.sets().to_model())
    }

    #[inline]
    pub(crate) fn key<'n>(&self, name: &'n [u8]) -> Key<'n> {
        self.pinned.table().key(name)
    }

    /// The name in the deepest zone that has it.
    #[inline]
    pub(crate) fn find(&self, key: Key<'_>) -> Option<Node<'_>> {
        self.pinned.find(key, |_| true)
    }

    /// The name in the deepest zone that has it, `zone` left aside.
    pub(crate) fn find_outside(&self, key: Key<'_>, zone: ZoneIndex) -> Option<Node<'_>> {
        self.pinned.find(key, |node| node.zone() != zone)
    }

    /// The name in `zone`.
    pub(crate) fn find_in(&self, key: Key<'_>, zone: ZoneIndex) -> Option<Node<'_>> {
        self.pinned.find(key, |node| node.zone() == zone)
    }

    pub(crate) fn apex(&self, zone: ZoneIndex) -> Option<Node<'_>> {
        self.pinned.apex(zone)
    }

    /// Names with more labels do not exist.
    pub(crate) fn labels_max(&self) -> usize {
        self.pinned.table().labels_max()
    }

    /// First of two steps that hide the memory's latency when many names are to be looked up.
    #[inline]
    pub fn prefetch_slots(&self, hash: u64) {
        self.pinned.prefetch_slots(hash);
    }

    /// Second step, some time after the first.
    #[inline]
    pub fn prefetch_node(&self, hash: u64) {
        self.pinned.prefetch_node(hash);
    }
}

// === impl ZoneView ===

impl<'s> ZoneView<'s> {
    pub fn apex(self) -> Name {
        name_of(self.apex)
    }

    /// Stays the same for a zone's name for as long as the store lives.
    pub fn index(self) -> ZoneIndex {
        self.apex.zone()
    }

    /// None for a zone that is announced and has no contents yet: it is answered with SERVFAIL.
    pub fn serial(self) -> Option<Serial> {
        let soa = self.apex.sets().get(RecordType::SOA).and_then(Set::first)?;
        soa_serial_and_minimum(soa.rdata).map(|(serial, _)| serial)
    }

    pub(crate) fn apex_node(self) -> Node<'s> {
        self.apex
    }

    /// The names of the zone that have sets, in no order. Looks at all names of the store.
    pub(crate) fn nodes(self) -> impl Iterator<Item = Node<'s>> + 's {
        let nodes = self.snapshot.pinned.nodes();
        nodes.filter(move |node| node.zone() == self.index() && !node.sets().is_empty())
    }

    /// The sets at exactly this name.
    pub fn sets(self, name: &Name) -> Vec<RecordSet> {
        let node = self.snapshot.find_in(self.snapshot.key(name.wire()), self.index());
        node.map_or_else(Vec::new, |node| node.sets().to_model())
    }

    /// Names that have sets, in no order. Looks at all names of the store.
    pub fn names(self) -> impl Iterator<Item = (Name, Vec<RecordSet>)> + 's {
        self.nodes().map(|node| (name_of(node), node.sets().to_model()))
    }

    /// A copy of the zone, sorted.
    pub fn contents(self) -> ZoneContents {
        let mut contents = ZoneContents::new(self.apex());
        self.names().for_each(|(name, sets)| contents.replace(name, sets));
        contents
    }
}

fn name_of(node: Node<'_>) -> Name {
    Name::from_wire(node.name()).expect("a stored name is well-formed")
}
