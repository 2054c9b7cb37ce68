//! What is to be done at one name: what the zone wants there against what the provider has.

use std::collections::BTreeSet;
use std::fmt;

use model::{Level, Name, RecordSet, RecordType};

use super::change::{Change, ChangeKind, Role, SetChange};
use super::hosted_zone::{HostedZone, Owner, StandingMarker};
use super::registry::{Marked, Registry, Saying};
use crate::hosted::{Form, HostedSet};

/// The TTL of a marker that stays while its data goes; it is about to go, too.
const MARKER_TTL: u32 = 300;

/// The types that can be mirrored.
const MIRRORED: [RecordType; 4] =
    [RecordType::A, RecordType::AAAA, RecordType::CNAME, RecordType::SRV];

/// Who we are at a provider.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Never empty.
    pub owner: String,
    pub registry: Registry,
}

/// A record set that stands in the way and is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub name: Name,
    pub record_type: RecordType,
    pub found: Found,
    /// Whose addresses stand there in place of an alias, which cannot stand beside it.
    pub stand_in: Option<Name>,
}

/// What was found in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A set without any marker.
    Unmarked,
    /// A set of another owner.
    Owned { owner: String, registry: Registry },
    /// What only this provider has, in its words.
    Special(String),
}

/// What came of comparing one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub change: Option<Change>,
    pub conflicts: Vec<Conflict>,
    pub entry: Entry,
    /// The shards in which it has no place any more.
    pub leaves: Vec<Name>,
}

/// Whether the name needs a place among the names of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    #[default]
    None,
    /// Markers of another form cover the change.
    Later,
    /// Before the change.
    First,
}

/// What is wanted at one name of our pattern.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub name: &'a Name,
    pub level: Level,
    pub sets: &'a [RecordSet],
    /// What the markers name: `service/NAMESPACE/NAME`.
    pub resource: Option<&'a str>,
    /// It is none of our pattern.
    pub is_imported: bool,
    /// Where an alias is wanted, so that no marker can stand there.
    pub is_alias: &'a dyn Fn(&Name) -> bool,
}

/// Compares what is wanted at a name with what stands there.
pub fn compare(zone: &HostedZone, us: &Identity, wanted: Wanted<'_>) -> Compared {
    let Wanted { name, level, sets, .. } = wanted;
    let ours = ours_at(zone, name);
    let conflicts = conflicts_at(zone, name, sets, &ours);
    if !conflicts.is_empty() && ours.is_empty() {
        // A name that others have is not taken, in no part.
        return Compared { conflicts, ..Compared::default() };
    }
    let free: Vec<&RecordSet> = sets.iter().filter(|set| is_free(set, &conflicts)).collect();
    if free.is_empty() && !sets.is_empty() {
        // Nothing of what is wanted can stand here: what does stand keeps the name answering.
        return Compared { conflicts, ..Compared::default() };
    }
    let data = data_changes(name, &ours, &free);
    let markers = marker_changes(zone, us, &wanted, &free);
    let needs_entry =
        us.registry == Registry::Zone && !free.is_empty() && !zone.is_registered(name);
    let leaves = shards_to_leave(zone, us, name, (&ours, &free), &markers);
    let mut change = change_of(name, level, &ours, &free, data, markers);
    let mut entry = if needs_entry { Entry::First } else { Entry::None };
    if let Some(change) = change.as_mut().filter(|it| needs_entry && it.kind == ChangeKind::Update)
    {
        // What keeps the name answering waits for nothing where the old markers can stay for so long.
        change.sets.retain(|set| set.role == Role::Data);
        let is_covered = |set: &&RecordSet| zone.owner(name, set.record_type) == Owner::Ours;
        if free.iter().all(is_covered) {
            entry = Entry::Later;
        }
    }
    Compared { change: change.filter(|it| !it.sets.is_empty()), conflicts, entry, leaves }
}

/// Whether a set can stand beside what is in conflict.
pub fn is_free(set: &RecordSet, conflicts: &[Conflict]) -> bool {
    let in_the_way = |conflict: &Conflict| {
        conflict.record_type == set.record_type
            || set.record_type == RecordType::CNAME
            || conflict.record_type == RecordType::CNAME
    };
    !conflicts.iter().any(in_the_way)
}

