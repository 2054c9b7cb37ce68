use tests::suite::Test;

/// Clusters that are folders of manifests.
pub(crate) mod folder;

/// The start: ports, locks, what is said, and what is answered before anything is known.
mod start;

/// The end: a signal, and what goes on until then.
mod stop;

/// A config that changes while it is served.
mod reload;

/// A reload that is looked at as a whole before anything changes, and may be held.
mod held;

/// Who is answered over DNS, and what is told besides the zones.
mod clients;

/// What the admin address shows.
mod pages;

/// What systemd passes and is told, and the rights that are given up.
mod service_manager;

/// `/metrics`, read as strictly as the format is written.
mod metrics;

/// What counts in a manifest folder, and what removes an address.
mod manifests;

pub(crate) fn tests() -> Vec<Test> {
    [
        start::tests(),
        stop::tests(),
        reload::tests(),
        held::tests(),
        clients::tests(),
        pages::tests(),
        metrics::tests(),
        service_manager::tests(),
        manifests::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
