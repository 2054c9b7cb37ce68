use tests::need::Need;
use tests::suite::Test;
use tests::webhook::{APPLY, Adjusting};

use super::{BOTH, FAILED_OVER, Scene, prepared, with_others};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => a_longer_ttl_is_written_and_is_in_sync,
            a_provider_without_ttls_is_in_sync,
            a_property_of_every_set_is_written_and_is_in_sync,
            what_the_provider_leaves_out_is_told;
    }
}

/// As it stands after the first sync, a failover, a restart, and the end of the Services.
#[track_caller]
fn stands(adjusting: Adjusting, show: impl Fn(&str) -> String) {
    let mut scene = prepared();
    let ours = |lines: &[&'static str]| {
        let others = with_others(&[]);
        let lines = lines.iter().map(|line| show(line));
        lines.chain(others.into_iter().map(str::to_owned)).collect::<Vec<String>>()
    };
    scene.host.adjust(adjusting);
    scene.start();
    scene.holds(ours(&BOTH));
    scene.is_in_sync();
    scene.remove("beijing", "nginx");
    scene.holds(ours(&FAILED_OVER));
    scene.is_in_sync();
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(ours(&BOTH));
    scene.is_in_sync();
    writes_nothing_after_a_restart(&mut scene);
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(ours(&[]));
}

#[track_caller]
fn writes_nothing_after_a_restart(scene: &mut Scene) {
    scene.fedns.kill();
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(scene.host.count(APPLY), 0);
}

fn a_longer_ttl_is_written_and_is_in_sync() {
    let adjusting = Adjusting { ttl_min: 600, ..Adjusting::default() };
    stands(adjusting, |line| line.replace(" 180 ", " 600 "));
}

/// Its server gets none; it lists one of its own.
fn a_provider_without_ttls_is_in_sync() {
    let adjusting = Adjusting { own_ttl: Some(3600), ..Adjusting::default() };
    stands(adjusting, |line| line.replace(" 180 ", " 0 "));
}

fn a_property_of_every_set_is_written_and_is_in_sync() {
    let property = Some(("proxied", "false"));
    stands(Adjusting { property, ..Adjusting::default() }, str::to_owned);
}

fn what_the_provider_leaves_out_is_told() {
    let mut scene = prepared();
    let left_out = "nginx.default.fed.svc.cn-beijing.example.com";
    let adjusting = Adjusting { left_out: Some(left_out.into()), ..Adjusting::default() };
    scene.host.adjust(adjusting);
    scene.start();
    scene.holds(with_others(&[BOTH[0], BOTH[2], BOTH[3], BOTH[4], BOTH[5]]));
    scene.is(" Incomplete, ");
    scene.logs(&format!("it leaves out {left_out}. A, and so does not take it"));
}
