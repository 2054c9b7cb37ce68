use std::sync::Arc;
use std::time::Duration;

use model::Name;
use providers::alidns::{
    Client, CredentialSource, Credentials, Error, Options, Record, RecordFields, RecordId,
    SignatureVersion,
};
use providers::{Clock, Secret};
use tests::eventually::GENEROUS;
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET, Plan};
use tests::fakes::clock::VirtualClock;
use tests::suite::Test;

/// Records: listed, added, updated, deleted.
mod records;

/// What goes wrong on the way, and what is done about it.
mod faults;

/// Keys: their sources, their renewal, and that they never show.
mod keys;

/// What the plan allows.
mod plans;

pub(super) fn tests() -> Vec<Test> {
    [records::tests(), faults::tests(), keys::tests(), plans::tests()]
        .into_iter()
        .flatten()
        .collect()
}

/// A fake and our client, on one clock that waits for nobody.
struct Fixture {
    fake: FakeAliDns,
    clock: Arc<VirtualClock>,
    runtime: tokio::runtime::Runtime,
}

impl Fixture {
    /// With the domain `example.com`.
    fn new(plan: Plan) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let fake = FakeAliDns::start_at(clock.clone());
        fake.add_domain("example.com", None, plan);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("make a runtime");
        Self { fake, clock, runtime }
    }

    fn paid() -> Self {
        Self::new(Plan::enterprise_standard())
    }

    fn options(&self) -> Options {
        Options { endpoint: self.fake.endpoint(), timeout: GENEROUS, ..Options::default() }
    }

    fn client(&self) -> Client {
        self.client_with(self.options(), fixed(KEY_ID, KEY_SECRET))
    }

    /// One that gives a silent fake up soon: time-outs are waited for in earnest.
    fn impatient_client(&self) -> Client {
        let options = Options { timeout: Duration::from_secs(1), ..self.options() };
        self.client_with(options, fixed(KEY_ID, KEY_SECRET))
    }

    fn client_with(&self, options: Options, source: CredentialSource) -> Client {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Client::new(options, source, clock).expect("make a client")
    }

    fn list(&self, client: &Client) -> Result<Vec<Record>, Error> {
        self.runtime.block_on(client.list_records(&domain()))
    }

    fn add(&self, client: &Client, fields: &RecordFields) -> Result<RecordId, Error> {
        self.runtime.block_on(client.add_record(&domain(), fields))
    }

    fn update(&self, client: &Client, id: &RecordId, fields: &RecordFields) -> Result<(), Error> {
        self.runtime.block_on(client.update_record(&domain(), id, fields))
    }

    fn delete(&self, client: &Client, id: &RecordId) -> Result<(), Error> {
        self.runtime.block_on(client.delete_record(id))
    }

    #[track_caller]
    fn holds(&self, lines: &[&str]) {
        assert_eq!(self.fake.lines("example.com"), lines);
    }
}

fn domain() -> Name {
    Name::parse("example.com.").expect("a name")
}

fn fixed(id: &str, secret: &str) -> CredentialSource {
    CredentialSource::Fixed(Credentials {
        access_key_id: id.to_owned(),
        access_key_secret: Secret::new(secret),
        security_token: None,
        expires: None,
    })
}

fn record(rr: &str, record_type: &str, ttl: u32, value: &str) -> RecordFields {
    RecordFields {
        rr: rr.to_owned(),
        record_type: record_type.to_owned(),
        line: "default".to_owned(),
        value: value.to_owned(),
        ttl,
        priority: None,
    }
}

const BOTH: [SignatureVersion; 2] = [SignatureVersion::V1, SignatureVersion::V3];
