//! BIND, Knot DNS and PowerDNS; dig reads and nsupdate writes.

use std::sync::Arc;

use model::Name;
use providers::Provider;
use providers::rfc2136::key_file::read_key_file;
use providers::rfc2136::{Client, Rfc2136Zone, Server, Timeouts};

use super::{Connect, Faulty, Judge};
use crate::eventually::GENEROUS;
use crate::fakes::clock::VirtualClock;
use crate::name_server::{Key, NameServer, Software, ZONE};
use crate::relay::{Relay, UpdateFault};

/// A server, with a relay before it.
struct Relayed {
    server: NameServer,
    relay: Relay,
}

pub struct BindJudge(Relayed);
pub struct KnotJudge(Relayed);
pub struct PowerDnsJudge(Relayed);

// === impl Relayed ===

impl Relayed {
    fn start(software: Software) -> Self {
        let server = NameServer::start(software, "");
        let relay = Relay::start(server.port());
        Self { server, relay }
    }

    /// Signatures say when they were made, so the clock is the machine's own.
    fn connect(&self, zone: Option<&'static str>) -> Connect {
        let key = read_key_file(&self.server.key_file(Key::Fed)).expect("the harness writes keys");
        let address = Server { host: "127.0.0.1".into(), port: self.relay.port() };
        Box::new(move || {
            Box::pin(async move {
                let timeouts = Timeouts { connect: GENEROUS, message: GENEROUS };
                let client = Client::new(address, key, Arc::new(providers::SystemClock));
                let client = client.with_timeouts(timeouts);
                let own = Name::parse(ZONE).expect("a name");
                let zone = match zone {
                    Some(zone) => {
                        Rfc2136Zone::find(&client, &Name::parse(zone).expect("a name")).await?
                    }
                    None => own,
                };
                let provider = Rfc2136Zone::new(Arc::new(client), zone.clone(), &zone);
                Ok(Arc::new(provider) as Arc<dyn Provider>)
            })
        })
    }

    fn put(&self, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| format!("update add {line}")).collect();
        self.server.update(&lines.join("\n"));
    }
}

macro_rules! judge {
    ($judge:ident, $software:ident) => {
        impl Judge for $judge {
            fn start(_: Arc<VirtualClock>) -> Self {
                Self(Relayed::start(Software::$software))
            }

            fn zone(&self) -> Name {
                Name::parse(ZONE).expect("a name")
            }

            fn connect(&self) -> Connect {
                self.0.connect(None)
            }

            fn connect_elsewhere(&self) -> Connect {
                self.0.connect(Some("example.org"))
            }

            fn records(&self) -> Vec<String> {
                self.0.server.records()
            }

            fn put(&self, lines: &[&str]) {
                self.0.put(lines);
            }

            fn writes(&self) -> usize {
                self.0.relay.updates()
            }

            fn calls(&self) -> usize {
                self.0.relay.messages()
            }
        }

        impl Faulty for $judge {
            /// A name server has no word for it but silence.
            fn throttle(&self) {
                self.0.relay.inject([UpdateFault::CloseBefore; 3]);
            }

            fn lose_answer(&self) {
                self.0.relay.inject([UpdateFault::CloseAfter]);
            }
        }
    };
}

judge!(BindJudge, Bind);
judge!(KnotJudge, Knot);
judge!(PowerDnsJudge, PowerDns);
