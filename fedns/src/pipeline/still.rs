//! Standing still while another process may take over: everything is saved, and nothing is published.
//!
//! What comes meanwhile waits, in order. It is bounded by time alone: whoever made the pipeline stand still
//! lets it go on or ends it before long.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use model::{Name, Serial};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{Input, Pipeline};
use crate::state::SavedZone;

impl Pipeline {
    /// Saves everything and waits; false where this process is to end.
    pub(super) fn stand_still(
        &mut self,
        reply: oneshot::Sender<io::Result<File>>,
        inputs: &mut mpsc::Receiver<Input>,
        waiting: &mut VecDeque<Input>,
    ) -> bool {
        self.save_exactly();
        // Whoever asked may have given up; then it says so next.
        let _ = reply.send(self.state.flush());
        while let Some(input) = inputs.blocking_recv() {
            match input {
                Input::Ask(question) => question(self),
                Input::Reserve(serials, done) => {
                    let _ = done.send(self.reserve(&serials));
                }
                Input::GoOn(above, done) => {
                    self.go_on(&above);
                    let _ = done.send(());
                    return true;
                }
                Input::Stop => return false,
                input => waiting.push_back(input),
            }
        }
        false
    }

    fn reserve(&self, serials: &[(Name, Serial)]) -> io::Result<()> {
        for (zone, serial) in serials {
            self.state.zone(SavedZone::in_use_from(zone, *serial));
        }
        self.state.flush().map(drop)
    }

    /// Others may have been answered with these serials: ours go on above them.
    fn go_on(&mut self, above: &[(Name, Serial)]) {
        for zone in 0..self.zones.len() {
            let name = self.zone_name(zone);
            let used = above.iter().find(|(other, _)| *other == name).map(|(_, serial)| *serial);
            let current = self.zones[zone].current();
            if let (Some(used), Some(current)) = (used, current)
                && used.is_newer_than(current)
            {
                self.publish_serial(zone, used.next());
            }
            if let Some(reserved) = self.zones[zone].reserved(&name) {
                self.state.zone(reserved);
            }
        }
        // Serials are used from now on, so they must be noted as used.
        if let Err(error) = self.state.flush() {
            error!(%error, "the serials in use cannot be saved");
        }
    }

    /// The serial of each zone that is published.
    pub fn serials(&self) -> Vec<(Name, Serial)> {
        let zones = self.planner.zones().zip(&self.zones);
        let serial = |(settings, served): (&planner::ZoneSettings, &super::ServedZone)| {
            Some((settings.zone.clone(), served.current()?))
        };
        zones.filter_map(serial).collect()
    }

    /// From now on the state folder is this process's alone; what waited is written.
    pub fn own_state(&self) {
        self.state.own();
        if let Err(error) = self.state.flush() {
            error!(%error, "what waited cannot be saved yet");
        }
    }
}
