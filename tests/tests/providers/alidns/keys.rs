use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::UnixTime;
use providers::Secret;
use providers::alidns::credentials::EcsRole;
use providers::alidns::{Class, CredentialSource, Credentials, Options, RetryPolicy};
use tests::fakes::alidns::{FakeMetadata, Fault, Injection, KEY_ID, KEY_SECRET};
use tests::scratch::Scratch;
use tests::suite::Test;

use super::{BOTH, Fixture, fixed, record};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_wrong_key_is_named_and_not_tried_again,
            temporary_keys_work_under_both_signatures,
            a_role_gives_keys_that_are_renewed_in_time,
            many_calls_at_once_ask_for_one_key,
            a_renewal_that_fails_stops_nothing_while_the_key_works,
            an_expired_key_is_replaced_at_once,
            an_old_instance_has_no_sessions,
            a_missing_role_is_named,
            a_key_file_is_read_again_when_its_key_is_refused,
            secrets_show_nowhere;
    }
}

fn role(metadata: &FakeMetadata) -> CredentialSource {
    CredentialSource::EcsRole(EcsRole { endpoint: metadata.endpoint(), ..EcsRole::default() })
}

fn a_wrong_key_is_named_and_not_tried_again() {
    for signature in BOTH {
        let it = Fixture::paid();
        let rows = [
            (fixed(KEY_ID, "wrong"), "SignatureDoesNotMatch"),
            (fixed("stranger", KEY_SECRET), "InvalidAccessKeyId.NotFound"),
        ];
        for (source, code) in rows {
            it.fake.forget_calls();
            let client = it.client_with(Options { signature, ..it.options() }, source);
            let error = it.list(&client).expect_err("refused");
            assert_eq!((error.code(), error.class()), (Some(code), Class::Fatal));
            assert!(error.to_string().ends_with("access-key-secret"), "{error}");
            assert_eq!(it.fake.calls().len(), 1);
        }
    }
}

fn temporary_keys_work_under_both_signatures() {
    for signature in BOTH {
        let it = Fixture::paid();
        it.fake.add_temporary_key("STS.1", "s", "to/ken+=", UnixTime(u64::MAX));
        let source = |token: &str| {
            CredentialSource::Fixed(Credentials {
                access_key_id: "STS.1".to_owned(),
                access_key_secret: Secret::new("s"),
                security_token: Some(Secret::new(token)),
                expires: None,
            })
        };
        let client = |token| it.client_with(Options { signature, ..it.options() }, source(token));
        assert_eq!(it.list(&client("to/ken+=")), Ok(Vec::new()));
        let error = it.list(&client("other")).expect_err("refused");
        assert_eq!(error.code(), Some("InvalidSecurityToken.MismatchWithAccessKey"));
    }
}

fn a_role_gives_keys_that_are_renewed_in_time() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 3_600);
    let client = it.client_with(it.options(), role(&metadata));
    for _ in 0..24 {
        it.list(&client).expect("listed");
        it.clock.advance(Duration::from_secs(600));
    }
    let used: Vec<String> = it.fake.calls().into_iter().map(|call| call.access_key_id).collect();
    assert_eq!(used.len(), 24, "no call was refused and repeated");
    // An hour long, renewed in its last quarter: each key serves 50 minutes of calls.
    assert_eq!(metadata.given().len(), 5, "{used:?}");
    assert_eq!(used[23], "STS.key5");
}

fn many_calls_at_once_ask_for_one_key() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 3_600);
    let client = it.client_with(it.options(), role(&metadata));
    let domain = super::domain();
    let all = (0..20).map(|_| client.list_records(&domain));
    let results = it.runtime.block_on(futures::future::join_all(all));
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(metadata.given().len(), 1);
}

fn a_renewal_that_fails_stops_nothing_while_the_key_works() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 3_600);
    let client = it.client_with(it.options(), role(&metadata));
    it.list(&client).expect("listed");
    metadata.set_broken(true);
    it.clock.advance(Duration::from_secs(3_000));
    it.list(&client).expect("the old key works for ten minutes more");
    it.clock.advance(Duration::from_secs(600));
    let error = it.list(&client).expect_err("it has expired");
    assert_eq!(error.class(), Class::Retry);
    assert_eq!(
        error.to_string(),
        "no key for AliDNS from the role of this ECS instance: it gives no session token (HTTP 500)"
    );
    metadata.set_broken(false);
    it.list(&client).expect("listed with a new key");
}

