//! An engine between a source and a listener that are both played by the test.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use model::Observed;

use super::*;
use crate::index::IndexOptions;
use crate::manifests::parse_yaml;
use crate::memory::Saved;
use crate::reading::Reader;
use crate::resolver::{Resolver, ResolverSettings};

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(20);

struct Control {
    reopened: Arc<AtomicU32>,
    lineage: u64,
    accepted: mpsc::UnboundedSender<()>,
}

impl SourceControl for Control {
    fn reopen(&mut self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    fn accept(&mut self) -> u64 {
        self.lineage += 1;
        self.accepted.send(()).unwrap();
        self.lineage
    }
}

struct Fixture {
    inputs: mpsc::Sender<Told>,
    accepts: mpsc::Sender<()>,
    accepted: mpsc::UnboundedReceiver<()>,
    events: mpsc::Receiver<ClusterEvent>,
    status: SharedStatus,
    reopened: Arc<AtomicU32>,
    reader: Reader,
    _task: tokio::task::JoinHandle<()>,
}

fn service(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

impl Fixture {
    fn start() -> Self {
        let resolver = Resolver::new(&ResolverSettings::default());
        let reopened = Arc::<AtomicU32>::default();
        let (sender, accepted) = mpsc::unbounded_channel();
        let control = Control { reopened: reopened.clone(), lineage: 0, accepted: sender };
        let (inputs, inbox) = mpsc::channel(64);
        let (accepts, accept_inbox) = mpsc::channel(1);
        let (sender, events) = mpsc::channel(1);
        let status = SharedStatus::default();
        let engine = Engine {
            cluster: ClusterName::new("here"),
            index: Index::new(IndexOptions::default(), Saved::default()),
            tracker: FreshnessTracker::new(&Kind::ALL, None),
            control,
            lineage: 0,
            subscription: resolver.subscribe(),
            listener: sender,
            status: status.clone(),
            outbox: Outbox::default(),
        };
        let _task = tokio::spawn(engine.run(inbox, accept_inbox));
        let reader = Reader::new(Arc::default());
        Self { inputs, accepts, accepted, events, status, reopened, reader, _task }
    }

    /// Listed with one Service, watched and probed.
    async fn live() -> Self {
        let mut fixture = Self::start();
        fixture.list(0, &service("192.0.2.1")).await;
        fixture.expect("view 192.0.2.1").await;
        fixture.tell(0, Input::Probed(Ok(()))).await;
        fixture.expect("live").await;
        fixture
    }

    async fn tell(&self, lineage: u64, input: Input) {
        self.inputs.send(Told { lineage, input }).await.unwrap();
    }

    async fn list(&self, lineage: u64, text: &str) {
        for kind in Kind::ALL {
            let readings = self.read(text).into_iter().filter(|reading| reading.key.kind == kind);
            let readings = readings.collect();
            self.tell(lineage, Input::Replace { kind, readings }).await;
            self.tell(lineage, Input::WatchRuns(kind)).await;
        }
    }

    async fn apply(&self, lineage: u64, text: &str) -> Instant {
        let received = Instant::now();
        for reading in self.read(text) {
            self.tell(lineage, Input::Apply { reading, received }).await;
        }
        received
    }

    fn read(&self, text: &str) -> Vec<Reading> {
        parse_yaml(text).iter().map(|object| self.reader.read(object)).collect()
    }

    async fn next(&mut self) -> ClusterEvent {
        tokio::time::timeout(LIMIT, self.events.recv()).await.unwrap().unwrap()
    }

    #[track_caller]
    fn expect(&mut self, expect: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move { assert_eq!(told(self.next().await.change), expect, "{place}") }
    }
}

fn told(change: ClusterChange) -> String {
    let shard = |observed: Option<&Observed>| match observed {
        Some(Observed::Shard(shard)) => {
            let addresses = shard.addresses.iter().map(IpAddr::to_string);
            addresses.collect::<Vec<_>>().join(" ")
        }
        Some(Observed::LeftOut(reason)) => reason.to_string(),
        None => "gone".to_owned(),
    };
    match change {
        ClusterChange::View(view) => {
            let services = view.services.values().map(|observed| shard(Some(observed)));
            format!("view {}", services.collect::<Vec<_>>().join(", "))
        }
        ClusterChange::Service(_, observed) => shard(observed.as_ref()),
        ClusterChange::Freshness(Freshness::Live) => "live".to_owned(),
        ClusterChange::Freshness(Freshness::Stale { reason, .. }) => reason.to_string(),
        other => format!("{other:?}"),
    }
}

fn lost() -> Failure {
    Failure::Unreachable("lost".to_owned())
}

#[tokio::test]
async fn a_cluster_is_live_after_its_view_and_a_good_probe() {
    let mut fixture = Fixture::start();
    fixture.tell(0, Input::Probed(Ok(()))).await;
    fixture.list(0, &service("192.0.2.1")).await;
    fixture.expect("view 192.0.2.1").await;
    fixture.expect("live").await;
}

#[tokio::test]
async fn a_cluster_that_is_not_there_at_the_start_says_why_and_heals() {
    let mut fixture = Fixture::start();
    fixture.tell(0, Input::Probed(Err(lost()))).await;
    fixture.expect("Unreachable: lost").await;
    fixture.tell(0, Input::Probed(Ok(()))).await;
    fixture.list(0, &service("192.0.2.1")).await;
    fixture.expect("view 192.0.2.1").await;
    fixture.expect("live").await;
    assert_eq!(fixture.reopened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn while_nobody_takes_events_a_service_that_changes_is_told_once() {
    let mut fixture = Fixture::live().await;
    // The first fills the channel.
    fixture.apply(0, &service("192.0.2.2")).await;
    let other = service("192.0.2.9").replace("web", "shop");
    fixture.apply(0, &other).await;
    for last in 3..=50 {
        fixture.apply(0, &service(&format!("192.0.2.{last}"))).await;
    }
    // An answer shows that everything before it has been taken in.
    let (reply, answer) = oneshot::channel();
    fixture.tell(0, Input::Compare { kind: Kind::Service, readings: Vec::new(), reply }).await;
    assert_eq!(answer.await.unwrap().missing.len(), 2);
    fixture.expect("192.0.2.2").await;
    fixture.expect("192.0.2.9").await;
    fixture.expect("192.0.2.50").await;
}

#[tokio::test]
async fn an_event_tells_when_its_cause_was_read() {
    let mut fixture = Fixture::live().await;
    // Changes nothing, and so must not count as the cause of what comes later.
    fixture.apply(0, &service("192.0.2.1")).await;
    let received = fixture.apply(0, &service("192.0.2.2")).await;
    assert_eq!(fixture.next().await.received, received);
}

#[tokio::test]
async fn another_cluster_is_taken_in_one_step_once_it_is_accepted() {
    let mut fixture = Fixture::live().await;
    let changed = Trouble::ClusterChanged("b".to_owned());
    fixture.tell(0, Input::WatchFails(Kind::Service, changed)).await;
    fixture.expect("ClusterChanged: b").await;
    fixture.accepts.send(()).await.unwrap();
    fixture.accepted.recv().await.unwrap();
    // Something of the cluster before may still be on its way.
    fixture.apply(0, &service("192.0.2.66")).await;
    fixture.list(1, &service("198.51.100.1")).await;
    fixture.apply(0, &service("192.0.2.77")).await;
    fixture.expect("view 198.51.100.1").await;
    fixture.expect("live").await;
}

#[tokio::test]
async fn without_another_cluster_there_is_nothing_to_accept() {
    let mut fixture = Fixture::live().await;
    fixture.accepts.send(()).await.unwrap();
    fixture.apply(0, &service("192.0.2.2")).await;
    fixture.expect("192.0.2.2").await;
}

#[tokio::test]
async fn what_is_to_be_remembered_is_shown() {
    let mut fixture = Fixture::start();
    fixture.tell(0, Input::Identified("u1".to_owned())).await;
    fixture.tell(0, Input::Probed(Ok(()))).await;
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n, labels: {topology.kubernetes.io/region: r}}\n";
    fixture.list(0, node).await;
    fixture.expect("view ").await;
    fixture.expect("live").await;
    let memory = fixture.status.lock().unwrap().memory.clone();
    assert_eq!(memory.uid.as_deref(), Some("u1"));
    assert_eq!(memory.locations.len(), 1);
}

#[tokio::test]
async fn an_engine_ends_when_nobody_listens_any_more() {
    let fixture = Fixture::live().await;
    drop(fixture.events);
    let reading = fixture.reader.read(&parse_yaml(&service("192.0.2.2"))[0]);
    let input = Input::Apply { reading, received: Instant::now() };
    fixture.inputs.send(Told { lineage: 0, input }).await.unwrap();
    assert!(tokio::time::timeout(LIMIT, fixture.inputs.closed()).await.is_ok());
}
