//! The source that is an API server: lists and watches of three kinds, and a probe.
//!
//! ```text
//!             .------------- session: client, epoch, lineage -------------.
//!             |                                                            v
//!  [ prober ] -- probes, access --> [ engine ] <-- lists, events -- [ reflector ] x 3
//!             ^---------------- something failed ---------------------------'
//! ```
//!
//! kube's own watcher is not used: it keeps its resourceVersion to itself. So it resumes, silently
//! and for ever, on a cluster that has taken another's place, and it can be reopened only by
//! listing everything anew.

mod request;
mod list;
mod verify;
mod backoff;
mod door;
mod prober;
mod reflector;

use std::sync::Arc;

use clusters::Access;
use kube::Client;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::engine::SourceControl;
use crate::event::Listener;
use crate::object::{EndpointSlice, Kind, Node, Service};
use crate::start::{self, Start};

use door::Door;
use prober::Prober;
use reflector::Reflector;

/// What all requests are made with. Every new value means: open anew.
#[derive(Clone, Default)]
pub(crate) struct Session {
    /// None while the cluster's entry cannot be used.
    client: Option<Client>,
    epoch: u64,
    /// Grows when another cluster is accepted: positions in the history of the one before are void.
    lineage: u64,
}

struct Control {
    session: Arc<watch::Sender<Session>>,
    door: Arc<Door>,
}

pub(crate) fn spawn(access: Access, start: Start<impl Listener>, tasks: &mut JoinSet<()>) {
    let (inputs, inbox) = start::inputs();
    let session = Arc::new(watch::Sender::new(Session::default()));
    let poke = Arc::new(Notify::new());
    let door = Arc::new(Door::new(start.memory.uid.clone()));

    let reflector = || Reflector {
        session: session.subscribe(),
        inputs: inputs.clone(),
        door: door.clone(),
        reader: start.reader.clone(),
        poke: poke.clone(),
    };
    let mut watched = vec![Kind::Service, Kind::EndpointSlice];
    tasks.spawn(reflector().run::<Service>());
    tasks.spawn(reflector().run::<EndpointSlice>());
    if start.are_nodes_read {
        watched.push(Kind::Node);
        tasks.spawn(reflector().run::<Node>());
    }
    let prober = Prober { access, session: session.clone(), inputs, poke };
    tasks.spawn(prober.run());
    start.engine(Control { session, door }, &watched, inbox, tasks);
}

// === impl Control ===

impl SourceControl for Control {
    fn reopen(&mut self) {
        self.session.send_modify(|session| session.epoch += 1);
    }

    fn accept(&mut self) -> u64 {
        self.door.forget();
        self.session.send_modify(|session| session.lineage += 1);
        self.session.borrow().lineage
    }
}
