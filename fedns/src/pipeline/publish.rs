//! Publication of zones: serials and the store.

use std::hash::BuildHasher;

use dns_server::Writer;
use foldhash::quality::FixedState;
use model::{Name, RecordSet, Serial, ZoneDiff};
use planner::{Planner, ZoneSettings};
use providers::sync::wishes::Cause;
use tracing::{error, info, warn};

use super::{Pipeline, unix_now};
use crate::state::{SavedZone, SerialReserve, ZoneHistory};

/// One zone's serials.
#[derive(Debug)]
pub struct ServedZone {
    saved: Option<SavedZone>,
    /// What led to it, until the first publication.
    history: Option<ZoneHistory>,
    /// From the first publication on.
    serials: Option<SerialReserve>,
}

impl ServedZone {
    pub fn new(saved: Option<SavedZone>, history: Option<ZoneHistory>) -> Self {
        Self { saved, history, serials: None }
    }

    /// What a clean stop leaves on disk.
    pub fn stop(&self, planner: &Planner, zone: usize, name: &Name) -> Option<SavedZone> {
        let serials = self.serials.as_ref()?;
        Some(serials.stop(name, contents_sum(planner.zone_names(zone, &mut Vec::new()))))
    }
}

impl ServedZone {
    pub(super) fn current(&self) -> Option<Serial> {
        self.serials.as_ref().map(SerialReserve::current)
    }

    /// What must be on disk while the zone is published.
    pub(super) fn reserved(&self, name: &Name) -> Option<SavedZone> {
        Some(self.serials.as_ref()?.reserved(name))
    }
}

impl Pipeline {
    pub(super) fn publish_whole(&mut self, zone: usize) {
        let mut left_out = Vec::new();
        let name = self.zone_name(zone);
        let sum = contents_sum(self.planner.zone_names(zone, &mut Vec::new()));
        let served = &mut self.zones[zone];
        let (mut serials, file) =
            SerialReserve::start(&name, served.saved.as_ref(), sum, unix_now());
        self.state.zone(file);
        if let Some(leased) = &self.leased
            && let Some(file) = serials.follow(&name, leased.start(&name, serials.current()))
        {
            self.state.zone(file);
        }
        let serial = serials.current();
        served.serials = Some(serials);
        if let Some(saved) = served.history.take()
            && saved.is_of(serial, sum)
            && self.writer.histories().restore(&name, &saved.history).is_err()
        {
            warn!(zone = %name, "the saved history makes no sense; secondaries get the zone whole once");
        }
        let names = self.planner.zone_names(zone, &mut left_out);
        match self.writer.load(&name, serial, names) {
            Ok(published) => self.report(&name, serial, &published),
            Err(error) => error!(zone = %name, %error, "the zone cannot be published"),
        }
        self.update_left_out(left_out, &[]);
        self.feed.whole(&name, || {
            // Their reasons have been told above.
            let names: Vec<_> = self.planner.zone_names(zone, &mut Vec::new()).collect();
            names.into_iter()
        });
        info!(zone = %name, %serial, "the zone is published");
    }

    /// `cause`: since the first of the changes behind it was read from its watch; never, where it is the config
    /// that changed.
    pub(super) fn publish_diff(&mut self, zone: usize, diff: &ZoneDiff, cause: Cause) {
        let name = self.zone_name(zone);
        let Some(serials) = &mut self.zones[zone].serials else { return };
        let file = match &self.leased {
            None => serials.advance(&name),
            Some(leased) => serials.follow(&name, leased.next(&name, serials.current())),
        };
        let serial = serials.current();
        if let Some(file) = file {
            self.state.zone(file);
        }
        match self.writer.commit(&name, diff, serial) {
            Ok(published) => self.report(&name, serial, &published),
            Err(error) => error!(zone = %name, %error, "a change cannot be published"),
        }
        self.feed.diff(&name, diff, cause);
    }

