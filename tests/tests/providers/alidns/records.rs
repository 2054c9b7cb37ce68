use std::collections::BTreeSet;
use std::sync::Arc;

use providers::alidns::{Class, Error, Options, RecordId};
use tests::fakes::alidns::{Fault, Injection, NewRecord, Plan};
use tests::suite::Test;

use super::{BOTH, Fixture, fixed, record};
use tests::fakes::alidns::{KEY_ID, KEY_SECRET};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => records_come_change_and_go_under_both_signatures,
            odd_values_survive,
            ten_thousand_records_are_listed_in_twenty_one_calls,
            a_list_that_changes_under_way_is_begun_again,
            a_list_that_never_settles_is_no_list,
            what_stands_already_is_a_success_only_if_it_is_the_same,
            what_is_gone_is_deleted,
            refusals_have_their_class,
            a_locked_record_is_a_conflict,
            a_ttl_that_was_raised_silently_is_seen;
    }
}

fn records_come_change_and_go_under_both_signatures() {
    for signature in BOTH {
        let it = Fixture::paid();
        let options = Options { signature, ..it.options() };
        let client = it.client_with(options, fixed(KEY_ID, KEY_SECRET));
        let one = it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
        let two = it.add(&client, &record("www", "A", 180, "192.0.2.2")).expect("added");
        it.holds(&["www A default 180 192.0.2.1", "www A default 180 192.0.2.2"]);

        let moved = super::RecordFields {
            line: "telecom".to_owned(),
            ..record("www", "A", 60, "192.0.2.3")
        };
        it.update(&client, &two, &moved).expect("updated");
        it.holds(&["www A default 180 192.0.2.1", "www A telecom 60 192.0.2.3"]);

        let listed = it.list(&client).expect("listed");
        let [first, second] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((&first.id, &second.id), (&one, &two));
        assert_eq!(second.fields, moved);
        assert!(second.enabled && !second.locked && second.remark.is_none());

        it.delete(&client, &one).expect("deleted");
        it.update(&client, &two, &record("www", "CNAME", 180, "a.example.net")).expect("updated");
        it.holds(&["www CNAME default 180 a.example.net"]);
        assert_eq!(client.clock_skew(), Some(0));
    }
}

fn odd_values_survive() {
    let it = Fixture::paid();
    let client = it.client();
    for fields in [
        record("*", "A", 180, "192.0.2.1"),
        record("@", "TXT", 180, "v=1; a=b c/d+e,f.~*^!"),
        record("_http._tcp.www", "SRV", 180, "0 1 80 www.example.com"),
        record("中文", "AAAA", 180, "2001:db8::1"),
        super::RecordFields { priority: Some(5), ..record("@", "MX", 180, "mail.example.com") },
    ] {
        let id = it.add(&client, &fields).expect("added");
        let listed = it.list(&client).expect("listed");
        let found = listed.iter().find(|record| record.id == id).expect("it is listed");
        assert_eq!(found.fields, fields);
    }
}

fn ten_thousand_records_are_listed_in_twenty_one_calls() {
    let it = Fixture::paid();
    for number in 0..10_000 {
        let value = format!("192.0.{}.{}", number / 250, number % 250 + 1);
        it.fake.put("example.com", NewRecord::new(&format!("n{number}"), "A", 180, &value));
    }
    let listed = it.list(&it.client()).expect("listed");
    let ids: BTreeSet<&RecordId> = listed.iter().map(|record| &record.id).collect();
    assert_eq!((listed.len(), ids.len()), (10_000, 10_000));
    assert!(listed.is_sorted_by_key(|record| &record.id), "the oldest comes first");
    assert_eq!(it.fake.calls().len(), 21);
}

fn a_list_that_changes_under_way_is_begun_again() {
    let grown = |fake: &mut tests::fakes::alidns::Domains| {
        fake.put("example.com", NewRecord::new("new", "A", 180, "192.0.2.1"));
    };
    let shrunk = |fake: &mut tests::fakes::alidns::Domains| {
        let first = fake.records("example.com")[0].id.clone();
        fake.remove(&first);
    };
    let replaced = move |fake: &mut tests::fakes::alidns::Domains| {
        shrunk(fake);
        grown(fake);
    };
    type Change = Arc<dyn Fn(&mut tests::fakes::alidns::Domains) + Send + Sync>;
    let rows: [(&str, Change, usize); 3] = [
        ("grown", Arc::new(grown), 1_201),
        ("shrunk", Arc::new(shrunk), 1_199),
        ("replaced", Arc::new(replaced), 1_200),
    ];
    for (name, change, expected) in rows {
        let it = Fixture::paid();
        for number in 0..1_200 {
            let rr = format!("n{number}");
            it.fake.put("example.com", NewRecord::new(&rr, "A", 180, "192.0.2.1"));
        }
        it.fake.inject(Injection::of(Fault::Meanwhile(change)).after(1));
        let listed = it.list(&it.client()).expect("listed");
        let expected_ids: Vec<RecordId> =
            it.fake.records("example.com").into_iter().map(|it| RecordId(it.id)).collect();
        let ids: Vec<RecordId> = listed.into_iter().map(|record| record.id).collect();
        assert_eq!(ids.len(), expected, "{name}");
        assert_eq!(ids, expected_ids, "{name}");
    }
}

