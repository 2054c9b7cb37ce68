//! What changes of a zone were, for incremental transfers (RFC 1995): a bounded row of differences
//! from serial to serial.
//!
//! 1. Only zones that somebody may transfer have a history: for all others nothing is kept.
//! 2. A difference is made from what the store held and holds, so what could not be served is not in
//!    it either. It is in the history before readers see the new serial: who sees a serial finds the
//!    way to it.
//! 3. The row is unbroken. A serial that does not grow, contents that change under one serial, or a
//!    difference beyond the bounds ends it, and it begins anew with the next serial.
//! 4. Transfers share the differences; what the history drops lives until the last of them ends.
//! 5. It may be saved and restored ([`saved`]): the next run goes on with it where the zone begins with the
//!    serial that it ended with.
//!
//! The lock is the transfers' and the writer's own: who answers queries never takes it.

pub mod saved;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Name, RecordType, Serial};
use tokio::sync::watch;

use crate::store::sets::{Sets, records_of};
use saved::Restored;

/// So much is kept of one zone's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    pub records: usize,
    pub bytes: usize,
}

/// The histories of all zones of a store.
#[derive(Debug, Default)]
pub struct Histories {
    zones: Mutex<HashMap<Name, ZoneHistory>>,
}

#[derive(Debug)]
struct ZoneHistory {
    limits: HistoryLimits,
    /// The oldest first; each begins where the one before ends.
    deltas: VecDeque<Arc<Delta>>,
    size: Size,
    /// The serial that a next difference may begin with.
    tip: Option<Serial>,
    /// What was saved by another run, until the first publication of this one.
    restored: Option<Restored>,
    published: watch::Sender<Option<Serial>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    records: usize,
    bytes: usize,
}

/// From one serial to the next. Records are as [`crate::store::sets`] has them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delta {
    pub from: Serial,
    pub to: Serial,
    pub soa_before: Box<[u8]>,
    pub soa_after: Box<[u8]>,
    pub names: Vec<NameDelta>,
}

/// What became of one name's records, the SOA left aside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NameDelta {
    /// Lower-cased wire form.
    pub name: Box<[u8]>,
    pub removed: Box<[u8]>,
    pub added: Box<[u8]>,
}

/// A difference while it is being made.
#[derive(Debug)]
pub(crate) struct Recording {
    limits: HistoryLimits,
    names: Vec<Touched>,
    size: Size,
    /// It is beyond the limits: nothing more of it is kept.
    is_too_large: bool,
}

#[derive(Debug)]
struct Touched {
    name: Box<[u8]>,
    before: Box<[u8]>,
    after: Box<[u8]>,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { records: 100_000, bytes: 16 << 20 }
    }
}

// === impl Histories ===

impl Histories {
    /// From now on, the histories of exactly these zones are kept.
    pub fn keep(&self, zones: &[Name], limits: HistoryLimits) {
        let mut histories = self.zones();
        histories.retain(|zone, _| zones.contains(zone));
        for zone in zones {
            let history = histories.entry(zone.clone()).or_insert_with(|| ZoneHistory::new(limits));
            history.limits = limits;
        }
    }

    /// Told of each publication of a zone whose history is kept, and of its end.
    pub fn published(&self, zone: &Name) -> Option<watch::Receiver<Option<Serial>>> {
        self.zones().get(zone).map(|history| history.published.subscribe())
    }

    /// The differences that lead from one serial to another; None where the way is not known.
    pub(crate) fn way(&self, zone: &Name, from: Serial, to: Serial) -> Option<Vec<Arc<Delta>>> {
        let zones = self.zones();
        let deltas = &zones.get(zone)?.deltas;
        let start = deltas.iter().position(|delta| delta.from == from)?;
        let length = deltas.iter().skip(start).position(|delta| delta.to == to)?;
        Some(deltas.iter().skip(start).take(length + 1).cloned().collect())
    }

