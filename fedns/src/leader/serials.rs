//! Serials of zones that several processes serve: the Lease carries them, and its holder moves them on.
//!
//! 1. Before the holder uses a serial, the Lease has a ceiling that is not below it. A ceiling is reserved
//!    a block ahead and moved up by renewals, so no publication waits for the Lease.
//! 2. Whoever takes the Lease goes on above the ceiling that it finds. So no two processes ever use one
//!    serial for different contents, however the first one ended, and even while it still runs.
//! 3. Each renewal says which serial is current. All others answer with that one; where they were served
//!    a newer one before they knew, they go back to it.
//! 4. A holder that has used up its block stays at the last serial until a renewal gives it more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clusters::lease::{Annotations, Carried, Moment};
use model::{Name, Serial};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tracing::warn;

/// On the Lease: serials and ceilings of all zones, as JSON.
const SERIALS_ANNOTATION: &str = "fedns.io/serials";
/// How far ahead serials are reserved; a renewal reserves anew once less than half is left. It lasts for ten
/// thousand changes a second between two renewals.
const BLOCK: u32 = 1 << 16;

/// The serials as the pipeline and the Lease share them. Cheap to clone.
#[derive(Clone)]
pub struct LeasedSerials {
    ledger: Arc<Mutex<Ledger>>,
    /// Told when another serial is to be served though no content has changed.
    moved: watch::Sender<()>,
    wake: Arc<Notify>,
}

/// What is known; pure.
#[derive(Debug, Default)]
struct Ledger {
    role: Role,
    /// As the Lease has them; the holder's own serials run ahead of it.
    zones: Zones,
    /// What this process answers with.
    served: BTreeMap<Name, Serial>,
    /// On its way into the Lease.
    asked: Zones,
}

type Zones = BTreeMap<Name, Leased>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Leased {
    serial: Serial,
    /// No serial above it is in use.
    ceiling: Serial,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Standby,
    Holder,
}

// === impl LeasedSerials ===

impl LeasedSerials {
    pub fn new() -> Self {
        let (moved, _) = watch::channel(());
        Self { ledger: Arc::default(), moved, wake: Arc::default() }
    }

    /// Told when another serial is to be served though no content has changed.
    pub fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// The serial of a zone's first publication, which would be `own` were this process alone.
    pub fn start(&self, zone: &Name, own: Serial) -> Serial {
        let mut ledger = self.ledger();
        let (serial, is_new) = ledger.start(zone, own);
        if is_new {
            self.wake.notify_one();
        }
        serial
    }

    /// The serial of a zone's next publication, after `own`.
    pub fn next(&self, zone: &Name, own: Serial) -> Serial {
        self.ledger().next(zone, own)
    }

    /// What the zone is to be served with now.
    pub fn current(&self, zone: &Name) -> Option<Serial> {
        self.ledger().current(zone)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carried for LeasedSerials {
    fn write(&mut self, found: &Annotations, moment: Moment) -> Annotations {
        let asked = self.ledger().ask(parse(found), moment);
        let text = serde_json::to_string(&asked).expect("names and numbers are JSON");
        Annotations::from([(SERIALS_ANNOTATION.to_owned(), text)])
    }

    fn written(&mut self, moment: Moment) {
        if self.ledger().written(moment) {
            self.moved.send_replace(());
        }
    }

    fn seen(&mut self, found: &Annotations) {
        let zones = parse(found);
        if self.ledger().seen(zones) {
            self.moved.send_replace(());
        }
    }

    fn lost(&mut self) {
        self.ledger().role = Role::Standby;
    }

    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }
}

// === impl Ledger ===

impl Ledger {
    /// Also says whether the Lease does not know the zone yet.
    fn start(&mut self, zone: &Name, own: Serial) -> (Serial, bool) {
        let known = self.zones.get(zone).map(|leased| leased.serial);
        let serial = known.unwrap_or(own);
        self.served.insert(zone.clone(), serial);
        let is_new = known.is_none() && self.role == Role::Holder;
        if is_new {
            let ceiling = own.plus(BLOCK);
            self.zones.insert(zone.clone(), Leased { serial, ceiling });
        }
        (serial, is_new)
    }

    fn next(&mut self, zone: &Name, own: Serial) -> Serial {
        let serial = match (self.role, self.zones.get_mut(zone)) {
            (_, None) => own.next(),
            (Role::Standby, Some(leased)) => leased.serial,
            (Role::Holder, Some(leased)) => {
                if leased.ceiling.is_newer_than(leased.serial) {
                    leased.serial = leased.serial.next();
                }
                leased.serial
            }
        };
        self.served.insert(zone.clone(), serial);
        serial
    }

