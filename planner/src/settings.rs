//! What decides a zone beside the state of the federation.

use std::sync::Arc;

use model::{EmptyLevels, Label, Levels, Name, PackedZone};

use crate::base::StaticNames;

/// How one zone is made.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    pub zone: Name,
    /// The label in names that says which federation.
    pub federation: Label,
    /// Seconds, of every federated record.
    pub ttl: u32,
    pub levels: Levels,
    pub empty_levels: EmptyLevels,
    /// Static names that stand in the way of federated ones.
    pub static_names: StaticNames,
    /// False: nothing stands in it but its base, whatever there is in the federation.
    pub has_services: bool,
    /// What stands in the zone without any service.
    pub base: Arc<PackedZone>,
}