/// A shard is left by a name without records, and by one whose marker stands elsewhere.
fn shards_to_leave(
    zone: &HostedZone,
    us: &Identity,
    name: &Name,
    (ours, wanted): (&[&RecordSet], &[&RecordSet]),
    markers: &MarkerChanges,
) -> Vec<Name> {
    let all = zone.shards_of(name);
    if ours.is_empty() && wanted.is_empty() {
        return all.cloned().collect();
    }
    match us.registry {
        Registry::Zone if zone.is_registered(name) => {
            all.filter(|at| !zone.is_our_shard(at)).cloned().collect()
        }
        Registry::ExternalDns | Registry::Compact
            if !wanted.is_empty() && markers.new.is_empty() =>
        {
            all.cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Our sets at a name. A marker for all types is none for those that are never mirrored: somebody else
/// put them there.
pub fn ours_at<'a>(zone: &'a HostedZone, name: &Name) -> Vec<&'a RecordSet> {
    let is_data = |set: &&RecordSet| MIRRORED.contains(&set.record_type);
    let is_ours = |set: &&RecordSet| zone.owner(name, set.record_type) == Owner::Ours;
    let plain = zone.at(name).iter().filter_map(|set| set.records());
    plain.filter(is_data).filter(is_ours).collect()
}

/// What is in the way of what is wanted: the same type, and whatever stands beside an alias.
fn conflicts_at(
    zone: &HostedZone,
    name: &Name,
    wanted: &[RecordSet],
    ours: &[&RecordSet],
) -> Vec<Conflict> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let wants_alias = wanted.iter().any(|set| set.record_type == RecordType::CNAME);
    let has_our_marker = zone.markers_at(name).next().is_some();
    let mut conflicts = Vec::new();
    for set in zone.at(name) {
        let record_type = set.record_type;
        let matters = wants_alias
            || is_address_or_alias(record_type)
            || wanted.iter().any(|set| set.record_type == record_type);
        let found = match (&set.form, zone.owner(name, record_type)) {
            (Form::Special(what), _) => Found::Special(what.clone()),
            (Form::Plain(set), _) if ours.contains(&set) => continue,
            // It goes elsewhere before an alias comes here.
            (Form::Plain(_), _) if record_type == RecordType::TXT && has_our_marker => continue,
            (Form::Plain(_), Owner::Other { owner, registry }) => Found::Owned { owner, registry },
            (Form::Plain(_), Owner::Ours | Owner::Nobody) => Found::Unmarked,
        };
        if matters {
            conflicts.push(Conflict { name: name.clone(), record_type, found, stand_in: None });
        }
    }
    conflicts
}

fn is_address_or_alias(record_type: RecordType) -> bool {
    [RecordType::A, RecordType::AAAA, RecordType::CNAME].contains(&record_type)
}

