//! The one who may change the table: versions are built, published, and cleared away here.

use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crossbeam_epoch as epoch;

use crate::store::node::{Flags, Node, NodePointer, Parts, Version, ZoneIndex};
use crate::store::sets::Sets;
use crate::store::table::slots::{
    SEGMENT_COUNT, SLOTS_MIN, Slot, allocate_slots, free_slot, free_slots, heads, pointer_of,
    probe, segment_of, slots_for, tag_of, tag_of_bits,
};
use crate::store::table::{Key, Table};
use crate::wire;

/// So much garbage may gather before the writer asks for a tick of its own accord.
const WAITING_MAX: usize = 64;

/// The one who may change the table. There is one for each table.
pub(crate) struct TableWriter {
    table: Arc<Table>,
    usage: Box<[Usage]>,
    /// The version that is being built: one after the published.
    open: Version,
    /// Nodes that readers need until `open` is published and those at the version before are gone.
    replaced: Vec<NodePointer>,
    /// Tombstones of `open`.
    buried: Vec<Grave>,
    /// The tick that the next report will carry.
    tick: u64,
    /// In order of their ticks.
    limbo: VecDeque<(u64, Garbage)>,
    /// Tombstones that are published; in order of their ticks.
    graves: VecDeque<(u64, Grave)>,
    /// With so much waiting, the next tick is asked for.
    reclaim_at: usize,
}

/// How full one segment is.
#[derive(Clone, Copy, Default)]
struct Usage {
    live: u32,
    cleared: u32,
}

#[derive(Clone, Copy)]
struct Grave {
    hash: u64,
    zone: ZoneIndex,
    tombstone: NodePointer,
}

pub(super) enum Garbage {
    Node(NodePointer),
    Slots(NonNull<[Slot]>),
}

// SAFETY: garbage is memory that one thread frees, whichever that is.
unsafe impl Send for Garbage {}

// === impl TableWriter ===

