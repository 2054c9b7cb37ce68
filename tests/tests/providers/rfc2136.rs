use std::sync::Arc;

use model::{Level, Name, Rdata, RecordSet, RecordType, UnixTime};
use providers::provider::{Failure, FailureKind, Limits};
use providers::rfc2136::key_file::read_key_file;
use providers::rfc2136::{Client, Rfc2136Zone, Server, Timeouts};
use providers::sync::change::{Change, ChangeKind, Role, SetChange};
use providers::{Clock, Provider, SystemClock};
use tests::eventually::GENEROUS;
use tests::fakes::clock::VirtualClock;
use tests::name_server::{Key, NameServer, Software, ZONE};
use tests::suite::Test;

/// Changes: all or none, and never over what others changed.
mod changes;

/// Keys, rights and clocks that are wrong, and what each server says of them.
mod refusals;

pub(super) fn tests() -> Vec<Test> {
    changes::tests().into_iter().chain(refusals::tests()).collect()
}

/// A name server and our client of its zone.
struct Fixture {
    server: NameServer,
    provider: Rfc2136Zone,
    runtime: tokio::runtime::Runtime,
}

impl Fixture {
    fn new(software: Software, records: &str) -> Self {
        Self::with(NameServer::start(software, records), Key::Fed, Arc::new(SystemClock))
    }

    fn with(server: NameServer, key: Key, clock: Arc<dyn Clock>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("make a runtime");
        let provider = provider(&client(&server, key, clock));
        Self { server, provider, runtime }
    }

    fn list(&self) -> Vec<String> {
        let sets = self.runtime.block_on(self.provider.list()).expect("a list");
        let lines = sets.iter().filter_map(|set| Some((&set.name, set.records()?)));
        let lines = lines.flat_map(|(name, set)| {
            set.value_texts().map(move |it| format!("{name} {} {} {it}", set.ttl, set.record_type))
        });
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    }

    fn apply(&self, changes: &[Change]) -> Result<(), Failure> {
        self.runtime.block_on(self.provider.apply(changes))
    }

    #[track_caller]
    fn is_moved(&self, changes: &[Change]) {
        let failure = self.apply(changes).expect_err("the prerequisite does not hold");
        assert_eq!(failure.kind, FailureKind::Moved, "{failure}");
    }

    fn limits(&self) -> Result<Limits, Failure> {
        self.runtime.block_on(self.provider.limits())
    }
}

fn client(server: &NameServer, key: Key, clock: Arc<dyn Clock>) -> Arc<Client> {
    let key = read_key_file(&server.key_file(key)).expect("the harness writes keys");
    let address = Server { host: "127.0.0.1".into(), port: server.port() };
    // A machine that compiles beside it is slow.
    let timeouts = Timeouts { connect: GENEROUS, message: GENEROUS };
    Arc::new(Client::new(address, key, clock).with_timeouts(timeouts))
}

fn provider(client: &Arc<Client>) -> Rfc2136Zone {
    let zone = name(ZONE);
    Rfc2136Zone::new(Arc::clone(client), zone.clone(), &zone)
}

/// Some minutes away from the machine's clock.
fn clock_off_by(minutes: i64) -> Arc<dyn Clock> {
    let UnixTime(now) = SystemClock.unix();
    Arc::new(VirtualClock::new(now.saturating_add_signed(minutes * 60)))
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// `text` is below the zone.
fn at(text: &str) -> Name {
    Name::parse_relative(text, &name(ZONE)).expect("a name")
}

fn a(addresses: &[&str]) -> Option<RecordSet> {
    let values = addresses.iter().map(|it| Rdata::a(it.parse().expect("an address")));
    RecordSet::new(RecordType::A, 180, values)
}

fn cname(target: &str) -> Option<RecordSet> {
    Some(RecordSet::single(RecordType::CNAME, 180, Rdata::name(&at(target))))
}

fn txt(text: &str) -> Option<RecordSet> {
    Some(RecordSet::single(RecordType::TXT, 180, providers::txt::rdata(text.as_bytes())))
}

fn set(name: &Name, before: Option<RecordSet>, after: Option<RecordSet>) -> SetChange {
    let record_type = before.as_ref().or(after.as_ref()).expect("a side").record_type;
    let role = if record_type == RecordType::TXT { Role::Marker } else { Role::Data };
    SetChange { name: name.clone(), record_type, role, before, after }
}

fn change(name: &str, sets: Vec<(Option<RecordSet>, Option<RecordSet>)>) -> Change {
    let name = at(name);
    let sets = sets.into_iter().map(|(before, after)| set(&name, before, after)).collect();
    Change { name, level: Level::Global, kind: ChangeKind::Update, sets }
}