fn data_changes(name: &Name, ours: &[&RecordSet], wanted: &[&RecordSet]) -> Vec<SetChange> {
    let types: BTreeSet<RecordType> =
        ours.iter().chain(wanted).map(|set| set.record_type).collect();
    let of = |sets: &[&RecordSet], record_type| {
        sets.iter().find(|set| set.record_type == record_type).map(|set| (*set).clone())
    };
    types
        .into_iter()
        .map(|record_type| SetChange {
            name: name.clone(),
            record_type,
            role: Role::Data,
            before: of(ours, record_type),
            after: of(wanted, record_type),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

/// Markers that are to be written, and those that are to go.
struct MarkerChanges {
    new: Vec<SetChange>,
    old: Vec<SetChange>,
    /// Those that stand are of another registry than the one that is written.
    have_another_form: bool,
}

fn marker_changes(
    zone: &HostedZone,
    us: &Identity,
    wanted: &Wanted<'_>,
    sets: &[&RecordSet],
) -> MarkerChanges {
    let name = wanted.name;
    let standing: Vec<&StandingMarker> = zone.our_markers(name).collect();
    let needed = needed_markers(zone, us, wanted, sets, &standing);
    let change = |at: &Name, before: Option<RecordSet>, after: Option<RecordSet>| SetChange {
        name: at.clone(),
        record_type: RecordType::TXT,
        role: Role::Marker,
        before,
        after,
    };
    let before = |at: &Name| {
        let standing = standing.iter().find(|it| it.at == *at);
        standing.map(|it| it.set.clone())
    };
    let in_shard = |it: &&&StandingMarker| it.marker.registry == Registry::Zone;
    let new = needed
        .iter()
        .map(|(at, set)| change(at, before(at), Some(set.clone())))
        .filter(|change| change.before != change.after)
        .collect();
    let old = standing
        .iter()
        .filter(|it| !in_shard(it) && !needed.iter().any(|(at, _)| *at == it.at))
        .map(|it| change(&it.at, Some(it.set.clone()), None))
        .collect();
    let have_another_form = standing.iter().any(|it| it.marker.registry != us.registry);
    MarkerChanges { new, old, have_another_form }
}

fn needed_markers(
    zone: &HostedZone,
    us: &Identity,
    wanted: &Wanted<'_>,
    sets: &[&RecordSet],
    standing: &[&StandingMarker],
) -> Vec<(Name, RecordSet)> {
    let ttl = sets.iter().map(|set| set.ttl).min().unwrap_or(MARKER_TTL);
    let of_type = |set: &&RecordSet| Marked {
        name: wanted.name.clone(),
        record_type: (us.registry == Registry::ExternalDns).then_some(set.record_type),
    };
    let marked: BTreeSet<Marked> = sets.iter().map(of_type).collect();
    let is_taken = |at: &Name| {
        let is_in_the_way = |set: &HostedSet| match set.record_type {
            RecordType::CNAME => true,
            RecordType::TXT => !standing.iter().any(|it| it.at == *at),
            _ => false,
        };
        (wanted.is_alias)(at) || zone.at(at).iter().any(is_in_the_way)
    };
    let Wanted { resource, is_imported, .. } = *wanted;
    let saying = Saying { owner: &us.owner, resource, is_imported };
    let marker = |marked: &Marked| us.registry.set(marked, saying, ttl, is_taken);
    marked.iter().filter_map(marker).collect()
}

fn change_of(
    name: &Name,
    level: Level,
    ours: &[&RecordSet],
    wanted: &[&RecordSet],
    data: Vec<SetChange>,
    markers: MarkerChanges,
) -> Option<Change> {
    let is_rewritten = !data.is_empty() || markers.have_another_form;
    let kind = match (ours.is_empty(), wanted.is_empty()) {
        (true, true) => ChangeKind::Tidy,
        (true, false) => ChangeKind::Create,
        (false, true) => ChangeKind::Delete,
        (false, false) if is_rewritten && data.iter().all(has_same_values) => ChangeKind::Rewrite,
        (false, false) => ChangeKind::Update,
    };
    let sets: Vec<SetChange> = markers.new.into_iter().chain(data).chain(markers.old).collect();
    (!sets.is_empty()).then(|| Change { name: name.clone(), level, kind, sets })
}

fn has_same_values(change: &SetChange) -> bool {
    let values = |set: &Option<RecordSet>| set.as_ref().map(|set| set.values().to_vec());
    values(&change.before) == values(&change.after)
}

// === impl Conflict ===

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, record_type, found, stand_in } = self;
        write!(f, "{name} {record_type}: ")?;
        match found {
            Found::Unmarked => f.write_str(
                "a record set without a marker stands there; it is left alone. Remove it, and ours takes its \
                 place; what kubefed wrote, fedns import --kubefed takes over",
            ),
            Found::Owned { owner, registry } => write!(
                f,
                "it belongs to owner {owner:?} ({}); it is left alone. Have its owner remove it, or take it \
                 over: fedns import --from-owner {owner}",
                registry.format_name()
            ),
            Found::Special(what) => {
                write!(f, "{what} stands there; it is left alone. Remove it at the provider")
            }
        }?;
        match stand_in {
            Some(above) => write!(f, "; until then the addresses of {above} stand in for an alias"),
            None => Ok(()),
        }
    }
}
