//! Segments of slots: where a hash leads, and the memory of it.

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::store::node::{Header, Node, NodePointer};
use crate::store::table::Key;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("slots keep 19 bits of the hash in the unused bits of a 64-bit pointer");

const SEGMENT_BITS: u32 = 12;
pub(super) const SEGMENT_COUNT: usize = 1 << SEGMENT_BITS;
const TAG_BITS: u32 = 19;
/// A segment with this many slots takes one cache line.
pub(super) const SLOTS_MIN: usize = 8;

/// Points at slots aligned to 64 bytes; the low 6 bits are the binary logarithm of their number.
pub(super) struct Segment(AtomicPtr<Slot>);

/// The newest node of one name of one zone in the middle 45 bits, the tag in the others. Null is
/// free, the tag of [`CLEARED`] with a null pointer was used once.
pub(super) struct Slot(AtomicPtr<Header>);

const POINTER_MASK: usize = 0x0000_ffff_ffff_fff8;
const CLEARED: usize = !POINTER_MASK;
const SLOTS_ALIGNMENT: usize = 64;

pub(super) fn segment_of(hash: u64) -> usize {
    (hash >> (64 - SEGMENT_BITS)) as usize
}

/// The part of the hash that slots keep.
pub(super) fn tag_of(hash: u64) -> usize {
    (hash >> (64 - SEGMENT_BITS - TAG_BITS)) as usize & ((1 << TAG_BITS) - 1)
}

/// The tag as it lies in a slot: 16 bits above the pointer, 3 below.
fn tag_bits(tag: usize) -> usize {
    (tag >> 3) << 48 | (tag & 7)
}

pub(super) fn tag_of_bits(bits: usize) -> usize {
    (bits >> 48) << 3 | (bits & 7)
}

/// Where the probe sequence of a tag begins: the tag's upper bits, so that a segment can be built
/// anew without a look at the nodes.
pub(super) fn home_of(tag: usize, slot_count: usize) -> usize {
    (tag * slot_count) >> TAG_BITS
}

// === impl Segment ===

impl Segment {
    /// # Safety
    ///
    /// The slots must not be freed while the result is in use.
    #[inline]
    pub unsafe fn slots<'a>(&self) -> &'a [Slot] {
        match self.memory() {
            // SAFETY: `replace` stored a pointer to initialised slots, which the caller keeps
            // alive; slots change only through their atomics.
            Some(slots) => unsafe { slots.as_ref() },
            None => &[],
        }
    }

    /// The slots as memory; none before the first `replace`.
    #[inline]
    pub fn memory(&self) -> Option<NonNull<[Slot]>> {
        let tagged = self.0.load(Ordering::Acquire);
        let first = tagged.map_addr(|address| address & !(SLOTS_ALIGNMENT - 1));
        let count = 1 << (tagged.addr() & (SLOTS_ALIGNMENT - 1));
        Some(NonNull::slice_from_raw_parts(NonNull::new(first)?, count))
    }

    /// Puts `slots` in place of those that are there, and returns these.
    pub fn replace(&self, slots: NonNull<[Slot]>) -> Option<NonNull<[Slot]>> {
        let old = self.memory();
        let logarithm = slots.len().ilog2() as usize;
        let tagged = slots.as_ptr().cast::<Slot>().map_addr(|address| address | logarithm);
        self.0.store(tagged, Ordering::Release);
        old
    }
}

/// `count` free slots; a power of two.
pub(super) fn allocate_slots(count: usize) -> NonNull<[Slot]> {
    let layout = slots_layout(count);
    // SAFETY: the layout is not empty; all zeroes is a free slot.
    let memory = unsafe { alloc::alloc_zeroed(layout) };
    match NonNull::new(memory.cast::<Slot>()) {
        Some(first) => NonNull::slice_from_raw_parts(first, count),
        None => alloc::handle_alloc_error(layout),
    }
}

/// # Safety
///
/// The slots come from `allocate_slots` and are not used any more.
pub(super) unsafe fn free_slots(slots: NonNull<[Slot]>) {
    // SAFETY: the layout is that of the allocation.
    unsafe { alloc::dealloc(slots.as_ptr().cast(), slots_layout(slots.len())) };
}

fn slots_layout(count: usize) -> Layout {
    Layout::array::<Slot>(count)
        .and_then(|layout| layout.align_to(SLOTS_ALIGNMENT))
        .expect("a segment is smaller than the address space")
}

// === impl Slot ===

impl Slot {
    #[inline]
    pub fn load(&self) -> *mut Header {
        self.0.load(Ordering::Acquire)
    }

    pub fn pointer(&self) -> Option<NodePointer> {
        pointer_of(self.load())
    }

    pub fn store(&self, node: NodePointer, tag: usize) {
        let address = node.as_ptr().addr();
        assert_eq!(address & !POINTER_MASK, 0, "the system gives out addresses above 48 bits");
        let tagged = node.as_ptr().map_addr(|address| address | tag_bits(tag));
        self.0.store(tagged, Ordering::Release);
    }

    pub fn clear(&self) {
        self.0.store(ptr::without_provenance_mut(CLEARED), Ordering::Release);
    }
}

#[inline]
pub(super) fn pointer_of(tagged: *mut Header) -> Option<NodePointer> {
    NodePointer::new(tagged.map_addr(|address| address & POINTER_MASK))
}

/// The slots where the node of a name may be, up to the first free one: those with its tag.
#[inline]
pub(super) fn probe(slots: &[Slot], hash: u64) -> impl Iterator<Item = (usize, NodePointer)> {
    let tag = tag_of(hash);
    let bits = tag_bits(tag);
    let home = home_of(tag, slots.len());
    let mut step = 0;
    std::iter::from_fn(move || {
        while step < slots.len() {
            let at = (home + step) & (slots.len() - 1);
            let tagged = slots[at].load();
            if tagged.is_null() {
                return None;
            }
            step += 1;
            if (tagged.addr() ^ bits) & !POINTER_MASK == 0
                && let Some(node) = pointer_of(tagged)
            {
                return Some((at, node));
            }
        }
        None
    })
}

/// The newest nodes of `key`'s name, one for each zone that has or had it, with their slots.
///
/// # Safety
///
/// The nodes in `slots` must not be freed for `'a`.
#[inline]
pub(super) unsafe fn heads<'a>(
    slots: &'a [Slot],
    key: Key<'_>,
) -> impl Iterator<Item = (usize, Node<'a>)> {
    probe(slots, key.hash).filter_map(move |(at, pointer)| {
        // SAFETY: the caller keeps the nodes of these slots alive for 'a.
        let node = unsafe { pointer.node() };
        (node.name() == key.name).then_some((at, node))
    })
}

pub(super) fn free_slot(slots: &[Slot], tag: usize) -> usize {
    let home = home_of(tag, slots.len());
    let mut positions = (0..slots.len()).map(|step| (home + step) & (slots.len() - 1));
    positions.find(|at| slots[*at].pointer().is_none()).expect("there is room")
}

/// Slots for `names` names with room to grow: between three eighths and three quarters full.
pub(super) fn slots_for(names: usize) -> usize {
    (names * 4 / 3 + 1).next_power_of_two().max(SLOTS_MIN)
}
