//! Prints what a watcher tells of one cluster.
//!
//! `cargo run -p watcher --example watch -- CONTEXT [KUBECONFIG]`, or `-- FOLDER/`

use std::sync::Arc;
use std::time::Instant;

use clusters::{Cluster, KubeconfigAccess, Source};
use model::{ClusterChange, ClusterName, Observed};
use tokio::sync::mpsc;
use watcher::{Resolver, ResolverSettings, Saved, ServiceSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(place) = arguments.next() else {
        println!("usage: watch CONTEXT [KUBECONFIG] | watch FOLDER/");
        return Ok(());
    };
    let source = match place.ends_with('/') {
        true => Source::Manifests(std::path::absolute(&place)?),
        false => Source::ApiServer(
            KubeconfigAccess {
                path: arguments.next().map(std::path::absolute).transpose()?,
                context: Some(place.clone()),
            }
            .into(),
        ),
    };
    let cluster = Cluster { name: ClusterName::new(&place), source, topology: None, uid: None };
    let resolver: Arc<Resolver> = Resolver::new(&ResolverSettings::default());
    let (sender, mut events) = mpsc::channel(64);
    let settings = ServiceSettings::default();
    let handle = watcher::start(cluster, settings, Saved::default(), &resolver, sender);
    let start = Instant::now();
    let mut accept = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())?;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    let age = event.received.elapsed();
                    print!("{:9.3} {:5}us ", start.elapsed().as_secs_f64(), age.as_micros());
                    print(event.change);
                }
                None => return Ok(()),
            },
            _ = accept.recv() => println!("accept: {}", handle.accept()),
            _ = tokio::signal::ctrl_c() => break,
        }
        for problem in handle.problems().lines() {
            println!("problem: {problem}");
        }
    }
    println!("{:?}", handle.memory());
    Ok(())
}

fn print(change: ClusterChange) {
    match change {
        ClusterChange::View(view) => {
            println!("View: {} services, {:?}", view.services.len(), view.topology);
            for (key, observed) in view.services.into_iter().take(20) {
                println!("    {key}: {}", tell(Some(&observed)));
            }
        }
        ClusterChange::Service(key, observed) => println!("{key}: {}", tell(observed.as_ref())),
        other => println!("{other:?}"),
    }
}

fn tell(observed: Option<&Observed>) -> String {
    match observed {
        None => "gone".to_owned(),
        Some(Observed::LeftOut(reason)) => format!("left out: {reason}"),
        Some(Observed::Shard(shard)) => {
            format!("{:?} {} {:?}", shard.addresses, shard.health, shard.notes)
        }
    }
}