impl TableWriter {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self {
            table,
            usage: vec![Usage::default(); SEGMENT_COUNT].into(),
            open: 1,
            replaced: Vec::new(),
            buried: Vec::new(),
            tick: 1,
            limbo: VecDeque::new(),
            graves: VecDeque::new(),
            reclaim_at: WAITING_MAX,
        }
    }

    pub fn key<'n>(&self, name: &'n [u8]) -> Key<'n> {
        self.table.key(name)
    }

    /// The newest node of a name in a zone, a tombstone included.
    pub fn get(&self, key: Key<'_>, zone: ZoneIndex) -> Option<Node<'_>> {
        self.all(key).find(|node| node.zone() == zone)
    }

    /// The newest nodes of a name in all zones, tombstones included.
    pub fn all(&self, key: Key<'_>) -> impl Iterator<Item = Node<'_>> {
        // SAFETY: only `&mut self` frees slots and nodes.
        unsafe { heads(self.table.segment(key.hash).slots(), key) }.map(|(_, node)| node)
    }

    /// The newest nodes of all names, tombstones included, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.table.segments.iter().flat_map(|segment| {
            // SAFETY: only `&mut self` frees slots and nodes.
            let slots = unsafe { segment.slots() };
            // SAFETY: as above.
            slots.iter().filter_map(|slot| Some(unsafe { slot.pointer()?.node() }))
        })
    }

    /// Makes room for `names` more names, so that a bulk load need not grow segments in steps.
    pub fn reserve(&mut self, names: usize) {
        let each = names / SEGMENT_COUNT;
        if each < SLOTS_MIN {
            return;
        }
        for index in 0..SEGMENT_COUNT {
            self.make_room(index, each);
        }
    }

    /// Gives a name a node of the open version, in place of the one that is there. The count of
    /// children stays, but a name that is gone has none.
    pub fn put(&mut self, key: Key<'_>, zone: ZoneIndex, flags: Flags, sets: Sets<'_>) {
        let at = self.position(key, zone);
        let head = at.map(|at| self.head(key, at));
        let is_gone = flags.has(Flags::TOMBSTONE);
        let children = head.filter(|_| !is_gone).map_or(0, Node::children);
        // A head of the open version was seen by no reader, but may be looked at by one: it is
        // skipped in the chain, and waits like the others.
        let previous = head.and_then(|head| match head.version() == self.open {
            true => head.previous_pointer(),
            false => Some(head.pointer()),
        });
        let replaced = head.map(Node::pointer);
        let name = key.name;
        let parts = Parts { version: self.open, previous, children, zone, flags, name, sets };
        let node = NodePointer::allocate(parts);
        self.replaced.extend(replaced);
        if is_gone {
            self.buried.push(Grave { hash: key.hash, zone, tombstone: node });
        }
        self.install(key, at, node);
        if flags.has(Flags::APEX) {
            self.table.zone_count.fetch_max(usize::from(zone.0) + 1, Ordering::Relaxed);
            self.table.apexes[usize::from(zone.0)].store(node.as_ptr(), Ordering::Release);
        }
        self.table.labels_max.fetch_max(wire::label_count(name), Ordering::Relaxed);
        self.reclaim_now_and_then();
    }

    /// Changes nothing but the flags of a name that has a node.
    pub fn set_flags(&mut self, key: Key<'_>, zone: ZoneIndex, flags: Flags) {
        let Some(node) = self.get(key, zone) else { return };
        if node.flags() == flags {
            return;
        }
        if node.version() == self.open {
            node.set_flags(flags);
        } else {
            let pointer = node.pointer();
            // SAFETY: the node stays in its slot until `put` has copied the sets, and is not freed
            // before a later publication.
            let sets = unsafe { pointer.node() }.sets();
            self.put(key, zone, flags, sets);
        }
    }

    /// Counts a child more or less of a name that has a node, and returns how many it has now.
    pub fn adjust_children(&mut self, key: Key<'_>, zone: ZoneIndex, step: i32) -> u32 {
        let node = self.get(key, zone).expect("the parent of a live name has a node");
        let children = node.children().checked_add_signed(step).expect("children are counted");
        node.set_children(children);
        children
    }

    /// Makes the open version the one that readers get.
    pub fn publish(&mut self) {
        self.table.published.store(self.open, Ordering::Release);
        self.open += 1;
        let tick = self.tick;
        self.limbo.extend(self.replaced.drain(..).map(|node| (tick, Garbage::Node(node))));
        self.graves.extend(self.buried.drain(..).map(|grave| (tick, grave)));
        self.reclaim_now_and_then();
    }

    /// Frees what no reader can hold any more. What a reader held when this was called before may
    /// go now, so where readers rest, three calls free all there is.
    pub fn reclaim(&mut self) {
        if self.limbo.is_empty() && self.graves.is_empty() {
            return;
        }
        let guard = epoch::pin();
        let (quiesced, tick) = (Arc::clone(&self.table.quiesced), self.tick);
        guard.defer(move || quiesced.fetch_max(tick, Ordering::Release));
        guard.flush();
        drop(guard);
        self.tick += 1;
        self.sweep();
    }

    /// How many pieces of memory wait for readers to let go.
    pub fn waiting(&self) -> usize {
        self.limbo.len() + self.graves.len()
    }

    /// A tick costs memory too, until it comes: where a reader holds all up, ticks get rarer.
    fn reclaim_now_and_then(&mut self) {
        if self.waiting() >= self.reclaim_at {
            self.reclaim();
            self.reclaim_at = self.waiting() + WAITING_MAX.max(self.waiting() / 16);
        }
    }

    fn sweep(&mut self) {
        let quiesced = self.table.quiesced.load(Ordering::Acquire);
        // Graves first: a tombstone whose name came back is freed no sooner than its grave is
        // forgotten, so its address cannot be that of another node when `unlink` looks for it.
        while let Some((_, grave)) = self.graves.pop_front_if(|(tick, _)| *tick <= quiesced) {
            self.unlink(grave);
        }
        while let Some((_, garbage)) = self.limbo.pop_front_if(|(tick, _)| *tick <= quiesced) {
            // SAFETY: all readers that were pinned when its tick was asked for have let go, and
            // later ones cannot reach it (points 3, 4 and 6 of the module's story).
            unsafe { garbage.free() };
        }
    }

    /// Clears the slot of a tombstone, unless the name has come back.
    fn unlink(&mut self, grave: Grave) {
        let Grave { hash, zone, tombstone } = grave;
        let index = segment_of(hash);
        // SAFETY: only `&mut self` frees slots.
        let slots = unsafe { self.table.segments[index].slots() };
        let Some((at, _)) = probe(slots, hash).find(|(_, node)| *node == tombstone) else { return };
        let apex = &self.table.apexes[usize::from(zone.0)];
        if apex.load(Ordering::Relaxed) == tombstone.as_ptr() {
            apex.store(ptr::null_mut(), Ordering::Release);
        }
        slots[at].clear();
        self.limbo.push_back((self.tick, Garbage::Node(tombstone)));
        let usage = &mut self.usage[index];
        usage.live -= 1;
        usage.cleared += 1;
        let live = usage.live as usize;
        if slots.len() > SLOTS_MIN && live * 8 < slots.len() {
            self.rebuild(index, slots_for(live));
        }
    }

    fn position(&self, key: Key<'_>, zone: ZoneIndex) -> Option<usize> {
        // SAFETY: only `&mut self` frees slots and nodes.
        let mut heads = unsafe { heads(self.table.segment(key.hash).slots(), key) };
        heads.find(|(_, node)| node.zone() == zone).map(|(at, _)| at)
    }

    fn head(&self, key: Key<'_>, at: usize) -> Node<'_> {
        // SAFETY: only `&mut self` frees slots and nodes.
        unsafe {
            let pointer = self.table.segment(key.hash).slots()[at].pointer();
            pointer.expect("the slot was found full").node()
        }
    }

    /// Points the slot `at`, or a new one, at `node`.
    fn install(&mut self, key: Key<'_>, at: Option<usize>, node: NodePointer) {
        let index = segment_of(key.hash);
        if at.is_none() {
            self.make_room(index, 1);
        }
        // SAFETY: only `&mut self` frees slots.
        let slots = unsafe { self.table.segments[index].slots() };
        let tag = tag_of(key.hash);
        let at = at.unwrap_or_else(|| {
            let usage = &mut self.usage[index];
            let at = free_slot(slots, tag);
            usage.live += 1;
            usage.cleared -= u32::from(!slots[at].load().is_null());
            at
        });
        slots[at].store(node, tag);
    }

    /// Builds the segment anew unless `more` names still fit well.
    fn make_room(&mut self, index: usize, more: usize) {
        // SAFETY: only `&mut self` frees slots.
        let slot_count = unsafe { self.table.segments[index].slots() }.len();
        let Usage { live, cleared } = self.usage[index];
        if (live as usize + cleared as usize + more) * 4 > slot_count * 3 {
            self.rebuild(index, slots_for(live as usize + more));
        }
    }

    fn rebuild(&mut self, index: usize, slot_count: usize) {
        let segment = &self.table.segments[index];
        let new = allocate_slots(slot_count);
        // SAFETY: the new slots are ours alone until `replace`, and the old ones stay until their
        // tick.
        unsafe {
            for slot in segment.slots() {
                let tagged = slot.load();
                if let Some(node) = pointer_of(tagged) {
                    let tag = tag_of_bits(tagged.addr());
                    new.as_ref()[free_slot(new.as_ref(), tag)].store(node, tag);
                }
            }
        }
        self.usage[index].cleared = 0;
        if let Some(old) = segment.replace(new) {
            self.limbo.push_back((self.tick, Garbage::Slots(old)));
        }
    }
}

impl Drop for TableWriter {
    fn drop(&mut self) {
        let mut leftover = self.table.leftover.lock().unwrap_or_else(PoisonError::into_inner);
        leftover.extend(self.replaced.drain(..).map(Garbage::Node));
        leftover.extend(self.limbo.drain(..).map(|(_, garbage)| garbage));
    }
}

impl Garbage {
    /// # Safety
    ///
    /// Nobody may use it any more.
    pub unsafe fn free(self) {
        // SAFETY: said by the caller.
        unsafe {
            match self {
                Self::Node(node) => node.free(),
                Self::Slots(slots) => free_slots(slots),
            }
        }
    }
}
