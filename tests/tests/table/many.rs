use std::time::Duration;

use model::Name;
use tests::judge::Judge;

use super::fixture::{Fixture, a, difference};

cases! { J: Judge =>
    ten_thousand_records_stand_and_one_changes,
}

/// Each with a marker.
const NAMES: usize = 5_000;
/// A drift check every half an hour, a tenth sooner or later, and the one at the end of it.
const CHECKS_IN_AN_HOUR: usize = 2;

fn ten_thousand_records_stand_and_one_changes<J: Judge>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    let name = |number: usize| -> Name { it.name(&format!("s{number}")) };
    mirror.want((0..NAMES).map(|number| (name(number), vec![a(180, &["192.0.2.1"])])));
    mirror.is_in_sync();
    let before = it.judge.records();
    assert_eq!(before.len(), 2 * NAMES);

    // One name changes: calls for it only.
    let (writes, calls) = (it.judge.writes(), it.judge.calls());
    mirror.want([(name(7), vec![a(180, &["192.0.2.2"])])]);
    mirror.is_in_sync();
    assert_eq!(it.judge.writes() - writes, 1);
    assert!(it.judge.calls() - calls <= 3, "{} calls", it.judge.calls() - calls);
    let changed = difference(&before, &it.judge.records());
    let (old, new) =
        (format!("{} 180 A 192.0.2.1", name(7)), format!("{} 180 A 192.0.2.2", name(7)));
    assert_eq!(changed.into_iter().collect::<Vec<_>>(), [(old, -1), (new, 1)]);

    // An hour in which nothing happens costs drift checks only.
    let (writes, calls) = (it.judge.writes(), it.judge.calls());
    mirror.idle(Duration::from_secs(30 * 60 + 10 * 60));
    let listing = it.judge.calls() - calls;
    assert!(listing > 0, "the zone is looked at");
    mirror.idle(Duration::from_secs(60 * 60));
    let hour = it.judge.calls() - calls - listing;
    assert!(hour <= CHECKS_IN_AN_HOUR * listing, "{hour} calls, {listing} for each check");
    assert_eq!(it.judge.writes(), writes);
}
