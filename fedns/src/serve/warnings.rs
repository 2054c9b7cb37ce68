//! What is suspicious in the config and its static records, logged once for as long as it stands.

use tracing::warn;

/// The warnings that stand since a start or a reload.
#[derive(Debug, Default)]
pub struct ConfigWarnings {
    told: Vec<String>,
}

// === impl ConfigWarnings ===

impl ConfigWarnings {
    /// Logs those that are new, and forgets those that are gone.
    pub fn tell(&mut self, now: Vec<String>) {
        for line in now.iter().filter(|line| !self.told.contains(line)) {
            warn!("{line}");
        }
        self.told = now;
    }
}
