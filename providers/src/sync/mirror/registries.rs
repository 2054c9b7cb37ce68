//! A property of all registries: whatever is wanted, however often the registry is changed and wherever
//! the process dies, no record of ours is ever without its marker, nothing of others is touched, and what
//! is wanted stands in the end, with markers of the last registry alone.

use std::collections::BTreeMap;

use model::RecordType;

use super::tests::{OTHER, hosted, name, set, settings};
use super::*;
use crate::sync::change::SetChange;
use crate::sync::hosted_zone::Owner;
use crate::sync::registry::Registry;

const REGISTRIES: [Registry; 3] = [Registry::ExternalDns, Registry::Compact, Registry::Zone];
const OURS: [&str; 5] = ["web", "a-web", "web@cn", "mail", "fedns-mail"];
const STATES: [Option<&str>; 5] = [
    None,
    Some("300 A 192.0.2.1"),
    Some("300 A 192.0.2.2 192.0.2.3"),
    Some("300 CNAME target"),
    Some("600 AAAA 2001:db8::1"),
];

type Sets = BTreeMap<(Name, RecordType), RecordSet>;

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % sides
    }
}

/// What stands at a provider that takes one set at a time.
struct World {
    sets: Sets,
    others: Sets,
    wanted: BTreeMap<Name, Vec<RecordSet>>,
}

impl World {
    fn new() -> Self {
        let others =
            [("theirs", "300 A 192.0.2.9"), ("a-theirs", OTHER), ("plain", "300 A 192.0.2.8")];
        let others = hosted(&others)
            .into_iter()
            .filter_map(|set| Some(((set.name.clone(), set.record_type), set.records()?.clone())));
        let others: Sets = others.collect();
        Self { sets: others.clone(), others, wanted: BTreeMap::new() }
    }

    fn zone(&self) -> HostedZone {
        HostedZone::new("eu", self.listing())
    }

    fn listing(&self) -> Vec<HostedSet> {
        let set = |((name, _), set): (&(Name, RecordType), &RecordSet)| {
            HostedSet::plain(name.clone(), set.clone())
        };
        self.sets.iter().map(set).collect()
    }

    /// A process that has just started.
    fn mirror(&self, registry: Registry) -> Mirror {
        let mut mirror = Mirror::new(settings(registry), false);
        for (name, sets) in &self.wanted {
            mirror.want(name, sets);
        }
        // Others have these.
        for name in [name("theirs"), name("plain")] {
            mirror.want(&name, &[set("300 A 192.0.2.1")]);
        }
        mirror.listed(self.listing(), UnixTime(0));
        mirror
    }

    #[track_caller]
    fn step(&mut self, change: &SetChange, story: &str) {
        let key = (change.name.clone(), change.record_type);
        assert_eq!(self.sets.get(&key), change.before.as_ref(), "{story}: {change:?}");
        match &change.after {
            Some(after) => self.sets.insert(key, after.clone()),
            None => self.sets.remove(&key),
        };
        let zone = self.zone();
        for ((name, record_type), set) in &self.sets {
            let is_ours = *record_type != RecordType::TXT
                && !self.others.contains_key(&(name.clone(), *record_type));
            if is_ours {
                assert_eq!(zone.owner(name, *record_type), Owner::Ours, "{story}: {name} {set:?}");
            }
        }
        for (key, set) in &self.others {
            assert_eq!(self.sets.get(key), Some(set), "{story}");
        }
    }

    /// Runs until nothing is left to do, or until so many steps are done.
    #[track_caller]
    fn run(&mut self, registry: Registry, steps_max: usize, story: &str) -> bool {
        let mut mirror = self.mirror(registry);
        let mut steps = 0;
        for _ in 0..10 {
            let plan = mirror.plan(UnixTime(0));
            assert!(plan.held.is_empty(), "{story}");
            if plan.changes.is_empty() {
                return true;
            }
            let mut touched = BTreeSet::new();
            for change in &plan.changes {
                for set in &change.sets {
                    // One call may carry all of a plan: it says of each set once what becomes of it.
                    assert!(touched.insert((&set.name, set.record_type)), "{story}: {set:?} again");
                    if steps == steps_max {
                        return false;
                    }
                    steps += 1;
                    self.step(set, story);
                }
                mirror.applied(change, UnixTime(0));
            }
        }
        panic!("{story}: it never ends")
    }

    #[track_caller]
    fn is_right(&self, registry: Registry, story: &str) {
        let mut data = self.sets.clone();
        data.retain(|key, set| {
            set.record_type != RecordType::TXT && !self.others.contains_key(key)
        });
        let sets = self.wanted.iter().flat_map(|(name, sets)| {
            sets.iter().map(move |set| ((name.clone(), set.record_type), set.clone()))
        });
        assert_eq!(data, sets.collect::<Sets>(), "{story}");
        let zone = self.zone();
        let markers = zone.our_names().flat_map(|name| zone.our_markers(name));
        for marker in markers {
            assert_eq!(marker.marker.registry, registry, "{story}: {marker:?}");
        }
        assert_eq!(zone.owned(), self.wanted.len(), "{story}");
    }
}

#[test]
fn registries_change_and_processes_die_and_nothing_is_lost() {
    for seed in 1..=400_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::new();
        let mut registry = REGISTRIES[dice.roll(3)];
        for step in 0..12 {
            if dice.roll(3) == 0 {
                registry = REGISTRIES[dice.roll(3)];
            }
            for _ in 0..dice.roll(4) {
                let (name, state) =
                    (name(OURS[dice.roll(OURS.len())]), STATES[dice.roll(STATES.len())]);
                match state {
                    Some(text) => world.wanted.insert(name, vec![set(text)]),
                    None => world.wanted.remove(&name),
                };
            }
            let story = format!("seed {seed}, step {step}, {registry:?}");
            let steps_max = if dice.roll(2) == 0 { dice.roll(8) } else { usize::MAX };
            if world.run(registry, steps_max, &story) {
                world.is_right(registry, &story);
            }
        }
        let story = format!("seed {seed}, at the end");
        assert!(world.run(registry, usize::MAX, &story));
        world.is_right(registry, &story);
        world.wanted.clear();
        assert!(world.run(registry, usize::MAX, &story));
        assert_eq!(world.sets, world.others, "{story}: something of ours is left");
    }
}
