//! Taking over what another tool wrote: its sets count as ours from then on, and the next plan puts our
//! markers in the place of its own.

use std::collections::BTreeSet;
use std::fmt;

use model::{Name, RecordSet, RecordType};

use super::Mirror;
use crate::hosted::{Form, HostedSet};
use crate::sync::diff::ours_at;
use crate::sync::hosted_zone::{HostedZone, Owner};

/// What is to be taken over.
#[derive(Clone, Debug)]
pub struct Adoption {
    pub from: FromWhom,
    /// These alone, whatever they hold. Empty: every name that the zone has, as far as it is plain that
    /// nothing is lost.
    pub names: BTreeSet<Name>,
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromWhom {
    /// Whoever writes this owner into markers.
    Owner(String),
    /// A tool that wrote no markers, as kubefed did.
    Unmarked,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    pub names: BTreeSet<Name>,
    pub left: Vec<Left>,
}

/// A name that stays with whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub name: Name,
    pub why: String,
}

/// What is ours to take over: other types are not mirrored.
const TYPES: [RecordType; 3] = [RecordType::A, RecordType::AAAA, RecordType::CNAME];

/// One name that may be taken over.
struct Candidate<'a> {
    name: &'a Name,
    /// Somebody named it.
    is_named: bool,
    wanted: &'a [RecordSet],
}

// === impl Mirror ===

impl Mirror {
    /// Takes over what was listed. The next plan is about these names alone.
    pub fn adopt(&mut self, adoption: &Adoption) -> Adopted {
        let Some(mut hosted) = self.hosted.take() else { return Adopted::default() };
        let Adoption { from, names } = adoption;
        let is_named = !names.is_empty();
        let candidates: Vec<Name> = match is_named {
            true => names.iter().cloned().collect(),
            false => self.candidates(&hosted, from),
        };
        let mut adopted = Adopted::default();
        for name in candidates {
            let candidate = Candidate { name: &name, is_named, wanted: self.target(&name) };
            let found =
                self.outside_pattern(&candidate).and_then(|()| candidate.found(&hosted, from));
            match found {
                Ok(types) => {
                    take_over(&mut hosted, &name, &types, from);
                    adopted.names.insert(name);
                }
                Err(why) => adopted.left.push(Left { name, why }),
            }
        }
        self.hosted = Some(hosted);
        self.dirty.clone_from(&adopted.names);
        self.adopted.clone_from(&adopted.names);
        self.look_for_stray_marker();
        adopted
    }

    /// Names of the pattern where something of theirs stands.
    fn candidates(&self, hosted: &HostedZone, from: &FromWhom) -> Vec<Name> {
        let is_ours = |name: &&Name| self.settings.scope.level(name).is_some();
        let has_theirs = |name: &&Name| {
            TYPES.iter().any(|record_type| is_theirs(hosted, name, *record_type, from))
        };
        hosted.names().filter(is_ours).filter(has_theirs).cloned().collect()
    }

    /// Outside the pattern nothing is taken only to be deleted.
    fn outside_pattern(&self, candidate: &Candidate<'_>) -> Result<(), String> {
        let scope = &self.settings.scope;
        let Candidate { name, wanted, .. } = candidate;
        if scope.level(name).is_some() {
            return Ok(());
        }
        let (domain, hosted) = (&scope.domain, &scope.hosted);
        if !(name.is_below(hosted) && name.is_at_or_below(domain)) {
            return Err(format!("it is no name of zone {domain} below {hosted}"));
        }
        if wanted.is_empty() {
            return Err(format!(
                "it is no name of the federation, and zone {domain} has no A, AAAA or CNAME there, so that \
                 it would be deleted; write its records into staticRecords of {domain} first"
            ));
        }
        Ok(())
    }
}

fn take_over(hosted: &mut HostedZone, name: &Name, types: &[RecordType], from: &FromWhom) {
    match from {
        FromWhom::Owner(owner) => hosted.adopt_markers(name, owner, &TYPES),
        FromWhom::Unmarked => {
            types.iter().for_each(|record_type| hosted.adopt_set(name, *record_type))
        }
    }
}

fn is_theirs(hosted: &HostedZone, name: &Name, record_type: RecordType, from: &FromWhom) -> bool {
    let mut sets = hosted.at(name).iter();
    let is_plain = sets.any(|set| set.record_type == record_type && set.records().is_some());
    is_plain
        && match (hosted.owner(name, record_type), from) {
            (Owner::Other { owner, .. }, FromWhom::Owner(theirs)) => owner == *theirs,
            (Owner::Nobody, FromWhom::Unmarked) => true,
            _ => false,
        }
}

// === impl Candidate ===

impl Candidate<'_> {
    /// The types that are taken over, or why none is.
    fn found(&self, hosted: &HostedZone, from: &FromWhom) -> Result<Vec<RecordType>, String> {
        let Self { name, is_named, wanted } = *self;
        let special = hosted.at(name).iter().find_map(|set| match &set.form {
            Form::Special(what) if TYPES.contains(&set.record_type) => Some(what),
            Form::Special(_) | Form::Plain(_) => None,
        });
        if let Some(what) = special {
            return Err(format!("{what} stands there; remove it at the provider"));
        }
        let types: Vec<RecordType> =
            TYPES.into_iter().filter(|it| is_theirs(hosted, name, *it, from)).collect();
        if types.is_empty() {
            return Err(match ours_at(hosted, name).is_empty() {
                true => format!("nothing {from} stands there"),
                false => "it is ours already".into(),
            });
        }
        if is_named {
            return Ok(types);
        }
        if wanted.is_empty() {
            return Err("no Service gives it; name it, and it is taken over and deleted".into());
        }
        match from {
            // Its owner is known: ours takes its place, and the plan shows it.
            FromWhom::Owner(_) => Ok(types),
            FromWhom::Unmarked => self.is_part_of_wanted(hosted).map(|()| types),
        }
    }

    /// Without a marker only its contents tell whose it is.
    fn is_part_of_wanted(&self, hosted: &HostedZone) -> Result<(), String> {
        let of_types = |set: &&HostedSet| TYPES.contains(&set.record_type);
        let standing = hosted.at(self.name).iter().filter(of_types).filter_map(HostedSet::records);
        let is_part = |standing: &RecordSet| {
            let mut wanted = self.wanted.iter();
            wanted.find(|it| it.record_type == standing.record_type).is_some_and(|wanted| {
                standing.values().iter().all(|value| wanted.values().contains(value))
            })
        };
        let Some(other) = standing.into_iter().find(|set| !is_part(set)) else { return Ok(()) };
        let values: Vec<String> = other.value_texts().collect();
        Err(format!(
            "{} {} is not what would be written; name it to take it over all the same",
            other.record_type,
            values.join(" ")
        ))
    }
}

// === impl FromWhom ===

impl fmt::Display for FromWhom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => write!(f, "of owner {owner:?}"),
            Self::Unmarked => f.write_str("without a marker"),
        }
    }
}

// === impl Left ===

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

#[cfg(test)]
mod tests;
