use model::{Name, RecordSet, RecordType};

use super::Mirror;
use crate::sync::diff::{Compared, Wanted, is_free, ours_at};
use crate::sync::hosted_zone::HostedZone;

/// What stands in the place of an alias: the addresses that it leads to.
pub(super) struct StandIn {
    /// Who has them.
    pub above: Name,
    /// Those that can stand there; none where nothing can.
    pub sets: Vec<RecordSet>,
}

/// No chain of levels is longer.
const CHAIN_MAX: usize = 4;

impl Mirror {
    /// An alias stands alone at its name (RFC 1034 section 3.6.2), so that what others have there keeps it
    /// away: aliases further down would lead nowhere, and addresses of ours would stay that nobody has any
    /// more. `None` where nothing stands in the alias's way, or nothing can stand in for it.
    pub(super) fn stand_in(
        &self,
        hosted: &HostedZone,
        wanted: &Wanted<'_>,
        compared: &Compared,
    ) -> Option<StandIn> {
        let [alias] = wanted.sets else { return None };
        let is_alias = alias.record_type == RecordType::CNAME;
        let ours = ours_at(hosted, wanted.name);
        if !is_alias || compared.conflicts.is_empty() || ours == [alias] {
            return None;
        }
        let (above, sets) = self.led_to(alias)?;
        // What a cluster that was not seen yet may have given stays.
        if sets.is_empty() && self.given.is_some() {
            return None;
        }
        let free = sets.iter().filter(|set| is_free(set, &compared.conflicts)).cloned();
        let sets: Vec<RecordSet> = free.collect();
        (!sets.is_empty() || !ours.is_empty()).then_some(StandIn { above, sets })
    }

    /// Where an alias leads, and what stands there; `None` where that is not known here.
    fn led_to(&self, alias: &RecordSet) -> Option<(Name, Vec<RecordSet>)> {
        let mut above = alias.values().first()?.as_name()?;
        for _ in 0..CHAIN_MAX {
            let sets = self.target(&above);
            match sets {
                [next] if next.record_type == RecordType::CNAME => {
                    above = next.values().first()?.as_name()?;
                }
                // A name of our pattern without records has none anywhere.
                [] if self.settings.scope.level(&above).is_none() => return None,
                _ => return Some((above, sets.to_vec())),
            }
        }
        None
    }

    /// What stands at `name` has changed: those that have it in place of an alias follow.
    pub(super) fn look_at_stand_ins(&mut self, name: &Name) {
        let scope = &self.settings.scope;
        let leads_there = |from: &&Name| {
            let mut above = std::iter::successors(scope.above(from), |it| scope.above(it));
            above.any(|it| it == *name)
        };
        self.dirty.extend(self.blocked_aliases.iter().filter(leads_there).cloned());
    }
}
