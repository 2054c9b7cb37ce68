use model::Serial;
use tests::eventually::{GENEROUS, eventually};
use tests::name_daemon::{Software, TransferKey};
use tests::need::{DIG, KDIG, KNOTD, NAMED, NSD};
use tests::secondary::{Secondary, dig, kdig, secret_file, transferred};
use tests::serving::Fedns;
use tests::suite::Test;

use crate::serve::folder::{Folder, entries, service};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [DIG, NAMED, KNOTD, NSD] => all_follow_ten_thousand_changes_by_their_difference,
            a_notice_that_is_lost_is_made_good_by_refresh;
        [DIG, KDIG] => without_the_key_there_is_no_zone,
            a_reload_opens_and_closes_a_zone,
            a_secret_is_rolled_in_its_file_alone;
    }
}

const KEY: TransferKey = TransferKey {
    name: "transfer.",
    algorithm: "hmac-sha256",
    secret: "YSBzZWNyZXQgZm9yIHRlc3RzIG9uIGxvb3BiYWNrIG9ubHk=",
};
const KEYS: &str = "tsigKeys: [{name: transfer., secretFile: ./transfer.key}]\n";

/// Secondaries look every second.
const OFTEN: &str = "@ 60 SOA ns1 hostmaster 1 1 1 604800 60\n";

/// Files that are written, each a Service.
const CHANGES: u64 = 10_000;
/// Files between two looks at the secondaries.
const BURST: u64 = 500;
const SERVICES: u64 = 400;

/// A number that follows from the last; the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// A primary on one folder, and secondaries that it knows.
fn stage(software: &[Software], notify: bool, more: &str) -> (Fedns, Folder, Vec<Secondary>) {
    let mut fedns = Fedns::prepared(&[], "");
    let secondaries: Vec<Secondary> = software
        .iter()
        .map(|software| Secondary::prepared(*software, fedns.dns_port(), KEY))
        .collect();
    let targets: Vec<String> =
        secondaries.iter().map(|it| format!("\"127.0.0.1:{}\"", it.port())).collect();
    let targets = if notify { targets.join(", ") } else { String::new() };
    let transfer = format!(
        "{KEYS}transfer: {{allow: [\"key:transfer.\"], notify: [{targets}]}}\nlameDuck: 0s\n{more}"
    );
    secret_file(fedns.home(), &KEY);
    std::fs::write(fedns.home().join("static.zone"), OFTEN).expect("write a file");
    let folder = Folder::new(&fedns, "a", "cn-a");
    fedns.configure(&entries(&["a"]), &transfer);
    fedns.start();
    fedns.is_ready();
    (fedns, folder, secondaries)
}

/// Waits until everybody has what the primary has, record by record: it may change while they are
/// asked. Returns how often the primary was asked for the whole zone.
#[track_caller]
fn all_are_equal(fedns: &Fedns, secondaries: &[Secondary]) -> u64 {
    let mut looks = 0;
    eventually(GENEROUS, "all have what the primary has", || {
        let serial = fedns.serial().to_string();
        for secondary in secondaries {
            let theirs = secondary.serial()?;
            if theirs != serial {
                return Err(format!("{:?} has {theirs}, not {serial}", secondary.software));
            }
        }
        looks += 1;
        let ours = transferred(fedns.dns_port(), &KEY)?;
        secondaries.iter().try_for_each(|secondary| is_equal(&ours, secondary))
    });
    looks
}

fn is_equal(ours: &[String], secondary: &Secondary) -> Result<(), String> {
    let theirs = secondary.records()?;
    let missing: Vec<&String> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    let more: Vec<&String> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    match missing.is_empty() && more.is_empty() {
        true => Ok(()),
        false => Err(format!("{:?}: {missing:?}, {more:?}", secondary.software)),
    }
}

/// A Service comes, goes, or gets another address.
fn change(folder: &Folder, numbers: &mut Numbers) {
    let name = format!("s{}", numbers.below(SERVICES));
    let file = format!("{name}.yaml");
    match numbers.below(5) {
        0 => {
            // It may not be there.
            let _ = std::fs::remove_file(folder.path().join(file));
        }
        _ => folder.write(&file, &service(&name, &format!("192.0.2.{}", 1 + numbers.below(250)))),
    }
}