    fn current(&mut self, zone: &Name) -> Option<Serial> {
        let serial = self.zones.get(zone)?.serial;
        self.served.insert(zone.clone(), serial);
        Some(serial)
    }

    /// What the Lease is to say.
    fn ask(&mut self, found: Zones, moment: Moment) -> Zones {
        self.asked = match moment {
            Moment::Taken => self.taken(found),
            Moment::Renewed => {
                let renewed = self.zones.iter().map(|(zone, it)| (zone.clone(), it.renewed()));
                found.into_iter().chain(renewed).collect()
            }
            Moment::Released => {
                // From here on no serial is used that the Lease would not know.
                self.role = Role::Standby;
                let exact = |it: &Leased| Leased { ceiling: it.serial, ..*it };
                let exact = self.zones.iter().map(|(zone, it)| (zone.clone(), exact(it)));
                found.into_iter().chain(exact).collect()
            }
        };
        self.asked.clone()
    }

    /// Zones that nobody has served before go on as they are here, all others above everything that
    /// was used.
    fn taken(&self, found: Zones) -> Zones {
        let above = |(zone, leased): (Name, Leased)| {
            let own = self.served.get(&zone).copied();
            let used = own.into_iter().chain([leased.ceiling]).fold(leased.serial, newest);
            (zone, Leased::from(used.next()))
        };
        let served = self.served.iter();
        let new = served.filter(|(zone, _)| !found.contains_key(*zone));
        let new: Zones = new.map(|(zone, serial)| (zone.clone(), Leased::from(*serial))).collect();
        found.into_iter().map(above).chain(new).collect()
    }

    /// True where other serials are to be served.
    fn written(&mut self, moment: Moment) -> bool {
        let asked = std::mem::take(&mut self.asked);
        match moment {
            Moment::Taken => {
                self.role = Role::Holder;
                self.zones = asked;
                return true;
            }
            Moment::Renewed => {
                for (zone, leased) in asked {
                    let known = self.zones.entry(zone).or_insert(leased);
                    known.ceiling = leased.ceiling;
                }
            }
            Moment::Released => {}
        }
        false
    }

