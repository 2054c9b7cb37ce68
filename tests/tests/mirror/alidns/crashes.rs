use tests::eventually::{GENEROUS, eventually};
use tests::fakes::alidns::{Fault, Injection, Plan};
use tests::suite::Test;

use super::{DOMAIN, FAILED_OVER, Scene, both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_crash_at_any_call_is_healed,
            a_crash_in_a_failover_is_healed;
    }
}

/// Where a process is killed: before the provider carries a call out, or before its answer.
pub(super) fn crash_points() -> [Fault; 2] {
    [Fault::SilenceBefore, Fault::SilenceAfter]
}

/// Does something, and kills the server in the middle of its nth call of this action after that.
pub(super) fn crash_at(
    scene: &mut Scene,
    (fault, action, nth): (Fault, &'static str, usize),
    begin: impl FnOnce(&mut Scene),
) {
    scene.host.forget_calls();
    scene.host.inject(Injection::of(fault).on(action).after(nth));
    begin(scene);
    eventually(GENEROUS, "the call", || match scene.host.count(action) {
        made if made > nth => Ok(()),
        made => Err(format!("{made} calls of {action}")),
    });
    scene.fedns.kill();
}

fn a_crash_at_any_call_is_healed() {
    for fault in crash_points() {
        // The claim, and for each of five names a marker and its addresses.
        for nth in 0..12 {
            let mut scene = prepared(Plan::custom(120, 6));
            let point = (fault.clone(), "AddDomainRecord", nth);
            crash_at(&mut scene, point, |scene| scene.start());
            scene.start();
            scene.holds(both());
            scene.is_in_sync();
            assert_eq!(scene.host.lines(DOMAIN).len(), 12, "{nth}");
        }
    }
}

fn a_crash_in_a_failover_is_healed() {
    let calls = [("AddDomainRecord", 2), ("UpdateDomainRecord", 2), ("DeleteDomainRecord", 3)];
    for fault in crash_points() {
        for (action, count) in calls {
            for nth in 0..count {
                let mut scene = prepared(Plan::custom(120, 6));
                scene.start();
                scene.holds(both());
                scene.is_in_sync();
                let point = (fault.clone(), action, nth);
                crash_at(&mut scene, point, |scene| scene.remove("beijing", "nginx"));
                scene.start();
                scene.holds(FAILED_OVER);
                scene.is_in_sync();
                assert_eq!(scene.host.lines(DOMAIN).len(), 11, "{action} {nth}");
            }
        }
    }
}
