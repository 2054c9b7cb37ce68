//! ExternalDNS's webhook server behind a layer that holds each call against the protocol's description:
//! before its in-memory provider, which says itself what it holds, and before its provider of dynamic
//! updates, where dig reads and nsupdate writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Name;
use providers::Provider;
use providers::webhook::{Client, Options, WebhookUrl, WebhookZone};
use serde_json::json;

use super::{Connect, Faulty, Judge, parts};
use crate::external_dns::{Backend, Webhook, endpoint};
use crate::fakes::clock::VirtualClock;
use crate::name_server::{NameServer, Software, ZONE};
use crate::webhook::{APPLY, Fault, StrictWebhook};

pub struct WebhookJudge {
    webhook: StrictWebhook,
    clock: Arc<VirtualClock>,
}

pub struct WebhookBeforeBindJudge {
    server: NameServer,
    webhook: WebhookJudge,
}

// === impl WebhookJudge ===

impl WebhookJudge {
    fn before(backend: Backend<'_>, clock: Arc<VirtualClock>) -> Self {
        Self { webhook: StrictWebhook::before(Webhook::start(backend, ZONE)), clock }
    }

    fn connect_to(&self, zone: &'static str) -> Connect {
        let url = format!("http://127.0.0.1:{}", self.webhook.port());
        let url = WebhookUrl::parse(&url).expect("a URL");
        let clock = Arc::clone(&self.clock);
        Box::new(move || {
            Box::pin(async move {
                let client = Client::new(Options { url, ..Options::default() }, clock)?;
                let zone = Name::parse(zone).expect("a name");
                let provider = WebhookZone::connect(Arc::new(client), &zone, None).await?;
                Ok(Arc::new(provider) as Arc<dyn Provider>)
            })
        })
    }
}

impl Judge for WebhookJudge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        Self::before(Backend::Memory { zone: ZONE }, clock)
    }

    fn zone(&self) -> Name {
        Name::parse(ZONE).expect("a name")
    }

    fn connect(&self) -> Connect {
        self.connect_to(ZONE)
    }

    fn connect_elsewhere(&self) -> Connect {
        self.connect_to("example.org")
    }

    fn records(&self) -> Vec<String> {
        assert_eq!(self.webhook.violations(), [""; 0]);
        self.webhook.server.records()
    }

    fn put(&self, lines: &[&str]) {
        let mut sets: BTreeMap<[&str; 3], Vec<&str>> = BTreeMap::new();
        for [name, ttl, record_type, value] in lines.iter().map(|line| parts(line)) {
            // Names without their final dot, as ExternalDNS writes them.
            let value = if record_type == "CNAME" { value.trim_end_matches('.') } else { value };
            sets.entry([name.trim_end_matches('.'), ttl, record_type]).or_default().push(value);
        }
        let sets = sets.into_iter().map(|([name, ttl, record_type], values)| {
            endpoint(name, record_type, ttl.parse().expect("a TTL"), &values)
        });
        self.webhook.server.change(&json!({ "create": sets.collect::<Vec<_>>() }));
    }

    fn writes(&self) -> usize {
        self.webhook.count(APPLY)
    }

    fn calls(&self) -> usize {
        self.webhook.calls()
    }
}

impl Faulty for WebhookJudge {
    fn throttle(&self) {
        self.webhook.inject(APPLY, [429, 503, 429].map(Fault::Status));
    }

    fn lose_answer(&self) {
        self.webhook.inject(APPLY, [Fault::CloseAfter]);
    }
}

// === impl WebhookBeforeBindJudge ===

impl Judge for WebhookBeforeBindJudge {
    fn start(clock: Arc<VirtualClock>) -> Self {
        let server = NameServer::start(Software::Bind, "");
        let webhook = WebhookJudge::before(Backend::NameServer(&server), clock);
        Self { server, webhook }
    }

    fn zone(&self) -> Name {
        self.webhook.zone()
    }

    fn connect(&self) -> Connect {
        self.webhook.connect()
    }

    fn connect_elsewhere(&self) -> Connect {
        self.webhook.connect_elsewhere()
    }

    fn records(&self) -> Vec<String> {
        self.server.records()
    }

    fn put(&self, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| format!("update add {line}")).collect();
        self.server.update(&lines.join("\n"));
    }

    fn writes(&self) -> usize {
        self.webhook.writes()
    }

    fn calls(&self) -> usize {
        self.webhook.calls()
    }
}

impl Faulty for WebhookBeforeBindJudge {
    fn throttle(&self) {
        self.webhook.throttle();
    }

    fn lose_answer(&self) {
        self.webhook.lose_answer();
    }
}