fn a_list_that_never_settles_is_no_list() {
    let it = Fixture::paid();
    for number in 0..600 {
        it.fake.put("example.com", NewRecord::new(&format!("n{number}"), "A", 180, "192.0.2.1"));
    }
    let grown = |fake: &mut tests::fakes::alidns::Domains| {
        let rr = format!("new{}", fake.records("example.com").len());
        fake.put("example.com", NewRecord::new(&rr, "A", 180, "192.0.2.1"));
    };
    it.fake.inject(Injection::of(Fault::Meanwhile(Arc::new(grown))).times(1_000));
    let error = it.list(&it.client()).expect_err("never whole");
    assert!(matches!(error, Error::ListingIncomplete { attempts: 5, .. }), "{error:?}");
    assert_eq!(error.class(), Class::Retry);
}

fn what_stands_already_is_a_success_only_if_it_is_the_same() {
    let it = Fixture::paid();
    let client = it.client();
    let fields = record("www", "CNAME", 180, "a.example.net");
    let id = it.add(&client, &fields).expect("added");
    assert_eq!(it.add(&client, &fields), Ok(id.clone()));
    assert_eq!(it.update(&client, &id, &fields), Ok(()));

    let other_ttl = record("www", "CNAME", 600, "a.example.net");
    let error = it.add(&client, &other_ttl).expect_err("another TTL");
    assert_eq!(
        error.to_string(),
        "AddDomainRecord: www CNAME a.example.net (line default) stands already, but its TTL is 180, \
         not 600; the domain is to be listed anew"
    );
    assert_eq!(error.class(), Class::Conflict);

    it.fake.domains(|domains| domains.change(&id.0, |record| record.enabled = false));
    let error = it.add(&client, &fields).expect_err("paused");
    assert!(error.to_string().contains("but it is paused;"), "{error}");
    it.holds(&["www CNAME default 180 a.example.net paused"]);
}

fn what_is_gone_is_deleted() {
    let it = Fixture::paid();
    let client = it.client();
    let fields = record("www", "A", 180, "192.0.2.1");
    let id = it.add(&client, &fields).expect("added");
    it.fake.domains(|domains| domains.remove(&id.0));
    assert_eq!(it.delete(&client, &id), Ok(()));
    let error = it.update(&client, &id, &fields).expect_err("gone");
    assert_eq!(error.class(), Class::Gone);
}

fn refusals_have_their_class() {
    let plan = Plan { records: 4, addresses: 1, ..Plan::custom(120, 6) };
    let it = Fixture::new(plan);
    let client = it.client();
    it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
    let rows = [
        (record("www", "A", 60, "192.0.2.2"), "QuotaExceeded.TTL", Class::Fatal),
        (record("a.b.c.d.e.f.g", "A", 180, "192.0.2.2"), "QuotaExceeded.SubDomain", Class::Quota),
        (record("www", "A", 180, "192.0.2.2"), "QuotaExceeded.ARecord", Class::Quota),
        (record("www", "CNAME", 180, "a.example.net"), "DomainRecordConflict", Class::Conflict),
        (record("www", "A", 180, "nowhere"), "InvalidRR.AValue", Class::Fatal),
    ];
    for (fields, code, class) in rows {
        let error = it.add(&client, &fields).expect_err("refused");
        assert_eq!((error.code(), error.class()), (Some(code), class), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    assert_eq!(it.fake.count("AddDomainRecord"), 6, "none was tried twice");
    it.holds(&["www A default 180 192.0.2.1"]);
}

fn a_locked_record_is_a_conflict() {
    let it = Fixture::paid();
    let client = it.client();
    let id = it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
    it.fake.domains(|domains| domains.change(&id.0, |record| record.locked = true));
    for error in [
        it.update(&client, &id, &record("www", "A", 180, "192.0.2.2")).expect_err("locked"),
        it.delete(&client, &id).expect_err("locked"),
    ] {
        assert_eq!((error.code(), error.class()), (Some("DomainRecordLocked"), Class::Conflict));
    }
    assert!(it.list(&client).expect("listed")[0].locked);
    it.holds(&["www A default 180 192.0.2.1 locked"]);
}

fn a_ttl_that_was_raised_silently_is_seen() {
    let it = Fixture::new(Plan { raises_ttl: true, ..Plan::free() });
    let client = it.client();
    let fields = record("www", "A", 180, "192.0.2.1");
    it.add(&client, &fields).expect("AliDNS says nothing");
    assert_eq!(it.list(&client).expect("listed")[0].fields.ttl, 600);
    let error = it.add(&client, &fields).expect_err("it is not what was asked for");
    assert!(error.to_string().contains("its TTL is 600, not 180"), "{error}");
}