    /// Serves the serials that the Lease says, without any other change.
    pub(super) fn follow_serials(&mut self) {
        for zone in 0..self.zones.len() {
            let name = self.zone_name(zone);
            let Some(serials) = &self.zones[zone].serials else { continue };
            let leased = self.leased.as_ref().and_then(|leased| leased.current(&name));
            let Some(serial) = leased.filter(|serial| *serial != serials.current()) else {
                continue;
            };
            self.publish_serial(zone, serial);
        }
    }

    /// The zone as it is, with another serial.
    pub(super) fn publish_serial(&mut self, zone: usize, serial: Serial) {
        let name = self.zone_name(zone);
        let Some(serials) = &mut self.zones[zone].serials else { return };
        if let Some(file) = serials.follow(&name, serial) {
            self.state.zone(file);
        }
        match self.writer.commit(&name, &ZoneDiff::default(), serial) {
            Ok(published) => self.report(&name, serial, &published),
            Err(error) => error!(zone = %name, %error, "a serial cannot be published"),
        }
    }

    fn report(&self, zone: &Name, serial: Serial, published: &dns_server::Published) {
        self.metrics.set_serial(zone, serial);
        for left in &published.left_out {
            warn!(%zone, name = %left.name, record_type = %left.record_type,
                reason = %left.reason, "a record set cannot be served");
        }
    }

    pub(super) fn zone_name(&self, zone: usize) -> Name {
        self.planner.zones().nth(zone).expect("zones are numbered").zone.clone()
    }

    /// Zones that stay get the difference; new ones are loaded; others end.
    pub(super) fn replace_zones(&mut self, zones: Vec<ZoneSettings>) {
        let before: Vec<Name> = self.planner.zones().map(|zone| zone.zone.clone()).collect();
        let names: Vec<Name> = zones.iter().map(|zone| zone.zone.clone()).collect();
        let old_contents: Vec<_> = match self.published {
            true => (0..before.len()).map(|zone| self.planner.zone_contents(zone)).collect(),
            false => Vec::new(),
        };
        let federation =
            std::mem::replace(&mut self.planner, Planner::new(Vec::new())).into_federation();
        self.planner = Planner::with_federation(federation, zones);
        let mut old_zones: Vec<Option<ServedZone>> =
            std::mem::take(&mut self.zones).into_iter().map(Some).collect();
        for name in &names {
            let known = before.iter().position(|old| old == name);
            let served = known.and_then(|old| old_zones[old].take());
            // A zone that was served before, in this run or another, goes on above its serials.
            let served = served
                .unwrap_or_else(|| ServedZone::new(self.state.open_zone(name, unix_now()), None));
            self.zones.push(served);
        }
        for name in before.iter().filter(|name| !names.contains(name)) {
            if let Err(error) = self.writer.remove_zone(name) {
                error!(zone = %name, %error, "the zone cannot be removed");
            }
            self.metrics.forget_zone(name);
        }
        for (zone, name) in names.iter().enumerate() {
            match before.iter().position(|old| old == name) {
                Some(old) if self.published => {
                    let diff = old_contents[old].diff(&self.planner.zone_contents(zone));
                    if !diff.is_empty() {
                        self.publish_diff(zone, &diff, Cause::default());
                    }
                }
                Some(_) => {}
                None => self.start_zone(zone, name),
            }
        }
    }

    fn start_zone(&mut self, zone: usize, name: &Name) {
        if let Err(error) = self.writer.announce(name) {
            error!(zone = %name, %error, "the zone cannot be announced");
        }
        if self.published {
            self.publish_whole(zone);
        }
    }
}

/// What a clean stop leaves of a zone's changes, where somebody may want them.
pub(super) fn history_of(writer: &Writer, zone: &Name, saved: &SavedZone) -> Option<ZoneHistory> {
    let history = writer.histories().save(zone)?;
    let contents = saved.contents.filter(|_| history.tip == saved.serial)?;
    Some(ZoneHistory { contents, history })
}

/// A sum over names and sets that does not depend on their order.
fn contents_sum(names: impl Iterator<Item = (Name, Vec<RecordSet>)>) -> u64 {
    let state = FixedState::default();
    names.fold(0, |sum, name| sum.wrapping_add(state.hash_one(name)))
}
