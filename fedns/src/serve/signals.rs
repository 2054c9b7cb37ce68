//! What the system tells the process to do.

use tokio::signal::unix::{SignalKind, signal};

use super::failed;
use crate::config::ConfigError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Terminate,
    Interrupt,
    Hangup,
}

pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

// === impl Signals ===

impl Signals {
    pub fn new() -> Result<Self, ConfigError> {
        let on = |kind| signal(kind).map_err(|error| failed("signals cannot be received", &error));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }

    pub async fn ending(&mut self) {
        while self.next().await == Signal::Hangup {}
    }
}