    pub(crate) fn begin(&self, zone: &Name) -> Option<Recording> {
        let zones = self.zones();
        let limits = zones.get(zone)?.limits;
        let (names, size) = (Vec::new(), Size::default());
        Some(Recording { limits, names, size, is_too_large: false })
    }

    /// Takes in what leads from the SOA before, if there was one, to the SOA after.
    pub(crate) fn push(&self, zone: &Name, recording: Recording, soa: [(Serial, &[u8]); 2]) {
        if let Some(history) = self.zones().get_mut(zone) {
            history.push(recording, soa);
        }
    }

    /// The zone has been published whole: nothing leads to what it is now.
    pub(crate) fn begin_anew(&self, zone: &Name, tip: Option<Serial>) {
        if let Some(history) = self.zones().get_mut(zone) {
            history.begin_anew(tip);
        }
    }

    /// Readers see this serial now.
    pub(crate) fn tell(&self, zone: &Name, serial: Option<Serial>) {
        if let Some(history) = self.zones().get(zone) {
            history.published.send_replace(serial);
        }
    }

    fn zones(&self) -> MutexGuard<'_, HashMap<Name, ZoneHistory>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl ZoneHistory ===

impl ZoneHistory {
    fn new(limits: HistoryLimits) -> Self {
        let (deltas, size) = (VecDeque::new(), Size::default());
        let published = watch::channel(None).0;
        Self { limits, deltas, size, tip: None, restored: None, published }
    }

    /// With what was restored, where it leads to this serial.
    fn begin_anew(&mut self, tip: Option<Serial>) {
        self.clear(tip);
        let restored = self.restored.take().filter(|restored| Some(restored.tip) == tip);
        for delta in restored.into_iter().flat_map(|it| it.deltas) {
            self.append(delta);
        }
    }

    fn push(&mut self, recording: Recording, [before, after]: [(Serial, &[u8]); 2]) {
        let ((from, soa_before), (to, soa_after)) = (before, after);
        let is_too_large = recording.is_too_large;
        let names = recording.finish();
        if from == to && names.is_empty() && soa_before == soa_after {
            return;
        }
        if !to.is_newer_than(from) {
            return self.clear(None);
        }
        // Without a tip, somebody may hold other contents with the serial that this one begins at.
        if is_too_large || self.tip != Some(from) {
            return self.clear(Some(to));
        }
        let delta =
            Delta { from, to, soa_before: soa_before.into(), soa_after: soa_after.into(), names };
        self.append(Arc::new(delta));
        self.tip = Some(to);
    }

    fn append(&mut self, delta: Arc<Delta>) {
        let added = delta.size();
        self.size.records += added.records;
        self.size.bytes += added.bytes;
        self.deltas.push_back(delta);
        while self.size.records > self.limits.records || self.size.bytes > self.limits.bytes {
            let Some(oldest) = self.deltas.pop_front() else { break };
            let removed = oldest.size();
            self.size.records -= removed.records;
            self.size.bytes -= removed.bytes;
        }
    }

    fn clear(&mut self, tip: Option<Serial>) {
        self.deltas.clear();
        self.size = Size::default();
        self.tip = tip;
    }
}

// === impl Delta ===

impl Delta {
    /// With the SOA records.
    fn size(&self) -> Size {
        let soas = self.soa_before.len() + self.soa_after.len();
        let mut size = Size { records: 2, bytes: size_of::<Self>() + soas };
        for name in &self.names {
            size.records += records_of(&name.removed).count() + records_of(&name.added).count();
            size.bytes += size_of::<NameDelta>() + name.length();
        }
        size
    }