/// How often the zone was asked for in this way.
fn requests(fedns: &Fedns, record_type: &str) -> u64 {
    let page = fedns.page("/metrics").expect("a page").body;
    let label = format!("type=\"{record_type}\"");
    let lines = page.lines().filter(|line| line.starts_with("fedns_dns_requests_total"));
    let lines = lines.filter(|line| line.contains(&label) && line.contains("proto=\"tcp\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

fn all_follow_ten_thousand_changes_by_their_difference() {
    let all = [Software::Bind, Software::Knot, Software::Nsd];
    let (fedns, folder, mut secondaries) = stage(&all, true, "");
    let mut numbers = Numbers(1);
    for _ in 0..BURST {
        change(&folder, &mut numbers);
    }
    secondaries.iter_mut().for_each(Secondary::start);
    all_are_settled(&fedns, &folder);
    all_are_equal(&fedns, &secondaries);
    let whole_at_first = requests(&fedns, "AXFR");
    let first = fedns.serial();
    let (rounds, mut looks) = (CHANGES / BURST, 0);
    for _ in 0..rounds {
        for _ in 0..BURST {
            change(&folder, &mut numbers);
        }
        all_are_settled(&fedns, &folder);
        looks += all_are_equal(&fedns, &secondaries);
    }
    assert!(fedns.serial().is_newer_than(Serial(first.0 + 20)));
    // Each look of ours is one. Nobody else has asked for the whole zone again, but for NSD where one
    // change more came while it was taking in others, which it counts as failed.
    let failed = secondaries[2].log().matches("update failed, restarting transfer").count();
    let whole = requests(&fedns, "AXFR") - whole_at_first;
    assert!((looks..=looks + failed as u64).contains(&whole), "{whole}, {failed} of NSD");
    assert!(requests(&fedns, "IXFR") >= 3 * rounds);
    let knot = &secondaries[1];
    let wholly = knot.log().matches("AXFR, incoming").count();
    let by_difference = knot.log().matches("IXFR, incoming").count();
    assert!(by_difference > wholly, "{}", knot.log());
}

/// Waits until the primary has read what was written: a last Service says so.
#[track_caller]
fn all_are_settled(fedns: &Fedns, folder: &Folder) {
    let serial = fedns.serial();
    let marker = format!("192.0.2.{}", serial.0 % 250 + 1);
    folder.write("marker.yaml", &service("marker", &marker));
    let name = "marker.default.fed.svc.example.com";
    fedns.answers(name, &format!("NOERROR {marker}"));
    // A rescan of the folder may find something that events did not tell.
    let mut last = fedns.serial();
    eventually(GENEROUS, "the zone rests", || {
        let before = std::mem::replace(&mut last, fedns.serial());
        if before == last { Ok(()) } else { Err(last) }
    });
}

/// Nobody is notified: it is as if all notices were lost.
fn a_notice_that_is_lost_is_made_good_by_refresh() {
    let all = [Software::Bind, Software::Knot, Software::Nsd];
    let (fedns, folder, mut secondaries) = stage(&all, false, "staticRecords: [./static.zone]\n");
    secondaries.iter_mut().for_each(Secondary::start);
    all_are_equal(&fedns, &secondaries);
    folder.write("web.yaml", &service("web", "192.0.2.7"));
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.7");
    all_are_equal(&fedns, &secondaries);
}

fn without_the_key_there_is_no_zone() {
    let (fedns, folder, _) = stage(&[], false, "");
    folder.write("web.yaml", &service("web", "192.0.2.1"));
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
    let port = fedns.dns_port();
    let TransferKey { name, algorithm, secret } = KEY;
    let right = format!("{algorithm}:{name}:{secret}");
    let other_secret = format!("{algorithm}:{name}:b3RoZXI=");
    let other_name = format!("{algorithm}:other.:{secret}");
    let other_algorithm = format!("hmac-sha512:{name}:{secret}");
    for client in [dig, kdig] {
        assert!(client(port, &["example.com", "AXFR"]).is_err());
        for wrong in [&other_secret, &other_name, &other_algorithm] {
            assert!(client(port, &["-y", wrong, "example.com", "AXFR"]).is_err(), "{wrong}");
        }
        let text = client(port, &["-y", &right, "example.com", "AXFR"]).expect("a zone");
        assert!(text.contains("192.0.2.1"), "{text}");
        let before = fedns.serial();
        folder.write("web.yaml", &service("web", "192.0.2.2"));
        fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.2");
        let difference = format!("IXFR={before}");
        let text = client(port, &["-y", &right, "example.com", &difference]).expect("a difference");
        assert!(text.contains("192.0.2.1") && text.contains("192.0.2.2"), "{text}");
        folder.write("web.yaml", &service("web", "192.0.2.1"));
        fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
    }
}

fn a_reload_opens_and_closes_a_zone() {
    let (fedns, _folder, _) = stage(&[], false, "");
    let axfr = || dig(fedns.dns_port(), &["example.com", "AXFR"]);
    assert!(axfr().is_err());
    fedns.configure(&entries(&["a"]), "transfer: {allow: [127.0.0.0/8]}\n");
    eventually(GENEROUS, "the zone is transferred", axfr);
    fedns.configure(&entries(&["a"]), "");
    eventually(GENEROUS, "the zone is refused", || match axfr() {
        Ok(text) => Err(text),
        Err(_) => Ok(()),
    });
}

fn a_secret_is_rolled_in_its_file_alone() {
    let (fedns, _folder, _) = stage(&[], false, "");
    let rolled = TransferKey { secret: "YW5vdGhlciBzZWNyZXQ=", ..KEY };
    let axfr = |TransferKey { name, algorithm, secret }: TransferKey| {
        let key = format!("{algorithm}:{name}:{secret}");
        dig(fedns.dns_port(), &["-y", &key, "example.com", "AXFR"])
    };
    assert!(axfr(KEY).is_ok() && axfr(rolled).is_err());
    secret_file(fedns.home(), &rolled);
    eventually(GENEROUS, "the new secret opens the zone", || axfr(rolled));
    assert!(axfr(KEY).is_err(), "the old one does no more");
}
