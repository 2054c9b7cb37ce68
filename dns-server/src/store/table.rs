//! The one hash table from names to nodes, its versions, and the end of what nobody needs.
//!
//! ```text
//! hash of a name: | 12 bits: segment | 19 bits: tag | not used |
//! segments[4096] -> [slot, slot, …]     slot: pointer to the newest node of a name, and the tag
//!                                       newest node -> previous -> previous …
//! ```
//!
//! Any number of readers and one writer use it at once. Why a reader sees one version of
//! everything, and never memory that was freed:
//!
//! 1. The writer builds version V+1 node by node. Each node is complete before a slot points at it
//!    (release), and carries V+1. Readers at V that meet it step to the node behind it.
//! 2. One store publishes V+1 (release). A reader pins the epoch first, reads the published
//!    version second (acquire), and slots third. So whoever reads "V+1" finds all its nodes.
//! 3. A node that was replaced in V+1 is wanted only by readers at V or before. They read the
//!    published version before V+1 was stored, and had pinned before that. The writer asks the
//!    epoch to report (a *tick*) after it has stored V+1: the report comes when all who were
//!    pinned by then have let go, and only then is the node freed. A reader that pins later reads
//!    at least V+1, and never steps behind a node of V+1: the stale pointer in it is not followed.
//! 4. A deleted name is a tombstone, which says "not here" to readers at its version and leads
//!    older ones to what was there. After the same wait all readers would see "not here", so the
//!    slot is cleared, and the tombstone waits for one more tick: a reader may hold it.
//! 5. A cleared slot keeps a marker, as names further along the probe sequence must still be
//!    found. Markers go when the segment is built anew: for growth, or to get rid of them.
//! 6. A new segment is filled, then swapped in by one store (release). A reader on the old one
//!    misses only what was installed later, for versions later than its own: had its own version
//!    been published after the swap, it would have seen the swap. The old slots wait for a tick.
//! 7. What the epoch runs is one store of the tick's number. Freeing is the writer's work: no
//!    reader is ever delayed by it.

mod slots;
mod writer;

use std::hash::{BuildHasher, Hasher};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_epoch::{self as epoch, Guard};
use foldhash::quality::FixedState;

use crate::store::node::{Flags, Header, Node, NodePointer, Version, ZoneIndex};

use slots::{SEGMENT_COUNT, Segment, Slot, free_slots, heads, home_of, probe, segment_of, tag_of};
use writer::Garbage;

pub(crate) use writer::TableWriter;

/// Most different apexes that a store sees in its life.
pub(crate) const ZONE_COUNT_MAX: usize = 1 << 16;

/// What readers and the writer share.
pub(crate) struct Table {
    segments: Box<[Segment]>,
    /// The newest node of each zone's apex, by the zone's index.
    apexes: Box<[AtomicPtr<Header>]>,
    published: AtomicU64,
    /// Indexes from here on are not in use.
    zone_count: AtomicUsize,
    /// No name has more labels than this.
    labels_max: AtomicUsize,
    /// The last tick whose readers have all let go.
    quiesced: Arc<AtomicU64>,
    hasher: FixedState,
    /// What the writer left behind when it was dropped before the readers.
    leftover: Mutex<Vec<Garbage>>,
}

/// A name and its hash in this table.
#[derive(Clone, Copy)]
pub(crate) struct Key<'n> {
    /// Lower-cased wire form.
    pub name: &'n [u8],
    pub hash: u64,
}

/// The table as it is at one version.
pub(crate) struct Pinned<'t> {
    table: &'t Table,
    /// Read from `published` after `_guard` was pinned.
    version: Version,
    _guard: Guard,
}

// === impl Table ===

impl Table {
    pub fn new(seed: u64) -> (TableWriter, Arc<Self>) {
        // SAFETY: null is a valid value of both kinds of pointer, and all zeroes.
        let (segments, apexes) = unsafe {
            let segments = Box::<[Segment]>::new_zeroed_slice(SEGMENT_COUNT).assume_init();
            // Most of these pages are never touched, so they cost address space only.
            let apexes = Box::<[AtomicPtr<Header>]>::new_zeroed_slice(ZONE_COUNT_MAX).assume_init();
            (segments, apexes)
        };
        let table = Arc::new(Self {
            segments,
            apexes,
            published: AtomicU64::new(0),
            zone_count: AtomicUsize::new(0),
            labels_max: AtomicUsize::new(0),
            quiesced: Arc::new(AtomicU64::new(0)),
            hasher: FixedState::with_seed(seed),
            leftover: Mutex::default(),
        });
        (TableWriter::new(Arc::clone(&table)), table)
    }

