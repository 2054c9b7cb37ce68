//! Bare watches: the least that anybody who follows an API server needs.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tests::kubeconfig::Context;

use crate::api::{builder, connect, runtime};

/// Longer than any event takes that is not a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// In the place of a name: the end of what stood there before.
const BOOKMARK: &str = "";

/// A watch of one Service, on a thread and a connection of its own. It ends with its API server.
pub struct BareWatch {
    events: mpsc::Receiver<Event>,
}

struct Event {
    addresses: Vec<Ipv4Addr>,
    /// When the event's bytes were read, before anything was made of them.
    at: Instant,
}

impl BareWatch {
    /// Watches a Service of the default namespace; returns with the first event.
    pub fn start(context: Context, service: &str) -> Self {
        let path = format!(
            "/api/v1/namespaces/default/services?watch=true&fieldSelector=metadata.name%3D{service}"
        );
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(follow(&context, &path, |event, at| {
                sender.send(Event { addresses: addresses(event), at }).ok()
            }));
        });
        events.recv_timeout(PATIENCE).expect("a watch begins with the object as it is");
        Self { events }
    }

    /// When the event came that gave the Service `address`.
    pub fn until(&self, address: Ipv4Addr) -> Instant {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the watch goes on");
            if event.addresses.contains(&address) {
                return event.at;
            }
        }
    }
}

/// Every ConfigMap of the default namespace that comes to be, by its name.
pub struct NewConfigMaps {
    events: mpsc::Receiver<(String, Instant)>,
}

// === impl NewConfigMaps ===

impl NewConfigMaps {
    /// Watches from now on; returns when what there is has come.
    pub fn start(context: Context) -> Self {
        // A bookmark ends the list that the watch begins with.
        let path = "/api/v1/namespaces/default/configmaps?watch=true&sendInitialEvents=true\
                    &allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(follow(&context, path, |event, at| {
                let name = match event["type"].as_str() {
                    Some("ADDED") => event["object"]["metadata"]["name"].as_str()?,
                    Some("BOOKMARK") => BOOKMARK,
                    _ => return Some(()),
                };
                sender.send((name.to_owned(), at)).ok()
            }));
        });
        let watch = Self { events };
        watch.until(BOOKMARK);
        watch
    }

    /// When the one with this name came; those that came before it are forgotten.
    pub fn until(&self, name: &str) -> Instant {
        loop {
            let (found, at) = self.events.recv_timeout(PATIENCE).expect("the watch goes on");
            if found == name {
                return at;
            }
        }
    }

    /// When so many had come whose name begins so.
    pub fn until_all(&self, prefix: &str, count: usize) -> Instant {
        let mut names = BTreeSet::new();
        loop {
            let (found, at) = self.events.recv_timeout(PATIENCE).expect("the watch goes on");
            if found.starts_with(prefix) {
                names.insert(found);
            }
            if names.len() == count {
                return at;
            }
        }
    }
}

/// Reads events until the server ends, or `take` does by answering `None`.
async fn follow(context: &Context, path: &str, take: impl Fn(&Value, Instant) -> Option<()>) {
    let mut sender = connect(context).await.expect("the API server is there");
    let request = builder(context, path).body(Full::default()).expect("a well-formed request");
    let answer = sender.send_request(request).await.expect("the API server answers");
    assert!(answer.status().is_success(), "watch: {}", answer.status());
    let mut body = answer.into_body();
    let mut line = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let at = Instant::now();
        line.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let rest = line.split_off(end + 1);
            let event = serde_json::from_slice(&line).expect("each line is an event");
            line = rest;
            if take(&event, at).is_none() {
                return;
            }
        }
    }
}

fn addresses(event: &Value) -> Vec<Ipv4Addr> {
    let ingress = event["object"]["status"]["loadBalancer"]["ingress"].as_array();
    let ips = ingress.into_iter().flatten().filter_map(|entry| entry["ip"].as_str()?.parse().ok());
    ips.collect()
}
