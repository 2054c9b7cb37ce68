use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually};
use tests::fakes::alidns::{Domains, FakeAliDns, Fault, Injection, NewRecord, Plan};
use tests::need::Need;
use tests::suite::Test;

use super::alidns::{both, calls_that_write, prepared, writes};
use super::clusters::{DOMAIN, hold, is, replica, set_address};
use crate::replace::waiting;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => the_next_process_writes_what_is_left_and_nothing_twice;
        [Need::Kubernetes] => the_lease_stays_and_nobody_else_writes,
            where_it_takes_longer_than_the_lease_lasts_another_one_writes;
    }
}

/// The old process is in the middle of a call when the next one asks.
fn the_next_process_writes_what_is_left_and_nothing_twice() {
    let mut scene = prepared(Plan::custom(120, 6));
    let (reached, in_the_call) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let stay = move |_: &mut Domains| {
        reached.send(()).expect("the test waits for it");
        // Whether it is told or the test has ended.
        let _ = gate.lock().expect("nobody panics with it").recv();
    };
    let stay = Injection::of(Fault::Meanwhile(Arc::new(stay))).on("AddDomainRecord").after(4);
    scene.host.inject(stay);
    scene.start();
    in_the_call.recv_timeout(GENEROUS).expect("the call is made");
    let log = scene.fedns.home().join("logs/fedns.log");
    let asked = thread::spawn(move || {
        eventually(GENEROUS, "the next process asks", || {
            let log = std::fs::read_to_string(&log).expect("the log");
            if log.contains("its sockets are handed to it") { Ok(()) } else { Err(log) }
        });
        let_go.send(()).expect("the call waits");
    });
    assert_eq!(scene.fedns.replace().code(), Some(0));
    asked.join().expect("it asked");
    scene.holds(both());
    scene.is_in_sync();
    // The claim, and for each of five names a marker and its addresses.
    assert_eq!(writes(&scene), 12);

    for _ in 0..2 {
        assert_eq!(scene.fedns.replace().code(), Some(0));
        scene.is_in_sync();
        scene.holds(both());
    }
    assert_eq!(writes(&scene), 12);
}

fn alidns() -> FakeAliDns {
    let alidns = FakeAliDns::start();
    alidns.add_domain(DOMAIN, None, Plan::enterprise_standard());
    alidns.put(DOMAIN, NewRecord::new("www", "A", 600, "203.0.113.80"));
    alidns
}

/// Who holds the Lease, and how often it went to another one.
fn lease(api: &ApiServer) -> (String, u64) {
    let lease = api.kubectl().json("get lease fedns");
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"].as_str().expect("somebody holds it").to_owned();
    (holder, spec["leaseTransitions"].as_u64().expect("a number"))
}

fn the_lease_stays_and_nobody_else_writes() {
    let (alidns, api) = (alidns(), ApiServer::start("lease"));
    let (mut first, mut second) = (replica(&alidns, &api), replica(&alidns, &api));
    first.start();
    hold(&alidns, "192.0.2.1");
    is(&first, " InSync, ");
    second.start();
    second.is_ready();
    let before = lease(&api);

    // In vain, and what changes meanwhile is written afterwards.
    let (mut third, _silent) = waiting(&first, "1h");
    set_address(&first, "192.0.2.2");
    third.kill();
    hold(&alidns, "192.0.2.2");
    is(&first, " InSync, ");
    assert_eq!(lease(&api), before);

    let standing = (alidns.lines(DOMAIN), calls_that_write(&alidns));
    for _ in 0..2 {
        let serial = first.serial();
        assert_eq!(first.replace().code(), Some(0));
        is(&first, " InSync, ");
        assert_eq!((alidns.lines(DOMAIN), calls_that_write(&alidns)), standing);
        assert_eq!(lease(&api), before);
        // The block that the Lease had reserved is not used up by it.
        let moved = first.serial().0 - serial.0;
        assert!((1..10).contains(&moved), "{moved}");
    }
    set_address(&first, "192.0.2.3");
    hold(&alidns, "192.0.2.3");
}

fn where_it_takes_longer_than_the_lease_lasts_another_one_writes() {
    let (alidns, api) = (alidns(), ApiServer::start("lease"));
    let (mut first, mut second) = (replica(&alidns, &api), replica(&alidns, &api));
    first.start();
    hold(&alidns, "192.0.2.1");
    let (holder, _) = lease(&api);
    second.start();
    second.is_ready();
    let (mut third, _silent) = waiting(&first, "1h");
    set_address(&second, "192.0.2.2");
    hold(&alidns, "192.0.2.2");
    assert_ne!(lease(&api).0, holder);

    // The old one goes on, and stands by.
    third.kill();
    set_address(&first, "192.0.2.3");
    is(&first, "standby: ");
    first.answers("nginx.default.fed.svc.example.com", "NOERROR 192.0.2.3");
    hold(&alidns, "192.0.2.2");
    assert!(second.stop().success());
    hold(&alidns, "192.0.2.3");
    assert_eq!(lease(&api).0, holder);
}
