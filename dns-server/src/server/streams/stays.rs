//! How long each connection of a thread stays, and which one makes way when no more may be open: the one
//! that has been silent longest. Whoever fills the server with connections that ask nothing so turns out his
//! own, and a newcomer is served (RFC 7766 section 6.2.3 lets a server close idle connections at its will).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::limits::{ConnectionLimits, Permit, Refused};
use crate::server::counters::Counters;

/// The connections of one thread.
#[derive(Default)]
pub(crate) struct Stays {
    /// By how long each is silent, as far as it was seen: that a client has been answered since then is found
    /// out when its turn to make way comes, so that answers cost nothing here.
    by_silence: RefCell<BTreeMap<Position, Rc<Place>>>,
    /// Of all that ever came.
    numbers: Cell<u64>,
}

/// One connection's stay. Others may come when it is dropped.
pub(crate) struct Stay {
    place: Rc<Place>,
    limits: Arc<ConnectionLimits>,
    stays: Rc<Stays>,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its client has asked nothing for too long.
    Silence,
    /// Another has come into its place, which it no longer counts for.
    Displaced,
}

type Position = (Instant, u64);

struct Place {
    position: Cell<Position>,
    /// When it was opened, or last answered.
    silent_since: Cell<Instant>,
    deadline: Cell<Instant>,
    /// None once another has it.
    permit: RefCell<Option<Permit>>,
    is_displaced: Notify,
}

// === impl Stays ===

impl Stays {
    /// A stay for a client from `address`; one that is silent makes way where all may-be-open connections
    /// are taken. None where none can, and for a client that has its share.
    pub fn admit(
        self: &Rc<Self>,
        limits: &Arc<ConnectionLimits>,
        address: IpAddr,
        counters: &Counters,
    ) -> Option<Stay> {
        let permit = match limits.permit(address) {
            Err(Refused::AllTaken) if self.displace() => {
                counters.connection_displaced();
                limits.permit(address)
            }
            permit => permit,
        };
        match permit {
            Ok(permit) => Some(self.stay(limits, permit)),
            Err(Refused::AllTaken | Refused::ShareTaken) => {
                counters.connection_refused();
                None
            }
        }
    }

    fn stay(self: &Rc<Self>, limits: &Arc<ConnectionLimits>, permit: Permit) -> Stay {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        let now = Instant::now();
        let place = Rc::new(Place {
            position: Cell::new((now, number)),
            silent_since: Cell::new(now),
            deadline: Cell::new(now + limits.idle()),
            permit: RefCell::new(Some(permit)),
            is_displaced: Notify::new(),
        });
        self.by_silence.borrow_mut().insert(place.position.get(), Rc::clone(&place));
        Stay { place, limits: Arc::clone(limits), stays: Rc::clone(self) }
    }

    /// Ends the stay of the connection that is silent longest. Whether there was one.
    fn displace(&self) -> bool {
        let mut by_silence = self.by_silence.borrow_mut();
        while let Some(((seen, number), place)) = by_silence.pop_first() {
            let silent_since = place.silent_since.get();
            if silent_since > seen {
                place.position.set((silent_since, number));
                by_silence.insert(place.position.get(), place);
                continue;
            }
            place.permit.take();
            place.is_displaced.notify_one();
            return true;
        }
        false
    }
}

// === impl Stay ===

impl Stay {
    /// The client was served: it may stay as long again.
    pub fn renew(&self) {
        let now = Instant::now();
        self.place.silent_since.set(now);
        self.place.deadline.set(now + self.limits.idle());
    }

    /// Why it is over, as soon as it is.
    pub async fn ended(&self) -> End {
        let Place { deadline, is_displaced, .. } = &*self.place;
        loop {
            let until = deadline.get();
            tokio::select! {
                () = is_displaced.notified() => return End::Displaced,
                () = sleep_until(until) => {}
            }
            // Answers since then have moved it.
            if deadline.get() == until {
                return End::Silence;
            }
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.stays.by_silence.borrow_mut().remove(&self.place.position.get());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::respond::Transport;

    const PATIENCE: Duration = Duration::from_secs(60);

    struct Door {
        limits: Arc<ConnectionLimits>,
        stays: Rc<Stays>,
        counters: Counters,
    }

    impl Door {
        fn new(open_max: usize, per_client_max: usize, idle: Duration) -> Self {
            let limits = ConnectionLimits::new(open_max, per_client_max, idle);
            let counters = Counters::new("192.0.2.53:53".parse().unwrap(), Transport::Tcp);
            Self { limits, stays: Rc::default(), counters }
        }

        fn admit(&self, address: &str) -> Option<Stay> {
            self.stays.admit(&self.limits, address.parse().unwrap(), &self.counters)
        }
    }

    fn is_displaced(stay: &Stay) -> bool {
        stay.place.permit.borrow().is_none()
    }

    #[tokio::test]
    async fn the_one_that_is_silent_longest_makes_way() {
        let door = Door::new(3, 3, PATIENCE);
        let mut stays: Vec<_> = (0..3).map(|_| door.admit("192.0.2.1").unwrap()).collect();
        stays[0].renew();
        let newcomer = door.admit("198.51.100.1").unwrap();
        assert_eq!(stays.iter().map(is_displaced).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(stays[1].ended().await, End::Displaced);
        assert_eq!(door.limits.open(), 3);
        // It has lost its place already: nobody else gets more room by its end.
        drop(stays.remove(1));
        assert_eq!(door.limits.open(), 3);
        drop((stays, newcomer));
        assert_eq!((door.limits.open(), door.stays.by_silence.borrow().len()), (0, 0));
    }

    #[test]
    fn a_client_that_has_its_share_turns_out_nobody() {
        let door = Door::new(2, 1, PATIENCE);
        let first = door.admit("192.0.2.1").unwrap();
        let second = door.admit("192.0.2.2").unwrap();
        assert!(door.admit("192.0.2.1").is_none());
        assert!(!is_displaced(&first) && !is_displaced(&second));
    }

    #[tokio::test]
    async fn silence_ends_a_stay_and_answers_prolong_it() {
        let idle = Duration::from_millis(20);
        let door = Door::new(8, 8, idle);
        let stay = door.admit("192.0.2.1").unwrap();
        sleep_until(Instant::now() + idle / 2).await;
        let renewed = Instant::now();
        stay.renew();
        assert_eq!(stay.ended().await, End::Silence);
        assert!(renewed.elapsed() >= idle);
    }
}
