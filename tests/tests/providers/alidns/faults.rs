use std::time::Duration;

use providers::alidns::{Class, Options, RetryPolicy};
use tests::fakes::alidns::{FakeAliDns, Fault, Injection, KEY_ID, KEY_SECRET, NewRecord};
use tests::suite::Test;

use super::{BOTH, Fixture, fixed, record};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => throttling_in_the_middle_loses_nothing,
            the_pause_that_is_asked_for_is_kept,
            calls_keep_to_the_accounts_limit,
            an_addition_that_was_carried_out_is_not_repeated,
            an_addition_that_was_not_carried_out_is_repeated,
            an_update_or_deletion_that_was_carried_out_is_a_success,
            failures_end_within_the_budget,
            an_account_that_nobody_listens_for_is_told_in_a_line,
            ids_of_requests_change_no_text,
            a_clock_far_off_is_named,
            a_certificate_of_strangers_is_refused;
    }
}

fn throttling_in_the_middle_loses_nothing() {
    for signature in BOTH {
        let it = Fixture::paid();
        for number in 0..1_600 {
            let rr = format!("n{number}");
            it.fake.put("example.com", NewRecord::new(&rr, "A", 180, "192.0.2.1"));
        }
        let options = Options { signature, ..it.options() };
        let client = it.client_with(options, fixed(KEY_ID, KEY_SECRET));
        let throttle = || Injection::of(Fault::Throttle { retry_after: None });
        it.fake.inject(throttle().after(2).times(3));
        assert_eq!(it.list(&client).map(|records| records.len()), Ok(1_600));
        assert_eq!(it.fake.calls().len(), 4 + 3);
        it.fake.inject(throttle().times(2));
        it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
        // 1 + 2 + 4 and 1 + 2 seconds, less up to a half by jitter.
        let waited = it.clock.passed().as_millis();
        assert!((5_000..=10_000).contains(&waited), "{waited} ms");
    }
}

fn the_pause_that_is_asked_for_is_kept() {
    let it = Fixture::paid();
    it.fake.inject(Injection::of(Fault::Throttle { retry_after: Some(42) }));
    it.list(&it.client()).expect("listed");
    assert_eq!(it.clock.passed(), Duration::from_secs(42));
}

fn calls_keep_to_the_accounts_limit() {
    let it = Fixture::paid();
    it.fake.limit_calls(Some(10));
    let client = it.client();
    for number in 0..100 {
        let fields = record(&format!("n{number}"), "A", 180, "192.0.2.1");
        it.add(&client, &fields).expect("added");
    }
    assert_eq!(it.fake.calls().len(), 100, "none was throttled");
    // Ten at once, the others at five a second.
    assert_eq!(it.clock.passed(), Duration::from_secs(18));
}

fn an_addition_that_was_carried_out_is_not_repeated() {
    for fault in [Fault::SilenceAfter, Fault::CloseAfter] {
        let it = Fixture::paid();
        it.fake.inject(Injection::of(fault.clone()).on("AddDomainRecord"));
        let fields = record("www", "A", 180, "192.0.2.1");
        let id = it.add(&it.impatient_client(), &fields).expect("added");
        assert_eq!(id.0, it.fake.records("example.com")[0].id);
        it.holds(&["www A default 180 192.0.2.1"]);
        assert_eq!(it.fake.count("AddDomainRecord"), 1, "{fault:?}");
        assert_eq!(it.fake.count("DescribeDomainRecords"), 1, "{fault:?}");
    }
}

fn an_addition_that_was_not_carried_out_is_repeated() {
    for fault in [Fault::SilenceBefore, Fault::CloseBefore, Fault::BadGateway] {
        let it = Fixture::paid();
        it.fake.inject(Injection::of(fault.clone()).on("AddDomainRecord"));
        let fields = record("www", "A", 180, "192.0.2.1");
        it.add(&it.impatient_client(), &fields).expect("added");
        it.holds(&["www A default 180 192.0.2.1"]);
        assert_eq!(it.fake.count("AddDomainRecord"), 2, "{fault:?}");
    }
}

