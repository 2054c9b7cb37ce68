//! One name of one zone in one allocation: a header, the name, and its sets as answer bytes.
//!
//! ```text
//! version 8 | previous 8 | children 4 | lengths 4 | zone 2 | flags 2 || name | sets
//! ```
//!
//! A node never changes after the version that made it is published, except for `children`, which
//! only the writer reads. All raw access to nodes is in this file.

use std::alloc::{self, Layout};
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, BitXor, Not};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use crate::store::sets::Sets;

/// The number of a publication; each is one more than the last.
pub(crate) type Version = u64;

/// Where a zone stands in the store's list of zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneIndex(pub(crate) u16);

/// What a reader must know of a name before it may take an answer from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u16);

/// Most bytes that the name and the sets of one node may take together.
pub(crate) const DATA_LENGTH_MAX: usize = 1 << 24;

/// Aligned to 4 bytes, so that the data begins right behind the last field: 28 bytes, not 32, for
/// each name.
#[repr(C)]
pub(crate) struct Header {
    version: Word<Version>,
    /// The node that this one took the place of. It may be followed only while this node's version
    /// is newer than the reader's: what lies behind an older one may be freed.
    previous: Word<*const Header>,
    /// How many live names of the same zone stand directly below this one; the writer's own.
    children: AtomicU32,
    /// The name's length in the low 8 bits, that of name and sets together in the others.
    lengths: u32,
    zone: ZoneIndex,
    flags: AtomicU16,
}

/// Eight bytes that do not ask for an alignment of eight.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Word<T: Copy>(T);

const HEADER_LENGTH: usize = size_of::<Header>();
const ALIGNMENT: usize = align_of::<u64>();

/// What a new node is made from.
pub(crate) struct Parts<'a> {
    pub version: Version,
    pub previous: Option<NodePointer>,
    pub children: u32,
    pub zone: ZoneIndex,
    pub flags: Flags,
    /// Lower-cased wire form.
    pub name: &'a [u8],
    pub sets: Sets<'a>,
}

/// Owns nothing and proves nothing; the table decides when what it points at may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodePointer(NonNull<Header>);

// SAFETY: a node is plain bytes and atomics that any thread may read; who may free it is decided
// by the table, whichever thread that runs on.
unsafe impl Send for NodePointer {}

/// A node that stays allocated for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    header: NonNull<Header>,
    alive: PhantomData<&'a Header>,
}

// === impl Flags ===

impl Flags {
    pub const NONE: Self = Self(0);
    /// The zone's own name.
    pub const APEX: Self = Self(1);
    /// NS records that are not at the apex: another server's zone begins here.
    pub const CUT: Self = Self(1 << 1);
    /// Has a DNAME record.
    pub const DNAME: Self = Self(1 << 2);
    /// Another zone of this store begins here.
    pub const CHILD_APEX: Self = Self(1 << 3);
    /// Below a cut, a DNAME or another zone's apex: no answer, at most glue.
    pub const OCCLUDED: Self = Self(1 << 4);
    /// `*` directly below this name exists.
    pub const WILDCARD_CHILD: Self = Self(1 << 5);
    /// Another zone may have this name too.
    pub const SHARED: Self = Self(1 << 6);
    /// The name does not exist in this version.
    pub const TOMBSTONE: Self = Self(1 << 7);
    /// An apex without contents so far.
    pub const UNPUBLISHED: Self = Self(1 << 8);
    /// Has sets of its own; without them a name is an empty non-terminal.
    pub const SETS: Self = Self(1 << 9);

