use tests::eventually::{GENEROUS, eventually};
use tests::fakes::clouddns::{FakeCloudDns, Fault};
use tests::need::Need;
use tests::suite::Test;

use super::{CREATE, FAILED_OVER, Scene, both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => a_crash_at_any_call_is_healed,
            a_crash_in_a_failover_is_healed;
    }
}

/// So few sets land with one change that there are many.
const ADDITIONS: usize = 2;

/// Changes that are pending when the server is killed, and long after.
fn small_and_slow() -> FakeCloudDns {
    let fake = FakeCloudDns::start();
    fake.set_quota("rrsetAdditionsPerChange", ADDITIONS);
    fake.delay(3);
    fake
}

/// Does something, and kills the server in the middle of its nth call of this action after that.
fn crash_at(
    (fake, scene): (&FakeCloudDns, &mut Scene),
    (fault, action, nth): (Fault, &'static str, usize),
    begin: impl FnOnce(&mut Scene),
) {
    fake.forget_calls();
    fake.inject(action, std::iter::repeat_n(Fault::Pass, nth).chain([fault]));
    begin(scene);
    eventually(GENEROUS, "the call", || match fake.count(action) {
        made if made > nth => Ok(()),
        made => Err(format!("{made} calls of {action}")),
    });
    scene.fedns.kill();
}

fn a_crash_at_any_call_is_healed() {
    for fault in [Fault::SilenceBefore, Fault::SilenceAfter] {
        // The claim, and five names with a marker each.
        for (action, nth) in (0..6).map(|nth| (CREATE, nth)).chain([("changes.get", 4)]) {
            let fake = small_and_slow();
            let mut scene = prepared(&fake);
            let point = (fault.clone(), action, nth);
            crash_at((&fake, &mut scene), point, Scene::start);
            scene.start();
            scene.holds(both(&[]));
            scene.is_in_sync();
            assert_eq!(scene.host.lines().len(), 11, "{action} {nth}");
        }
    }
}

fn a_crash_in_a_failover_is_healed() {
    for fault in [Fault::SilenceBefore, Fault::SilenceAfter] {
        for nth in 0..3 {
            let fake = small_and_slow();
            let mut scene = prepared(&fake);
            scene.start();
            scene.holds(both(&[]));
            scene.is_in_sync();
            let point = (fault.clone(), CREATE, nth);
            crash_at((&fake, &mut scene), point, |scene| scene.remove("beijing", "nginx"));
            scene.start();
            scene.holds(FAILED_OVER);
            scene.is_in_sync();
            assert_eq!(scene.host.lines().len(), 11, "{nth}");
        }
    }
}