    #[inline]
    pub fn key<'n>(&self, name: &'n [u8]) -> Key<'n> {
        Key { name, hash: self.hash(name) }
    }

    #[inline]
    pub fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name);
        hasher.finish()
    }

    #[inline]
    pub fn pin(&self) -> Pinned<'_> {
        let guard = epoch::pin();
        Pinned { table: self, version: self.published.load(Ordering::Acquire), _guard: guard }
    }

    /// Names with more labels than this do not exist.
    pub fn labels_max(&self) -> usize {
        self.labels_max.load(Ordering::Relaxed)
    }

    /// Zone indexes are below this.
    pub fn zone_count(&self) -> usize {
        self.zone_count.load(Ordering::Relaxed)
    }

    #[inline]
    fn segment(&self, hash: u64) -> &Segment {
        &self.segments[segment_of(hash)]
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let leftover = self.leftover.get_mut().unwrap_or_else(PoisonError::into_inner);
        for garbage in leftover.drain(..) {
            // SAFETY: readers borrow the table and the writer owns a share of it, so all are gone.
            unsafe { garbage.free() };
        }
        for segment in &self.segments {
            let Some(memory) = segment.memory() else { continue };
            // SAFETY: as above; what is not garbage is the newest node of exactly one slot.
            unsafe {
                memory.as_ref().iter().filter_map(Slot::pointer).for_each(|node| node.free());
                free_slots(memory);
            }
        }
    }
}

// === impl Pinned ===

impl<'t> Pinned<'t> {
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// The node of a name that exists; of several zones that have it, the deepest that `accept`
    /// takes.
    #[inline]
    pub fn find(&self, key: Key<'_>, accept: impl Fn(Node<'_>) -> bool) -> Option<Node<'_>> {
        let mut best: Option<Node<'_>> = None;
        // SAFETY: the guard keeps the slots, and the nodes in them, for as long as `self` lives.
        for (_, head) in unsafe { heads(self.table.segment(key.hash).slots(), key) } {
            let Some(node) = self.visible(head).filter(|node| accept(*node)) else { continue };
            if !node.flags().has(Flags::SHARED) {
                return Some(node);
            }
            if best.is_none_or(|best| self.depth(node.zone()) > self.depth(best.zone())) {
                best = Some(node);
            }
        }
        best
    }

    /// The apex of a zone that exists.
    #[inline]
    pub fn apex(&self, zone: ZoneIndex) -> Option<Node<'_>> {
        let head =
            NodePointer::new(self.table.apexes[usize::from(zone.0)].load(Ordering::Acquire))?;
        // SAFETY: the guard keeps what the list of apexes points at, as it does with slots.
        self.visible(unsafe { head.node() })
    }

    /// The nodes of all names that exist, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.table.segments.iter().flat_map(|segment| {
            // SAFETY: the guard keeps the slots for as long as `self` lives.
            let slots = unsafe { segment.slots() };
            // SAFETY: the guard keeps the nodes in them as well.
            let nodes = slots.iter().filter_map(|slot| Some(unsafe { slot.pointer()?.node() }));
            nodes.filter_map(|head| self.visible(head))
        })
    }

    /// Starts to load the slots where `hash` will be looked for.
    #[inline]
    pub fn prefetch_slots(&self, hash: u64) {
        // SAFETY: the guard keeps the slots during this call.
        let slots = unsafe { self.table.segment(hash).slots() };
        if let Some(slot) = slots.get(home_of(tag_of(hash), slots.len())) {
            prefetch(ptr::from_ref(slot).cast());
        }
    }

    /// Starts to load the node that `hash` probably leads to.
    #[inline]
    pub fn prefetch_node(&self, hash: u64) {
        // SAFETY: the guard keeps the slots during this call.
        let slots = unsafe { self.table.segment(hash).slots() };
        if let Some((_, node)) = probe(slots, hash).next() {
            let node = node.as_ptr().cast::<u8>();
            prefetch(node);
            prefetch(node.wrapping_add(64));
        }
    }

    /// What this version holds where `head` is the newest: nothing for a tombstone.
    #[inline]
    fn visible<'a>(&self, head: Node<'a>) -> Option<Node<'a>> {
        let mut node = head;
        while node.version() > self.version {
            // SAFETY: the node is newer than the version that this reader pinned, so what it
            // replaced waits until this reader has let go (point 3 of the module's story).
            node = unsafe { node.previous() }?;
        }
        (!node.flags().has(Flags::TOMBSTONE)).then_some(node)
    }

    fn depth(&self, zone: ZoneIndex) -> usize {
        self.apex(zone).map_or(0, Node::name_length)
    }
}

#[inline]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
