//! A bare watch of one Service: the least that anybody who follows an API server needs.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tests::kubeconfig::Context;

use crate::api::{builder, connect, runtime};

/// Longer than any event takes that is not a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watch on a thread and a connection of its own. It ends with its API server.
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
        thread::spawn(move || runtime().block_on(follow(&context, &path, &sender)));
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

/// Ends when the server or the receiver does.
async fn follow(context: &Context, path: &str, events: &mpsc::Sender<Event>) {
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
            if events.send(Event { addresses: addresses(&event), at }).is_err() {
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
