//! How names stand at the providers of their zones.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Name, RecordSet};
use providers::sync::status::{NameState, Status};
use serde::Serialize;

use crate::mirror::{Mirror, MirrorList};

/// How one name stands at one provider.
#[derive(Clone, Debug, Serialize)]
pub struct AtProvider {
    /// `alidns for example.com.`
    pub provider: String,
    /// InSync, Pending, Held, NotAllowed, Conflict, Refused or Unknown.
    pub state: &'static str,
    pub reason: Option<String>,
    /// All of it, for people.
    #[serde(skip)]
    pub text: String,
}

/// The mirrors of one zone at one moment.
pub struct NameStates(Vec<(Arc<Mirror>, Option<Status>)>);

/// The names of one mirror.
struct Known<'a> {
    mirror: &'a Mirror,
    of_names: BTreeMap<&'a Name, NameState>,
    of_others: NameState,
}

/// The same, ready to be asked for many names.
pub struct Lookup<'a>(Vec<Known<'a>>);

// === impl NameStates ===

impl NameStates {
    pub fn of_zone(mirrors: &MirrorList, zone: &Name) -> Self {
        let of_zone = mirrors.get().into_iter().filter(|mirror| mirror.zone == *zone);
        Self(of_zone.map(|mirror| (mirror.clone(), mirror.status())).collect())
    }

    pub fn lookup(&self) -> Lookup<'_> {
        Lookup(
            self.0
                .iter()
                .map(|(mirror, status)| Known {
                    mirror,
                    of_names: status.as_ref().map(Status::of_names).unwrap_or_default(),
                    of_others: status.as_ref().map_or(NameState::Unknown, Status::of_others),
                })
                .collect(),
        )
    }
}

// === impl Lookup ===

impl Lookup<'_> {
    /// At each provider that takes any of these sets, or that has something to say of the name.
    pub fn of(&self, name: &Name, sets: &[RecordSet]) -> Vec<AtProvider> {
        let told = self.0.iter().filter_map(|known| {
            let state = known.of_names.get(name);
            let state =
                state.or_else(|| known.mirror.takes(name, sets).then_some(&known.of_others))?;
            Some(AtProvider {
                provider: known.mirror.title(),
                state: state.word(),
                reason: state.reason().map(str::to_owned),
                text: state.to_string(),
            })
        });
        told.collect()
    }
}
