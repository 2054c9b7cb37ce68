//! One cluster: whether replicas are planned for it.

use std::fmt;

use model::UnixTime;

use super::{EligibilitySettings, doubled};

/// What is remembered of one cluster.
///
/// ```text
/// [ present ] -- unready for leave_after ------> [ away ]
/// [ present ] <-- ready for return_after · 2ⁿ -- [ away ]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    state: State,
    /// How often it went away soon after it had come back.
    relapses: u32,
    came_back: Option<UnixTime>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Never seen with contact, or not at all.
    #[default]
    New,
    Present,
    Away {
        /// Since when contact is good again.
        ready_since: Option<UnixTime>,
    },
}

/// What the probes say of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// It joined, and there was no contact yet.
    NeverReady,
    Ready,
    /// No contact, or it is not ready, since then.
    Unready {
        since: UnixTime,
    },
}

/// Whether a cluster counts, and what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It counts.
    Present,
    /// It counts, and will not from `at` on, unless contact is good by then.
    Leaving { at: UnixTime },
    /// It does not count: there is no contact.
    Away,
    /// It does not count, and will from `at` on, if contact stays good.
    Returning { at: UnixTime },
    /// It does not count: there was no contact yet.
    NeverReady,
}

impl Attendance {
    /// Takes in what is seen now. To be called at each change of `contact`, and when
    /// [`Presence::look_again`] says so.
    ///
    /// A cluster that is seen for the first time counts at once if it is ready, or went away so
    /// lately that it would still count: a restart moves nothing.
    pub fn observe(
        &mut self,
        contact: Contact,
        now: UnixTime,
        settings: &EligibilitySettings,
    ) -> Presence {
        match contact {
            Contact::NeverReady => {
                *self = Self::default();
                Presence::NeverReady
            }
            Contact::Ready => self.observe_ready(now, settings),
            Contact::Unready { since } => self.observe_unready(since, now, settings),
        }
    }

    fn observe_ready(&mut self, now: UnixTime, settings: &EligibilitySettings) -> Presence {
        let State::Away { ready_since } = &mut self.state else {
            self.state = State::Present;
            return Presence::Present;
        };
        // A clock that was set back must not make the wait longer than it is.
        let since = ready_since.map_or(now, |since| since.min(now));
        *ready_since = Some(since);
        let delay = doubled(
            settings.return_after_seconds,
            self.relapses,
            settings.return_after_seconds_max,
        );
        let at = UnixTime(since.0.saturating_add(delay));
        if now < at {
            return Presence::Returning { at };
        }
        self.state = State::Present;
        self.came_back = Some(now);
        Presence::Present
    }

    fn observe_unready(
        &mut self,
        since: UnixTime,
        now: UnixTime,
        settings: &EligibilitySettings,
    ) -> Presence {
        if let State::Away { ready_since } = &mut self.state {
            *ready_since = None;
            return Presence::Away;
        }
        let since = since.min(now);
        let at = UnixTime(since.0.saturating_add(settings.leave_after_seconds));
        if now < at {
            self.state = State::Present;
            return Presence::Leaving { at };
        }
        self.state = State::Away { ready_since: None };
        let calm = self.came_back.is_none_or(|came_back| {
            since.0.saturating_sub(came_back.0) >= settings.calm_after_seconds
        });
        self.relapses = if calm { 0 } else { self.relapses.saturating_add(1) };
        Presence::Away
    }
}

impl Presence {
    /// Whether replicas are planned for the cluster.
    pub fn counts(self) -> bool {
        matches!(self, Self::Present | Self::Leaving { .. })
    }

    /// When to observe again, if nothing changes before.
    pub fn look_again(self) -> Option<UnixTime> {
        match self {
            Self::Leaving { at } | Self::Returning { at } => Some(at),
            Self::Present | Self::Away | Self::NeverReady => None,
        }
    }
}

impl fmt::Display for Presence {
    /// A phrase for people; moments are told by whoever knows how people read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "replicas are planned for it",
            Self::Leaving { .. } => "there is no contact; its replicas stay planned for a while",
            Self::Away => "there is no contact; its replicas are planned elsewhere",
            Self::Returning { .. } => "contact is back; it counts again if it stays so",
            Self::NeverReady => "there was no contact yet",
        })
    }
}
