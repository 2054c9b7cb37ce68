//! The least that anybody needs who brings objects to several clusters: it knows what is to be written,
//! watches nothing, and compares nothing.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use tests::kubeconfig::Context;

use crate::api::Api;

/// Connections that make objects in the federation.
const CREATORS: usize = 4;
/// Connections to the federation that add finalizers, and to each member.
const WRITERS: usize = 8;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const FINALIZER: &str = "fedns.io/propagated";
/// Keeps fedns from bringing it anywhere.
const LOCAL: &str = "fedns.io/local";

/// As a user makes it in a federation.
pub fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
        "data": {"color": "blue", "settings": "x".repeat(512)}})
}

/// One connection to each member.
pub struct AtOnce {
    members: Vec<Api>,
}

// === impl AtOnce ===

impl AtOnce {
    pub fn new(members: &[Context]) -> Self {
        Self { members: members.iter().cloned().map(Api::new).collect() }
    }

    /// Writes the copies of one object, all at the same time; tells when it began.
    pub fn apply(&mut self, name: &str) -> Instant {
        let (path, object) = (path(name), copy(name));
        let begun = Instant::now();
        thread::scope(|scope| {
            for member in &mut self.members {
                scope.spawn(|| member.apply(&path, &object));
            }
        });
        begun
    }
}

/// Makes objects `PREFIX0`, `PREFIX1` … on a few connections; returns when the first was sent.
pub fn create_all(federation: &Context, prefix: &str, count: usize) -> Instant {
    let begun = Instant::now();
    create(federation, prefix, count, false, |_| ());
    begun
}

/// Makes the same objects, gives each a finalizer, and then writes it to all members.
pub fn bring_all(federation: &Context, members: &[Context], prefix: &str, count: usize) -> Instant {
    let begun = Instant::now();
    let (made, to_finalize) = channel();
    let (tell, to_copy): (Vec<_>, Vec<_>) = members.iter().map(|_| channel::<String>()).unzip();
    let to_finalize = Mutex::new(to_finalize);
    let to_copy: Vec<_> = to_copy.into_iter().map(Mutex::new).collect();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            let tell = tell.clone();
            let to_finalize = &to_finalize;
            scope.spawn(move || {
                let mut api = Api::new(federation.clone());
                while let Some(name) = next(to_finalize) {
                    api.add_finalizer(&path(&name), FINALIZER);
                    for member in &tell {
                        member.send(name.clone()).expect("a member's writers wait");
                    }
                }
            });
        }
        drop(tell);
        for (member, to_copy) in members.iter().zip(&to_copy) {
            for _ in 0..WRITERS {
                scope.spawn(move || {
                    let mut api = Api::new(member.clone());
                    while let Some(name) = next(to_copy) {
                        api.apply(&path(&name), &copy(&name));
                    }
                });
            }
        }
        create(federation, prefix, count, true, |name| {
            made.send(name).expect("somebody adds finalizers");
        });
        drop(made);
    });
    begun
}

fn create(
    federation: &Context,
    prefix: &str,
    count: usize,
    is_local: bool,
    made: impl Fn(String) + Sync,
) {
    thread::scope(|scope| {
        for creator in 0..CREATORS {
            let made = &made;
            scope.spawn(move || {
                let mut api = Api::new(federation.clone());
                for number in (creator..count).step_by(CREATORS) {
                    let name = format!("{prefix}{number}");
                    let mut object = config_map(&name);
                    if is_local {
                        object["metadata"]["labels"] = json!({ LOCAL: "true" });
                    }
                    api.create(CONFIG_MAPS, &object);
                    made(name);
                }
            });
        }
    });
}

/// `None` when there is no more to come.
fn next(names: &Mutex<Receiver<String>>) -> Option<String> {
    names.lock().expect("nobody panics with it").recv().ok()
}

fn path(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

/// As fedns writes it.
fn copy(name: &str) -> Value {
    let mut copy = config_map(name);
    copy["metadata"]["namespace"] = json!("default");
    copy["metadata"]["labels"] = json!({"fedns.io/federation": "fed"});
    copy
}