    /// One that leads from the beginning of the first to the end of the last, each of which begins
    /// where the one before ends (RFC 1995 section 5): what came and went between is not in it.
    pub fn condensed(deltas: &[Arc<Self>]) -> Option<Self> {
        let (first, last) = (deltas.first()?, deltas.last()?);
        let mut names: BTreeMap<&[u8], Net<'_>> = BTreeMap::new();
        for delta in deltas.iter().flat_map(|delta| &delta.names) {
            names.entry(&delta.name).or_default().take(delta);
        }
        Some(Self {
            from: first.from,
            to: last.to,
            soa_before: first.soa_before.clone(),
            soa_after: last.soa_after.clone(),
            names: names.into_iter().filter_map(|(name, net)| net.delta(name)).collect(),
        })
    }

    /// How many bytes a transfer of it takes, about.
    pub fn length(&self) -> usize {
        let names: usize = self.names.iter().map(NameDelta::length).sum();
        self.soa_before.len() + self.soa_after.len() + names
    }
}

/// What a row of differences does to the records of one name.
#[derive(Default)]
struct Net<'d> {
    removed: BTreeSet<&'d [u8]>,
    added: BTreeSet<&'d [u8]>,
}

impl<'d> Net<'d> {
    fn take(&mut self, delta: &'d NameDelta) {
        for record in records_of(&delta.removed) {
            if !self.added.remove(record) {
                self.removed.insert(record);
            }
        }
        for record in records_of(&delta.added) {
            if !self.removed.remove(record) {
                self.added.insert(record);
            }
        }
    }

    fn delta(self, name: &[u8]) -> Option<NameDelta> {
        let joined = |records: BTreeSet<&[u8]>| records.into_iter().collect::<Vec<_>>().concat();
        let Self { removed, added } = self;
        let is_something = !(removed.is_empty() && added.is_empty());
        is_something.then(|| NameDelta {
            name: name.into(),
            removed: joined(removed).into(),
            added: joined(added).into(),
        })
    }
}

impl NameDelta {
    fn length(&self) -> usize {
        let Self { name, removed, added } = self;
        name.len() + removed.len() + added.len()
    }
}

// === impl Recording ===

impl Recording {
    pub fn note(&mut self, name: &[u8], before: Sets<'_>, after: Sets<'_>) {
        if before == after || self.is_too_large {
            return;
        }
        let (before, after) = (before.bytes(), after.bytes());
        self.size.records += 1;
        self.size.bytes += name.len() + before.len() + after.len();
        if self.size.records > self.limits.records || self.size.bytes > self.limits.bytes {
            self.is_too_large = true;
            self.names = Vec::new();
            return;
        }
        self.names.push(Touched { name: name.into(), before: before.into(), after: after.into() });
    }

    /// One entry for each name, sorted; a name that is as it was has none.
    fn finish(mut self) -> Vec<NameDelta> {
        self.names.sort_by(|one, other| one.name.cmp(&other.name));
        self.names.dedup_by(|later, first| {
            let is_same = later.name == first.name;
            if is_same {
                first.after = std::mem::take(&mut later.after);
            }
            is_same
        });
        self.names.into_iter().filter_map(Touched::delta).collect()
    }
}

impl Touched {
    fn delta(self) -> Option<NameDelta> {
        let Self { name, before, after } = self;
        let (before, after) = (records(&before), records(&after));
        let removed = without(&before, &after);
        let added = without(&after, &before);
        let is_something = !(removed.is_empty() && added.is_empty());
        is_something.then_some(NameDelta { name, removed, added })
    }
}

/// Each record but the SOA.
fn records(sets: &[u8]) -> Vec<&[u8]> {
    let sets = Sets::from_bytes(sets).iter().filter(|set| set.record_type != RecordType::SOA);
    sets.flat_map(|set| records_of(set.records)).collect()
}

/// Those of `records` that are not among `others`, one after the other.
fn without(records: &[&[u8]], others: &[&[u8]]) -> Box<[u8]> {
    let others: HashSet<&[u8]> = others.iter().copied().collect();
    let left = records.iter().filter(|record| !others.contains(**record));
    left.copied().collect::<Vec<_>>().concat().into()
}