fn an_expired_key_is_replaced_at_once() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 7_200);
    let client = it.client_with(it.options(), role(&metadata));
    it.list(&client).expect("listed");
    // Its end came earlier than it was told.
    it.fake.remove_key("STS.key1");
    it.add(&client, &record("www", "A", 180, "192.0.2.1")).expect("added");
    let calls: Vec<_> =
        it.fake.calls().into_iter().map(|call| (call.access_key_id, call.outcome.err())).collect();
    assert_eq!(
        calls[1..],
        [
            ("STS.key1".to_owned(), Some("InvalidAccessKeyId.NotFound".to_owned())),
            ("STS.key2".to_owned(), None)
        ]
    );
}

fn an_old_instance_has_no_sessions() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 3_600);
    metadata.set_sessions(false);
    it.list(&it.client_with(it.options(), role(&metadata))).expect("listed");

    let strict =
        EcsRole { endpoint: metadata.endpoint(), without_token: false, ..EcsRole::default() };
    let retry = RetryPolicy { attempts_max: 1, ..RetryPolicy::default() };
    let options = Options { retry, ..it.options() };
    let error = it
        .list(&it.client_with(options, CredentialSource::EcsRole(strict)))
        .expect_err("sessions are asked for");
    assert!(error.to_string().ends_with("it gives no session token (HTTP 404)"), "{error}");
}

fn a_missing_role_is_named() {
    let it = Fixture::paid();
    let metadata = it.fake.metadata_service("dns", 3_600);
    let other = EcsRole {
        endpoint: metadata.endpoint(),
        role: Some("other".to_owned()),
        ..EcsRole::default()
    };
    let client = it.client_with(it.options(), CredentialSource::EcsRole(other));
    let error = it.list(&client).expect_err("no such role");
    assert_eq!(error.class(), Class::Fatal);
    assert!(
        error
            .to_string()
            .ends_with("attach one in the ECS console, or give the key in a configFile"),
        "{error}"
    );
}

fn a_key_file_is_read_again_when_its_key_is_refused() {
    let it = Fixture::paid();
    let scratch = Scratch::new("alidns");
    let text = |id: &str, secret: &str| {
        format!("[Global]\naccess-key-id = {id}\naccess-key-secret = {secret}\n")
    };
    let path = scratch.write("alidns.yaml", text(KEY_ID, KEY_SECRET));
    let client = it.client_with(it.options(), CredentialSource::File(path.clone()));
    it.list(&client).expect("listed");
    it.fake.remove_key(KEY_ID);
    it.fake.add_key("new", "better");
    fs::write(&path, text("new", "better")).expect("write the file");
    it.list(&client).expect("listed with the new key");
    fs::remove_file(&path).expect("remove the file");
    it.list(&client).expect("listed with the key that works");
    it.fake.remove_key("new");
    let error = it.list(&client).expect_err("no key");
    assert!(error.to_string().contains("alidns.yaml: No such file"), "{error}");
}

/// Everything that is logged, at the most verbose level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn secrets_show_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // While there is only one, a callsite that another test's thread meets first is off for all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let shown = tracing::subscriber::with_default(subscriber, all_that_is_shown);
    let log = String::from_utf8(log.0.lock().expect("the writers are gone").clone()).expect("text");
    assert!(log.contains("DescribeDomainRecords"), "calls are in the log: {log}");
    for secret in ["metadata-secret", "metadata-token", "metadata-session", KEY_SECRET, "wrong-one"]
    {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// Errors of every kind in every format.
fn all_that_is_shown() -> String {
    let mut shown = String::new();
    for signature in BOTH {
        let it = Fixture::paid();
        let metadata = it.fake.metadata_service("dns", 3_600);
        let rows = [
            (fixed(KEY_ID, KEY_SECRET), "the secret testsecret is strange"),
            (fixed(KEY_ID, "wrong-one"), "the secret wrong-one is strange"),
            (role(&metadata), "the token metadata-token-1 of metadata-secret-1 is strange"),
        ];
        for (source, message) in rows {
            shown += &format!("{source:?} {source:#?}");
            let retry = RetryPolicy { attempts_max: 1, ..RetryPolicy::default() };
            let timeout = Duration::from_secs(1);
            let options = Options { signature, retry, timeout, ..it.options() };
            let client = it.client_with(options, source);
            let repeats = Fault::Refuse { status: 400, code: "Strange", message };
            for fault in [Fault::CloseAfter, Fault::SilenceBefore, Fault::BadGateway, repeats] {
                it.fake.inject(Injection::of(fault));
                let error = it.list(&client).expect_err("told to fail");
                shown += &format!("{error} {error:?} {error:#?}\n");
            }
            if let Err(error) = it.list(&client) {
                shown += &format!("{error} {error:?} {error:#?}\n");
            }
        }
    }
    assert!(shown.contains("Strange") && shown.contains("SignatureDoesNotMatch"), "{shown}");
    shown
}