    /// True where other serials are to be served.
    fn seen(&mut self, zones: Zones) -> bool {
        self.role = Role::Standby;
        let is_moved = self.zones.iter().map(|(zone, it)| (zone, it.serial)).collect::<Vec<_>>()
            != zones.iter().map(|(zone, it)| (zone, it.serial)).collect::<Vec<_>>();
        self.zones = zones;
        is_moved
    }
}

// === impl Leased ===

impl From<Serial> for Leased {
    fn from(serial: Serial) -> Self {
        Self { serial, ceiling: serial.plus(BLOCK) }
    }
}

impl Leased {
    fn renewed(self) -> Self {
        match self.ceiling.is_newer_than(self.serial.plus(BLOCK / 2)) {
            true => self,
            false => Self::from(self.serial),
        }
    }
}

fn newest(one: Serial, other: Serial) -> Serial {
    if other.is_newer_than(one) { other } else { one }
}

/// What is no list of serials counts as none: the next renewal writes it anew.
fn parse(annotations: &Annotations) -> Zones {
    let Some(text) = annotations.get(SERIALS_ANNOTATION) else { return Zones::new() };
    serde_json::from_str(text).unwrap_or_else(|error| {
        warn!(%error, "the Lease's annotation {SERIALS_ANNOTATION} cannot be read; it counts as absent");
        Zones::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Name {
        Name::parse("example.com").unwrap()
    }

    fn lease(serial: u32, ceiling: u32) -> Zones {
        let leased = Leased { serial: Serial(serial), ceiling: Serial(ceiling) };
        Zones::from([(zone(), leased)])
    }

    /// Takes the lease that says `found`; returns what it says then.
    fn take(ledger: &mut Ledger, found: Zones) -> Zones {
        let asked = ledger.ask(found, Moment::Taken);
        ledger.written(Moment::Taken);
        asked
    }

    #[test]
    fn a_first_holder_goes_on_as_it_is() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.start(&zone(), Serial(100)), (Serial(100), false));
        assert_eq!(take(&mut ledger, Zones::new()), lease(100, 100 + BLOCK));
        assert_eq!(ledger.next(&zone(), Serial(100)), Serial(101));
    }

    #[test]
    fn a_new_holder_starts_above_the_ceiling_and_above_its_own() {
        for (own, expect) in [(50, 1_001), (2_000, 2_001)] {
            let mut ledger = Ledger::default();
            ledger.start(&zone(), Serial(own));
            assert_eq!(take(&mut ledger, lease(100, 1_000)), lease(expect, expect + BLOCK));
            assert_eq!(ledger.current(&zone()), Some(Serial(expect)));
        }
    }

    #[test]
    fn serials_grow_over_any_row_of_holders() {
        let mut found = Zones::new();
        let mut last = Serial(u32::MAX - BLOCK - 5);
        for round in 0..20 {
            let mut ledger = Ledger::default();
            ledger.start(&zone(), Serial(u32::MAX - BLOCK));
            found = take(&mut ledger, found);
            for _ in 0..round {
                let serial = ledger.next(&zone(), Serial(0));
                assert!(serial.is_newer_than(last), "{serial} after {last}");
                last = serial;
            }
            if round % 3 == 0 {
                found = ledger.ask(found, Moment::Released);
                assert_eq!(found[&zone()].serial, found[&zone()].ceiling);
            }
        }
    }

    #[test]
    fn a_standby_serves_what_the_lease_says_whatever_changes() {
        let mut ledger = Ledger::default();
        ledger.start(&zone(), Serial(500));
        assert_eq!(ledger.next(&zone(), Serial(500)), Serial(501));
        assert!(ledger.seen(lease(100, 1_000)));
        assert!(!ledger.seen(lease(100, 2_000)));
        assert_eq!(ledger.current(&zone()), Some(Serial(100)));
        assert_eq!(ledger.next(&zone(), Serial(100)), Serial(100));
    }

    #[test]
    fn a_used_up_block_stops_the_serial_until_a_renewal() {
        let mut ledger = Ledger::default();
        ledger.start(&zone(), Serial(1));
        let found = take(&mut ledger, Zones::new());
        for _ in 0..2 * BLOCK {
            ledger.next(&zone(), Serial(0));
        }
        let end = Serial(1 + BLOCK);
        assert_eq!(ledger.current(&zone()), Some(end));
        let asked = ledger.ask(found, Moment::Renewed);
        // Not before the Lease says so.
        assert_eq!(ledger.next(&zone(), Serial(0)), end);
        ledger.written(Moment::Renewed);
        assert_eq!(ledger.next(&zone(), Serial(0)), end.next());
        assert_eq!(asked[&zone()].ceiling, end.plus(BLOCK));
    }

    #[test]
    fn a_renewal_reserves_only_when_half_is_used() {
        let mut ledger = Ledger::default();
        ledger.start(&zone(), Serial(1));
        let found = take(&mut ledger, Zones::new());
        ledger.next(&zone(), Serial(0));
        let asked = ledger.ask(found, Moment::Renewed);
        assert_eq!(asked, lease(2, 1 + BLOCK));
    }

    #[test]
    fn zones_of_other_configs_stay_in_the_lease() {
        let mut ledger = Ledger::default();
        let asked = take(&mut ledger, lease(100, 1_000));
        assert_eq!(asked, lease(1_001, 1_001 + BLOCK));
        let other = Name::parse("example.net").unwrap();
        assert_eq!(ledger.start(&other, Serial(7)), (Serial(7), true));
        let renewed = ledger.ask(asked, Moment::Renewed);
        assert_eq!(renewed.keys().collect::<Vec<_>>(), [&zone(), &other]);
    }

    #[test]
    fn after_a_release_no_serial_is_used() {
        let mut ledger = Ledger::default();
        ledger.start(&zone(), Serial(1));
        take(&mut ledger, Zones::new());
        ledger.next(&zone(), Serial(0));
        let released = ledger.ask(Zones::new(), Moment::Released);
        assert_eq!(released, lease(2, 2));
        assert_eq!(ledger.next(&zone(), Serial(2)), Serial(2));
    }

    #[test]
    fn an_annotation_comes_back_and_rubbish_is_none() {
        let mut serials = LeasedSerials::new();
        serials.start(&zone(), Serial(9));
        let annotations = serials.write(&Annotations::new(), Moment::Taken);
        let text = r#"{"example.com.":{"serial":9,"ceiling":65545}}"#;
        assert_eq!(annotations, Annotations::from([(SERIALS_ANNOTATION.into(), text.into())]));
        assert_eq!(parse(&annotations), lease(9, 9 + BLOCK));
        let rubbish = Annotations::from([(SERIALS_ANNOTATION.to_owned(), "{".to_owned())]);
        assert_eq!(parse(&rubbish), Zones::new());
    }
}
