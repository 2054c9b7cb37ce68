use tests::judge::Faulty;

use super::fixture::{Fixture, a, cname};

cases! { J: Faulty =>
    throttling_in_the_middle_passes,
    a_write_that_was_carried_out_unheard_is_healed,
}

/// More than one call takes.
const MANY: usize = 300;

fn throttling_in_the_middle_passes<J: Faulty>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    mirror.want([(it.name("web"), vec![a(180, &["192.0.2.1"])])]);
    mirror.is_in_sync();
    it.judge.throttle();
    mirror.want(
        (0..MANY).map(|number| (it.name(&format!("s{number}")), vec![a(180, &["192.0.2.2"])])),
    );
    mirror.is_in_sync();
    assert_eq!(it.ours().len(), MANY + 1);
    assert_eq!(it.judge.records().len(), 2 * (MANY + 1), "each has one marker");
}

/// Of new names, of a change of type, of a deletion.
fn a_write_that_was_carried_out_unheard_is_healed<J: Faulty>() {
    let it = Fixture::<J>::new();
    let mirror = it.mirror();
    it.judge.lose_answer();
    let both = [
        (it.name("all"), vec![a(180, &["192.0.2.1"])]),
        (it.name("web"), vec![a(180, &["192.0.2.1", "192.0.2.2"])]),
    ];
    mirror.want(both);
    mirror.is_in_sync();
    assert_eq!(it.ours(), ["all 180 A 192.0.2.1", "web 180 A 192.0.2.1", "web 180 A 192.0.2.2"]);
    it.judge.lose_answer();
    mirror.want([(it.name("web"), vec![cname(180, &it.name("all"))])]);
    mirror.is_in_sync();
    assert_eq!(it.ours(), ["all 180 A 192.0.2.1", "web 180 CNAME all"]);
    it.judge.lose_answer();
    mirror.want([(it.name("web"), Vec::new())]);
    mirror.is_in_sync();
    assert_eq!(it.ours(), ["all 180 A 192.0.2.1"]);
    assert_eq!(it.judge.records().len(), 2, "with its marker");
}