fn an_update_or_deletion_that_was_carried_out_is_a_success() {
    for fault in [Fault::SilenceAfter, Fault::CloseAfter] {
        let it = Fixture::paid();
        let client = it.impatient_client();
        let id = it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
        it.fake.inject(Injection::of(fault.clone()).on("UpdateDomainRecord"));
        it.update(&client, &id, &record("www", "A", 180, "192.0.2.2")).expect("updated");
        it.holds(&["www A default 180 192.0.2.2"]);
        it.fake.inject(Injection::of(fault).on("DeleteDomainRecord"));
        it.delete(&client, &id).expect("deleted");
        it.holds(&[]);
        let outcomes: Vec<_> = it.fake.calls().into_iter().map(|call| call.outcome.err()).collect();
        let refused = |code: &str| Some(code.to_owned());
        assert_eq!(
            outcomes,
            [
                None,
                None,
                refused("DomainRecordDuplicate"),
                None,
                None,
                refused("DomainRecordNotBelongToUser")
            ]
        );
    }
}

fn failures_end_within_the_budget() {
    let it = Fixture::paid();
    let retry = RetryPolicy { budget: 8, budget_per_second: 0.001, ..RetryPolicy::default() };
    let client = it.client_with(Options { retry, ..it.options() }, fixed(KEY_ID, KEY_SECRET));
    let broken = Fault::Refuse { status: 503, code: "ServiceUnavailable", message: "Try later." };
    it.fake.inject(Injection::of(broken).times(1_000));
    for calls in [6, 10, 11, 12] {
        let error = it.list(&client).expect_err("it is broken");
        assert_eq!((error.class(), it.fake.calls().len()), (Class::Retry, calls), "{error}");
    }
}

fn an_account_that_nobody_listens_for_is_told_in_a_line() {
    let it = Fixture::paid();
    let endpoint = format!("http://127.0.0.1:{}", tests::port::free_port());
    let retry = RetryPolicy { attempts_max: 2, ..RetryPolicy::default() };
    let options = Options { endpoint: endpoint.clone(), retry, ..it.options() };
    let client = it.client_with(options, fixed(KEY_ID, KEY_SECRET));
    let error = it.list(&client).expect_err("nobody listens");
    let told = format!(
        "DescribeDomainRecords: no connection to {endpoint}: Connection refused (os error 111); see that \
         this machine reaches it: name resolution, firewall, HTTPS_PROXY"
    );
    assert_eq!(error.to_string(), told);
    assert!(!error.may_have_been_carried_out());
}

fn ids_of_requests_change_no_text() {
    let it = Fixture::paid();
    let client = it.client();
    let refused = record("www", "A", 30, "192.0.2.1");
    let one = it.add(&client, &refused).expect_err("too short");
    let two = it.add(&client, &refused).expect_err("too short");
    assert_eq!((&one, one.to_string()), (&two, two.to_string()));
    assert!(one.request_id().is_some() && one.request_id() != two.request_id());
}

fn a_clock_far_off_is_named() {
    let it = Fixture::paid();
    it.fake.set_clock_ahead(3_600);
    let client = it.client();
    let error = it.list(&client).expect_err("an hour behind");
    assert_eq!(error.class(), Class::Fatal);
    assert!(error.to_string().contains("set this machine's clock"), "{error}");
    assert_eq!(client.clock_skew(), Some(-3_600));
}

fn a_certificate_of_strangers_is_refused() {
    let it = Fixture::paid();
    let fake = FakeAliDns::start_tls();
    let options = Options { endpoint: fake.endpoint(), ..it.options() };
    let client = it.client_with(options, fixed(KEY_ID, KEY_SECRET));
    let error = it.list(&client).expect_err("this machine does not know the run's authority");
    assert_eq!(error.class(), Class::Fatal);
    assert_eq!(
        error.to_string(),
        format!(
            "DescribeDomainRecords: no connection to {}: invalid peer certificate: UnknownIssuer; if a \
             proxy of yours stands there, add its authority to this machine's",
            fake.endpoint()
        )
    );
    assert_eq!(fake.calls(), []);
}