    pub fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Whether everything below is out of the zone's authority. NS records at the apex hide
    /// nothing; a DNAME does so there as well.
    pub fn hides_descendants(self) -> bool {
        self.has(Self::CUT | Self::DNAME | Self::CHILD_APEX)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitXor for Flags {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl Not for Flags {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

// === impl NodePointer ===

impl NodePointer {
    /// Allocates a node that nobody else knows yet. Name and sets must not be longer than
    /// [`DATA_LENGTH_MAX`] together.
    pub fn allocate(parts: Parts<'_>) -> Self {
        let Parts { version, previous, children, zone, flags, name, sets } = parts;
        let sets = sets.bytes();
        let data_length = name.len() + sets.len();
        assert!(data_length < DATA_LENGTH_MAX && name.len() <= 255);
        let header = Header {
            version: Word(version),
            previous: Word(previous.map_or(ptr::null(), |previous| previous.as_ptr().cast_const())),
            children: AtomicU32::new(children),
            lengths: ((data_length as u32) << 8) | name.len() as u32,
            zone,
            flags: AtomicU16::new(flags.0),
        };
        let layout = layout(data_length);
        // SAFETY: the layout is not empty, and all writes stay inside the fresh allocation of
        // HEADER_LENGTH + data_length bytes, which is aligned for Header.
        unsafe {
            let Some(memory) = NonNull::new(alloc::alloc(layout)) else {
                alloc::handle_alloc_error(layout)
            };
            memory.cast::<Header>().write(header);
            let data = memory.add(HEADER_LENGTH).as_ptr();
            ptr::copy_nonoverlapping(name.as_ptr(), data, name.len());
            ptr::copy_nonoverlapping(sets.as_ptr(), data.add(name.len()), sets.len());
            Self(memory.cast())
        }
    }

    /// # Safety
    ///
    /// The node must not be freed while the result is in use.
    pub unsafe fn node<'a>(self) -> Node<'a> {
        Node { header: self.0, alive: PhantomData }
    }

    /// # Safety
    ///
    /// Nobody may use the node during the call or after it.
    pub unsafe fn free(self) {
        // SAFETY: the caller says that the node is allocated and no longer used; the layout is
        // computed from the same length as when it was allocated.
        unsafe {
            let layout = layout((self.0.as_ref().lengths >> 8) as usize);
            alloc::dealloc(self.0.as_ptr().cast(), layout);
        }
    }

    pub fn as_ptr(self) -> *mut Header {
        self.0.as_ptr()
    }

    pub fn new(header: *mut Header) -> Option<Self> {
        NonNull::new(header).map(Self)
    }
}

fn layout(data_length: usize) -> Layout {
    Layout::from_size_align(HEADER_LENGTH + data_length, ALIGNMENT)
        .expect("lengths below 16 MiB make a layout")
}

// === impl Node ===

impl<'a> Node<'a> {
    fn header(self) -> &'a Header {
        // SAFETY: whoever made this Node promised that it stays allocated for 'a; all fields that
        // change are atomic.
        unsafe { self.header.as_ref() }
    }

    pub fn pointer(self) -> NodePointer {
        NodePointer(self.header)
    }

    pub fn version(self) -> Version {
        self.header().version.0
    }

    /// # Safety
    ///
    /// The node behind this one must still be allocated: either this node is newer than the
    /// version the caller reads at, or the caller is the writer and has not freed it.
    pub unsafe fn previous(self) -> Option<Node<'a>> {
        let previous = NonNull::new(self.header().previous.0.cast_mut())?;
        Some(Node { header: previous, alive: PhantomData })
    }

    pub fn previous_pointer(self) -> Option<NodePointer> {
        NodePointer::new(self.header().previous.0.cast_mut())
    }

    pub fn zone(self) -> ZoneIndex {
        self.header().zone
    }

    pub fn flags(self) -> Flags {
        Flags(self.header().flags.load(Ordering::Relaxed))
    }

    /// For nodes of a version that is not published yet: no reader looks at their flags.
    pub fn set_flags(self, flags: Flags) {
        self.header().flags.store(flags.0, Ordering::Relaxed);
    }

    pub fn children(self) -> u32 {
        self.header().children.load(Ordering::Relaxed)
    }

    /// The writer's alone.
    pub fn set_children(self, children: u32) {
        self.header().children.store(children, Ordering::Relaxed);
    }

    /// Lower-cased wire form.
    pub fn name(self) -> &'a [u8] {
        self.data().split_at(self.name_length()).0
    }

    pub fn name_length(self) -> usize {
        (self.header().lengths & 0xff) as usize
    }

    pub fn sets(self) -> Sets<'a> {
        Sets::from_bytes(self.data().split_at(self.name_length()).1)
    }

    fn data(self) -> &'a [u8] {
        let length = (self.header().lengths >> 8) as usize;
        // SAFETY: the allocation holds `length` initialised bytes behind the header, and nobody
        // writes to them after `allocate`. The pointer comes from the whole allocation, not from
        // a reference to the header alone.
        unsafe {
            let data = self.header.cast::<u8>().add(HEADER_LENGTH);
            std::slice::from_raw_parts(data.as_ptr(), length)
        }
    }
}

const _: () = assert!(HEADER_LENGTH == 28);

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(name: &'a [u8], sets: &'a [u8]) -> Parts<'a> {
        Parts {
            version: 7,
            previous: None,
            children: 3,
            zone: ZoneIndex(9),
            flags: Flags::SETS | Flags::APEX,
            name,
            sets: Sets::from_bytes(sets),
        }
    }

    #[test]
    fn a_node_gives_back_what_it_was_made_from() {
        for set_length in [0, 1, 38, 70_000] {
            let sets = vec![0xab; set_length];
            let pointer = NodePointer::allocate(parts(b"\x01a\0", &sets));
            // SAFETY: freed at the end of the loop body only.
            let node = unsafe { pointer.node() };
            assert_eq!(node.version(), 7);
            assert_eq!(node.children(), 3);
            assert_eq!(node.zone(), ZoneIndex(9));
            assert!(node.flags().has(Flags::APEX) && !node.flags().has(Flags::CUT));
            assert_eq!(node.name(), b"\x01a\0");
            assert_eq!(node.sets().bytes(), sets);
            assert!(node.previous_pointer().is_none());
            // SAFETY: nothing else knows the node.
            unsafe { pointer.free() };
        }
    }

    #[test]
    fn flags_and_children_change_in_place() {
        let pointer = NodePointer::allocate(parts(b"\0", b""));
        // SAFETY: freed below.
        let node = unsafe { pointer.node() };
        node.set_flags(node.flags() | Flags::OCCLUDED);
        node.set_children(4);
        assert!(node.flags().has(Flags::OCCLUDED));
        assert_eq!(node.children(), 4);
        // SAFETY: nothing else knows the node.
        unsafe { pointer.free() };
    }
}
